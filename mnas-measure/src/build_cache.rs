//! Programs that rustc built from generated code, kept by content.
//!
//! An entry is a folder named by a hash of everything that decides what is in it. It is made under another name and
//! renamed when it is complete and on the disk, so that any number of mnasc may build at once. The length and a checksum
//! of the program are in the entry: an entry that was damaged is built again.

use crate::error::{Error, Result};
use mnas_codegen::fnv;
use mnas_files::unique;
use mnas_io::progress::progress;
use std::env;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// How names of folders start that are no entries yet, or no longer.
const BUILDING: &str = "building-";

/// The file of an entry that has length and checksum of its program.
const CHECKSUM: &str = "checksum";

/// Warnings are for authors of code; this code is generated.
const RUSTC_OPTIONS: [&str; 9] =
    ["--edition", "2021", "-O", "--cap-lints", "allow", "--cfg", "feature=\"std\"", "--cfg", "feature=\"alloc\""];

/// A program's name, in its entry and in rustc's arguments.
const PROGRAM: &str = if cfg!(windows) { "runner.exe" } else { "runner" };

/// The program of these source files, one of which is `main.rs`; built if it is not there yet.
///
/// `name` is for people. The files' names are single components.
pub fn program(name: &str, files: &[(String, Vec<u8>)]) -> Result<PathBuf> {
    built(&Build { name: Some(name), ..Build::default() }, files)
}

/// As [`program`], without reports of progress.
pub fn quiet_program(files: &[(String, Vec<u8>)]) -> Result<PathBuf> {
    built(&Build::default(), files)
}

/// What is built, and how: by default a program for this machine, without reports.
#[derive(Clone, Copy, Debug, Default)]
pub struct Build<'a> {
    /// A name for progress reports; without it, nothing is reported.
    pub name: Option<&'a str>,
    /// Further arguments of rustc: another target, its linker.
    pub arguments: &'a [String],
    /// A library of this name rather than a program.
    pub library: Option<&'a str>,
    /// The name of a library that it uses, and what [`built`] gave for that.
    pub uses: Option<(&'a str, &'a Path)>,
}

/// The version that rustc reports.
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

/// rustc, started in the current folder: a toolchain file there may decide which rustc runs.
fn rustc() -> Command {
    let mut command = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    command.stdin(Stdio::null());
    command
}

/// What these source files make, one of which is `main.rs`; built if it is not there yet.
pub fn built(build: &Build<'_>, files: &[(String, Vec<u8>)]) -> Result<PathBuf> {
    built_in(&folder()?, build, files)
}

fn built_in(folder: &Path, build: &Build<'_>, files: &[(String, Vec<u8>)]) -> Result<PathBuf> {
    let &Build { name, arguments, library, uses } = build;
    make_private(folder)?;
    let version = compiler()?;
    // The folder of a library is named by a hash of what it is made of, wherever the cache is.
    let used = uses.map(|(name, path)| format!("{name} {}", entry_of(path)));
    let options =
        RUSTC_OPTIONS.into_iter().chain(arguments.iter().map(String::as_str)).chain(library).chain(used.as_deref());
    let texts = files.iter().flat_map(|(name, bytes)| [name.as_bytes(), bytes]);
    let entry = folder.join(hash([version.as_bytes()].into_iter().chain(options.map(str::as_bytes)).chain(texts)));
    let file = library.map_or(PROGRAM.to_owned(), |name| format!("lib{name}.rlib"));
    let program = entry.join(&file);
    if is_intact(&program) {
        return Ok(program);
    }

    if let Some(name) = name {
        progress(&format!("compiling {name} with rustc ..."));
    }
    let start = Instant::now();
    remove_abandoned(folder);
    let building = Building::new(folder)?;
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
    let output = building.path.join(&file);
    command.arg("-o").arg(&output).arg(building.path.join("main.rs"));
    let built = command.output().map_err(|error| no_rustc(&error))?;
    if !built.status.success() {
        return Err(failed("rustc", &built.stderr));
    }
    complete(&output).map_err(|error| Error::file("write", &output, &error))?;
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
        Error::system("no folder for compiled networks was found")
            .hint("set `MNAS_CACHE` to a folder for compiled networks")
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

    /// Renames it to an entry, in place of one that is damaged. Where another process was faster, its program is as good.
    fn publish(self, entry: &Path, program: &Path) -> Result<()> {
        let rename = || fs::rename(&self.path, entry);
        let mut renamed = rename();
        if renamed.is_err() {
            if is_intact(program) {
                return Ok(());
            }
            let damaged = self.path.with_file_name(format!("{BUILDING}{}", unique()));
            if fs::rename(entry, &damaged).is_ok() {
                // What cannot be removed now is removed with other abandoned folders.
                let _ = fs::remove_dir_all(&damaged);
            }
            renamed = rename();
        }
        match renamed {
            Err(error) if !is_intact(program) => Err(Error::file("create the folder", entry, &error)),
            _ => {
                entry.parent().into_iter().for_each(mnas_files::sync_folder);
                Ok(())
            }
        }
    }
}

