//! Checks that a Graph is valid: for tests, after lowering and after every pass.

use std::fmt;

use mnas_dsl::network::{Shape, slide};

use crate::graph::{Conv, Graph, Node, Op, TensorId};

/// Checks that every operand is made before it is used, that every tensor is made once, and that shapes fit.
///
/// Tensors without a producer or a use are allowed: fusion leaves them until `remove_dead` runs.
///
/// # Errors
///
/// The first node at which something is wrong.
pub fn validate(graph: &Graph) -> Result<(), InvalidGraph> {
    let mut made = vec![false; graph.tensors.len()];
    let input = made.get_mut(graph.input.0).ok_or_else(|| invalid("input", "the input is no tensor"))?;
    *input = true;
    for node in &graph.nodes {
        check_node(graph, node, &made).map_err(|problem| invalid(&node.name, problem))?;
        made[node.output.0] = true;
    }
    for layer in &graph.layers {
        if !is_made(&made, layer.output) {
            return Err(invalid(&layer.name, "no node makes the layer's output"));
        }
    }
    if is_made(&made, graph.output) { Ok(()) } else { Err(invalid("output", "no node makes the network's output")) }
}

/// What is wrong with a graph, and where. It is always a bug of the compiler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidGraph {
    /// Name of the node or layer.
    pub at: String,
    /// What is wrong.
    pub problem: String,
}

impl fmt::Display for InvalidGraph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.problem)
    }
}

impl std::error::Error for InvalidGraph {}

fn invalid(at: &str, problem: impl Into<String>) -> InvalidGraph {
    InvalidGraph { at: at.to_owned(), problem: problem.into() }
}

fn is_made(made: &[bool], id: TensorId) -> bool {
    made.get(id.0).copied().unwrap_or(false)
}

fn check_node(graph: &Graph, node: &Node, made: &[bool]) -> Result<(), String> {
    if node.layer >= graph.layers.len() {
        return Err(format!("there is no layer {}", node.layer));
    }
    for input in &node.inputs {
        if !is_made(made, *input) {
            return Err(format!("operand %{} is not made before", input.0));
        }
    }
    if node.output.0 >= graph.tensors.len() {
        return Err(format!("result %{} is no tensor", node.output.0));
    }
    if made[node.output.0] {
        return Err(format!("result %{} is made twice", node.output.0));
    }
    let tensor = graph.tensor(node.output);
    if tensor.name != node.name {
        return Err(format!("its result is called {}", tensor.name));
    }
    let inputs: Vec<Shape> = node.inputs.iter().map(|&input| graph.shape(input)).collect();
    let shape = output_shape(&node.op, &inputs, tensor.shape)?;
    if shape != tensor.shape {
        return Err(format!("result has shape {:?}, not {shape:?}", tensor.shape));
    }
    Ok(())
}

/// The shape an operator gives for operands of these shapes. A Linear layer gives what it claims: its parameters are
/// not part of the graph.
fn output_shape(op: &Op, inputs: &[Shape], claimed: Shape) -> Result<Shape, String> {
    let operands = match op {
        Op::Conv(conv) if conv.residual.is_some() => 2,
        Op::Add | Op::Multiply => 2,
        _ => 1,
    };
    if inputs.len() != operands {
        return Err(format!("takes {operands} operands, not {}", inputs.len()));
    }
    let x = inputs[0];
    let vector = |channels| Shape { height: 1, width: 1, channels };
    match op {
        Op::Conv(conv) => {
            let shape = conv_shape(conv, x)?;
            if conv.residual.is_some() && inputs[1] != shape {
                return Err(format!("residual has shape {:?}, not {shape:?}", inputs[1]));
            }
            Ok(shape)
        }
        Op::BatchNorm { .. } | Op::Activation(_) => Ok(x),
        Op::Add if inputs[1] != x => Err(format!("adds {:?} to {x:?}", inputs[1])),
        Op::Multiply if inputs[1] != vector(x.channels) => Err(format!("gate has shape {:?}", inputs[1])),
        Op::Add | Op::Multiply => Ok(x),
        Op::GlobalAveragePool => Ok(vector(x.channels)),
        Op::AveragePool { kernel_size, pads, .. } | Op::MaxPool { kernel_size, pads, .. }
            if [pads.top, pads.left, pads.bottom, pads.right].iter().any(|pad| pad >= kernel_size) =>
        {
            Err("a window may lie in the padding alone".to_owned())
        }
        Op::AveragePool { kernel_size, stride, pads } | Op::MaxPool { kernel_size, stride, pads } => {
            Ok(slide(x, *kernel_size, *stride, *pads).ok_or("the window is larger than its input")?)
        }
        Op::Linear { .. } if x != vector(x.channels) => Err(format!("operand {x:?} is no vector")),
        Op::Linear { .. } => Ok(vector(claimed.channels)),
        Op::SqueezeExcite { reduce, expand } => {
            let gate = conv_shape(expand, conv_shape(reduce, vector(x.channels))?)?;
            if gate == vector(x.channels) { Ok(x) } else { Err(format!("gate has shape {gate:?}")) }
        }
    }
}

fn conv_shape(conv: &Conv, input: Shape) -> Result<Shape, String> {
    if conv.input_channels != input.channels {
        return Err(format!("takes {} channels, not {}", conv.input_channels, input.channels));
    }
    if conv.depthwise && conv.input_channels != conv.output_channels {
        return Err("a depthwise convolution keeps its channels".to_owned());
    }
    conv.output_shape(input).ok_or_else(|| "the kernel is larger than its input".to_owned())
}
