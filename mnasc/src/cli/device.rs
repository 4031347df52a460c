//! Where latency is measured.

use crate::latency::{DeviceOptions, Runner};
use clap::Args;
use mnas_codegen::plan::isa::{self, Isa};
use std::path::PathBuf;

/// Where latency is measured, and by which code.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Measuring latency")]
pub(crate) struct DeviceArgs {
    /// Instruction set of the code that is timed [default: the best of this machine].
    #[arg(long, value_name = "ISA", value_parser = isa_parser())]
    pub(crate) isa: Option<Isa>,
    /// Threads of an inference [default: 1].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(crate) threads: Option<u32>,
    /// Start measuring programs by this command, `{}` is the program: `ssh board {}`, `qemu-aarch64 {}`. The program is its
    /// standard input too.
    #[arg(long, value_name = "COMMAND")]
    pub(crate) runner: Option<Runner>,
    /// Build them for this target of rustc's.
    #[arg(long, value_name = "TRIPLE", requires = "runner")]
    pub(crate) triple: Option<String>,
    /// Link them with this.
    #[arg(long, value_name = "LINKER", requires = "runner")]
    pub(crate) linker: Option<String>,
    /// Say that the runner only pretends to be the processor: its figures are marked as meaningless. Runners that are called
    /// qemu are known to.
    #[arg(long, requires = "runner")]
    pub(crate) emulated: bool,
    /// Keep figures of layers in this folder [default: `latency` in $MNAS_CACHE, or in `mnas` of the user's cache folder].
    #[arg(long, value_name = "FOLDER")]
    pub(crate) cache: Option<PathBuf>,
}

impl DeviceArgs {
    /// The device that they describe.
    pub(crate) fn options(&self) -> DeviceOptions {
        let Self { isa, threads, runner, triple, linker, emulated, cache } = self.clone();
        DeviceOptions { isa, threads, runner, triple, linker, emulated, cache }
    }

    /// Whether anything was said of a device.
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

fn isa_parser() -> impl clap::builder::TypedValueParser<Value = Isa> {
    use clap::builder::TypedValueParser as _;
    let names = isa::ALL.iter().map(|isa| isa.name);
    clap::builder::PossibleValuesParser::new(names).try_map(|name| isa::by_name(&name))
}
