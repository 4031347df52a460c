//! Passes keep the graph valid and what it computes, whichever of them run.

use std::collections::BTreeSet;

use mnas_codegen::graph::{Conv, Graph, GraphLayer, Node, Op, Residual, Tensor, TensorId};
use mnas_codegen::lower::lower;
use mnas_codegen::passes::{self, PASSES};
use mnas_codegen::reference;
use mnas_codegen::validate::validate;
use mnas_dsl::network::{Activation, Pads, Shape, Skip};

use crate::common::{every_feature, image, other_families, weights};
use crate::family::family;
use std::sync::Arc;

/// Runs both graphs and compares the output of every layer.
fn assert_same(before: &Graph, after: &Graph) {
    let weights = weights(before, 7);
    let image = image(before, 8);
    let expected = reference::run(before, &weights, &image).unwrap();
    let found = reference::run(after, &weights, &image).unwrap();
    for (a, b) in before.layers.iter().zip(&after.layers) {
        let (x, y) = (expected.get(a.output).unwrap(), found.get(b.output).unwrap());
        assert_eq!(x.len(), y.len());
        for (x, y) in x.iter().zip(y) {
            assert!((x - y).abs() <= 1e-9, "{}: {x} became {y}", a.name);
        }
    }
    for (x, y) in expected.output().iter().zip(found.output()) {
        assert!((x - y).abs() <= 1e-9, "output: {x} became {y}");
    }
}

/// Graphs with every operator, as lowering writes them.
fn unfused() -> Vec<Graph> {
    every_feature().iter().chain(&other_families()).map(lower).chain(family()).collect()
}

#[test]
fn every_choice_of_passes_keeps_values() {
    for unfused in unfused() {
        validate(&unfused).unwrap();
        for choice in 0..1usize << PASSES.len() {
            let mut graph = unfused.clone();
            for (bit, pass) in PASSES.iter().enumerate() {
                if choice >> bit & 1 == 1 {
                    passes::run(&mut graph, &[pass.name]).unwrap();
                    validate(&graph).unwrap_or_else(|error| panic!("{} after {}: {error}", unfused.name, pass.name));
                }
            }
            assert_same(&unfused, &graph);
        }
    }
}

#[test]
fn any_order_keeps_values() {
    for unfused in unfused() {
        for rotation in 0..PASSES.len() {
            for reversed in [false, true] {
                let mut names: Vec<&str> = PASSES.iter().map(|pass| pass.name).collect();
                names.rotate_left(rotation);
                if reversed {
                    names.reverse();
                }
                let mut graph = unfused.clone();
                passes::run(&mut graph, &names).unwrap();
                validate(&graph).unwrap();
                assert_same(&unfused, &graph);
            }
        }
    }
}

#[test]
fn everything_fuses() {
    for network in every_feature() {
        let mut graph = lower(&network);
        passes::run_all(&mut graph);
        for node in &graph.nodes {
            match &node.op {
                Op::Conv(conv) => assert!(conv.batch_norm.is_some(), "{}", node.name),
                Op::GlobalAveragePool => assert_eq!(node.name, "head/pool"),
                Op::AveragePool { .. } | Op::Linear { .. } | Op::SqueezeExcite { .. } => {}
                op => panic!("{} is left: {op:?}", node.name),
            }
        }
        let residuals = graph.nodes.iter().filter(|node| matches!(&node.op, Op::Conv(conv) if conv.residual.is_some()));
        let skips = network.layers.iter().filter(|layer| layer.skip != Skip::None);
        assert_eq!(residuals.count(), skips.count());
        assert!(graph.nodes.is_sorted_by_key(|node| node.layer));
    }
}

