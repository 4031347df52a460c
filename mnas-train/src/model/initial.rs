//! Initial weights, drawn as in MnasNet's code.

use mnas_codegen::fnv;
use mnas_codegen::weights::{ParameterKind, WeightTensor, Weights, parameters};
use mnas_dsl::Network;
use mnas_search::rng::Rng;

/// Weights of convolutions are normal with variance `2 / (kernel^2 * outputs)` (He's initialisation by fan-out, where a
/// depthwise filter has one output), those of classifiers uniform within `1 / sqrt(classes)`. Batch norms start as the
/// identity, biases at 0.
///
/// Each tensor has its own generator, so that a change to one layer does not change the values of others.
pub(super) fn weights(network: &Network, seed: u64) -> Weights {
    let draw = |parameter: mnas_codegen::weights::Parameter| {
        let mut rng = Rng::new(seed ^ fnv::of(parameter.name.as_bytes()));
        let len = parameter.shape.iter().product();
        let data: Vec<f32> = match parameter.kind {
            ParameterKind::ConvWeight => {
                let is_depthwise = parameter.shape[1] == 1 && parameter.name.contains(".depthwise");
                let outputs = if is_depthwise { 1 } else { parameter.shape[0] };
                let fan_out = outputs * parameter.shape[2] * parameter.shape[3];
                let spread = (2.0 / fan_out as f64).sqrt();
                (0..len).map(|_| (normal(&mut rng) * spread) as f32).collect()
            }
            ParameterKind::LinearWeight => {
                let bound = 1.0 / (parameter.shape[0] as f64).sqrt();
                (0..len).map(|_| rng.range(-bound, bound) as f32).collect()
            }
            ParameterKind::BnWeight | ParameterKind::BnVar => vec![1.0; len],
            ParameterKind::Bias | ParameterKind::BnBias | ParameterKind::BnMean => vec![0.0; len],
        };
        (parameter.name, WeightTensor { shape: parameter.shape, data })
    };
    parameters(network).into_iter().map(draw).collect()
}

/// Normal with mean 0 and variance 1, drawn again beyond two standard deviations, as TensorFlow's truncated ones.
fn normal(rng: &mut Rng) -> f64 {
    loop {
        // The polar method.
        let (x, y) = (rng.range(-1.0, 1.0), rng.range(-1.0, 1.0));
        let square = x * x + y * y;
        if square > 0.0 && square < 1.0 {
            let value = x * (-2.0 * square.ln() / square).sqrt();
            if value.abs() < 2.0 {
                return value;
            }
        }
    }
}
