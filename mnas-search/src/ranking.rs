//! Whether an evaluator's accuracy ranks networks, and how networks are ranked where it does so only in part.

use crate::findings::{Estimate, RankedNetwork, Ranking, RungNoise};
pub use crate::noise::Noise;
use crate::reward::Reward;
use crate::stats::{kendall_tau, kendall_tau_interval, mean, variance};
use crate::study::{State, Trial};
use std::collections::BTreeSet;

/// The smallest tau at which accuracy ranks networks.
pub const ENOUGH: f64 = 0.6;

/// With fewer networks tau is unreliable: of three networks it is -1, -1/3, 1/3 or 1, and at least .6 in one of six
/// cases by chance.
pub const ENOUGH_NETWORKS: usize = 6;

/// An estimate is at most this many times the epochs that were trained.
const REACH: f64 = 8.0;

impl Ranking {
    /// The ranking by the accuracies of two seeds of each network; networks by size. `epochs` is the length of each
    /// training, if known. `None` for fewer than three networks, which have no ranking.
    pub fn of(networks: Vec<RankedNetwork>, epochs: Option<u32>) -> Option<Self> {
        if networks.len() < 3 || networks.iter().any(|network| network.accuracies.len() != 2) {
            return None;
        }
        let seed = |which: usize| -> Vec<f64> { networks.iter().map(|network| network.accuracies[which]).collect() };
        let (first, second) = (seed(0), seed(1));
        let (tau, (tau_low, tau_high)) = (kendall_tau(&first, &second), kendall_tau_interval(&first, &second));
        let means: Vec<f64> = networks.iter().map(|network| mean(&network.accuracies)).collect();
        let distances: Vec<f64> = first.iter().zip(&second).map(|(a, b)| (a - b).abs()).collect();
        let seen = networks.iter().flat_map(|network| &network.curves).map(Vec::len).min().unwrap_or(0);
        let epochs = epochs.or(u32::try_from(seen).ok().filter(|&seen| seen > 0));
        let (epochs_to_add, estimate) = match (tau >= ENOUGH, epochs) {
            (true, _) => (None, Estimate::None),
            (false, None) => (None, Estimate::Doubling),
            (false, Some(epochs)) => match needed(&networks, seen) {
                Some(needed) => {
                    let all = needed.min(REACH * f64::from(epochs)).ceil() as u32;
                    (Some(all.saturating_sub(epochs).max(1)), Estimate::Curves)
                }
                None => (Some(epochs), Estimate::Doubling),
            },
        };
        let (spread, seed_difference) = (variance(&means).sqrt(), mean(&distances));
        Some(Self { networks, epochs, tau, tau_low, tau_high, spread, seed_difference, epochs_to_add, estimate })
    }

    /// Whether accuracy ranks these networks.
    pub fn separates(&self) -> bool {
        self.tau >= ENOUGH && self.is_enough()
    }

    /// Whether there are enough networks to decide.
    pub fn is_enough(&self) -> bool {
        self.networks.len() >= ENOUGH_NETWORKS
    }

    /// The noise: accuracies that differ by no more are equal. It is the mean distance of two seeds of one network.
    pub fn noise(&self) -> f64 {
        self.seed_difference
    }
}

impl RungNoise {
    /// The noise on this rung: accuracies that differ by no more are equal. It is the mean distance of two seeds of one
    /// network. `None` where fewer than two networks were trained twice.
    pub fn noise(&self) -> Option<f64> {
        let distances: Vec<f64> = self.networks.iter().map(|it| (it.accuracies[0] - it.accuracies[1]).abs()).collect();
        (distances.len() >= 2).then(|| mean(&distances))
    }
}

/// The line that is shown with rankings.
impl std::fmt::Display for RungNoise {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Some(noise) = self.noise() else {
            return write!(
                f,
                "on rung {} fewer than two networks could be trained twice: the noise there is unknown",
                self.rung
            );
        };
        let count = self.networks.len();
        write!(f, "on rung {}", self.rung)?;
        if let Some(epochs) = self.epochs {
            write!(f, ", after {epochs} epochs,")?;
        }
        write!(
            f,
            " two seeds of {count} networks differ by {noise:.4}: networks that differ by no more are ranked by latency"
        )
    }
}

/// The first line of the results of a search.
impl std::fmt::Display for Ranking {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.is_enough(), self.separates()) {
            (false, _) => {
                write!(f, "{} networks are too few to decide whether accuracy ranks them", self.networks.len())?
            }
            (true, true) => write!(f, "accuracy ranks these networks")?,
            (true, false) => write!(f, "accuracy does not separate these networks")?,
        }
        match self.epochs {
            Some(1) => write!(f, " after 1 epoch")?,
            Some(epochs) => write!(f, " after {epochs} epochs")?,
            None => {}
        }
        let Self { tau, tau_low, tau_high, spread, seed_difference, .. } = self;
        write!(f, ": tau {tau:.2}")?;
        if self.is_enough() {
            write!(f, " ({tau_low:.2} to {tau_high:.2})")?;
        }
        write!(
            f,
            " between two seeds of {} networks, whose accuracies spread by {spread:.4} and differ by {seed_difference:.4} \
             between seeds",
            self.networks.len()
        )?;
        if self.is_enough() && !self.separates() {
            match (self.epochs_to_add, self.estimate) {
                (Some(add), Estimate::Curves) => {
                    write!(
                        f,
                        "; {add} epochs more may be enough, if the trend of the accuracies after each epoch continues"
                    )?;
                }
                (Some(add), _) => {
                    write!(f, "; try {add} epochs more (twice as many: there is no trend to estimate from)")?
                }
                (None, _) => write!(f, "; train longer")?,
            }
        }
        write!(f, "; networks that differ by no more than {seed_difference:.4} are ranked by latency")
    }
}

