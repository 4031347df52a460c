//! Noise on the highest rung: the networks that measure it, by figures worked out by hand, and interruptions, which
//! change nothing.

use crate::halving::{halved, trials};
use crate::noisy::Noisy;
use crate::ranking::{Mortal, trial};
use crate::{Folder, contents};
use mnas_search::evaluator::Evaluator as _;
use mnas_search::findings::{NOISE, RANKING, Ranking, RungNoise, TrainedTwice};
use mnas_search::job::{Job, Latency, Purpose};
use mnas_search::ranking::{Noise, ranked};
use mnas_search::reward::Reward;
use mnas_search::search::Search;
use mnas_search::study::{Access, Settings, Study, Trial};
use std::sync::atomic::AtomicU64;

#[test]
fn a_few_of_the_highest_rung_are_trained_twice() {
    let folder = Folder::new("twice");
    let noisy = Noisy::new(0.1, 0.2);
    let path = folder.file("study");
    let settings = Settings { ranking: Some(8), method: "random".to_owned(), ..halved(&noisy, 100, 1) };
    Search::begin(&path, &settings, None, &noisy, None).unwrap().run(200, &mut |_| ()).unwrap();
    let (trials, study) = (trials(&path), Study::open(&path, Access::Read).unwrap());
    let found = study.finding::<RungNoise>(NOISE).unwrap().unwrap();
    assert_eq!((found.rung, found.epochs), (2, Some(18)));
    // After the first hundred, fewer of which are different: four at equal distances, and none after the second
    // hundred.
    let first = trials.iter().take_while(|it| it.number < 100 || it.rung > 0);
    let top: Vec<&Trial> = first.filter(|trial| trial.rung == 2).collect();
    assert!((8..=11).contains(&top.len()), "{}", top.len());
    let last = top.len() - 1;
    let expected = [0, last / 3, 2 * last / 3, last].map(|at| top[at].number);
    assert_eq!(found.networks.iter().map(|it| it.trial).collect::<Vec<_>>(), expected);
    assert!(trials.iter().filter(|trial| trial.rung == 2).count() > top.len(), "the second hundred has none");
    let jobs: Vec<Job> = noisy.jobs.lock().unwrap().iter().filter(|it| it.purpose == Purpose::Noise).cloned().collect();
    assert_eq!(jobs.len(), 4);
    for (number, (job, it)) in jobs.iter().zip(&found.networks).enumerate() {
        let trial = &trials[it.trial as usize];
        assert_eq!((job.id.clone(), job.rung, job.budget), (format!("noise-{number}"), 2, trial.budget));
        assert_eq!(job.choices, trial.choices);
        assert!(trials.iter().all(|trial| trial.seed != job.seed));
        assert_eq!(it.accuracies, [trial.accuracy.unwrap(), noisy.evaluate(job).unwrap().accuracy]);
    }
    // 9 times the epochs have a third of the noise, which four pairs measure roughly.
    let (lowest, highest) = (study.finding::<Ranking>(RANKING).unwrap().unwrap().noise(), found.noise().unwrap());
    assert!(highest < 0.75 * lowest, "{highest} {lowest}");
    let noise = study.noise().unwrap();
    assert_eq!([0, 1, 2].map(|rung| noise.at(rung)), [lowest, lowest, highest]);
}

fn twice(trial: u64, a: f64, b: f64) -> TrainedTwice {
    TrainedTwice { trial, accuracies: [a, b] }
}