#[test]
fn sums_fuse_with_what_is_behind_them() {
    let left = |name: &str| {
        let mut graph = family().into_iter().find(|graph| graph.name == name).unwrap();
        passes::run_all(&mut graph);
        let nodes = graph.nodes.iter().map(|node| match &node.op {
            Op::Conv(conv) => format!("{} {:?} {:?}", node.name, conv.residual, conv.activation),
            _ => node.name.clone(),
        });
        nodes.collect::<Vec<_>>()
    };
    assert_eq!(
        left("resnet")[2..9],
        [
            "blocks.1.0/shortcut None Linear",
            "blocks.1.0/reduce None Relu",
            "blocks.1.0/conv None Relu",
            "blocks.1.0/expand BeforeActivation Relu",
            "blocks.1.1/reduce None Relu",
            "blocks.1.1/conv None Relu",
            "blocks.1.1/expand BeforeActivation Relu",
        ]
    );
    // What is added to the pooled body is the shortcut, which is then the last of the block.
    assert_eq!(
        left("mini_xception_se")[2..9],
        [
            "blocks.1.0/depthwise0 None Linear",
            "blocks.1.0/pointwise0 None Relu",
            "blocks.1.0/depthwise1 None Linear",
            "blocks.1.0/pointwise1 None Linear",
            "blocks.1.0/se",
            "blocks.1.0/max_pool",
            "blocks.1.0/shortcut Last Linear",
        ]
    );
}

#[test]
fn fused_names_and_tensors_are_compact() {
    let mut graph = lower(&every_feature()[0]);
    passes::run_all(&mut graph);
    let names: Vec<&str> = graph.nodes.iter().map(|node| node.name.as_str()).collect();
    let expected = [
        "stem/conv",
        "blocks.0.0/depthwise",
        "blocks.0.0/project",
        "blocks.1.0/expand",
        "blocks.1.0/depthwise",
        "blocks.1.0/se",
        "blocks.1.0/project",
        "blocks.2.0/expand",
        "blocks.2.0/depthwise",
        "blocks.2.0/se",
        "blocks.2.0/project",
        "blocks.3.0/skip/pool",
        "blocks.3.0/expand",
        "blocks.3.0/depthwise",
        "blocks.3.0/project",
        "blocks.4.0/skip/pool",
        "blocks.4.0/expand",
        "blocks.4.0/depthwise",
        "blocks.4.0/project",
        "head/conv",
        "head/pool",
        "classifier",
    ];
    assert_eq!(names, expected);
    assert_eq!(graph.input, TensorId(0));
    for (index, node) in graph.nodes.iter().enumerate() {
        assert_eq!(node.output, TensorId(index + 1));
        assert_eq!(graph.tensor(node.output).name, node.name);
    }
    assert_eq!(graph.tensors.len(), graph.nodes.len() + 1);
}

#[test]
fn running_twice_changes_nothing() {
    for network in every_feature() {
        let mut once = lower(&network);
        passes::run_all(&mut once);
        let mut twice = once.clone();
        passes::run_all(&mut twice);
        assert_eq!(once, twice);
    }
}

/// `stem/conv`, `stem/conv/bn` with a second reader of the tensor `shared` between nodes.
fn with_second_reader(suffix: &str) -> Graph {
    let mut graph = lower(&every_feature()[0]);
    let shared = graph.nodes.iter().find(|node| node.name == suffix).unwrap().output;
    // The output of a layer of its own counts as a use, as a second consumer would.
    graph.layers.push(GraphLayer { name: "probe".to_owned(), source: String::new(), output: shared });
    graph
}

#[test]
fn values_with_another_use_are_kept() {
    for (shared, stays) in [
        ("stem/conv", "stem/conv/bn"),
        ("stem/conv/bn", "stem/conv/relu"),
        ("blocks.0.0/project/bn", "blocks.0.0/add"),
        ("blocks.1.0/se/pool", "blocks.1.0/se/multiply"),
        ("blocks.1.0/se/expand/sigmoid", "blocks.1.0/se/multiply"),
    ] {
        let before = with_second_reader(shared);
        let mut after = before.clone();
        passes::run_all(&mut after);
        validate(&after).unwrap();
        assert!(after.nodes.iter().any(|node| node.name == stays), "{stays} vanished");
        assert_same(&before, &after);
    }
}

