//! The loop: ask, judge, tell, write down.

use crate::evaluator::{Evaluator, Stopwatch};
use crate::job::{Evaluation, Failure, Job, Latency, Needs};
use crate::limits;
use crate::reward::{Reward, fit_exponent};
use crate::searcher::{AnySearcher, Outcome, Searcher as _};
use crate::study::{After, Settings, State, Study, StudyError, Trial, WeightExponent};
use mnas_dsl::{Network, Space, Spec};
use std::collections::BTreeMap;
use std::path::Path;

/// Candidates in a row that may be over a limit.
const PATIENCE: u64 = 10_000;

/// A search in progress.
pub struct Search<'a> {
    study: Study,
    /// `None` where candidates are no networks.
    space: Option<&'a Space>,
    evaluator: &'a dyn Evaluator,
    stopwatch: Option<&'a dyn Stopwatch>,
    searcher: AnySearcher,
    /// The reward, once its exponent is known.
    reward: Option<Reward>,
    /// Trials so far.
    trials: Vec<Trial>,
    /// The first trial of each network that was judged, by its key.
    known: BTreeMap<String, usize>,
}

/// Why a search stopped before it was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SearchError {
    /// The study.
    Study(StudyError),
    /// Settings or space: another input would do.
    Input(String),
    /// What evaluates or measures.
    Evaluator(String),
}

impl From<StudyError> for SearchError {
    fn from(error: StudyError) -> Self {
        Self::Study(error)
    }
}

