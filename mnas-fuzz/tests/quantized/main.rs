//! Specs of the default seed as int8 networks with random integers: code on every instruction set of the machine, on one
//! and on several threads, has to give the definition's bytes.

mod faults;
mod planted;
mod source;

use mnas_fuzz::check::{Failure, Settings, check};
use mnas_fuzz::int8::subject::is_supported;
use mnas_fuzz::program::Rustc;
use mnas_fuzz::{Case, draw};

/// Enough that every pair of values occurs in them, and some more.
const SPECS: usize = 200;

/// Specs that are compiled with optimisation.
const OPTIMISED: usize = 12;

/// The specs to check: all of them with `MNAS_NIGHT`, otherwise the part of `parts` that `MNAS_SEED` chooses. A part is
/// made of blocks of `block` specs, because the place in a block decides what a spec is compiled for.
fn chosen(cases: Vec<Case>, parts: usize, block: usize) -> Vec<Case> {
    let at_night = std::env::var_os("MNAS_NIGHT").is_some();
    let seed = std::env::var("MNAS_SEED").map_or(0, |text| text.parse::<usize>().expect("MNAS_SEED is a number"));
    let blocks = cases.chunks(block).enumerate();
    let blocks = blocks.filter(|(number, _)| at_night || number % parts == seed % parts);
    blocks.flat_map(|(_, block)| block.to_vec()).filter(is_supported).collect()
}

fn assert_right(cases: &[Case], settings: &Settings) {
    for isa in settings.in_code.iter().filter(|isa| !settings.to_run.contains(isa)) {
        eprintln!("skipped: this machine has no {}", isa.name);
    }
    let failures = check(cases, settings, &|_, _| {}).expect("rustc runs");
    let show = |failure: &Failure| {
        let (case, variant) = (&cases[failure.index], &failure.variant);
        let (checked, threads) = (variant.checked, variant.team.is_some());
        let spec = case.spec.to_yaml();
        format!("{}\nchecked: {checked}, threads: {threads}, seed {}:\n{spec}", failure.finding, case.seed)
    };
    let shown: Vec<String> = failures.iter().map(show).collect();
    assert!(shown.is_empty(), "{} builds fail\n\n{}", shown.len(), shown.join("\n"));
}

#[test]
fn int8_specs_equal_the_definition() {
    let cases = chosen(draw::cases(0, SPECS), 8, 6);
    assert!(cases.len() >= 20, "{}", cases.len());
    assert_right(&cases, &Settings::int8());
}

/// As users compile it: what only an optimiser makes of undefined behaviour would show here.
#[test]
fn optimised_int8_specs_equal_the_definition() {
    let rustc = Rustc { opt_level: 3, ..Rustc::default() };
    assert_right(&chosen(draw::cases(1, OPTIMISED), 12, 1), &Settings { rustc, ..Settings::int8() });
}