/// Writes the checksum of a program beside it, and brings both to the disk: after a power failure, a file that was renamed
/// without that may be empty.
fn complete(program: &Path) -> io::Result<()> {
    File::open(program)?.sync_all()?;
    let mut checksum = File::create_new(program.with_file_name(CHECKSUM))?;
    checksum.write_all(checksum_of(&fs::read(program)?).as_bytes())?;
    checksum.sync_all()?;
    program.parent().into_iter().for_each(mnas_files::sync_folder);
    Ok(())
}

/// Whether a program is there as rustc wrote it, and can be started.
fn is_intact(program: &Path) -> bool {
    let is_as_written = || -> io::Result<bool> {
        let checksum = fs::read_to_string(program.with_file_name(CHECKSUM))?;
        Ok(checksum == checksum_of(&fs::read(program)?))
    };
    is_executable(program) && is_as_written().unwrap_or(false)
}

fn checksum_of(program: &[u8]) -> String {
    format!("{} {:016x}\n", program.len(), fnv::of(program))
}

/// Whether a program may be started; of a library this says nothing.
#[cfg(unix)]
fn is_executable(program: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    let is_program = program.file_name().is_some_and(|name| name == PROGRAM);
    !is_program || fs::metadata(program).is_ok_and(|found| found.permissions().mode() & 0o100 != 0)
}

#[cfg(not(unix))]
fn is_executable(_: &Path) -> bool {
    true
}

/// Makes the folder of the cache. One in which other users may write is refused: they could replace a program that this
/// user runs.
#[cfg(unix)]
fn make_private(folder: &Path) -> Result<()> {
    use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
    let failed = |error: io::Error| Error::file("create the folder", folder, &error);
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
    let found = fs::metadata(folder).map_err(failed)?;
    let refused = |what: &str| {
        let what = format!("the folder `{}` {what}, so its programs are not safe to run", folder.display());
        Err(Error::system(what).hint("set `MNAS_CACHE` to a folder that is yours alone"))
    };
    // The superuser may replace every program anyway.
    if found.uid() != 0 && found.uid() != rustix::process::geteuid().as_raw() {
        return refused("belongs to another user");
    }
    if found.mode() & 0o002 != 0 {
        return refused("can be written by all users");
    }
    Ok(())
}

#[cfg(not(unix))]
fn make_private(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).map_err(|error| Error::file("create the folder", folder, &error))
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

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use mnas_files::TempFolder;
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt as _;

    const MAIN: &[u8] = b"fn main() { print!(\"right\") }";

    fn run(program: &Path) -> String {
        String::from_utf8(Command::new(program).output().unwrap().stdout).unwrap()
    }

    #[test]
    fn a_damaged_entry_is_built_again() {
        let folder = TempFolder::new("mnasc-cache-test").unwrap();
        let build = || built_in(folder.path(), &Build::default(), &[("main.rs".to_owned(), MAIN.to_vec())]).unwrap();
        let program = build();
        let good = fs::read(&program).unwrap();
        let written = || fs::metadata(&program).unwrap().modified().unwrap();
        // The control: an entry that is as it was is not built again.
        let before = written();
        assert_eq!((build(), written()), (program.clone(), before));
        let damages: [(&str, &dyn Fn()); 6] = [
            ("empty", &|| fs::write(&program, "").unwrap()),
            ("zeros", &|| fs::write(&program, vec![0; good.len()]).unwrap()),
            ("cut", &|| fs::write(&program, &good[..good.len() / 2]).unwrap()),
            ("not executable", &|| fs::set_permissions(&program, Permissions::from_mode(0o644)).unwrap()),
            ("removed", &|| fs::remove_file(&program).unwrap()),
            ("no checksum", &|| fs::remove_file(program.with_file_name(CHECKSUM)).unwrap()),
        ];
        for (name, damage) in damages {
            damage();
            assert!(!is_intact(&program), "{name}");
            assert_eq!(build(), program, "{name}");
            assert!(is_intact(&program), "{name}");
            assert_eq!(run(&program), "right", "{name}");
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing but the entry is left");
    }

    #[test]
    fn a_folder_in_which_others_write_is_refused() {
        let folder = TempFolder::new("mnasc-cache-test").unwrap();
        let cache = folder.path().join("new/cache");
        make_private(&cache).unwrap();
        assert_eq!(fs::metadata(&cache).unwrap().permissions().mode() & 0o777, 0o700);
        let set = |mode| fs::set_permissions(&cache, Permissions::from_mode(mode)).unwrap();
        set(0o755);
        make_private(&cache).unwrap();
        set(0o757);
        assert!(make_private(&cache).unwrap_err().message().contains("can be written by all users"));
        set(0o700);
        // Only the superuser can give a folder away.
        if rustix::process::geteuid().is_root() {
            std::os::unix::fs::chown(&cache, Some(12345), None).unwrap();
            assert!(make_private(&cache).unwrap_err().message().contains("belongs to another user"));
        }
    }
}
