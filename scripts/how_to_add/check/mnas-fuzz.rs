//! What was added: the kind equals the reference, the pass removes a node, the format is read.

use mnas_codegen::graph::{Graph, Node, Op, Tensor, TensorId};
use mnas_codegen::{lower, passes, weights};
use mnas_dsl::chain::Unit;
use mnas_fuzz::check::{Builds, Settings, check};
use mnas_fuzz::{Case, draw};

const SPEC: &str = "
name: added
input: 9x8x3
stem: {op: conv, kernel: 3, stride: 2, filters: 8}
blocks:
  - {op: widen, kernel: 3, stride: 2, filters: 12, layers: 2, activation: relu6}
head: {classes: 5}
";

#[test]
fn an_added_kind_equals_the_reference() {
    let case = Case::from_yaml(SPEC, "added.yaml", None, 1).unwrap();
    // Weights and the two values of each batch norm, by hand: stem, two layers, classifier.
    let (stem, first, second) = (3 * 9 * 8 + 16, 8 * 24 + 48 + 24 * 9 * 12 + 24, 12 * 24 + 48 + 24 * 9 * 12 + 24);
    assert_eq!(case.network.parameters(), stem + first + second + 12 * 5 + 5);
    let chain = case.network.layers[2].chain();
    assert!(matches!(&chain.units[..], [Unit::Conv(_), Unit::Conv(last)] if last.filters == 12));
    let names: Vec<String> = weights::parameters(&case.network).into_iter().map(|it| it.name).collect();
    assert!(names.contains(&"blocks.0.1.widen.bn.running_var".to_owned()), "{names:?}");

    let settings = Settings { builds: Builds::Plain, ..Settings::default() };
    let failures = check(&[case], &settings, &|_, _| {}).unwrap();
    assert!(failures.is_empty(), "{}", failures[0].finding);
}

#[test]
fn random_specs_have_an_added_kind() {
    let has = |case: &Case| case.spec.blocks.iter().any(|block| block.kind.op() == "widen");
    assert!(draw::cases(0, 8).iter().any(has));
}

#[test]
fn an_unknown_kind_is_refused() {
    let error = Case::from_yaml(&SPEC.replace("widen", "widend"), "added.yaml", None, 1).unwrap_err();
    assert!(error.to_string().contains("did you mean `widen`?"), "{error}");
}

#[test]
fn an_added_pass_removes_a_node() {
    let (_, network) = mnas_dsl::load_yaml(SPEC, "added.yaml").unwrap();
    let mut graph = lower::lower(&network);
    let index = graph.nodes.iter().position(|node| matches!(node.op, Op::Activation(_))).unwrap();
    // A second ReLU after the stem's.
    let once = graph.nodes[index].output;
    let twice = TensorId(graph.tensors.len());
    graph.tensors.push(Tensor { name: "twice".to_owned(), ..graph.tensors[once.0].clone() });
    let operands = graph.nodes.iter_mut().flat_map(|node| &mut node.inputs);
    let outputs = graph.layers.iter_mut().map(|layer| &mut layer.output);
    operands.chain(outputs).filter(|used| **used == once).for_each(|used| *used = twice);
    let second = Node { name: "twice".to_owned(), inputs: vec![once], output: twice, ..graph.nodes[index].clone() };
    graph.nodes.insert(index + 1, second);
    let relus = |graph: &Graph| {
        graph.nodes.iter().filter(|node| matches!(node.op, Op::Activation(_)) && node.layer == 0).count()
    };
    let mut without = graph.clone();
    passes::run(&mut without, &["fold_batch_norm", "fuse_activation"]).unwrap();
    assert_eq!(relus(&without), 1);
    passes::run(&mut graph, &["fold_batch_norm", "fuse_activation", "drop_repeated_relu"]).unwrap();
    assert_eq!(relus(&graph), 0);
}

#[test]
fn an_added_format_is_read() {
    let (_, network) = mnas_dsl::load_yaml(SPEC, "added.yaml").unwrap();
    let expected = weights::random(&network, 1);
    let mut file = "mnas lines\n".to_owned();
    for (name, tensor) in &expected {
        let shape: Vec<String> = tensor.shape.iter().map(usize::to_string).collect();
        let values: Vec<String> = tensor.data.iter().map(f32::to_string).collect();
        file += &format!("{name} {} {}\n", shape.join("x"), values.join(" "));
    }
    assert_eq!(weights::load(file.as_bytes(), "added.lines", &network), Ok(expected));
    assert_eq!(weights::inventory(file.as_bytes()).map(|it| it.format), Ok("lines"));
    // One value less.
    let cut = file.trim_end().rsplit_once(' ').unwrap().0;
    let error = weights::load(cut.as_bytes(), "added.lines", &network).unwrap_err().to_string();
    assert!(error.contains("as many values as the shape has"), "{error}");
}
