//! The specs of the default seed have every pair of values that a spec can have.

use mnas_codegen::compile::spec_hash;
use mnas_fuzz::cover::{Missing, show};
use mnas_fuzz::draw;
use mnas_fuzz::factors::{self, FACTORS, rows};
use mnas_fuzz::rules::impossible;

#[test]
fn two_hundred_specs_have_every_pair() {
    let mut missing = Missing::all();
    // Of some fourteen thousand pairs one in fifty is ruled out.
    assert!(missing.count() > 10_000, "{}", missing.count());
    for case in draw::cases(0, 200) {
        missing.remove(&rows(&case));
    }
    let left: Vec<String> = missing.list().into_iter().map(show).collect();
    assert!(left.is_empty(), "{} pairs are missing:\n{}", left.len(), left.join("\n"));
}

#[test]
fn impossible_pairs_never_occur() {
    let mut blocks = 0;
    for case in draw::cases(7, 100) {
        let rows = rows(&case);
        assert_eq!(rows.len(), case.spec.blocks.len(), "a block has a value in no list:\n{}", case.spec.to_yaml());
        for row in rows {
            blocks += 1;
            for one in 0..row.len() {
                for other in one + 1..row.len() {
                    let pair = ((one, row[one]), (other, row[other]));
                    let reason = impossible(pair.0, pair.1);
                    assert!(reason.is_none(), "{}: {reason:?}\n{}", show(pair), case.spec.to_yaml());
                }
            }
        }
    }
    assert!(blocks > 150, "{blocks}");
}

/// Rows are read from what a spec means. This is one, read by hand.
#[test]
fn a_row_matches_the_spec() {
    let text = "
name: tiny
input: 9x2x3
padding: symmetric
activation: relu6
squeeze_excite: {rounding: floor, gate: hard_sigmoid}
stem: {op: conv, kernel: 5, stride: 1, filters: 8, activation: swish}
blocks:
  - {op: mbconv, expand: 2.5, kernel: 3, stride: 2, filters: 8, layers: 2, se: 0.25, skip: pool}
head: {classes: 7}
";
    let case = mnas_fuzz::Case::from_yaml(text, "tiny.yaml", Some(4096), 0).unwrap();
    let [row] = rows(&case)[..] else { panic!("one block") };
    let shown: Vec<&str> = row.iter().zip(FACTORS).map(|(value, factor)| factor.values[*value]).collect();
    let expected = [
        "mbconv",
        "3",
        "2",
        "2.5",
        "-",
        "0.25",
        "pool",
        "pool",
        "8",
        "8",
        "2",
        "relu6",
        "linear",
        "odd",
        "2",
        "first",
        "one row",
        "wraps",
        "symmetric",
        "input",
        "floor",
        "the block's",
        "hard_sigmoid",
        "odd",
        "2",
        "3",
        "5",
        "1",
        "swish",
        "plain",
        "-",
        "-",
        "linear",
        "7",
        "4096",
    ];
    assert_eq!(shown, expected);
    assert_eq!(factors::size_class(24), "long even");
}

#[test]
fn a_seed_gives_the_same_specs_and_another_gives_others() {
    let hashes = |seed, count| draw::cases(seed, count).iter().map(|case| spec_hash(&case.spec)).collect::<Vec<_>>();
    let long = hashes(3, 6);
    assert_eq!(hashes(3, 4), long[..4]);
    assert!(hashes(4, 6).iter().all(|hash| !long.contains(hash)));
}
