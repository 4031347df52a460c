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

/// Specs on which a fault may be tried: the first of the default seed that have what it is about.
const WITNESSES: usize = 3;

/// With `MNAS_NIGHT` every fault is tried by every witness. Otherwise `MNAS_SEED` chooses half of the faults and the
/// first witness, and only a fault that it does not catch is tried by the next.
fn is_night() -> bool {
    std::env::var_os("MNAS_NIGHT").is_some()
}

fn seed() -> usize {
    std::env::var("MNAS_SEED").map_or(0, |text| text.parse().expect("MNAS_SEED is a number"))
}

fn order() -> Vec<usize> {
    (0..WITNESSES).map(|turn| (seed() + turn) % WITNESSES).collect()
}

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
    Variant { isas: settings.in_code.clone(), checked: false, team: None, int8: false }
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
        Fault::Int8Network(_) | Fault::Int8Plan(_) | Fault::Int8Packed(_) => unreachable!("a fault of f32"),
    }
}

#[test]
fn every_fault_is_caught_and_nothing_else() {
    let settings = settings();
    let variant = variant(&settings);
    let cases = draw::cases(0, 200);
    let is_chosen = |number: usize| is_night() || number % 2 == seed() % 2;
    let all = all().into_iter().enumerate();
    let faults: Vec<Planted> = all.filter(|(number, _)| is_chosen(*number)).map(|(_, planted)| planted).collect();
    let witnesses: Vec<Vec<usize>> = faults
        .iter()
        .map(|planted| {
            let has = |index: &usize| applies(&cases[*index], &planted.fault, &variant);
            let witnesses: Vec<usize> = (0..cases.len()).filter(has).take(WITNESSES).collect();
            assert_eq!(witnesses.len(), WITNESSES, "{}: not among the specs", planted.name);
            witnesses
        })
        .collect();
    let order = order();
    let turns: Vec<&[usize]> = if is_night() { vec![&order] } else { order.chunks(1).collect() };

    // Of each fault the witnesses that catch it, with the finding, and those that do not.
    let mut caught: Vec<Vec<(usize, Finding)>> = vec![Vec::new(); faults.len()];
    let mut passed: Vec<Vec<usize>> = vec![Vec::new(); faults.len()];
    for turn in turns {
        let open = (0..faults.len()).filter(|number| caught[*number].is_empty());
        let tried: Vec<(usize, usize)> =
            open.flat_map(|number| turn.iter().map(move |place| (number, *place))).collect();
        let tried: Vec<(usize, usize)> =
            tried.into_iter().map(|(number, place)| (number, witnesses[number][place])).collect();
        let job = |(index, (number, case)): (usize, &(usize, usize))| Job {
            index,
            case: &cases[*case],
            variant: variant.clone(),
            fault: Some(&faults[*number].fault),
        };
        let jobs: Vec<Job<'_>> = tried.iter().enumerate().map(job).collect();
        let failures = check_jobs(&jobs, &settings, &|_, _| {}).expect("rustc runs");
        for (at, (number, case)) in tried.iter().enumerate() {
            match failures.iter().find(|failure| failure.index == at) {
                // rustc would find such a fault without the check.
                Some(failure) if matches!(failure.finding, Finding::DoesNotCompile(_)) => {
                    panic!("{}: {failure:?}", faults[*number].name)
                }
                Some(failure) => caught[*number].push((*case, failure.finding.clone())),
                None => passed[*number].push(*case),
            }
        }
    }
    let name = |case: &usize| cases[*case].network.name.as_str();
    for ((planted, caught), passed) in faults.iter().zip(&caught).zip(&passed) {
        let names: Vec<&str> = caught.iter().map(|(case, _)| name(case)).collect();
        let how = caught.first().map_or_else(String::new, |(_, finding)| finding.to_string());
        let how: String = how.lines().next().unwrap_or_default().chars().take(150).collect();
        let passed: Vec<&str> = passed.iter().map(name).collect();
        println!("{}\n    caught by {names:?}, not by {passed:?}; {how}", planted.name);
    }
    let missed = faults.iter().zip(&caught).filter(|(_, caught)| caught.is_empty());
    let missed: Vec<&str> = missed.map(|(planted, _)| planted.name).collect();
    assert!(missed.is_empty(), "not caught: {missed:?}");

    // The control: the same specs without a fault.
    let mut used: Vec<usize> = caught.iter().flatten().map(|(case, _)| *case).chain(passed.concat()).collect();
    used.sort_unstable();
    used.dedup();
    let job = |index: &usize| Job { index: *index, case: &cases[*index], variant: variant.clone(), fault: None };
    let jobs: Vec<Job<'_>> = used.iter().map(job).collect();
    let failures = check_jobs(&jobs, &settings, &|_, _| {}).expect("rustc runs");
    assert!(failures.is_empty(), "caught without a fault: {failures:?}");
}
