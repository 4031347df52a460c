//! Lowering writes each operator apart, under its name.

use mnas_codegen::graph::{Graph, Op};
use mnas_codegen::lower::lower;
use mnas_codegen::validate::validate;
use mnas_dsl::network::Skip;

use crate::common::{every_feature, other_families};

fn names(graph: &Graph) -> Vec<&str> {
    graph.nodes.iter().map(|node| node.name.as_str()).collect()
}

#[test]
fn node_names_are_the_documented_ones() {
    let graph = lower(&every_feature()[0]);
    let first = [
        "stem/conv",
        "stem/conv/bn",
        "stem/conv/relu",
        "blocks.0.0/depthwise",
        "blocks.0.0/depthwise/bn",
        "blocks.0.0/depthwise/relu",
        "blocks.0.0/project",
        "blocks.0.0/project/bn",
        "blocks.0.0/add",
        "blocks.1.0/expand",
        "blocks.1.0/expand/bn",
        "blocks.1.0/expand/relu",
        "blocks.1.0/depthwise",
        "blocks.1.0/depthwise/bn",
        "blocks.1.0/depthwise/relu",
        "blocks.1.0/se/pool",
        "blocks.1.0/se/reduce",
        "blocks.1.0/se/reduce/relu",
        "blocks.1.0/se/expand",
        "blocks.1.0/se/expand/sigmoid",
        "blocks.1.0/se/multiply",
        "blocks.1.0/project",
        "blocks.1.0/project/bn",
    ];
    assert_eq!(names(&graph)[..first.len()], first);
    let last = ["head/conv", "head/conv/bn", "head/conv/relu", "head/pool", "classifier"];
    assert!(names(&graph).ends_with(&last));
    assert!(names(&graph).contains(&"blocks.3.0/skip/pool"));
}

#[test]
fn parameters_have_the_documented_names() {
    let graph = lower(&every_feature()[0]);
    let mut params = Vec::new();
    for node in &graph.nodes {
        match &node.op {
            Op::Conv(conv) => params.push(conv.param.as_str()),
            Op::BatchNorm { param, .. } | Op::Linear { param } => params.push(param),
            _ => {}
        }
    }
    for expected in [
        "stem.conv",
        "stem.conv.bn",
        "blocks.0.0.depthwise",
        "blocks.1.0.expand.bn",
        "blocks.1.0.se.reduce",
        "blocks.1.0.se.expand",
        "blocks.1.0.project",
        "head.conv",
        "head.conv.bn",
        "classifier",
    ] {
        assert!(params.contains(&expected), "{expected} is not among {params:?}");
    }
}

#[test]
fn shapes_are_the_networks() {
    for network in every_feature().into_iter().chain(other_families()) {
        let graph = lower(&network);
        validate(&graph).unwrap();
        for (layer, lowered) in network.layers.iter().zip(&graph.layers) {
            assert_eq!(layer.name, lowered.name);
            assert_eq!(layer.source, lowered.source);
            assert_eq!(layer.output, graph.shape(lowered.output), "{}", layer.name);
        }
        let last = graph.layers.last().unwrap();
        assert_eq!(graph.output, last.output);
        assert_eq!(last.name == "classifier", network.head.is_some());
    }
}

#[test]
fn layers_are_contiguous_and_shortcuts_come_first() {
    for network in every_feature() {
        let graph = lower(&network);
        assert!(graph.nodes.is_sorted_by_key(|node| node.layer));
        for (index, layer) in network.layers.iter().enumerate() {
            let (_, first) = graph.layer_nodes(index).next().unwrap();
            assert_eq!(matches!(first.op, Op::AveragePool { .. }), layer.skip == Skip::Pool);
            let (_, last) = graph.layer_nodes(index).last().unwrap();
            assert_eq!(last.op == Op::Add, layer.skip != Skip::None);
        }
    }
}
