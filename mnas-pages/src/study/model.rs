//! What the page shows: trials, which of them are drawn, and what accuracy is held against.

use super::{Baseline, Beside, Findings, Measured, Shown};
use crate::numbers::mean;
use mnas_search::ranking::{self, Noise};
use mnas_search::reward::Reward;
use mnas_search::study::{Settings, State, Trial};
use std::collections::{BTreeMap, BTreeSet};

/// Marks of a picture, at most: more are no clearer, and slow.
const MARKS: usize = 2500;

/// A study, ready to be drawn.
pub(super) struct Model<'a> {
    pub(super) name: &'a str,
    pub(super) settings: &'a Settings,
    pub(super) trials: &'a [Trial],
    pub(super) findings: &'a Findings,
    pub(super) baselines: &'a [Baseline],
    pub(super) measured: &'a BTreeMap<String, Measured>,
    pub(super) beside: &'a [Beside],
    /// The reward, once its exponent is known.
    pub(super) reward: Option<Reward>,
    /// Positions of different networks, the best first.
    pub(super) ranked: Vec<usize>,
    /// Positions of those that nothing beats in accuracy and cost, by rising cost.
    pub(super) front: Vec<usize>,
    pub(super) cost: Cost,
    unit: Unit,
    /// Positions of the trials that pictures show: of each network and rung the first.
    pub(super) shown: Vec<usize>,
    /// Later trials of a network by the number of the first.
    pub(super) again: BTreeMap<u64, Vec<u64>>,
    /// How many more would be shown if that could be seen.
    pub(super) left_out: usize,
}

/// The cost of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cost {
    /// Milliseconds of an inference.
    Latency,
    /// Multiply-accumulates, without a measurement.
    Macs,
    /// The cost is unknown.
    Unknown,
}

impl Cost {
    fn of(trials: &[Trial]) -> Self {
        if trials.iter().any(|trial| trial.point().is_some()) {
            Cost::Latency
        } else if trials.iter().any(|trial| trial.macs > 0 && trial.accuracy.is_some()) {
            Cost::Macs
        } else {
            Cost::Unknown
        }
    }

    /// Of a trial: milliseconds, or millions.
    fn value(self, trial: &Trial) -> Option<f64> {
        match self {
            Cost::Latency => trial.latency.map(|it| it.ms).filter(|&ms| ms > 0.0),
            Cost::Macs => (trial.macs > 0).then_some(trial.macs as f64 / 1e6),
            Cost::Unknown => None,
        }
    }
}

/// What latencies are shown in: an axis has no zeros before what matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Milliseconds,
    Microseconds,
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Unit::Milliseconds => "ms",
            Unit::Microseconds => "µs",
        }
    }

    /// Milliseconds in this unit.
    pub(super) fn of(self, ms: f64) -> f64 {
        if self == Unit::Microseconds { ms * 1e3 } else { ms }
    }

    /// Of this unit, milliseconds.
    pub(super) fn back(self, value: f64) -> f64 {
        if self == Unit::Microseconds { value / 1e3 } else { value }
    }
}

impl<'a> Model<'a> {
    pub(super) fn new(shown: &'a Shown<'a>) -> Self {
        let Shown { name, settings, reward, trials, findings, baselines, measured, beside } = *shown;
        let noise = Noise::of(findings.ranking.as_ref(), findings.noise.as_ref());
        let mut again: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
        for trial in trials {
            if let Some(first) = trial.same_as {
                again.entry(first).or_default().push(trial.number);
            }
        }
        let mut model = Model {
            name,
            settings,
            trials,
            findings,
            baselines,
            measured,
            beside,
            reward,
            ranked: ranking::ranked(trials, reward, noise),
            front: Vec::new(),
            cost: Cost::of(trials),
            unit: unit(trials),
            shown: Vec::new(),
            again,
            left_out: 0,
        };
        model.front = model.front();
        model.choose();
        model
    }

