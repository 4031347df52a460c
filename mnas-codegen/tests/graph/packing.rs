//! Batch norms are folded by one code, and by the names that the graph has for them.

use mnas_codegen::compile::fused_graph;
use mnas_codegen::fold::fold;
use mnas_codegen::graph::{Graph, Op};
use mnas_codegen::plan::{Target, plan};
use mnas_codegen::weights::{Weights, random};
use mnas_codegen::{pack, plan};
use std::sync::Arc;

const NET: &str = "\
name: net
input: 8x8x3
stem: {op: conv, kernel: 3, stride: 2, filters: 12}
blocks:
  - {op: mbconv, expand: 3, kernel: 3, filters: 12, layers: 2}
head: {classes: 5}
";

fn net() -> (Graph, Weights) {
    let (_, network) = mnas_dsl::load_yaml(NET, "net.yaml").expect("a good spec");
    (fused_graph(&network), random(&network, 1))
}

fn packed(graph: &Graph, weights: &Weights) -> (plan::Plan, Vec<f32>) {
    let plan = plan(graph, &Target::x86_64()).expect("a network of ours has a plan");
    let packed = pack::pack(&plan, weights).expect("all weights");
    (plan, packed)
}

#[test]
fn a_batch_norm_is_found_by_the_name_that_the_graph_has() {
    let (mut graph, mut weights) = net();
    let (_, expected) = packed(&graph, &weights);
    let mut renamed = 0;
    for node in &mut graph.nodes {
        if let Op::Conv(conv) = &mut node.op
            && let Some((param, _)) = &mut Arc::make_mut(conv).batch_norm
        {
            let name = format!("norms.{renamed}");
            for suffix in ["weight", "bias", "running_mean", "running_var"] {
                let tensor = weights.remove(&format!("{param}.{suffix}")).expect("a parameter of the batch norm");
                weights.insert(format!("{name}.{suffix}"), tensor);
            }
            *param = name;
            renamed += 1;
        }
    }
    assert!(renamed >= 6, "{renamed}");
    assert_eq!(packed(&graph, &weights).1, expected);
}

#[test]
fn kernels_and_onnx_have_the_same_folded_weights() {
    let (graph, weights) = net();
    let (plan, packed) = packed(&graph, &weights);
    for layer in &plan.layers {
        let conv = graph.nodes.iter().find_map(|node| match &node.op {
            Op::Conv(conv) if conv.param == layer.param => Some(conv),
            _ => None,
        });
        // The classifier has nothing to fold.
        let Some(conv) = conv else { continue };
        let (folded, len, rows) = (fold(conv, &weights), conv.weight_len() / conv.output_channels, layer.rows());
        let (mut at, mut first) = (layer.offset, 0);
        for panels in &layer.panels {
            for _ in 0..panels.count {
                for channel in first..conv.output_channels.min(first + panels.width) {
                    let column = |row: usize| packed[at + row * panels.width + channel - first];
                    assert_eq!(column(0).to_bits(), folded.bias[channel].to_bits());
                    // The order of the reduction is another one, but its values are the same.
                    let sorted = |mut values: Vec<u32>| {
                        values.sort_unstable();
                        values
                    };
                    let weights = folded.weight[channel * len..][..len].iter().map(|v| v.to_bits()).collect();
                    assert_eq!(sorted((1..=rows).map(|row| column(row).to_bits()).collect()), sorted(weights));
                }
                at += (rows + 1) * panels.width;
                first += panels.width;
            }
        }
    }
}
