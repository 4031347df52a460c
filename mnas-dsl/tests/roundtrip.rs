//! What is printed reads as the same spec, in both notations and from one to the other.

mod common;

use common::{SHIPPED, load};
use mnas_dsl::{MacroSource, Spec, block_string, parse_tokens, parse_yaml};

/// Every key and every form of a value.
const EVERYTHING: &str = r#"
name: yes_net2
input: 768x640x1
preprocess: {mean: -1e-7, std: [1e5], range: 1, resize: 1024, interpolation: bicubic}
labels: "a \"b\"/c\\d.txt"
batch_norm: {eps: 1e-7}
padding: symmetric
activation: hard_swish
squeeze_excite: {of: expanded, rounding: channels, activation: relu, gate: hard_sigmoid}
stem: {op: conv, kernel: 5, stride: 2, filters: 8, activation: swish}
blocks:
  - {op: conv, kernel: 1, filters: 8, skip: identity, activation: linear}
  - {op: conv, kernel: 3, stride: 1, filters: 8, layers: 2}
  - {op: sepconv, kernel: 3, filters: 16, pointwise_activation: relu6, se: 0.5}
  - {op: sepconv, kernel: 3, filters: 16, pointwise_activation: same}
  - {op: sepconv, kernel: 3, filters: 16, pointwise_activation: linear, activation: sigmoid}
  - {op: mbconv, expand: 2.5, kernel: 7, stride: 2, filters: 24, layers: 3, se: 0.25, skip: none, activation: hard_sigmoid}
  - {op: mbconv, expand: 1, kernel: 3, stride: 2, filters: 24, skip: pool}
  - {op: fused_mbconv, expand: 3, kernel: 3, filters: 24, se: 0.25, skip: projection, padding: symmetric}
  - {op: bottleneck, kernel: 3, stride: 2, filters: 64, layers: 2, reduce: 0.5, skip: identity}
  - {op: max_pool, kernel: 3, stride: 2, padding: same}
  - {op: xception, kernel: 3, stride: 2, filters: 24, se: 0.125, skip: none, padding: valid}
  - er_r2_k5_s2_e8_c32_se0.25_nhs_noskip
  - dsa_r1_k3_s1_c24_nhs
  - ds_r2_k3_c24_se0.25_nre_noskip
  - cn_r1_k1_s1_c40_skip
  - cn_r1_k1_s1_c40
  - r3_k5_s22_e2.5_i40_o40_se0.25
  - r1_k3_s11_e1_i40_o16_noskip
head: {filters: 64, pool: average, hidden: 32, dropout: 0.2, classes: 7, activation: relu}
scale: {width: 0.5, depth: 1.5, stem: fixed, head: at_least, ends: fixed}
"#;

const CONVOLUTION_AT_THE_END: &str = "
name: net
input: 32x32x3
stem: {op: conv, kernel: 3, filters: 8, padding: valid}
blocks: [{op: max_pool, kernel: 3}]
head: {filters: 16, kernel: 3, classes: 10}
";

const BACKBONE: &str = "
name: on
input: 32x32x3
stem: {op: conv, kernel: 3, filters: 8}
blocks: [ir_r1_k3_s2_e6_c16]
head: none
";

const EMPTY_MAPS: &str = "
name: net
input: 32x32x3
preprocess: {}
stem: {op: conv, kernel: 3, filters: 8}
blocks: [ir_r1_k3_s2_e6_c16]
head: {classes: 2}
scale: {}
";

fn yaml(text: &str) -> Spec {
    parse_yaml(text, "spec.yaml").unwrap_or_else(|mistakes| panic!("{mistakes}\n{text}"))
}

fn tokens(text: &str) -> Spec {
    let stream = text.parse().unwrap_or_else(|error| panic!("{error}\n{text}"));
    match parse_tokens(stream).unwrap_or_else(|mistakes| panic!("{mistakes}\n{text}")).source {
        MacroSource::Inline(spec) => *spec,
        MacroSource::File { path, .. } => panic!("a file: {path}"),
    }
}

#[test]
fn both_notations_read_back_what_they_print() {
    let mut texts: Vec<String> = SHIPPED.iter().map(|name| load(name)).collect();
    texts.extend([EVERYTHING, CONVOLUTION_AT_THE_END, BACKBONE, EMPTY_MAPS].map(str::to_owned));
    for text in texts {
        let spec = yaml(&text);
        let (as_yaml, as_tokens) = (spec.to_yaml(), spec.to_tokens());
        assert_eq!(yaml(&as_yaml), spec, "{as_yaml}");
        assert_eq!(tokens(&as_tokens), spec, "{as_tokens}");
        assert_eq!(yaml(&as_yaml).to_yaml(), as_yaml);
        assert_eq!(tokens(&as_tokens).to_tokens(), as_tokens);
        assert_eq!(tokens(&as_tokens).to_yaml(), as_yaml);
        assert_eq!(yaml(&as_yaml).to_tokens(), as_tokens);
        let mut ours = tokens(&as_tokens).resolve().unwrap_or_else(|mistakes| panic!("{mistakes}"));
        let mut theirs = spec.resolve().unwrap_or_else(|mistakes| panic!("{mistakes}"));
        // The one difference there may be: a layer quotes its block as it was written.
        for layer in ours.layers.iter_mut().chain(&mut theirs.layers) {
            layer.source.clear();
        }
        assert_eq!(ours, theirs);
    }
}

