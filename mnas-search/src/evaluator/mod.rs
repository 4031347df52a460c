//! Evaluators measure how good a network is; stopwatches measure how fast.

mod command;
mod synthetic;
mod table;

pub use command::Command;
pub use synthetic::Synthetic;
pub use table::Table;

use crate::job::{Evaluation, Failure, Job, Latency};
use mnas_dsl::{Network, Spec};

/// The prefix of names of evaluators that train networks with mnasc itself.
pub const TRAINS: &str = "train ";

/// Measures how good a network is. Several threads may call it at once.
pub trait Evaluator: Sync {
    /// The name, which studies keep: a search is resumed only with the same evaluator.
    fn name(&self) -> String;

    /// Evaluates a job. Equal jobs should give equal results: a trial that was lost with its process is evaluated
    /// again.
    ///
    /// # Errors
    ///
    /// Why there is no result, and whether other networks may have one.
    fn evaluate(&self, job: &Job) -> Result<Evaluation, Failure>;

    /// Whether the accuracy depends on the seed: then a search first checks whether accuracy ranks networks at all.
    fn is_noisy(&self) -> bool {
        true
    }

    /// Whether results have a latency where one is needed; where they have none, the network is measured.
    fn gives_latency(&self) -> bool {
        false
    }

    /// The number of jobs at once that is fastest, unless the user gives another.
    fn jobs(&self) -> usize {
        1
    }
}

/// Measures how fast a network is, where the evaluator does not.
pub trait Stopwatch {
    /// The name, which studies keep.
    fn name(&self) -> String;

    /// Announces the networks that are measured next, so that their programs can be built at once; `measure` of each
    /// follows. Nothing else of the search runs meanwhile.
    ///
    /// # Errors
    ///
    /// Why nothing can be measured. Errors of a single network are left to `measure`.
    fn prepare(&self, networks: &[(&Spec, &Network)]) -> Result<(), Failure> {
        let _ = networks;
        Ok(())
    }

    /// The latency of an inference. Nothing else of the search runs meanwhile.
    ///
    /// # Errors
    ///
    /// Why there is no figure, and whether other networks may have one.
    fn measure(&self, spec: &Spec, network: &Network) -> Result<Latency, Failure>;
}
