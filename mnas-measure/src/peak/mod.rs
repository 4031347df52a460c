//! Peak rates of a machine: multiply-adds of each instruction set, and reads from each cache.
//!
//! As unsafe code is no part of mnasc, a small program measures it, which is built as generated networks are. This
//! page writes it and reads what it prints; `caches` says how much memory is read. An instruction set's row has its
//! vector type, its load and its multiply-add.

mod caches;

use crate::build_cache;
use crate::error::{Error, Result};
use crate::harness;
pub use caches::{Buffer, Caches};
use mnas_codegen::machine::{self, Isa};
use mnas_harness::source;
use std::process::{Command, Stdio};

/// Peak rates of a machine.
#[derive(Clone, Debug)]
pub struct Peaks {
    /// Threads that worked at once; rates are sums over them.
    pub threads: u32,
    /// Hertz, as estimated from a chain of additions.
    pub clock: f64,
    /// Floating-point operations a second of each instruction set, widest first; two a multiply-add.
    pub fma: Vec<(Isa, f64)>,
    /// Bytes read a second from each cache and from memory, nearest first, by the widest of these instruction sets.
    pub read: Vec<(Buffer, f64)>,
    /// The caches.
    pub caches: Caches,
}

impl Peaks {
    /// The better figure of each pair, as disturbances only lower a rate.
    pub fn better(mut self, other: Self) -> Self {
        self.clock = self.clock.max(other.clock);
        for ((_, rate), (_, again)) in self.fma.iter_mut().zip(other.fma) {
            *rate = rate.max(again);
        }
        for ((_, rate), (_, again)) in self.read.iter_mut().zip(other.read) {
            *rate = rate.max(again);
        }
        self
    }
}

/// Measures these instruction sets, widest first, on `threads` threads. The machine must have all of them.
pub fn measure(isas: &[Isa], threads: u32) -> Result<Peaks> {
    let program = build_cache::program("the measuring program", &files())?;
    let caches = caches::of_host();
    let buffers = caches::buffers(&caches, u64::from(threads), caches::free_memory());
    let widest = isas.first().map(|isa| isa.name).unwrap_or_default();
    let mut requests = vec!["clock".to_owned()];
    requests.extend(isas.iter().map(|isa| format!("fma:{}", isa.name)));
    requests.extend(buffers.iter().map(|buffer| format!("read:{widest}:{}", buffer.bytes)));

    let output = Command::new(&program)
        .arg(threads.to_string())
        .args(&requests)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Error::file("run", &program, &error))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(Error::system(format!("the measuring program failed ({}): {}", output.status, said.trim())));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let rates: Vec<f64> = text.lines().filter_map(|line| line.parse().ok()).collect();
    let [clock, rates @ ..] = &rates[..] else { return Err(short()) };
    if rates.len() != isas.len() + buffers.len() {
        return Err(short());
    }
    let (fma, read) = rates.split_at(isas.len());
    Ok(Peaks {
        threads,
        clock: *clock,
        fma: isas.iter().copied().zip(fma.iter().copied()).collect(),
        read: buffers.into_iter().zip(read.iter().copied()).collect(),
        caches,
    })
}

/// The files of the program. It contains all instruction sets of this architecture and runs those that are requested.
fn files() -> Vec<(String, Vec<u8>)> {
    let (mut modules, mut rows) = (String::new(), String::new());
    for isa in machine::of_host() {
        let (name, features, piece) = (isa.name, isa.features, (isa.peak)());
        let attribute =
            if features.is_empty() { String::new() } else { format!("#[target_feature(enable = {features:?})]") };
        // A factor and a summand also occupy registers.
        let accumulators = (isa.registers - 4).min(16);
        let accumulators: Vec<String> = (0..accumulators).map(|i| format!("c{i}")).collect();
        let accumulators = accumulators.join(" ");
        modules.push_str(&format!("\nmod {name} {{\n{piece}\ncrate::measured!([{attribute}] {accumulators});\n}}\n"));
        rows.push_str(&format!(
            "        peak::Isa {{ name: {name:?}, operations: {name}::OPERATIONS, fma: {name}::fma, step: {name}::STEP, \
             read: {name}::read }},\n"
        ));
    }
    let modules = format!("{}{modules}", harness::declarations(&[source::PEAK]));
    let main = format!("{modules}\nfn main() {{\n    peak::main(&[\n{rows}    ]);\n}}\n");
    let mut files = harness::files(&[source::PEAK]);
    files.push(("main.rs".to_owned(), main.into_bytes()));
    files
}

fn short() -> Error {
    Error::system("the measuring program returned an unexpected number of values")
}
