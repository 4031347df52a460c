//! 1,000 mutants of each format, 10,000 with `MNAS_NIGHT`, in a process with 256 MB and a second of the processor for each: no panic, no abort,
//! no hang, no file opened, no process, no socket. What was refused was refused with words, what was accepted compiles.

use mnas_hostile::watch::{Inputs, Limits, Report, watch};
use mnas_hostile::{FORMATS, planted};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

const PROGRAM: &str = env!("CARGO_BIN_EXE_mnas-hostile");

/// The seed of the mutants, unless `MNAS_HOSTILE_SEED` or `MNAS_SEED` is set. `scripts/test.sh` sets `MNAS_SEED` to a
/// number that follows from the commit, so that each push tries other mutants.
const SEED: u64 = 1;

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is a number, not {text:?}")))
}

fn seed() -> u64 {
    number("MNAS_HOSTILE_SEED").or_else(|| number("MNAS_SEED")).unwrap_or(SEED)
}

/// Mutants of each format.
fn count() -> u64 {
    let usual = if std::env::var_os("MNAS_NIGHT").is_some() { 10_000 } else { 1_000 };
    number("MNAS_HOSTILE_MUTANTS").unwrap_or(usual)
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// Says it where system calls could not be watched; with `CI` set that is a failure.
fn watched(report: &Report) {
    if !report.traced {
        assert!(std::env::var_os("CI").is_none(), "strace is missing, or may not trace");
        println!("skipped: that no file is opened (strace is missing, or may not trace)");
    }
}

fn survives(name: &str) {
    let (seed, count) = (seed(), count());
    let folder = folder(name);
    let inputs = Inputs::Mutants { seed, count };
    let report = watch(Path::new(PROGRAM), name, inputs, Limits::default(), &folder);
    let mut told = String::new();
    for (index, harm) in &report.harm {
        let file = folder.join(format!("{seed}-{index}.mutant"));
        let _ = std::process::Command::new(PROGRAM)
            .args(["write", name, &seed.to_string(), &index.to_string()])
            .arg(&file)
            .status();
        told.push_str(&format!("\n{name}, seed {seed}, mutant {index}, kept as {}: {harm}", file.display()));
    }
    assert!(told.is_empty(), "{told}");
    let (accepted, refused) = (report.accepted.len(), report.refused.len());
    println!("{name}: {accepted} accepted, {refused} refused");
    assert_eq!((accepted + refused) as u64, count);
    // Mutants that all are refused, or none, test half of a reader.
    assert!(accepted * 50 > refused && refused * 20 > accepted, "{accepted} accepted, {refused} refused");
    watched(&report);
}

macro_rules! formats {
    ($($test:ident $name:literal),* $(,)?) => {
        $(#[test] fn $test() { survives($name); })*

        #[test]
        fn every_format_is_tested() {
            let names: Vec<&str> = FORMATS.iter().map(|format| format.name).collect();
            assert_eq!(names, [$($name),*]);
        }
    };
}

mnas_hostile::for_each_format!(formats);

/// Readers that do harm on purpose are found out, at the very input; one that does none is left alone.
#[test]
fn planted_harm_is_found() {
    for format in planted::PLANTED {
        let name = format.name;
        let mut limits = Limits::default();
        if name == "planted-sleep" {
            limits.clock = Duration::from_secs(5);
        }
        let folder = folder("planted");
        let seeds = (format.seeds)();
        let first = (0..).find(|index| planted::triggers(&mnas_hostile::mutant(format, &seeds, 1, *index)));
        let first = first.expect("one of many has the word");
        let inputs = Inputs::Mutants { seed: 1, count: first + 20 };
        let report = watch(Path::new(PROGRAM), name, inputs, limits, &folder);
        let found: Vec<u64> = report.harm.keys().copied().take(1).collect();
        let words = report.harm.values().next().map_or("", String::as_str);
        let observed = matches!(
            name,
            "planted-open" | "planted-missing" | "planted-write" | "planted-process" | "planted-network"
        );
        if name == "planted-nothing" {
            assert_eq!(report.harm.len(), 0, "{words}");
            assert_eq!(report.refused.len() as u64, first + 20);
        } else if !observed || report.traced {
            assert_eq!(found, [first], "{name}: {words}");
        }
        let expected = match name {
            "planted-panic" => "planted: ",
            "planted-abort" => "SIGABRT",
            "planted-overflow" => "overflowed its stack",
            "planted-hang" | "planted-slow" => "more than 1s of the processor",
            "planted-sleep" => "no answer after",
            "planted-memory" => "memory allocation of 1073741824 bytes failed",
            "planted-exit" => "exit status: 0",
            "planted-open" => "/etc/hostname",
            "planted-missing" => "/no/such/file",
            "planted-write" => "/tmp/planted-by-a-test-of-mnas",
            "planted-process" => "clone",
            "planted-network" => "socket",
            _ => "",
        };
        assert!(words.contains(expected) || (observed && !report.traced), "{name}: {words}");
        watched(&report);
    }
}

/// The same numbers give the same mutants.
#[test]
fn mutants_can_be_made_again() {
    let folder = folder("again");
    fs::create_dir_all(&folder).expect("a folder");
    for format in FORMATS {
        let seeds = (format.seeds)();
        let file = folder.join(format.name);
        let arguments = ["write", format.name, "1", "77"];
        let status = std::process::Command::new(PROGRAM).args(arguments).arg(&file).status();
        assert!(status.expect("it runs").success());
        let mutant = mnas_hostile::mutant(format, &seeds, 1, 77);
        assert_eq!(fs::read(&file).expect("written"), mutant, "{}", format.name);
        assert_ne!(mnas_hostile::mutant(format, &seeds, 2, 77), mutant, "{}", format.name);
        for seed in &seeds {
            assert!(seed.len() < 20_000, "{} has a seed of {} bytes", format.name, seed.len());
        }
    }
}
