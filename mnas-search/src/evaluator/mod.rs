//! What tells how good a network is, and how fast.

mod command;
mod synthetic;
mod table;

pub use command::Command;
pub use synthetic::Synthetic;
pub use table::Table;

use crate::job::{Evaluation, Failure, Job, Latency};
use mnas_dsl::{Network, Spec};

/// Tells how good a network is.
pub trait Evaluator {
    /// Its name, which studies keep: a search goes on only with what it was begun with.
    fn name(&self) -> String;

    /// Does the job. Equal jobs should give equal results: a trial that was lost with its process is done again.
    ///
    /// # Errors
    ///
    /// Why there is no result, and whether there can be any.
    fn evaluate(&self, job: &Job) -> Result<Evaluation, Failure>;
}

/// Tells how fast a network is, where the evaluator does not.
pub trait Stopwatch {
    /// Its name, which studies keep.
    fn name(&self) -> String;

    /// How long an inference takes. Nothing else of the search runs meanwhile.
    ///
    /// # Errors
    ///
    /// Why there is no figure, and whether there can be any.
    fn measure(&self, spec: &Spec, network: &Network) -> Result<Latency, Failure>;
}
