//! What tells how good a network is, and how fast.

mod command;
mod synthetic;
mod table;

pub use command::Command;
pub use synthetic::Synthetic;
pub use table::Table;

use crate::job::{Evaluation, Failure, Job, Latency};
use mnas_dsl::{Network, Spec};

/// Names of evaluators that train networks by mnasc itself begin so.
pub const TRAINS: &str = "train ";

/// Tells how good a network is. Several threads may ask at once.
pub trait Evaluator: Sync {
    /// Its name, which studies keep: a search goes on only with what it was begun with.
    fn name(&self) -> String;

    /// Does the job. Equal jobs should give equal results: a trial that was lost with its process is done again.
    ///
    /// # Errors
    ///
    /// Why there is no result, and whether there can be any.
    fn evaluate(&self, job: &Job) -> Result<Evaluation, Failure>;

    /// Whether another seed gives another accuracy: then a search looks first whether accuracy ranks networks at all.
    fn is_noisy(&self) -> bool {
        true
    }

    /// Whether its results have a latency where one is needed; where they have none, the network is measured.
    fn gives_latency(&self) -> bool {
        false
    }

    /// How many jobs at once are fastest, unless the user says otherwise.
    fn jobs(&self) -> usize {
        1
    }
}

/// Tells how fast a network is, where the evaluator does not.
pub trait Stopwatch {
    /// Its name, which studies keep.
    fn name(&self) -> String;

    /// Told of the networks that will be measured next, so that what they need can be made at once; `measure` of each
    /// follows. Nothing else of the search runs meanwhile.
    ///
    /// # Errors
    ///
    /// Why nothing can be measured. What concerns one network is left to `measure`.
    fn prepare(&self, networks: &[(&Spec, &Network)]) -> Result<(), Failure> {
        let _ = networks;
        Ok(())
    }

    /// How long an inference takes. Nothing else of the search runs meanwhile.
    ///
    /// # Errors
    ///
    /// Why there is no figure, and whether there can be any.
    fn measure(&self, spec: &Spec, network: &Network) -> Result<Latency, Failure>;
}
