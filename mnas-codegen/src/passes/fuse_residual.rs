//! Conv, Add -> Conv with `residual`, the other operand as its second input.

use crate::graph::{Graph, Op, Residual};
use std::sync::Arc;

pub(super) fn run(graph: &mut Graph) {
    let mut index = 0;
    while index < graph.nodes.len() {
        if !fuse(graph, index) {
            index += 1;
        }
    }
}

/// Fuses the Add at `index` into the convolution before it, if there is one; the node at `index` is then another.
fn fuse(graph: &mut Graph, index: usize) -> bool {
    if graph.nodes[index].op != Op::Add {
        return false;
    }
    let operands = [graph.nodes[index].inputs[0], graph.nodes[index].inputs[1]];
    // The body is the first operand as lowering writes it; addition is commutative.
    for (body, residual) in [(operands[0], operands[1]), (operands[1], operands[0])] {
        let Some(producer) = graph.producer(body).filter(|_| graph.uses(body) == 1) else {
            continue;
        };
        let Op::Conv(conv) = &mut graph.nodes[producer].op else {
            continue;
        };
        if conv.residual.is_some() {
            continue;
        }
        Arc::make_mut(conv).residual = Residual::Last;
        let mut node = graph.nodes[producer].clone();
        node.inputs.push(residual);
        // The convolution moves to the place of the Add: before it the other operand may not exist yet.
        let add = std::mem::replace(&mut graph.nodes[index], node);
        graph.nodes.remove(producer);
        graph.replace_uses(add.output, body);
        return true;
    }
    false
}
