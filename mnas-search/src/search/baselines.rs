//! Networks that the search is compared with: trained as long as its best, and timed as its trials are.

use super::kept::{Seen, seed};
use super::{Search, SearchError};
use crate::evaluator::Stopwatch;
use crate::findings::{BASELINES, JudgedBaseline};
use crate::job::{Failure, Job, Latency, Purpose};
use mnas_codegen::fnv;
use mnas_dsl::{Network, Spec};

/// Makes seeds of this other than those of trials.
const SALT: u64 = 0x4241_5345_4c49_4e45;

impl Search<'_> {
    /// Judges networks that are no candidates, and writes down what they are worth. One that was judged before, in a
    /// search that was interrupted, is not judged again. `seen` is told how many results there are, and of how many.
    ///
    /// # Errors
    ///
    /// What stopped it. A network that cannot be judged is written down with the reason.
    pub fn judge_baselines(
        &mut self,
        networks: &[(Spec, Network)],
        seen: &mut dyn FnMut(usize, usize),
    ) -> Result<Vec<JudgedBaseline>, SearchError> {
        let latencies = match self.stopwatch {
            Some(stopwatch) => times(stopwatch, networks)?,
            None => vec![Ok(None); networks.len()],
        };
        let settings = self.study.settings().clone();
        let rung = settings.halving.map_or(0, |halving| halving.rungs - 1);
        let budget = settings.halving.map_or(settings.budget, |halving| halving.budget(settings.budget, rung));
        let specs: Vec<String> = networks.iter().map(|(spec, _)| spec.to_yaml()).collect();
        // Of the network, not of its place: it may be asked for among others when the search goes on.
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
        let results = self.judge_once(&jobs, &name, seen)?;
        let judged = networks.iter().zip(specs.iter().zip(latencies)).zip(results);
        let judged = judged.map(|(((spec, network), (text, latency)), result)| {
            let (accuracy, told, mut message) = match result {
                Seen::Done(evaluation) => (Some(evaluation.accuracy), evaluation.latency, None),
                Seen::Failed(message) => (None, None, Some(message)),
            };
            let latency = latency.unwrap_or_else(|why| {
                message.get_or_insert(why);
                None
            });
            JudgedBaseline {
                name: spec.name.value.clone(),
                spec: text.clone(),
                parameters: network.parameters(),
                macs: network.macs(),
                accuracy,
                latency: latency.or(told),
                message,
            }
        });
        let judged: Vec<JudgedBaseline> = judged.collect();
        // Those of an earlier run stay, unless they are judged again.
        let mut all: Vec<JudgedBaseline> = self.study.finding(BASELINES)?.unwrap_or_default();
        all.retain(|it| !judged.iter().any(|new| new.name == it.name));
        all.extend(judged.iter().cloned());
        self.study.set_finding(BASELINES, &all)?;
        Ok(judged)
    }
}

/// What each takes, or why it cannot be timed.
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
