//! The Plan: what is computed in which order, from where to where in the arena, with which tiles.
//!
//! Steps are the fused Graph regrouped: a whole block is one step. For each instruction set of the file a
//! schedule says how each step is cut into strips and register tiles. The packed weights and the arena are
//! shared by all of them. The emitter prints this and decides nothing.

pub mod arena;
mod cost;
mod group;
pub mod kernel;
pub(crate) mod layout;
mod loops;
pub mod pack;
mod part;
mod print;
pub mod schedule;
mod scheduler;
pub mod steps;
mod target;
pub mod tuning;

use crate::graph::Graph;
use crate::machine::CacheModel;
use mnas_dsl::network::Shape;

pub use arena::{Arena, Buffer, BufferId};
pub use kernel::{ConvKernel, ConvLoops, DepthwiseKernel, DepthwiseLoops, Destination, PanelGroup, Part, Source};
pub use pack::{LayerId, PackedLayer};
pub use schedule::{
    BlockRows, BlockSchedule, ParallelStep, Parallelism, PerThreadCount, Schedule, Scratch, SqueezeExciteSchedule,
    StepSchedule, ThreadMemory, WindowRows,
};
pub use steps::{Block, PlanError, PlannedConv, PoolKind, Step, StepKind, With};
pub use target::Target;

/// Everything that the emitter prints.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The spec's name.
    pub name: String,
    /// Shape of the input.
    pub input: Shape,
    /// Shape of the output.
    pub output: Shape,
    /// What is computed, in order.
    pub steps: Vec<Step>,
    /// Where everything lies while it is needed.
    pub arena: Arena,
    /// Channels in the arena and in packed weights are rounded up to a multiple of this: the lanes of the widest vector.
    pub channel_align: usize,
    /// The caches that the distances between pixels suit.
    pub caches: CacheModel,
    /// How the weights are packed, in order.
    pub layers: Vec<PackedLayer>,
    /// Floats in the packed weights.
    pub weights_len: usize,
    /// A schedule for each instruction set, widest first.
    pub schedules: Vec<Schedule>,
    /// Where the image lies when it is converted from bytes or from planes.
    pub image: BufferId,
    /// What several threads need beyond the arena, where they may share an inference.
    pub threads: Option<ThreadMemory>,
}

impl Plan {
    /// Channels as they lie in the arena. What is in those beyond the real ones is of no meaning, and never read into
    /// a real one.
    pub fn padded(&self, channels: usize) -> usize {
        channels.next_multiple_of(self.channel_align)
    }

    /// Floats from one pixel to the next of a tensor of this shape in the arena.
    pub fn stride(&self, shape: Shape) -> usize {
        layout::stride(shape, self.channel_align, &self.caches)
    }
}

/// Plans a fused graph for a target.
///
/// # Errors
///
/// If a node is in no form that a step covers, as when passes were switched off.
pub fn plan(graph: &Graph, target: &Target) -> Result<Plan, PlanError> {
    let channel_align = target.isas.iter().map(|isa| isa.f32.channels).max().unwrap_or(1);
    let group::Steps { mut steps, layers, weights_len, mut buffers, image } =
        group::group(graph, channel_align, &target.caches)?;
    let schedules: Vec<Schedule> =
        target.isas.iter().map(|&isa| scheduler::schedule(&steps, &layers, isa, channel_align, target)).collect();
    for (i, step) in steps.iter_mut().enumerate() {
        let need = schedules.iter().map(|s| s.steps[i].scratch_len()).max().unwrap_or(0);
        if need > 0 {
            step.scratch = Some(buffers.len());
            buffers.push(Buffer::new(format!("{}/scratch", step.name), need, i, i));
        }
    }
    let arena = Arena::plan(buffers);
    let threads = target.threads.then(|| ThreadMemory::of(schedules.iter().flat_map(|s| &s.parallel), arena.len));
    let mut plan = Plan {
        name: graph.name.clone(),
        input: graph.tensors[graph.input.0].shape,
        output: graph.tensors[graph.output.0].shape,
        steps,
        arena,
        channel_align,
        caches: target.caches.clone(),
        layers,
        weights_len,
        schedules,
        image,
        threads,
    };
    plan.lay_out();
    Ok(plan)
}
