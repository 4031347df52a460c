//! The Plan: what is computed in which order, from where to where in the arena, with which tiles.
//!
//! Steps are the fused Graph regrouped: a whole block is one step. For each instruction set of the file a
//! schedule says how each step is cut into strips and register tiles. The packed weights and the arena are
//! shared by all of them. The emitter prints this and decides nothing.

pub mod arena;
mod group;
pub mod isa;
pub mod kernel;
pub mod pack;
mod part;
mod print;
pub mod schedule;
pub mod steps;
pub mod team;

use crate::graph::Graph;
use crate::tuned::Tuned;
use isa::Isa;
use mnas_dsl::network::Shape;

pub use arena::{Arena, Buffer, BufferId};
pub use kernel::{ConvKernel, DepthwiseKernel, Destination, PanelGroup, Part, Source};
pub use pack::{LayerId, PackedLayer};
pub use schedule::{BlockSchedule, Form, Schedule, Scratch, SqueezeExciteSchedule, StepSchedule};
pub use steps::{Block, PackedConv, PlanError, PoolKind, Step, StepKind, With};
pub use team::{TeamMemory, TeamStep};

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
    /// How the weights are packed, in order.
    pub layers: Vec<PackedLayer>,
    /// Floats in the packed weights.
    pub weights_len: usize,
    /// A schedule for each instruction set, widest first.
    pub schedules: Vec<Schedule>,
    /// Where the image lies when it is converted from bytes or from planes.
    pub image: BufferId,
    /// What several threads need beyond the arena, where they may share an inference.
    pub team: Option<TeamMemory>,
}

/// What a plan is made for.
#[derive(Clone, Debug)]
pub struct Target {
    /// Instruction sets in the file, widest first.
    pub isas: Vec<Isa>,
    /// Bytes of second-level cache of a core that a strip may count on.
    pub l2_bytes: usize,
    /// Bytes a cycle from the second-level cache.
    pub l2_bandwidth: f64,
    /// Bytes a cycle from the third-level cache.
    pub l3_bandwidth: f64,
    /// Bytes a cycle of what another core has just written.
    pub core_bandwidth: f64,
    /// Cycles that threads wait for each other where they meet, the last one's delay with it.
    pub barrier: f64,
    /// Whether several threads may share an inference.
    pub threads: bool,
    /// What was measured, which goes before all estimates.
    pub tuned: Tuned,
}

impl Target {
    /// Every implemented instruction set of x86-64.
    pub fn x86_64() -> Self {
        Target::new(isa::of_arch("x86_64"))
    }

    /// The given instruction sets, sorted widest first.
    pub fn new(mut isas: Vec<Isa>) -> Self {
        isas.sort_by_key(|isa| core::cmp::Reverse(isa.lanes));
        isas.dedup();
        // Half a megabyte is the least that cores of this decade have (Zen 2 and 3; newer ones have 1 to 2 MB); the
        // bandwidths are about a third and a tenth of L1's, as measured on Zen 3 and 4; what another core has written
        // was read at 8 bytes a cycle on Sapphire Rapids.
        let (l2_bytes, l2_bandwidth, l3_bandwidth, core_bandwidth) = (512 << 10, 32.0, 10.0, 8.0);
        let (barrier, threads, tuned) = (2000.0, false, Tuned::default());
        Target { isas, l2_bytes, l2_bandwidth, l3_bandwidth, core_bandwidth, barrier, threads, tuned }
    }

    /// Bytes of L2 that what is read again may take: more was found to be slower than the weights that it saves.
    pub(crate) fn near(&self) -> usize {
        self.l2_bytes * 3 / 8
    }

    /// Bytes a cycle at which so many bytes are read again.
    pub(crate) fn bandwidth(&self, bytes: usize) -> f64 {
        if bytes <= self.near() { self.l2_bandwidth } else { self.l3_bandwidth }
    }

    /// Bytes a cycle at which the rows between two layers are read again, where a strip keeps so many bytes of them and
    /// L2 has so much room. Of rows that do not fit it still has some, the fewer the more they are.
    pub(crate) fn strip_bandwidth(&self, kept: usize, room: usize) -> f64 {
        if kept <= room {
            return self.l2_bandwidth;
        }
        self.l3_bandwidth / (1.0 - room as f64 / kept as f64 / 2.0)
    }
}

impl Plan {
    /// Channels as they lie in the arena. What is in those beyond the real ones is of no meaning, and never read into
    /// a real one.
    pub fn padded(&self, channels: usize) -> usize {
        channels.next_multiple_of(self.channel_align)
    }

    /// Floats from one pixel to the next of a tensor of this shape in the arena.
    pub fn stride(&self, shape: Shape) -> usize {
        stride(shape, self.channel_align)
    }
}

/// Floats of a cache line.
const CACHE_LINE: usize = 16;
/// Cache lines from one pixel to the next at which as many pixels as a kernel reads together no longer find room in a cache
/// of 64 sets, for they share so few of them.
const FEW_SETS: usize = 8;

/// Floats from one pixel of a map to the next, where channels are rounded up to `align`: a line more than the channels take
/// where pixels would share few sets of the first-level cache.
fn stride(shape: Shape, align: usize) -> usize {
    let padded = shape.channels.next_multiple_of(align);
    let shares = padded.is_multiple_of(FEW_SETS * CACHE_LINE) && shape.pixels() > 1;
    if shares { padded + CACHE_LINE } else { padded }
}

/// Plans a fused graph for a target.
///
/// # Errors
///
/// If a node is in no form that a step covers, as when passes were switched off.
pub fn plan(graph: &Graph, target: &Target) -> Result<Plan, PlanError> {
    let widest = target.isas.first().copied().unwrap_or(isa::SCALAR);
    let channel_align = widest.lanes.max(8);
    let group::Steps { mut steps, layers, weights_len, mut buffers, image } = group::group(graph, channel_align)?;
    let schedules: Vec<Schedule> =
        target.isas.iter().map(|&isa| schedule::schedule(&steps, &layers, isa, channel_align, target)).collect();
    for (i, step) in steps.iter_mut().enumerate() {
        let need = schedules.iter().map(|s| s.steps[i].scratch_len()).max().unwrap_or(0);
        if need > 0 {
            step.scratch = Some(buffers.len());
            buffers.push(Buffer::new(format!("{}/scratch", step.name), need, i, i));
        }
    }
    let arena = Arena::plan(buffers);
    let team = target.threads.then(|| TeamMemory::of(&schedules, arena.len));
    Ok(Plan {
        name: graph.name.clone(),
        input: graph.tensors[graph.input.0].shape,
        output: graph.tensors[graph.output.0].shape,
        steps,
        arena,
        channel_align,
        layers,
        weights_len,
        schedules,
        image,
        team,
    })
}
