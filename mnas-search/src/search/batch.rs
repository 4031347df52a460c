//! Batches: candidates that are evaluated at once.

use super::candidate::Candidate;
use super::{Search, SearchError, pool};
use crate::job::{Evaluation, Failure, Job, Latency, Needs, Purpose};
use crate::rng::Rng;
use crate::study::{State, StudyError, Trial, pending_name};
use mnas_dsl::{Network, Spec};
use std::collections::{BTreeMap, BTreeSet};

/// A trial before its evaluation, with its network.
pub(super) struct Task {
    /// The trial, as far as it is known before the evaluation.
    pub(super) trial: Trial,
    network: Option<(Spec, Network)>,
    key: String,
}

/// A batch in progress.
struct Batch<'t> {
    /// The tasks to evaluate now.
    tasks: &'t [Task],
    /// One more than the number of the last trial.
    end: u64,
    /// Finished trials that wait for trials before them.
    finished: BTreeMap<u64, Trial>,
}

impl Search<'_> {
    /// The task of a new candidate.
    pub(super) fn task(&self, number: u64, candidate: Candidate) -> Task {
        let settings = self.study.settings();
        let network = candidate.network.as_ref();
        let trial = Trial {
            number,
            state: State::Done,
            choices: candidate.choices,
            spec: network.map_or(String::new(), |(spec, _)| spec.to_yaml()),
            parameters: network.map_or(0, |(_, network)| network.parameters()),
            macs: network.map_or(0, |(_, network)| network.macs()),
            seed: seed(settings.seed, number),
            same_as: None,
            rejected: candidate.rejected,
            accuracy: None,
            epochs: Vec::new(),
            latency: None,
            reward: None,
            message: None,
            rung: 0,
            of: None,
            budget: settings.budget,
        };
        Task { trial, network: candidate.network, key: candidate.key }
    }

    /// The task that trains the network of trial `of` longer.
    pub(super) fn longer(&self, number: u64, of: u64) -> Task {
        let settings = self.study.settings();
        let before = &self.trials[of as usize];
        let rung = before.rung + 1;
        let trial = Trial {
            number,
            seed: seed(settings.seed, number),
            rejected: 0,
            accuracy: None,
            epochs: Vec::new(),
            reward: None,
            rung,
            of: Some(of),
            budget: settings.halving.map_or(settings.budget, |halving| halving.budget(settings.budget, rung)),
            ..before.clone()
        };
        Task { trial, network: None, key: String::new() }
    }

    /// Evaluates the first `count` tasks of a batch, except those that are finished. Each result is in the study as
    /// soon as it is known: as a trial if all trials before it are there, else as a finding until they are.
    pub(super) fn evaluate(
        &mut self,
        tasks: &[Task],
        count: usize,
        seen: &mut dyn FnMut(&Self),
    ) -> Result<(), SearchError> {
        let Some(last) = tasks.last() else { return Ok(()) };
        let (tasks, end) = (&tasks[..count], last.trial.number + 1);
        let mut batch = Batch { tasks, end, finished: self.stored(tasks)? };
        loop {
            self.flush(&mut batch, seen)?;
            let open: Vec<&Task> = tasks.iter().filter(|task| self.is_open(&batch, task)).collect();
            if open.is_empty() {
                return Ok(());
            }
            // A network that was evaluated is not evaluated again; a copy of one in progress waits for it.
            let (mut ready, mut keys, mut copies) = (Vec::new(), BTreeSet::new(), Vec::new());
            for task in open {
                match self.same(&batch, task) {
                    Some(copy) => copies.push(copy),
                    None if task.trial.rung > 0 || keys.insert(task.key.as_str()) => ready.push(task),
                    None => {}
                }
            }
            for copy in copies {
                self.finish(&mut batch, copy, seen)?;
            }
            let ready = self.measure(&mut batch, ready, seen)?;
            let jobs: Vec<Job> = ready.iter().map(|(task, _)| self.job(&task.trial)).collect();
            let (evaluator, threads) = (self.evaluator, self.study.settings().jobs as usize);
            pool::evaluate(evaluator, &jobs, threads, &mut |at, result| {
                let (task, latency) = &ready[at];
                self.conclude(&mut batch, &task.trial, *latency, result, seen)
            })?;
        }
    }

    fn is_open(&self, batch: &Batch<'_>, task: &Task) -> bool {
        let number = task.trial.number;
        number >= self.trials.len() as u64 && !batch.finished.contains_key(&number)
    }

    /// Finishes a trial with its result.
    fn conclude(
        &mut self,
        batch: &mut Batch<'_>,
        trial: &Trial,
        measured: Option<Latency>,
        result: Result<Evaluation, Failure>,
        seen: &mut dyn FnMut(&Self),
    ) -> Result<(), SearchError> {
        let trial = self.result(trial, measured, result)?;
        let message = trial.message.clone();
        self.finish(batch, trial, seen)?;
        self.failures.count(message.as_deref())
    }

    /// Measures latency, one network after another, while nothing is trained. Trials whose networks cannot be measured
    /// are finished as failed.
    fn measure<'t>(
        &mut self,
        batch: &mut Batch<'_>,
        ready: Vec<&'t Task>,
        seen: &mut dyn FnMut(&Self),
    ) -> Result<Vec<(&'t Task, Option<Latency>)>, SearchError> {
        let networks: Vec<(&Spec, &Network)> =
            ready.iter().filter_map(|task| task.network.as_ref()).map(|(spec, network)| (spec, network)).collect();
        let Some(stopwatch) = self.stopwatch.filter(|_| !networks.is_empty()) else {
            // On a higher rung the latency is known.
            return Ok(ready.into_iter().map(|task| (task, task.trial.latency)).collect());
        };
        stopwatch.prepare(&networks)?;
        let mut measured = Vec::new();
        for task in ready {
            let latency = task.network.as_ref().map(|(spec, network)| stopwatch.measure(spec, network)).transpose();
            match latency {
                Ok(latency) => measured.push((task, latency)),
                Err(failure @ Failure::Trial(_)) => {
                    self.conclude(batch, &task.trial, None, Err(failure), seen)?;
                }
                Err(failure) => return Err(failure.into()),
            }
        }
        Ok(measured)
    }

    /// The trial with its result.
    fn result(
        &self,
        trial: &Trial,
        measured: Option<Latency>,
        result: Result<Evaluation, Failure>,
    ) -> Result<Trial, SearchError> {
        let mut trial = trial.clone();
        let failed = |mut trial: Trial, message: String| {
            trial.state = State::Failed;
            trial.latency = None;
            trial.message = Some(message);
            Ok(trial)
        };
        let evaluation = match result {
            Ok(evaluation) => evaluation,
            Err(Failure::Trial(message)) => return failed(trial, message),
            Err(Failure::Stop(message)) => return Err(SearchError::Evaluator(message)),
        };
        let latency = measured.or(evaluation.latency);
        let settings = self.study.settings();
        if settings.needs_latency() && latency.is_none() {
            // An evaluator that has returned a latency before may return one again.
            if self.trials.iter().any(|trial| trial.latency.is_some()) {
                return failed(trial, "the result has no latency".to_owned());
            }
            return Err(SearchError::NoLatency(settings.evaluator.clone()));
        }
        if !evaluation.is_finite() || latency.is_some_and(|it| !it.is_finite()) {
            return failed(trial, "the result has a number that is not finite".to_owned());
        }
        trial.accuracy = Some(evaluation.accuracy);
        trial.epochs = evaluation.epochs;
        trial.latency = latency;
        trial.reward = self.reward.map(|reward| reward.of(evaluation.accuracy, latency.map(|it| it.ms)));
        Ok(trial)
    }

    fn job(&self, trial: &Trial) -> Job {
        let settings = self.study.settings();
        Job {
            id: Purpose::Trial.id(trial.number),
            trial: trial.number,
            purpose: Purpose::Trial,
            rung: trial.rung,
            spec: trial.spec.clone(),
            choices: trial.choices.clone(),
            seed: trial.seed,
            evaluator: settings.evaluator.clone(),
            budget: trial.budget,
            needs: if trial.latency.is_some() { Needs::default() } else { self.needs() },
        }
    }

    /// The trial of a task, copied from an earlier one of an equal network.
    fn same(&self, batch: &Batch<'_>, task: &Task) -> Option<Trial> {
        if task.trial.rung > 0 {
            return None;
        }
        let in_batch = || {
            let before = batch.tasks.iter().take_while(|other| other.trial.number < task.trial.number);
            let equal = before.filter(|other| other.key == task.key);
            let mut finished = equal.filter_map(|other| batch.finished.get(&other.trial.number));
            finished.find(|trial| trial.state == State::Done)
        };
        let known = self.known.get(&task.key).map(|&at| &self.trials[at]).or_else(in_batch)?;
        Some(Trial {
            same_as: Some(known.same_as.unwrap_or(known.number)),
            accuracy: known.accuracy,
            epochs: known.epochs.clone(),
            latency: known.latency,
            reward: self.reward.zip(known.accuracy).map(|(it, acc)| it.of(acc, known.latency.map(|it| it.ms))),
            ..task.trial.clone()
        })
    }

    /// Results of a batch from before an interruption.
    fn stored(&self, tasks: &[Task]) -> Result<BTreeMap<u64, Trial>, SearchError> {
        let mut stored = BTreeMap::new();
        for task in tasks {
            let name = pending_name(task.trial.number);
            let Some(trial) = self.study.finding::<Trial>(&name)? else { continue };
            if (&trial.choices, trial.seed, trial.of) != (&task.trial.choices, task.trial.seed, task.trial.of) {
                let path = self.study.path().display();
                return Err(
                    StudyError::Damaged(format!("`{path}` is damaged: `{name}` belongs to another trial")).into()
                );
            }
            stored.insert(trial.number, trial);
        }
        Ok(stored)
    }

    /// Stores a finished trial, and those after it that waited for it.
    fn finish(&mut self, batch: &mut Batch<'_>, trial: Trial, seen: &mut dyn FnMut(&Self)) -> Result<(), SearchError> {
        if trial.number != self.trials.len() as u64 {
            self.study.set_finding(&pending_name(trial.number), &trial)?;
        }
        batch.finished.insert(trial.number, trial);
        self.flush(batch, seen)
    }

    /// Adds the next finished trials to the study.
    fn flush(&mut self, batch: &mut Batch<'_>, seen: &mut dyn FnMut(&Self)) -> Result<(), SearchError> {
        while let Some(trial) = batch.finished.remove(&(self.trials.len() as u64)) {
            let task = batch.tasks.iter().find(|task| task.trial.number == trial.number);
            let key = task.filter(|_| trial.rung == 0).map(|task| task.key.clone());
            self.add(trial, key, batch.end)?;
            seen(self);
        }
        Ok(())
    }
}

/// The seed of a trial, which depends on nothing else.
fn seed(search: u64, trial: u64) -> u64 {
    Rng::new(search ^ (trial + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)).bits() >> 1
}
