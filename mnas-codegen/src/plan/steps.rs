//! Regroups the fused Graph into steps: a block, expansion to projection, is one step.

use super::arena::{Buffer, BufferId};
use super::pack::{self, LayerId, PackedLayer};
use crate::graph::{Conv, Graph, Node, Op, Residual, TensorId};
use mnas_dsl::network::{Activation, Pads, Shape};

/// One call of the generated `infer`.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The layer it belongs to, `blocks.2.0`; two joined by `+` where the stem runs into the first block.
    pub name: String,
    /// The layer as the spec writes it.
    pub source: String,
    /// Shape of what it reads.
    pub input_shape: Shape,
    /// Shape of what it writes.
    pub output_shape: Shape,
    /// Where it reads; `None` is the image that the caller passes, whose channels are not padded.
    pub input: Option<BufferId>,
    /// Where it writes.
    pub output: BufferId,
    /// What it adds to its output.
    pub residual: Option<BufferId>,
    /// Workspace of its own.
    pub scratch: Option<BufferId>,
    /// What it computes.
    pub kind: StepKind,
    /// Multiply-accumulates.
    pub macs: u64,
    /// The graph's tensor that it makes.
    pub tensor: TensorId,
}

/// A convolution and where its weights lie.
#[derive(Clone, Debug, PartialEq)]
pub struct PackedConv {
    /// Shape, activation.
    pub conv: Conv,
    /// Its packed weights.
    pub layer: LayerId,
    /// Shape of what it makes.
    pub output: Shape,
}

/// What a step computes.
#[derive(Clone, Debug, PartialEq)]
pub enum StepKind {
    /// The image with its channels padded, for networks whose first layer cannot read it as it is.
    PadImage,
    /// A convolution; with `pool` only the mean of its output is kept.
    Conv {
        /// The convolution.
        conv: PackedConv,
        /// Followed by a global average pool.
        pool: bool,
    },
    /// \[Expand,\] depthwise, \[squeeze-excite,\] project.
    Block(Box<Block>),
    /// Average pool that does not count padding.
    AveragePool {
        /// Rows and columns of the window.
        kernel_size: usize,
        /// Step.
        stride: usize,
        /// Edges.
        pads: Pads,
    },
    /// Mean over all pixels.
    GlobalAveragePool,
    /// Fully connected.
    Linear {
        /// As a 1x1 convolution of one pixel.
        conv: PackedConv,
    },
}

/// The convolutions of a block.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// What makes the depthwise convolution's input row by row: the expansion, or the stem.
    pub expand: Option<PackedConv>,
    /// The depthwise convolution.
    pub depthwise: PackedConv,
    /// Reduce and expand of squeeze-excite.
    pub squeeze_excite: Option<(PackedConv, PackedConv)>,
    /// The projection.
    pub project: PackedConv,
}

/// A graph that is not fused far enough, or in a way that no step covers.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanError {
    /// The node in question.
    pub node: String,
}

impl core::fmt::Display for PlanError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "`{}` is in no form that a step covers: were all passes run?", self.node)
    }
}

impl core::error::Error for PlanError {}

pub(super) struct Steps {
    pub(super) steps: Vec<Step>,
    pub(super) layers: Vec<PackedLayer>,
    pub(super) weights_len: usize,
    pub(super) buffers: Vec<Buffer>,
    pub(super) image: BufferId,
}

pub(super) fn group(graph: &Graph, align: usize) -> Result<Steps, PlanError> {
    let mut g = Grouper::new(graph, align);
    let mut at = 0;
    while at < graph.nodes.len() {
        at += g.step(at)?;
    }
    Ok(g.finish())
}

struct Grouper<'g> {
    graph: &'g Graph,
    /// What channels are rounded up to.
    align: usize,
    /// How many nodes read each tensor.
    readers: Vec<usize>,
    /// The buffer that holds each tensor once it is made.
    place: Vec<Option<BufferId>>,
    out: Steps,
}

