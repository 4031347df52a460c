//! Partitions the fused Graph into steps: a block, from expansion to projection, is one step; every other operator is a
//! step by itself.

use super::arena::{Buffer, BufferId};
use super::layout;
use super::pack::{self, PackedLayer};
use super::steps::{Block, PlanError, PlannedConv, PoolKind, Step, StepKind, With};
use crate::graph::{Conv, Graph, Node, Op, TensorId, linear};
use crate::machine::CacheModel;
use crate::units::Elements;
use mnas_dsl::network::{Activation, Shape};
use std::sync::Arc;

#[derive(Clone)]
pub(super) struct Steps {
    pub(super) steps: Vec<Step>,
    pub(super) layers: Vec<PackedLayer>,
    pub(super) weights_len: Elements,
    pub(super) buffers: Vec<Buffer>,
    pub(super) image: BufferId,
}

pub(super) fn group(graph: &Graph, align: usize, caches: &CacheModel) -> Result<Steps, PlanError> {
    let mut g = Grouper::new(graph, align, caches);
    let mut at = 0;
    while at < graph.nodes.len() {
        at += g.step(at)?;
    }
    Ok(g.finish())
}

struct Grouper<'g> {
    graph: &'g Graph,
    /// Channels are rounded up to a multiple of this.
    align: usize,
    caches: &'g CacheModel,
    /// How many nodes read each tensor.
    readers: Vec<usize>,
    /// The buffer that holds each tensor once it is made.
    place: Vec<Option<BufferId>>,
    out: Steps,
}

impl<'g> Grouper<'g> {
    fn new(graph: &'g Graph, align: usize, caches: &'g CacheModel) -> Self {
        let mut readers = vec![0; graph.tensors.len()];
        for id in graph.nodes.iter().flat_map(|n| &n.inputs).chain([&graph.output]) {
            readers[id.0] += 1;
        }
        let image = Buffer::new("input".into(), Elements(graph.tensors[graph.input.0].shape.len()), 0, 0);
        let out = Steps { steps: vec![], layers: vec![], weights_len: Elements::ZERO, buffers: vec![image], image: 0 };
        let mut g = Grouper { graph, align, caches, readers, place: vec![None; graph.tensors.len()], out };
        let direct = graph.nodes.iter().filter(|n| n.inputs.contains(&graph.input)).all(|n| {
            matches!(&n.op, Op::Conv(c) if !c.depthwise && n.inputs.first() == Some(&graph.input)
                && n.inputs.get(1) != Some(&graph.input))
        });
        if !direct {
            g.push_step(("image".to_owned(), String::new()), StepKind::PadImage, graph.input, None, graph.input);
        }
        g
    }

    fn finish(mut self) -> Steps {
        let last = self.out.steps.len().saturating_sub(1);
        if let Some(id) = self.place[self.graph.output.0] {
            self.out.buffers[id].last = last;
        }
        self.out
    }

    fn shape(&self, id: TensorId) -> Shape {
        self.graph.tensors[id.0].shape
    }

