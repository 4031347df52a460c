//! The check finds what it is there to find: int8 compilers with one fault each are all caught, and the right one is not.

use crate::faults::{Planted, all};
use mnas_codegen::int8::Plan;
use mnas_codegen::machine::Isa;
use mnas_fuzz::case::Sharing;
use mnas_fuzz::check::{Job, Settings, check_jobs};
use mnas_fuzz::fault::Fault;
use mnas_fuzz::finding::Finding;
use mnas_fuzz::int8::subject::{Source, is_supported, prepare, source};
use mnas_fuzz::subject::Variant;
use mnas_fuzz::{Case, draw};

/// Specs on which a fault may be tried: the first of the default seed that have what it is about.
const WITNESSES: usize = 3;

/// Specs to choose from.
const SPECS: usize = 64;

/// Two instruction sets show what every other has, and plain Rust is needed by faults of its own.
fn settings() -> Settings {
    let mut settings = Settings::int8();
    let best = settings.to_run[0];
    let keep = |isa: &Isa| *isa == best || isa.is_portable();
    settings.in_code.retain(keep);
    settings.to_run.retain(keep);
    settings
}

fn variant(settings: &Settings, threads: bool) -> Variant {
    let team = threads.then_some(Sharing::Panels);
    Variant { isas: settings.in_code.clone(), checked: false, team, int8: true }
}

/// A case as the compiler sees it, with what a fault can change.
struct Seen {
    source: Source,
    plan: Plan,
    packed: Vec<u8>,
    /// For one thread, and for several.
    code: [String; 2],
}

fn seen(case: &Case, settings: &Settings) -> Seen {
    let source = source(case);
    let subject = |threads| prepare(case, &variant(settings, threads), None).expect("a network of ours compiles");
    let (alone, team) = (subject(false), subject(true));
    let isas = settings.in_code.clone();
    let plan = mnas_codegen::int8::plan::plan(&source.quantized, isas, false).expect("a network of ours has a plan");
    Seen { source, plan, packed: alone.packed, code: [alone.code, team.code] }
}

/// Whether a compiler with this fault does anything differently.
fn applies(seen: &Seen, planted: &Planted) -> bool {
    match &planted.fault {
        Fault::Int8Network(change) => change(&mut seen.source.quantized.clone()),
        Fault::Int8Plan(change) => change(&mut seen.plan.clone()),
        Fault::Int8Packed(change) => change(&seen.plan, &mut seen.packed.clone()),
        Fault::Code(change) => change(&mut seen.code[usize::from(planted.threads)].clone()),
        Fault::Graph { .. } | Fault::Plan(_) | Fault::Packed(_) => unreachable!("a fault of int8"),
    }
}

#[test]
fn every_fault_is_caught_and_nothing_else() {
    // With `MNAS_NIGHT` every witness tries every fault. Otherwise the seed chooses half of the faults, and the next witness
    // tries only what the one before did not catch.
    let is_night = std::env::var_os("MNAS_NIGHT").is_some();
    let seed = std::env::var("MNAS_SEED").map_or(0, |text| text.parse::<usize>().expect("MNAS_SEED is a number"));
    let settings = settings();
    let cases = draw::cases(0, SPECS).into_iter().filter(is_supported);
    let mut cases: Vec<(Case, Seen)> = cases.map(|case| (case.clone(), seen(&case, &settings))).collect();
    // Short ones are built soon.
    cases.sort_by_key(|(_, seen)| seen.code[0].len());
    let (cases, seen): (Vec<Case>, Vec<Seen>) = cases.into_iter().unzip();
    let all = all().into_iter().enumerate();
    let faults = all.filter(|(number, _)| is_night || number % 2 == seed % 2);
    let faults: Vec<Planted> = faults.map(|(_, planted)| planted).collect();
    let witnesses: Vec<Vec<usize>> = faults
        .iter()
        .map(|planted| {
            let has = |index: &usize| applies(&seen[*index], planted);
            let witnesses: Vec<usize> = (0..cases.len()).filter(has).take(WITNESSES).collect();
            assert!(!witnesses.is_empty(), "{}: not among the specs", planted.name);
            witnesses
        })
        .collect();
    let mut caught: Vec<Option<Finding>> = vec![None; faults.len()];
    let mut used = Vec::new();
    for turn in 0..WITNESSES {
        let open = (0..faults.len()).filter(|number| caught[*number].is_none() || is_night);
        let tried: Vec<(usize, usize)> =
            open.map(|number| (number, witnesses[number][(seed + turn) % witnesses[number].len()])).collect();
        let job = |(index, (number, case)): (usize, &(usize, usize))| {
            let Planted { fault, threads, .. } = &faults[*number];
            Job { index, case: &cases[*case], variant: variant(&settings, *threads), fault: Some(fault) }
        };
        let jobs: Vec<Job<'_>> = tried.iter().enumerate().map(job).collect();
        for failure in check_jobs(&jobs, &settings, &|_, _| {}).expect("rustc runs") {
            let (number, _) = tried[failure.index];
            // rustc would find such a fault without the check.
            let is_rust = !matches!(failure.finding, Finding::DoesNotCompile(_));
            assert!(is_rust, "{}: {:?}", faults[number].name, failure.finding);
            caught[number].get_or_insert(failure.finding);
        }
        used.extend(tried.iter().map(|(number, case)| (*case, faults[*number].threads)));
    }
    for (planted, caught) in faults.iter().zip(&caught) {
        let how = caught.as_ref().map_or_else(|| "not caught".to_owned(), Finding::to_string);
        println!("{}\n    {}", planted.name, how.lines().next().unwrap_or_default());
    }
    let missed = faults.iter().zip(&caught).filter(|(_, caught)| caught.is_none());
    let missed: Vec<&str> = missed.map(|(planted, _)| planted.name).collect();
    assert!(missed.is_empty(), "not caught: {missed:?}");

    // The control: the same specs without a fault.
    used.sort_unstable();
    used.dedup();
    let job = |(index, threads): &(usize, bool)| Job {
        index: *index,
        case: &cases[*index],
        variant: variant(&settings, *threads),
        fault: None,
    };
    let jobs: Vec<Job<'_>> = used.iter().map(job).collect();
    let failures = check_jobs(&jobs, &settings, &|_, _| {}).expect("rustc runs");
    assert!(failures.is_empty(), "caught without a fault: {failures:?}");
}