/// The number of epochs at which tau would be [`ENOUGH`], extrapolated from the accuracies after each of `seen` epochs.
/// The variance between networks over the variance between seeds is modelled as a power of the epochs, fitted to the
/// later half of them; tau is that of normal distributions, 2 / pi * asin(rho).
fn needed(networks: &[RankedNetwork], seen: usize) -> Option<f64> {
    let mut points = Vec::new();
    for epoch in seen / 2..seen {
        let at = |network: &RankedNetwork, seed: usize| network.curves.get(seed)?.get(epoch).copied();
        let pairs: Option<Vec<(f64, f64)>> = networks.iter().map(|it| Some((at(it, 0)?, at(it, 1)?))).collect();
        let pairs = pairs?;
        let within = mean(&pairs.iter().map(|(a, b)| (a - b) * (a - b) / 2.0).collect::<Vec<_>>());
        // The mean of two seeds has half of the variance of one seed.
        let between = variance(&pairs.iter().map(|(a, b)| (a + b) / 2.0).collect::<Vec<_>>()) - within / 2.0;
        if between > 0.0 && within > 0.0 {
            points.push((((epoch + 1) as f64).ln(), (between / within).ln()));
        }
    }
    if points.len() < 2 {
        return None;
    }
    let (x, y): (Vec<f64>, Vec<f64>) = points.iter().copied().unzip();
    let (x_mean, y_mean) = (mean(&x), mean(&y));
    let both: f64 = points.iter().map(|(x, y)| (x - x_mean) * (y - y_mean)).sum();
    let slope = both / points.iter().map(|(x, _)| (x - x_mean) * (x - x_mean)).sum::<f64>();
    let rho = (ENOUGH * std::f64::consts::FRAC_PI_2).sin();
    let needed = (((rho / (1.0 - rho)).ln() - y_mean) / slope + x_mean).exp();
    // A ratio that does not grow cannot be extrapolated.
    (slope > 0.0 && needed.is_finite()).then_some(needed)
}

/// Indices of the different networks among trials of one rung, the best first. Accuracies that differ from the best of
/// them by at most `noise` count as equal: those networks are ranked by the rest of the reward, which is latency, then
/// by latency, or by multiply-accumulates where no latency was measured. Ties keep their order.
pub fn best_first(trials: &[&Trial], reward: &Reward, noise: f64) -> Vec<usize> {
    let usable = |at: &usize| trials[*at].state == State::Done && trials[*at].same_as.is_none();
    let mut left: Vec<(usize, f64)> =
        (0..trials.len()).filter(usable).filter_map(|at| Some((at, trials[at].accuracy?))).collect();
    left.sort_by(|a, b| b.1.total_cmp(&a.1));
    let mut ranked: Vec<(usize, f64)> = Vec::new();
    let mut rest = left.as_slice();
    // Accuracies on few pictures are multiples of a step, and so is the noise: rounding must not separate them.
    let noise = noise * (1.0 + 1e-9);
    while let Some(&(_, best)) = rest.first() {
        let count = rest.iter().take_while(|(_, accuracy)| best - accuracy <= noise).count().max(1);
        let (equal, others) = rest.split_at(count);
        let level = mean(&equal.iter().map(|it| it.1).collect::<Vec<_>>());
        let worth = |at: usize| reward.of(level, trials[at].latency.map(|it| it.ms));
        ranked.extend(equal.iter().map(|&(at, _)| (at, worth(at))));
        rest = others;
    }
    ranked.retain(|(_, worth)| worth.is_finite());
    let latency = |at: usize| trials[at].latency.map_or(f64::INFINITY, |it| it.ms);
    // Adding 0 turns -0 into 0.
    ranked.sort_by(|&(a, a_worth), &(b, b_worth)| {
        (b_worth + 0.0)
            .total_cmp(&(a_worth + 0.0))
            .then(latency(a).total_cmp(&latency(b)))
            .then(trials[a].macs.cmp(&trials[b].macs))
            .then(a.cmp(&b))
    });
    ranked.into_iter().map(|(at, _)| at).collect()
}

/// Indices of the different networks of a search, the best first: networks of the highest rung before those of lower
/// rungs, each by the trial of the highest rung that it finished, ordered by [`best_first`] within a rung. Empty before
/// the reward is known.
pub fn ranked(trials: &[Trial], reward: Option<Reward>, noise: Noise) -> Vec<usize> {
    let Some(reward) = reward else { return Vec::new() };
    let longer = finalists(trials);
    let mut rungs: Vec<u32> = longer.iter().map(|&at| trials[at].rung).collect();
    rungs.sort_unstable();
    rungs.dedup();
    let of_rung = |rung: u32| {
        let at: Vec<usize> = longer.iter().copied().filter(|&at| trials[at].rung == rung).collect();
        let these: Vec<&Trial> = at.iter().map(|&at| &trials[at]).collect();
        best_first(&these, &reward, noise.at(rung)).into_iter().map(move |which| at[which]).collect::<Vec<_>>()
    };
    rungs.into_iter().rev().flat_map(of_rung).collect()
}

/// Indices of the trials that show best how good a network is: finished, and not trained longer by another trial.
pub fn finalists(trials: &[Trial]) -> Vec<usize> {
    let done = |trial: &&Trial| trial.state == State::Done;
    let trained_longer: BTreeSet<u64> = trials.iter().filter(done).filter_map(|trial| trial.of).collect();
    let is_last = |at: &usize| trials[*at].state == State::Done && !trained_longer.contains(&trials[*at].number);
    (0..trials.len()).filter(is_last).filter(|&at| trials[at].same_as.is_none()).collect()
}
