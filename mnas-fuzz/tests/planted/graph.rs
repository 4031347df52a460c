//! Passes that leave a wrong graph.

use super::Planted;
use mnas_codegen::graph::{Conv, Graph, Node, Op, Residual, TensorId};
use mnas_dsl::network::Activation;
use mnas_fuzz::fault::Fault;
use std::sync::Arc;

/// Wrong before anything is planned.
pub(crate) const RELU6: &str = "a pass takes ReLU6 for ReLU";

pub(crate) fn faults() -> Vec<Planted> {
    let planted = |name, after, change: fn(&mut Graph) -> bool| Planted { name, fault: Fault::Graph { after, change } };
    vec![
        planted("a pass forgets the epsilon of a batch norm", "fold_batch_norm", |graph| {
            convs(graph, |conv| match &mut conv.batch_norm {
                Some((_, eps)) => std::mem::take(eps) > 0.0,
                None => false,
            })
        }),
        planted("a pass drops an activation", "fuse_activation", |graph| {
            convs(graph, |conv| std::mem::replace(&mut conv.activation, Activation::Linear) != Activation::Linear)
        }),
        planted(RELU6, "fuse_activation", |graph| {
            convs(graph, |conv| becomes(&mut conv.activation, Activation::Relu6, Activation::Relu))
        }),
        planted("a pass takes hard swish for swish", "fuse_activation", |graph| {
            convs(graph, |conv| becomes(&mut conv.activation, Activation::HardSwish, Activation::Swish))
        }),
        planted("a pass applies an activation behind the residual", "fuse_activation", activation_behind_add),
        planted("a pass leaves a residual out", "fuse_residual", |graph| {
            residuals(graph, |node| {
                let Op::Conv(conv) = &mut node.op else { return };
                Arc::make_mut(conv).residual = Residual::None;
                node.inputs.truncate(1);
            })
        }),
        planted("a pass adds another tensor of the same shape", "fuse_residual", |graph| {
            let Some((at, residual)) = residual(graph) else { return false };
            let same = |id: &TensorId| *id != residual && graph.shape(*id) == graph.shape(residual);
            let mut earlier = graph.nodes[..at].iter().map(|node| node.output).collect::<Vec<_>>();
            earlier.retain(same);
            let Some(other) = earlier.first() else { return false };
            graph.nodes[at].inputs[1] = *other;
            true
        }),
        planted("a pass fuses a residual into a convolution that has a second reader", "fuse_activation", |graph| {
            let Some(add) = graph.nodes.iter().position(|node| node.op == Op::Add) else { return false };
            let [body, shortcut] = [graph.nodes[add].inputs[0], graph.nodes[add].inputs[1]];
            let Some(producer) = graph.producer(shortcut) else { return false };
            let Op::Conv(conv) = &mut graph.nodes[producer].op else { return false };
            Arc::make_mut(conv).residual = Residual::Last;
            graph.nodes[producer].inputs.push(body);
            let add = graph.nodes.remove(add);
            replace(graph, add.output, shortcut);
            true
        }),
        planted("a pass gates with a hard sigmoid", "fuse_squeeze_excite", |graph| {
            squeeze_excites(graph, |_, expand| {
                becomes(&mut expand.activation, Activation::Sigmoid, Activation::HardSigmoid)
            })
        }),
        planted("a pass forgets the activation within a squeeze-excite", "fuse_squeeze_excite", |graph| {
            squeeze_excites(graph, |reduce, _| {
                std::mem::replace(&mut reduce.activation, Activation::Linear) != Activation::Linear
            })
        }),
        planted("a pass removes a squeeze-excite as dead", "remove_dead", |graph| {
            let Some(at) = graph.nodes.iter().position(|node| matches!(node.op, Op::SqueezeExcite { .. })) else {
                return false;
            };
            let node = graph.nodes.remove(at);
            replace(graph, node.output, node.inputs[0]);
            true
        }),
    ]
}

/// Changes the first convolution for which `change` says yes.
fn convs(graph: &mut Graph, change: impl Fn(&mut Conv) -> bool) -> bool {
    graph.nodes.iter_mut().any(|node| match &mut node.op {
        Op::Conv(conv) => change(Arc::make_mut(conv)),
        _ => false,
    })
}

fn becomes(activation: &mut Activation, from: Activation, to: Activation) -> bool {
    let is_it = *activation == from;
    if is_it {
        *activation = to;
    }
    is_it
}

fn squeeze_excites(graph: &mut Graph, change: impl Fn(&mut Conv, &mut Conv) -> bool) -> bool {
    graph.nodes.iter_mut().any(|node| match &mut node.op {
        Op::SqueezeExcite { reduce, expand } => change(Arc::make_mut(reduce), Arc::make_mut(expand)),
        _ => false,
    })
}

/// The last convolution with a residual, and what it adds.
fn residual(graph: &Graph) -> Option<(usize, TensorId)> {
    let at = graph.nodes.iter().rposition(|node| matches!(&node.op, Op::Conv(conv) if conv.residual.is_some()))?;
    Some((at, graph.nodes[at].inputs[1]))
}

fn residuals(graph: &mut Graph, change: impl Fn(&mut Node)) -> bool {
    let Some((at, _)) = residual(graph) else { return false };
    change(&mut graph.nodes[at]);
    true
}

/// Moves the activation of a convolution before an Add behind it.
fn activation_behind_add(graph: &mut Graph) -> bool {
    for add in 0..graph.nodes.len() {
        if graph.nodes[add].op != Op::Add {
            continue;
        }
        let Some(producer) = graph.producer(graph.nodes[add].inputs[0]) else { continue };
        let Op::Conv(conv) = &mut graph.nodes[producer].op else { continue };
        if conv.activation == Activation::Linear {
            continue;
        }
        let activation = std::mem::replace(&mut Arc::make_mut(conv).activation, Activation::Linear);
        let sum = graph.nodes[add].output;
        let made = TensorId(graph.tensors.len());
        let mut tensor = graph.tensor(sum).clone();
        tensor.name.push_str("/activation");
        let name = tensor.name.clone();
        graph.tensors.push(tensor);
        replace(graph, sum, made);
        let layer = graph.nodes[add].layer;
        let op = Op::Activation(activation);
        graph.nodes.insert(add + 1, Node { name, layer, op, inputs: vec![sum], output: made });
        return true;
    }
    false
}

/// Makes every use of a tensor a use of another.
fn replace(graph: &mut Graph, from: TensorId, to: TensorId) {
    let operands = graph.nodes.iter_mut().flat_map(|node| &mut node.inputs);
    let outputs = graph.layers.iter_mut().map(|layer| &mut layer.output);
    for id in operands.chain(outputs).chain([&mut graph.output]) {
        if *id == from {
            *id = to;
        }
    }
}
