//! Writes random networks and programs that run them as a package, for Miri and sanitizers (`scripts/sanitize.sh`).
//!
//! ```text
//! sanitized FOLDER NETWORKS SEED ISA,ISA [small]
//! ```
//!
//! The package has three programs: `clean` runs all networks. `race` runs one whose threads do not wait for each other, and
//! `bounds` runs one whose arena is too short: a sanitizer that is silent about these is not looking.

mod driver;

use mnas_codegen::compile::{Options, compile_plan, fused_graph};
use mnas_codegen::machine::{Isa, parse_list};
use mnas_codegen::plan::Plan;
use mnas_codegen::units::Bytes;
use mnas_fuzz::case::Sharing;
use mnas_fuzz::{Case, draw};
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

const DRIVER: &str = include_str!("driver.rs");

/// What faults are planted in: threads share its maps, and it is small enough for Miri.
const CONTROL: &str = "\
name: control
input: 6x6x3
activation: relu
stem: {op: conv, kernel: 3, stride: 1, filters: 8}
blocks:
  - {op: mbconv, expand: 2, kernel: 3, filters: 8, layers: 2}
head: {classes: 4}
";

const RUNTIME: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../mnas-runtime");

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, networks, seed, isas, rest @ ..] = &arguments[..] else {
        return Err("usage: sanitized FOLDER NETWORKS SEED ISA,ISA [small]".into());
    };
    let (networks, seed): (usize, u64) = (networks.parse()?, seed.parse()?);
    let isas = parse_list(isas)?;
    let small = rest.iter().any(|word| word == "small");
    let cases = if small { smallest(draw::cases(seed, 32 * networks), networks) } else { draw::cases(seed, networks) };
    write(Path::new(folder), &cases, &isas, small)
}

/// The cases with the fewest multiply-accumulates.
fn smallest(mut cases: Vec<Case>, count: usize) -> Vec<Case> {
    let macs = |case: &Case| case.network.macs();
    cases.sort_by_key(macs);
    cases.truncate(count);
    cases
}

/// Writes the package.
fn write(folder: &Path, cases: &[Case], isas: &[Isa], small: bool) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(folder.join("src/bin"))?;
    let manifest = format!(
        "[package]\nname = \"sanitized\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
         [dependencies]\nmnas-runtime = {{ path = {RUNTIME:?}, features = [\"std\"] }}\n\n\
         [profile.dev]\nopt-level = 0\ndebug = \"line-tables-only\"\noverflow-checks = false\nincremental = false\n"
    );
    fs::write(folder.join("Cargo.toml"), manifest)?;
    fs::write(folder.join("src/driver.rs"), DRIVER)?;
    let mut clean = Vec::new();
    for (index, case) in cases.iter().enumerate() {
        let sharing = if index % 2 == 0 { Sharing::Panels } else { Sharing::RowBlocks };
        let network = Network::new(case, isas, sharing, |_| ())?;
        fs::write(folder.join(format!("src/n{index}.rs")), &network.code)?;
        clean.push((format!("n{index}"), network.type_name));
    }
    let control = Case::from_yaml(CONTROL, "control.yaml", None, 0).map_err(|error| error.to_string())?;
    let mut race = Network::new(&control, isas, Sharing::Panels, |_| ())?;
    race.replace("worker . barrier () ;", "")?;
    fs::write(folder.join("src/race.rs"), &race.code)?;
    let bounds = Network::new(&control, isas, Sharing::Panels, |plan| {
        // The arena is a whole number of cache lines anyway.
        let line = Bytes(64).elements();
        let end = plan.arena.buffers.iter().map(|b| b.offset + b.len).max().unwrap_or_default();
        plan.arena.len = end.next_multiple_of(line) - line * 2;
    })?;
    fs::write(folder.join("src/bounds.rs"), &bounds.code)?;
    let threads = if small { "[2]" } else { "[1, 2, 3, 5]" };
    let programs = [
        ("clean", clean),
        ("race", vec![("race".to_owned(), race.type_name)]),
        ("bounds", vec![("bounds".to_owned(), bounds.type_name)]),
    ];
    for (name, networks) in programs {
        let mut text = "#![allow(warnings)]\n#[macro_use]\n#[path = \"../driver.rs\"]\nmod driver;\n".to_owned();
        let mut calls = String::new();
        for (module, type_name) in networks {
            let _ = writeln!(text, "#[path = \"../{module}.rs\"]\nmod {module};");
            let _ = writeln!(calls, "    drive!({module}, {type_name}, {threads});");
        }
        let _ = writeln!(text, "\nfn main() {{\n{calls}}}");
        fs::write(folder.join(format!("src/bin/{name}.rs")), text)?;
    }
    Ok(())
}

/// A network as code.
struct Network {
    type_name: String,
    code: String,
}

impl Network {
    fn new(case: &Case, isas: &[Isa], sharing: Sharing, fault: impl Fn(&mut Plan)) -> Result<Self, Box<dyn Error>> {
        let graph = fused_graph(&case.network);
        let mut plan = case.plan(&graph, isas.to_vec(), Some(sharing))?;
        fault(&mut plan);
        let options = Options { isas: isas.to_vec(), threaded: true, ..Options::default() };
        let compiled = compile_plan(&case.spec, &case.network, graph, plan, None, &options)?;
        Ok(Network { type_name: compiled.type_name(), code: compiled.tokens().to_string() })
    }

    /// Replaces text that the code must have.
    fn replace(&mut self, from: &str, to: &str) -> Result<(), Box<dyn Error>> {
        let code = self.code.replace(from, to);
        if code == self.code {
            return Err(format!("generated code no longer has `{from}`").into());
        }
        self.code = code;
        Ok(())
    }
}
