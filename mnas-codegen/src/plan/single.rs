//! A plan of one step of another plan, done as that one does it: what is measured of a layer by itself.

use super::arena::{Arena, Buffer, BufferId};
use super::steps::{Step, StepKind};
use super::team::TeamMemory;
use super::{PackedConv, Plan, Schedule};
use crate::graph::TensorId;
use mnas_dsl::network::Shape;

/// What a network has that reads or makes nothing of its own.
const NOTHING: Shape = Shape { height: 1, width: 1, channels: 1 };

impl Plan {
    /// Step `index` alone, with its kernels, tiles and strips. It reads and writes the arena as it does in the network; only
    /// what reads the caller's image has an input. The output is one float, so that next to nothing is copied.
    ///
    /// Names are left out: steps that do the same are the same plan, whatever network they are of.
    ///
    /// # Panics
    ///
    /// If there is no such step.
    pub fn single(&self, index: usize) -> Plan {
        let mut step = self.steps[index].clone();
        let mut layers = Vec::new();
        let mut weights_len = 0;
        let mut position = 0;
        each_conv(&mut step.kind, &mut |conv| {
            let mut layer = self.layers[conv.layer].clone();
            layer.param = position.to_string();
            conv.conv.param = position.to_string();
            layer.offset = weights_len;
            weights_len += layer.len().next_multiple_of(16);
            conv.layer = layers.len();
            layers.push(layer);
            position += 1;
        });

        let reads_image = step.input.is_none();
        let input = if reads_image { self.input } else { NOTHING };
        let mut buffers = vec![Buffer::new("input".to_owned(), input.len(), 0, 0)];
        let mut add = |name: &str, id: BufferId| {
            buffers.push(Buffer::new(name.to_owned(), self.arena.buffers[id].len, 0, 0));
            buffers.len() - 1
        };
        let (read, second) = (step.input, step.residual);
        step.input = read.map(|id| add("read", id));
        step.residual = if second == read { step.input } else { second.map(|id| add("second", id)) };
        step.scratch = step.scratch.map(|id| add("scratch", id));
        step.output = add("written", step.output);
        (step.name, step.source, step.tensor) = ("layer".to_owned(), String::new(), TensorId(0));

        let schedules: Vec<Schedule> = self
            .schedules
            .iter()
            .map(|s| Schedule {
                isa: s.isa,
                steps: vec![s.steps[index].clone()],
                team: s.team.get(index).cloned().into_iter().collect(),
                tuned: vec![s.tuned[index]],
            })
            .collect();
        let arena = Arena::plan(buffers);
        let team = self.team.map(|_| TeamMemory::of(&schedules, arena.len));
        Plan {
            name: "layer".to_owned(),
            input,
            output: NOTHING,
            steps: vec![step],
            arena,
            channel_align: self.channel_align,
            layers,
            weights_len,
            schedules,
            image: 0,
            team,
        }
    }
}

impl Step {
    /// The buffers that it touches beside the caller's image, those first that the network touched longest ago: what the
    /// step before has just written comes last.
    pub fn buffers(&self) -> Vec<BufferId> {
        let all = [self.scratch, Some(self.output), self.residual, self.input];
        let mut buffers: Vec<BufferId> = Vec::new();
        for id in all.into_iter().flatten() {
            buffers.retain(|&before| before != id);
            buffers.push(id);
        }
        buffers
    }
}

/// Its convolutions, in the order of [`StepKind::convs`].
fn each_conv(kind: &mut StepKind, see: &mut dyn FnMut(&mut PackedConv)) {
    match kind {
        StepKind::PadImage | StepKind::Pool { .. } | StepKind::GlobalAveragePool | StepKind::Elementwise { .. } => {}
        StepKind::Conv { conv, .. } | StepKind::Depthwise { conv } | StepKind::Linear { conv } => see(conv),
        StepKind::SqueezeExcite { reduce, expand } => [reduce, expand].into_iter().for_each(see),
        StepKind::Block(block) => {
            let gate = block.squeeze_excite.iter_mut().flat_map(|(reduce, expand)| [reduce, expand]);
            let first = block.expand.iter_mut().chain([&mut block.depthwise]);
            first.chain(gate).chain([&mut block.project]).for_each(see);
        }
    }
}
