//! Successive halving: promotions, budgets, and interruptions, which change nothing.

use crate::noisy::Noisy;
use crate::{Folder, contents, settings};
use mnas_search::evaluator::Evaluator;
use mnas_search::findings::{NOISE, RungNoise};
use mnas_search::job::Budget;
use mnas_search::ranking::{Noise, ranked};
use mnas_search::reward::Reward;
use mnas_search::search::{Search, SearchError};
use mnas_search::study::{Access, Halving, Settings, Study, Trial, WeightExponent};
use std::path::Path;

/// 2 epochs, 6, and 18.
pub(crate) fn halved(evaluator: &dyn Evaluator, bracket: u64, jobs: u32) -> Settings {
    Settings {
        reward: Reward::Accuracy,
        budget: Budget { epochs: Some(2) },
        halving: Some(Halving { rungs: 3, eta: 3, bracket }),
        jobs,
        ..settings("evolution", evaluator, WeightExponent::Given)
    }
}

pub(crate) fn trials(path: &Path) -> Vec<Trial> {
    Study::open(path, Access::Read).unwrap().trials().unwrap()
}

/// The promoted trials of a rung, by their accuracies alone.
fn best(trials: &[Trial], rung: u32, eta: usize) -> Vec<u64> {
    let mut these: Vec<&Trial> = trials.iter().filter(|it| it.rung == rung && it.same_as.is_none()).collect();
    these.sort_by(|a, b| b.accuracy.unwrap().total_cmp(&a.accuracy.unwrap()));
    these.iter().take((these.len() / eta).max(1)).map(|trial| trial.number).collect()
}

#[test]
fn the_best_of_each_rung_are_trained_three_times_as_long() {
    let folder = Folder::new("halving");
    let noisy = Noisy::new(0.03, 0.2);
    let path = folder.file("study");
    Search::begin(&path, &halved(&noisy, 30, 1), None, &noisy, None).unwrap().run(30, &mut |_| ()).unwrap();
    let trials = trials(&path);
    let different = trials[..30].iter().filter(|trial| trial.same_as.is_none()).count();
    let (second, third) = (different / 3, different / 9);
    assert_eq!(trials.len(), 30 + second + third);
    assert!(trials[..30].iter().all(|trial| trial.rung == 0 && trial.of.is_none()));
    let of =
        |range: std::ops::Range<usize>| -> Vec<u64> { trials[range].iter().map(|trial| trial.of.unwrap()).collect() };
    assert_eq!(of(30..30 + second), best(&trials[..30], 0, 3));
    assert_eq!(of(30 + second..trials.len()), best(&trials, 1, 3));
    for trial in &trials {
        let epochs = [2, 6, 18][trial.rung as usize];
        assert_eq!((trial.budget.epochs, trial.epochs.len()), (Some(epochs), epochs as usize));
        if let Some(of) = trial.of {
            let before = &trials[of as usize];
            assert_eq!((&before.choices, before.rung + 1, before.latency), (&trial.choices, trial.rung, trial.latency));
            assert_ne!((before.seed, before.accuracy), (trial.seed, trial.accuracy));
        }
    }
    // The job has the budget too.
    let jobs = noisy.jobs.lock().unwrap();
    assert_eq!(jobs.iter().filter(|job| job.rung == 2 && job.budget.epochs == Some(18)).count(), third);
    // Ranked by the highest rung.
    let order = ranked(&trials, Some(Reward::Accuracy), Noise::default());
    assert_eq!(order.len(), different);
    assert!(order.windows(2).all(|pair| trials[pair[0]].rung >= trials[pair[1]].rung));
    assert_eq!(trials[order[0]].number, best(&trials, 2, usize::MAX)[0]);
}

