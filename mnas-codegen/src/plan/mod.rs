//! The Plan: what is computed in which order, from where to where in the arena, with which tiles.
//!
//! Steps are the fused Graph regrouped: a whole block is one step. For each instruction set of the file a
//! schedule says how each step is cut into row blocks and register tiles. The packed weights and the arena are
//! shared by all of them. The emitter prints this and decides nothing.

pub mod arena;
mod cost;
mod group;
pub mod kernel;
pub(crate) mod layout;
mod loops;
pub mod pack;
mod packing;
mod part;
mod print;
pub mod schedule;
mod scheduler;
pub mod steps;
mod target;
pub mod tuning;

use crate::graph::Graph;
use crate::machine::{CacheModel, Isa};
use crate::units::{Bytes, Elements};
use mnas_dsl::network::Shape;

pub use arena::{Arena, Buffer, BufferId};
pub use kernel::{
    ConvKernel, ConvLoops, DepthwiseKernel, DepthwiseLoops, InputLayout, LoopRange, OutputLayout, PanelGroup,
};
pub use pack::{LayerId, PackedLayer};
pub use packing::Packing;
pub use schedule::{
    BlockRows, BlockSchedule, ParallelStep, Parallelism, PerThreadCount, Schedule, Scratch, SqueezeExciteSchedule,
    StepSchedule, ThreadMemory, WindowRows,
};
pub use steps::{Block, PlanError, PlannedConv, PoolKind, Step, StepKind, With};
pub use target::{Objective, Target};

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
    /// Where each tensor lies while it is in use.
    pub arena: Arena,
    /// Channels in the arena and in packed weights are rounded up to a multiple of this: the lanes of the widest vector.
    pub channel_align: usize,
    /// The caches that the distances between pixels suit.
    pub caches: CacheModel,
    /// How the weights are packed, in order.
    pub layers: Vec<PackedLayer>,
    /// Length of the packed weights.
    pub weights_len: Elements,
    /// A schedule for each instruction set, widest first.
    pub schedules: Vec<Schedule>,
    /// Where the image lies when it is converted from bytes or from planes.
    pub image: BufferId,
    /// The memory of several threads, if they may share an inference.
    pub threads: Option<ThreadMemory>,
}

impl Plan {
    /// Channels with their padding in the arena. The values in the padding have no meaning; no real channel is computed from
    /// them.
    pub fn padded(&self, channels: usize) -> usize {
        channels.next_multiple_of(self.channel_align)
    }

    /// From one pixel to the next of a tensor of this shape in the arena.
    pub fn stride(&self, shape: Shape) -> Elements {
        layout::stride(shape, self.channel_align, &self.caches)
    }
}

/// Plans a fused graph for a target.
///
/// # Errors
///
/// If a node is in no form that a step covers, as when passes were switched off, or if the arena does not fit into the
/// target's limit, or if its instruction sets share no packed layout.
pub fn plan(graph: &Graph, target: &Target) -> Result<Plan, PlanError> {
    let channel_align = Packing::of_all(&target.isas)?.channels;
    let steps = group::group(graph, channel_align, &target.caches)?;
    let Objective::Memory { limit } = target.objective else {
        return Ok(assemble(graph, target, steps, channel_align, None));
    };
    // Faster plans first: all steps as fast as they can be; each with what other tensors leave of the limit; each with the
    // least scratch.
    let mut left = vec![Bytes(limit).elements(); steps.steps.len()];
    for buffer in &steps.buffers {
        for left in &mut left[buffer.first..=buffer.last] {
            *left = left.saturating_sub(layout::aligned(buffer.len));
        }
    }
    let none = vec![Elements::ZERO; left.len()];
    let mut least = usize::MAX;
    for room in [None, Some(&left), Some(&none)] {
        let plan = assemble(graph, target, steps.clone(), channel_align, room.map(Vec::as_slice));
        let bytes = plan.arena.len.bytes().0;
        if bytes <= limit {
            return Ok(plan);
        }
        least = least.min(bytes);
    }
    Err(PlanError::Memory { limit, least })
}

fn assemble(
    graph: &Graph,
    target: &Target,
    group::Steps { mut steps, layers, weights_len, mut buffers, image }: group::Steps,
    channel_align: usize,
    room: Option<&[Elements]>,
) -> Plan {
    let schedule = |&isa: &Isa| scheduler::schedule(&steps, &layers, isa, channel_align, target, room);
    let schedules: Vec<Schedule> = target.isas.iter().map(schedule).collect();
    for (i, step) in steps.iter_mut().enumerate() {
        let need = schedules.iter().map(|s| s.steps[i].scratch_len()).max().unwrap_or_default();
        if need > Elements::ZERO {
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
    plan
}
