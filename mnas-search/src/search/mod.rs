//! The loop of a search: ask, evaluate, tell, store.
//!
//! Candidates come in batches: a batch is requested from the searcher, evaluated by as many threads, and reported in
//! order. Until all of it is evaluated the study has the state of the searcher before the batch: a search that is
//! resumed within a batch requests the same candidates again and evaluates those without a result.

mod baselines;
mod batch;
mod candidate;
mod error;
mod halving;
mod pool;
mod ranking_check;
mod reseed;
mod result_cache;

pub use error::SearchError;

use crate::evaluator::{Evaluator, Stopwatch};
use crate::job::Needs;
use crate::noise::Noise;
use crate::reward::Reward;
use crate::searcher::{AnySearcher, Outcome, Searcher as _};
use crate::study::{After, Settings, State, Study, StudyError, Trial, WeightExponent, exponent};
use batch::Task;
use candidate::key;
use halving::Next;
use mnas_dsl::Space;
use std::collections::BTreeMap;
use std::path::Path;

/// This many failures in a row are not caused by the networks.
const FAILURES: u32 = 5;

/// A search in progress.
pub struct Search<'a> {
    study: Study,
    /// `None` where candidates are not networks.
    space: Option<&'a Space>,
    evaluator: &'a dyn Evaluator,
    stopwatch: Option<&'a dyn Stopwatch>,
    searcher: AnySearcher,
    /// The reward, once its exponent is known.
    reward: Option<Reward>,
    /// All trials.
    trials: Vec<Trial>,
    /// The first finished trial of each network, by its key.
    known: BTreeMap<String, usize>,
    /// The noise of accuracies.
    noise: Noise,
    /// A batch that is not complete.
    open: Vec<Task>,
    /// Failures in a row.
    failures: Failures,
}

/// Failures in a row.
#[derive(Debug, Default)]
struct Failures(u32);

impl Failures {
    /// Counts a result; one with a message is a failure.
    fn count(&mut self, message: Option<&str>) -> Result<(), SearchError> {
        self.0 = if message.is_some() { self.0 + 1 } else { 0 };
        match message.filter(|_| self.0 >= FAILURES) {
            Some(message) => {
                Err(SearchError::Evaluator(format!("{FAILURES} failures in a row; the last one: {message}")))
            }
            None => Ok(()),
        }
    }
}

impl<'a> Search<'a> {
    /// Creates a study and starts its search.
    ///
    /// # Errors
    ///
    /// The settings are invalid, or the file exists or cannot be written.
    pub fn begin(
        path: &Path,
        settings: &Settings,
        space: Option<&'a Space>,
        evaluator: &'a dyn Evaluator,
        stopwatch: Option<&'a dyn Stopwatch>,
    ) -> Result<Self, SearchError> {
        let searcher = AnySearcher::by_name(&settings.method, &settings.sizes, settings.seed)
            .ok_or_else(|| SearchError::Input(format!("unknown search method `{}`", settings.method)))?;
        if settings.exponent != WeightExponent::Given && !matches!(settings.reward, Reward::Weighted { .. }) {
            return Err(SearchError::Input("the exponent can be fitted for the weighted reward only".to_owned()));
        }
        check_halving(settings).map_err(SearchError::Input)?;
        let saved = searcher.save().map_err(|error| SearchError::Input(error.to_string()))?;
        let study = Study::create(path, settings, saved, searcher.large(None))?;
        Self::resume(study, space, evaluator, stopwatch)
    }

