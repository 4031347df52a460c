//! Several trials at once: the results do not depend on the order in which they finish, nor on interruptions.

use crate::noisy::Noisy;
use crate::{Folder, contents, settings};
use mnas_dsl::{Network, Space, Spec};
use mnas_search::evaluator::{Evaluator, Stopwatch};
use mnas_search::job::{Budget, Evaluation, Failure, Job, Latency};
use mnas_search::rng::Rng;
use mnas_search::search::{Search, SearchError};
use mnas_search::searcher::METHODS;
use mnas_search::study::{Access, Halving, Settings, State, Study, Trial, WeightExponent};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Takes a different time for each job, so that the order of results depends on the salt, and stops for good at some of
/// them.
struct Unsteady {
    inner: Noisy,
    salt: u64,
    /// Stops at one job in this number, if at any.
    stops: Option<usize>,
    /// Until this many jobs have run at once, each waits a while for others to start.
    meets: usize,
    now: AtomicUsize,
    most: AtomicUsize,
    rng: Mutex<Rng>,
}

impl Unsteady {
    fn new(salt: u64, stops: Option<usize>) -> Self {
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Self { inner: Noisy::new(0.03, 0.2), salt, stops, meets: 0, now, most, rng: Mutex::new(Rng::new(salt)) }
    }
}

impl Evaluator for Unsteady {
    fn name(&self) -> String {
        self.inner.name()
    }

    fn evaluate(&self, job: &Job) -> Result<Evaluation, Failure> {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        let start = Instant::now();
        while self.most.load(Ordering::SeqCst) < self.meets && start.elapsed() < Duration::from_secs(2) {
            thread::yield_now();
        }
        thread::sleep(Duration::from_micros(Rng::new(job.seed ^ self.salt).below(1500) as u64));
        self.now.fetch_sub(1, Ordering::SeqCst);
        if self.stops.is_some_and(|one_in| self.rng.lock().unwrap().below(one_in) == 0) {
            return Err(Failure::Stop("killed".to_owned()));
        }
        // Some fail on every attempt.
        if job.seed.is_multiple_of(11) {
            return Err(Failure::Trial("it diverged".to_owned()));
        }
        self.inner.evaluate(job)
    }
}

fn batched(method: &str, jobs: u32) -> Settings {
    Settings { jobs, ..settings(method, &Unsteady::new(0, None), WeightExponent::Fitted { first: 18 }) }
}

fn run(path: &Path, evaluator: &Unsteady, trials: u64) -> Result<(), SearchError> {
    let study = Study::open(path, Access::Search).unwrap();
    Search::resume(study, None, evaluator, None).unwrap().run(trials, &mut |_| ())
}

fn begin(path: &Path, settings: &Settings) {
    drop(Search::begin(path, settings, None, &Unsteady::new(0, None), None).unwrap());
}

#[test]
fn a_search_does_not_depend_on_the_order_of_completion() {
    let folder = Folder::new("order");
    for method in METHODS.iter().map(|method| method.name) {
        let mut all = Vec::new();
        for salt in 0..2 {
            let path = folder.file(&format!("{method}{salt}"));
            begin(&path, &batched(method, 4));
            let evaluator = Unsteady { meets: 4, ..Unsteady::new(salt, None) };
            run(&path, &evaluator, 40).unwrap();
            assert_eq!(evaluator.most.load(Ordering::SeqCst), 4, "four at once");
            all.push(contents(&path));
        }
        assert!(all.iter().all(|it| *it == all[0]), "{method}");
    }
    // The control: with another number at once the search differs.
    let (one, four) = (folder.file("one"), folder.file("evolution0"));
    begin(&one, &batched("evolution", 1));
    run(&one, &Unsteady::new(0, None), 40).unwrap();
    let choices = |path: &Path| -> Vec<Vec<usize>> {
        Study::open(path, Access::Read).unwrap().trials().unwrap().into_iter().map(|trial| trial.choices).collect()
    };
    assert_ne!(choices(&one), choices(&four));
}

#[test]
fn interrupted_batches_continue() {
    let folder = Folder::new("cut");
    for method in METHODS.iter().map(|method| method.name) {
        let [whole, halves] = ["whole", "halves"].map(|name| folder.file(&format!("{method}{name}")));
        for path in [&whole, &halves] {
            begin(path, &batched(method, 4));
        }
        run(&whole, &Unsteady::new(1, None), 50).unwrap();
        for stop in [1, 2, 17, 18, 19, 25, 50] {
            run(&halves, &Unsteady::new(stop, None), stop).unwrap();
            assert_eq!(Study::open(&halves, Access::Read).unwrap().trials().unwrap().len() as u64, stop);
        }
        assert!(contents(&whole) == contents(&halves), "{method}");
    }
    // The same search, resumed.
    let path = folder.file("again");
    begin(&path, &batched("ppo", 4));
    let evaluator = Unsteady::new(9, None);
    let mut search = Search::resume(Study::open(&path, Access::Search).unwrap(), None, &evaluator, None).unwrap();
    for stop in [3, 5, 50] {
        search.run(stop, &mut |_| ()).unwrap();
    }
    drop(search);
    assert!(contents(&path) == contents(&folder.file("ppowhole")));
}

