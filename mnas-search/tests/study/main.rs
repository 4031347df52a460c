//! Studies and the searches that fill them.

mod batches;
mod findings;
mod halving;
mod links;
mod noise;
mod noisy;
mod ranking;
mod survival;
mod untrusted;

use mnas_search::evaluator::{Evaluator, Table};
use mnas_search::job::Budget;
use mnas_search::reward::{Reward, Target};
use mnas_search::search::Search;
use mnas_search::study::{Access, Settings, Study, Trial, WeightExponent};
use std::fs;
use std::path::{Path, PathBuf};

pub(crate) const SIZES: [usize; 4] = [4, 3, 5, 4];

/// Accuracies and latencies without a pattern, except that later alternatives are slower and better.
pub(crate) fn table() -> Table {
    let mut text = String::new();
    for number in 0..SIZES.iter().product::<usize>() {
        let mut rest = number;
        let indices: Vec<usize> = SIZES.iter().map(|size| (rest % size, rest /= size).0).collect();
        let sum: usize = indices.iter().sum();
        let noise = (number * 7919 % 101) as f64 / 50.0;
        let words: Vec<String> = indices.iter().map(usize::to_string).collect();
        text.push_str(&format!("{} {} {}\n", words.join(" "), 60.0 + 2.0 * sum as f64 + noise, 1.0 + 0.3 * sum as f64));
    }
    Table::parse(&text, SIZES.len()).unwrap()
}

pub(crate) fn settings(method: &str, evaluator: &dyn Evaluator, exponent: WeightExponent) -> Settings {
    let target = Target { ms: 3.0 };
    Settings {
        space: String::new(),
        sizes: SIZES.to_vec(),
        method: method.to_owned(),
        seed: 11,
        reward: Reward::Weighted { target, alpha: Reward::SOFT.0, beta: Reward::SOFT.1 },
        exponent,
        evaluator: evaluator.name(),
        stopwatch: None,
        budget: Budget::default(),
        jobs: 1,
        halving: None,
        ranking: None,
        timeout: None,
    }
}

/// A folder that is removed at the end.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The contents of a study, with numbers as their bits.
pub(crate) fn contents(path: &Path) -> String {
    let study = Study::open(path, Access::Read).unwrap();
    format!("{:?} {:?} {:?}", study.trials().unwrap(), study.progress(), study.large().unwrap())
}

/// Searches up to each of `stops`, with a new process state in between.
pub(crate) fn search(path: &Path, method: &str, exponent: WeightExponent, stops: &[u64]) -> Vec<Trial> {
    let table = table();
    drop(Search::begin(path, &settings(method, &table, exponent), None, &table, None).unwrap());
    for &stop in stops {
        let study = Study::open(path, Access::Search).unwrap();
        Search::resume(study, None, &table, None).unwrap().run(stop, &mut |_| ()).unwrap();
    }
    Study::open(path, Access::Read).unwrap().trials().unwrap()
}