    /// Resumes the search of an open study.
    ///
    /// # Errors
    ///
    /// The evaluator is not that of the study, or the study cannot be read.
    pub fn resume(
        study: Study,
        space: Option<&'a Space>,
        evaluator: &'a dyn Evaluator,
        stopwatch: Option<&'a dyn Stopwatch>,
    ) -> Result<Self, SearchError> {
        let settings = study.settings();
        let same = |what: &str, was: &str, is: &str| {
            if was == is {
                return Ok(());
            }
            Err(SearchError::Input(format!("the study was begun with {what} `{was}`, not `{is}`")))
        };
        same("the evaluator", &settings.evaluator, &evaluator.name())?;
        let none = || "none".to_owned();
        same(
            "the stopwatch",
            &settings.stopwatch.clone().unwrap_or_else(none),
            &stopwatch.map_or_else(none, |it| it.name()),
        )?;
        let damaged = |what: String| {
            SearchError::Study(StudyError::Damaged(format!("`{}` is damaged: {what}", study.path().display())))
        };
        if let Some(space) = space
            && space.sizes() != settings.sizes
        {
            return Err(damaged("its space has other choices than its settings".to_owned()));
        }
        let trials = study.trials()?;
        let large = study.large()?;
        let saved = &study.progress().searcher;
        let searcher = AnySearcher::restore(saved, large.as_deref(), &settings.method, &settings.sizes);
        let searcher = searcher.map_err(damaged)?;
        check_halving(settings).map_err(damaged)?;
        let mut search = Self {
            trials,
            reward: study.reward(),
            noise: study.noise()?,
            study,
            space,
            evaluator,
            stopwatch,
            searcher,
            known: BTreeMap::new(),
            open: Vec::new(),
            failures: Failures::default(),
        };
        for at in 0..search.trials.len() {
            let trial = &search.trials[at];
            if trial.state == State::Done && trial.same_as.is_none() && trial.rung == 0 {
                let network = search.member(&trial.choices)?;
                let key = key(&network, &trial.choices);
                search.known.insert(key, at);
            }
        }
        Ok(search)
    }

    /// All trials.
    pub fn trials(&self) -> &[Trial] {
        &self.trials
    }

    /// The reward, once its exponent is known.
    pub fn reward(&self) -> Option<Reward> {
        self.reward
    }

    /// The reward, and the origin of its exponent.
    pub fn reward_in_words(&self) -> String {
        self.study.settings().reward_in_words(&self.trials)
    }

