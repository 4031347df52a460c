//! What mnas itself exports comes back: the same layers, and weights that are the same to the bit.

use super::{import, specs};
use mnas_codegen::fold::fold;
use mnas_codegen::graph::{Graph, Op};
use mnas_codegen::lower::lower;
use mnas_codegen::onnx::{Metadata, export};
use mnas_codegen::passes;
use mnas_codegen::weights::{Weights, random};
use mnas_dsl::network::{Layer, Network};

/// Every shipped spec, for small images.
fn networks() -> Vec<Network> {
    let mut paths: Vec<_> = std::fs::read_dir(specs()).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let mut networks = Vec::new();
    for path in paths.iter().filter(|path| path.extension().is_some_and(|it| it == "yaml")) {
        let text = std::fs::read_to_string(path).unwrap();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let text = text.replace("input: 224x224x3", "input: 64x64x3");
        networks.push(mnas_dsl::load_yaml(&text, name).unwrap().1);
    }
    assert!(networks.len() >= 16, "{}", networks.len());
    networks
}

fn exported(network: &Network, graph: &Graph, weights: &Weights) -> Vec<u8> {
    let metadata = Metadata { mnas_version: "1".to_owned(), spec_hash: "2".to_owned() };
    export(graph, network, weights, &metadata).unwrap()
}

/// A layer but for its name and its line in the spec, which depend on how layers were grouped.
fn without_words(layer: &Layer) -> Layer {
    Layer { name: String::new(), source: String::new(), ..layer.clone() }
}

fn assert_same_network(found: &Network, expected: &Network) {
    let layers = |network: &Network| network.layers.iter().map(without_words).collect::<Vec<_>>();
    assert_eq!(layers(found), layers(expected), "{}", expected.name);
    assert_eq!(found.head, expected.head);
    assert_eq!(found.input, expected.input);
    assert_eq!(found.preprocess, expected.preprocess, "{}", expected.name);
    assert_eq!(found.labels, expected.labels);
}

#[test]
fn unfolded_exports_come_back() {
    for network in networks() {
        let graph = lower(&network);
        let weights = random(&network, 1);
        let imported =
            import(&exported(&network, &graph, &weights)).unwrap_or_else(|e| panic!("{}: {e}", network.name));
        assert_same_network(&imported.network, &network);
        assert_eq!(imported.network.batch_norm_eps, network.batch_norm_eps);
        // In the network's order, for blocks may be counted otherwise.
        let in_order = |network: &Network, weights: &Weights| {
            let parameters = mnas_codegen::weights::parameters(network);
            assert_eq!(parameters.len(), weights.len());
            parameters.iter().map(|parameter| weights[&parameter.name].clone()).collect::<Vec<_>>()
        };
        assert!(in_order(&imported.network, &imported.weights) == in_order(&network, &weights), "{}", network.name);
    }
}

#[test]
fn folded_exports_come_back_to_the_bit() {
    for network in networks() {
        let weights = random(&network, 2);
        let graph = fused(&network);
        let imported =
            import(&exported(&network, &graph, &weights)).unwrap_or_else(|e| panic!("{}: {e}", network.name));
        assert_same_network(&imported.network, &network);
        let again = fused(&imported.network);
        let mut convolutions = 0;
        for (a, b) in graph.nodes.iter().zip(&again.nodes) {
            for (a, b) in conv(&a.op).into_iter().zip(conv(&b.op)) {
                let (before, after) = (fold(a, &weights), fold(b, &imported.weights));
                assert!(before == after, "{} {}", network.name, a.param);
                convolutions += 1;
            }
        }
        assert_eq!(graph.nodes.len(), again.nodes.len(), "{}", network.name);
        assert!(convolutions > 20, "{}", network.name);
    }
}

fn fused(network: &Network) -> Graph {
    let mut graph = lower(network);
    passes::run_all(&mut graph);
    graph
}

fn conv(op: &Op) -> Vec<&mnas_codegen::graph::Conv> {
    match op {
        Op::Conv(conv) => vec![conv],
        Op::SqueezeExcite { reduce, expand } => vec![reduce, expand],
        _ => vec![],
    }
}
