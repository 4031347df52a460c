//! Whether accuracy ranks networks: figures worked out by hand, an evaluator whose noise is known, interruptions.

use crate::noisy::Noisy;
use crate::{Folder, contents, settings};
use mnas_search::evaluator::Evaluator;
use mnas_search::findings::{Estimate, RANKING, RankedNetwork, Ranking};
use mnas_search::job::{Budget, Evaluation, Failure, Job, Latency, Purpose};
use mnas_search::ranking::{Noise, best_first, ranked};
use mnas_search::reward::{Reward, Target};
use mnas_search::search::{Search, SearchError};
use mnas_search::stats::kendall_tau;
use mnas_search::study::{Access, Settings, State, Study, Trial, WeightExponent};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

fn network(first: &[f64], second: &[f64]) -> RankedNetwork {
    RankedNetwork {
        spec: String::new(),
        accuracies: vec![*first.last().unwrap(), *second.last().unwrap()],
        curves: vec![first.to_vec(), second.to_vec()],
        choices: Vec::new(),
    }
}

#[track_caller]
fn near(is: f64, expected: f64) {
    assert!((is - expected).abs() < 1e-12, "{is} is not {expected}");
}

#[test]
fn figures_are_those_worked_out_by_hand() {
    let networks = [(0.5, 0.6), (0.7, 0.5), (0.8, 0.9), (0.6, 0.8)].map(|(a, b)| network(&[a], &[b]));
    let ranking = Ranking::of(networks.to_vec(), Some(3)).unwrap();
    // First seeds rank 1 4 2 3, second ones 2 1 4 3: of six pairs, 1-2 and 2-4 disagree.
    near(ranking.tau, (4.0 - 2.0) / 6.0);
    // Means .55, .6, .85, .7, around .675.
    near(
        ranking.spread,
        ((0.125_f64.powi(2) + 0.075_f64.powi(2) + 0.175_f64.powi(2) + 0.025_f64.powi(2)) / 3.0).sqrt(),
    );
    near(ranking.seed_difference, (0.1 + 0.2 + 0.1 + 0.2) / 4.0);
    assert!(!ranking.separates());
    // A single epoch has no trend: twice as many are tried next.
    assert_eq!((ranking.epochs_to_add, ranking.estimate), (Some(3), Estimate::Doubling));
    assert_eq!(
        ranking.to_string(),
        "4 networks are too few to decide whether accuracy ranks them after 3 epochs: tau 0.33 between two seeds of 4 \
         networks, whose accuracies spread by 0.1323 and differ by 0.1500 between seeds; networks that differ by no more \
         than 0.1500 are ranked by latency"
    );
    // Two more networks are enough: of 15 pairs 1-2, 1-5, 2-4 and 4-5 disagree.
    let more =
        [(0.5, 0.6), (0.7, 0.5), (0.8, 0.9), (0.6, 0.8), (0.65, 0.4), (0.9, 0.95)].map(|(a, b)| network(&[a], &[b]));
    let ranking = Ranking::of(more.to_vec(), Some(3)).unwrap();
    near(ranking.tau, (11.0 - 4.0) / 15.0);
    let said = ranking.to_string();
    assert!(said.starts_with("accuracy does not separate these networks after 3 epochs: tau 0.47 ("), "{said}");
    assert!(
        said.contains("try 3 epochs more") && said.ends_with("no more than 0.1500 are ranked by latency"),
        "{said}"
    );

    // The control: two seeds that agree.
    let networks = [(0.5, 0.5), (0.6, 0.61), (0.7, 0.7), (0.8, 0.79)].map(|(a, b)| network(&[a], &[b]));
    let ranking = Ranking::of(networks.to_vec(), Some(3)).unwrap();
    assert_eq!((ranking.tau, ranking.tau_high, ranking.epochs_to_add), (1.0, 1.0, None));
    // Three of three pairs agree by chance in one of six.
    assert!(!ranking.separates() && ranking.to_string().starts_with("4 networks are too few to decide"), "{ranking}");
    let more = [(0.1, 0.2), (0.2, 0.3)].map(|(a, b)| network(&[a], &[b]));
    let ranking = Ranking::of([&networks[..], &more].concat(), Some(3)).unwrap();
    assert!(ranking.separates());
    assert!(ranking.to_string().starts_with("accuracy ranks these networks after 3 epochs: tau 1.00 ("), "{ranking}");
    assert_eq!(Ranking::of(networks[..2].to_vec(), None), None);
}

