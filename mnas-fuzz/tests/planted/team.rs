//! Several threads that do not divide the work as they should: what they make differs from what one thread makes.
//!
//! Not here: threads that do not wait for each other. They make the same now and then.

use super::code::replace;
use super::{WITNESSES, settings};
use mnas_fuzz::case::Sharing;
use mnas_fuzz::check::{Job, check_jobs};
use mnas_fuzz::draw;
use mnas_fuzz::fault::Fault;
use mnas_fuzz::finding::Finding;
use mnas_fuzz::subject::{Variant, prepare};

type Change = fn(&mut String) -> bool;

const FAULTS: [(&str, Sharing, Change); 6] = [
    ("no worker computes the first panel", Sharing::Panels, |code| {
        replace(code, "let panels = worker . range (", "let panels = 1 .. (")
    }),
    ("no worker computes the first tile", Sharing::Panels, |code| {
        replace(code, "tiles . start . max", "(tiles . start + 1) . max")
    }),
    ("no worker computes the first row of the first panel", Sharing::Panels, |code| {
        replace(code, "panel_rows . start . max", "(panel_rows . start + 1) . max")
    }),
    ("a worker's line buffer starts too late", Sharing::RowBlocks, |code| {
        replace(code, "let mut ready = (row_blocks . start", "let mut ready = 1 + (row_blocks . start")
    }),
    ("the first run of a worker is left out", Sharing::RowBlocks, |code| {
        replace(code, "for run in 0 .. runs", "for run in 1 .. runs")
    }),
    ("a worker's gates are those of other channels", Sharing::Panels, |code| {
        replace(code, "(tail (gate , vectors . start *", "(tail (gate , 0 *")
    }),
];

#[test]
fn work_that_is_divided_wrongly_is_caught() {
    let settings = settings();
    let cases = draw::cases(0, 200);
    let faults: Vec<Fault> = FAULTS.iter().map(|(_, _, change)| Fault::Code(*change)).collect();
    let mut jobs = Vec::new();
    for ((name, form, change), fault) in FAULTS.iter().zip(&faults) {
        let variant = Variant { isas: settings.in_code.clone(), checked: false, team: Some(*form), int8: false };
        let has = |case: &&_| change(&mut prepare(case, &variant, None).expect("a network of ours compiles").code);
        let witnesses: Vec<_> = cases.iter().filter(has).take(WITNESSES).collect();
        assert_eq!(witnesses.len(), WITNESSES, "{name}: not among the specs");
        for case in witnesses {
            jobs.push(Job { index: jobs.len(), case, variant: variant.clone(), fault: Some(fault) });
        }
    }
    let failures = check_jobs(&jobs, &settings, &|_, _| {}).expect("rustc runs");
    for (number, (name, ..)) in FAULTS.iter().enumerate() {
        let mine = number * WITNESSES..(number + 1) * WITNESSES;
        let found: Vec<_> = failures.iter().filter(|failure| mine.contains(&failure.index)).collect();
        let no_rust = found.iter().find(|failure| matches!(failure.finding, Finding::DoesNotCompile(_)));
        assert!(no_rust.is_none(), "{name}: {no_rust:?}");
        assert!(!found.is_empty(), "not caught: {name}");
    }
}
