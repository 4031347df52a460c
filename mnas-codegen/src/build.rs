//! The build script's door: a spec, and weights if they are to be embedded, to a file in `OUT_DIR`.
//!
//! ```no_run
//! // build.rs; `mnas-codegen` with the feature `build` is a build dependency.
//! mnas_codegen::build::Build::new("specs/a1.yaml").weights("a1.safetensors").compile("a1");
//! ```
//!
//! ```ignore
//! // The program, which depends on `mnas-runtime`.
//! include!(concat!(env!("OUT_DIR"), "/a1.rs"));
//! ```
//!
//! The only module of this crate that touches files and the environment.

use crate::code::{Code, Values, compile_values};
use crate::compile::Options;
use crate::machine;
use crate::tuned::{ScheduleFile, TuningProfile};
use crate::weights;
use mnas_dsl::{Network, load_yaml};
use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process;

/// One network of a build script.
#[derive(Clone, Debug)]
#[must_use = "nothing is compiled before `compile`"]
pub struct Build {
    spec: PathBuf,
    weights: Source,
    isas: Option<String>,
    checked: bool,
    standalone: bool,
    threaded: bool,
    schedule: Option<PathBuf>,
    cpu: Option<String>,
    runtime: Option<String>,
    out_dir: Option<PathBuf>,
}

#[derive(Clone, Debug)]
enum Source {
    /// The program loads them.
    None,
    File(PathBuf),
    Random(u64),
}

/// The files of a compiled network.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Files {
    /// The code.
    pub code: PathBuf,
    /// The packed weights that the code includes.
    pub weights: Option<PathBuf>,
}

/// The reason why a network was not compiled, as text for the output of the build; mistakes of a spec are drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildError(
    /// The text; ends with a line break.
    pub String,
);

impl std::fmt::Display for BuildError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BuildError {}

impl Build {
    /// The network of a YAML file. Relative paths start from the folder of the package's `Cargo.toml`.
    pub fn new(spec: impl Into<PathBuf>) -> Self {
        Build {
            spec: spec.into(),
            weights: Source::None,
            isas: None,
            checked: false,
            standalone: false,
            threaded: false,
            schedule: None,
            cpu: None,
            runtime: None,
            out_dir: None,
        }
    }

    /// Embeds the weights of a safetensors or PyTorch file, or those of a network in int8, whose code then computes in
    /// integers.
    pub fn weights(mut self, file: impl Into<PathBuf>) -> Self {
        self.weights = Source::File(file.into());
        self
    }

    /// Embeds weights drawn from `seed`, for tests and timings.
    pub fn random_weights(mut self, seed: u64) -> Self {
        self.weights = Source::Random(seed);
        self
    }

    /// The instruction sets in the code, such as `"avx2,scalar"`; by default all that are implemented. Those of
    /// other architectures than the target's are not compiled.
    pub fn isa(mut self, list: impl Into<String>) -> Self {
        self.isas = Some(list.into());
        self
    }

    /// Asserts every memory access of the generated code.
    pub fn checked(mut self, on: bool) -> Self {
        self.checked = on;
        self
    }

    /// Puts mnas-runtime into the file, as a module beside the network.
    pub fn standalone(mut self, on: bool) -> Self {
        self.standalone = on;
        self
    }

    /// Lets several threads share an inference: makes `infer_threaded`, and needs the feature `std` of mnas-runtime.
    pub fn threaded(mut self, on: bool) -> Self {
        self.threaded = on;
        self
    }

    /// Compiles with the schedules that `mnasc tune` wrote to this file. Where it has sections for several processors,
    /// [`Build::cpu`] says which.
    pub fn schedule(mut self, file: impl Into<PathBuf>) -> Self {
        self.schedule = Some(file.into());
        self
    }

    /// The section of the schedule file.
    pub fn cpu(mut self, section: impl Into<String>) -> Self {
        self.cpu = Some(section.into());
        self
    }

    /// Where the code finds mnas-runtime; by default `::mnas_runtime`.
    pub fn runtime(mut self, path: impl Into<String>) -> Self {
        self.runtime = Some(path.into());
        self
    }