#[test]
fn printed_specs_look_like_this() {
    let spec = yaml(&load("mnasnet_a1"));
    assert_eq!(
        spec.to_tokens(),
        "pub struct MnasnetA1<224 x 224 x 3, 1000> {
    preprocess mean [0.485, 0.456, 0.406] std [0.229, 0.224, 0.225];
    labels imagenet;
    batch_norm eps 0.001;
    padding same;
    activation relu;
    stem conv k3 s2 c32;
    sepconv k3 c16 noskip;
    mbconv e6 k3 s2 c24 r2;
    mbconv e3 k5 s2 c40 r3 se0.25;
    mbconv e6 k3 s2 c80 r4;
    mbconv e6 k3 c112 r2 se0.25;
    mbconv e6 k5 s2 c160 r3 se0.25;
    mbconv e6 k3 c320;
    head c1280 pool average dropout 0.2;
}
"
    );
    // The shipped file is in the printed form, apart from its comments and from how a number is written.
    let shipped: String =
        load("mnasnet_a1")
            .lines()
            .filter(|line| !line.starts_with('#'))
            .map(|line| format!("{}\n", line.split("  #").next().unwrap_or(line).trim_end()))
            .map(|line| {
                if line.contains('#') { line[..line.find('#').unwrap_or(0)].trim_end().to_owned() + "\n" } else { line }
            })
            .collect();
    assert_eq!(spec.to_yaml(), shipped.replace("1e-3", "0.001"));
}

#[test]
fn block_strings_are_exact_both_ways() {
    let timm = "ds_r1_k3_s1_e1_c16_noskip ir_r2_k3_s2_e6_c24 ir_r3_k5_s2_e3_c40_se0.25 ir_r1_k3_s1_e6_c320_noskip
        ds_r1_k3_s1_c8 dsa_r6_k3_s2_c512 ds_r1_k3_s1_e1_c16_nre ir_r1_k3_s1_e2.5_c80 ir_r2_k3_s1_e2.3_c80
        cn_r1_k1_s1_c960 ds_r1_k3_s2_e1_c16_se0.25_nre ir_r1_k3_s1_e3.67_c24_nre ir_r1_k3_s1_e1_c24
        cn_r1_k3_s1_c24_skip er_r2_k3_s2_e8_c32 er_r1_k5_s1_e4_c24_se0.25_noskip ir_r1_k3_s1_e6_c320_nr6 ir_r1_k3_s1_e6_c320_nhs ir_r1_k3_s1_e6_c320_nsw";
    for text in timm.split_whitespace() {
        let block = block_string::parse(text).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        assert_eq!(block_string::to_timm(&block).as_deref(), Some(text));
    }
    let tensorflow = "r1_k3_s11_e1_i32_o16_noskip r2_k3_s22_e6_i16_o24 r3_k5_s22_e3_i24_o40_se0.25
        r4_k3_s22_e6_i40_o80 r1_k3_s11_e6_i192_o320_noskip r5_k3_s22_e9_i36_o48";
    for text in tensorflow.split_whitespace() {
        let block = block_string::parse(text).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        // The number in the string overrides the argument.
        assert_eq!(block_string::to_tensorflow(&block, 1).as_deref(), Some(text));
    }
    // From one to the other and back.
    for (timm, tensorflow, input) in [
        ("ds_r1_k3_s1_c16_noskip", "r1_k3_s11_e1_i32_o16_noskip", 32),
        ("ir_r3_k5_s2_e3_c40_se0.25", "r3_k5_s22_e3_i24_o40_se0.25", 24),
    ] {
        let block = block_string::parse(timm).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        assert_eq!(block_string::to_tensorflow(&block, input).as_deref(), Some(tensorflow));
        let mut block = block_string::parse(tensorflow).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        if timm.starts_with("ds") {
            block.expand_ratio = None;
        }
        assert_eq!(block_string::to_timm(&block).as_deref(), Some(timm));
    }
}

#[test]
fn tensorflow_and_timm_strings_mean_the_paper_table() {
    let a1 = yaml(&load("mnasnet_a1")).resolve().unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let (head, _) =
        load("mnasnet_a1").split_once("blocks:").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap_or_default();
    for strings in [
        "ds_r1_k3_s1_e1_c16_noskip ir_r2_k3_s2_e6_c24 ir_r3_k5_s2_e3_c40_se0.25 ir_r4_k3_s2_e6_c80 \
         ir_r2_k3_s1_e6_c112_se0.25 ir_r3_k5_s2_e6_c160_se0.25 ir_r1_k3_s1_e6_c320",
        "r1_k3_s11_e1_i32_o16_noskip r2_k3_s22_e6_i16_o24 r3_k5_s22_e3_i24_o40_se0.25 r4_k3_s22_e6_i40_o80 \
         r2_k3_s11_e6_i80_o112_se0.25 r3_k5_s22_e6_i112_o160_se0.25 r1_k3_s11_e6_i160_o320",
    ] {
        let blocks = strings.split(' ').map(|it| format!("  - {it}\n")).collect::<String>();
        let text = format!("{head}blocks:\n{blocks}head: {{filters: 1280, classes: 1000}}\n");
        let mut network = yaml(&text).resolve().unwrap_or_else(|mistakes| panic!("{mistakes}"));
        for (layer, paper) in network.layers.iter_mut().zip(&a1.layers) {
            layer.source.clone_from(&paper.source);
        }
        assert_eq!(network, a1);
    }
}
