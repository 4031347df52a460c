//! What no spec can say is named: node, operator, what was found, what was expected; all of it at once.

use super::import;
use super::proto::{Small, floats, int, ints, node, text};

/// The problems of a network with these nodes exchanged.
fn problems(exchanged: &[(usize, super::proto::Message)]) -> String {
    let mut small = Small::new();
    for (index, node) in exchanged {
        small.nodes[*index] = node.clone();
    }
    import(&small.bytes()).map(|imported| imported.spec.to_yaml()).unwrap_err().to_string()
}

#[track_caller]
fn assert_says(said: &str, words: &[&str]) {
    for words in words {
        assert!(said.contains(words), "not said: {words}\n{said}");
    }
}

#[test]
fn the_control_is_recognised() {
    let imported = import(&Small::new().bytes()).unwrap();
    assert_eq!(
        imported.spec.to_yaml(),
        "name: net\ninput: 16x16x3\nstem: {op: conv, kernel: 3, filters: 8}\nblocks:\n  \
         - {op: sepconv, kernel: 3, filters: 16}\nhead: {classes: 4}\n"
    );
    assert_eq!(imported.weights["classifier.weight"].data, [0.4; 64]);
    assert_eq!(imported.weights["classifier.bias"].data, [0.0; 4]);
}

#[test]
fn every_strange_node_is_named_at_once() {
    let said = problems(&[
        (1, node("LeakyRelu", &["a"], "b", &[])),
        (3, node("Elu", &["c"], "d", &[])),
        (7, node("Gemm", &["g", "classifier"], "y", &[])),
    ]);
    assert_says(
        &said,
        &[
            "3 problems",
            "node 2 of 8, LeakyRelu `the b` that makes `b`: a spec cannot have this operator; known are Conv,",
            "node 4 of 8, Elu `the d`",
            "node 8 of 8, Gemm `the y`",
            "its weight has the shape [4, 16]; 16 channels come in",
        ],
    );
}

/// The network with a batch norm behind its stem, with these attributes and further results.
fn with_batch_norm(attributes: &[super::proto::Message], further: &[&str]) -> Result<String, String> {
    let mut small = Small::new();
    for name in ["gamma", "beta", "mean", "var"] {
        small.constants.push(floats(name, &[8], &[1.0; 8]));
    }
    let norm = node("BatchNormalization", &["a0", "gamma", "beta", "mean", "var"], "a", attributes);
    let norm = further.iter().fold(norm, |norm, name| norm.text(2, name));
    small.nodes[0] = node("Conv", &["x", "stem"], "a0", &[ints("pads", &[1, 1, 1, 1])]);
    small.nodes.insert(1, norm);
    import(&small.bytes()).map(|imported| imported.spec.to_yaml()).map_err(|error| error.to_string())
}

#[test]
fn a_batch_norm_in_training_is_refused() {
    for attributes in [vec![], vec![int("training_mode", 0)], vec![int("spatial", 1)]] {
        with_batch_norm(&attributes, &[]).unwrap();
        with_batch_norm(&attributes, &["", ""]).unwrap();
    }
    let said = with_batch_norm(&[int("training_mode", 1)], &["new_mean", "new_var"]).unwrap_err();
    assert_says(&said, &["statistics of the batch", "in training", "`model.eval()`"]);
    let said = with_batch_norm(&[int("training_mode", 1)], &[]).unwrap_err();
    assert_says(&said, &["node 2 of 9, BatchNormalization", "it is in training, and normalises by the batch"]);
    // Before operator set 14 further results say so.
    let said = with_batch_norm(&[], &["new_mean", "new_var", "saved_mean", "saved_var"]).unwrap_err();
    assert_says(&said, &["statistics of the batch, as one in training does"]);
    assert_says(&with_batch_norm(&[int("spatial", 0)], &[]).unwrap_err(), &["its `spatial` is 0; 1"]);
}

