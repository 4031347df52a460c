//! The commands, one file each.

mod bench;
mod check;
pub(crate) mod compile;
mod convert;
mod emit;
mod fuzz;
pub(crate) mod import;
mod inspect;
pub(crate) mod peak;
mod quantize;
pub(crate) mod report;
mod run;
mod search;
mod space;
mod study;
mod summary;
#[cfg(feature = "train")]
pub(crate) mod train;
#[cfg(not(feature = "train"))]
#[path = "train_absent.rs"]
pub(crate) mod train;
mod tune;
mod verify;
mod verify_int8;
mod view;

use crate::cli::{Cli, Command};
use crate::error::Result;

/// Runs a command.
pub(crate) fn dispatch(cli: Cli) -> Result<()> {
    match cli.command {
        None => compile::run(&cli.compile),
        Some(Command::Check(args)) => check::run(&args),
        Some(Command::Summary(args)) => summary::run(&args),
        Some(Command::View(args)) => view::run(&args),
        Some(Command::Inspect(args)) => inspect::run(&args),
        Some(Command::Convert(args)) => convert::run(&args),
        Some(Command::Run(args)) => run::run(&args),
        Some(Command::Bench(args)) => bench::run(&args),
        Some(Command::Verify(args)) => verify::run(&args),
        Some(Command::Fuzz(args)) => fuzz::run(&args),
        Some(Command::Import(args)) => import::run(&args),
        Some(Command::Peak(args)) => peak::run(&args),
        Some(Command::Tune(args)) => tune::run(&args),
        Some(Command::Quantize(args)) => quantize::run(&args),
        Some(Command::Train(args)) => train::run(&args),
        Some(Command::Space(args)) => space::run(&args),
        Some(Command::Search(args)) => search::run(&args),
        Some(Command::Study(command)) => study::run(&command),
        Some(Command::Report(args)) => report::run(&args),
    }
}
