//! GlobalAveragePool, Conv, Conv, Multiply -> SqueezeExcite.

use crate::graph::{Conv, Graph, Node, Op, TensorId};

pub(super) fn run(graph: &mut Graph) {
    let mut index = 0;
    while index < graph.nodes.len() {
        if let Some(parts) = find(graph, index) {
            fuse(graph, index, &parts);
            // The removed nodes were before this one, which has moved up by their number.
            index -= parts.len();
        }
        index += 1;
    }
}

/// Indices of pool, reduce and expand where the Multiply at `index` gates a tensor by its own means.
fn find(graph: &Graph, index: usize) -> Option<[usize; 3]> {
    let multiply = &graph.nodes[index];
    if multiply.op != Op::Multiply {
        return None;
    }
    let expand = only_maker(graph, multiply.inputs[1])?;
    gate_conv(&graph.nodes[expand])?;
    let reduce = only_maker(graph, graph.nodes[expand].inputs[0])?;
    gate_conv(&graph.nodes[reduce])?;
    let pool = only_maker(graph, graph.nodes[reduce].inputs[0])?;
    let node = &graph.nodes[pool];
    (node.op == Op::GlobalAveragePool && node.inputs[0] == multiply.inputs[0]).then_some([pool, reduce, expand])
}

fn fuse(graph: &mut Graph, index: usize, parts: &[usize; 3]) {
    let [_, reduce, expand] = parts.map(|part| graph.nodes[part].clone());
    let (Op::Conv(reduce), Op::Conv(expand)) = (reduce.op, expand.op) else {
        unreachable!("find gives convolutions");
    };
    let multiply = &mut graph.nodes[index];
    multiply.op = Op::SqueezeExcite { reduce, expand };
    multiply.inputs.truncate(1);
    // `blocks.2.0/se/multiply` is now the whole of `blocks.2.0/se`.
    if let Some(whole) = multiply.name.strip_suffix("/multiply").map(str::to_owned) {
        graph.tensors[multiply.output.0].name.clone_from(&whole);
        multiply.name = whole;
    }
    let mut at = 0;
    graph.nodes.retain(|_| {
        at += 1;
        !parts.contains(&(at - 1))
    });
}

/// The node that makes a tensor, if the tensor has one use.
fn only_maker(graph: &Graph, id: TensorId) -> Option<usize> {
    graph.producer(id).filter(|_| graph.uses(id) == 1)
}

/// The convolution of a node, if a SqueezeExcite can hold it.
fn gate_conv(node: &Node) -> Option<&Conv> {
    match &node.op {
        Op::Conv(conv) if conv.is_pointwise() && !conv.residual.is_some() => Some(&**conv),
        _ => None,
    }
}