impl<'g> Grouper<'g> {
    fn new(graph: &'g Graph, align: usize) -> Self {
        let mut readers = vec![0; graph.tensors.len()];
        for id in graph.nodes.iter().flat_map(|n| &n.inputs).chain([&graph.output]) {
            readers[id.0] += 1;
        }
        let image = Buffer::new("input".into(), graph.tensors[graph.input.0].shape.len(), 0, 0);
        let out = Steps { steps: vec![], layers: vec![], weights_len: 0, buffers: vec![image], image: 0 };
        let mut g = Grouper { graph, align, readers, place: vec![None; graph.tensors.len()], out };
        let direct = graph.nodes.iter().filter(|n| n.inputs.contains(&graph.input)).all(|n| {
            matches!(&n.op, Op::Conv(c) if !c.depthwise && n.inputs.first() == Some(&graph.input)
                && n.inputs.get(1) != Some(&graph.input))
        });
        if !direct {
            let shape = graph.tensors[graph.input.0].shape;
            g.push("image", "", StepKind::PadImage, graph.input, graph.input, None, shape, 0);
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

    /// The node at `at`, if it reads nothing but what the node before made for it alone.
    fn follows(&self, at: usize, made: TensorId) -> Option<&'g Node> {
        let node = self.graph.nodes.get(at)?;
        (node.inputs.first() == Some(&made) && self.readers[made.0] == 1).then_some(node)
    }

    /// Makes the step that starts at node `at`; returns how many nodes it covers.
    fn step(&mut self, at: usize) -> Result<usize, PlanError> {
        let node = &self.graph.nodes[at];
        let unknown = || PlanError { node: node.name.clone() };
        let input = *node.inputs.first().ok_or_else(unknown)?;
        match &node.op {
            Op::Conv(conv) if conv.depthwise => self.block(at, None),
            Op::Conv(conv) => {
                if let Some(next) = self.follows(at + 1, node.output)
                    && matches!(&next.op, Op::Conv(d) if d.depthwise)
                    && !conv.residual.is_some()
                {
                    return self.block(at + 1, Some(node)).map(|n| n + 1);
                }
                let pool = self.follows(at + 1, node.output).filter(|next| {
                    next.op == Op::GlobalAveragePool
                        && !conv.residual.is_some()
                        && conv.kernel_size == 1
                        && conv.stride == 1
                });
                let packed = self.pack(conv, false, node.output);
                let residual = if conv.residual.is_some() { node.inputs.get(1).copied() } else { None };
                let (name, source) = self.layer_of(node);
                let output = pool.map_or(node.output, |p| p.output);
                let macs = self.macs(&packed);
                let shape = self.shape(output);
                let kind = StepKind::Conv { conv: packed, pool: pool.is_some() };
                self.push(&name, &source, kind, input, output, residual, shape, macs);
                Ok(1 + usize::from(pool.is_some()))
            }
            Op::AveragePool { kernel_size, stride, pads } => {
                let kind = StepKind::AveragePool { kernel_size: *kernel_size, stride: *stride, pads: *pads };
                self.plain(node, kind, input, 0)
            }
            Op::GlobalAveragePool => self.plain(node, StepKind::GlobalAveragePool, input, 0),
            Op::Linear { param } => {
                let conv = Conv {
                    param: param.clone(),
                    input_channels: self.shape(input).len(),
                    output_channels: self.shape(node.output).channels,
                    kernel_size: 1,
                    stride: 1,
                    pads: Pads { top: 0, left: 0, bottom: 0, right: 0 },
                    depthwise: false,
                    bias: true,
                    batch_norm: None,
                    activation: Activation::Linear,
                    residual: Residual::None,
                };
                let conv = self.pack(&conv, true, node.output);
                let macs = self.macs(&conv);
                self.plain(node, StepKind::Linear { conv }, input, macs)
            }
            Op::BatchNorm { .. }
            | Op::Activation(_)
            | Op::Add
            | Op::Multiply
            | Op::MaxPool { .. }
            | Op::SqueezeExcite { .. } => Err(unknown()),
        }
    }

    fn plain(&mut self, node: &Node, kind: StepKind, input: TensorId, macs: u64) -> Result<usize, PlanError> {
        let (name, source) = self.layer_of(node);
        let shape = self.shape(node.output);
        self.push(&name, &source, kind, input, node.output, None, shape, macs);
        Ok(1)
    }

    /// A block whose depthwise convolution is node `at`; returns how many nodes from there it covers.
    fn block(&mut self, at: usize, producer: Option<&Node>) -> Result<usize, PlanError> {
        let node = &self.graph.nodes[at];
        let unknown = || PlanError { node: node.name.clone() };
        let Op::Conv(depthwise) = &node.op else { return Err(unknown()) };
        let read = *producer.unwrap_or(node).inputs.first().ok_or_else(unknown)?;
        let expand = match producer.map(|p| (&p.op, p.output)) {
            Some((Op::Conv(conv), output)) => Some(self.pack(conv, false, output)),
            _ => None,
        };
        let packed_depthwise = self.pack(depthwise, false, node.output);
        let mut covered = 1;
        let mut made = node.output;
        let mut squeeze_excite = None;
        if let Some(se) = self.follows(at + covered, made)
            && let Op::SqueezeExcite { reduce, expand } = &se.op
        {
            let pixel = |conv: &Conv| Shape { height: 1, width: 1, channels: conv.output_channels };
            squeeze_excite =
                Some((self.pack_as(reduce, false, pixel(reduce)), self.pack_as(expand, false, pixel(expand))));
            made = se.output;
            covered += 1;
        }
        let last = self.follows(at + covered, made).ok_or_else(unknown)?;
        let Op::Conv(project) = &last.op else { return Err(unknown()) };
        if project.kernel_size != 1 || project.depthwise || project.stride != 1 {
            return Err(unknown());
        }
        covered += 1;
        let project = self.pack(project, false, last.output);
        let residual = if project.conv.residual.is_some() { last.inputs.get(1).copied() } else { None };
        let (mut name, mut source) = self.layer_of(last);
        if let Some(p) = producer
            && p.layer != last.layer
        {
            let (first, first_source) = self.layer_of(p);
            name = format!("{first}+{name}");
            source = format!("{first_source}; {source}");
        }
        let macs = [expand.as_ref(), Some(&packed_depthwise), Some(&project)]
            .into_iter()
            .flatten()
            .chain(squeeze_excite.iter().flat_map(|(a, b)| [a, b]))
            .map(|c| self.macs(c))
            .sum();
        let shape = self.shape(last.output);
        let block = Block { expand, depthwise: packed_depthwise, squeeze_excite, project };
        self.push(&name, &source, StepKind::Block(Box::new(block)), read, last.output, residual, shape, macs);
        Ok(covered)
    }

    fn layer_of(&self, node: &Node) -> (String, String) {
        self.graph.layers.get(node.layer).map(|l| (l.name.clone(), l.source.clone())).unwrap_or_default()
    }

    fn macs(&self, c: &PackedConv) -> u64 {
        let taps = c.conv.kernel_size * c.conv.kernel_size;
        let inputs = if c.conv.depthwise { 1 } else { c.conv.input_channels };
        (c.output.len() * taps * inputs) as u64
    }

    fn pack(&mut self, conv: &Conv, linear: bool, output: TensorId) -> PackedConv {
        self.pack_as(conv, linear, self.shape(output))
    }

    fn pack_as(&mut self, conv: &Conv, linear: bool, output: Shape) -> PackedConv {
        let layer = pack::layer(conv, linear, output.pixels(), self.align, self.out.weights_len);
        self.out.weights_len += layer.len().next_multiple_of(16);
        self.out.layers.push(layer);
        PackedConv { conv: conv.clone(), layer: self.out.layers.len() - 1, output }
    }

    #[expect(clippy::too_many_arguments, reason = "one for each field of a step")]
    fn push(
        &mut self,
        name: &str,
        source: &str,
        kind: StepKind,
        input: TensorId,
        output: TensorId,
        residual: Option<TensorId>,
        output_shape: Shape,
        macs: u64,
    ) {
        let now = self.out.steps.len();
        let input_place = self.place[input.0];
        let read = input_place.unwrap_or(self.out.image);
        self.out.buffers[read].last = now;
        let residual = residual.and_then(|id| self.place[id.0]);
        if let Some(id) = residual {
            self.out.buffers[id].last = now;
        }
        let len = output_shape.pixels() * output_shape.channels.next_multiple_of(self.align);
        let tensor_name = &self.graph.tensors[output.0].name;
        self.out.buffers.push(Buffer::new(tensor_name.clone(), len, now, now));
        let id = self.out.buffers.len() - 1;
        self.place[output.0] = Some(id);
        self.out.steps.push(Step {
            name: name.into(),
            source: source.into(),
            input_shape: self.shape(input),
            output_shape,
            input: input_place,
            output: id,
            residual,
            scratch: None,
            kind,
            macs,
            tensor: output,
        });
    }
}
