//! The costs of a network: parameters, multiply-accumulates and bytes, node by node.
//!
//! Multiply-accumulates are those of convolutions (squeeze-excite's among them) and of the classifier. Parameters are
//! weights and biases and a batch norm's gamma and beta, not its running statistics.

use std::fmt;

use mnas_dsl::network::Shape;

use crate::graph::{Conv, Graph, Node, Op, activation_name};
use crate::print::activation_and_residual;

/// Costs of a graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The spec's name.
    pub name: String,
    /// Trained values.
    pub parameters: u64,
    /// Multiply-accumulates for one image.
    pub macs: u64,
    /// Bytes of f32 weights once batch norms are folded.
    pub weight_bytes: u64,
    /// A row for each node, in execution order.
    pub layers: Vec<SummaryRow>,
}

/// Costs of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SummaryRow {
    /// The node's name.
    pub name: String,
    /// The operator and what is fused into it.
    pub op: String,
    /// Shape of its result.
    pub output: Shape,
    /// Trained values.
    pub parameters: u64,
    /// Multiply-accumulates for one image.
    pub macs: u64,
    /// Bytes of f32 weights once batch norms are folded.
    pub weight_bytes: u64,
}

/// Sums up a graph, fused or not: the totals are the same.
pub fn summary(graph: &Graph) -> Summary {
    let layers: Vec<SummaryRow> = graph.nodes.iter().map(|node| row(graph, node)).collect();
    let total = |cost: fn(&SummaryRow) -> u64| layers.iter().map(cost).sum();
    Summary {
        name: graph.name.clone(),
        parameters: total(|row| row.parameters),
        macs: total(|row| row.macs),
        weight_bytes: total(|row| row.weight_bytes),
        layers,
    }
}

fn row(graph: &Graph, node: &Node) -> SummaryRow {
    let output = graph.shape(node.output);
    let costs = costs(&node.op, graph.shape(node.inputs[0]), output);
    SummaryRow {
        name: node.name.clone(),
        op: describe(&node.op),
        output,
        parameters: costs.parameters,
        macs: costs.macs,
        weight_bytes: costs.folded_values * size_of::<f32>() as u64,
    }
}

#[derive(Default)]
struct Costs {
    parameters: u64,
    macs: u64,
    /// Values that remain when batch norms are folded.
    folded_values: u64,
}

fn costs(op: &Op, input: Shape, output: Shape) -> Costs {
    match op {
        Op::Conv(conv) => conv_costs(conv, output.pixels() as u64),
        Op::BatchNorm { .. } => {
            // The bias that it folds to; its scale goes into weights that are counted already.
            let channels = input.channels as u64;
            Costs { parameters: 2 * channels, macs: 0, folded_values: channels }
        }
        Op::Linear { .. } => {
            let (inputs, outputs) = (input.channels as u64, output.channels as u64);
            let values = inputs * outputs + outputs;
            Costs { parameters: values, macs: inputs * outputs, folded_values: values }
        }
        Op::SqueezeExcite { reduce, expand } => {
            let (reduce, expand) = (conv_costs(reduce, 1), conv_costs(expand, 1));
            Costs {
                parameters: reduce.parameters + expand.parameters,
                macs: reduce.macs + expand.macs,
                folded_values: reduce.folded_values + expand.folded_values,
            }
        }
        Op::Activation(_)
        | Op::Add
        | Op::Multiply
        | Op::GlobalAveragePool
        | Op::AveragePool { .. }
        | Op::MaxPool { .. } => Costs::default(),
    }
}

fn conv_costs(conv: &Conv, pixels: u64) -> Costs {
    let (weights, channels) = (conv.weight_len() as u64, conv.output_channels as u64);
    let per_channel = u64::from(conv.bias) + 2 * u64::from(conv.batch_norm.is_some());
    Costs {
        parameters: weights + per_channel * channels,
        macs: weights * pixels,
        folded_values: weights + u64::from(conv.has_bias()) * channels,
    }
}

/// An operator in a few words: `depthwise 5x5 s2 relu`.
fn describe(op: &Op) -> String {
    match op {
        Op::Conv(conv) => {
            let kind = if conv.depthwise { "depthwise" } else { "conv" };
            let window = window(conv.kernel_size, conv.stride);
            format!("{kind} {window} {}", activation_and_residual(conv))
        }
        Op::BatchNorm { .. } => "batch norm".to_owned(),
        Op::Activation(activation) => activation_name(*activation).to_owned(),
        Op::Add => "add".to_owned(),
        Op::Multiply => "multiply".to_owned(),
        Op::GlobalAveragePool => "global average pool".to_owned(),
        Op::AveragePool { kernel_size, stride, .. } => format!("average pool {}", window(*kernel_size, *stride)),
        Op::MaxPool { kernel_size, stride, .. } => format!("max pool {}", window(*kernel_size, *stride)),
        Op::Linear { .. } => "linear".to_owned(),
        Op::SqueezeExcite { reduce, expand } => format!(
            "squeeze-excite {} {} {}",
            reduce.output_channels,
            activation_name(reduce.activation),
            activation_name(expand.activation)
        ),
    }
}

fn window(kernel_size: usize, stride: usize) -> String {
    let stride = if stride == 1 { String::new() } else { format!(" s{stride}") };
    format!("{kernel_size}x{kernel_size}{stride}")
}

/// A table with a row for each node and the totals below.
impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let header = ["layer", "op", "output", "parameters", "MACs", "bytes"].map(str::to_owned);
        let total = [
            self.name.clone(),
            String::new(),
            String::new(),
            grouped(self.parameters),
            grouped(self.macs),
            grouped(self.weight_bytes),
        ];
        let body = self.layers.iter().map(|row| {
            let Shape { height, width, channels } = row.output;
            [
                row.name.clone(),
                row.op.clone(),
                format!("{height}x{width}x{channels}"),
                grouped(row.parameters),
                grouped(row.macs),
                grouped(row.weight_bytes),
            ]
        });
        let rows: Vec<[String; 6]> = [header].into_iter().chain(body).chain([total]).collect();
        let widths: [usize; 6] =
            std::array::from_fn(|column| rows.iter().map(|row| row[column].len()).max().unwrap_or(0));
        for (index, row) in rows.iter().enumerate() {
            if index == 1 || index + 1 == rows.len() {
                writeln!(f, "{}", "-".repeat(widths.iter().sum::<usize>() + 2 * (widths.len() - 1)))?;
            }
            let [name, op, output, parameters, macs, bytes] = row;
            let [w0, w1, w2, w3, w4, w5] = widths;
            writeln!(f, "{name:w0$}  {op:w1$}  {output:>w2$}  {parameters:>w3$}  {macs:>w4$}  {bytes:>w5$}")?;
        }
        Ok(())
    }
}

/// `3887038` as `3,887,038`.
pub fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_grouped_by_three() {
        assert_eq!([0, 12, 999, 1000, 3_887_038].map(grouped), ["0", "12", "999", "1,000", "3,887,038"]);
    }
}
