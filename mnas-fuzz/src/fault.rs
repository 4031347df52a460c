//! Faults put between the stages of the compiler on purpose, to see whether the check finds them.

use mnas_codegen::graph::Graph;
use mnas_codegen::plan::Plan;

/// What a wrong compiler would have made. Each change says whether it found something to change.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// A pass that leaves a wrong graph.
    Graph {
        /// Name of the pass.
        after: &'static str,
        /// What it does wrong.
        change: fn(&mut Graph) -> bool,
    },
    /// A wrong plan.
    Plan(fn(&mut Plan) -> bool),
    /// Wrong packed weights.
    Packed(fn(&Plan, &mut [f32]) -> bool),
    /// Wrong code.
    Code(fn(&mut String) -> bool),
}
