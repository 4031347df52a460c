//! Networks written by hand, weights and images for tests.

use std::fs;
use std::path::Path;

use mnas_codegen::graph::{Conv, Graph, Op};
use mnas_codegen::weights::{WeightTensor, Weights};
use mnas_dsl::network::{Activation, Classifier, Head, Layer, LayerOp, Network, Pads, Se, Shape, Skip};

/// A block of a test network; its shapes follow from what is before it.
pub(crate) struct Block {
    pub(crate) kernel_size: usize,
    pub(crate) stride: usize,
    pub(crate) filters: usize,
    pub(crate) op: LayerOp,
    pub(crate) skip: Skip,
    pub(crate) symmetric: bool,
}

impl Block {
    pub(crate) fn new(op: LayerOp, kernel_size: usize, stride: usize, filters: usize) -> Self {
        Block { kernel_size, stride, filters, op, skip: Skip::None, symmetric: false }
    }

    pub(crate) fn skip(self, skip: Skip) -> Self {
        Block { skip, ..self }
    }

    pub(crate) fn symmetric(self) -> Self {
        Block { symmetric: true, ..self }
    }
}

pub(crate) fn conv(activation: Activation) -> LayerOp {
    LayerOp::Conv { activation }
}

pub(crate) fn sepconv(activation: Activation, se: Option<Se>, pointwise_activation: Activation) -> LayerOp {
    LayerOp::SepConv { activation, se, pointwise_activation }
}

pub(crate) fn mbconv(expanded: usize, activation: Activation, se: Option<Se>) -> LayerOp {
    LayerOp::MbConv { expanded, activation, se }
}

pub(crate) fn se(channels: usize, activation: Activation, gate: Activation) -> Option<Se> {
    Some(Se { channels, activation, gate })
}

/// Chains blocks; the first is the stem.
pub(crate) fn network(name: &str, input: (usize, usize, usize), blocks: Vec<Block>, head: Option<Head>) -> Network {
    let mut shape = Shape { height: input.0, width: input.1, channels: input.2 };
    let input = shape;
    let mut layers = Vec::new();
    for (index, block) in blocks.into_iter().enumerate() {
        let (top, bottom) = pads(shape.height, &block);
        let (left, right) = pads(shape.width, &block);
        let size = |size: usize, pad: usize| (size + pad - block.kernel_size) / block.stride + 1;
        let output = Shape {
            height: size(shape.height, top + bottom),
            width: size(shape.width, left + right),
            channels: block.filters,
        };
        layers.push(Layer {
            name: if index == 0 { "stem".to_owned() } else { format!("blocks.{}.0", index - 1) },
            source: format!("block {index}"),
            input: shape,
            output,
            kernel_size: block.kernel_size,
            stride: block.stride,
            pads: Pads { top, left, bottom, right },
            op: block.op,
            skip: block.skip,
        });
        shape = output;
    }
    Network { name: name.to_owned(), input, preprocess: None, labels: None, batch_norm_eps: 1e-3, layers, head }
}

fn pads(size: usize, block: &Block) -> (usize, usize) {
    if block.symmetric {
        let pad = (block.stride - 1 + block.kernel_size - 1) / 2;
        return (pad, pad);
    }
    let total = ((size.div_ceil(block.stride) - 1) * block.stride + block.kernel_size).saturating_sub(size);
    (total / 2, total - total / 2)
}

/// Small networks that hold every operator, activation, skip and padding between them.
pub(crate) fn every_feature() -> Vec<Network> {
    use Activation::{HardSigmoid, HardSwish, Linear, Relu, Relu6, Sigmoid, Swish};
    let head = |conv, classes| Some(Head { conv, hidden: None, classifier: Classifier::Linear, classes });
    vec![
        network(
            "relu_same",
            (19, 17, 3),
            vec![
                Block::new(conv(Relu), 3, 2, 8),
                Block::new(sepconv(Relu, None, Linear), 3, 1, 8).skip(Skip::Identity),
                Block::new(mbconv(24, Relu, se(2, Relu, Sigmoid)), 5, 2, 10),
                Block::new(mbconv(30, Relu, se(3, Relu, Sigmoid)), 3, 1, 10).skip(Skip::Identity),
                Block::new(mbconv(20, Relu, None), 3, 2, 10).skip(Skip::Pool),
                Block::new(mbconv(20, Relu, None), 3, 1, 10).skip(Skip::Pool),
            ],
            head(Some((13, Relu)), 7),
        ),
        network(
            "hard_swish_symmetric",
            (16, 16, 3),
            vec![
                Block::new(conv(HardSwish), 3, 2, 6).symmetric(),
                Block::new(sepconv(Relu6, se(4, Relu, HardSigmoid), Relu6), 5, 2, 9).symmetric(),
                Block::new(mbconv(9, Swish, se(1, Swish, Sigmoid)), 3, 1, 9).skip(Skip::Identity).symmetric(),
                Block::new(conv(Sigmoid), 3, 1, 9).skip(Skip::Identity).symmetric(),
                Block::new(conv(Linear), 1, 1, 5).symmetric(),
            ],
            head(None, 3),
        ),
        network(
            "backbone",
            (9, 12, 1),
            vec![
                Block::new(conv(Relu6), 5, 1, 4),
                Block::new(conv(HardSigmoid), 3, 2, 4).skip(Skip::Pool),
                Block::new(mbconv(7, HardSwish, se(3, HardSwish, HardSigmoid)), 7, 1, 4).skip(Skip::Identity),
            ],
            None,
        ),
        network("stem_only", (4, 4, 2), vec![Block::new(conv(Linear), 3, 1, 2).skip(Skip::Identity)], None),
    ]
}

