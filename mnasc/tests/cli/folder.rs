//! A folder to work in, and mnasc started in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A small network: 32x32 inputs, three blocks, ten classes.
pub(crate) const TINY: &str = "\
name: tiny
input: 32x32x3
preprocess: {mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225], resize: 36}
labels: labels.txt
stem: {op: conv, kernel: 3, stride: 2, filters: 8}
blocks:
  - {op: sepconv, kernel: 3, filters: 8}
  - {op: mbconv, expand: 6, kernel: 3, stride: 2, filters: 16, se: 0.25}
  - {op: mbconv, expand: 3, kernel: 5, filters: 16}
head: {filters: 32, classes: 10}
";

/// Names of its classes.
pub(crate) const LABELS: &str = "zero\none\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\n";

/// A folder that is removed at the end, with `tiny.yaml` and `labels.txt` in it.
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// A new folder; names differ between tests.
    pub(crate) fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        let folder = Folder(path);
        folder.write("tiny.yaml", TINY);
        folder.write("labels.txt", LABELS);
        folder
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.path(name), bytes).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    /// Names of all files, hidden ones too.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// mnasc in this folder. Compiled networks are shared by all tests.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mnasc"));
        command
            .args(arguments)
            .current_dir(&self.0)
            .env("MNAS_CACHE", Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache"))
            .env_remove("CLICOLOR_FORCE")
            .stdin(Stdio::null());
        command
    }

    /// Runs mnasc in this folder.
    pub(crate) fn mnasc(&self, arguments: &[&str]) -> Said {
        Said::of(self.command(arguments).output().unwrap())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What a process said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    pub(crate) fn of(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let said = Said { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) };
        assert!(!said.err.contains("panicked"), "{said:?}");
        said
    }

    /// Done: exit code 0.
    #[track_caller]
    pub(crate) fn done(self) -> Self {
        assert_eq!(self.code, Some(0), "{}{}", self.out, self.err);
        self
    }

    /// Failed with this exit code and these words on standard error, and nothing on standard output.
    #[track_caller]
    pub(crate) fn failed(self, code: i32, words: &[&str]) -> Self {
        assert_eq!(self.code, Some(code), "{}{}", self.out, self.err);
        assert_eq!(self.out, "");
        for words in words {
            assert!(self.err.contains(words), "not said: {words}\n{}", self.err);
        }
        self
    }

    /// Standard output as one JSON object on one line.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        assert_eq!(self.out.matches('\n').count(), 1, "{}", self.out);
        assert!(self.out.ends_with('\n'));
        serde_json::from_str(&self.out).unwrap()
    }
}
