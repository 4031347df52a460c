//! Where programs are written: other users of the machine may write in the folder for temporary files too.
#![cfg(unix)]

use mnas_fuzz::check::{Builds, Settings, check};
use mnas_fuzz::draw;
use mnas_fuzz::program::Rustc;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

/// Folders whose names follow from the process, as another user may have made them, each with a link in it.
struct Trap {
    folders: Vec<PathBuf>,
    victim: PathBuf,
}

impl Trap {
    fn new() -> Self {
        let (temporary, process) = (std::env::temp_dir(), std::process::id());
        let victim = temporary.join(format!("mnas-fuzz-victim-{process}"));
        fs::write(&victim, "private").unwrap();
        let folders: Vec<PathBuf> = (0..8).map(|i| temporary.join(format!("mnas-fuzz-{process}-{i}"))).collect();
        for folder in &folders {
            fs::create_dir(folder).unwrap();
            symlink(&victim, folder.join("0.weights")).unwrap();
        }
        Trap { folders, victim }
    }
}

impl Drop for Trap {
    fn drop(&mut self) {
        for folder in &self.folders {
            let _ = fs::remove_dir_all(folder);
        }
        let _ = fs::remove_file(&self.victim);
    }
}

#[test]
fn nothing_is_written_to_a_folder_that_was_there_before() {
    let trap = Trap::new();
    // All files are written before the compiler is started, which does not exist.
    let rustc = Rustc { command: "no-such-compiler".into(), ..Rustc::default() };
    let settings = Settings { rustc, builds: Builds::Plain, threads: 1, ..Settings::default() };
    let error = check(&draw::cases(0, 1), &settings, &|_, _| {}).expect_err("there is no compiler");
    assert!(error.0.contains("no-such-compiler"), "{error}");
    assert_eq!(fs::read(&trap.victim).unwrap(), b"private");
    for folder in &trap.folders {
        assert_eq!(fs::read_dir(folder).unwrap().count(), 1);
    }
}
