//! Measures what can be chosen of a schedule on this machine, and says what is faster than the estimates.
//!
//! Several schedules of the whole network are built as one program, each of which tries something else in every step, and
//! are run in turn; medians of each step are compared. So a step is timed with the caches as the network leaves them. What is
//! best is compared with the estimates once more, in other processes, at last by whole inferences: only what gains there
//! is written.

mod busy;
mod candidates;
mod cpu;
mod keep;
mod program;
mod proof;
mod search;

pub use busy::Seen;
pub use cpu::name as cpu_name;
pub use keep::Tuning;
pub use proof::Proof;
pub use search::{Found, Search};

use crate::error::{Error, Result};
use crate::runner::random_image;
use mnas_codegen::machine;
use mnas_codegen::pack;
use mnas_codegen::plan::{self, Target};
use mnas_codegen::weights::Weights;
use mnas_dsl::{Network, Spec};

/// What is tuned.
pub struct Subject<'a> {
    spec: &'a Spec,
    network: &'a Network,
    threads: u32,
    /// Packed weights and an image, as the program reads them.
    input: Vec<f32>,
}

impl<'a> Subject<'a> {
    /// A network with its weights, and how many threads share an inference.
    ///
    /// # Errors
    ///
    /// A network that cannot be planned, weights that are not its own.
    pub fn new(spec: &'a Spec, network: &'a Network, weights: &Weights, threads: u32) -> Result<Self> {
        let target = Target::new(machine::of_host());
        let graph = mnas_codegen::compile::fused_graph(network);
        let plan = plan::plan(&graph, &target).map_err(|error| Error::input(error.to_string()))?;
        let packed = pack::pack(&plan, weights).map_err(|error| Error::input(error.to_string()))?;
        let input = packed.into_iter().chain(random_image(network.input)).collect();
        Ok(Subject { spec, network, threads, input })
    }
}
