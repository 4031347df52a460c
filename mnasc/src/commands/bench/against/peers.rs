//! Other engines, which run in processes of a Python interpreter.

use crate::cli::Engine;
use crate::error::{Error, Result};
use mnas_files::TempFolder;
use serde_json::Value;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

/// The Python script.
const SCRIPT: &str = include_str!("peers.py");

/// A Python interpreter, and a folder with the script, a model and its input.
pub(super) struct Peers {
    python: PathBuf,
    folder: TempFolder,
    threads: u32,
}

/// Versions and processors.
pub(super) struct Probe {
    /// Version of Python.
    pub(super) python: String,
    /// Processors that every process is pinned to; `None` where the system cannot pin.
    pub(super) processors: Option<Vec<u64>>,
    /// Version of each engine, in the requested order.
    pub(super) versions: Vec<String>,
}

/// The first result of an engine, with times in seconds.
pub(super) struct First {
    /// Time from before the import.
    pub(super) from_import: f64,
    /// Time from before the model was loaded.
    pub(super) from_load: f64,
    /// Peak memory of the process in bytes, and its peak before the import, if the system reports it.
    pub(super) memory: Option<u64>,
    pub(super) memory_before: Option<u64>,
    /// The result.
    pub(super) output: Vec<f32>,
}

impl Peers {
    /// Writes the engines' files: a model as ONNX, and its input.
    pub(super) fn new(python: &Path, threads: u32, model: &[u8], input: &[f32]) -> Result<Self> {
        let folder = TempFolder::new("mnasc")
            .map_err(|error| Error::file("create a folder in", &std::env::temp_dir(), &error))?;
        let input: Vec<u8> = input.iter().flat_map(|value| value.to_le_bytes()).collect();
        for (name, bytes) in [("peers.py", SCRIPT.as_bytes()), ("model.onnx", model), ("input", &input)] {
            let path = folder.path().join(name);
            fs::write(&path, bytes).map_err(|error| Error::file("write", &path, &error))?;
        }
        Ok(Peers { python: python.to_owned(), folder, threads })
    }

    /// Checks that Python and the engines' packages are installed.
    pub(super) fn probe(&self, engines: &[Engine]) -> Result<Probe> {
        let names = engines.iter().map(|engine| OsStr::new(engine.name()));
        let found = self.answer("probe", names)?;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let python = self.python.display();
        let version = |package: &str, value: &Value| {
            text(value).ok_or_else(|| {
                Error::system(format!("`{python}` has no package `{package}`"))
                    .hint(format!("`{python} -m pip install {package}`, or name another Python with `--python`"))
            })
        };
        version("numpy", &found["numpy"])?;
        let versions = engines.iter().map(|engine| version(engine.name(), &found["versions"][engine.name()]));
        Ok(Probe {
            python: text(&found["python"]).unwrap_or_default(),
            processors: found["processors"].as_array().map(|all| all.iter().filter_map(Value::as_u64).collect()),
            versions: versions.collect::<Result<_>>()?,
        })
    }

    /// The first result of an engine, and nanoseconds of each of `count` warm inferences.
    pub(super) fn time(&self, engine: Engine, count: u32) -> Result<(Vec<f32>, Vec<u64>)> {
        let runs = count.to_string();
        let [model, input, output] = ["model.onnx", "input", "output"].map(|name| self.folder.path().join(name));
        let arguments =
            [engine.name().as_ref(), model.as_os_str(), input.as_os_str(), output.as_os_str(), runs.as_ref()];
        let answer = self.answer("time", arguments)?;
        let times = answer["times_ns"].as_array().map_or(&[][..], Vec::as_slice);
        let times: Vec<u64> = times.iter().filter_map(Value::as_u64).collect();
        if times.len() == count as usize { Ok((self.output()?, times)) } else { Err(strange()) }
    }

