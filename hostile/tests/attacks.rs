//! The corpus of known attacks (`attacks/make.py`): each is refused with words or read without following its bait, within
//! the limits of the mutants.

use mnas_hostile::FORMATS;
use mnas_hostile::watch::{Inputs, Limits, watch};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const PROGRAM: &str = env!("CARGO_BIN_EXE_mnas-hostile");

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("attacks")
}

/// The entries of a folder, in order; empty if there is no folder.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("a readable folder").path()).collect();
    paths.sort();
    paths
}

#[test]
fn known_attacks_do_no_harm() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("attacks");
    let mut told = String::new();
    let mut count = 0;
    for format in FORMATS {
        for (kind, harmless) in [("refused", false), ("harmless", true)] {
            let files = entries(&corpus().join(format.name).join(kind));
            let report = watch(Path::new(PROGRAM), format.name, Inputs::Files(&files), Limits::default(), &folder);
            let shown = |index: &u64| files[*index as usize].display().to_string();
            told.extend(report.harm.iter().map(|(index, harm)| format!("\n{}: {harm}", shown(index))));
            let (wrong, became) = if harmless { (report.refused, "refused") } else { (report.accepted, "accepted") };
            told.extend(wrong.iter().map(|index| format!("\n{}: {became}", shown(index))));
            assert!(harmless || files.len() >= 10, "{} has {} attacks", format.name, files.len());
            count += files.len();
            if !report.traced {
                assert!(std::env::var_os("CI").is_none(), "strace is missing, or may not trace");
                println!("skipped: that no file is opened (strace is missing, or may not trace)");
            }
        }
    }
    assert!(told.is_empty(), "{told}");
    assert!(count >= 520, "{count} attacks");
}

/// A folder of a format that is not in the table would never be read.
#[test]
fn every_folder_is_of_a_format() {
    let names: BTreeSet<&str> = FORMATS.iter().map(|format| format.name).collect();
    for path in entries(&corpus()).into_iter().filter(|path| path.is_dir()) {
        let name = path.file_name().and_then(|name| name.to_str()).expect("a name of ours");
        assert!(names.contains(name), "{name}");
        assert!(entries(&path).iter().all(|it| it.ends_with("refused") || it.ends_with("harmless")), "{name}");
    }
}

/// The target for cargo-fuzz takes a format by name, so it reads every format of the table.
#[test]
fn the_fuzz_target_reads_every_format() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
    let target = fs::read_to_string(fuzz.join("fuzz_targets/reader.rs")).expect("a target");
    assert!(target.contains("by_name(&name)") && target.contains("FORMAT.run(bytes)"));
    let manifest = fs::read_to_string(fuzz.join("Cargo.toml")).expect("a manifest");
    assert!(manifest.contains("path = \"fuzz_targets/reader.rs\"\n"));
    assert_eq!(entries(&fuzz.join("fuzz_targets")).len(), 1);
    for format in FORMATS {
        assert_eq!(mnas_hostile::by_name(format.name).map(|it| it.name), Some(format.name));
    }
}