/// Variance between networks over that between seeds is q = 0.5 e after e epochs, by construction: with means whose
/// variance is V and seeds at a distance d on either side of them, q = (V - d^2) / (2 d^2), so d^2 = V / (1 + 2 q).
/// tau = .6 needs rho = sin(.3 pi) = .8090, so q = .8090 / .1910 = 4.236, which is reached after 8.47 epochs.
#[test]
fn epochs_to_add_are_those_worked_out_by_hand() {
    let means = [0.4, 0.42, 0.44, 0.46, 0.48, 0.5];
    let variance = 0.02_f64.powi(2) * (2.0 * (2.5_f64.powi(2) + 1.5_f64.powi(2) + 0.5_f64.powi(2))) / 5.0;
    let curves = |q: &dyn Fn(f64) -> f64, epochs: u32| -> Vec<RankedNetwork> {
        let side = |sign: f64, mean: f64| -> Vec<f64> {
            (1..=epochs).map(|e| mean + sign * (variance / (1.0 + 2.0 * q(f64::from(e)))).sqrt()).collect()
        };
        // The seeds are swapped in every second network, so that they disagree.
        let signs = [1.0, -1.0, 1.0, -1.0, 1.0, -1.0];
        means.iter().zip(signs).map(|(&mean, sign)| network(&side(sign, mean), &side(-sign, mean))).collect()
    };
    let ranking = Ranking::of(curves(&|e| 0.5 * e, 4), Some(4)).unwrap();
    assert!(ranking.tau < 0.6, "{}", ranking.tau);
    assert_eq!((ranking.epochs_to_add, ranking.estimate), (Some(9 - 4), Estimate::Curves));
    assert!(
        ranking.to_string().contains("5 epochs more may be enough, if the trend of the accuracies after each epoch")
    );
    // Curves have a number of epochs even if none was given.
    assert_eq!(Ranking::of(curves(&|e| 0.5 * e, 4), None).unwrap().epochs_to_add, Some(5));
    // With so slow a trend it would be thousands of epochs: the estimate is at most eight times the epochs.
    let ranking = Ranking::of(curves(&|e| 0.5 * e.powf(0.1), 4), Some(4)).unwrap();
    assert_eq!((ranking.epochs_to_add, ranking.estimate), (Some(28), Estimate::Curves));
    // The control: a ratio that does not grow is not extrapolated.
    for q in [&(|_| 0.5) as &dyn Fn(f64) -> f64, &|e| 2.0 / e] {
        let ranking = Ranking::of(curves(q, 4), Some(4)).unwrap();
        assert_eq!((ranking.epochs_to_add, ranking.estimate), (Some(4), Estimate::Doubling));
    }
}

/// The noise is a third of a standard deviation of the truth after 1 epoch, and so on: the estimate from few epochs is
/// close to the truth.
#[test]
fn estimated_epochs_are_about_those_that_are_needed() {
    // True accuracies have a standard deviation of .1 / sqrt(3), noise .2 / sqrt(e): q = e / 12, so tau .6 takes 51 epochs.
    let folder = Folder::new("estimated");
    let noisy = Noisy::new(0.2, 0.1);
    let settings = |epochs: u32| Settings {
        ranking: Some(120),
        budget: Budget { epochs: Some(epochs) },
        ..settings("random", &noisy, WeightExponent::Given)
    };
    let look = |name: &str, epochs: u32| {
        let mut search = Search::begin(&folder.file(name), &settings(epochs), None, &noisy, None).unwrap();
        search.check_ranking(&mut |_, _| ()).unwrap();
        search.ranking().unwrap().unwrap()
    };
    let ranking = look("few", 16);
    assert_eq!((ranking.networks.len(), ranking.estimate), (120, Estimate::Curves));
    let needed = 16 + ranking.epochs_to_add.unwrap();
    assert!((26..=102).contains(&needed), "{needed}");
    // 2 / pi * asin(16 / 28) = .39 and 2 / pi * asin(51 / 63) = .6, and .83 with fifteen times as many.
    assert!((ranking.tau_low..=ranking.tau_high).contains(&0.387), "{ranking:?}");
    assert!((ranking.tau - 0.387).abs() < 0.15);
    assert!((look("enough", 51).tau - 0.6).abs() < 0.12);
    let many = look("many", 765);
    assert!(many.separates() && many.epochs_to_add.is_none() && (many.tau - 0.886).abs() < 0.08, "{}", many.tau);
    // The mean distance of two normal numbers is 2 / sqrt(pi) of their deviation.
    let expected = 2.0 / std::f64::consts::PI.sqrt() * 0.2 / 765_f64.sqrt();
    assert!((many.noise() / expected - 1.0).abs() < 0.25, "{} {expected}", many.noise());
    // The control: the true order is found.
    let truths: Vec<f64> = many.networks.iter().map(|network| noisy.truth(&network.choices)).collect();
    let found: Vec<f64> = many.networks.iter().map(|network| network.accuracies[0]).collect();
    assert!(kendall_tau(&truths, &found) > many.tau - 0.05);
}