/// Name, operator, operands: 0 is the input, i the result of the i-th node.
type TinyNode<'a> = (&'a str, Op, &'a [usize]);

/// A graph of one layer over 1x2x1 tensors.
fn tiny(nodes: &[TinyNode<'_>]) -> Graph {
    let shape = Shape { height: 1, width: 2, channels: 1 };
    let tensor = |name: &str| Tensor { name: name.to_owned(), shape };
    let output = TensorId(nodes.len());
    Graph {
        name: "tiny".to_owned(),
        tensors: [tensor("input")].into_iter().chain(nodes.iter().map(|(name, ..)| tensor(name))).collect(),
        nodes: nodes
            .iter()
            .enumerate()
            .map(|(index, (name, op, inputs))| Node {
                name: (*name).to_owned(),
                layer: 0,
                op: op.clone(),
                inputs: inputs.iter().map(|&input| TensorId(input)).collect(),
                output: TensorId(index + 1),
            })
            .collect(),
        input: TensorId(0),
        output,
        layers: vec![GraphLayer { name: "stem".to_owned(), source: String::new(), output }],
    }
}

fn tiny_conv(param: &str) -> Op {
    Op::Conv(Arc::new(Conv {
        param: param.to_owned(),
        input_channels: 1,
        output_channels: 1,
        kernel_size: 1,
        stride: 1,
        pads: Pads { top: 0, left: 0, bottom: 0, right: 0 },
        depthwise: false,
        bias: true,
        batch_norm: None,
        activation: Activation::Linear,
        residual: Residual::None,
    }))
}

/// Operators in an order that lowering never writes: what may not fuse has to stay.
#[test]
fn order_within_a_conv_is_respected() {
    let norm = |param: &str| Op::BatchNorm { param: param.to_owned(), eps: 1e-3 };
    let relu = || Op::Activation(Activation::Relu);
    let sigmoid = || Op::Activation(Activation::Sigmoid);
    let cases: [(&[TinyNode<'_>], &[&str]); 9] = [
        (&[("c", tiny_conv("c"), &[0]), ("a", relu(), &[1]), ("n", norm("n"), &[2])], &["c", "n"]),
        (&[("c", tiny_conv("c"), &[0]), ("n", norm("n"), &[1]), ("m", norm("m"), &[2])], &["c", "m"]),
        (&[("c", tiny_conv("c"), &[0]), ("a", relu(), &[1]), ("b", sigmoid(), &[2])], &["c", "b"]),
        (&[("c", tiny_conv("c"), &[0]), ("s", Op::Add, &[1, 0]), ("n", norm("n"), &[2])], &["c", "n"]),
        // One activation behind the sum is the convolution's, unless it has one before it.
        (
            &[("c", tiny_conv("c"), &[0]), ("s", Op::Add, &[1, 0]), ("a", relu(), &[2]), ("b", sigmoid(), &[3])],
            &["c", "b"],
        ),
        (
            &[("c", tiny_conv("c"), &[0]), ("a", relu(), &[1]), ("s", Op::Add, &[2, 0]), ("b", sigmoid(), &[3])],
            &["c", "b"],
        ),
        (
            &[("c", tiny_conv("c"), &[0]), ("s", Op::Add, &[1, 0]), ("a", relu(), &[2]), ("t", Op::Add, &[3, 0])],
            &["c", "t"],
        ),
        // Both operands are the convolution's result.
        (&[("c", tiny_conv("c"), &[0]), ("s", Op::Add, &[1, 1])], &["c", "s"]),
        // The body is the second operand, and the first is made after it.
        (&[("c", tiny_conv("c"), &[0]), ("a", relu(), &[0]), ("s", Op::Add, &[2, 1])], &["a", "c"]),
    ];
    for (nodes, left) in cases {
        let before = tiny(nodes);
        validate(&before).unwrap();
        let mut after = before.clone();
        passes::run_all(&mut after);
        validate(&after).unwrap();
        let names: Vec<&str> = after.nodes.iter().map(|node| node.name.as_str()).collect();
        assert_eq!(names, left);
        assert_same(&before, &after);
        // Again from the fused state, in which convolutions hold residuals and activations.
        passes::run_all(&mut after);
        assert_same(&before, &after);
    }
}

#[test]
fn a_conv_takes_one_residual() {
    let nodes: [(&str, Op, &[usize]); 4] =
        [("c", tiny_conv("c"), &[0]), ("d", tiny_conv("d"), &[0]), ("s", Op::Add, &[1, 2]), ("t", Op::Add, &[3, 0])];
    let before = tiny(&nodes);
    let mut after = before.clone();
    passes::run_all(&mut after);
    validate(&after).unwrap();
    let names: Vec<&str> = after.nodes.iter().map(|node| node.name.as_str()).collect();
    assert_eq!(names, ["d", "c", "t"]);
    assert_same(&before, &after);
}

#[test]
fn a_gate_that_is_not_squeeze_excite_stays() {
    let graph = lower(&every_feature()[0]);
    let position = |graph: &Graph, name: &str| graph.nodes.iter().position(|node| node.name == name).unwrap();
    let keeps_multiply = |mut graph: Graph| {
        validate(&graph).unwrap();
        let before = graph.clone();
        passes::run_all(&mut graph);
        assert_same(&before, &graph);
        graph.nodes.iter().any(|node| node.name == "blocks.1.0/se/multiply")
    };
    assert!(!keeps_multiply(graph.clone()), "the control fuses");

    // The means of another tensor of the same shape.
    let mut other_means = graph.clone();
    let (pool, relu) = (position(&graph, "blocks.1.0/se/pool"), position(&graph, "blocks.1.0/depthwise/relu"));
    other_means.nodes[pool].inputs[0] = other_means.nodes[relu].inputs[0];
    assert!(keeps_multiply(other_means));

    // A gate to which another vector is added.
    let mut residual = graph.clone();
    let gate = position(&graph, "blocks.1.0/se/expand/sigmoid");
    let [made, layer] = [residual.nodes[gate].output.0, residual.nodes[gate].layer];
    let shape = residual.shape(TensorId(made));
    let [means, sum] = [0, 1].map(|offset| TensorId(residual.tensors.len() + offset));
    for (index, (name, op, inputs, output)) in [
        ("blocks.1.0/means", Op::GlobalAveragePool, vec![residual.nodes[gate + 1].inputs[0]], means),
        ("blocks.1.0/sum", Op::Add, vec![TensorId(made), means], sum),
    ]
    .into_iter()
    .enumerate()
    {
        residual.tensors.push(Tensor { name: name.to_owned(), shape });
        residual.nodes.insert(gate + 1 + index, Node { name: name.to_owned(), layer, op, inputs, output });
    }
    node_at(&mut residual, "blocks.1.0/se/multiply").inputs[1] = sum;
    assert!(keeps_multiply(residual));
}

#[test]
fn dead_nodes_go() {
    let mut graph = lower(&every_feature()[0]);
    let whole = graph.clone();
    let output = TensorId(graph.tensors.len());
    let shape = graph.shape(graph.input);
    graph.tensors.push(Tensor { name: "stem/dead".to_owned(), shape });
    let inputs = vec![graph.input];
    let op = Op::Activation(Activation::Relu);
    graph.nodes.insert(0, Node { name: "stem/dead".to_owned(), layer: 0, op, inputs, output });
    passes::run(&mut graph, &["remove_dead"]).unwrap();
    assert_eq!(graph, whole);
}

#[test]
fn pass_names_are_unique_and_unknown_ones_are_errors() {
    let names: BTreeSet<&str> = PASSES.iter().map(|pass| pass.name).collect();
    assert_eq!(names.len(), PASSES.len());
    let mut graph = lower(&every_feature()[0]);
    let before = graph.clone();
    let error = passes::run(&mut graph, &["fuse_activation", "fuse_relu"]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no pass is called `fuse_relu`; there are fold_batch_norm, fuse_activation, fuse_residual, \
         fuse_residual_activation, fuse_squeeze_excite, remove_dead"
    );
    assert_eq!(graph, before);
}

#[test]
fn validate_sees_what_is_wrong() {
    let graph = lower(&every_feature()[0]);
    let broken = |change: fn(&mut Graph)| {
        let mut graph = graph.clone();
        change(&mut graph);
        validate(&graph).unwrap_err().to_string()
    };
    let message = broken(|graph| graph.nodes.swap(0, 1));
    assert_eq!(message, "stem/conv/bn: operand %1 is not made before");
    let message = broken(|graph| graph.nodes[1].output = graph.nodes[0].output);
    assert_eq!(message, "stem/conv/bn: result %1 is made twice");
    let message = broken(|graph| graph.tensors[1].shape = Shape { height: 1, width: 1, channels: 8 });
    assert!(message.starts_with("stem/conv: result has shape"), "{message}");
    let message = broken(|graph| graph.nodes[0].name.push('x'));
    assert_eq!(message, "stem/convx: its result is called stem/conv");
    let message = broken(|graph| graph.nodes[0].inputs.push(TensorId(0)));
    assert_eq!(message, "stem/conv: takes 1 operands, not 2");
    let message = broken(|graph| graph.nodes[0].layer = 99);
    assert_eq!(message, "stem/conv: there is no layer 99");
    let message = broken(|graph| conv_at(graph, "stem/conv").input_channels = 4);
    assert_eq!(message, "stem/conv: takes 4 channels, not 3");
    let message = broken(|graph| conv_at(graph, "blocks.0.0/depthwise").output_channels = 9);
    assert_eq!(message, "blocks.0.0/depthwise: a depthwise convolution keeps its channels");
    let message = broken(|graph| node_at(graph, "blocks.0.0/add").inputs[1] = TensorId(0));
    assert!(message.starts_with("blocks.0.0/add: adds Shape"), "{message}");
    let message = broken(|graph| {
        let multiply = node_at(graph, "blocks.1.0/se/multiply");
        multiply.inputs[1] = multiply.inputs[0];
    });
    assert!(message.starts_with("blocks.1.0/se/multiply: gate has shape"), "{message}");
    let message = broken(|graph| {
        passes::run_all(graph);
        node_at(graph, "blocks.0.0/project").inputs[1] = TensorId(0);
    });
    assert!(message.starts_with("blocks.0.0/project: residual has shape"), "{message}");
    let message = broken(|graph| {
        let Op::AveragePool { kernel_size, stride, pads } = node_at(graph, "blocks.3.0/skip/pool").op else {
            panic!("a shortcut pools");
        };
        let pads = Pads { left: kernel_size, ..pads };
        node_at(graph, "blocks.3.0/skip/pool").op = Op::MaxPool { kernel_size, stride, pads };
    });
    assert_eq!(message, "blocks.3.0/skip/pool: a window may lie in the padding alone");
    let message = broken(|graph| node_at(graph, "classifier").inputs[0] = TensorId(0));
    assert!(message.starts_with("classifier: operand Shape"), "{message}");
    let message = broken(|graph| graph.output = TensorId(9999));
    assert_eq!(message, "output: no node makes the network's output");
    let message = broken(|graph| {
        graph.nodes.pop();
    });
    assert_eq!(message, "classifier: no node makes the layer's output");
}

fn node_at<'g>(graph: &'g mut Graph, name: &str) -> &'g mut Node {
    graph.nodes.iter_mut().find(|node| node.name == name).unwrap()
}

fn conv_at<'g>(graph: &'g mut Graph, name: &str) -> &'g mut Conv {
    match &mut node_at(graph, name).op {
        Op::Conv(conv) => Arc::make_mut(conv),
        op => panic!("{name} is {op:?}"),
    }
}
