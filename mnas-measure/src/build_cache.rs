//! Programs that rustc built from generated code, kept by content.
//!
//! An entry is a folder named by a hash of everything that decides what is in it. It is made under another name and
//! renamed when it is complete, so that whoever finds it can use it, and any number of mnasc may build at once.

use crate::error::{Error, Result};
use crate::output::{progress, unique};
use std::env;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// How names of folders start that are no entries yet.
const BUILDING: &str = "building-";

/// Warnings are for who writes code, not for who runs it.
const RUSTC_OPTIONS: [&str; 9] =
    ["--edition", "2021", "-O", "--cap-lints", "allow", "--cfg", "feature=\"std\"", "--cfg", "feature=\"alloc\""];

/// A program's name, in its entry and in rustc's arguments.
const PROGRAM: &str = if cfg!(windows) { "runner.exe" } else { "runner" };

/// The program of these source files, one of which is `main.rs`; built if it is not there yet.
///
/// `name` is for people. The files' names are single components.
pub fn program(name: &str, files: &[(&str, &[u8])]) -> Result<PathBuf> {
    built(&Build { name: Some(name), ..Build::default() }, files)
}

/// As [`program`], and says nothing.
pub fn quiet_program(files: &[(&str, &[u8])]) -> Result<PathBuf> {
    built(&Build::default(), files)
}

/// What is built, and how: by default a program for this machine, in silence.
#[derive(Clone, Copy, Debug, Default)]
pub struct Build<'a> {
    /// For people, who are told then.
    pub name: Option<&'a str>,
    /// More arguments of rustc: another target, and how it is linked.
    pub arguments: &'a [String],
    /// A library of this name rather than a program.
    pub library: Option<&'a str>,
    /// The name of a library that it uses, and what [`built`] gave for that.
    pub uses: Option<(&'a str, &'a Path)>,
}

/// What rustc says of itself.
pub fn compiler() -> Result<String> {
    // Asking takes as long as many a build that is there already.
    static KNOWN: OnceLock<String> = OnceLock::new();
    if let Some(known) = KNOWN.get() {
        return Ok(known.clone());
    }
    let version = rustc().arg("-vV").output().map_err(|error| no_rustc(&error))?;
    if !version.status.success() {
        return Err(failed("rustc -vV", &version.stderr));
    }
    Ok(KNOWN.get_or_init(|| String::from_utf8_lossy(&version.stdout).into_owned()).clone())
}

/// Where the user is: a toolchain file there may be the only thing that says which rustc it is.
fn rustc() -> Command {
    let mut command = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    command.stdin(Stdio::null());
    command
}

/// What these source files make, one of which is `main.rs`; built if it is not there yet.
pub fn built(build: &Build<'_>, files: &[(&str, &[u8])]) -> Result<PathBuf> {
    let &Build { name, arguments, library, uses } = build;
    let folder = folder()?;
    fs::create_dir_all(&folder).map_err(|error| Error::file("create the folder", &folder, &error))?;
    let version = compiler()?;
    // The folder of a library is named by a hash of what it is made of, wherever the cache is.
    let used = uses.map(|(name, path)| format!("{name} {}", entry_of(path)));
    let options =
        RUSTC_OPTIONS.into_iter().chain(arguments.iter().map(String::as_str)).chain(library).chain(used.as_deref());
    let texts = files.iter().flat_map(|(name, bytes)| [name.as_bytes(), bytes]);
    let entry = folder.join(hash([version.as_bytes()].into_iter().chain(options.map(str::as_bytes)).chain(texts)));
    let file = library.map_or(PROGRAM.to_owned(), |name| format!("lib{name}.rlib"));
    let program = entry.join(&file);
    if program.is_file() {
        return Ok(program);
    }

    if let Some(name) = name {
        progress(&format!("compiling {name} with rustc ..."));
    }
    let start = Instant::now();
    remove_abandoned(&folder);
    let building = Building::new(&folder)?;
    for (file, bytes) in files {
        let path = building.path.join(file);
        fs::write(&path, bytes).map_err(|error| Error::file("write", &path, &error))?;
    }
    let mut command = rustc();
    command.args(RUSTC_OPTIONS).args(arguments);
    if let Some(name) = library {
        command.args(["--crate-type", "rlib", "--crate-name", name]);
    }
    if let Some((name, path)) = uses {
        let mut used = OsString::from(format!("{name}="));
        used.push(path);
        command.arg("--extern").arg(used);
    }
    command.arg("-o").arg(building.path.join(&file)).arg(building.path.join("main.rs"));
    let built = command.output().map_err(|error| no_rustc(&error))?;
    if !built.status.success() {
        return Err(failed("rustc", &built.stderr));
    }
    building.publish(&entry, &program)?;
    if name.is_some() {
        progress(&format!("compiled in {:.1} s", start.elapsed().as_secs_f64()));
    }
    Ok(program)
}

