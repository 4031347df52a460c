//! The head: \[pointwise convolution,\] then global average pool, \[hidden layer,\] classifier, or a classifier that
//! is a convolution and the pool.

use mnas_dsl::chain::ConvUnit;
use mnas_dsl::network::{Activation, Classifier, Head, Pads, Shape};

use super::Builder;
use crate::graph::{Op, TensorId};

pub(super) fn lower(builder: &mut Builder, head: &Head, input: TensorId) -> TensorId {
    match head.classifier {
        Classifier::Linear => pool_then_classify(builder, head, input),
        Classifier::Conv { kernel_size, pads } => classify_then_pool(builder, head, kernel_size, pads, input),
    }
}

fn pool_then_classify(builder: &mut Builder, head: &Head, input: TensorId) -> TensorId {
    let filters = head.conv.map_or(String::new(), |(filters, _)| format!("filters: {filters}, "));
    let hidden = head.hidden.map_or(String::new(), |(outputs, _)| format!(", hidden: {outputs}"));
    builder.begin_layer("head", &format!("head: {{{filters}pool: average{hidden}}}"));
    let x = conv(builder, head, input);
    let mut x = pool(builder, x);
    if let Some((outputs, activation)) = head.hidden {
        // On a single pixel a fully connected layer is a 1x1 convolution.
        let hidden = ConvUnit::pointwise("hidden", outputs, activation);
        x = builder.conv_bias_activation("hidden", "hidden", &hidden, x);
    }
    builder.end_layer(x);

    builder.begin_layer("classifier", &format!("head: {{classes: {}}}", head.classes));
    let op = Op::Linear { param: "classifier".to_owned() };
    let logits = Shape { height: 1, width: 1, channels: head.classes };
    let x = builder.named_node("classifier".to_owned(), op, vec![x], logits);
    builder.end_layer(x);
    x
}

fn classify_then_pool(builder: &mut Builder, head: &Head, kernel_size: usize, pads: Pads, input: TensorId) -> TensorId {
    let mut x = input;
    if let Some((filters, _)) = head.conv {
        builder.begin_layer("head", &format!("head: {{filters: {filters}}}"));
        x = conv(builder, head, x);
        builder.end_layer(x);
    }
    builder.begin_layer("classifier", &format!("head: {{kernel: {kernel_size}, classes: {}}}", head.classes));
    let scores = ConvUnit { kernel_size, pads, ..ConvUnit::pointwise("conv", head.classes, Activation::Linear) };
    let x = builder.conv("conv", "classifier", &scores, true, x);
    let x = pool(builder, x);
    builder.end_layer(x);
    x
}

fn conv(builder: &mut Builder, head: &Head, input: TensorId) -> TensorId {
    match head.conv {
        Some((filters, activation)) => builder.conv_unit(&ConvUnit::pointwise("conv", filters, activation), input),
        None => input,
    }
}

fn pool(builder: &mut Builder, input: TensorId) -> TensorId {
    let channels = builder.graph.shape(input).channels;
    builder.node("pool", Op::GlobalAveragePool, vec![input], Shape { height: 1, width: 1, channels })
}
