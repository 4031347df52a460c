//! Several subjects in one program, which rustc builds and which runs one network at a time.

use crate::subject::Subject;
use mnas_codegen::emit::file;
use mnas_codegen::machine::Isa;
use mnas_files::TempFolder;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError, Weak};

const MAIN: &str = include_str!("program_main.rs.txt");

/// How programs are built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rustc {
    /// The compiler.
    pub command: OsString,
    /// `-C opt-level`. At 0 a network takes a twentieth of the time to compile, and rustc's own checks of unsafe code are
    /// on. Those of overflow are off: each index would have one, which takes most of the time, and a wrong index is seen by
    /// what it reads.
    pub opt_level: u8,
}

impl Default for Rustc {
    /// `$RUSTC`, or `rustc` on the path, without optimising.
    fn default() -> Self {
        Rustc { command: std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()), opt_level: 0 }
    }
}

impl Rustc {
    /// Compiles a file in a folder.
    fn compile(&self, folder: &Path, arguments: &[&str]) -> Result<(), BuildError> {
        let built = Command::new(&self.command)
            .current_dir(folder)
            .args(["--edition", "2024", "--cap-lints", "allow"])
            .args(["--cfg", "feature=\"std\"", "--cfg", "feature=\"alloc\""])
            .args(["-C", &format!("opt-level={}", self.opt_level), "-C", "overflow-checks=off"])
            // The default of 256 costs a tenth more.
            .args(["-C", "codegen-units=16"])
            .args(arguments)
            .output()
            .map_err(|error| BuildError::System(format!("cannot start `{}`", self.command.display()), error))?;
        if built.status.success() { Ok(()) } else { Err(BuildError::Refused(first_lines(&built.stderr))) }
    }
}

/// A program in a private temporary folder, which is removed with it.
#[derive(Debug)]
pub struct Program {
    folder: TempFolder,
    /// Kept, so that the next program finds it.
    _runtime: Arc<Runtime>,
}

fn failed_write(path: &Path, error: io::Error) -> BuildError {
    BuildError::System(format!("cannot write `{}`", path.display()), error)
}

/// A private folder: other users share the parent, and cannot take its name before.
fn temp_folder() -> Result<TempFolder, BuildError> {
    TempFolder::new("mnas-fuzz").map_err(|error| failed_write(&std::env::temp_dir(), error))
}

/// Writes a file into a folder.
fn write(folder: &TempFolder, name: &str, bytes: &[u8]) -> Result<(), BuildError> {
    let path = folder.path().join(name);
    fs::write(&path, bytes).map_err(|error| failed_write(&path, error))
}

/// mnas-runtime as a library that programs link. Compiling it takes as long as compiling a few networks.
#[derive(Debug)]
pub(crate) struct Runtime {
    rustc: Rustc,
    folder: TempFolder,
}

impl Runtime {
    /// The library for this compiler. It is built once for as long as a caller or a program holds it.
    pub(crate) fn built(rustc: &Rustc) -> Result<Arc<Self>, BuildError> {
        // Weak, because a static is never dropped and would leave its folder behind.
        static BUILT: Mutex<Vec<Weak<Runtime>>> = Mutex::new(Vec::new());
        let mut all = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|runtime| runtime.strong_count() > 0);
        if let Some(runtime) = all.iter().filter_map(Weak::upgrade).find(|runtime| runtime.rustc == *rustc) {
            return Ok(runtime);
        }
        let runtime = Runtime { rustc: rustc.clone(), folder: temp_folder()? };
        write(&runtime.folder, "runtime.rs", file::runtime(file::Number::Int8).as_bytes())?;
        rustc.compile(runtime.folder.path(), &["--crate-type", "rlib", "--crate-name", "runtime", "runtime.rs"])?;
        let runtime = Arc::new(runtime);
        all.push(Arc::downgrade(&runtime));
        Ok(runtime)
    }

    fn library(&self) -> PathBuf {
        self.folder.path().join("libruntime.rlib")
    }
}

