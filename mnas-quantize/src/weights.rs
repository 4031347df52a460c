//! Weights and biases as integers.

use mnas_codegen::fold::{Folded, try_fold};
use mnas_codegen::graph::{Conv, Graph, TensorId};
use mnas_codegen::parameter::{ParameterError, parameter};
use mnas_codegen::quantized::{Integers, Map, Quantized, conv_of, sum_scale};
use mnas_codegen::weights::Weights;

/// The largest weight.
pub(crate) const MOST: f32 = 127.0;
/// The largest bias, so that a sum stays within an `i32`.
const LARGEST_BIAS: f32 = 1_073_741_824.0;

/// Weight and bias of a convolution or a fully connected layer, the batch norm folded in.
pub(crate) fn folded(conv: &Conv, weights: &Weights) -> Result<Folded, ParameterError> {
    // A fully connected layer's weight has two dimensions.
    let name = format!("{}.weight", conv.param);
    let two = [conv.output_channels, conv.input_channels];
    if weights.get(&name).is_some_and(|w| w.shape == two) {
        let weight = parameter(weights, &name, &two)?.to_vec();
        let bias = parameter(weights, &format!("{}.bias", conv.param), &two[..1])?.to_vec();
        return Ok(Folded { weight, bias });
    }
    try_fold(conv, weights)
}

/// How much the squared error of each channel of a map weighs: the sum of the squared weights that its readers multiply
/// it by.
pub(crate) fn importance(graph: &Graph, weights: &Weights, id: TensorId) -> Result<Vec<f64>, ParameterError> {
    let channels = graph.shape(id).channels;
    let mut sums = vec![0.0; channels];
    for reader in graph.consumers(id) {
        let Some(conv) = conv_of(graph, &graph.nodes[reader]) else { continue };
        let weight = folded(&conv, weights)?.weight;
        let taps = conv.kernel_size * conv.kernel_size;
        for (index, w) in weight.iter().enumerate() {
            let channel = if conv.depthwise { index / taps } else { index / taps % channels };
            sums[channel] += f64::from(*w) * f64::from(*w);
        }
    }
    if sums.iter().all(|sum| *sum == 0.0) {
        sums.fill(1.0);
    }
    Ok(sums)
}

/// The value of an input byte of 1 in a channel of a filter of output channel `o`.
pub(crate) fn unit_of_input(map: &Map, conv: &Conv, o: usize, channel: usize) -> f32 {
    map.scale(if conv.depthwise { o } else { channel })
}

/// Fills in the layers of a network whose maps are known.
pub(crate) fn quantize(network: &mut Quantized, weights: &Weights) -> Result<(), ParameterError> {
    for node in network.graph.nodes.clone() {
        let Some(conv) = conv_of(&network.graph, &node) else { continue };
        let folded = folded(&conv, weights)?;
        let input = network.map(node.inputs[0]).clone();
        let filter_len = conv.weight_len() / conv.output_channels;
        let taps = conv.kernel_size * conv.kernel_size;
        let absorbs = input.by_channel() && !conv.depthwise;
        let mut layer = Integers { weight: vec![], weight_scale: vec![], bias: vec![] };
        for (o, filter) in folded.weight.chunks_exact(filter_len).enumerate() {
            let scaled = filter.iter().enumerate().map(|(i, w)| if absorbs { w * input.scale(i / taps) } else { *w });
            let scaled: Vec<f32> = scaled.collect();
            let largest = scaled.iter().fold(0.0, |most: f32, w| most.max(w.abs()));
            layer.weight_scale.push(if largest > 0.0 { largest / MOST } else { f32::MIN_POSITIVE });
            // Of a channel whose weights are nearly 0, the bias has to fit as well.
            let unit = sum_scale(&input, conv.depthwise, &layer, o);
            let needed = folded.bias[o].abs() / LARGEST_BIAS;
            if unit < needed || !unit.is_normal() {
                layer.weight_scale[o] *= (needed / unit.max(f32::MIN_POSITIVE)).max(1.0) * 2.0;
            }
            let scale = layer.weight_scale[o];
            layer.weight.extend(scaled.iter().map(|w| (w / scale).round_ties_even().clamp(-MOST, MOST) as i8));
            let unit = f64::from(sum_scale(&input, conv.depthwise, &layer, o));
            layer
                .bias
                .push((f64::from(folded.bias[o]) / unit).round_ties_even().clamp(-1_073_741_824.0, 1_073_741_824.0)
                    as i32);
        }
        network.layers.insert(conv.param.clone(), layer);
    }
    Ok(())
}