    /// The node at `at`, if it reads only `made`, and no other node reads that.
    fn follows(&self, at: usize, made: TensorId) -> Option<&'g Node> {
        let node = self.graph.nodes.get(at)?;
        (node.inputs.first() == Some(&made) && self.readers[made.0] == 1).then_some(node)
    }

    /// Adds the step that starts at node `at`; returns how many nodes it covers.
    fn step(&mut self, at: usize) -> Result<usize, PlanError> {
        if let Some(parts) = self.find_block(at) {
            return Ok(self.block(&parts));
        }
        let node = &self.graph.nodes[at];
        let unknown = || PlanError::NotFused { node: node.name.clone() };
        let input = *node.inputs.first().ok_or_else(unknown)?;
        let pool = |kind, kernel_size, stride, pads| StepKind::Pool { kind, kernel_size, stride, pads };
        let kind = match &node.op {
            Op::Conv(conv) if conv.depthwise => StepKind::Depthwise { conv: self.pack(conv, false, node.output) },
            Op::Conv(conv) => return Ok(self.conv(at, conv)),
            Op::AveragePool { kernel_size, stride, pads } => pool(PoolKind::Average, *kernel_size, *stride, *pads),
            Op::MaxPool { kernel_size, stride, pads } => pool(PoolKind::Max, *kernel_size, *stride, *pads),
            Op::GlobalAveragePool => StepKind::GlobalAveragePool,
            Op::Linear { param } => {
                let (inputs, outputs) = (self.shape(input).len(), self.shape(node.output).channels);
                StepKind::Linear { conv: self.pack(&Arc::new(linear(param, inputs, outputs)), true, node.output) }
            }
            Op::SqueezeExcite { reduce, expand } => {
                let (reduce, expand) = self.pack_gate(reduce, expand);
                StepKind::SqueezeExcite { reduce, expand }
            }
            Op::Activation(activation) => StepKind::Elementwise { with: With::Nothing, activation: *activation },
            Op::Add | Op::Multiply => {
                let with = if node.op == Op::Add { With::Sum } else { With::Gate };
                let after = self.follows(at + 1, node.output).map(|next| &next.op);
                let activation = if let Some(Op::Activation(activation)) = after { Some(*activation) } else { None };
                let kind = StepKind::Elementwise { with, activation: activation.unwrap_or(Activation::Linear) };
                let covered = 1 + usize::from(activation.is_some());
                self.push(&self.graph.nodes[at..at + covered], kind);
                return Ok(covered);
            }
            Op::BatchNorm { .. } => return Err(unknown()),
        };
        self.push(std::slice::from_ref(node), kind);
        Ok(1)
    }

    /// A convolution that is in no block; returns how many nodes it covers.
    fn conv(&mut self, at: usize, conv: &Arc<Conv>) -> usize {
        let made = self.graph.nodes[at].output;
        let can_pool = conv.is_pointwise() && !conv.residual.is_some();
        let pool = can_pool && self.follows(at + 1, made).is_some_and(|next| next.op == Op::GlobalAveragePool);
        let covered = 1 + usize::from(pool);
        let conv = self.pack(conv, false, made);
        self.push(&self.graph.nodes[at..at + covered], StepKind::Conv { conv, pool });
        covered
    }

    /// The block that starts at node `at`, if one does.
    fn find_block(&self, at: usize) -> Option<Parts<'g>> {
        let node = &self.graph.nodes[at];
        let Op::Conv(first) = &node.op else { return None };
        let nodes = &self.graph.nodes[at..];
        if first.depthwise {
            return self.depthwise_block(at, None, nodes);
        }
        let next = self.follows(at + 1, node.output)?;
        let depthwise = matches!(&next.op, Op::Conv(conv) if conv.depthwise);
        if !depthwise || first.residual.is_some() {
            return None;
        }
        self.depthwise_block(at + 1, Some((first, node.output)), nodes)
    }

    /// The block whose depthwise convolution is node `at`.
    fn depthwise_block(
        &self,
        at: usize,
        expand: Option<(&'g Arc<Conv>, TensorId)>,
        nodes: &'g [Node],
    ) -> Option<Parts<'g>> {
        let node = &self.graph.nodes[at];
        let Op::Conv(depthwise) = &node.op else { return None };
        if depthwise.residual.is_some() {
            return None;
        }
        let next = self.follows(at + 1, node.output)?;
        let gate = match &next.op {
            Op::SqueezeExcite { reduce, expand } => Some((reduce, expand)),
            _ => None,
        };
        let last = if gate.is_some() { self.follows(at + 2, next.output)? } else { next };
        let Op::Conv(project) = &last.op else { return None };
        if !project.is_pointwise() {
            return None;
        }
        let covered = usize::from(expand.is_some()) + 1 + usize::from(gate.is_some()) + 1;
        let nodes = &nodes[..covered];
        Some(Parts { nodes, expand, depthwise: (depthwise, node.output), gate, project: (project, last.output) })
    }

    /// Adds the step of a block; returns how many nodes it covers.
    fn block(&mut self, parts: &Parts<'g>) -> usize {
        let expand = parts.expand.map(|(conv, made)| self.pack(conv, false, made));
        let depthwise = self.pack(parts.depthwise.0, false, parts.depthwise.1);
        let squeeze_excite = parts.gate.map(|(reduce, expand)| self.pack_gate(reduce, expand));
        let project = self.pack(parts.project.0, false, parts.project.1);
        let block = Block { expand, depthwise, squeeze_excite, project };
        self.push(parts.nodes, StepKind::Block(Box::new(block)));
        parts.nodes.len()
    }

    fn layer_of(&self, node: &Node) -> (String, String) {
        self.graph.layers.get(node.layer).map(|l| (l.name.clone(), l.source.clone())).unwrap_or_default()
    }

    fn pack_gate(&mut self, reduce: &Arc<Conv>, expand: &Arc<Conv>) -> (PlannedConv, PlannedConv) {
        let pixel = |conv: &Conv| Shape { height: 1, width: 1, channels: conv.output_channels };
        (self.pack_as(reduce, false, pixel(reduce)), self.pack_as(expand, false, pixel(expand)))
    }

    fn pack(&mut self, conv: &Arc<Conv>, linear: bool, output: TensorId) -> PlannedConv {
        self.pack_as(conv, linear, self.shape(output))
    }

    fn pack_as(&mut self, conv: &Arc<Conv>, linear: bool, output: Shape) -> PlannedConv {
        let layer = pack::layer(conv, linear, output.pixels(), self.align, self.out.weights_len);
        self.out.weights_len += layout::aligned(Elements(layer.len()));
        self.out.layers.push(layer);
        PlannedConv { conv: Arc::clone(conv), layer: self.out.layers.len() - 1, output }
    }

    /// Adds the step of these nodes: it reads the input of the first and writes the output of the last.
    fn push(&mut self, nodes: &[Node], kind: StepKind) {
        let [first, .., last] = nodes else {
            let [only] = nodes else { unreachable!("a step is made of nodes") };
            return self.push_step(self.layer_of(only), kind, only.inputs[0], only.inputs.get(1).copied(), only.output);
        };
        let (mut name, mut source) = self.layer_of(last);
        if first.layer != last.layer {
            let (first_name, first_source) = self.layer_of(first);
            name = format!("{first_name}+{name}");
            source = format!("{first_source}; {source}");
        }
        // In a block the last node adds; in a sum with an activation the first one does.
        let second = nodes.iter().find_map(|node| node.inputs.get(1)).copied();
        self.push_step((name, source), kind, first.inputs[0], second, last.output);
    }

    fn push_step(
        &mut self,
        (name, source): (String, String),
        kind: StepKind,
        input: TensorId,
        second: Option<TensorId>,
        output: TensorId,
    ) {
        let now = self.out.steps.len();
        let input_place = self.place[input.0];
        let read = input_place.unwrap_or(self.out.image);
        self.out.buffers[read].last = now;
        let residual = second.and_then(|id| self.place[id.0]);
        if let Some(id) = residual {
            self.out.buffers[id].last = now;
        }
        let output_shape = self.shape(output);
        let len = layout::stride(output_shape, self.align, self.caches) * output_shape.pixels();
        let tensor_name = &self.graph.tensors[output.0].name;
        self.out.buffers.push(Buffer::new(tensor_name.clone(), len, now, now));
        let id = self.out.buffers.len() - 1;
        self.place[output.0] = Some(id);
        self.out.steps.push(Step {
            name,
            source,
            input_shape: self.shape(input),
            output_shape,
            input: input_place,
            output: id,
            residual,
            scratch: None,
            macs: kind.convs().into_iter().map(macs).sum(),
            kind,
            tensor: output,
        });
    }
}

/// Nodes of a block.
struct Parts<'g> {
    nodes: &'g [Node],
    /// The convolution before the depthwise one, and its output.
    expand: Option<(&'g Arc<Conv>, TensorId)>,
    depthwise: (&'g Arc<Conv>, TensorId),
    gate: Option<(&'g Arc<Conv>, &'g Arc<Conv>)>,
    project: (&'g Arc<Conv>, TensorId),
}

fn macs(packed: &PlannedConv) -> u64 {
    let conv = &packed.conv;
    (packed.output.len() * conv.kernel_size * conv.kernel_size * conv.channels_per_group()) as u64
}