    /// Where files are written; by default `OUT_DIR`.
    pub fn out_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.out_dir = Some(folder.into());
        self
    }

    /// Writes `NAME.rs`, and `NAME.weights` if weights are embedded. Prints every mistake and ends the build script
    /// with exit code 1 if there is one.
    pub fn compile(&self, name: &str) {
        if let Err(error) = self.try_compile(name) {
            eprint!("{error}");
            process::exit(1);
        }
    }

    /// As [`Build::compile`], and leaves mistakes to the caller. Prints to cargo which files were read.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the spec or the weights, or a file that cannot be read or written.
    pub fn try_compile(&self, name: &str) -> Result<Files, BuildError> {
        if name.is_empty() || !name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-') {
            return Err(error(format!("`{name}` cannot name a file: letters, digits, `_` and `-` can")));
        }
        let out_dir = match &self.out_dir {
            Some(folder) => folder.clone(),
            None => env::var_os("OUT_DIR").map(PathBuf::from).ok_or_else(|| {
                error("OUT_DIR is not set; cargo sets it for build scripts, elsewhere call `out_dir`".to_owned())
            })?,
        };
        let compiled = self.read_and_compile()?;
        let weights_name = format!("{name}.weights");
        let text = compiled.text(&weights_name).map_err(|e| error(e.to_string()))?;
        let code = out_dir.join(format!("{name}.rs"));
        let weights = compiled.weights().map(|bytes| (out_dir.join(weights_name), bytes));
        let mut outputs: Vec<(&Path, &[u8])> = Vec::new();
        // The code is the last, so that the weights of a file that includes them are there.
        outputs.extend(weights.iter().map(|(path, bytes)| (path.as_path(), *bytes)));
        outputs.push((&code, text.as_bytes()));
        mnas_files::publish(&outputs).map_err(|e| error(e.to_string()))?;
        Ok(Files { code, weights: weights.map(|(path, _)| path) })
    }

    fn read_and_compile(&self) -> Result<Code, BuildError> {
        let isas = match &self.isas {
            None => Options::default().isas,
            Some(list) => machine::parse_list(list).map_err(|e| error(e.to_string()))?,
        };
        let runtime = match &self.runtime {
            None => None,
            Some(path) => Some(path.parse().map_err(|_| error(format!("`{path}` is not a path in Rust")))?),
        };
        let (checked, standalone, threaded) = (self.checked, self.standalone, self.threaded);
        let shown = self.spec.display().to_string();
        // All are read before any is judged, so that cargo looks at all again.
        let spec = read(&self.spec);
        let schedule = self.schedule.as_deref().map(read);
        let file = match &self.weights {
            Source::File(path) => Some(read(path)?),
            Source::None | Source::Random(_) => None,
        };
        let tuned = self.tuned(schedule.transpose()?)?;
        let options = Options { isas, runtime, checked, standalone, threaded, tuned, ..Options::default() };
        let text = String::from_utf8(spec?).map_err(|_| error(format!("`{shown}` is not UTF-8")))?;
        let (spec, network) = load_yaml(&text, &shown).map_err(|mistakes| BuildError(mistakes.render(false)))?;
        let weights = self.named_weights(file, &network)?;
        compile_values(&spec, &network, weights.as_ref(), &options).map_err(|e| error(e.to_string()))
    }

    fn tuned(&self, schedule: Option<Vec<u8>>) -> Result<TuningProfile, BuildError> {
        let (Some(bytes), Some(path)) = (schedule, &self.schedule) else {
            return match self.cpu {
                None => Ok(TuningProfile::default()),
                Some(_) => Err(error("`cpu` names a section of a schedule file, and `schedule` gives none".to_owned())),
            };
        };
        let shown = path.display().to_string();
        let text = String::from_utf8(bytes).map_err(|_| error(format!("`{shown}` is not UTF-8")))?;
        let file = ScheduleFile::parse(&text, &shown).map_err(|mistakes| BuildError(mistakes.render(false)))?;
        file.select(self.cpu.as_deref()).map_err(|e| error(e.to_string()))
    }

    fn named_weights(&self, file: Option<Vec<u8>>, network: &Network) -> Result<Option<Values>, BuildError> {
        match (&self.weights, file) {
            (Source::Random(seed), _) => Ok(Some(Values::F32(weights::random(network, *seed)))),
            (Source::File(path), Some(bytes)) => {
                Values::load(&bytes, &path.display().to_string(), network).map(Some).map_err(error)
            }
            _ => Ok(None),
        }
    }
}

fn error(message: String) -> BuildError {
    BuildError(format!("error: {message}\n"))
}

/// Reads a file, and has cargo run the build script again when it changes or appears.
fn read(path: &Path) -> Result<Vec<u8>, BuildError> {
    let path = match env::var_os("CARGO_MANIFEST_DIR") {
        Some(folder) => Path::new(&folder).join(path),
        None => path.to_owned(),
    };
    println!("cargo::rerun-if-changed={}", path.display());
    let bytes = match fs::metadata(&path) {
        Ok(found) if !found.is_file() => Err(io::Error::other("it is not a file")),
        Ok(_) => fs::read(&path),
        Err(e) => Err(e),
    };
    bytes.map_err(|e| error(format!("cannot read `{}`: {e}", path.display())))
}
