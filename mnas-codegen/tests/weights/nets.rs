//! Networks written by hand, as far as weights depend on them.

use mnas_dsl::network::{Activation, Head, Layer, LayerOp, Network, Pads, Se, Shape, Skip};

/// A block: op, repeats, kernel, stride, filters, expansion (0 for a separable convolution), squeeze-excite in percent.
pub(crate) type Block = (usize, usize, usize, usize, usize, usize);

/// MnasNet-A1 as in the paper's table: repeats, kernel, stride, expansion, filters, squeeze-excite in percent.
pub(crate) const MNASNET_A1: [Block; 7] = [
    (1, 3, 1, 0, 16, 0),
    (2, 3, 2, 6, 24, 0),
    (3, 5, 2, 3, 40, 25),
    (4, 3, 2, 6, 80, 0),
    (2, 3, 1, 6, 112, 25),
    (3, 5, 2, 6, 160, 25),
    (1, 3, 1, 6, 320, 0),
];

/// MobileNetV2.
pub(crate) const MOBILENET_V2: [Block; 7] = [
    (1, 3, 1, 0, 16, 0),
    (2, 3, 2, 6, 24, 0),
    (3, 3, 2, 6, 32, 0),
    (4, 3, 2, 6, 64, 0),
    (3, 3, 1, 6, 96, 0),
    (3, 3, 2, 6, 160, 0),
    (1, 3, 1, 6, 320, 0),
];

/// EfficientNet-Lite0.
pub(crate) const EFFICIENTNET_LITE0: [Block; 7] = [
    (1, 3, 1, 0, 16, 0),
    (2, 3, 2, 6, 24, 0),
    (2, 5, 2, 6, 40, 0),
    (3, 3, 2, 6, 80, 0),
    (3, 5, 1, 6, 112, 0),
    (4, 5, 2, 6, 192, 0),
    (1, 3, 1, 6, 320, 0),
];

/// How a table of blocks becomes a network.
pub(crate) struct Options {
    pub(crate) name: &'static str,
    pub(crate) size: usize,
    pub(crate) stem: usize,
    pub(crate) activation: Activation,
    pub(crate) same_padding: bool,
    pub(crate) batch_norm_eps: f64,
    pub(crate) head: Option<(usize, usize)>,
}

pub(crate) fn network(options: &Options, blocks: &[Block]) -> Network {
    let mut at = Shape { height: options.size, width: options.size, channels: 3 };
    let mut layers = Vec::new();
    let activation = options.activation;
    let mut push = |name: String, kernel_size: usize, stride: usize, channels: usize, op: LayerOp| {
        let output = Shape { height: at.height.div_ceil(stride), width: at.width.div_ceil(stride), channels };
        let before = |input: usize, output: usize| match options.same_padding {
            true => ((output - 1) * stride + kernel_size).saturating_sub(input) / 2,
            false => kernel_size / 2,
        };
        let total = |input: usize, output: usize| ((output - 1) * stride + kernel_size).saturating_sub(input);
        let (top, left) = (before(at.height, output.height), before(at.width, output.width));
        let bottom = total(at.height, output.height).saturating_sub(top);
        let right = total(at.width, output.width).saturating_sub(left);
        let adds = name != "stem" && at == output;
        let skip = if adds { Skip::Identity } else { Skip::None };
        let pads = Pads { top, left, bottom, right };
        layers.push(Layer { name, source: String::new(), input: at, output, kernel_size, stride, pads, op, skip });
        at = output;
    };
    push("stem".into(), 3, 2, options.stem, LayerOp::Conv { activation });
    let mut channels = options.stem;
    for (block, &(repeats, kernel, stride, expand, filters, se)) in blocks.iter().enumerate() {
        for repeat in 0..repeats {
            let se = (se > 0).then(|| Se {
                channels: (channels * se / 100).max(1),
                activation: Activation::Relu,
                gate: Activation::Sigmoid,
            });
            let op = match expand {
                0 => LayerOp::SepConv { activation, se, pointwise_activation: Activation::Linear },
                _ => LayerOp::MbConv { expanded: channels * expand, activation, se },
            };
            let stride = if repeat == 0 { stride } else { 1 };
            push(format!("blocks.{block}.{repeat}"), kernel, stride, filters, op);
            channels = filters;
        }
    }
    let input = layers[0].input;
    let head = options.head.map(|(conv, classes)| Head { conv: Some((conv, activation)), classes });
    Network {
        name: options.name.into(),
        input,
        preprocess: None,
        labels: None,
        batch_norm_eps: options.batch_norm_eps,
        layers,
        head,
    }
}

pub(crate) fn mnasnet_a1(size: usize) -> Network {
    let options = Options {
        name: "mnasnet_a1",
        size,
        stem: 32,
        activation: Activation::Relu,
        same_padding: true,
        batch_norm_eps: 1e-3,
        head: Some((1280, 1000)),
    };
    network(&options, &MNASNET_A1)
}

pub(crate) fn mobilenet_v2(size: usize) -> Network {
    let options = Options {
        name: "mobilenet_v2",
        size,
        stem: 32,
        activation: Activation::Relu6,
        same_padding: false,
        batch_norm_eps: 1e-5,
        head: Some((1280, 1000)),
    };
    network(&options, &MOBILENET_V2)
}

pub(crate) fn efficientnet_lite0(size: usize) -> Network {
    let options = Options {
        name: "efficientnet_lite0",
        size,
        stem: 32,
        activation: Activation::Relu6,
        same_padding: true,
        batch_norm_eps: 1e-3,
        head: Some((1280, 1000)),
    };
    network(&options, &EFFICIENTNET_LITE0)
}

/// A stem, a separable convolution, an inverted residual with squeeze-excite, ten classes.
pub(crate) fn tiny() -> Network {
    let options = Options {
        name: "tiny",
        size: 8,
        stem: 4,
        activation: Activation::Relu,
        same_padding: true,
        batch_norm_eps: 1e-3,
        head: Some((6, 10)),
    };
    network(&options, &[(1, 3, 1, 0, 4, 0), (1, 3, 2, 3, 4, 25)])
}
