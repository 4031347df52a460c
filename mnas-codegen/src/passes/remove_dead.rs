//! Removes nodes whose result has no use and tensors that no node makes, and numbers the tensors in execution order.
//!
//! After it tensor 0 is the input and tensor i + 1 the result of node i.

use crate::graph::{Graph, TensorId};

pub(super) fn run(graph: &mut Graph) {
    remove_nodes(graph);
    compact_tensors(graph);
}

fn remove_nodes(graph: &mut Graph) {
    let mut live = vec![false; graph.tensors.len()];
    live[graph.output.0] = true;
    for layer in &graph.layers {
        live[layer.output.0] = true;
    }
    // Backwards, so that the consumers of a node are visited before it.
    for node in graph.nodes.iter().rev() {
        if live[node.output.0] {
            for input in &node.inputs {
                live[input.0] = true;
            }
        }
    }
    graph.nodes.retain(|node| live[node.output.0]);
}

fn compact_tensors(graph: &mut Graph) {
    let kept: Vec<TensorId> = [graph.input].into_iter().chain(graph.nodes.iter().map(|node| node.output)).collect();
    let mut renumbered = vec![graph.input; graph.tensors.len()];
    for (new, old) in kept.iter().enumerate() {
        renumbered[old.0] = TensorId(new);
    }
    graph.tensors = kept.iter().map(|old| graph.tensors[old.0].clone()).collect();
    for node in &mut graph.nodes {
        node.output = renumbered[node.output.0];
        for input in &mut node.inputs {
            *input = renumbered[input.0];
        }
    }
    for layer in &mut graph.layers {
        layer.output = renumbered[layer.output.0];
    }
    graph.output = renumbered[graph.output.0];
    graph.input = renumbered[graph.input.0];
}
