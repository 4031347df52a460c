//! Options of the device that latency is measured on.

use super::shared::isa_parser;
use crate::latency::{DeviceOptions, Runner};
use clap::Args;
use mnas_codegen::machine::Isa;
use std::path::PathBuf;

/// The device that latency is measured on, and the code that runs there.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Measuring latency")]
pub(crate) struct DeviceArgs {
    /// Instruction set of the timed code [default: the best that this machine has].
    #[arg(long, value_name = "ISA", value_parser = isa_parser())]
    pub(crate) isa: Option<Isa>,
    /// Threads per inference [default: 1].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(crate) threads: Option<u32>,
    /// Run measuring programs by this command, where `{}` is the path of the program: `ssh board {}`, `qemu-aarch64 {}`. The
    /// program is also its standard input.
    #[arg(long, value_name = "COMMAND")]
    pub(crate) runner: Option<Runner>,
    /// Build measuring programs for this target of rustc.
    #[arg(long, value_name = "TRIPLE", requires = "runner")]
    pub(crate) triple: Option<String>,
    /// Link them with this linker.
    #[arg(long, value_name = "LINKER", requires = "runner")]
    pub(crate) linker: Option<String>,
    /// Declare the runner an emulator: its times are marked as meaningless. Runners named qemu are detected.
    #[arg(long, requires = "runner")]
    pub(crate) emulated: bool,
    /// Keep measured latencies in this folder [default: `latency` in $MNAS_CACHE, or in `mnas` in the user's cache folder].
    #[arg(long, value_name = "FOLDER")]
    pub(crate) cache: Option<PathBuf>,
}

impl DeviceArgs {
    /// The device that they describe.
    pub(crate) fn options(&self) -> DeviceOptions {
        let Self { isa, threads, runner, triple, linker, emulated, cache } = self.clone();
        DeviceOptions { isa, threads, runner, triple, linker, emulated, cache }
    }

    /// Whether any option was given.
    pub(crate) fn is_given(&self) -> bool {
        let Self { isa, threads, runner, triple, linker, emulated: _, cache } = self;
        isa.is_some()
            || threads.is_some()
            || runner.is_some()
            || triple.is_some()
            || linker.is_some()
            || cache.is_some()
    }
}