#[test]
fn nothing_that_was_finished_is_lost_or_done_again() {
    let folder = Folder::new("kept");
    let (whole, path) = (folder.file("whole"), folder.file("study"));
    for path in [&whole, &path] {
        begin(path, &batched("evolution", 4));
    }
    run(&whole, &Unsteady::new(1, None), 60).unwrap();
    let finished = |path: &Path| -> Vec<Trial> {
        let study = Study::open(path, Access::Read).unwrap();
        let mut all = study.trials().unwrap();
        for name in study.finding_names().filter(|name| name.starts_with("trial/")) {
            all.push(study.finding(name).unwrap().unwrap());
        }
        all
    };
    let (mut stopped, mut kept, mut done) = (0, 0, 0);
    for salt in 0.. {
        let evaluator = Unsteady::new(salt, Some(3));
        let before = finished(&path);
        let result = run(&path, &evaluator, 60);
        let after = finished(&path);
        kept += after.len() - Study::open(&path, Access::Read).unwrap().trials().unwrap().len();
        done += evaluator.inner.jobs.lock().unwrap().len();
        for trial in before {
            let now = after.iter().find(|it| it.number == trial.number).unwrap();
            // The rewards of the first trials are known when the exponent is.
            assert_eq!(Trial { reward: trial.reward.and(now.reward), ..now.clone() }, trial);
        }
        if result.is_ok() {
            break;
        }
        stopped += 1;
    }
    assert!(stopped > 5 && kept > 3, "{stopped} stops, {kept} results in front of others");
    assert!(contents(&path) == contents(&whole));
    let trials = Study::open(&path, Access::Read).unwrap().trials().unwrap();
    let judged = trials.iter().filter(|trial| trial.state == State::Done && trial.same_as.is_none()).count();
    assert_eq!(done, judged, "a result was made twice");
}

/// A small space of 36 members.
const SPACE: &str = "\
name: small
input: 8x8x1
stem: {op: conv, kernel: 3, filters: {choose: [4, 8, 12]}}
blocks:
  - {op: {choose: [sepconv, mbconv e3]}, kernel: {choose: [3, 5]}, stride: 2, filters: {choose: [8, 12, 16]}}
head: {classes: 10}
";

/// Gives the latency of networks, and checks that nothing is trained meanwhile.
struct Watch<'a> {
    evaluator: &'a Unsteady,
    prepared: Mutex<Vec<String>>,
    batches: Mutex<Vec<usize>>,
}

impl Stopwatch for Watch<'_> {
    fn name(&self) -> String {
        "watch".to_owned()
    }

    fn prepare(&self, networks: &[(&Spec, &Network)]) -> Result<(), Failure> {
        let mut prepared = self.prepared.lock().unwrap();
        assert!(prepared.is_empty(), "{prepared:?} were not measured");
        prepared.extend(networks.iter().map(|(spec, _)| spec.to_yaml()));
        self.batches.lock().unwrap().push(networks.len());
        Ok(())
    }

    fn measure(&self, spec: &Spec, network: &Network) -> Result<Latency, Failure> {
        assert_eq!(self.evaluator.now.load(Ordering::SeqCst), 0, "something is trained while latency is measured");
        assert_eq!(self.prepared.lock().unwrap().remove(0), spec.to_yaml(), "not as it was prepared");
        // One network is too large to be measured.
        match network.macs() {
            macs if macs > 30_000 => Err(Failure::Trial("it does not fit".to_owned())),
            macs => Ok(Latency::exact(macs as f64 / 1e5)),
        }
    }
}

#[test]
fn latency_is_measured_while_nothing_is_trained() {
    let folder = Folder::new("gate");
    let space = Space::parse(SPACE, "space").unwrap();
    let evaluator = Unsteady { meets: 4, ..Unsteady::new(1, None) };
    let settings = Settings {
        space: SPACE.to_owned(),
        sizes: space.sizes(),
        stopwatch: Some("watch".to_owned()),
        halving: Some(Halving { rungs: 2, eta: 3, bracket: 20 }),
        budget: Budget { epochs: Some(1) },
        exponent: WeightExponent::Given,
        ..batched("evolution", 4)
    };
    let watch = Watch { evaluator: &evaluator, prepared: Mutex::new(Vec::new()), batches: Mutex::new(Vec::new()) };
    let path = folder.file("study");
    let mut search = Search::begin(&path, &settings, Some(&space), &evaluator, Some(&watch)).unwrap();
    search.run(20, &mut |_| ()).unwrap();
    assert_eq!(evaluator.most.load(Ordering::SeqCst), 4, "the control: four are trained at once");
    let trials = search.trials();
    let measured = trials.iter().filter(|trial| trial.rung == 0 && trial.same_as.is_none()).count();
    let batches = watch.batches.lock().unwrap().clone();
    assert!(batches.iter().all(|count| (1..=4).contains(count)) && batches.contains(&4), "{batches:?}");
    // Longer training does not change the latency; a network that cannot be measured is not trained.
    assert_eq!(batches.iter().sum::<usize>(), measured);
    let jobs = evaluator.inner.jobs.lock().unwrap();
    let mut failed = 0;
    for trial in trials {
        let is_large = trial.macs > 30_000;
        failed += u32::from(is_large);
        assert_eq!(trial.latency, (trial.state == State::Done).then(|| Latency::exact(trial.macs as f64 / 1e5)));
        assert!(!is_large || (trial.state == State::Failed && !jobs.iter().any(|job| job.trial == trial.number)));
        assert!(jobs.iter().all(|job| !job.needs.latency));
    }
    assert!((1..15).contains(&failed) && trials.iter().any(|trial| trial.rung == 1), "{failed} are too large");
}
