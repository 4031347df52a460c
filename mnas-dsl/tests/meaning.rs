//! What a spec means: paddings, skips, widths, scaling.

mod common;

use common::{load, resolve};
use mnas_dsl::Network;
use mnas_dsl::network::{Activation, LayerOp, Pads, Se, Shape, Skip};

/// A network of one input, some settings and some blocks.
fn network(input: &str, settings: &str, blocks: &[&str]) -> Network {
    let blocks: String = blocks.iter().map(|it| format!("  - {it}\n")).collect();
    resolve(&format!(
        "name: net\ninput: {input}\n{settings}\nstem: {{op: conv, kernel: 3, filters: 8}}\nblocks:\n{blocks}head: none\n"
    ))
}

fn skips(network: &Network) -> Vec<Skip> {
    network.layers.iter().map(|layer| layer.skip).collect()
}

#[test]
fn same_padding_is_tensorflows() {
    // Input, kernel, stride; output, before, after: worked out by hand from the formula.
    for (input, kernel, stride, output, before, after) in [
        (224, 3, 2, 112, 0, 1),
        (224, 5, 2, 112, 1, 2),
        (7, 3, 2, 4, 1, 1),
        (7, 5, 2, 4, 2, 2),
        (7, 3, 1, 7, 1, 1),
        (7, 7, 1, 7, 3, 3),
        (2, 5, 1, 2, 2, 2),
        (2, 7, 2, 1, 2, 3),
        (9, 1, 2, 5, 0, 0),
        (8, 1, 2, 4, 0, 0),
    ] {
        let block = format!("{{op: sepconv, kernel: {kernel}, stride: {stride}, filters: 16}}");
        let network = network(&format!("{input}x{input}x1"), "padding: same", &[&block]);
        let layer = &network.layers[1];
        assert_eq!(layer.output, Shape { height: output, width: output, channels: 16 }, "{input} {block}");
        assert_eq!(layer.pads, Pads { top: before, left: before, bottom: after, right: after }, "{input} {block}");
    }
}

#[test]
fn symmetric_padding_is_pytorchs() {
    for (input, kernel, stride, output, pad) in
        [(224, 3, 2, 112, 1), (224, 5, 2, 112, 2), (7, 3, 2, 4, 1), (7, 5, 1, 7, 2), (2, 15, 2, 1, 7), (9, 1, 2, 5, 0)]
    {
        let block = format!("{{op: sepconv, kernel: {kernel}, stride: {stride}, filters: 16}}");
        let network = network(&format!("{input}x{input}x1"), "padding: symmetric", &[&block]);
        let layer = &network.layers[1];
        assert_eq!(layer.output, Shape { height: output, width: output, channels: 16 }, "{input} {block}");
        assert_eq!(layer.pads, Pads { top: pad, left: pad, bottom: pad, right: pad }, "{input} {block}");
    }
}

#[test]
fn rows_and_columns_are_padded_apart() {
    let network = network("8x7x1", "", &["{op: sepconv, kernel: 3, stride: 2, filters: 16}"]);
    assert_eq!(network.layers[1].pads, Pads { top: 0, left: 1, bottom: 1, right: 1 });
    assert_eq!(network.layers[1].output, Shape { height: 4, width: 4, channels: 16 });
}

#[test]
fn only_the_first_layer_strides_and_skips_go_where_shapes_allow() {
    use Skip::{Identity, None, Pool};
    let block = |rest: &str| format!("{{op: mbconv, expand: 6, kernel: 3, {rest}}}");
    let of = |rest: &str| skips(&network("32x32x3", "", &[&block(rest)]));
    // The stem, 3 to 8 channels, comes first in each.
    assert_eq!(of("stride: 2, filters: 8, layers: 3"), [None, None, Identity, Identity]);
    assert_eq!(of("filters: 8, layers: 2"), [None, Identity, Identity]);
    assert_eq!(of("filters: 16, layers: 2"), [None, None, Identity]);
    assert_eq!(of("filters: 16, layers: 2, skip: identity"), [None, None, Identity]);
    assert_eq!(of("filters: 8, layers: 2, skip: none"), [None, None, None]);
    assert_eq!(of("stride: 2, filters: 8, layers: 2, skip: pool"), [None, Pool, Pool]);
    assert_eq!(of("stride: 2, filters: 16, layers: 2, skip: pool"), [None, None, Pool]);
    let network = network("32x32x3", "", &[&block("stride: 2, filters: 8, layers: 3")]);
    assert_eq!(network.layers.iter().map(|layer| layer.stride).collect::<Vec<_>>(), [1, 2, 1, 1]);
    assert_eq!(
        network.layers.iter().map(|layer| layer.name.as_str()).collect::<Vec<_>>(),
        ["stem", "blocks.0.0", "blocks.0.1", "blocks.0.2"]
    );
}

