//! What becomes of every attribute of every operator that is read.
//!
//! An attribute that is read past changes what a network computes without a word. So one that is not in the table is
//! refused, and so is one whose value is not the only one that is understood.

use crate::attributes::Attributes;
use crate::error::shown;
use crate::proto::NodeProto;
use crate::tape::Mistake;

/// What becomes of an attribute.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Rule {
    /// It is read where the operator is.
    Used,
    /// It has to be this whole number.
    Is(i64),
    /// No value of it changes a result that is read here.
    Ignored,
}

use Rule::{Ignored, Is, Used};

/// Operators and their attributes.
const TABLE: &[(&str, &[(&str, Rule)])] = &[
    ("Add", &[]),
    (
        "AveragePool",
        &[
            ("auto_pad", Used),
            ("ceil_mode", Used),
            ("count_include_pad", Used),
            ("dilations", Used),
            ("kernel_shape", Used),
            ("pads", Used),
            ("strides", Used),
        ],
    ),
    // The momentum is for running statistics in training. Without `spatial` each pixel has statistics of its own.
    ("BatchNormalization", &[("epsilon", Used), ("momentum", Ignored), ("spatial", Is(1)), ("training_mode", Is(0))]),
    // Rounding to types that are narrower than the constants of shapes.
    ("Cast", &[("round_mode", Ignored), ("saturate", Ignored), ("to", Used)]),
    ("Ceil", &[]),
    ("Clip", &[("max", Used), ("min", Used)]),
    // Its parts have one axis.
    ("Concat", &[("axis", Ignored)]),
    ("ConstantOfShape", &[("value", Used)]),
    (
        "Conv",
        &[
            ("auto_pad", Used),
            ("dilations", Used),
            ("group", Used),
            ("kernel_shape", Used),
            ("pads", Used),
            ("strides", Used),
        ],
    ),
    // One scale for blocks of an axis is refused; the type of the result is a float.
    ("DequantizeLinear", &[("axis", Used), ("block_size", Is(0)), ("output_dtype", Ignored)]),
    ("Div", &[]),
    // Outside of training it does nothing.
    ("Dropout", &[("ratio", Ignored), ("seed", Ignored)]),
    ("Flatten", &[("axis", Used)]),
    ("Floor", &[]),
    ("Gather", &[("axis", Used)]),
    ("Gemm", &[("alpha", Used), ("beta", Used), ("transA", Used), ("transB", Used)]),
    ("GlobalAveragePool", &[]),
    ("HardSigmoid", &[("alpha", Used), ("beta", Used)]),
    ("HardSwish", &[]),
    ("Identity", &[]),
    ("MatMul", &[]),
    ("LogSoftmax", &[("axis", Used)]),
    ("Max", &[]),
    // The storage order is that of a second result, which nothing reads.
    (
        "MaxPool",
        &[
            ("auto_pad", Used),
            ("ceil_mode", Used),
            ("dilations", Used),
            ("kernel_shape", Used),
            ("pads", Used),
            ("storage_order", Ignored),
            ("strides", Used),
        ],
    ),
    ("Min", &[]),
    ("Mod", &[("fmod", Is(0))]),
    ("Mul", &[]),
    ("Neg", &[]),
    ("Pad", &[("mode", Used), ("pads", Used), ("value", Used)]),
    // A vector is a map of one pixel, with or without the axes; a mean over no axes is refused.
    ("ReduceMean", &[("axes", Used), ("keepdims", Ignored), ("noop_with_empty_axes", Ignored)]),
    ("QGemm", &[("alpha", Used), ("transA", Used), ("transB", Used)]),
    ("QLinearAdd", &[]),
    (
        "QLinearAveragePool",
        &[
            ("auto_pad", Used),
            ("ceil_mode", Used),
            ("channels_last", Is(0)),
            ("count_include_pad", Used),
            ("kernel_shape", Used),
            ("pads", Used),
            ("strides", Used),
        ],
    ),
    (
        "QLinearConv",
        &[
            ("auto_pad", Used),
            ("dilations", Used),
            ("group", Used),
            ("kernel_shape", Used),
            ("pads", Used),
            ("strides", Used),
        ],
    ),
    ("QLinearGlobalAveragePool", &[("channels_last", Is(0))]),
    ("QLinearMatMul", &[]),
    ("QLinearMul", &[]),
    ("QLinearSigmoid", &[]),
    // A map has one scale, and its type is that of its zero point.
    (
        "QuantizeLinear",
        &[
            ("axis", Ignored),
            ("block_size", Is(0)),
            ("output_dtype", Is(0)),
            ("precision", Ignored),
            ("saturate", Ignored),
        ],
    ),
    ("Relu", &[]),
    ("Reshape", &[("allowzero", Used)]),
    ("Shape", &[("end", Used), ("start", Used)]),
    ("Sigmoid", &[]),
    ("Slice", &[]),
    // A map of one pixel is a vector, whichever of its axes are left out; of constants, one with a single value is taken.
    ("Squeeze", &[("axes", Ignored)]),
    ("Softmax", &[("axis", Used)]),
    ("Sub", &[]),
    ("Sum", &[]),
    ("Swish", &[("alpha", Used)]),
    ("Transpose", &[("perm", Used)]),
    // Where a new axis of a few numbers is makes no difference to what reads them.
    ("Unsqueeze", &[("axes", Ignored)]),
];