#[test]
fn an_attribute_that_would_be_read_past_is_refused() {
    let said = problems(&[(1, node("Relu", &["a"], "b", &[int("threshold", 1)]))]);
    assert_says(&said, &["node 2 of 8, Relu", "it has the attribute `threshold`; none"]);
    let pool = |attributes: &[super::proto::Message]| {
        let mut small = Small::new();
        let all = [vec![ints("kernel_shape", &[16, 16])], attributes.to_vec()].concat();
        small.nodes[5] = node("AveragePool", &["e"], "f", &all);
        import(&small.bytes()).map(|imported| imported.spec.to_yaml()).map_err(|error| error.to_string())
    };
    pool(&[]).unwrap();
    pool(&[text("auto_pad", "VALID"), ints("dilations", &[1, 1])]).unwrap();
    // A window as large as the map, and as many pixels out as in.
    pool(&[text("auto_pad", "SAME_UPPER")]).unwrap_err();
    assert_says(&pool(&[ints("dilations", &[2, 2])]).unwrap_err(), &["it is dilated"]);
    assert_says(&pool(&[int("axis", 1)]).unwrap_err(), &["it has the attribute `axis`; auto_pad, ceil_mode"]);
}

#[test]
fn windows_that_the_language_lacks_are_refused() {
    let conv = |attributes: &[super::proto::Message]| node("Conv", &["b", "depthwise"], "c", attributes);
    let group = || int("group", 8);
    for (attributes, words) in [
        (vec![group(), ints("dilations", &[2, 2])], "it is dilated"),
        (vec![group(), ints("strides", &[3, 3])], "its strides are [3, 3]; strides are 1 or 2"),
        (vec![group(), ints("strides", &[1, 2])], "its strides are [1, 2]"),
        (vec![int("group", 4)], "4 groups from 8 to 8 channels"),
        (vec![group(), ints("kernel_shape", &[5, 5])], "its kernel_shape is [5, 5]; that of its weight"),
        (
            vec![group(), ints("pads", &[0, 0, 2, 2])],
            "pads [0, 0, 2, 2] of a 3x3 kernel with stride 1; `padding: same`",
        ),
        (vec![group(), ints("pads", &[u64::MAX, 0, 0, 0])], "its pads are [-1, 0, 0, 0]"),
        (vec![group(), ints("pads", &[1 << 40, 0, 0, 0])], "pads are not negative and less than a kernel"),
        (vec![group(), ints("group", &[8])], "its attribute `group` is not a whole number"),
    ] {
        let attributes: Vec<_> = attributes.into_iter().rev().collect();
        assert_says(&problems(&[(2, conv(&attributes))]), &["node 3 of 8, Conv `the c`", words]);
    }
    let mut small = Small::new();
    small.constants[1] = floats("depthwise", &[8, 1, 3, 5], &[0.0; 120]);
    let said = import(&small.bytes()).map(|_| ()).unwrap_err().to_string();
    assert_says(&said, &["its kernel is 3 x 5; kernels are square"]);
}

#[test]
fn structures_that_are_no_block_are_named() {
    // A second reader of the input of a block, a shortcut from elsewhere, a pool that is missing.
    let said = problems(&[(5, node("Add", &["e", "e"], "p", &[])), (6, node("GlobalAveragePool", &["p"], "g", &[]))]);
    assert_says(&said, &["node 6 of 8, Add `the p`", "it is the first operator of a block"]);
    let said = problems(&[(5, node("Add", &["e", "b"], "p", &[])), (6, node("GlobalAveragePool", &["p"], "g", &[]))]);
    assert_says(&said, &["node 6 of 8, Add `the p`", "it combines maps of 16x16x16 and 16x16x8"]);
    let said = problems(&[(5, node("Identity", &["e"], "f", &[]))]);
    assert_says(&said, &["node 7 of 8, Flatten `the g`", "it takes 16 x 16 pixels as one vector"]);
    let said = problems(&[(4, node("Conv", &["d", "pointwise"], "e", &[ints("strides", &[2, 2])]))]);
    assert_says(&said, &["node 3 of 8, Conv `the c`", "a depthwise convolution, but node 5 of 8, Conv `the e`"]);
    // The classifier's logits come out as they are; a separable convolution may have any activation at its end.
    let mut small = Small::new();
    small.nodes[5] = node("Sigmoid", &["e"], "p", &[]);
    small.nodes[6] = node("GlobalAveragePool", &["p"], "g", &[]);
    let yaml = import(&small.bytes()).unwrap().spec.to_yaml();
    assert_says(&yaml, &["filters: 16, pointwise_activation: sigmoid"]);
    small.nodes[7] = node("Gemm", &["g", "classifier"], "l", &[int("transB", 1)]);
    small.nodes.push(node("Sigmoid", &["l"], "y", &[]));
    let said = import(&small.bytes()).map(|_| ()).unwrap_err().to_string();
    assert_says(&said, &["node 9 of 9, Sigmoid `the y`", "a classifier with a batch norm or an activation (sigmoid)"]);
}

