//! The check finds what it is there to find: compilers that are wrong on purpose, each in one thing, are all caught, and
//! the right one is not.

mod code;
mod graph;
mod hunting;
mod plan;
mod team;

use mnas_codegen::compile::fused_graph;
use mnas_codegen::lower::lower;
use mnas_codegen::passes::PASSES;
use mnas_fuzz::check::{Builds, Job, Settings, check_jobs};
use mnas_fuzz::fault::Fault;
use mnas_fuzz::finding::Finding;
use mnas_fuzz::subject::{Variant, prepare, run_passes};
use mnas_fuzz::{Case, draw};

/// A fault and what it is.
pub(crate) struct Planted {
    pub(crate) name: &'static str,
    pub(crate) fault: Fault,
}

/// Specs on which each fault is tried: the first of the default seed that have what it is about.
const SPECS: usize = 3;

/// Every fault; a sign that one is gone is a number that is lower.
fn all() -> Vec<Planted> {
    let all: Vec<Planted> = [graph::faults(), plan::faults(), code::faults()].into_iter().flatten().collect();
    assert!(all.len() >= 67, "{}", all.len());
    all
}

fn settings() -> Settings {
    Settings { builds: Builds::Plain, ..Settings::default() }
}

fn variant(settings: &Settings) -> Variant {
    Variant { isas: settings.in_code.clone(), checked: false, team: None }
}

/// Whether a compiler with this fault does anything differently for a case.
fn applies(case: &Case, fault: &Fault, variant: &Variant) -> bool {
    match fault {
        Fault::Graph { .. } => run_passes(&mut lower(&case.network), &PASSES.map(|pass| pass.name), Some(fault)),
        Fault::Plan(change) => {
            let plan = case.plan(&fused_graph(&case.network), variant.isas.clone(), variant.team);
            change(&mut plan.expect("a network of ours has a plan"))
        }
        Fault::Packed(change) => {
            let mut subject = prepare(case, variant, None).expect("a network of ours compiles");
            change(&subject.plan, &mut subject.packed)
        }
        Fault::Code(change) => change(&mut prepare(case, variant, None).expect("a network of ours compiles").code),
    }
}

#[test]
fn every_fault_is_caught_and_nothing_else() {
    let settings = settings();
    let variant = variant(&settings);
    let cases = draw::cases(0, 200);
    let faults = all();
    let mut jobs = Vec::new();
    let mut job = |case, fault| jobs.push(Job { index: jobs.len(), case, variant: variant.clone(), fault });
    // For each job the fault and the case, `None` where there is no fault.
    let mut numbers = Vec::new();
    let mut used = Vec::new();
    for (number, planted) in faults.iter().enumerate() {
        let has = |(_, case): &(usize, &Case)| applies(case, &planted.fault, &variant);
        let witnesses: Vec<_> = cases.iter().enumerate().filter(has).take(SPECS).collect();
        assert_eq!(witnesses.len(), SPECS, "{}: not among the specs", planted.name);
        for (index, case) in witnesses {
            job(case, Some(&planted.fault));
            numbers.push((Some(number), index));
            used.push(index);
        }
    }
    used.sort_unstable();
    used.dedup();
    for index in used {
        job(&cases[index], None);
        numbers.push((None, index));
    }

    let failures = check_jobs(&jobs, &settings, &|_, _| {}).expect("rustc runs");
    // A fault that gives no Rust would be one that nobody has to look for.
    let no_rust = failures.iter().find(|failure| matches!(failure.finding, Finding::DoesNotCompile(_)));
    assert!(no_rust.is_none(), "{no_rust:?}");
    let mut missed = Vec::new();
    for (number, planted) in faults.iter().enumerate() {
        let (mut caught, mut passed) = (Vec::new(), Vec::new());
        for (at, (_, index)) in numbers.iter().enumerate().filter(|(_, (fault, _))| *fault == Some(number)) {
            match failures.iter().find(|failure| failure.index == at) {
                Some(failure) => caught.push((cases[*index].network.name.as_str(), &failure.finding)),
                None => passed.push(cases[*index].network.name.as_str()),
            }
        }
        let names: Vec<&str> = caught.iter().map(|(name, _)| *name).collect();
        let how = caught.first().map_or_else(String::new, |(_, finding)| finding.to_string());
        let how: String = how.lines().next().unwrap_or_default().chars().take(150).collect();
        println!("{}\n    caught by {names:?}, not by {passed:?}; {how}", planted.name);
        if caught.is_empty() {
            missed.push(planted.name);
        }
    }
    assert!(missed.is_empty(), "not caught: {missed:?}");
    let wrongly: Vec<_> = failures.iter().filter(|failure| numbers[failure.index].0.is_none()).collect();
    assert!(wrongly.is_empty(), "caught without a fault: {wrongly:?}");
}