/// Refuses a node with an attribute that would be read past, or with a result that only training has.
pub(crate) fn check(node: &NodeProto, attributes: &Attributes) -> Result<(), Mistake> {
    let evaluated = "export the network in its evaluation mode (`model.eval()`)";
    if node.op_type == "BatchNormalization" && node.outputs.iter().skip(1).any(|name| !name.is_empty()) {
        return Err(Mistake::new("it gives the statistics of the batch, as one in training does", evaluated));
    }
    // What is not in the table is refused by name where it is recorded.
    let Some((_, rules)) = TABLE.iter().find(|(op_type, _)| *op_type == node.op_type) else { return Ok(()) };
    for attribute in &node.attributes {
        let name = attribute.name;
        match rules.iter().find(|(known, _)| *known == name) {
            Some((_, Used | Ignored)) => {}
            Some((_, Is(value))) => match attributes.int(name, *value)? {
                it if it == *value => {}
                _ if name == "training_mode" => {
                    return Err(Mistake::new("it is in training, and normalises by the batch that it sees", evaluated));
                }
                it => return Err(Mistake::new(format!("its `{name}` is {it}"), format!("{value}"))),
            },
            None => {
                let known: Vec<&str> = rules.iter().map(|(name, _)| *name).collect();
                let expected = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                return Err(Mistake::new(format!("it has the attribute `{}`", shown(name)), expected));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// Every attribute that ONNX 1.23 defines for these operators, from operator set 7 on (`onnx.defs`).
    const ONNX: &[(&str, &str)] = &[
        ("Add", ""),
        ("AveragePool", "auto_pad ceil_mode count_include_pad dilations kernel_shape pads strides"),
        ("BatchNormalization", "epsilon momentum spatial training_mode"),
        ("Cast", "round_mode saturate to"),
        ("Ceil", ""),
        ("Clip", "max min"),
        ("Concat", "axis"),
        ("ConstantOfShape", "value"),
        ("Conv", "auto_pad dilations group kernel_shape pads strides"),
        ("DequantizeLinear", "axis block_size output_dtype"),
        ("Div", ""),
        ("Dropout", "ratio seed"),
        ("Flatten", "axis"),
        ("Floor", ""),
        ("Gather", "axis"),
        ("Gemm", "alpha beta transA transB"),
        ("GlobalAveragePool", ""),
        ("HardSigmoid", "alpha beta"),
        ("HardSwish", ""),
        ("Identity", ""),
        ("LogSoftmax", "axis"),
        ("MatMul", ""),
        ("Max", ""),
        ("MaxPool", "auto_pad ceil_mode dilations kernel_shape pads storage_order strides"),
        ("Min", ""),
        ("Mod", "fmod"),
        ("Mul", ""),
        ("Neg", ""),
        ("Pad", "mode pads value"),
        ("QLinearConv", "auto_pad dilations group kernel_shape pads strides"),
        ("QLinearMatMul", ""),
        ("QuantizeLinear", "axis block_size output_dtype precision saturate"),
        ("ReduceMean", "axes keepdims noop_with_empty_axes"),
        ("Relu", ""),
        ("Reshape", "allowzero"),
        ("Shape", "end start"),
        ("Sigmoid", ""),
        // Refused: `axes`, `ends` and `starts`, which are inputs from operator set 10 on.
        ("Slice", ""),
        ("Squeeze", "axes"),
        ("Softmax", "axis"),
        ("Sub", ""),
        ("Sum", ""),
        ("Swish", "alpha"),
        ("Transpose", "perm"),
        ("Unsqueeze", "axes"),
    ];

    /// Every attribute that onnxruntime 1.32 defines for operators of its own (`com.microsoft`).
    const ONNXRUNTIME: &[(&str, &str)] = &[
        ("QGemm", "alpha transA transB"),
        ("QLinearAdd", ""),
        ("QLinearAveragePool", "auto_pad ceil_mode channels_last count_include_pad kernel_shape pads strides"),
        ("QLinearGlobalAveragePool", "channels_last"),
        ("QLinearMul", ""),
        ("QLinearSigmoid", ""),
    ];

    #[test]
    fn the_table_has_every_attribute_of_onnx_and_no_other() {
        let table = TABLE.iter().map(|(op_type, rules)| {
            let names: Vec<&str> = rules.iter().map(|(name, _)| *name).collect();
            (*op_type, names.join(" "))
        });
        let onnx = ONNX.iter().chain(ONNXRUNTIME).map(|(op_type, names)| (*op_type, (*names).to_owned()));
        assert_eq!(table.collect::<BTreeMap<_, _>>(), onnx.collect::<BTreeMap<_, _>>());
    }

    /// `Used` is what it says: the name stands in quotes where operators are read.
    #[test]
    fn attributes_that_are_used_are_read() {
        let sources = [
            include_str!("bounds.rs"),
            include_str!("operators.rs"),
            include_str!("windows.rs"),
            include_str!("constants.rs"),
            include_str!("channels_last.rs"),
            include_str!("quantized.rs"),
        ];
        let quoted = |name: &str| sources.iter().any(|source| source.contains(&format!("\"{name}\"")));
        assert!(!quoted("storage_order"), "the control");
        for (op_type, rules) in TABLE {
            for (name, _) in rules.iter().filter(|(_, rule)| *rule == Used) {
                assert!(quoted(name), "{op_type} {name}");
            }
        }
    }
}
