//! What comes next in a search: new candidates, or the best of a rung again and longer. It follows from the trials alone,
//! so that a search that goes on does what it would have done.

use crate::ranking::best_first;
use crate::reward::Reward;
use crate::study::{Settings, Trial};
use std::collections::BTreeSet;

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// So many new candidates.
    Ask(usize),
    /// These trials again, a rung higher.
    Longer(Vec<u64>),
}

/// What comes behind `trials`, all of whose batches are complete, at most as many as are judged at once.
pub(super) fn next(settings: &Settings, trials: &[Trial], reward: Option<Reward>, noise: f64) -> Next {
    let jobs = settings.jobs.max(1);
    let Some(halving) = settings.halving else { return Next::Ask(jobs as usize) };
    let candidates = trials.iter().filter(|trial| trial.rung == 0).count() as u64;
    let left = halving.bracket - candidates % halving.bracket;
    if let (Some(reward), true) = (reward, candidates > 0 && left == halving.bracket) {
        for rung in 0..halving.rungs - 1 {
            let best = due(trials, rung, halving.eta, &reward, noise);
            if !best.is_empty() {
                return Next::Longer(best.into_iter().take(jobs as usize).collect());
            }
        }
    }
    Next::Ask(left.min(u64::from(jobs)) as usize)
}

/// The best of a rung's networks, one in `eta` and one at least, that are not on the next one yet; the best first.
fn due(trials: &[Trial], rung: u32, eta: u32, reward: &Reward, noise: f64) -> Vec<u64> {
    let these: Vec<&Trial> = trials.iter().filter(|trial| trial.rung == rung).collect();
    let longer: BTreeSet<u64> = trials.iter().filter(|trial| trial.rung == rung + 1).filter_map(|it| it.of).collect();
    let best = best_first(&these, reward, noise);
    let count = (best.len() / eta as usize).max(1);
    let best = best.into_iter().take(count).map(|at| these[at].number);
    best.filter(|number| !longer.contains(number)).collect()
}