    /// Stores a fact about the search.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn note(&mut self, name: &str, finding: &impl serde::Serialize) -> Result<(), SearchError> {
        Ok(self.study.set_finding(name, finding)?)
    }

    /// The study.
    pub fn study(&self) -> &Study {
        &self.study
    }

    /// The noise of accuracies, as far as it was measured.
    pub fn noise(&self) -> Noise {
        self.noise
    }

    /// Searches until there are `candidates` in all and the best of them are on their highest rung. `seen` is called
    /// for each trial when it is in the file. Checks first whether accuracy ranks networks, where that is unknown.
    ///
    /// # Errors
    ///
    /// The reason why the search stopped. All trials that were seen are in the study.
    pub fn run(&mut self, candidates: u64, seen: &mut dyn FnMut(&Self)) -> Result<(), SearchError> {
        self.check_ranking(&mut |_, _| ())?;
        while self.batch(candidates, seen)? {}
        Ok(())
    }

    /// Evaluates the next batch, or the rest of one; whether it is complete, and another may follow.
    fn batch(&mut self, candidates: u64, seen: &mut dyn FnMut(&Self)) -> Result<bool, SearchError> {
        let observed = self.study.progress().observed();
        let before = &self.trials[..observed as usize];
        let asked = match self.study.settings().halving {
            Some(_) => before.iter().filter(|trial| trial.rung == 0).count() as u64,
            None => observed,
        };
        let mut tasks = std::mem::take(&mut self.open);
        if tasks.is_empty() {
            let next = halving::next(self.study.settings(), before, self.reward, self.noise);
            if matches!(next, Next::Ask(_)) {
                self.check_noise(observed as usize)?;
            }
            match next {
                Next::Ask(_) if asked >= candidates => return Ok(false),
                Next::Ask(count) => {
                    for at in 0..count as u64 {
                        let candidate = self.ask()?;
                        tasks.push(self.task(observed + at, candidate));
                    }
                }
                Next::Longer(trials) => {
                    tasks.extend((observed..).zip(trials).map(|(number, of)| self.longer(number, of)));
                }
            }
        }
        let is_new = tasks.first().is_some_and(|task| task.trial.rung == 0);
        let wanted = if is_new { candidates.saturating_sub(asked) } else { u64::MAX };
        let count = tasks.len().min(usize::try_from(wanted).unwrap_or(usize::MAX));
        let result = self.evaluate(&tasks, count, seen);
        let is_complete = self.study.progress().observed() == observed + tasks.len() as u64;
        if !is_complete {
            self.open = tasks;
        }
        result.map(|()| is_complete)
    }

    /// Adds a finished trial to the study. After the last trial of a batch, whose end is `end`, all of the batch is
    /// reported to the searcher. `key` is that of the network, where it may be new.
    fn add(&mut self, trial: Trial, key: Option<String>, end: u64) -> Result<(), SearchError> {
        let (number, was_known) = (trial.number, self.study.progress().exponent);
        let is_first = trial.state == State::Done && trial.same_as.is_none();
        self.trials.push(trial);
        let mut after = None;
        if number + 1 == end {
            let observed = self.study.progress().observed() as usize;
            let mut exponent = was_known;
            for at in observed..self.trials.len() {
                exponent = exponent.or(self.tell(at));
            }
            let searcher = self.searcher.save().map_err(|error| SearchError::Input(error.to_string()))?;
            after = Some(After { searcher, exponent, large: self.searcher.large(self.study.large_revision()) });
        }
        if let Err(error) = self.study.add(&self.trials[number as usize], after) {
            self.trials.pop();
            return Err(error.into());
        }
        if let Some(key) = key.filter(|_| is_first) {
            self.known.insert(key, number as usize);
        }
        if was_known.is_none() && self.study.progress().exponent.is_some() {
            // The trials with their rewards, which are known now.
            self.trials = self.study.trials()?;
        }
        Ok(())
    }

    /// The needs of a job whose network was not timed.
    fn needs(&self) -> Needs {
        Needs { latency: self.study.settings().needs_latency() && self.stopwatch.is_none() }
    }

    /// Reports a trial to the searcher; where an exponent is fitted, all first trials with the last of them. Returns
    /// the exponent if it was fitted now.
    fn tell(&mut self, at: usize) -> Option<f64> {
        let trial = &self.trials[at];
        if trial.rung > 0 {
            return None;
        }
        if let Some(reward) = self.reward {
            self.searcher.tell(&trial.choices, &outcome(trial, &reward));
            return None;
        }
        let settings = self.study.settings();
        let all = &self.trials[..=at];
        let fitted = exponent(settings, all)?.value;
        let reward = settings.reward_with(fitted);
        for trial in all {
            self.searcher.tell(&trial.choices, &outcome(trial, &reward));
        }
        self.reward = Some(reward);
        Some(fitted)
    }
}

/// Checks the settings of successive halving.
fn check_halving(settings: &Settings) -> Result<(), String> {
    let Some(halving) = settings.halving else { return Ok(()) };
    if halving.rungs == 0 || halving.eta < 2 || halving.bracket == 0 {
        return Err("invalid successive halving: it needs rungs >= 1, eta >= 2 and a bracket >= 1".to_owned());
    }
    let Some(epochs) = settings.budget.epochs else {
        return Err("successive halving needs the number of epochs of the lowest rung".to_owned());
    };
    let times = u64::from(halving.eta).checked_pow(halving.rungs - 1);
    if times.and_then(|times| times.checked_mul(u64::from(epochs))).is_none_or(|all| all > u64::from(u32::MAX)) {
        return Err("the number of epochs of the highest rung is too large".to_owned());
    }
    match settings.exponent {
        WeightExponent::Fitted { first } if first > halving.bracket => Err(format!(
            "the exponent is fitted from {first} trials, but the best of {} are promoted before",
            halving.bracket
        )),
        _ => Ok(()),
    }
}

fn outcome(trial: &Trial, reward: &Reward) -> Outcome {
    let latency_ms = trial.latency.map(|it| it.ms);
    match trial.accuracy {
        Some(accuracy) => Outcome { reward: reward.of(accuracy, latency_ms), accuracy, latency_ms },
        None => Outcome { reward: f64::NEG_INFINITY, accuracy: 0.0, latency_ms: None },
    }
}
