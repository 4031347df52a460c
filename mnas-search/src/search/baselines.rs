//! Baselines: networks that the search is compared with, trained as long as its best trials and timed as all of them.

use super::result_cache::{JobResult, seed};
use super::{Search, SearchError};
use crate::evaluator::Stopwatch;
use crate::findings::{BASELINES, EvaluatedBaseline};
use crate::job::{Failure, Job, Latency, Purpose};
use mnas_codegen::fnv;
use mnas_dsl::{Network, Spec};

/// Separates these seeds from those of trials.
const SALT: u64 = 0x4241_5345_4c49_4e45;

impl Search<'_> {
    /// Evaluates baselines and stores the results. Results from before an interruption are reused. `progress` is called
    /// with the number of results and of jobs.
    ///
    /// # Errors
    ///
    /// The reason why the search stopped. A network that cannot be evaluated is stored with the reason.
    pub fn evaluate_baselines(
        &mut self,
        networks: &[(Spec, Network)],
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Vec<EvaluatedBaseline>, SearchError> {
        let latencies = match self.stopwatch {
            Some(stopwatch) => times(stopwatch, networks)?,
            None => vec![Ok(None); networks.len()],
        };
        let settings = self.study.settings().clone();
        let rung = settings.halving.map_or(0, |halving| halving.rungs - 1);
        let budget = settings.halving.map_or(settings.budget, |halving| halving.budget(settings.budget, rung));
        let specs: Vec<String> = networks.iter().map(|(spec, _)| spec.to_yaml()).collect();
        // The seed follows from the network, not from its place: a resumed search may have other baselines.
        let hash = |spec: &String| fnv::of(spec.as_bytes());
        let job = |(number, spec): (usize, &String)| Job {
            id: Purpose::Baseline.id(hash(spec)),
            trial: number as u64,
            purpose: Purpose::Baseline,
            rung,
            spec: spec.clone(),
            choices: Vec::new(),
            seed: seed(settings.seed, SALT ^ hash(spec), 0),
            evaluator: settings.evaluator.clone(),
            budget,
            needs: self.needs(),
        };
        let jobs: Vec<Job> = specs.iter().enumerate().map(job).collect();
        let name = |number: usize| format!("{BASELINES}/{:016x}", hash(&specs[number]));
        let results = self.evaluate_cached(&jobs, &name, progress)?;
        let evaluated = networks.iter().zip(specs.iter().zip(latencies)).zip(results);
        let evaluated = evaluated.map(|(((spec, network), (text, latency)), result)| {
            let (accuracy, told, mut message) = match result {
                JobResult::Done(evaluation) => (Some(evaluation.accuracy), evaluation.latency, None),
                JobResult::Failed(message) => (None, None, Some(message)),
            };
            let latency = latency.unwrap_or_else(|why| {
                message.get_or_insert(why);
                None
            });
            EvaluatedBaseline {
                name: spec.name.value.clone(),
                spec: text.clone(),
                parameters: network.parameters(),
                macs: network.macs(),
                accuracy,
                latency: latency.or(told),
                message,
            }
        });
        let evaluated: Vec<EvaluatedBaseline> = evaluated.collect();
        // Results of an earlier run stay, unless they are replaced.
        let mut all: Vec<EvaluatedBaseline> = self.study.finding(BASELINES)?.unwrap_or_default();
        all.retain(|it| !evaluated.iter().any(|new| new.name == it.name));
        all.extend(evaluated.iter().cloned());
        self.study.set_finding(BASELINES, &all)?;
        Ok(evaluated)
    }
}

/// The latency of each network, or why it cannot be timed.
fn times(
    stopwatch: &dyn Stopwatch,
    networks: &[(Spec, Network)],
) -> Result<Vec<Result<Option<Latency>, String>>, SearchError> {
    let all: Vec<(&Spec, &Network)> = networks.iter().map(|(spec, network)| (spec, network)).collect();
    stopwatch.prepare(&all)?;
    let time = |(spec, network): &(&Spec, &Network)| match stopwatch.measure(spec, network) {
        Ok(latency) => Ok(Ok(Some(latency))),
        Err(Failure::Trial(message)) => Ok(Err(message)),
        Err(failure) => Err(failure.into()),
    };
    all.iter().map(time).collect()
}
