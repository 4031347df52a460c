//! Prints a Graph: one node a line, with all of its attributes.

use std::fmt;

use mnas_dsl::network::Pads;

use crate::graph::{Conv, Graph, GraphLayer, Op, Residual, activation_name};

/// ```text
/// graph tiny: %0 input 8x8x3 -> %1
/// stem: {op: conv, kernel: 3, stride: 2, filters: 8} -> %1
///   %1 = stem/conv(%0) 4x4x8: conv 3x3 stride 2 pads 0,0,1,1 channels 3->8 weight stem.conv bn stem.conv.bn eps 0.001 relu
/// ```
///
/// Pads are top, left, bottom, right. After the channels of a convolution come its parts in the order in which they apply.
impl fmt::Display for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let input = self.shape(self.input);
        writeln!(f, "graph {}: %{} input {input} -> %{}", self.name, self.input.0, self.output.0)?;
        let mut layer = None;
        for node in &self.nodes {
            if layer != Some(node.layer) {
                let GraphLayer { name, source, output } = &self.layers[node.layer];
                writeln!(f, "{name}: {source} -> %{}", output.0)?;
                layer = Some(node.layer);
            }
            let operands: Vec<String> = node.inputs.iter().map(|input| format!("%{}", input.0)).collect();
            let (operands, result) = (operands.join(", "), self.shape(node.output));
            writeln!(f, "  %{} = {}({operands}) {result}: {}", node.output.0, node.name, op(&node.op))?;
        }
        Ok(())
    }
}

fn op(op: &Op) -> String {
    match op {
        Op::Conv(conv) => self::conv(conv),
        Op::BatchNorm { param, eps } => format!("batch_norm {param} eps {eps:?}"),
        Op::Activation(activation) => activation_name(*activation).to_owned(),
        Op::Add => "add".to_owned(),
        Op::Multiply => "multiply".to_owned(),
        Op::GlobalAveragePool => "global_average_pool".to_owned(),
        Op::AveragePool { kernel_size, stride, pads } => {
            format!("average_pool {kernel_size}x{kernel_size} stride {stride} pads {}", self::pads(*pads))
        }
        Op::MaxPool { kernel_size, stride, pads } => {
            format!("max_pool {kernel_size}x{kernel_size} stride {stride} pads {}", self::pads(*pads))
        }
        Op::Linear { param } => format!("linear {param}"),
        Op::SqueezeExcite { reduce, expand } => {
            format!("squeeze_excite [{}] [{}]", self::conv(reduce), self::conv(expand))
        }
    }
}

fn conv(conv: &Conv) -> String {
    let kind = if conv.depthwise { "depthwise" } else { "conv" };
    let mut text = format!(
        "{kind} {k}x{k} stride {} pads {} channels {}->{} weight {}",
        conv.stride,
        pads(conv.pads),
        conv.input_channels,
        conv.output_channels,
        conv.param,
        k = conv.kernel_size,
    );
    if conv.bias {
        text += " bias";
    }
    if let Some((param, eps)) = &conv.batch_norm {
        text += &format!(" bn {param} eps {eps:?}");
    }
    text += " ";
    text += &activation_and_residual(conv);
    text
}

/// In the order in which they apply: `relu + residual`, `+ residual relu`.
pub(crate) fn activation_and_residual(conv: &Conv) -> String {
    let activation = activation_name(conv.activation);
    match conv.residual {
        Residual::None => activation.to_owned(),
        Residual::Last => format!("{activation} + residual"),
        Residual::BeforeActivation => format!("+ residual {activation}"),
    }
}

fn pads(pads: Pads) -> String {
    format!("{},{},{},{}", pads.top, pads.left, pads.bottom, pads.right)
}