    /// The first result of an engine, with its times.
    pub(super) fn first(&self, engine: Engine) -> Result<First> {
        let [model, input, output] = ["model.onnx", "input", "output"].map(|name| self.folder.path().join(name));
        let mut command = self.command("first");
        command.arg(engine.name()).args([model, input, output]);
        let mut child = self.spawn(&mut command)?;
        let mut line = String::new();
        let read = stdout(&mut child).and_then(|mut stdout| stdout.read_line(&mut line));
        let memory = peak_memory(child.id());
        self.finish(child, read)?;
        let answer = parse(&line)?;
        let seconds = |key: &str| answer[key].as_f64().map(|ns| ns / 1e9).ok_or_else(strange);
        Ok(First {
            from_import: seconds("from_import_ns")?,
            from_load: seconds("from_load_ns")?,
            memory,
            memory_before: answer["memory_before"].as_u64(),
            output: self.output()?,
        })
    }

    /// The command prefix that pins a program; in the mode `start` it prints an empty line before the program starts.
    pub(super) fn launcher(&self, mode: &str) -> Vec<OsString> {
        let threads = self.threads.to_string();
        vec![self.python.clone().into(), self.script().into(), threads.into(), mode.into()]
    }

    /// Starts a process whose standard input and output are pipes.
    pub(super) fn spawn(&self, command: &mut Command) -> Result<Child> {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().map_err(|error| self.no_python(&error))
    }

    /// Closes a process's standard input and waits for its end; its standard error explains a failure.
    pub(super) fn finish<T>(&self, mut child: Child, read: io::Result<T>) -> Result<T> {
        drop(child.stdin.take());
        let output = child.wait_with_output().map_err(|error| self.no_python(&error))?;
        if !output.status.success() {
            return Err(failed(&output.stderr));
        }
        read.map_err(|error| Error::file("read from", &self.python, &error))
    }

    fn answer<'a>(&self, mode: &str, arguments: impl IntoIterator<Item = &'a OsStr>) -> Result<Value> {
        let output = self.command(mode).args(arguments).stdin(Stdio::null()).output();
        let output = output.map_err(|error| self.no_python(&error))?;
        if !output.status.success() {
            return Err(failed(&output.stderr));
        }
        // Engines may print lines, too.
        parse(String::from_utf8_lossy(&output.stdout).lines().last().unwrap_or_default())
    }

    fn command(&self, mode: &str) -> Command {
        let mut command = Command::new(&self.python);
        command.arg(self.script()).arg(self.threads.to_string()).arg(mode);
        command
    }

    fn script(&self) -> PathBuf {
        self.folder.path().join("peers.py")
    }

    fn output(&self) -> Result<Vec<f32>> {
        let path = self.folder.path().join("output");
        let bytes = fs::read(&path).map_err(|error| Error::file("read", &path, &error))?;
        Ok(bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
    }

    fn no_python(&self, error: &io::Error) -> Error {
        Error::system(format!("cannot start `{}`: {error}", self.python.display()))
            .hint("name a Python that has numpy and the engines with `--python`")
    }
}

/// The standard output of a process that was started with a pipe for it.
pub(super) fn stdout(child: &mut Child) -> io::Result<BufReader<ChildStdout>> {
    child.stdout.take().map(BufReader::new).ok_or_else(|| io::Error::other("no pipe"))
}

/// Peak memory of a process in bytes, if the system reports it.
pub(super) fn peak_memory(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib << 10)
}

fn parse(line: &str) -> Result<Value> {
    serde_json::from_str(line).map_err(|_| strange())
}

fn strange() -> Error {
    Error::system("the Python script gave no valid answer")
}

/// The last lines of Python's standard error, which name the error.
fn failed(stderr: &[u8]) -> Error {
    let said = String::from_utf8_lossy(stderr);
    let lines: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).collect();
    let last = lines[lines.len().saturating_sub(5)..].join("\n");
    Error::system(format!("the Python script failed:\n{last}"))
}
