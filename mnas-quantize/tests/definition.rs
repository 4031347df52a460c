//! The executor of int8 against real arithmetic in f64, node by node, on networks with every kind of block.

use mnas_codegen::graph::{Node, Op, TensorId};
use mnas_codegen::quantized::{self, Quantized, Value, conv_of};
use mnas_codegen::reference::apply_activation;
use mnas_codegen::weights::random;
use mnas_dsl::network::Network;
use mnas_quantize::{Method, Observations, Options, quantize};
use std::collections::BTreeMap;

const BLOCKS: &str = "
name: every_block
input: 13x11x3
padding: same
activation: relu6
squeeze_excite: {of: expanded, activation: relu, gate: sigmoid}
stem: {op: conv, kernel: 3, stride: 2, filters: 10}
blocks:
  - {op: sepconv, kernel: 3, filters: 9, layers: 2}
  - {op: mbconv, expand: 3, kernel: 5, filters: 9, se: 0.25, activation: hard_swish, layers: 2}
  - {op: mbconv, expand: 2, kernel: 3, stride: 2, filters: 12, activation: swish}
  - {op: fused_mbconv, expand: 2, kernel: 3, filters: 12}
  - {op: max_pool, kernel: 3, stride: 2}
  - {op: bottleneck, kernel: 3, filters: 20, layers: 2}
head: {filters: 24, classes: 7}
";

/// A network whose output is the activation of a sum.
const BACKBONE: &str = "
name: backbone
input: 9x7x3
padding: same
activation: hard_swish
stem: {op: conv, kernel: 3, stride: 1, filters: 8}
blocks:
  - {op: bottleneck, kernel: 3, filters: 8, layers: 2}
head: none
";

fn network() -> Network {
    network_of(BLOCKS)
}

fn network_of(text: &str) -> Network {
    let (_, network) = mnas_dsl::load_yaml(text, "network.yaml").unwrap_or_else(|e| panic!("{e:?}"));
    network
}

fn images(network: &Network, count: usize) -> Vec<Vec<f32>> {
    let value = |i: usize| ((i * 2_654_435_761) % 1_000_003) as f32 / 500_001.5 - 1.0;
    (0..count).map(|n| (0..network.input.len()).map(|i| value(i + n * 7919)).collect()).collect()
}

fn quantized(options: &Options) -> (Network, Quantized, Vec<Vec<f32>>) {
    quantized_of(BLOCKS, options)
}

fn quantized_of(text: &str, options: &Options) -> (Network, Quantized, Vec<Vec<f32>>) {
    let network = network_of(text);
    let weights = random(&network, 3);
    let graph = quantized::graph(&network);
    let images = images(&network, 12);
    let mut observations = Observations::new(&graph);
    images.iter().for_each(|image| observations.add(&graph, &weights, image).unwrap());
    let quantized = quantize(&graph, &weights, &observations, &images[..4], options).unwrap();
    (network, quantized, images)
}

fn every_option() -> Vec<Options> {
    let mut all = Vec::new();
    for method in [Method::Mse, Method::MinMax, Method::Percentile(99.9)] {
        for (by_channel, rounding, bias_correction) in [(true, true, true), (true, false, false), (false, false, true)]
        {
            all.push(Options { method, by_channel, rounding, bias_correction });
        }
    }
    all
}

/// Real values of a map.
fn real(network: &Quantized, id: TensorId, bytes: &[u8]) -> Vec<f64> {
    let (map, channels) = (network.map(id), network.graph.shape(id).channels);
    let value = |(i, q): (usize, &u8)| f64::from(map.scale(i % channels)) * (f64::from(*q) - f64::from(map.zero));
    bytes.iter().enumerate().map(value).collect()
}

