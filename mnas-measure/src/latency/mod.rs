//! Latency from the code that ships: every distinct layer of a network is compiled and timed once, and a network takes as
//! long as its layers; or the whole network is.
//!
//! Layers are timed in batches, several in a program. Before each run their buffers are written, as by the layer before,
//! and as much other memory is read as the network would touch until it comes back to the layer: its weights are as cold
//! as they are in the network, and workers of several threads are awake. Every figure is a ratio to a reference network
//! that runs in between, and becomes milliseconds by what the reference network took on the device when it was first
//! measured: what slows down both, such as a clock that falls, is in no figure.

mod answer;
mod cold;
mod device;
pub mod prediction;
mod program;
mod runner;
mod statistics;
mod store;

use crate::build_cache::{self, entry_of, hash};
use crate::error::{Error, Result};
use crate::lock;
use crate::quantile::median;
use answer::Times;
use cold::Cold;
use device::Device;
use mnas_codegen::compile::VERSION;
use mnas_codegen::layer::{self, Layer};
use mnas_codegen::machine::Isa;
use mnas_dsl::{Network, Spec};
use mnas_io::progress::{progress, status};
use mnas_search::evaluator::Stopwatch;
use mnas_search::findings::{Machine, Pair};
use mnas_search::job::{Failure, Latency};
use program::{Item, Rounds};
pub use runner::Runner;
use statistics::Figure;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread;
use store::{Entry, Store};

/// How figures are made: another number for another way, so that old ones are not taken for new.
const METHOD: &[u8] = b"3";

const LAYER_ROUNDS: Rounds = Rounds { passes: 6, runs: 6 };
const NETWORK_ROUNDS: Rounds = Rounds { passes: 8, runs: 8 };

/// Layers of one program: rustc takes half a second for each.
const BATCH: usize = 32;

/// How often a program is run while something in it does not settle.
const ATTEMPTS: usize = 4;

/// Where latency is measured, and by which code.
#[derive(Clone, Debug, Default)]
pub struct DeviceOptions {
    /// Instruction set of the code that is timed; the best of the device where it is not given.
    pub isa: Option<Isa>,
    /// Threads of an inference; one where it is not given.
    pub threads: Option<u32>,
    /// Starts measuring programs; without it this machine runs them.
    pub runner: Option<Runner>,
    /// Target of rustc's that they are built for; this machine's where it is not given.
    pub triple: Option<String>,
    /// What links them.
    pub linker: Option<String>,
    /// Whether the runner only pretends to be the processor.
    pub emulated: bool,
    /// Folder of figures; [`Meter::folder`] where it is not given.
    pub cache: Option<PathBuf>,
}

/// Times networks on a device.
pub struct Meter {
    device: Device,
    store: Store,
    compiler: String,
    cpu: String,
    load: f64,
    /// Bytes of its first and second data cache.
    caches: [u64; 2],
    /// Nanoseconds of the reference network.
    reference_ns: f64,
    known: Mutex<BTreeMap<String, Entry>>,
}

/// A layer that is to be timed, and how.
#[derive(Clone, Debug)]
struct Wanted {
    key: String,
    cold: Cold,
    layer: Layer,
}

impl Meter {
    /// Asks the device what it is, and how fast its reference network runs; figures are kept in `folder`.
    ///
    /// # Errors
    ///
    /// No rustc, or no answer of the device.
    fn new(device: Device, folder: &Path) -> Result<Self> {
        let compiler = build_cache::compiler()?;
        let store = Store::new(folder);
        let program = program::build(&device, &[Item::reference()], NETWORK_ROUNDS, 0, true)?;
        let answer = {
            let _alone = lock::acquire();
            program::run(&device, &program, 1)?
        };
        let mut meter = Meter {
            device,
            store,
            compiler,
            cpu: answer.cpu.clone(),
            load: answer.load,
            caches: [answer.l1_bytes, answer.l2_bytes],
            reference_ns: 0.0,
            known: Mutex::default(),
        };
        // Those that were measured before go by what it took then.
        let key = meter.key("reference", &entry_of(&program));
        let entry = match meter.store.get(&key) {
            Some(entry) => entry,
            None => {
                let figure = Figure::of(&answer.items[0], NETWORK_ROUNDS.runs, answer.settled);
                let entry = meter.entry(key, "the reference network".to_owned(), figure, answer.load, &program);
                meter.store.put(&entry)?;
                entry
            }
        };
        meter.reference_ns = entry.figure.ns;
        Ok(meter)
    }

