//! The next step of a search: new candidates, or the best of a rung again with more epochs. It follows from the trials
//! alone, so that a resumed search takes the same steps.

use crate::noise::Noise;
use crate::ranking::best_first;
use crate::reward::Reward;
use crate::study::{Settings, Trial};
use std::collections::BTreeSet;

/// The next step.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// This number of new candidates.
    Ask(usize),
    /// These trials again, one rung higher.
    Longer(Vec<u64>),
}

/// The step after `trials`, all of whose batches are complete, with at most as many trials as are evaluated at once.
pub(super) fn next(settings: &Settings, trials: &[Trial], reward: Option<Reward>, noise: Noise) -> Next {
    let jobs = settings.jobs.max(1);
    let Some(halving) = settings.halving else { return Next::Ask(jobs as usize) };
    let candidates = trials.iter().filter(|trial| trial.rung == 0).count() as u64;
    let left = halving.bracket - candidates % halving.bracket;
    if let (Some(reward), true) = (reward, candidates > 0 && left == halving.bracket) {
        for rung in 0..halving.rungs - 1 {
            let best = due(trials, rung, halving.eta, &reward, noise.at(rung));
            if !best.is_empty() {
                return Next::Longer(best.into_iter().take(jobs as usize).collect());
            }
        }
    }
    Next::Ask(left.min(u64::from(jobs)) as usize)
}

/// The best networks of a rung that are not on the next rung: as many as are missing there to one in `eta`, and at
/// least one. Networks that were promoted earlier count, even if they would not be promoted today: a share that is
/// rounded or chosen again after each bracket would cost more trainings than one in `eta`.
fn due(trials: &[Trial], rung: u32, eta: u32, reward: &Reward, noise: f64) -> Vec<u64> {
    let these: Vec<&Trial> = trials.iter().filter(|trial| trial.rung == rung).collect();
    let longer: BTreeSet<u64> = trials.iter().filter(|trial| trial.rung == rung + 1).filter_map(|it| it.of).collect();
    let best = best_first(&these, reward, noise);
    let count = (best.len() / eta as usize).max(1).saturating_sub(longer.len());
    best.into_iter().map(|at| these[at].number).filter(|number| !longer.contains(number)).take(count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::study::{Halving, State, WeightExponent};

    fn settings(bracket: u64, jobs: u32) -> Settings {
        Settings {
            space: String::new(),
            sizes: Vec::new(),
            method: String::new(),
            seed: 0,
            reward: Reward::Accuracy,
            exponent: WeightExponent::Given,
            evaluator: String::new(),
            stopwatch: None,
            budget: crate::job::Budget { epochs: Some(1) },
            jobs,
            halving: Some(Halving { rungs: 3, eta: 3, bracket }),
            ranking: None,
            timeout: None,
        }
    }

    fn trial(number: u64, accuracy: f64, rung: u32, of: Option<u64>) -> Trial {
        Trial {
            number,
            state: State::Done,
            choices: Vec::new(),
            spec: String::new(),
            parameters: 0,
            macs: 0,
            seed: 0,
            same_as: None,
            rejected: 0,
            accuracy: Some(accuracy),
            epochs: Vec::new(),
            latency: None,
            reward: None,
            message: None,
            rung,
            of,
            budget: crate::job::Budget::default(),
        }
    }

    /// All promotions after each bracket, with candidates of these accuracies: for each bracket, the candidates of
    /// which rung.
    fn gone_on(accuracies: &[f64], bracket: u64, jobs: u32) -> Vec<[Vec<usize>; 2]> {
        let settings = settings(bracket, jobs);
        let (mut trials, mut candidate, mut brackets) = (Vec::new(), Vec::new(), Vec::new());
        let mut asked = accuracies.iter().enumerate();
        loop {
            match next(&settings, &trials, Some(Reward::Accuracy), Noise::default()) {
                Next::Ask(count) => {
                    for _ in 0..count {
                        let Some((at, &accuracy)) = asked.next() else { return brackets };
                        trials.push(trial(trials.len() as u64, accuracy, 0, None));
                        candidate.push(at);
                        if (at as u64 + 1).is_multiple_of(bracket) {
                            brackets.push([Vec::new(), Vec::new()]);
                        }
                    }
                }
                Next::Longer(these) => {
                    assert!(!these.is_empty() && these.len() <= jobs as usize);
                    for of in these {
                        let before = trials[of as usize].clone();
                        trials.push(trial(trials.len() as u64, before.accuracy.unwrap(), before.rung + 1, Some(of)));
                        candidate.push(candidate[of as usize]);
                        let bracket = brackets.last_mut().unwrap();
                        bracket[before.rung as usize].push(*candidate.last().unwrap());
                    }
                }
            }
        }
    }

    /// 25 / 3 = 8 and 8 / 3 = 2; 50 / 3 = 16, so 8 more, and 16 / 3 = 5, so 3 more; 75 / 3 = 25, so 9, and 25 / 3 = 8, so 3.
    #[test]
    fn one_in_three_is_promoted_for_any_number_of_brackets() {
        let rising: Vec<f64> = (0..75).map(|at| f64::from(at) / 100.0).collect();
        let descending = |from: usize, count: usize| -> Vec<usize> { (0..count).map(|at| from - at).collect() };
        for jobs in [1, 2, 5, 40] {
            // Each bracket is better than the one before: its best are promoted, and no earlier ones.
            let expected = [(24, 8, 2), (49, 8, 3), (74, 9, 3)];
            let expected = expected.map(|(from, first, second)| [descending(from, first), descending(from, second)]);
            assert_eq!(gone_on(&rising, 25, jobs), expected, "{jobs} at once");
        }
        // Each bracket is worse: the next best of the first one are promoted, as far as there is room.
        let falling: Vec<f64> = rising.iter().rev().copied().collect();
        let range = |range: std::ops::Range<usize>| range.collect::<Vec<usize>>();
        assert_eq!(
            gone_on(&falling, 25, 1),
            [[range(0..8), range(0..2)], [range(8..16), range(2..5)], [range(16..25), range(5..8)]]
        );
    }

    /// Brackets of 4: 4 / 3 = 1, 8 / 3 = 2, 12 / 3 = 4; on the rung above at least one, and 4 / 3 is not more.
    #[test]
    fn small_brackets_add_up() {
        let accuracies = [0.1, 0.4, 0.3, 0.2, 0.9, 0.5, 0.6, 0.0, 0.35, 0.7, 0.8, 0.05];
        let expected = [[vec![1], vec![1]], [vec![4], vec![]], [vec![10, 9], vec![]]];
        assert_eq!(gone_on(&accuracies, 4, 3), expected);
    }

    /// Copies of networks and failed trials are not among those of which one in three is promoted.
    #[test]
    fn failed_trials_and_copies_do_not_count() {
        let mut trials: Vec<Trial> = (0..7).map(|at| trial(at, 0.1 * at as f64, 0, None)).collect();
        trials[6].same_as = Some(0);
        trials[5].state = State::Failed;
        trials[5].accuracy = None;
        let settings = settings(7, 9);
        // One of five.
        assert_eq!(next(&settings, &trials, Some(Reward::Accuracy), Noise::default()), Next::Longer(vec![4]));
        // A promoted trial that failed keeps its place; none is left for the rung above.
        trials.push(Trial { state: State::Failed, accuracy: None, ..trial(7, 0.0, 1, Some(4)) });
        assert_eq!(next(&settings, &trials, Some(Reward::Accuracy), Noise::default()), Next::Ask(7));
    }
}