#[test]
fn axes_in_another_order_are_named() {
    let transpose = |perm: &[u64]| node("Transpose", &["a"], "b", &[ints("perm", perm)]);
    let said = problems(&[(1, transpose(&[0, 1, 3, 2]))]);
    assert_says(&said, &["node 2 of 8, Transpose `the b`", "it orders axes as [0, 1, 3, 2]; channels are moved"]);
    let said = problems(&[(1, transpose(&[0, 2, 3, 1]))]);
    assert_says(
        &said,
        &["node 3 of 8, Conv `the c`", "its operand has the channels as its last axis; operators with a window"],
    );
    let said = problems(&[(1, transpose(&[0, 3, 1, 2]))]);
    assert_says(&said, &["it orders axes as [0, 3, 1, 2]"]);
    // There and back is no layer.
    let mut small = Small::new();
    small.nodes[1] = node("Transpose", &["a"], "last", &[ints("perm", &[0, 2, 3, 1])]);
    small.nodes.insert(2, node("Relu", &["last"], "active", &[]));
    small.nodes.insert(3, node("Transpose", &["active"], "b", &[ints("perm", &[0, 3, 1, 2])]));
    let control = import(&Small::new().bytes()).unwrap();
    assert_eq!(import(&small.bytes()).unwrap().spec.to_yaml(), control.spec.to_yaml());
}

#[test]
fn pools_and_ends_that_no_spec_has_are_named() {
    let pool = |from, attributes: &[super::proto::Message]| node("MaxPool", &[from], "b", attributes);
    let attributes = [ints("kernel_shape", &[3, 3]), ints("pads", &[0, 0, 2, 2])];
    assert_says(
        &problems(&[(1, pool("a", &attributes))]),
        &["node 2 of 8, MaxPool `the b`", "pads [0, 0, 2, 2] of a 3x3 kernel with stride 1"],
    );
    assert_says(&problems(&[(1, pool("a", &[ints("kernel_shape", &[2, 2])]))]), &["its kernel is 2 x 2"]);
    let mut small = Small::new();
    small.nodes[7] = node("Gemm", &["g", "classifier"], "l", &[int("transB", 1)]);
    small.nodes.push(node("Sigmoid", &["l"], "y", &[]));
    assert!(import(&small.bytes()).is_err());
}