/// Stops after some evaluations, as if the process were killed.
pub(crate) struct Mortal {
    pub(crate) inner: Noisy,
    pub(crate) life: AtomicU64,
}

impl Evaluator for Mortal {
    fn name(&self) -> String {
        self.inner.name()
    }

    fn evaluate(&self, job: &Job) -> Result<Evaluation, Failure> {
        let lives = self.life.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |life| life.checked_sub(1));
        if lives.is_ok() { self.inner.evaluate(job) } else { Err(Failure::Stop("killed".to_owned())) }
    }
}

#[test]
fn an_interrupted_check_continues_where_it_stopped() {
    let folder = Folder::new("interrupted");
    let mortal = |life: u64| Mortal { inner: Noisy::new(0.05, 0.1), life: AtomicU64::new(life) };
    let all = mortal(u64::MAX);
    let settings = Settings {
        ranking: Some(8),
        budget: Budget { epochs: Some(2) },
        ..settings("evolution", &all, WeightExponent::Given)
    };
    let whole = folder.file("whole");
    Search::begin(&whole, &settings, None, &all, None).unwrap().run(10, &mut |_| ()).unwrap();
    let jobs = |it: &Mortal, purpose: Purpose| {
        it.inner
            .jobs
            .lock()
            .unwrap()
            .iter()
            .filter(|job| job.purpose == purpose)
            .map(|job| job.seed)
            .collect::<Vec<_>>()
    };
    let checked = jobs(&all, Purpose::Ranking);
    assert_eq!(checked.len(), 16);
    let mut different = checked.clone();
    different.extend(jobs(&all, Purpose::Trial));
    different.sort_unstable();
    different.dedup();
    assert!(different.len() > 20, "seeds are not all different");

    let path = folder.file("killed");
    drop(Search::begin(&path, &settings, None, &all, None).unwrap());
    let mut again = Vec::new();
    for life in [0, 3, 1, 5, 1, 0, 20] {
        let mortal = mortal(life);
        let study = Study::open(&path, Access::Search).unwrap();
        let result = Search::resume(study, None, &mortal, None).unwrap().run(10, &mut |_| ());
        assert_eq!(result.is_ok(), life == 20, "{result:?}");
        again.extend(jobs(&mortal, Purpose::Ranking));
    }
    assert_eq!(again, checked, "each was done once, in order");
    assert!(contents(&path) == contents(&whole));
    assert!(Study::open(&path, Access::Read).unwrap().finding::<Ranking>(RANKING).unwrap().is_some());
    // Without the check, the trials are the same.
    let without = folder.file("without");
    let settings = Settings { ranking: None, ..settings };
    Search::begin(&without, &settings, None, &all, None).unwrap().run(10, &mut |_| ()).unwrap();
    let trials = |path: &Path| Study::open(path, Access::Read).unwrap().trials().unwrap();
    assert_eq!(trials(&without), trials(&whole));
}

/// Fails all jobs of the check except the first few.
struct Failing(Noisy, u64);

impl Evaluator for Failing {
    fn name(&self) -> String {
        "failing".to_owned()
    }

    fn evaluate(&self, job: &Job) -> Result<Evaluation, Failure> {
        if job.trial.is_multiple_of(4) && job.trial >= self.1 {
            Err(Failure::Trial("it diverged".to_owned()))
        } else {
            self.0.evaluate(job)
        }
    }
}

