//! Seeded faults between the stages of the compiler, which the check has to find.

use mnas_codegen::graph::Graph;
use mnas_codegen::int8;
use mnas_codegen::plan::Plan;
use mnas_codegen::quantized::Quantized;

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
    /// Another int8 network than the definition runs.
    Int8Network(fn(&mut Quantized) -> bool),
    /// A wrong plan of int8.
    Int8Plan(fn(&mut int8::Plan) -> bool),
    /// Wrong packed weights of int8.
    Int8Packed(fn(&int8::Plan, &mut [u8]) -> bool),
    /// Wrong code.
    Code(fn(&mut String) -> bool),
}
