//! What is packed is not what the network says.

use super::Planted;
use mnas_codegen::quantized::{Integers, Quantized, conv_of};
use mnas_fuzz::fault::Fault;

pub(super) fn faults() -> Vec<Planted> {
    let planted =
        |name, change: fn(&mut Quantized) -> bool| Planted { name, fault: Fault::Int8Network(change), threads: false };
    vec![
        planted("the zero point of the input is not in the biases", |network| biases(network, |zero, sum| zero * sum)),
        planted("biases are those of a zero point that is one lower", |network| biases(network, |_, sum| sum)),
        planted("one scale a channel is taken for one scale", |network| {
            let maps = network.maps.iter_mut().flatten();
            maps.filter(|map| map.by_channel()).map(|map| map.scales.truncate(1)).count() > 0
        }),
        planted("a multiplier is the neighbouring channel's", |network| {
            layers(network, |layer| layer.weight_scale.rotate_left(1))
        }),
        planted("biases are left out", |network| layers(network, |layer| layer.bias.fill(0))),
        planted("weights of -127 become -126", |network| {
            layers(network, |layer| layer.weight.iter_mut().for_each(|w| *w = (*w).max(-126)))
        }),
        planted("kernel rows and columns of depthwise convolutions are swapped", |network| {
            let graph = network.graph.clone();
            let convs = graph.nodes.iter().filter_map(|node| conv_of(&graph, node));
            let mut any = false;
            for conv in convs.filter(|conv| conv.depthwise && conv.kernel_size > 1) {
                let k = conv.kernel_size;
                let layer = network.layers.get_mut(&conv.param).expect("a layer of the graph");
                for taps in layer.weight.chunks_exact_mut(k * k) {
                    let before = taps.to_vec();
                    (0..k * k).for_each(|tap| taps[tap] = before[tap % k * k + tap / k]);
                    any |= before != taps;
                }
            }
            any
        }),
    ]
}

/// Adds what `change` makes of the input's zero point and the sum of the weights to each bias.
fn biases(network: &mut Quantized, change: fn(i32, i32) -> i32) -> bool {
    let graph = network.graph.clone();
    let mut any = false;
    for node in &graph.nodes {
        let Some(conv) = conv_of(&graph, node) else { continue };
        let zero = i32::from(network.map(node.inputs[0]).zero);
        let layer = network.layers.get_mut(&conv.param).expect("a layer of the graph");
        let taps = layer.weight.len() / conv.output_channels;
        for (bias, weights) in layer.bias.iter_mut().zip(layer.weight.chunks_exact(taps)) {
            let added = change(zero, weights.iter().map(|&w| i32::from(w)).sum());
            any |= added != 0;
            *bias += added;
        }
    }
    any
}

/// Changes every layer; whether any became another.
fn layers(network: &mut Quantized, change: fn(&mut Integers)) -> bool {
    let before = network.layers.clone();
    network.layers.values_mut().for_each(change);
    network.layers != before
}