/// The searcher observes the lowest rung only: without the others it proposes the same candidates.
#[test]
fn higher_rungs_do_not_change_the_candidates() {
    let folder = Folder::new("unchanged");
    let noisy = Noisy::new(0.03, 0.2);
    let (with, without) = (folder.file("with"), folder.file("without"));
    let settings = halved(&noisy, 20, 1);
    Search::begin(&with, &settings, None, &noisy, None).unwrap().run(60, &mut |_| ()).unwrap();
    let settings = Settings { halving: None, ..settings };
    Search::begin(&without, &settings, None, &noisy, None).unwrap().run(20, &mut |_| ()).unwrap();
    assert_eq!(trials(&with)[..20], trials(&without));
    // After every 20 of them a third of all so far is on the next rung: the best that were not there.
    let all = trials(&with);
    assert_eq!(all.iter().filter(|trial| trial.rung == 0).count(), 60);
    let candidates: Vec<u64> = all.iter().filter(|trial| trial.rung == 0).map(|trial| trial.number).collect();
    let on_next: Vec<u64> = all.iter().filter(|trial| trial.rung == 1).filter_map(|trial| trial.of).collect();
    let mut expected: Vec<u64> = Vec::new();
    for count in [20, 40, 60] {
        let end = candidates.get(count).map_or(all.len(), |&next| next as usize);
        let different = all[..end].iter().filter(|it| it.rung == 0 && it.same_as.is_none()).count();
        let best = best(&all[..end], 0, 1).into_iter().filter(|it| !expected.contains(it));
        let best: Vec<u64> = best.take(different / 3 - expected.len()).collect();
        expected.extend(best);
    }
    assert_eq!(on_next, expected);
    let mut once = on_next.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), on_next.len(), "one goes on twice");
}

#[test]
fn an_interrupted_search_halves_as_one_that_was_not() {
    let folder = Folder::new("stops");
    for jobs in [1, 4] {
        let noisy = Noisy::new(0.03, 0.2);
        let settings = Settings { ranking: Some(6), ..halved(&noisy, 25, jobs) };
        let [whole, halves] = ["whole", "halves"].map(|name| folder.file(&format!("{name}{jobs}")));
        Search::begin(&whole, &settings, None, &noisy, None).unwrap().run(50, &mut |_| ()).unwrap();
        drop(Search::begin(&halves, &settings, None, &noisy, None).unwrap());
        for stop in [3, 3, 17, 25, 26, 39, 50] {
            let study = Study::open(&halves, Access::Search).unwrap();
            Search::resume(study, None, &noisy, None).unwrap().run(stop, &mut |_| ()).unwrap();
        }
        assert!(contents(&whole) == contents(&halves), "{jobs} at once");
        // The comparison includes findings, beside trials.
        let study = Study::open(&whole, Access::Read).unwrap();
        assert!(study.finding::<RungNoise>(NOISE).unwrap().is_some_and(|noise| noise.networks.len() == 2));
    }
}

/// Long trainings separate networks whose difference is noise in short ones: halving finds the truly best network more
/// often than the accuracies of the lowest rung.
#[test]
fn halving_finds_better_networks_than_the_lowest_rung_alone() {
    let folder = Folder::new("better");
    let (mut with, mut without) = (0.0, 0.0);
    for seed in 0..20 {
        let noisy = Noisy::new(0.2, 0.2);
        let settings = Settings { seed, method: "random".to_owned(), ..halved(&noisy, 45, 1) };
        let path = folder.file(&format!("study{seed}"));
        Search::begin(&path, &settings, None, &noisy, None).unwrap().run(45, &mut |_| ()).unwrap();
        let trials = trials(&path);
        let truth = |it: u64| noisy.truth(&trials[it as usize].choices) / 20.0;
        with += truth(trials[ranked(&trials, Some(Reward::Accuracy), Noise::default())[0]].number);
        without += truth(best(&trials[..45], 0, usize::MAX)[0]);
    }
    assert!(with > without + 0.02, "{with} {without}");
}

#[test]
fn rungs_that_make_no_sense_are_refused() {
    let folder = Folder::new("senseless");
    let noisy = Noisy::new(0.03, 0.2);
    let good = halved(&noisy, 20, 1);
    let halving = |rungs, eta, bracket| Settings { halving: Some(Halving { rungs, eta, bracket }), ..good.clone() };
    let fitted = crate::settings("evolution", &noisy, WeightExponent::Fitted { first: 30 });
    let cases = [
        (halving(0, 3, 20), "rungs >= 1"),
        (halving(3, 1, 20), "eta >= 2"),
        (halving(3, 3, 0), "rungs >= 1"),
        (halving(60, 3, 20), "number of epochs of the highest rung is too large"),
        (Settings { budget: Budget::default(), ..good.clone() }, "the number of epochs of the lowest rung"),
        (Settings { halving: good.halving, budget: good.budget, ..fitted }, "fitted from 30 trials"),
    ];
    for (settings, words) in cases {
        let begun = Search::begin(&folder.file("study"), &settings, None, &noisy, None);
        assert!(matches!(begun.err(), Some(SearchError::Input(said)) if said.contains(words)), "{words}");
    }
    Search::begin(&folder.file("study"), &good, None, &noisy, None).unwrap();
}
