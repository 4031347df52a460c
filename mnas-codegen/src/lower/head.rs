//! The head: \[pointwise convolution,\] global average pool, classifier.

use mnas_dsl::network::{Head, Shape};

use super::{Builder, ConvSpec};
use crate::graph::{Op, TensorId};

pub(super) fn lower(builder: &mut Builder, head: &Head, input: TensorId) -> TensorId {
    let source = match head.conv {
        Some((filters, _)) => format!("head: {{filters: {filters}, pool: average}}"),
        None => "head: {pool: average}".to_owned(),
    };
    builder.begin_layer("head", &source);
    let mut x = input;
    if let Some((filters, activation)) = head.conv {
        x = builder.conv_bn_activation(&ConvSpec::pointwise("conv", filters, activation), x);
    }
    let channels = builder.graph.shape(x).channels;
    let x = builder.node("pool", Op::GlobalAveragePool, vec![x], Shape { height: 1, width: 1, channels });
    builder.end_layer(x);

    builder.begin_layer("classifier", &format!("head: {{classes: {}}}", head.classes));
    let op = Op::Linear { param: "classifier".to_owned() };
    let logits = Shape { height: 1, width: 1, channels: head.classes };
    let x = builder.named_node("classifier".to_owned(), op, vec![x], logits);
    builder.end_layer(x);
    x
}
