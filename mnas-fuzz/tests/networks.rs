//! Specs of the default seed, compiled, run on every instruction set of the machine and held against the reference.

use mnas_codegen::machine::Isa;
use mnas_fuzz::check::{Builds, Failure, Settings, check};
use mnas_fuzz::program::Rustc;
use mnas_fuzz::{Case, draw};

/// As many as have every pair of values, and some more.
const SPECS: usize = 200;

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
fn two_hundred_specs_equal_the_reference() {
    let settings = Settings::default();
    let lacks = |isa: &&Isa| !settings.to_run.contains(isa);
    for isa in settings.in_code.iter().filter(lacks) {
        eprintln!("skipped: this machine has no {}", isa.name);
    }
    assert_right(&draw::cases(0, SPECS), &settings);
}

/// As users compile it: what only an optimiser makes of undefined behaviour would show here.
#[test]
fn optimised_specs_equal_the_reference() {
    let rustc = Rustc { opt_level: 3, ..Rustc::default() };
    assert_right(&draw::cases(1, 12), &Settings { rustc, builds: Builds::Plain, ..Settings::default() });
}