/// What a node makes of real operands, before it is rounded to bytes.
fn expected(network: &Quantized, node: &Node, values: &BTreeMap<TensorId, Vec<f64>>) -> Vec<f64> {
    let graph = &network.graph;
    let x = &values[&node.inputs[0]];
    let (input, output) = (graph.shape(node.inputs[0]), graph.shape(node.output));
    let at = |row: isize, column: isize, channel: usize| -> Option<f64> {
        let inside = row >= 0 && column >= 0 && (row as usize) < input.height && (column as usize) < input.width;
        inside.then(|| x[(row as usize * input.width + column as usize) * input.channels + channel])
    };
    let window = |kernel_size: usize, stride: usize, top: usize, left: usize, reduce: &dyn Fn(Vec<f64>) -> f64| {
        let mut y = Vec::new();
        for i in 0..output.len() {
            let (pixel, channel) = (i / output.channels, i % output.channels);
            let (row, column) = (pixel / output.width * stride, pixel % output.width * stride);
            let taps = (0..kernel_size * kernel_size).filter_map(|tap| {
                let (row, column) = (row + tap / kernel_size, column + tap % kernel_size);
                at(row as isize - top as isize, column as isize - left as isize, channel)
            });
            y.push(reduce(taps.collect()));
        }
        y
    };
    match &node.op {
        Op::Add => x.iter().zip(&values[&node.inputs[1]]).map(|(a, b)| a + b).collect(),
        Op::Activation(activation) => x.iter().map(|&x| apply_activation(*activation, x)).collect(),
        Op::Multiply => {
            let gate = &values[&node.inputs[1]];
            x.iter().enumerate().map(|(i, x)| x * gate[i % gate.len()]).collect()
        }
        Op::GlobalAveragePool => {
            let mean = |c: usize| x.iter().skip(c).step_by(input.channels).sum::<f64>() / input.pixels() as f64;
            (0..input.channels).map(mean).collect()
        }
        Op::AveragePool { kernel_size, stride, pads } => {
            let mean = |taps: Vec<f64>| taps.iter().sum::<f64>() / taps.len() as f64;
            window(*kernel_size, *stride, pads.top, pads.left, &mean)
        }
        Op::MaxPool { kernel_size, stride, pads } => {
            window(*kernel_size, *stride, pads.top, pads.left, &|taps| taps.into_iter().fold(f64::MIN, f64::max))
        }
        _ => {
            let conv = conv_of(graph, node).unwrap();
            let layer = &network.layers[&conv.param];
            let [_, inputs, rows, columns] = conv.weight_shape();
            let map = network.map(node.inputs[0]);
            let mut y = Vec::new();
            for i in 0..output.len() {
                let (pixel, o) = (i / output.channels, i % output.channels);
                let (row, column) = (pixel / output.width * conv.stride, pixel % output.width * conv.stride);
                let unit = f64::from(network.sum_scale(&conv, node.inputs[0], o));
                let mut sum = f64::from(layer.bias[o]) * unit;
                for channel in 0..inputs {
                    let from = if conv.depthwise { o } else { channel };
                    // The real weight of a real input.
                    let scale = f64::from(layer.weight_scale[o])
                        / if map.by_channel() && !conv.depthwise { f64::from(map.scale(from)) } else { 1.0 };
                    for tap in 0..rows * columns {
                        let weight = f64::from(layer.weight[(o * inputs + channel) * rows * columns + tap]) * scale;
                        let (row, column) = (row + tap / columns, column + tap % columns);
                        let x =
                            at(row as isize - conv.pads.top as isize, column as isize - conv.pads.left as isize, from);
                        sum += weight * x.unwrap_or(0.0);
                    }
                }
                y.push(apply_activation(conv.activation, sum));
            }
            y
        }
    }
}

