//! The head: \[pointwise convolution,\] global average pool, \[hidden layer,\] classifier.

use mnas_dsl::network::{Head, Shape};

use super::{Builder, ConvSpec};
use crate::graph::{Op, TensorId};

pub(super) fn lower(builder: &mut Builder, head: &Head, input: TensorId) -> TensorId {
    let filters = head.conv.map_or(String::new(), |(filters, _)| format!("filters: {filters}, "));
    let hidden = head.hidden.map_or(String::new(), |(outputs, _)| format!(", hidden: {outputs}"));
    builder.begin_layer("head", &format!("head: {{{filters}pool: average{hidden}}}"));
    let mut x = input;
    if let Some((filters, activation)) = head.conv {
        x = builder.conv_bn_activation(&ConvSpec::pointwise("conv", filters, activation), x);
    }
    let channels = builder.graph.shape(x).channels;
    let mut x = builder.node("pool", Op::GlobalAveragePool, vec![x], Shape { height: 1, width: 1, channels });
    if let Some((outputs, activation)) = head.hidden {
        // Of a single pixel a fully connected layer is a 1x1 convolution.
        let hidden = ConvSpec::pointwise("hidden", outputs, activation);
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
