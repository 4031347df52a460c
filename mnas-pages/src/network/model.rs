//! What the page shows: layers and their costs as the graph and the plan have them, grouped as the spec has them.

use super::kind::{Hue, Look};
use super::profile::Profile;
use mnas_codegen::compile::Compiled;
use mnas_codegen::graph::Op;
use mnas_codegen::plan::{Buffer, BufferId, Plan, Step, StepSchedule};
use mnas_codegen::report::{self, Summary, SummaryRow};
use mnas_dsl::network::{Network, Shape, Skip};
use mnas_dsl::spec::{Block, Spec};
use std::collections::{BTreeMap, BTreeSet};

/// A network, ready to be drawn.
pub(super) struct Model<'a> {
    pub(super) spec: &'a Spec,
    pub(super) network: &'a Network,
    pub(super) compiled: &'a Compiled,
    pub(super) summary: Summary,
    pub(super) profile: Option<&'a Profile>,
    /// Stem, entries of `blocks`, head, classifier.
    pub(super) stages: Vec<Stage>,
}

/// What the spec writes once.
pub(super) struct Stage {
    /// `stem`, `blocks.2`, `head`, `classifier`.
    pub(super) name: String,
    /// As the spec writes it.
    pub(super) source: String,
    /// Where it stands.
    pub(super) line: Option<usize>,
    /// Its repeats; one at least.
    pub(super) layers: Vec<Layer>,
    /// Sums of its layers'.
    pub(super) costs: Costs,
}

/// One layer.
pub(super) struct Layer {
    /// `blocks.2.1`
    pub(super) name: String,
    pub(super) look: Look,
    /// Of its convolution, or of its depthwise one; 1 for what the head has.
    pub(super) kernel_size: usize,
    pub(super) stride: usize,
    pub(super) input: Shape,
    pub(super) output: Shape,
    pub(super) skip: Skip,
    /// Channels between the two convolutions of squeeze-excite.
    pub(super) squeeze_excite: Option<usize>,
    pub(super) operators: Vec<SummaryRow>,
    pub(super) costs: Costs,
    /// Where its result is made, if it is stored.
    pub(super) runs: Runs,
}

/// What a layer or a stage costs.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Costs {
    pub(super) parameters: u64,
    pub(super) macs: u64,
    pub(super) weight_bytes: u64,
    /// Of the arena, for the result; of a stage, that of the layer which has the largest sum with scratch.
    pub(super) output_bytes: u64,
    /// Of the arena, while the layer runs.
    pub(super) scratch_bytes: u64,
    /// Measured, microseconds.
    pub(super) us: Option<f64>,
}

impl Costs {
    pub(super) fn memory(&self) -> u64 {
        self.output_bytes + self.scratch_bytes
    }

    fn add(&mut self, other: &Costs) {
        self.parameters += other.parameters;
        self.macs += other.macs;
        self.weight_bytes += other.weight_bytes;
        if other.memory() > self.memory() {
            (self.output_bytes, self.scratch_bytes) = (other.output_bytes, other.scratch_bytes);
        }
        if let Some(us) = other.us {
            self.us = Some(self.us.unwrap_or(0.0) + us);
        }
    }
}

/// Which steps of the plan compute a layer.
pub(super) enum Runs {
    /// These, and the layers beside it that they compute too.
    Steps { steps: Vec<usize>, with: Vec<String> },
    /// None of its own: it runs within that layer, and its result is never stored whole.
    Within(String),
}

impl<'a> Model<'a> {
    pub(super) fn new(
        spec: &'a Spec,
        network: &'a Network,
        compiled: &'a Compiled,
        profile: Option<&'a Profile>,
    ) -> Self {
        let summary = report::summary(&compiled.graph);
        let mut model = Model { spec, network, compiled, summary, profile, stages: Vec::new() };
        for (index, runs) in runs(compiled).into_iter().enumerate() {
            let layer = model.layer(index, runs);
            let written = &compiled.graph.layers[index];
            let name = stage_of(&written.name);
            if model.stages.last().is_none_or(|stage| stage.name != name) {
                model.stages.push(Stage {
                    name: name.to_owned(),
                    source: written.source.clone(),
                    line: spec.line_of(&written.name),
                    layers: Vec::new(),
                    costs: Costs::default(),
                });
            }
            if let Some(stage) = model.stages.last_mut() {
                stage.costs.add(&layer.costs);
                stage.layers.push(layer);
            }
        }
        model
    }