#[test]
fn each_node_is_real_arithmetic_rounded_once() {
    let backbone = (BACKBONE, Options::default());
    for (text, options) in every_option().into_iter().map(|options| (BLOCKS, options)).chain([backbone]) {
        let (_, network, images) = quantized_of(text, &options);
        let graph = &network.graph;
        let mut ties = 0;
        let mut seen = 0;
        for image in &images[..3] {
            let values = quantized::run(&network, image, |_| true);
            let mut reals: BTreeMap<TensorId, Vec<f64>> = BTreeMap::new();
            reals.insert(graph.input, real(&network, graph.input, values[&graph.input].bytes()));
            for node in &graph.nodes {
                let expected = expected(&network, node, &reals);
                let found = match &values[&node.output] {
                    Value::Bytes(bytes) => {
                        let (map, channels) = (network.map(node.output), graph.shape(node.output).channels);
                        for (i, (value, &q)) in expected.iter().zip(bytes).enumerate() {
                            let exact =
                                (value / f64::from(map.scale(i % channels)) + f64::from(map.zero)).clamp(0.0, 255.0);
                            let off = (exact - f64::from(q)).abs();
                            // `f32` arithmetic may fall on the other side of a tie.
                            assert!(off <= 0.5 + 2e-3, "{options:?} {} [{i}]: {exact} and {q}", node.name);
                            ties += usize::from(off > 0.5 - 2e-3);
                            seen += 1;
                        }
                        real(&network, node.output, bytes)
                    }
                    Value::Sum(sums) => {
                        let scale = f64::from(network.map(node.inputs[0]).scales[0]);
                        let found: Vec<f64> = sums.iter().map(|&s| f64::from(s) * scale).collect();
                        assert!(expected.iter().zip(&found).all(|(a, b)| (a - b).abs() < 1e-6 * (1.0 + a.abs())));
                        found
                    }
                    Value::Floats(logits) => {
                        for (a, b) in expected.iter().zip(logits) {
                            assert!((a - f64::from(*b)).abs() < 1e-5 * (1.0 + a.abs()), "{a} {b}");
                        }
                        logits.iter().copied().map(f64::from).collect()
                    }
                };
                reals.insert(node.output, found);
            }
        }
        assert!(ties * 20 < seen, "{ties} of {seen} values are near a tie");
    }
}

#[test]
fn maps_are_used_and_logits_follow_the_float_network() {
    let (network, quantized, images) = quantized(&Options::default());
    let weights = random(&network, 3);
    let mut comparer = mnas_quantize::Comparer::new(&quantized, &weights);
    images.iter().for_each(|image| comparer.add(image, None).unwrap());
    let counts = comparer.counts();
    assert!(counts.sqnr_db() > 20.0, "{}", counts.sqnr_db());
    // A quarter of the byte at least is used by nearly every map: a wrong scale would leave it empty or full.
    let values = quantized::run(&quantized, &images[0], |_| true);
    for node in &quantized.graph.nodes {
        let Value::Bytes(bytes) = &values[&node.output] else { continue };
        let full = bytes.iter().filter(|&&q| q == 255).count();
        assert!(full * 4 <= bytes.len(), "{}: {full} of {} are 255", node.name, bytes.len());
        let distinct = bytes.iter().collect::<std::collections::BTreeSet<_>>().len();
        assert!(distinct >= 3.min(bytes.len()), "{}: {distinct} values", node.name);
    }
}

#[test]
fn zero_points_are_even_and_weights_symmetric() {
    for options in every_option() {
        let (_, network, _) = quantized(&options);
        for map in network.maps.iter().flatten() {
            assert_eq!(map.zero % 2, 0);
            assert!(map.scales.iter().all(|s| s.is_normal() && *s > 0.0));
        }
        for layer in network.layers.values() {
            assert!(layer.weight.iter().all(|&w| w != i8::MIN));
            assert!(layer.weight.iter().any(|&w| w.unsigned_abs() > 60));
        }
        // The stem is behind relu6 and in no sum.
        let stem = network.graph.nodes.iter().find(|n| n.name.starts_with("stem")).unwrap();
        assert_eq!(network.map(stem.output).zero, 0);
        let by_channel = network.maps.iter().flatten().filter(|m| m.by_channel()).count();
        assert_eq!(by_channel > 0, options.by_channel);
    }
}