#[test]
fn networks_that_fail_are_left_out_of_the_check() {
    let folder = Folder::new("left-out");
    let look = |name: &str, from: u64, count: u32| {
        let failing = Failing(Noisy::new(0.01, 0.1), from);
        let settings = Settings { ranking: Some(count), ..settings("random", &failing, WeightExponent::Given) };
        let mut search = Search::begin(&folder.file(name), &settings, None, &failing, None).unwrap();
        search.check_ranking(&mut |_, _| ()).map(|()| search.ranking().unwrap())
    };
    // One seed of every second network fails.
    assert_eq!(look("half", 0, 8).unwrap().unwrap().networks.len(), 4);
    assert_eq!(look("last", 12, 8).unwrap().unwrap().networks.len(), 7);
    let failed = look("four", 0, 4).unwrap_err();
    assert!(matches!(&failed, SearchError::Evaluator(said) if said.contains("it diverged")), "{failed:?}");
}

pub(crate) fn trial(number: u64, accuracy: f64, ms: f64) -> Trial {
    Trial {
        number,
        state: State::Done,
        choices: vec![number as usize],
        spec: String::new(),
        parameters: 0,
        macs: 1000 - number,
        seed: 0,
        same_as: None,
        rejected: 0,
        accuracy: Some(accuracy),
        epochs: Vec::new(),
        latency: (ms > 0.0).then(|| Latency::exact(ms)),
        reward: None,
        message: None,
        rung: 0,
        of: None,
        budget: Budget::default(),
    }
}

#[test]
fn networks_within_noise_are_ranked_by_latency() {
    let trials = [(0.80, 9.0), (0.79, 5.0), (0.785, 7.0), (0.70, 1.0), (0.78, 6.0), (0.699, 0.5)];
    let trials: Vec<Trial> = (0..).zip(trials).map(|(number, (accuracy, ms))| trial(number, accuracy, ms)).collect();
    let order =
        |trials: &[Trial], reward: Reward, noise: f64| best_first(&trials.iter().collect::<Vec<_>>(), &reward, noise);
    // Within .019 of .80 are .79 and .785, and .78 is not.
    assert_eq!(order(&trials, Reward::Accuracy, 0.019), [1, 2, 0, 4, 5, 3]);
    // It differs by .02, which is within the noise, although the difference is a little more in binary.
    assert_eq!(order(&trials, Reward::Accuracy, 0.02), [1, 4, 2, 0, 5, 3]);
    assert_eq!(order(&trials, Reward::Accuracy, 0.0251), [1, 4, 2, 0, 5, 3]);
    // The control: without noise by accuracy.
    assert_eq!(order(&trials, Reward::Accuracy, 0.0), [0, 1, 2, 4, 3, 5]);
    // Hard, T = 6 ms: networks within T are ranked by accuracy and then latency; .79 and .78 count as .7883.
    let hard = Reward::Weighted { target: Target { ms: 6.0 }, alpha: 0.0, beta: -1.0 };
    assert_eq!(order(&trials, hard, 0.0251), [1, 4, 5, 3, 2, 0]);
    assert_eq!(order(&trials, hard, 0.0), [1, 4, 3, 5, 2, 0]);
    // Without latencies, by multiply-accumulates: here the later ones have fewer.
    let untimed: Vec<Trial> = trials.iter().map(|it| Trial { latency: None, ..it.clone() }).collect();
    assert_eq!(order(&untimed, Reward::Accuracy, 0.0251), [4, 2, 1, 0, 5, 3]);
    assert_eq!(order(&untimed, hard, 0.0251), [0; 0]);
}

#[test]
fn networks_that_were_trained_longest_rank_first_and_count_once() {
    let mut trials: Vec<Trial> = (0..4).map(|number| trial(number, 0.5 + 0.01 * number as f64, 1.0)).collect();
    // The best two on the next rung, in the opposite order; the best of them failed on the last rung.
    trials.push(Trial { rung: 1, of: Some(3), accuracy: Some(0.4), ..trials[3].clone() });
    trials.push(Trial { rung: 1, of: Some(2), accuracy: Some(0.45), ..trials[2].clone() });
    trials.push(Trial { rung: 2, of: Some(5), state: State::Failed, accuracy: None, ..trials[2].clone() });
    trials.push(Trial { same_as: Some(1), accuracy: Some(0.9), ..trials[1].clone() });
    for (number, trial) in (0..).zip(&mut trials) {
        trial.number = number;
    }
    assert_eq!(ranked(&trials, Some(Reward::Accuracy), Noise::default()), [5, 4, 1, 0]);
    assert_eq!(ranked(&trials, None, Noise::default()), [0; 0]);
}