/// Networks of blocks from elsewhere than MBConv's family, small.
pub(crate) fn other_families() -> Vec<Network> {
    let resnet = "
name: resnet
input: 37x30x3
padding: symmetric
stem: {op: conv, kernel: 7, stride: 2, filters: 9}
blocks:
  - {op: max_pool, kernel: 3, stride: 2}
  - {op: bottleneck, kernel: 3, filters: 20, layers: 2, activation: relu6}
  - {op: bottleneck, kernel: 3, stride: 2, filters: 24, layers: 2, reduce: 0.5}
  - {op: bottleneck, kernel: 3, filters: 24, skip: none, activation: hard_swish}
head: {classes: 7}
";
    let xception = "
name: xception
input: 29x23x1
squeeze_excite: {of: expanded}
stem: {op: conv, kernel: 3, filters: 5, padding: valid}
blocks:
  - {op: conv, kernel: 3, filters: 7, padding: valid}
  - {op: xception, kernel: 3, stride: 2, filters: 10, layers: 2}
  - {op: xception, kernel: 5, stride: 2, filters: 12, se: 0.25, activation: swish}
  - {op: max_pool, kernel: 3, padding: valid}
  - {op: xception, kernel: 3, filters: 9, skip: none}
head: {kernel: 3, classes: 6}
";
    let edge = "
name: edge
input: 20x22x3
activation: hard_swish
squeeze_excite: {rounding: floor, activation: relu, gate: hard_sigmoid}
stem: {op: conv, kernel: 3, stride: 2, filters: 8}
blocks:
  - {op: fused_mbconv, expand: 3, kernel: 3, filters: 8, se: 0.25}
  - {op: fused_mbconv, expand: 4, kernel: 5, stride: 2, filters: 12, layers: 2}
  - {op: mbconv, expand: 3, kernel: 3, stride: 2, filters: 16, se: 0.5, skip: projection}
  - {op: sepconv, kernel: 3, filters: 18, skip: projection, padding: symmetric}
head: {hidden: 11, classes: 5}
";
    [resnet, xception, edge].map(|text| mnas_dsl::load_yaml(text, "net.yaml").unwrap().1).into()
}

/// Every shipped spec; pictures of 224x224 become square with sides of `size`.
pub(crate) fn shipped(size: usize) -> Vec<Network> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../specs");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    files
        .iter()
        .map(|file| {
            let text = fs::read_to_string(file).unwrap();
            let text = text.replace("\ninput: 224x224x3\n", &format!("\ninput: {size}x{size}x3\n"));
            let (_, network) = mnas_dsl::load_yaml(&text, &file.display().to_string()).unwrap();
            network
        })
        .collect()
}

/// A generator of test values (xorshift64*), uniform in \[-1, 1).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn next(&mut self) -> f32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let bits = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 40;
        bits as f32 / (1u32 << 23) as f32 - 1.0
    }

    pub(crate) fn values(&mut self, len: usize) -> Vec<f32> {
        (0..len).map(|_| self.next()).collect()
    }
}

/// Weights for every parameter of a graph (fused or not), scaled so that activations neither die nor explode.
pub(crate) fn weights(graph: &Graph, seed: u64) -> Weights {
    let mut random = Random::new(seed);
    let mut weights = Weights::new();
    for node in &graph.nodes {
        match &node.op {
            Op::Conv(conv) => {
                conv_weights(&mut weights, conv, &mut random);
                if let Some((param, _)) = &conv.batch_norm {
                    batch_norm_weights(&mut weights, param, conv.output_channels, &mut random);
                }
            }
            Op::BatchNorm { param, .. } => {
                batch_norm_weights(&mut weights, param, graph.shape(node.output).channels, &mut random);
            }
            Op::Linear { param } => {
                let (outputs, inputs) = (graph.shape(node.output).channels, graph.shape(node.inputs[0]).channels);
                let spread = (3.0 / inputs as f32).sqrt();
                insert(&mut weights, format!("{param}.weight"), &[outputs, inputs], &mut random, |x| x * spread);
                insert(&mut weights, format!("{param}.bias"), &[outputs], &mut random, |x| x);
            }
            Op::SqueezeExcite { reduce, expand } => {
                conv_weights(&mut weights, reduce, &mut random);
                conv_weights(&mut weights, expand, &mut random);
            }
            _ => {}
        }
    }
    weights
}

fn conv_weights(weights: &mut Weights, conv: &Conv, random: &mut Random) {
    let shape = conv.weight_shape();
    let spread = (6.0 / (conv.weight_len() / conv.output_channels) as f32).sqrt();
    insert(weights, format!("{}.weight", conv.param), &shape, random, |x| x * spread);
    if conv.bias {
        insert(weights, format!("{}.bias", conv.param), &[conv.output_channels], random, |x| x);
    }
}

fn batch_norm_weights(weights: &mut Weights, param: &str, channels: usize, random: &mut Random) {
    insert(weights, format!("{param}.weight"), &[channels], random, |x| 1.0 + 0.3 * x);
    insert(weights, format!("{param}.bias"), &[channels], random, |x| 0.3 + 0.5 * x);
    insert(weights, format!("{param}.running_mean"), &[channels], random, |x| 0.3 * x);
    insert(weights, format!("{param}.running_var"), &[channels], random, |x| 1.0 + 0.4 * x);
}

fn insert(weights: &mut Weights, name: String, shape: &[usize], random: &mut Random, map: impl Fn(f32) -> f32) {
    let data = random.values(shape.iter().product()).into_iter().map(map).collect();
    weights.insert(name, WeightTensor { shape: shape.to_vec(), data });
}

/// An image for a graph.
pub(crate) fn image(graph: &Graph, seed: u64) -> Vec<f32> {
    Random::new(seed).values(graph.shape(graph.input).len())
}
