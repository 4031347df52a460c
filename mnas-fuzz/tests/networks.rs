//! Specs of the default seed, compiled, run on every instruction set of the machine and held against the reference.

use mnas_codegen::machine::Isa;
use mnas_fuzz::check::{Builds, Failure, Settings, check};
use mnas_fuzz::program::Rustc;
use mnas_fuzz::{Case, draw};

/// Enough that every pair of values occurs in them, and some more.
const SPECS: usize = 200;

/// Specs that are compiled with optimisation.
const OPTIMISED: usize = 12;

/// The specs to check: all of them with `MNAS_NIGHT`, otherwise the part of `parts` that `MNAS_SEED` chooses. A part is
/// made of blocks of `block` specs, because the place in a block decides what a spec is compiled for.
fn chosen(cases: Vec<Case>, parts: usize, block: usize) -> Vec<Case> {
    if std::env::var_os("MNAS_NIGHT").is_some() {
        return cases;
    }
    let seed = std::env::var("MNAS_SEED").map_or(0, |text| text.parse::<usize>().expect("MNAS_SEED is a number"));
    let blocks = cases.chunks(block).enumerate();
    blocks.filter(|(number, _)| number % parts == seed % parts).flat_map(|(_, block)| block.to_vec()).collect()
}

fn assert_right(cases: &[Case], settings: &Settings) {
    assert!(!settings.to_run.is_empty());
    let failures = check(cases, settings, &|_, _| {}).expect("rustc runs");
    let show = |failure: &Failure| {
        let case = &cases[failure.index];
        let isas: Vec<&str> = failure.variant.isas.iter().map(|isa| isa.name).collect();
        format!(
            "{}\nin code for {isas:?}, checked: {}, caches of {:?} bytes, seed {}:\n{}",
            failure.finding,
            failure.variant.checked,
            case.l2_bytes,
            case.seed,
            case.spec.to_yaml()
        )
    };
    let shown: Vec<String> = failures.iter().map(show).collect();
    assert!(shown.is_empty(), "{} builds fail\n\n{}", shown.len(), shown.join("\n"));
}

#[test]
fn specs_equal_the_reference() {
    let settings = Settings::default();
    let lacks = |isa: &&Isa| !settings.to_run.contains(isa);
    for isa in settings.in_code.iter().filter(lacks) {
        eprintln!("skipped: this machine has no {}", isa.name);
    }
    let cases = chosen(draw::cases(0, SPECS), 2, 32);
    assert!(cases.len() >= 96, "{}", cases.len());
    assert_right(&cases, &settings);
}

/// As users compile it: what only an optimiser makes of undefined behaviour would show here.
#[test]
fn optimised_specs_equal_the_reference() {
    let rustc = Rustc { opt_level: 3, ..Rustc::default() };
    let cases = chosen(draw::cases(1, OPTIMISED), 3, 1);
    assert_right(&cases, &Settings { rustc, builds: Builds::Plain, ..Settings::default() });
}