    /// The folder of figures by default.
    ///
    /// # Errors
    ///
    /// No folder for caches.
    pub fn folder() -> Result<PathBuf> {
        Ok(build_cache::folder()?.join("latency"))
    }

    /// A meter for the device that the options name.
    ///
    /// # Errors
    ///
    /// An instruction set that the device does not have; a device that cannot be reached.
    pub fn of(options: DeviceOptions) -> Result<Self> {
        let DeviceOptions { isa, threads, runner, triple, linker, emulated, cache } = options;
        let device = Device::new(isa, threads.unwrap_or(1), runner, triple, linker, emulated)?;
        let meter = Self::new(device, &cache.map_or_else(Self::folder, Ok)?)?;
        progress(&format!(
            "latency of {}; the reference network takes {:.1} us",
            meter.name(),
            meter.reference_ns / 1e3
        ));
        if meter.device.is_emulated {
            progress("these are figures of an emulator: they say nothing about any machine");
        }
        Ok(meter)
    }

    /// On what it measures.
    pub fn machine(&self) -> Machine {
        Machine {
            cpu: self.cpu.clone(),
            isa: self.device.isa.name.to_owned(),
            threads: self.device.threads,
            compiler: format!("{}, mnasc {VERSION}", self.compiler()),
            runner: self.device.runner.as_ref().map(|runner| runner.text().to_owned()),
            load: self.load,
            is_meaningful: !self.device.is_emulated,
        }
    }

    /// Networks measured both ways.
    ///
    /// # Errors
    ///
    /// No figure of one of them.
    pub fn pairs(&self, networks: &[(Spec, Network)]) -> Result<Vec<Pair>> {
        let sums = self.sums(&networks.iter().map(|(_, network)| network).collect::<Vec<_>>())?;
        let wholes = self.wholes(&networks.iter().map(|(spec, network)| (spec, network)).collect::<Vec<_>>())?;
        let figures = sums.into_iter().zip(wholes);
        let pair = |((spec, _), (predicted, measured)): (&(Spec, Network), _)| Pair {
            spec: spec.to_yaml(),
            predicted,
            measured,
        };
        Ok(networks.iter().zip(figures).map(pair).collect())
    }

    /// The first line of what rustc says of itself.
    fn compiler(&self) -> &str {
        self.compiler.lines().next().unwrap_or_default()
    }

    /// What networks take as the sum of their layers, milliseconds.
    fn sums(&self, networks: &[&Network]) -> Result<Vec<Latency>> {
        let wanted: Vec<Vec<Wanted>> = networks.iter().map(|network| self.wanted(network)).collect::<Result<_>>()?;
        self.time_layers(wanted.iter().flatten())?;
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let sum = |layers: &Vec<Wanted>| {
            let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
            for wanted in layers {
                *counts.entry(&wanted.key).or_default() += 1;
            }
            let figures = counts.into_iter().filter_map(|(key, count)| Some((known.get(key)?.figure, count)));
            self.milliseconds(statistics::sum(figures))
        };
        Ok(wanted.iter().map(sum).collect())
    }

    /// What networks take as a whole, milliseconds.
    fn wholes(&self, networks: &[(&Spec, &Network)]) -> Result<Vec<Latency>> {
        let mut latencies = Vec::new();
        let programs = self.programs(networks)?;
        for ((_, network), program) in networks.iter().zip(programs) {
            // Its folder is named by a hash of the code.
            let key = self.key("network", &entry_of(&program));
            let entry = match self.store.get(&key) {
                Some(entry) => entry,
                None => {
                    status(&format!("timing {} as a whole", network.name));
                    let figure = self.time(&program, 1, NETWORK_ROUNDS)?;
                    let entry = self.entry(key, network.name.clone(), figure[0].0, figure[0].1, &program);
                    self.store.put(&entry)?;
                    entry
                }
            };
            let figure = entry.figure;
            latencies.push(self.milliseconds((figure.ratio, figure.low, figure.high, figure.is_stable)));
        }
        status("");
        Ok(latencies)
    }

