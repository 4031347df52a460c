//! The plan of an int8 network: what is computed in which order, and where maps and weights lie.

pub use super::kernel::{Added, ConvKernel, DepthwiseKernel, Finish, Kernel, Output, PoolKernel};
use super::map::{LANES, Layout, Margins};
use crate::graph::{Conv, Graph, Node, Op, TensorId};
use crate::machine::Isa;
use crate::plan::arena::{Arena, Buffer, BufferId};
use crate::quantized::structure::is_wide_sum;
use crate::quantized::{Quantized, conv_of};
use crate::units::Bytes;
use mnas_dsl::network::{Activation, Pads, Shape};
use std::collections::BTreeMap;

/// Everything that is printed.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The spec's name.
    pub name: String,
    /// Shape of the image.
    pub input: Shape,
    /// Shape of the output.
    pub output: Shape,
    /// The image's bytes.
    pub image: Image,
    /// What is computed, in order.
    pub steps: Vec<Step>,
    /// Where each map lies while it is in use; lengths are in units of four bytes.
    pub arena: Arena,
    /// Length of the packed weights.
    pub weights_len: Bytes,
    /// Instruction sets, best first.
    pub isas: Vec<Isa>,
    /// Whether several threads may share an inference.
    pub threads: bool,
}

/// How an image becomes bytes.
#[derive(Clone, Debug)]
pub struct Image {
    /// Where they are written.
    pub buffer: BufferId,
    /// The bytes of a row, before they are spread to pixels.
    pub row: BufferId,
    /// Their layout.
    pub layout: Layout,
    /// The value of a byte of 1.
    pub scale: f32,
    /// The byte of 0.
    pub zero: u8,
}

/// One call of the generated `infer`.
#[derive(Clone, Debug)]
pub struct Step {
    /// The node's name, or those of two nodes.
    pub name: String,
    /// The layer as the spec writes it.
    pub source: String,
    /// Multiply-accumulates.
    pub macs: u64,
    /// Index of its first node in the graph.
    pub node: usize,
    /// What is computed.
    pub kernel: Kernel,
    /// Maps that it reads.
    pub inputs: Vec<BufferId>,
    /// The map that it writes.
    pub output: BufferId,
    /// The tensor that it writes.
    pub tensor: TensorId,
    /// Where its weights start in the packed weights.
    pub weights: Bytes,
}

/// Plans a network for instruction sets, best first.
///
/// # Errors
///
/// What the kernels cannot compute.
pub fn plan(network: &Quantized, isas: Vec<Isa>, threads: bool) -> Result<Plan, String> {
    let graph = &network.graph;
    let layouts = layouts(graph);
    let mut steps = Vec::new();
    let mut index = 0;
    while index < graph.nodes.len() {
        let step = step(network, &layouts, index)?;
        index += step.nodes;
        steps.push(step);
    }
    let mut buffers = Vec::new();
    let mut buffer_of: BTreeMap<TensorId, BufferId> = BTreeMap::new();
    let words = |bytes: Bytes| Bytes(bytes.0.next_multiple_of(4)).elements();
    let last_reader = |id: TensorId| steps.iter().rposition(|step| step.reads.contains(&id)).unwrap_or(steps.len()) + 1;
    // Step 0 writes the image's bytes; the steps of the network count from 1.
    let image_layout = layouts[graph.input.0];
    buffer_of.insert(graph.input, 0);
    buffers.push(Buffer::new("image".into(), words(image_layout.len()), 0, last_reader(graph.input)));
    let row = graph.shape(graph.input);
    buffers.push(Buffer::new("image/row".into(), words(Bytes(row.width * row.channels + 4 * LANES)), 0, 0));
    for (i, step) in steps.iter().enumerate() {
        let layout = layouts[step.tensor.0];
        let len = if step.tensor == graph.output { Bytes(layout.len().0 * 4) } else { layout.len() };
        buffer_of.insert(step.tensor, buffers.len());
        let name = graph.tensor(step.tensor).name.clone();
        buffers.push(Buffer::new(name, words(len), i + 1, last_reader(step.tensor)));
    }
    let mut at = 0;
    let steps: Vec<Step> = steps
        .into_iter()
        .map(|step| {
            let weights = Bytes(at);
            at += step.kernel.weights_len();
            let node = &graph.nodes[step.node];
            let layer = &graph.layers[node.layer];
            Step {
                name: step.name,
                source: layer.source.clone(),
                macs: step.macs,
                node: step.node,
                inputs: step.reads.iter().map(|id| buffer_of[id]).collect(),
                output: buffer_of[&step.tensor],
                tensor: step.tensor,
                weights,
                kernel: step.kernel,
            }
        })
        .collect();
    let map = network.map(graph.input);
    Ok(Plan {
        name: graph.name.clone(),
        input: graph.shape(graph.input),
        output: graph.shape(graph.output),
        image: Image { buffer: 0, row: 1, layout: image_layout, scale: map.scales[0], zero: map.zero },
        steps,
        arena: Arena::plan(buffers),
        weights_len: Bytes(at.next_multiple_of(4 * LANES)),
        isas,
        threads,
    })
}

