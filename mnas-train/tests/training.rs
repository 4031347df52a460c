//! Whole trainings: equal seeds give equal bits under any load, the compiler reads the weights, and wrong input is refused.

mod common;

use mnas_codegen::{lower::lower, reference, weights};
use mnas_dsl::{Network, Spec};
use mnas_search::evaluator::Evaluator as _;
use mnas_search::job::{Budget, Failure, Job, Needs, Purpose};
use mnas_train::augment::Values;
use mnas_train::data::{Pictures, digits, hold_out};
use mnas_train::device::{Device, processor};
use mnas_train::recipe::{Optimizer, Schedule};
use mnas_train::training::{Task, Trained, TrainingError, judge, train};
use mnas_train::{Pause, Recipe, Setup, TrainingEvaluator};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, RwLock};

const NET: &str = "
name: small
input: 8x8x1
preprocess: {mean: 0.3, std: 0.38, resize: 8}
stem: {op: conv, kernel: 3, filters: 8}
blocks:
  - {op: mbconv, expand: 3, kernel: 3, se: 0.25, stride: 2, filters: 16}
head: {filters: 32, dropout: 0.2, classes: 10}
";

fn net(text: &str) -> (Spec, Network) {
    mnas_dsl::load_yaml(text, "spec").unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

/// A training on a part of the digits, and its result.
fn trained(
    recipe: &Recipe,
    seed: u64,
    train_pictures: &Pictures,
    held_out: &Pictures,
) -> Result<Trained, TrainingError> {
    trained_on(&processor(), recipe, seed, train_pictures, held_out)
}

fn trained_on(
    device: &Device,
    recipe: &Recipe,
    seed: u64,
    train_pictures: &Pictures,
    held_out: &Pictures,
) -> Result<Trained, TrainingError> {
    let (spec, network) = net(NET);
    let task = Task {
        spec: &spec,
        network: &network,
        train: train_pictures,
        held_out,
        recipe,
        seed,
        device,
        pause: &Pause::default(),
    };
    train(&task, &mut |_| true)
}

fn part(count: usize) -> Pictures {
    digits().train.select(&(0..count).collect::<Vec<_>>())
}

/// A recipe with every random change and every average.
fn busy() -> Recipe {
    let schedule = Schedule::Exponential { factor: 0.9, every: 1.0 };
    Recipe { epochs: 2, batch: 32, weight_average: 0.9, shift: 1, flip: true, schedule, ..Recipe::default() }
}

fn bits(trained: &Trained) -> Vec<u32> {
    trained.weights.values().flat_map(|tensor| tensor.data.iter().map(|value| value.to_bits())).collect()
}

#[test]
fn equal_seeds_give_equal_bits_under_load() {
    let pictures = part(200);
    for recipe in [busy(), Recipe { optimizer: Optimizer::SGD, learning_rate: 0.1, ..busy() }] {
        let one = |seed| trained(&recipe, seed, &pictures, &pictures).unwrap();
        let alone = one(7);
        let beside: Vec<Trained> = std::thread::scope(|scope| {
            let threads: Vec<_> = [7, 8, 7].map(|seed| scope.spawn(move || one(seed))).into();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(bits(&alone), bits(&beside[0]));
        assert_eq!(bits(&alone), bits(&beside[2]));
        assert_ne!(bits(&alone), bits(&beside[1]));
    }
}

#[test]
fn digits_are_learnt_and_the_reference_agrees() {
    let data = digits();
    let (train_pictures, held_out) = hold_out(&data.train, 0.2, 0);
    let recipe = Recipe { epochs: 6, ..Recipe::default() };
    let trained = trained(&recipe, 1, &train_pictures, &held_out).unwrap();
    assert_eq!(trained.epochs.len(), 6);
    // A random guess has an accuracy of 10 %.
    assert!(trained.epochs[5] > 0.85, "{:?}", trained.epochs);
    let (spec, network) = net(NET);
    // The weights are complete for the compiler.
    let bytes = weights::safetensors::write(&trained.weights).unwrap();
    assert_eq!(weights::load(&bytes, "trained", &network).unwrap(), trained.weights);
    // Another executor has the same accuracy on the same bytes.
    let values = Values::new(network.preprocess.as_ref().unwrap());
    let graph = lower(&network);
    let right = (0..100).filter(|&at| {
        let image = values.batch(&held_out, &[at], network.input);
        let outputs = reference::run(&graph, &trained.weights, &image).unwrap();
        let best = outputs.output().iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).unwrap().0;
        best == usize::from(held_out.labels[at])
    });
    let expected = right.count() as f64 / 100.0;
    let task = Task {
        spec: &spec,
        network: &network,
        train: &train_pictures,
        held_out: &held_out,
        recipe: &recipe,
        seed: 1,
        device: &processor(),
        pause: &Pause::default(),
    };
    let found = judge(&task, &trained.weights, &held_out.select(&(0..100).collect::<Vec<_>>())).unwrap();
    assert!((found - expected).abs() < 0.011, "{found}, not {expected}");
}

#[test]
fn gpus_learn_digits_too_and_equal_seeds_give_equal_bits() {
    let data = digits();
    let (train_pictures, held_out) = hold_out(&data.train, 0.2, 0);
    for (name, device) in common::GPUS.iter() {
        let recipe = Recipe { epochs: 6, ..Recipe::default() };
        let trained = trained_on(device, &recipe, 1, &train_pictures, &held_out).unwrap();
        assert!(trained.epochs[5] > 0.85, "{name}: {:?}", trained.epochs);
        let (pictures, recipe) = (part(100), busy());
        let one = |seed| bits(&trained_on(device, &recipe, seed, &pictures, &pictures).unwrap());
        let first = one(7);
        assert_eq!(first, one(7), "{name}");
        assert_ne!(first, one(8), "{name}");
    }
}

#[test]
fn wrong_tasks_and_recipes_are_errors() {
    let pictures = part(50);
    let unfit = |recipe: &Recipe, pictures: &Pictures| trained(recipe, 0, pictures, pictures).unwrap_err().to_string();
    let recipe = Recipe { epochs: 1, ..Recipe::default() };
    assert!(unfit(&Recipe { batch: 1, ..recipe.clone() }, &pictures).contains("`batch` is from 2"));
    assert!(unfit(&recipe, &pictures.select(&[0])).contains("fewer than two pictures"));
    let wrong = Pictures { pixels: vec![0; 49], labels: vec![0] };
    assert!(unfit(&recipe, &Pictures { labels: vec![11; 50], ..pictures.clone() }).contains("has 10 classes"));
    assert!(unfit(&recipe, &Pictures { labels: vec![0, 1], ..wrong }).contains("another size"));
    let error = trained(&Recipe { learning_rate: 1e30, epochs: 3, ..recipe.clone() }, 0, &pictures, &pictures);
    assert!(matches!(error, Err(TrainingError::Diverged(_))), "{error:?}");
    for (text, words) in [
        ("{\"epochs\": 0, \"batch\": 1}", "`epochs` is from 1 to 100000; `batch` is from 2"),
        ("{\"epoch\": 1}", "unknown field `epoch`"),
        ("{\n \"optimizer\": {\"name\": \"adam\"}}", "line 2"),
        ("", "EOF"),
    ] {
        let said = Recipe::parse(text).unwrap_err();
        assert!(said.contains(words), "{text}: {said}");
    }
    let read = Recipe::parse("{\"optimizer\": {\"name\": \"sgd\"}, \"schedule\": {\"name\": \"constant\"}}").unwrap();
    assert_eq!(read, Recipe { optimizer: Optimizer::SGD, schedule: Schedule::Constant, ..Recipe::default() });
    assert_eq!(Recipe::paper().check(), Ok(()));
}

#[test]
fn a_search_receives_the_result_of_a_training() {
    let recipe = Recipe { epochs: 9, ..Recipe::default() };
    let evaluator = TrainingEvaluator::new(&digits(), 0.2, None, recipe.clone(), Pause::default());
    let job = Job {
        id: Purpose::Trial.id(0),
        trial: 0,
        purpose: Purpose::Trial,
        rung: 0,
        spec: NET.to_owned(),
        choices: Vec::new(),
        seed: 5,
        evaluator: evaluator.name(),
        budget: Budget { epochs: Some(2) },
        needs: Needs { latency: false },
    };
    let evaluation = evaluator.evaluate(&job).unwrap();
    assert_eq!((evaluation.epochs.len(), evaluation.epochs.last()), (2, Some(&evaluation.accuracy)));
    assert_eq!(evaluator.evaluate(&job).unwrap(), evaluation);
    assert_eq!(evaluator.train(&job).unwrap().epochs, evaluation.epochs);
    let setup = Setup::parse(&evaluator.name()).unwrap();
    assert!(setup.is_of("digits") && !setup.is_of("digit"));
    assert_eq!((setup.held_out, setup.recipe), (0.2, recipe.clone()));
    // A setup that changes accuracies changes the name.
    let others = [
        TrainingEvaluator::new(&digits(), 0.3, None, recipe.clone(), Pause::default()),
        TrainingEvaluator::new(&digits(), 0.2, Some(500), recipe.clone(), Pause::default()),
        TrainingEvaluator::new(&digits(), 0.2, None, Recipe { batch: 16, ..recipe.clone() }, Pause::default()),
        TrainingEvaluator::new(
            &mnas_train::data::Data { train: part(500), ..digits() },
            0.2,
            None,
            recipe,
            Pause::default(),
        ),
    ];
    assert!(others.iter().all(|other| other.name() != evaluator.name()));
    assert!(!evaluator.name().contains("backend"), "studies from before there were other devices can continue");
    for &(name, _) in common::GPUS.iter() {
        let gpu = evaluator.clone().on(name).unwrap();
        let setup = Setup { backend: name.backend, ..Setup::parse(&evaluator.name()).unwrap() };
        assert_eq!(Setup::parse(&gpu.name()), Some(setup));
        assert_ne!(gpu.name(), evaluator.name());
        assert_eq!(gpu.jobs(), 1);
    }
    let fewer = Setup::parse(&others[1].name()).unwrap();
    assert_eq!((setup.pictures, fewer.pictures), (None, Some(500)));
    assert_ne!(others[1].evaluate(&job).unwrap().epochs, evaluation.epochs);
    let backbone = NET.replace("head: {filters: 32, dropout: 0.2, classes: 10}", "head: none");
    let failed = evaluator.evaluate(&Job { spec: backbone, ..job });
    assert!(matches!(&failed, Err(Failure::Trial(message)) if message.contains("no head")), "{failed:?}");
}

#[test]
fn trainings_wait_before_each_batch() {
    let (spec, network) = net(NET);
    let (pictures, recipe) = (part(200), Recipe { epochs: 3, batch: 32, ..Recipe::default() });
    let (lock, waits) = (Arc::new(RwLock::new(())), Arc::new(AtomicUsize::new(0)));
    let (own, counted) = (lock.clone(), waits.clone());
    let pause = Pause::new(move || {
        drop(own.read().unwrap());
        counted.fetch_add(1, Ordering::Relaxed);
    });
    let task = Task {
        spec: &spec,
        network: &network,
        train: &pictures,
        held_out: &pictures,
        recipe: &recipe,
        seed: 0,
        device: &processor(),
        pause: &pause,
    };
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        let held = lock.write().unwrap();
        let training = scope.spawn(move || {
            train(&task, &mut |progress| {
                tell.send(progress.step).unwrap();
                true
            })
        });
        // No batch can begin, so waiting longer changes nothing.
        assert!(told.recv_timeout(std::time::Duration::from_millis(100)).is_err());
        drop(held);
        let steps: Vec<usize> = told.iter().collect();
        assert_eq!(steps, (1..=18).collect::<Vec<_>>());
        assert_eq!(waits.load(Ordering::Relaxed), 18);
        training.join().unwrap().unwrap();
    });
}