    pub(super) fn plan(&self) -> &'a Plan {
        &self.compiled.plan
    }

    /// The layer of a step: the last one of those that it computes.
    pub(super) fn layer_of(&self, step: &Step) -> Option<&Layer> {
        let name = step.name.rsplit('+').next()?;
        self.stages.iter().flat_map(|stage| &stage.layers).find(|layer| layer.name == name)
    }

    /// How a step is cut, for the instruction set that was measured, or for the widest.
    pub(super) fn reason(&self, step: usize) -> Option<(&'static str, &'a str)> {
        let schedules = &self.plan().schedules;
        let measured = self.profile.and_then(|profile| schedules.iter().find(|s| s.isa.name == profile.isa));
        let schedule = measured.or(schedules.first())?;
        match schedule.steps.get(step)? {
            StepSchedule::Block(block) => Some((schedule.isa.name, &block.reason)),
            _ => None,
        }
    }

    fn layer(&self, index: usize, runs: Runs) -> Layer {
        let graph = &self.compiled.graph;
        let name = graph.layers[index].name.clone();
        let nodes: Vec<(usize, _)> = graph.layer_nodes(index).collect();
        let operators: Vec<SummaryRow> =
            nodes.iter().filter_map(|(node, _)| self.summary.layers.get(*node)).cloned().collect();
        let squeeze_excite = nodes.iter().find_map(|(_, node)| match &node.op {
            Op::SqueezeExcite { reduce, .. } => Some(reduce.output_channels),
            _ => None,
        });
        let output = graph.shape(graph.layers[index].output);
        let written = self.network.layers.iter().find(|layer| layer.name == name);
        let (look, kernel_size, stride, input, skip) = match written {
            Some(layer) => {
                let ratio = self.block(&name).and_then(|block| block.expand_ratio.as_ref()).map(|ratio| ratio.value);
                (Look::of(layer.op.kind(), ratio), layer.kernel_size, layer.stride, layer.input, layer.skip)
            }
            None => {
                let input = nodes.first().and_then(|(_, node)| node.inputs.first());
                let input = input.map_or(self.network.features(), |&input| graph.shape(input));
                let look = match name.as_str() {
                    "classifier" => Look::new(Hue::Rose, "Classifier"),
                    _ => Look::new(Hue::Teal, "Head"),
                };
                (look, 1, 1, input, Skip::None)
            }
        };
        let memory = self.measured(&runs);
        let sum = |cost: fn(&SummaryRow) -> u64| operators.iter().map(cost).sum();
        let costs = Costs {
            parameters: sum(|row| row.parameters),
            macs: sum(|row| row.macs),
            weight_bytes: sum(|row| row.weight_bytes),
            ..memory
        };
        Layer { name, look, kernel_size, stride, input, output, skip, squeeze_excite, operators, costs, runs }
    }

    /// The entry of the spec that a layer comes from.
    fn block(&self, layer: &str) -> Option<&'a Block> {
        match layer.strip_prefix("blocks.") {
            Some(rest) => self.spec.blocks.get(rest.split('.').next()?.parse::<usize>().ok()?),
            None if layer == "stem" => Some(&self.spec.stem),
            None => None,
        }
    }

    /// Bytes and time of what a layer runs in.
    fn measured(&self, runs: &Runs) -> Costs {
        let plan = self.plan();
        let bytes = |buffer: &Buffer| buffer.len.bytes().0 as u64;
        let mut costs = Costs::default();
        let Runs::Steps { steps, .. } = runs else { return costs };
        let output = steps.last().map(|&last| plan.steps[last].output);
        costs.output_bytes = output.map_or(0, |id| bytes(&plan.arena.buffers[id]));
        // What is between a layer's own steps is no result of it: scratch, where it is alive.
        let own = steps.iter().map(|&index| &plan.steps[index]);
        let own: BTreeSet<BufferId> = own.flat_map(|step| step.scratch.into_iter().chain([step.output])).collect();
        let own = own.into_iter().filter(|id| Some(*id) != output).map(|id| &plan.arena.buffers[id]);
        let own: Vec<&Buffer> = own.collect();
        for &index in steps {
            let alive = own.iter().filter(|buffer| (buffer.first..=buffer.last).contains(&index));
            costs.scratch_bytes = costs.scratch_bytes.max(alive.map(|buffer| bytes(buffer)).sum());
            if let Some(time) = self.profile.and_then(|profile| profile.steps.get(index)) {
                costs.us = Some(costs.us.unwrap_or(0.0) + time.us);
            }
        }
        costs
    }
}

/// Where each layer of the graph runs.
fn runs(compiled: &Compiled) -> Vec<Runs> {
    let layers = &compiled.graph.layers;
    let index: BTreeMap<&str, usize> = layers.iter().enumerate().map(|(i, layer)| (layer.name.as_str(), i)).collect();
    let mut runs: Vec<Runs> = layers.iter().map(|_| Runs::Steps { steps: Vec::new(), with: Vec::new() }).collect();
    // What belongs to no layer (the image, made ready) is the next one's.
    let mut before = Vec::new();
    for (number, step) in compiled.plan.steps.iter().enumerate() {
        before.push(number);
        // The last of the layers that a step computes is the one whose result it stores.
        let mut parts = step.name.split('+').filter_map(|part| index.get(part).copied());
        let Some(last) = parts.next_back() else { continue };
        let last_name = &layers[last].name;
        for part in parts {
            if matches!(&runs[part], Runs::Steps { steps, .. } if steps.is_empty()) {
                runs[part] = Runs::Within(last_name.clone());
            }
            if let Runs::Steps { with, .. } = &mut runs[last] {
                with.push(layers[part].name.clone());
            }
        }
        if let Runs::Steps { steps, .. } = &mut runs[last] {
            steps.append(&mut before);
        }
    }
    runs
}

/// `blocks.2` for `blocks.2.1`; a stage of its own for everything else.
fn stage_of(layer: &str) -> &str {
    match layer.rsplit_once('.') {
        Some((stage, _)) if layer.starts_with("blocks.") => stage,
        _ => layer,
    }
}