#[test]
fn each_rung_has_its_own_noise() {
    let two = RungNoise { rung: 2, epochs: Some(18), networks: vec![twice(4, 0.5, 0.53), twice(6, 0.6, 0.59)] };
    assert!((two.noise().unwrap() - 0.02).abs() < 1e-12);
    assert_eq!(
        two.to_string(),
        "on rung 2, after 18 epochs, two seeds of 2 networks differ by 0.0200: networks that differ by no more are ranked by \
         latency"
    );
    let one = RungNoise { networks: vec![twice(4, 0.5, 0.53)], ..two.clone() };
    assert_eq!(one.noise(), None);
    assert!(one.to_string().contains("the noise there is unknown"), "{one}");

    // The faster of two networks that differ by .03 is first where that is noise, and last where it is not.
    let pair = |number: u64, rung: u32| {
        let it =
            |number, accuracy, ms| Trial { rung, latency: Some(Latency::exact(ms)), ..trial(number, accuracy, 1.0) };
        [it(number, 0.53, 2.0), it(number + 1, 0.50, 1.0)]
    };
    let all: Vec<Trial> = [pair(0, 2), pair(2, 1), pair(4, 0)].concat();
    let ranking: Ranking = serde_json::from_value(serde_json::json!({
        "networks": [], "epochs": 2, "tau": 1.0, "tau_low": 1.0, "tau_high": 1.0, "spread": 1.0,
        "seed_difference": 0.04, "epochs_to_add": null,
    }))
    .unwrap();
    let order = |noise: Noise| ranked(&all, Some(Reward::Accuracy), noise);
    assert_eq!(order(Noise::of(Some(&ranking), Some(&two))), [0, 1, 3, 2, 5, 4]);
    assert_eq!(order(Noise::of(Some(&ranking), Some(&one))), [1, 0, 3, 2, 5, 4]);
    assert_eq!(order(Noise::of(None, None)), [0, 1, 2, 3, 4, 5]);
}

#[test]
fn networks_trained_twice_before_an_interruption_are_not_trained_again() {
    let folder = Folder::new("twice-killed");
    let mortal = |life: u64| Mortal { inner: Noisy::new(0.05, 0.2), life: AtomicU64::new(life) };
    let all = mortal(u64::MAX);
    let settings = Settings { ranking: Some(3), ..halved(&all.inner, 60, 1) };
    let [whole, killed] = ["whole", "killed"].map(|name| folder.file(name));
    for path in [&whole, &killed] {
        drop(Search::begin(path, &settings, None, &all, None).unwrap());
    }
    let seeds = |it: &Mortal| -> Vec<u64> {
        let jobs = it.inner.jobs.lock().unwrap();
        jobs.iter().filter(|job| job.purpose == Purpose::Noise).map(|job| job.seed).collect()
    };
    let run = |path, life: u64| {
        let mortal = mortal(life);
        let study = Study::open(path, Access::Search).unwrap();
        let result = Search::resume(study, None, &mortal, None).unwrap().run(60, &mut |_| ());
        (result.is_ok(), seeds(&mortal))
    };
    let (is_done, expected) = run(&whole, u64::MAX);
    assert!(is_done && expected.len() >= 2, "{expected:?}");
    // Killed after each single training.
    let (mut seen, mut kills) = (Vec::new(), 0);
    loop {
        let (is_done, seeds) = run(&killed, 1);
        seen.extend(seeds);
        if is_done {
            break;
        }
        kills += 1;
    }
    assert!(kills > 60, "{kills}");
    assert_eq!(seen, expected);
    assert!(contents(&whole) == contents(&killed));
}

/// Without a check of the ranking, or without rungs, nothing is trained twice.
#[test]
fn no_network_is_trained_twice_without_an_option() {
    let folder = Folder::new("not-twice");
    let noisy = Noisy::new(0.1, 0.2);
    let with = Settings { ranking: Some(3), ..halved(&noisy, 60, 1) };
    for (name, settings) in [
        ("unranked", Settings { ranking: None, ..with.clone() }),
        ("flat", Settings { halving: None, ..with.clone() }),
        // At most 2 of 20 candidates reach the highest rung.
        ("few", halved(&noisy, 20, 1)),
    ] {
        let path = folder.file(name);
        Search::begin(&path, &settings, None, &noisy, None).unwrap().run(20, &mut |_| ()).unwrap();
        assert!(noisy.jobs.lock().unwrap().iter().all(|job| job.purpose != Purpose::Noise), "{name}");
    }
}