/// A step before buffers are known.
struct Draft {
    name: String,
    macs: u64,
    node: usize,
    /// How many nodes it computes.
    nodes: usize,
    kernel: Kernel,
    reads: Vec<TensorId>,
    tensor: TensorId,
}

/// The layout of each tensor: margins are what its readers need.
fn layouts(graph: &Graph) -> Vec<Layout> {
    (0..graph.tensors.len())
        .map(|id| {
            let id = TensorId(id);
            let input = graph.shape(id);
            let readers = graph.consumers(id);
            let margins = readers.iter().map(|&reader| {
                let node = &graph.nodes[reader];
                match &node.op {
                    Op::Conv(conv) => margins(conv, input, graph.shape(node.output)),
                    _ => Margins::default(),
                }
            });
            Layout::new(input, id == graph.input, margins.fold(Margins::default(), Margins::union))
        })
        .collect()
}

fn margins(conv: &Conv, input: Shape, output: Shape) -> Margins {
    let behind = |outputs: usize, inputs: usize, before: usize| {
        ((outputs - 1) * conv.stride + conv.kernel_size).saturating_sub(before + inputs)
    };
    Margins {
        top: conv.pads.top,
        left: conv.pads.left,
        bottom: behind(output.height, input.height, conv.pads.top),
        right: behind(output.width, input.width, conv.pads.left),
    }
}

fn step(network: &Quantized, layouts: &[Layout], index: usize) -> Result<Draft, String> {
    let graph = &network.graph;
    let node = &graph.nodes[index];
    let from = node.inputs[0];
    let input = layouts[from.0];
    let output = output(network, layouts, node.output);
    let draft = |kernel: Kernel| Draft {
        name: node.name.clone(),
        macs: 0,
        node: index,
        nodes: 1,
        kernel,
        reads: node.inputs.clone(),
        tensor: node.output,
    };
    let zero = || network.map(from).zero;
    Ok(match &node.op {
        Op::Conv(_) | Op::Linear { .. } => {
            let conv = conv_of(graph, node).expect("a convolution or a fully connected layer");
            return convolution(network, layouts, index, &conv);
        }
        Op::GlobalAveragePool => draft(Kernel::GlobalAverage { input, zero: zero(), output }),
        Op::Multiply => draft(Kernel::Gate { input, zero: zero(), output }),
        Op::AveragePool { kernel_size, stride, pads } | Op::MaxPool { kernel_size, stride, pads } => {
            let Output::Bytes(output, _) = output else {
                return Err(format!(
                    "`{}`: a pool by windows cannot be the last operator of an int8 network",
                    node.name
                ));
            };
            draft(Kernel::Pool(PoolKernel {
                input,
                zero: zero(),
                kernel_size: *kernel_size,
                stride: *stride,
                pads: [pads.top, pads.left],
                is_average: matches!(node.op, Op::AveragePool { .. }),
                output,
            }))
        }
        Op::Add => {
            let zeros = node.inputs.iter().map(|&id| i32::from(network.map(id).zero)).sum();
            let inputs = [input, layouts[node.inputs[1].0]];
            if !is_wide_sum(graph, node.output) {
                let finish = matches!(output, Output::Floats(_)).then_some(Finish::Floats(Activation::Linear));
                return Ok(draft(Kernel::Add { inputs, zeros, output, finish }));
            }
            let reader = graph.consumers(node.output)[0];
            let Node { op: Op::Activation(activation), output: last, name, .. } = &graph.nodes[reader] else {
                unreachable!("an activation reads a wide sum")
            };
            if reader != index + 1 {
                return Err(format!("`{name}` does not follow its sum"));
            }
            let output = self::output(network, layouts, *last);
            let finish = finish(*activation, output);
            let kernel = Kernel::Add { inputs, zeros, output, finish: Some(finish) };
            Draft { nodes: 2, tensor: *last, name: name.clone(), ..draft(kernel) }
        }
        Op::Activation(_) | Op::BatchNorm { .. } | Op::SqueezeExcite { .. } => {
            return Err(format!("`{}` has no int8 kernel of its own", node.name));
        }
    })
}

