//! Seeded faults between the stages of the compiler, which the check has to find.

use mnas_codegen::graph::Graph;
use mnas_codegen::plan::Plan;

/// A change to the result of one stage. It returns whether it changed anything.
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