#[test]
fn activations_are_known_in_pieces() {
    let with = |nodes: &[super::proto::Message]| {
        let mut small = Small::new();
        for (name, value) in [("zero", 0.0), ("six", 6.0), ("one", 1.0), ("many", f32::MAX), ("three", 3.0)] {
            small.constants.push(floats(name, &[], &[value]));
        }
        small.nodes.splice(1..2, nodes.iter().cloned());
        import(&small.bytes()).map(|imported| imported.spec.to_yaml()).map_err(|error| error.to_string())
    };
    let relu = with(&[node("Relu", &["a"], "b", &[])]).unwrap();
    let relu6 = with(&[node("Clip", &["a", "zero", "six"], "b", &[])]).unwrap();
    assert!(relu6.contains("relu6") && !relu.contains("relu6"), "{relu6}\n{relu}");
    for nodes in [
        vec![node("Relu", &["a"], "r", &[]), node("Clip", &["r", "zero", "six"], "b", &[])],
        vec![node("Relu", &["a"], "r", &[]), node("Clip", &["r", "", "six"], "b", &[])],
        vec![node("Clip", &["a", "zero", "six"], "r", &[]), node("Relu", &["r"], "b", &[])],
        vec![node("Max", &["a", "zero"], "r", &[]), node("Min", &["six", "r"], "b", &[])],
        vec![node("Min", &["a", "six"], "r", &[]), node("Max", &["r", "zero"], "b", &[])],
        vec![node("Min", &["a", "six"], "r", &[]), node("Relu", &["r"], "b", &[])],
        vec![node("Clip", &["a", "zero", "six"], "r", &[]), node("Mul", &["r", "one"], "b", &[])],
    ] {
        assert_eq!(with(&nodes).as_ref(), Ok(&relu6));
    }
    for nodes in [
        vec![node("Max", &["a", "zero"], "b", &[])],
        vec![node("Clip", &["a", "zero", "many"], "b", &[])],
        vec![node("Relu", &["a"], "r", &[]), node("Relu", &["r"], "b", &[])],
        vec![node("Relu", &["a"], "r", &[]), node("Add", &["zero", "r"], "b", &[])],
        vec![node("Sub", &["a", "zero"], "r", &[]), node("Relu", &["r"], "b", &[])],
    ] {
        assert_eq!(with(&nodes).as_ref(), Ok(&relu));
    }
    // Bounds that are those of no activation.
    for (nodes, words) in [
        (vec![node("Min", &["a", "six"], "b", &[])], "it reads values of at most 6"),
        (vec![node("Relu", &["a"], "r", &[]), node("Min", &["r", "three"], "b", &[])], "a Clip from 0 to 3"),
        (vec![node("Max", &["a", "one"], "b", &[])], "a Clip from 1 to none"),
        (vec![node("Sub", &["zero", "a"], "b", &[])], "one of its operands is not a feature map"),
        (vec![node("Div", &["one", "a"], "b", &[])], "one of its operands is not a feature map"),
    ] {
        assert_says(&with(&nodes).unwrap_err(), &[words]);
    }
}

#[test]
fn a_softmax_at_the_end_is_removed_and_reported() {
    let plain = import(&Small::new().bytes()).unwrap();
    assert!(plain.notes.is_empty());
    let ended = |nodes: &[super::proto::Message]| {
        let mut small = Small::new();
        small.nodes[7] = node("Gemm", &["g", "classifier"], "l", &[int("transB", 1)]);
        small.nodes.extend(nodes.iter().cloned());
        import(&small.bytes()).map_err(|error| error.to_string())
    };
    for (op_type, attributes) in [("Softmax", vec![]), ("Softmax", vec![int("axis", 1)]), ("LogSoftmax", vec![])] {
        let imported = ended(&[node(op_type, &["l"], "s", &attributes), node("Identity", &["s"], "y", &[])]).unwrap();
        assert_eq!((imported.spec.to_yaml(), &imported.weights), (plain.spec.to_yaml(), &plain.weights));
        assert_eq!(imported.notes, [format!("the {op_type} at the end is left out: a spec ends with logits")]);
    }
    // Over another axis, in the middle, or read by something.
    let said = |nodes: &[super::proto::Message]| ended(nodes).map(|_| ()).unwrap_err();
    assert_says(&said(&[node("Softmax", &["l"], "y", &[int("axis", 0)])]), &["shares over axis 0 of 1 x 1 pixels"]);
    assert_says(
        &said(&[node("Softmax", &["l"], "s", &[]), node("Relu", &["s"], "y", &[])]),
        &["something reads its shares"],
    );
    assert_says(&problems(&[(1, node("Softmax", &["a"], "b", &[]))]), &["shares over axis -1 of 16 x 16 pixels"]);
}

#[test]
fn values_that_do_not_exist_are_named() {
    assert_says(&problems(&[(1, node("Relu", &["nothing"], "b", &[]))]), &["it reads `nothing`; nothing makes it"]);
    let said = problems(&[(1, node("Relu", &["d"], "b", &[]))]);
    assert_says(&said, &["it reads `d`; a later node makes it, or the node itself", "no cycles"]);
    assert_says(&problems(&[(1, node("Relu", &["b"], "b", &[]))]), &["it reads `b`; a later node"]);
    assert_says(&problems(&[(7, node("Relu", &["g"], "z", &[]))]), &["nothing makes the output `y`"]);
    assert_says(&problems(&[(3, node("Relu", &["c"], "b", &[]))]), &["a second value is called `b`"]);
    let mut small = Small::new();
    small.constants.push(small.constants[0].clone());
    let said = import(&small.bytes()).map(|_| ()).unwrap_err().to_string();
    assert_says(&said, &["two constants are called `stem`"]);
}
