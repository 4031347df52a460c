//! Several subjects in one program, which rustc builds and which runs one network at a time.

use mnas_codegen::emit::file;
use mnas_codegen::machine::Isa;
use mnas_files::TempFolder;
use std::borrow::Cow;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError, Weak};

const MAIN: &str = include_str!("program_main.rs.txt");
const MAIN_INT8: &str = include_str!("int8/program_main.rs.txt");

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

/// A network as a program has it.
#[derive(Clone, Debug)]
pub struct Unit<'a> {
    /// The generated items.
    pub code: &'a str,
    /// Name of the generated type.
    pub type_name: &'a str,
    /// Packed weights.
    pub weights: Cow<'a, [u8]>,
    /// The image, height x width x channels.
    pub image: &'a [f32],
    /// The same image as 8-bit values.
    pub pixels: Option<&'a [u8]>,
    /// Macros of the program that run it, one after the other; each adds to what the program writes.
    pub macros: Vec<&'static str>,
}

/// Little-endian bytes.
pub fn bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
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
    pub fn build(units: &[Unit<'_>], rustc: &Rustc) -> Result<Self, BuildError> {
        let runtime = Runtime::built(rustc)?;
        let folder = temp_folder()?;
        let mut main = MAIN.to_owned();
        main.push_str(MAIN_INT8);
        main.push_str("use runtime::mnas_runtime;\n");
        let mut arms = String::new();
        for (i, unit) in units.iter().enumerate() {
            write(&folder, &format!("{i}.weights"), &unit.weights)?;
            write(&folder, &format!("{i}.image"), &bytes(unit.image))?;
            if let Some(pixels) = unit.pixels {
                write(&folder, &format!("{i}.pixels"), pixels)?;
            }
            write(&folder, &format!("n{i}.rs"), unit.code.as_bytes())?;
            let _ = writeln!(main, "mod n{i};");
            let calls = unit.macros.iter().map(|name| format!("{name}!(out, {i}, n{i}, {});", unit.type_name));
            let _ = writeln!(arms, "        Some(\"{i}\") => {{ {} }}", calls.collect::<String>());
        }
        let _ = write!(
            main,
            "\nfn main() {{\n    let mut out = Vec::new();\n    match std::env::args().nth(1).as_deref() {{\n{arms}        _ => panic!(\"which network?\"),\n    }}\n    std::io::stdout().write_all(&out).expect(\"standard output\");\n}}\n"
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
        parse(&self.output(index, isa)?).ok_or_else(|| WRONG_COUNT.to_owned())
    }

    /// As [`Program::run`], and returns what the macros of the network wrote.
    ///
    /// # Errors
    ///
    /// As [`Program::run`].
    pub fn output(&self, index: usize, isa: Isa) -> Result<Vec<u8>, String> {
        let ran = Command::new(self.folder.path().join(NAME))
            .current_dir(self.folder.path())
            .arg(index.to_string())
            .env("MNAS_ISA", isa.name)
            .output()
            .map_err(|error| error.to_string())?;
        if !ran.status.success() {
            return Err(format!("{}: {}", ran.status, first_lines(&ran.stderr)));
        }
        Ok(ran.stdout)
    }
}

const NAME: &str = if cfg!(windows) { "program.exe" } else { "program" };

fn parse(mut rest: &[u8]) -> Option<Ran> {
    let count = number(&mut rest)?;
    let steps = (0..count).map(|_| values(&mut rest)).collect::<Option<_>>()?;
    let ran = Ran { steps, output: values(&mut rest)?, output_chw: values(&mut rest)? };
    rest.is_empty().then_some(ran)
}

/// Says that a program's output ends too early or too late.
pub(crate) const WRONG_COUNT: &str = "the number of values that it wrote is wrong";

/// Takes a number from the start of what a program wrote.
pub(crate) fn number(rest: &mut &[u8]) -> Option<usize> {
    let (head, tail) = rest.split_first_chunk::<8>()?;
    *rest = tail;
    usize::try_from(u64::from_le_bytes(*head)).ok()
}

/// Takes a length and that many values.
pub(crate) fn values(rest: &mut &[u8]) -> Option<Vec<f32>> {
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