#[test]
fn a_stem_of_equal_shapes_has_no_skip() {
    assert_eq!(skips(&network("8x8x8", "", &["cn_r1_k3_s1_c8"])), [Skip::None, Skip::None]);
    assert_eq!(skips(&network("8x8x8", "", &["cn_r1_k3_s1_c8_skip"])), [Skip::None, Skip::Identity]);
}

#[test]
fn mobilenet_v1_has_activations_and_no_skips() {
    let network = resolve(&load("mobilenet_v1"));
    assert_eq!(network.layers.len(), 14);
    for layer in &network.layers[1..] {
        assert_eq!(layer.skip, Skip::None);
        assert_eq!(
            layer.op,
            LayerOp::SepConv { activation: Activation::Relu6, se: None, pointwise_activation: Activation::Relu6 }
        );
    }
    assert!(network.head.is_some_and(|head| head.conv.is_none()));
}

#[test]
fn mnasnet_small_skips_in_its_first_block() {
    let network = resolve(&load("mnasnet_small"));
    assert_eq!(network.layers[1].skip, Skip::Identity);
    assert_eq!(resolve(&load("mnasnet_small_tf")).layers[1].skip, Skip::None);
}

#[test]
fn widths_inside_a_block() {
    let widths = |block: &str| -> (usize, Option<usize>) {
        match network("32x32x3", "", &["{op: sepconv, kernel: 3, filters: 40}", block]).layers[2].op {
            LayerOp::MbConv { expanded, se, .. } => (expanded, se.map(|se| se.channels)),
            LayerOp::SepConv { se, .. } => (0, se.map(|se| se.channels)),
            _ => (0, None),
        }
    };
    assert_eq!(widths("{op: mbconv, expand: 6, kernel: 3, filters: 40}"), (240, None));
    // 92 becomes 96, 180 becomes 184; an expansion of 1 stays.
    assert_eq!(widths("{op: mbconv, expand: 2.3, kernel: 3, filters: 40}"), (96, None));
    assert_eq!(widths("{op: mbconv, expand: 4.5, kernel: 3, filters: 40}"), (184, None));
    assert_eq!(widths("{op: mbconv, expand: 1, kernel: 3, filters: 40, se: 0.25}"), (40, Some(10)));
    // From the input's 40 channels, not from the 240 between; halves go to the even side; at least 1.
    assert_eq!(widths("{op: mbconv, expand: 6, kernel: 3, filters: 40, se: 0.0625}"), (240, Some(2)));
    assert_eq!(widths("{op: sepconv, kernel: 3, filters: 16, se: 0.0875}"), (0, Some(4)));
    assert_eq!(widths("{op: sepconv, kernel: 3, filters: 16, se: 0.001}"), (0, Some(1)));
}

