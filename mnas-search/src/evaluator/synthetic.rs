//! Synthetic figures, for trying a space and a searcher before anything is trained. They are unrelated to real
//! accuracies.

use super::Evaluator;
use crate::job::{Evaluation, Failure, Job, Latency};
use crate::rng::Rng;

/// An accuracy that grows with parameters and multiply-accumulates, with a little noise that depends on the network
/// alone; a latency that is proportional to multiply-accumulates.
#[derive(Clone, Copy, Debug, Default)]
pub struct Synthetic;

impl Evaluator for Synthetic {
    fn name(&self) -> String {
        "synthetic".to_owned()
    }

    fn is_noisy(&self) -> bool {
        false
    }

    fn gives_latency(&self) -> bool {
        true
    }

    fn evaluate(&self, job: &Job) -> Result<Evaluation, Failure> {
        let (_, network) =
            mnas_dsl::load_yaml(&job.spec, "spec").map_err(|mistakes| Failure::Trial(mistakes.to_string()))?;
        let macs = network.macs() as f64;
        let size = 0.6 * (network.parameters() as f64).ln() + 0.4 * macs.ln();
        let seed = mnas_dsl::space::key(&network)
            .bytes()
            .fold(job.seed, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        let noise = Rng::new(seed).range(-0.01, 0.01);
        let accuracy = (1.0 - (-0.18 * size).exp() + noise).clamp(0.0, 1.0);
        let ms = 0.01 + macs / 1e7;
        Ok(Evaluation {
            accuracy,
            epochs: vec![0.5 * accuracy, 0.9 * accuracy, accuracy],
            latency: Some(Latency { ms, low: 0.99 * ms, high: 1.01 * ms, is_stable: true }),
        })
    }
}