    /// A program of each network. One is one unit of code to rustc, so as many are built at once as there are processors.
    fn programs(&self, networks: &[(&Spec, &Network)]) -> Result<Vec<PathBuf>> {
        let build = |&(spec, network): &(&Spec, &Network)| {
            let item = Item::network(&self.device, spec, network)?;
            program::build(&self.device, &[item], NETWORK_ROUNDS, 0, true)
        };
        let at_once = thread::available_parallelism().map_or(1, usize::from).min(8);
        let mut programs = Vec::new();
        for some in networks.chunks(at_once) {
            status(&format!(
                "compiling networks {} to {} of {}",
                programs.len() + 1,
                programs.len() + some.len(),
                networks.len()
            ));
            let built: Vec<Result<PathBuf>> = thread::scope(|scope| {
                let threads: Vec<_> = some.iter().map(|network| scope.spawn(|| build(network))).collect();
                let failed = || Err(Error::system("a thread that compiles stopped"));
                threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| failed())).collect()
            });
            for program in built {
                programs.push(program?);
            }
        }
        Ok(programs)
    }

    /// Two figures of one network, again and again: how far each pair is apart, as a part of the first.
    ///
    /// The program has the network twice, so that both are timed in turn and nothing differs but chance.
    pub fn same_twice(&self, spec: &Spec, network: &Network, pairs: usize) -> Result<Vec<f64>> {
        let items = [Item::network(&self.device, spec, network)?, Item::network(&self.device, spec, network)?];
        // In turn, one run at a time.
        let rounds = Rounds { passes: 40, runs: 1 };
        let program = program::build(&self.device, &items, rounds, 0, true)?;
        let mut differences = Vec::new();
        let _alone = lock::acquire();
        for _ in 0..pairs {
            let answer = program::run(&self.device, &program, 2)?;
            let [a, b] = [0, 1].map(|at| median(&answer.items[at].ns));
            differences.push((b - a) / a);
        }
        Ok(differences)
    }

    fn milliseconds(&self, (ratio, low, high, is_stable): (f64, f64, f64, bool)) -> Latency {
        let [ms, low, high] = [ratio, low, high].map(|ratio| ratio * self.reference_ns / 1e6);
        Latency { ms, low, high, is_stable }
    }

    /// The layers of a network.
    fn wanted(&self, network: &Network) -> Result<Vec<Wanted>> {
        let plan = self.device.plan(network)?;
        let bytes = (plan.weights_len + plan.arena.len).bytes().0 as u64;
        let cold = Cold::of(bytes, self.caches);
        let layers = layer::layers(&plan, program::RUNTIME);
        let one = |layer: Layer| Wanted { key: self.key(&format!("layer {cold:?}"), &layer.text), cold, layer };
        Ok(layers.into_iter().map(one).collect())
    }

    /// Times those layers that no figure is known of.
    fn time_layers<'a>(&self, wanted: impl Iterator<Item = &'a Wanted>) -> Result<()> {
        let mut missing: BTreeMap<(Cold, &str), &Wanted> = BTreeMap::new();
        {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            for wanted in wanted {
                if known.contains_key(&wanted.key) {
                    continue;
                }
                match self.store.get(&wanted.key) {
                    Some(entry) => _ = known.insert(wanted.key.clone(), entry),
                    None => _ = missing.insert((wanted.cold, &wanted.key), wanted),
                }
            }
        }
        let all = missing.len();
        let mut done = 0;
        for cold in Cold::ALL {
            let missing: Vec<&Wanted> = missing.values().copied().filter(|wanted| wanted.cold == cold).collect();
            for batch in missing.chunks(BATCH) {
                status(&format!("timing layers {} to {} of {all}", done + 1, done + batch.len()));
                let items: Vec<Item> = batch.iter().map(|wanted| Item::layer(&wanted.layer)).collect();
                let elsewhere = cold.elsewhere(self.caches);
                let program = program::build(&self.device, &items, LAYER_ROUNDS, elsewhere, cold == Cold::Not)?;
                let figures = self.time(&program, batch.len(), LAYER_ROUNDS)?;
                let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
                for (wanted, (figure, load)) in batch.iter().zip(figures) {
                    let entry = self.entry(wanted.key.clone(), wanted.layer.shown.clone(), figure, load, &program);
                    self.store.put(&entry)?;
                    known.insert(wanted.key.clone(), entry);
                }
                done += batch.len();
            }
        }
        if all > 0 {
            status("");
        }
        Ok(())
    }

    /// Runs a program until what it times has settled, or often enough; of each item the figure of all runs, and the
    /// load at the last.
    fn time(&self, program: &Path, count: usize, rounds: Rounds) -> Result<Vec<(Figure, f64)>> {
        let mut all: Vec<Times> = Vec::new();
        let mut figures: Vec<(Figure, f64)> = Vec::new();
        let mut settled = false;
        let _alone = lock::acquire();
        for _ in 0..ATTEMPTS {
            let answer = program::run(&self.device, program, count)?;
            if answer.cpu != self.cpu {
                return Err(Error::system(format!(
                    "the device has another processor than before: `{}`, not `{}`",
                    answer.cpu, self.cpu
                )));
            }
            // Once a warm-up has settled, runs behind one that had not tell nothing.
            if answer.settled && !settled {
                all.clear();
                settled = true;
            } else if settled && !answer.settled {
                continue;
            }
            all.resize_with(count, Times::default);
            for (all, times) in all.iter_mut().zip(answer.items) {
                all.ns.extend(times.ns);
                all.reference_ns.extend(times.reference_ns);
            }
            let of_all = all.iter().map(|times| (Figure::of(times, rounds.runs, settled), answer.load));
            figures = of_all.collect();
            if figures.iter().all(|(figure, _)| figure.is_stable) {
                break;
            }
        }
        Ok(figures)
    }

    /// A name of a figure: everything that decides it.
    fn key(&self, what: &str, text: &str) -> String {
        let device = self.device.key();
        let parts = [what, text, &device, &self.cpu, &self.compiler, VERSION].map(str::as_bytes);
        hash([METHOD].into_iter().chain(parts))
    }

    fn entry(&self, key: String, what: String, figure: Figure, load: f64, program: &Path) -> Entry {
        let (cpu, compiler) = (self.cpu.clone(), self.compiler().to_owned());
        Entry { key, what, figure, cpu, load, compiler, build: entry_of(program) }
    }
}

impl Stopwatch for Meter {
    fn name(&self) -> String {
        let Device { isa, threads, runner, target, .. } = &self.device;
        let s = if *threads == 1 { "" } else { "s" };
        let target = target.as_ref().map_or(String::new(), |target| format!(", {target}"));
        let runner = runner.as_ref().map_or(String::new(), |runner| format!(", run by `{}`", runner.text()));
        format!("generated code, {}, {threads} thread{s}, {}{target}{runner}", isa.name, self.cpu)
    }

    fn prepare(&self, networks: &[(&Spec, &Network)]) -> std::result::Result<(), Failure> {
        let networks: Vec<&Network> = networks.iter().map(|(_, network)| *network).collect();
        self.sums(&networks).map(|_| ()).map_err(stop)
    }

    fn measure(&self, _spec: &Spec, network: &Network) -> std::result::Result<Latency, Failure> {
        let latencies = self.sums(&[network]).map_err(stop)?;
        latencies.into_iter().next().ok_or_else(|| Failure::Stop("no network was timed".to_owned()))
    }
}

/// No other network would be measured either.
fn stop(error: Error) -> Failure {
    Failure::Stop(error.in_a_line())
}