#[test]
fn squeeze_excites_are_what_the_network_says() {
    let se = |settings: &str, block: &str| match network("32x32x3", settings, &["ds_r1_k3_s1_c24", block]).layers[2].op
    {
        LayerOp::MbConv { se: Some(se), .. } | LayerOp::SepConv { se: Some(se), .. } => se,
        ref other => panic!("{other:?}"),
    };
    use Activation::{HardSigmoid, HardSwish, Relu, Relu6, Sigmoid};
    let (wide, narrow) = ("ir_r1_k5_s2_e3_c40_se0.25", "ds_r1_k3_s1_c16_se0.25");
    // MnasNet's: a quarter of the 24 channels that come in, the block's activation, a sigmoid.
    assert_eq!(se("", wide), Se { channels: 6, activation: Relu, gate: Sigmoid });
    assert_eq!(se("activation: relu6", "ir_r1_k5_s2_e3_c40_se0.25_nhs").activation, HardSwish);
    // MobileNetV3's: of the 72 between, 18 that become 24, as more than a tenth would be lost at 16.
    let v3 = "squeeze_excite: {of: expanded, rounding: channels, activation: relu6, gate: hard_sigmoid}";
    assert_eq!(se(v3, wide), Se { channels: 24, activation: Relu6, gate: HardSigmoid });
    assert_eq!(se(v3, narrow).channels, 8);
    // Half of an odd number: to even, down.
    let half = "ir_r1_k3_s1_e1_c16_se0.3125";
    assert_eq!(se("squeeze_excite: {rounding: nearest}", half).channels, 8);
    assert_eq!(se("squeeze_excite: {rounding: floor}", half).channels, 7);
    assert_eq!(se("squeeze_excite: {rounding: floor}", "ir_r1_k3_s1_e1_c16_se0.01").channels, 1);
}

#[test]
fn valid_padding_is_none() {
    let network = network("13x12x1", "", &["{op: sepconv, kernel: 5, stride: 2, filters: 8, padding: valid}"]);
    let layer = &network.layers[1];
    assert_eq!((layer.pads, layer.output), (Pads::NONE, Shape { height: 5, width: 4, channels: 8 }));
    // Shapes change, so there is no skip.
    assert_eq!(skips(&resolve(&load("mini_xception")))[..2], [Skip::None, Skip::None]);
}

#[test]
fn resnets_blocks_project_where_shapes_change() {
    use Skip::{Identity, None, Projection};
    let network = resolve(&load("resnet50"));
    let of = |block: &str| -> Vec<Skip> {
        network.layers.iter().filter(|layer| layer.name.starts_with(block)).map(|layer| layer.skip).collect()
    };
    assert_eq!((of("stem"), of("blocks.0.")), (vec![None], vec![None]));
    // The first has its stride in the pool before, and still four times as many channels.
    assert_eq!(of("blocks.1."), [Projection, Identity, Identity]);
    assert_eq!(of("blocks.2."), [Projection, Identity, Identity, Identity]);
    let pool = &network.layers[1];
    assert_eq!((pool.pads, pool.output), (Pads { top: 1, left: 1, bottom: 1, right: 1 }, network.layers[2].input));
    assert_eq!(network.layers[1].output, Shape { height: 56, width: 56, channels: 64 });
    assert_eq!(network.layers[2].op, LayerOp::Bottleneck { reduced: 64, activation: Activation::Relu });
    // TensorFlow pads a 3x3 pool that strides below and to the right.
    let same = resolve(&load("resnet50").replace("padding: symmetric", "padding: same"));
    assert_eq!(same.layers[1].pads, Pads { top: 0, left: 0, bottom: 1, right: 1 });
}

#[test]
fn modules_of_xception_stride_in_their_pool() {
    let xception = resolve(&load("mini_xception_se"));
    let sides: Vec<usize> = xception.layers.iter().map(|layer| layer.output.height).collect();
    assert_eq!(sides, [62, 60, 30, 15, 8, 4]);
    let pools = [(0, 1), (0, 1), (1, 1), (0, 1)];
    for (layer, (before, after)) in xception.layers[2..].iter().zip(pools) {
        let one = Pads { top: 1, left: 1, bottom: 1, right: 1 };
        let pool = Pads { top: before, left: before, bottom: after, right: after };
        let channels = layer.output.channels / 4;
        let se = Some(Se { channels, activation: Activation::Relu, gate: Activation::Sigmoid });
        assert_eq!(
            layer.op,
            LayerOp::Xception { activation: Activation::Relu, se, pool: Some(pool) },
            "{}",
            layer.name
        );
        assert_eq!((layer.pads, layer.skip), (one, Skip::Projection));
    }
    let flat = network("9x9x1", "", &["{op: xception, kernel: 3, filters: 8, layers: 2, padding: valid}"]);
    assert_eq!(flat.layers[1].op, LayerOp::Xception { activation: Activation::Relu, se: None, pool: None });
    assert_eq!(flat.layers[2].output, Shape { height: 1, width: 1, channels: 8 });
}