    /// Cost as an axis has it, and accuracy in percent.
    pub(super) fn point(&self, at: usize) -> Option<(f64, f64)> {
        let trial = &self.trials[at];
        let cost = self.cost.value(trial)?;
        let cost = if self.cost == Cost::Latency { self.unit.of(cost) } else { cost };
        Some((cost, 100.0 * trial.accuracy.filter(|it| it.is_finite())?))
    }

    /// Baselines that can be drawn: name, cost as an axis has it, accuracy in percent.
    pub(super) fn compared(&self) -> Vec<(&'a str, f64, f64)> {
        let place = |it: &'a Baseline| {
            let cost = match self.cost {
                Cost::Latency => self.unit.of(it.figures.ms?),
                Cost::Macs => it.macs as f64 / 1e6,
                Cost::Unknown => return None,
            };
            let accuracies = &it.figures.accuracies;
            (!accuracies.is_empty()).then(|| (&*it.name, cost, 100.0 * mean(accuracies)))
        };
        self.baselines.iter().filter_map(place).collect()
    }

    /// The title of an axis of costs.
    pub(super) fn cost_title(&self) -> String {
        match self.cost {
            Cost::Latency => self.latency_title(),
            Cost::Macs | Cost::Unknown => "multiply-accumulates, millions".to_owned(),
        }
    }

    /// Of an axis: with its unit, and with a warning where figures mean nothing.
    pub(super) fn latency_title(&self) -> String {
        let warning = if self.is_meaningful() { "" } else { " (without meaning)" };
        format!("latency, {}{warning}", self.unit.name())
    }

    /// Whether latencies say anything about a processor.
    pub(super) fn is_meaningful(&self) -> bool {
        self.findings.machine.as_ref().is_none_or(|machine| machine.is_meaningful)
    }

    pub(super) fn unit(&self) -> Unit {
        self.unit
    }

    /// The best trial.
    pub(super) fn best(&self) -> Option<&'a Trial> {
        self.ranked.first().map(|&at| &self.trials[at])
    }

    pub(super) fn failed(&self) -> usize {
        self.trials.iter().filter(|trial| trial.state == State::Failed).count()
    }

    fn front(&self) -> Vec<usize> {
        let done: Vec<(usize, (f64, f64))> =
            ranking::finalists(self.trials).into_iter().filter_map(|at| Some((at, self.point(at)?))).collect();
        let points: Vec<(f64, f64)> = done.iter().map(|&(_, (cost, accuracy))| (accuracy, cost)).collect();
        mnas_search::pareto::front(&points).into_iter().map(|at| done[at].0).collect()
    }

    /// All that are worth a mark; of too many those at the top and, of the others, some at equal distances.
    fn choose(&mut self) {
        let all: Vec<usize> = (0..self.trials.len()).filter(|&at| self.trials[at].same_as.is_none()).collect();
        if all.len() <= MARKS {
            self.shown = all;
            return;
        }
        let mut chosen: BTreeSet<usize> = self.front.iter().chain(self.ranked.iter().take(20)).copied().collect();
        let rest: Vec<usize> = all.iter().copied().filter(|at| !chosen.contains(at)).collect();
        let left = MARKS.saturating_sub(chosen.len());
        chosen.extend((0..left).map(|at| rest[at * rest.len() / left]));
        self.left_out = all.len() - chosen.len();
        self.shown = chosen.into_iter().collect();
    }
}

/// Microseconds where most networks take less than half a millisecond.
fn unit(trials: &[Trial]) -> Unit {
    let mut all: Vec<f64> = trials.iter().filter_map(|trial| Some(trial.latency?.ms)).collect();
    all.sort_by(f64::total_cmp);
    match all.get(all.len() / 2) {
        Some(&ms) if ms < 0.5 => Unit::Microseconds,
        _ => Unit::Milliseconds,
    }
}