/// The hash of what something is made of, that was built.
pub fn entry_of(built: &Path) -> String {
    built.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned()
}

/// `$MNAS_CACHE`, or `mnas` of the user's cache folder.
pub fn folder() -> Result<PathBuf> {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = set("MNAS_CACHE")
        // The standard of these folders says that a relative one is no setting.
        .or_else(|| set("XDG_CACHE_HOME").filter(|path| path.is_absolute()).map(|path| path.join("mnas")))
        .or_else(|| set("HOME").map(|home| home.join(".cache").join("mnas")))
        .or_else(|| set("LOCALAPPDATA").map(|folder| folder.join("mnas")));
    let folder = folder.ok_or_else(|| {
        Error::system("there is no folder to build in").hint("set `MNAS_CACHE` to a folder for compiled networks")
    })?;
    std::path::absolute(&folder).map_err(|error| Error::file("find", &folder, &error))
}

/// FNV-1a of some parts, 128 bits: a name for what they decide.
pub fn hash<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    let hash = parts.into_iter().fold(OFFSET, |hash, part| {
        // A length before each part keeps different divisions apart.
        let length = (part.len() as u64).to_le_bytes();
        length.iter().chain(part).fold(hash, |hash, byte| (hash ^ u128::from(*byte)).wrapping_mul(PRIME))
    });
    format!("{hash:032x}")
}

/// A folder that becomes an entry, or goes.
struct Building {
    path: PathBuf,
}

impl Building {
    fn new(folder: &Path) -> Result<Self> {
        let path = folder.join(format!("{BUILDING}{}", unique()));
        fs::create_dir(&path).map_err(|error| Error::file("create the folder", &path, &error))?;
        Ok(Building { path })
    }

    /// Renames it. Where another process was faster, its program is as good.
    fn publish(self, entry: &Path, program: &Path) -> Result<()> {
        match fs::rename(&self.path, entry) {
            Err(error) if !program.is_file() => Err(Error::file("create the folder", entry, &error)),
            _ => Ok(()),
        }
    }
}

/// Removes what processes that were killed left behind a day ago or longer.
fn remove_abandoned(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let is_building = entry.file_name().to_string_lossy().starts_with(BUILDING);
        let age = entry.metadata().and_then(|metadata| metadata.modified()).ok().and_then(|time| time.elapsed().ok());
        if is_building && age.is_some_and(|age| age > Duration::from_secs(24 * 60 * 60)) {
            // Another process may be doing the same.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

impl Drop for Building {
    fn drop(&mut self) {
        // Renamed, it is no longer there.
        let _ = fs::remove_dir_all(&self.path);
    }
}

fn no_rustc(error: &io::Error) -> Error {
    Error::system(format!("cannot start rustc: {error}"))
        .hint("install Rust, or set `RUSTC` to the compiler's path; `mnasc run --interpret` needs none")
}

fn failed(command: &str, stderr: &[u8]) -> Error {
    let said = String::from_utf8_lossy(stderr);
    // The first lines say why; a linker repeats its whole command line after them.
    let said: Vec<String> = said.lines().take(20).map(|line| line.chars().take(300).collect()).collect();
    let said = said.join("\n");
    let error = Error::system(format!("{command} failed:\n{}", said.trim_end()));
    if said.contains("linker `") {
        return error.hint("rustc links programs with the linker of a C compiler: install gcc or clang");
    }
    if said.contains("can't find crate for `std`") || said.contains("can't find crate for `core`") {
        return error.hint("the target's standard library is missing: `rustup target add TRIPLE` installs it");
    }
    error
}
