//! From a failing spec to a small one, and to what is at fault.

use crate::{all, applies, settings, variant};
use mnas_fuzz::check::{Job, check_jobs};
use mnas_fuzz::draw;
use mnas_fuzz::finding::Finding;
use mnas_fuzz::hunt::{Report, hunt};

/// Hunts a fault on the first spec that shows it.
fn hunted(name: &str) -> Report {
    let settings = settings();
    let variant = variant(&settings);
    let planted = all().into_iter().find(|planted| planted.name == name).expect("a fault of the list");
    let cases = draw::cases(0, 40);
    let mut cases: Vec<_> = cases.iter().filter(|case| applies(case, &planted.fault, &variant)).collect();
    // Small ones are built soon.
    cases.sort_by_key(|case| case.network.macs());
    cases.truncate(4);
    let fault = Some(&planted.fault);
    let job = |(index, case)| Job { index, case, variant: variant.clone(), fault };
    let jobs: Vec<_> = cases.iter().copied().enumerate().map(job).collect();
    let failures = check_jobs(&jobs, &settings, &|_, _| {}).expect("rustc runs");
    let first = failures.first().expect("the fault is caught");
    let report = hunt(cases[first.index], first, fault, &settings, &|_| {}).expect("rustc runs");
    println!("{name}: {}\n{}\n{}", report.finding, report.blame, report.case.spec.to_yaml());
    assert!(report.finding.is_like(&first.finding));
    // Small: a block or two behind the stem, hardly any channels.
    assert!(report.case.network.layers.len() <= 3);
    assert!(report.case.network.macs() < 20_000, "{}", report.case.network.macs());
    report
}

#[test]
fn a_wrong_pass_is_named() {
    let report = hunted(crate::graph::RELU6);
    assert_eq!(report.blame, "the pass `fuse_activation`, when `fold_batch_norm` ran before it");
    assert!(matches!(report.finding, Finding::Passes { .. }));
    assert!(report.case.spec.to_yaml().contains("relu6"));
}

#[test]
fn a_wrong_line_buffer_is_distinguished_from_a_wrong_kernel() {
    let report = hunted(crate::plan::SHORT_LINE_BUFFER);
    assert!(report.blame.starts_with("every instruction set is wrong"), "{}", report.blame);
    assert!(report.blame.contains("right in one row block"), "{}", report.blame);
}

#[test]
fn a_wrong_instruction_set_is_named() {
    let report = hunted(crate::plan::PLAIN);
    assert!(report.blame.starts_with("the schedule or the kernels of scalar, of "), "{}", report.blame);
    assert!(!report.blame.contains("right"), "{}", report.blame);
    assert_eq!(report.finding.isa(), Some("scalar"));
}

#[test]
fn a_wrong_layout_of_weights_is_distinguished_from_a_wrong_kernel() {
    let report = hunted(crate::plan::NARROW_PANELS);
    assert!(report.blame.contains("right alone in a file"), "{}", report.blame);
}