/// Why a program could not be built.
#[derive(Debug)]
pub enum BuildError {
    /// A file could not be written, or rustc not be started.
    System(String, io::Error),
    /// The errors of rustc.
    Refused(String),
}

/// The result of a run: the pixels of each step as they are in the arena, and the outputs.
#[derive(Clone, Debug)]
pub struct Ran {
    /// What each step wrote.
    pub steps: Vec<Vec<f32>>,
    /// The output of `infer`.
    pub output: Vec<f32>,
    /// The output of `infer_chw`, of the same image.
    pub output_chw: Vec<f32>,
}

impl Program {
    /// Writes and builds a program.
    ///
    /// # Errors
    ///
    /// Files or rustc.
    pub fn build(subjects: &[&Subject], rustc: &Rustc) -> Result<Self, BuildError> {
        let runtime = Runtime::built(rustc)?;
        let folder = temp_folder()?;
        let bytes = |values: &[f32]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
        let mut main = MAIN.to_owned();
        main.push_str("use runtime::mnas_runtime;\n");
        let mut arms = String::new();
        for (i, subject) in subjects.iter().enumerate() {
            write(&folder, &format!("{i}.weights"), &bytes(&subject.packed))?;
            write(&folder, &format!("{i}.image"), &bytes(&subject.image))?;
            write(&folder, &format!("n{i}.rs"), subject.code.as_bytes())?;
            let _ = writeln!(main, "mod n{i};");
            let run = if subject.plan.threads.is_some() { "run_threaded" } else { "run" };
            let _ = writeln!(arms, "        Some(\"{i}\") => {run}!({i}, n{i}, {}),", subject.type_name);
        }
        let _ = write!(
            main,
            "\nfn main() {{\n    match std::env::args().nth(1).as_deref() {{\n{arms}        _ => panic!(\"which network?\"),\n    }}\n}}\n"
        );
        write(&folder, "main.rs", main.as_bytes())?;
        let library = format!("runtime={}", runtime.library().display());
        rustc.compile(folder.path(), &["--extern", &library, "-o", NAME, "main.rs"])?;
        Ok(Program { folder, _runtime: runtime })
    }

    /// Runs network number `index` on an instruction set that the machine has.
    ///
    /// # Errors
    ///
    /// What the program said when it stopped.
    pub fn run(&self, index: usize, isa: Isa) -> Result<Ran, String> {
        let ran = Command::new(self.folder.path().join(NAME))
            .current_dir(self.folder.path())
            .arg(index.to_string())
            .env("MNAS_ISA", isa.name)
            .output()
            .map_err(|error| error.to_string())?;
        if !ran.status.success() {
            return Err(format!("{}: {}", ran.status, first_lines(&ran.stderr)));
        }
        parse(&ran.stdout).ok_or_else(|| "the number of values that it wrote is wrong".to_owned())
    }
}

const NAME: &str = if cfg!(windows) { "program.exe" } else { "program" };

fn parse(mut rest: &[u8]) -> Option<Ran> {
    let count = number(&mut rest)?;
    let steps = (0..count).map(|_| values(&mut rest)).collect::<Option<_>>()?;
    let ran = Ran { steps, output: values(&mut rest)?, output_chw: values(&mut rest)? };
    rest.is_empty().then_some(ran)
}

fn number(rest: &mut &[u8]) -> Option<usize> {
    let (head, tail) = rest.split_first_chunk::<8>()?;
    *rest = tail;
    usize::try_from(u64::from_le_bytes(*head)).ok()
}

fn values(rest: &mut &[u8]) -> Option<Vec<f32>> {
    let bytes = number(rest)?.checked_mul(4)?;
    let (head, tail) = rest.split_at_checked(bytes)?;
    *rest = tail;
    Some(head.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
}

fn first_lines(text: &[u8]) -> String {
    let lines: Vec<String> =
        String::from_utf8_lossy(text).lines().take(12).map(|line| line.chars().take(200).collect()).collect();
    lines.join("\n")
}
