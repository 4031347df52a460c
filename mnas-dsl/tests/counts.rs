//! Parameters and MACs of the shipped specs against published numbers, digit for digit.

mod common;

use common::{load, resolve};

/// Spec, what is appended to it, parameters, MACs.
const COUNTS: [(&str, &str, u64, u64); 24] = [
    ("mnasnet_a1", "", 3_887_038, 311_579_072),
    ("mnasnet_a1", "scale: {width: 0.35}", 1_747_018, 61_681_920),
    ("mnasnet_a1", "scale: {width: 0.5}", 2_082_006, 103_162_992),
    ("mnasnet_a1", "scale: {width: 0.75}", 2_912_278, 223_448_480),
    ("mnasnet_a1", "scale: {width: 1.4}", 6_105_992, 586_317_952),
    ("mnasnet_b1", "scale: {width: 0.5}", 2_218_512, 104_455_968),
    ("mnasnet_b1", "scale: {width: 0.75}", 3_170_208, 215_493_104),
    ("mnasnet_b1", "", 4_383_312, 314_415_872),
    ("mnasnet_b1", "scale: {width: 1.3}", 6_282_256, 526_362_432),
    ("mnasnet_b1", "scale: {width: 1.4}", 7_115_728, 588_799_408),
    ("mnasnet_small", "", 2_030_264, 68_339_184),
    ("mnasnet_small_tf", "", 2_030_264, 68_339_184),
    ("mnasnet_d1", "", 3_639_472, 970_368_288),
    // TensorFlow's code, run. By hand: three expansions are 4 channels narrower, two that give 36 channels at 56x56, and
    // one that gives 48 at 28x28 from 56x56. A channel has a weight from each input, nine of its own, one to each output.
    ("mnasnet_d1_tf", "", 3_638_404, 970_368_288 - 2 * 324 * 3136 - (144 * 3136 + (36 + 192) * 784)),
    ("mobilenet_v1", "", 4_231_976, 568_740_352),
    ("mobilenet_v2", "", 3_504_872, 300_774_272),
    ("mobilenet_v3_large", "", 5_483_032, 216_589_760),
    ("mobilenet_v3_small", "", 2_542_856, 56_510_400),
    ("efficientnet_b0", "", 5_288_548, 385_814_752),
    // timm's model, counted in Python.
    ("efficientnet_es", "", 5_438_392, 1_788_731_008),
    ("mini_xception", "", 56_951, 10_163_392),
    // And by hand 2 * 16 * 4 weights, 2 * 32 * 8, 2 * 64 * 16 and 2 * 128 * 32, used once, and 300 biases.
    ("mini_xception_se", "", 56_951 + 10_880 + 300, 10_163_392 + 10_880),
    ("resnet50", "", 25_557_032, 4_089_184_256),
    ("efficientnet_lite0", "", 4_652_008, 385_187_552),
];

#[test]
fn parameters_and_macs_are_the_published_ones() {
    for (name, scale, parameters, macs) in COUNTS {
        let network = resolve(&format!("{}\n{scale}\n", load(name)));
        assert_eq!((network.parameters(), network.macs()), (parameters, macs), "{name} {scale}");
    }
}

#[test]
fn layers_and_head_add_up() {
    let network = resolve(&load("mnasnet_a1"));
    let parameters: u64 = network.layers.iter().map(mnas_dsl::network::Layer::parameters).sum();
    let macs: u64 = network.layers.iter().map(mnas_dsl::network::Layer::macs).sum();
    assert_eq!(parameters + network.head_parameters(), network.parameters());
    assert_eq!(macs + network.head_macs(), network.macs());
    // Counted by hand: 3x3x3x32 weights, gamma and beta; and the same weights at 112x112 places.
    assert_eq!(network.layers[0].parameters(), 864 + 64);
    assert_eq!(network.layers[0].macs(), 864 * 112 * 112);
    assert_eq!(network.head_parameters(), 320 * 1280 + 2 * 1280 + 1280 * 1000 + 1000);
}