#[test]
fn what_is_written_is_read() {
    let (_, network, images) = quantized(&Options::default());
    let bytes = quantized::write(&network);
    assert!(quantized::is_quantized(&bytes));
    assert_eq!(quantized::write(&network), bytes);
    let read = quantized::read(&bytes, &network.graph).unwrap();
    assert_eq!(read, network);
    let logits = |n: &Quantized| quantized::run(n, &images[5], |_| false);
    assert_eq!(logits(&read), logits(&network));
}

#[test]
fn files_that_do_not_fit_are_refused() {
    let (_, good, _) = quantized(&Options::default());
    let refused = |change: &dyn Fn(&mut Quantized)| {
        let mut network = good.clone();
        change(&mut network);
        quantized::read(&quantized::write(&network), &good.graph).map(|_| ()).unwrap_err().to_string()
    };
    let stem = good.graph.nodes.iter().find(|n| n.name.starts_with("stem")).unwrap().output;
    let error = refused(&|n| n.maps[stem.0].as_mut().unwrap().zero = 2);
    assert_eq!(error, "`stem/conv.zero_point` is 2; it has to be 0");
    let error = refused(&|n| n.maps[stem.0].as_mut().unwrap().scales[1] = 1.0);
    assert_eq!(error, "`stem/conv.scale` is larger than 6/255, and the map is behind relu6");
    let error = refused(&|n| n.maps[stem.0].as_mut().unwrap().scales[1] = f32::NAN);
    assert!(error.starts_with("`stem/conv.scale` has a value that is not a positive normal number"), "{error}");
    let error = refused(&|n| n.layers.get_mut("stem.conv").unwrap().weight[0] = -128);
    assert_eq!(error, "`stem.conv.weight` has a weight of -128; the least is -127");
    let error = refused(&|n| n.layers.get_mut("stem.conv").unwrap().bias[0] = i32::MAX);
    assert_eq!(error, "`stem.conv.bias` has a value beyond 2^30");
    let error = refused(&|n| n.maps[n.graph.input.0].as_mut().unwrap().zero = 3);
    assert_eq!(error, "`input.zero_point` is 3; it has to be even");
    let pool = good.graph.nodes.iter().find(|n| matches!(n.op, Op::MaxPool { .. })).unwrap().output;
    let error = refused(&|n| n.maps[pool.0].as_mut().unwrap().zero ^= 2);
    assert!(error.contains("a pool keeps the zero point of its input"), "{error}");
    // Two problems at once are both named.
    let error = refused(&|n| {
        n.layers.get_mut("stem.conv").unwrap().weight[0] = -128;
        n.layers.get_mut("classifier").unwrap().weight[0] = -128;
    });
    assert_eq!(error.lines().count(), 2);
    // Scales of maps that are added to each other.
    let sum = good.graph.nodes.iter().find(|n| n.op == Op::Add).unwrap();
    let error = refused(&|n| n.maps[sum.inputs[0].0].as_mut().unwrap().scales[0] *= 2.0);
    assert!(error.contains("maps that are added share their scale"), "{error}");
    // Files that are none.
    let bytes = quantized::write(&good);
    for end in [0, 4, 8, 100, bytes.len() - 1] {
        assert!(quantized::read(&bytes[..end], &good.graph).is_err(), "{end}");
    }
    assert!(!quantized::is_quantized(b"{}"));
    let floats = mnas_codegen::weights::safetensors::write(&random(&network(), 1)).unwrap();
    assert!(!quantized::is_quantized(&floats));
    let error = quantized::read(&floats, &good.graph).unwrap_err().to_string();
    assert_eq!(error, "the file is not a network in int8: its metadata has no `mnas.int8`");
}