#[test]
fn a_hidden_layer_scales_as_the_head_does() {
    let text = load("mobilenet_v3_large");
    let hidden = |scale: &str| resolve(&format!("{text}{scale}\n")).head.and_then(|head| head.hidden);
    assert_eq!(hidden(""), Some((1280, Activation::HardSwish)));
    assert_eq!(hidden("scale: {width: 0.5}"), Some((1280, Activation::HardSwish)));
    assert_eq!(hidden("scale: {width: 0.5, head: scaled}"), Some((640, Activation::HardSwish)));
    assert_eq!(hidden("scale: {width: 0.5, head: at_least}"), Some((1280, Activation::HardSwish)));
}

#[test]
fn efficientnet_lite_scales_as_its_family_does() {
    for (width, depth, side, parameters) in [
        (1.0, 1.1, 240, 5_416_680),
        (1.1, 1.2, 260, 6_092_072),
        (1.2, 1.4, 280, 8_197_096),
        (1.4, 1.8, 300, 13_006_568),
    ] {
        let text = load("efficientnet_lite0")
            .replace("224x224", &format!("{side}x{side}"))
            .replace("resize: 256", "resize: 350");
        let scale = format!("scale: {{width: {width}, depth: {depth}, stem: fixed, ends: fixed}}");
        assert_eq!(resolve(&format!("{text}{scale}\n")).parameters(), parameters, "{scale}");
    }
}

#[test]
fn mobilenet_v2_widths_cost_what_its_authors_say() {
    // Millions of MACs.
    for (width, millions) in [(0.35, 59), (0.5, 97), (0.75, 209), (1.0, 300), (1.3, 509), (1.4, 582)] {
        let text = format!("{}scale: {{width: {width}, head: at_least}}\n", load("mobilenet_v2"));
        assert_eq!(resolve(&text).macs() / 1_000_000, millions, "{width}");
    }
}

#[test]
fn pictures_are_prepared_as_each_network_was_trained() {
    let lite = resolve(&load("efficientnet_lite0")).preprocess;
    let lite = lite.unwrap_or_else(|| panic!("no preprocess"));
    assert_eq!((lite.divide, lite.resize, lite.mean, lite.std), (1.0, 256, vec![127.0; 3], vec![128.0; 3]));
    let a1 = resolve(&load("mnasnet_a1")).preprocess;
    let a1 = a1.unwrap_or_else(|| panic!("no preprocess"));
    assert_eq!((a1.divide, a1.resize, a1.mean), (255.0, 256, vec![0.485, 0.456, 0.406]));
    let grey = network("100x80x1", "preprocess: {mean: 0.5, std: [0.25]}", &["ir_r1_k3_s1_e6_c8"]).preprocess;
    let grey = grey.unwrap_or_else(|| panic!("no preprocess"));
    // 100 / 0.875 is 114.3.
    assert_eq!((grey.resize, grey.mean, grey.std), (115, vec![0.5], vec![0.25]));
}

#[test]
fn a_layer_knows_its_line() {
    let text = load("mnasnet_a1");
    let spec = mnas_dsl::parse_yaml(&text, "a1.yaml").unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let line = |start: &str| text.lines().position(|line| line.contains(start)).map(|at| at + 1);
    assert_eq!(spec.line_of("stem"), line("stem:"));
    assert_eq!(spec.line_of("blocks.0.0"), line("sepconv"));
    assert_eq!(spec.line_of("blocks.2.1"), line("filters: 40"));
    assert_eq!(spec.line_of("blocks.7.0"), None);
    assert_eq!(spec.line_of("head"), None);
}

/// Spans of macros are tied to their thread, so specs and mistakes hold numbers of tokens instead.
#[test]
fn specs_and_mistakes_go_between_threads() {
    fn check<T: Send + Sync + 'static>() {}
    check::<mnas_dsl::Spec>();
    check::<Network>();
    check::<mnas_dsl::Diagnostics>();
}
