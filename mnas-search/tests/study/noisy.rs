//! An evaluator with known truth: each candidate has an accuracy, and each training adds noise that falls with the
//! epochs.

use mnas_search::evaluator::Evaluator;
use mnas_search::job::{Evaluation, Failure, Job, Latency};
use mnas_search::rng::Rng;
use std::sync::Mutex;

/// The noise of an evaluation, and the jobs so far.
pub(crate) struct Noisy {
    /// Standard deviation of the noise after one epoch; after e epochs it is divided by the root of e.
    pub(crate) noise: f64,
    /// Half of the range of true accuracies around 0.5.
    pub(crate) range: f64,
    /// Jobs so far: purpose, candidate, epochs.
    pub(crate) jobs: Mutex<Vec<Job>>,
}

impl Noisy {
    pub(crate) fn new(noise: f64, range: f64) -> Self {
        Self { noise, range, jobs: Mutex::new(Vec::new()) }
    }

    /// Uniform in `0.5 - range..0.5 + range`, without a pattern.
    pub(crate) fn truth(&self, choices: &[usize]) -> f64 {
        let seed = choices.iter().fold(17_u64, |seed, &choice| seed * 31 + choice as u64);
        Rng::new(seed).range(0.5 - self.range, 0.5 + self.range)
    }

    /// Slower with later alternatives.
    pub(crate) fn latency(choices: &[usize]) -> f64 {
        1.0 + choices.iter().enumerate().map(|(at, &it)| 0.1 * (at + 1) as f64 * it as f64).sum::<f64>()
    }
}

/// The sum of twelve uniform numbers minus six has variance 1 and nearly a normal distribution.
pub(crate) fn normal(rng: &mut Rng) -> f64 {
    (0..12).map(|_| rng.unit()).sum::<f64>() - 6.0
}

impl Evaluator for Noisy {
    fn name(&self) -> String {
        format!("noisy {} {}", self.noise, self.range)
    }

    fn evaluate(&self, job: &Job) -> Result<Evaluation, Failure> {
        self.jobs.lock().unwrap().push(job.clone());
        let mut rng = Rng::new(job.seed);
        let epochs: Vec<f64> = (1..=job.budget.epochs.unwrap_or(1))
            .map(|epoch| self.truth(&job.choices) + self.noise / f64::from(epoch).sqrt() * normal(&mut rng))
            .collect();
        let latency = Some(Latency::exact(Self::latency(&job.choices)));
        Ok(Evaluation { accuracy: epochs.last().copied().unwrap_or(0.0), epochs, latency })
    }
}