fn output(network: &Quantized, layouts: &[Layout], id: TensorId) -> Output {
    match &network.maps[id.0] {
        Some(map) => Output::Bytes(layouts[id.0], map.zero),
        None => Output::Floats(layouts[id.0]),
    }
}

/// As [`crate::quantized::arithmetic::Epilogue::new`].
fn finish(activation: Activation, output: Output) -> Finish {
    match (output, activation) {
        (Output::Floats(_), _) => Finish::Floats(activation),
        (Output::Bytes(..), Activation::Linear) => Finish::Multiply { lower: 0 },
        (Output::Bytes(_, zero), Activation::Relu | Activation::Relu6) => Finish::Multiply { lower: zero },
        (Output::Bytes(..), _) => Finish::Activate(activation),
    }
}

fn convolution(network: &Quantized, layouts: &[Layout], index: usize, conv: &Conv) -> Result<Draft, String> {
    let graph = &network.graph;
    let node = &graph.nodes[index];
    let (from, input) = (node.inputs[0], layouts[node.inputs[0].0]);
    let is_linear = matches!(node.op, Op::Linear { .. });
    let Pads { top, left, .. } = conv.pads;
    let first = (input.margins.top - if is_linear { 0 } else { top }) * input.row()
        + (input.margins.left - if is_linear { 0 } else { left }) * input.block;
    let output = output(network, layouts, node.output);
    let finish = finish(conv.activation, output);
    let macs = (output.layout().height * output.layout().width * conv.weight_shape().iter().product::<usize>()) as u64;
    let draft = |kernel| Draft {
        name: node.name.clone(),
        macs,
        node: index,
        nodes: 1,
        kernel,
        reads: vec![from],
        tensor: node.output,
    };
    let is_bounded = match &network.maps[node.output.0] {
        Some(map) => (0..conv.output_channels).all(|o| network.sum_scale(conv, from, o) / map.scale(o) < 0.99),
        None => false,
    };
    if conv.depthwise {
        let (kernel_size, stride) = (conv.kernel_size, conv.stride);
        let kernel = DepthwiseKernel { input, kernel_size, stride, first, output, finish, is_bounded };
        return Ok(draft(Kernel::Depthwise(kernel)));
    }
    let window = if is_linear { [input.height, input.width] } else { [conv.kernel_size; 2] };
    let kernel = ConvKernel { input, window, stride: conv.stride, first, output, finish, is_bounded, residual: None };
    let Some((add, other)) = added(network, index) else { return Ok(draft(Kernel::Conv(kernel))) };
    let (Finish::Multiply { .. }, Output::Bytes(_, zero)) = (finish, output) else {
        return Ok(draft(Kernel::Conv(kernel)));
    };
    let sum = self::output(network, layouts, graph.nodes[add].output);
    let Output::Bytes(_, sum_zero) = sum else { return Ok(draft(Kernel::Conv(kernel))) };
    let offset = i32::from(sum_zero) - i32::from(zero) - i32::from(network.map(other).zero);
    let residual = Some(Added { layout: layouts[other.0], zero, offset });
    let draft = draft(Kernel::Conv(ConvKernel { output: sum, residual, ..kernel }));
    Ok(Draft { nodes: 2, reads: vec![from, other], tensor: graph.nodes[add].output, ..draft })
}

/// The sum that follows a node, alone reads it, and has bytes; and its other operand.
fn added(network: &Quantized, index: usize) -> Option<(usize, TensorId)> {
    let graph = &network.graph;
    let result = graph.nodes[index].output;
    let add = graph.nodes.get(index + 1).filter(|node| node.op == Op::Add && node.inputs[0] == result)?;
    let other = add.inputs[1];
    let is_alone = graph.consumers(result).len() == 1 && other != result;
    (is_alone && !is_wide_sum(graph, add.output)).then_some((index + 1, other))
}