impl std::fmt::Display for SearchError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Study(error) => error.fmt(f),
            Self::Input(text) | Self::Evaluator(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for SearchError {}

/// A candidate that may be judged.
struct Candidate {
    choices: Vec<usize>,
    rejected: u64,
    network: Option<(Spec, Network)>,
    key: String,
}

impl<'a> Search<'a> {
    /// Begins a study in a file that is not there yet.
    ///
    /// # Errors
    ///
    /// Settings that do not fit, or a file that cannot be written.
    pub fn begin(
        path: &Path,
        settings: &Settings,
        space: Option<&'a Space>,
        evaluator: &'a dyn Evaluator,
        stopwatch: Option<&'a dyn Stopwatch>,
    ) -> Result<Self, SearchError> {
        let searcher = AnySearcher::by_name(&settings.method, &settings.sizes, settings.seed)
            .ok_or_else(|| SearchError::Input(format!("there is no method `{}`", settings.method)))?;
        if settings.exponent != WeightExponent::Given && !matches!(settings.reward, Reward::Weighted { .. }) {
            return Err(SearchError::Input("only the weighted reward has an exponent to fit".to_owned()));
        }
        let saved = searcher.save().map_err(|error| SearchError::Input(error.to_string()))?;
        let study = Study::create(path, settings, saved, searcher.large(None))?;
        Self::resume(study, space, evaluator, stopwatch)
    }

    /// Goes on with a study that was opened for it.
    ///
    /// # Errors
    ///
    /// Another evaluator than it was begun with, or a study that cannot be read.
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
        let large = study.large()?;
        let searcher = AnySearcher::restore(&study.progress().searcher, large.as_deref()).map_err(damaged)?;
        let reward = match settings.exponent {
            WeightExponent::Given => Some(settings.reward),
            WeightExponent::Fitted { .. } => study.progress().exponent.map(|exponent| settings.reward_with(exponent)),
        };
        let mut search = Self {
            trials: study.trials()?,
            study,
            space,
            evaluator,
            stopwatch,
            searcher,
            reward,
            known: BTreeMap::new(),
        };
        for at in 0..search.trials.len() {
            let trial = &search.trials[at];
            if trial.state == State::Done && trial.same_as.is_none() {
                let network = search.member(&trial.choices)?;
                let key = key(&network, &trial.choices);
                search.known.insert(key, at);
            }
        }
        Ok(search)
    }

    /// Trials so far.
    pub fn trials(&self) -> &[Trial] {
        &self.trials
    }

    /// The reward, once its exponent is known.
    pub fn reward(&self) -> Option<Reward> {
        self.reward
    }

    /// The study.
    pub fn study(&self) -> &Study {
        &self.study
    }

    /// Goes on until there are `trials` in all. `seen` is told of each when it is in the file.
    ///
    /// # Errors
    ///
    /// What stopped the search. All trials that were seen are in the study.
    pub fn run(&mut self, trials: u64, seen: &mut dyn FnMut(&Self)) -> Result<(), SearchError> {
        while (self.trials.len() as u64) < trials {
            self.step()?;
            seen(self);
        }
        Ok(())
    }

    fn step(&mut self) -> Result<(), SearchError> {
        let candidate = self.ask()?;
        let key = candidate.key.clone();
        let trial = self.judge(candidate)?;
        let exponent = self.tell(&trial);
        if trial.state == State::Done && trial.same_as.is_none() {
            self.known.insert(key, self.trials.len());
        }
        let is_news = exponent.is_some() && self.study.progress().exponent.is_none();
        let saved = self.searcher.save().map_err(|error| SearchError::Input(error.to_string()))?;
        let large = self.searcher.large(self.study.large_revision());
        self.study.add(&trial, Some(After { searcher: saved, exponent, large }))?;
        self.trials.push(trial);
        if is_news {
            // With their rewards, which are known now.
            self.trials = self.study.trials()?;
        }
        Ok(())
    }

    fn member(&self, choices: &[usize]) -> Result<Option<(Spec, Network)>, SearchError> {
        match self.space {
            None => Ok(None),
            Some(space) => space.member(choices).map(Some).map_err(|error| SearchError::Input(error.to_string())),
        }
    }

    /// The next candidate that is a network within the limits.
    fn ask(&mut self) -> Result<Candidate, SearchError> {
        let mut why = String::new();
        for rejected in 0..PATIENCE {
            let choices = self.searcher.ask();
            let Some(space) = self.space else {
                let key = key(&None, &choices);
                return Ok(Candidate { choices, rejected, network: None, key });
            };
            // What is no network together is over a limit of the language.
            let over = match space.member(&choices) {
                Err(mistakes) => Some(mistakes.to_string()),
                Ok((spec, network)) => {
                    let over = limits::exceeded(&spec, &network, space.limits());
                    match over.map_err(|error| SearchError::Input(error.to_string()))? {
                        Some(over) => Some(over),
                        None => {
                            let network = Some((spec, network));
                            let key = key(&network, &choices);
                            return Ok(Candidate { choices, rejected, network, key });
                        }
                    }
                }
            };
            why = over.unwrap_or_default();
            let worthless = Outcome { reward: f64::NEG_INFINITY, accuracy: 0.0, latency_ms: None };
            self.searcher.tell(&choices, &worthless);
        }
        Err(SearchError::Input(format!("{PATIENCE} candidates in a row are over the limits; the last one: {why}")))
    }

    fn judge(&self, candidate: Candidate) -> Result<Trial, SearchError> {
        let settings = self.study.settings();
        let number = self.trials.len() as u64;
        let mut trial = Trial {
            number,
            state: State::Done,
            choices: candidate.choices,
            spec: candidate.network.as_ref().map_or(String::new(), |(spec, _)| spec.to_yaml()),
            parameters: candidate.network.as_ref().map_or(0, |(_, network)| network.parameters()),
            macs: candidate.network.as_ref().map_or(0, |(_, network)| network.macs()),
            // Another for each trial, the same whenever it is done.
            seed: crate::rng::Rng::new(settings.seed ^ (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)).bits() >> 1,
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
        let result = match self.known.get(&candidate.key) {
            Some(&at) => {
                let known = &self.trials[at];
                trial.same_as = Some(known.number);
                Ok((known.accuracy.unwrap_or(0.0), known.epochs.clone(), known.latency))
            }
            None => self.evaluate(&trial, candidate.network.as_ref()),
        };
        match result {
            Ok((accuracy, epochs, latency)) => {
                trial.accuracy = Some(accuracy);
                trial.epochs = epochs;
                trial.latency = latency;
                trial.reward = self.reward.map(|reward| reward.of(accuracy, latency.map(|it| it.ms)));
            }
            Err(Failure::Trial(message)) => {
                trial.state = State::Failed;
                trial.message = Some(message);
            }
            Err(Failure::Stop(message)) => return Err(SearchError::Evaluator(message)),
        }
        Ok(trial)
    }

    fn evaluate(
        &self,
        trial: &Trial,
        network: Option<&(Spec, Network)>,
    ) -> Result<(f64, Vec<f64>, Option<Latency>), Failure> {
        let settings = self.study.settings();
        let needs_latency = settings.reward.needs_latency();
        let job = Job {
            trial: trial.number,
            spec: trial.spec.clone(),
            choices: trial.choices.clone(),
            seed: trial.seed,
            evaluator: settings.evaluator.clone(),
            budget: settings.budget,
            needs: Needs { latency: needs_latency && self.stopwatch.is_none() },
        };
        let Evaluation { accuracy, epochs, latency } = self.evaluator.evaluate(&job)?;
        let latency = match (self.stopwatch, network) {
            (Some(stopwatch), Some((spec, network))) => Some(stopwatch.measure(spec, network)?),
            _ => latency,
        };
        if needs_latency && latency.is_none() {
            return Err(Failure::Stop(format!("the reward needs a latency, and `{}` gives none", settings.evaluator)));
        }
        if !accuracy.is_finite() || latency.is_some_and(|it| ![it.ms, it.low, it.high].iter().all(|ms| ms.is_finite()))
        {
            return Err(Failure::Trial("the result has a number that is not finite".to_owned()));
        }
        Ok((accuracy, epochs, latency))
    }

    /// Tells the searcher; with an exponent to fit, of all first trials when the last of them is there. The exponent is
    /// returned where there is one.
    fn tell(&mut self, trial: &Trial) -> Option<f64> {
        let settings = self.study.settings().clone();
        let mut exponent = self.study.progress().exponent;
        if let Some(reward) = self.reward {
            self.searcher.tell(&trial.choices, &outcome(trial, &reward));
        } else if let WeightExponent::Fitted { first } = settings.exponent
            && trial.number + 1 >= first
        {
            let all: Vec<&Trial> = self.trials.iter().chain([trial]).collect();
            let points: Vec<(f64, f64)> = all.iter().filter_map(|trial| trial.point()).collect();
            // Where no slower network is better, any exponent finds the fastest; the paper's is as good as another.
            let fitted = settings.target().and_then(|target| fit_exponent(&points, target)).unwrap_or(Reward::SOFT.0);
            let reward = settings.reward_with(fitted);
            for trial in all {
                self.searcher.tell(&trial.choices, &outcome(trial, &reward));
            }
            exponent = Some(fitted);
            self.reward = Some(reward);
        }
        exponent
    }
}

fn key(network: &Option<(Spec, Network)>, choices: &[usize]) -> String {
    network.as_ref().map_or_else(|| format!("{choices:?}"), |(_, network)| mnas_dsl::space::key(network))
}

fn outcome(trial: &Trial, reward: &Reward) -> Outcome {
    let latency_ms = trial.latency.map(|it| it.ms);
    match trial.accuracy {
        Some(accuracy) => Outcome { reward: reward.of(accuracy, latency_ms), accuracy, latency_ms },
        None => Outcome { reward: f64::NEG_INFINITY, accuracy: 0.0, latency_ms: None },
    }
}
