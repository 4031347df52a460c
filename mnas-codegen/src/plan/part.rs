//! A plan of some steps of another plan, with the same schedules, so that a layer can be measured by itself.

use super::Plan;
use super::arena::{Arena, Buffer, BufferId};
use super::layout::aligned;
use super::schedule::{Schedule, StepSchedule, ThreadMemory};
use super::steps::{PlannedConv, StepKind};
use crate::graph::TensorId;
use crate::units::Elements;
use mnas_dsl::network::Shape;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// The input or output of a part that has none of its own.
const NOTHING: Shape = Shape { height: 1, width: 1, channels: 1 };

impl Plan {
    /// Runs of steps that can be computed without the others: each step by itself, or together with the next one if it
    /// prefetches that one's weights.
    pub fn parts(&self) -> Vec<Range<usize>> {
        let prefetches_next = |index: usize| {
            let prefetches = |s: &Schedule| matches!(&s.steps[index], StepSchedule::Conv { kernel, .. } if kernel.prefetch_len > Elements::ZERO);
            index + 1 < self.steps.len() && self.schedules.iter().any(prefetches)
        };
        let mut parts = Vec::new();
        let mut start = 0;
        for index in (0..self.steps.len()).filter(|&index| !prefetches_next(index)) {
            parts.push(start..index + 1);
            start = index + 1;
        }
        parts
    }

    /// A plan of these steps alone, with their kernels, tiles and row blocks. They read and write the arena as they do in
    /// the network; a part has an input only if it reads the caller's image. The output is one float, so that the copy
    /// takes no time.
    ///
    /// Names are left out, so that equal steps of any two networks have equal plans.
    ///
    /// # Panics
    ///
    /// If there are no such steps, or if one of them prefetches the weights of a step outside of the range.
    pub fn part(&self, range: Range<usize>) -> Plan {
        let mut steps = self.steps[range.clone()].to_vec();
        let mut layers = Vec::new();
        let mut weights_len = Elements::ZERO;
        for step in &mut steps {
            each_conv(&mut step.kind, &mut |conv| {
                let mut layer = self.layers[conv.layer].clone();
                layer.param = layers.len().to_string();
                let shared = Arc::make_mut(&mut conv.conv);
                shared.param = layer.param.clone();
                if let (Some((param, _)), Some(norm)) = (&mut shared.batch_norm, &mut layer.batch_norm) {
                    norm.param = format!("{}.bn", layer.param);
                    param.clone_from(&norm.param);
                }
                layer.offset = weights_len.0;
                weights_len += aligned(Elements(layer.len()));
                conv.layer = layers.len();
                layers.push(layer);
            });
        }

        let reads_image = steps.iter().any(|step| step.input.is_none());
        let input = if reads_image { self.input } else { NOTHING };
        let last = steps.len() - 1;
        let mut buffers = vec![Buffer::new("input".to_owned(), Elements(input.len()), 0, last)];
        let mut known: BTreeMap<BufferId, BufferId> = BTreeMap::new();
        let mut place = |id: BufferId| {
            *known.entry(id).or_insert_with(|| {
                let name = format!("buffer {}", buffers.len());
                buffers.push(Buffer::new(name, self.arena.buffers[id].len, 0, last));
                buffers.len() - 1
            })
        };
        for step in &mut steps {
            step.input = step.input.map(&mut place);
            step.residual = step.residual.map(&mut place);
            step.scratch = step.scratch.map(&mut place);
            step.output = place(step.output);
            (step.name, step.source, step.tensor) = ("layer".to_owned(), String::new(), TensorId(0));
        }

        let some = |s: &Schedule| Schedule {
            isa: s.isa,
            steps: s.steps[range.clone()].to_vec(),
            parallel: s.parallel.get(range.clone()).unwrap_or_default().to_vec(),
            tuned: s.tuned[range.clone()].to_vec(),
        };
        let schedules: Vec<Schedule> = self.schedules.iter().map(some).collect();
        let arena = Arena::plan(buffers);
        let threads = self.threads.map(|_| ThreadMemory::of(schedules.iter().flat_map(|s| &s.parallel), arena.len));
        Plan {
            name: "layer".to_owned(),
            input,
            output: NOTHING,
            steps,
            arena,
            channel_align: self.channel_align,
            caches: self.caches.clone(),
            layers,
            weights_len,
            schedules,
            image: 0,
            threads,
        }
    }

    /// The buffers that the steps touch, without the caller's image, least recently used first: what the step before the
    /// first has just written comes last.
    pub fn touched(&self) -> Vec<BufferId> {
        let mut buffers: Vec<BufferId> = Vec::new();
        for step in self.steps.iter().rev() {
            for id in [step.scratch, Some(step.output), step.residual, step.input].into_iter().flatten() {
                buffers.retain(|&before| before != id);
                buffers.push(id);
            }
        }
        buffers
    }
}

/// Its convolutions, in the order of [`StepKind::convs`].
fn each_conv(kind: &mut StepKind, see: &mut dyn FnMut(&mut PlannedConv)) {
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
