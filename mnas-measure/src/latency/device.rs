//! Where latency is measured: this machine or one that a runner reaches, and which code it gets.

use super::runner::Runner;
use crate::error::{Error, Result};
use crate::runner as host;
use mnas_codegen::compile::fused_graph;
use mnas_codegen::machine::{self, Isa};
use mnas_codegen::plan::{self, Plan, Target};
use mnas_dsl::Network;

/// Where figures are taken, and by which code.
#[derive(Clone, Debug)]
pub(super) struct Device {
    /// The instruction set.
    pub(super) isa: Isa,
    /// Threads of an inference.
    pub(super) threads: u32,
    /// Runs programs; this machine does without.
    pub(super) runner: Option<Runner>,
    /// The target as rustc names it; without, this machine's.
    pub(super) target: Option<String>,
    /// What links for it.
    pub(super) linker: Option<String>,
    /// Whether it only pretends to be the processor: its times mean nothing.
    pub(super) is_emulated: bool,
}

impl Device {
    /// A device by what was said of it.
    ///
    /// # Errors
    ///
    /// An instruction set that it cannot have.
    pub(super) fn new(
        isa: Option<Isa>,
        threads: u32,
        runner: Option<Runner>,
        target: Option<String>,
        linker: Option<String>,
        is_emulated: bool,
    ) -> Result<Self> {
        let is_emulated = is_emulated || runner.as_ref().is_some_and(Runner::is_emulator);
        let has_runner = runner.is_some();
        let arch = arch(target.as_deref());
        let possible = machine::of_arch(arch);
        let isa = match isa {
            // A runner's machine says whether it has the instruction set when the program starts.
            None if has_runner => possible
                .first()
                .copied()
                .ok_or_else(|| Error::input(format!("no instruction set of {arch} is implemented")))?,
            Some(isa) if has_runner && possible.contains(&isa) => isa,
            Some(isa) if has_runner => {
                return Err(Error::input(format!("{} is not an instruction set of {arch}", isa.name)));
            }
            requested => host::isa_or_best(requested)?,
        };
        Ok(Device { isa, threads, runner, target, linker, is_emulated })
    }

    fn isas(&self) -> Vec<Isa> {
        machine::of_arch(arch(self.target.as_deref()))
    }

    /// A plan with the schedule of the instruction set alone, that lies as in a file that has all of its processor's.
    pub(super) fn plan(&self, network: &Network) -> Result<Plan> {
        let target = Target { threads: self.threads > 1, ..Target::new(self.isas()) };
        let mut plan = plan::plan(&fused_graph(network), &target).map_err(|error| Error::input(error.to_string()))?;
        plan.schedules.retain(|schedule| schedule.isa == self.isa);
        Ok(plan)
    }

    /// What `rustc` needs beyond the file.
    pub(super) fn rustc_arguments(&self) -> Vec<String> {
        let target = self.target.iter().flat_map(|target| ["--target".to_owned(), target.clone()]);
        let linker = self.linker.iter().flat_map(|linker| ["-C".to_owned(), format!("linker={linker}")]);
        // Names of functions are most of a program, of which a search makes a hundred.
        let strip = ["-C".to_owned(), "strip=symbols".to_owned()];
        target.chain(linker).chain(strip).collect()
    }

    /// What tells its figures from those of others.
    pub(super) fn key(&self) -> String {
        let runner = self.runner.as_ref().map_or("", Runner::text);
        format!("{} {} {:?} {:?} {runner}", self.isa.name, self.threads, self.target, self.linker)
    }
}

/// The architecture of a target, or of this machine.
fn arch(target: Option<&str>) -> &str {
    match target {
        None => std::env::consts::ARCH,
        Some(target) => target.split('-').next().unwrap_or_default(),
    }
}
