//! Studies: a search that is interrupted and resumed gives the same results; damaged studies are refused.

use crate::{Folder, contents, search, settings, table};
use mnas_search::evaluator::{Evaluator, Table};
use mnas_search::job::{Evaluation, Failure, Job};
use mnas_search::search::{Search, SearchError};
use mnas_search::searcher::METHODS;
use mnas_search::study::{Access, Settings, State, Study, StudyError, Trial, WeightExponent};
use std::fs;

/// The control of every comparison: another seed is another search.
#[test]
fn seeds_decide() {
    let folder = Folder::new("seeds");
    let table = table();
    let [a, b] = [11, 12].map(|seed| {
        let path = folder.file(&seed.to_string());
        let settings = Settings { seed, ..settings("evolution", &table, WeightExponent::Given) };
        Search::begin(&path, &settings, None, &table, None).unwrap().run(10, &mut |_| ()).unwrap();
        contents(&path)
    });
    assert!(a != b);
}

#[test]
fn twenty_five_and_twenty_five_are_fifty() {
    let folder = Folder::new("halves");
    for method in METHODS.iter().map(|method| method.name) {
        let fitted = WeightExponent::Fitted { first: 30 };
        let exponents = if method == "random" { vec![fitted] } else { vec![WeightExponent::Given, fitted] };
        for exponent in exponents {
            let [whole, halves] = ["whole", "halves"].map(|name| folder.file(&format!("{method}-{name}-{exponent:?}")));
            let trials = search(&whole, method, exponent, &[50]);
            assert_eq!(trials.len(), 50);
            assert!(trials.iter().all(|trial| trial.reward.is_some()), "{method}");
            search(&halves, method, exponent, &[25, 50]);
            assert!(contents(&whole) == contents(&halves), "{method} {exponent:?}");
        }
    }
}

#[test]
fn an_exponent_is_fitted_once_and_all_trials_have_rewards_by_it() {
    let folder = Folder::new("fitted");
    let path = folder.file("study");
    let trials = search(&path, "evolution", WeightExponent::Fitted { first: 30 }, &[29]);
    assert!(trials.iter().all(|trial| trial.reward.is_none()));
    let table = table();
    let mut search = Search::resume(Study::open(&path, Access::Search).unwrap(), None, &table, None).unwrap();
    search.run(40, &mut |_| ()).unwrap();
    let exponent = search.study().progress().exponent.unwrap();
    assert!((-0.5..-0.01).contains(&exponent), "{exponent}");
    for trial in search.trials() {
        let (accuracy, latency) = trial.point().unwrap();
        let expected = accuracy * (latency / 3.0).powf(exponent);
        assert!((trial.reward.unwrap() - expected).abs() < 1e-15, "{trial:?}");
    }
}

#[test]
fn equal_networks_are_judged_once() {
    let folder = Folder::new("equal");
    let trials = search(&folder.file("study"), "reinforce", WeightExponent::Given, &[120]);
    let repeated: Vec<&Trial> = trials.iter().filter(|trial| trial.same_as.is_some()).collect();
    assert!(!repeated.is_empty());
    for trial in repeated {
        let first = &trials[trial.same_as.unwrap() as usize];
        assert!(first.number < trial.number && first.same_as.is_none());
        assert_eq!((&first.choices, first.accuracy), (&trial.choices, trial.accuracy));
    }
}

/// Truncated at any length, and with any byte changed, a study is refused or complete.
#[test]
fn a_damaged_study_is_refused_and_never_shortened() {
    let folder = Folder::new("damaged");
    let path = folder.file("study");
    search(&path, "evolution", WeightExponent::Given, &[40]);
    let whole = contents(&path);
    let bytes = fs::read(&path).unwrap();
    let damaged = folder.file("damaged");
    let mut refused = 0;
    let mut look = |bytes: &[u8], what: &str| {
        fs::write(&damaged, bytes).unwrap();
        match Study::open(&damaged, Access::Read) {
            Err(StudyError::Damaged(said) | StudyError::Foreign(said) | StudyError::System(said)) => {
                assert!(said.contains("damaged` "), "{said}");
                refused += 1;
                true
            }
            Err(other) => panic!("{what}: {other:?}"),
            Ok(study) => {
                let same = format!("{:?} {:?} {:?}", study.trials().unwrap(), study.progress(), study.large().unwrap());
                assert!(same == whole, "{what}: it was changed and opened");
                false
            }
        }
    };
    for length in (0..bytes.len()).step_by(509) {
        assert!(look(&bytes[..length], &format!("cut to {length} bytes")), "cut to {length} bytes and opened");
    }
    for at in (0..bytes.len()).step_by(61) {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        look(&changed, &format!("byte {at} changed"));
    }
    assert!(!look(&bytes, "nothing changed"));
    let (cuts, changes) = (bytes.len().div_ceil(509), bytes.len().div_ceil(61));
    // The other changes are in unused parts of pages.
    assert!(refused > cuts + changes / 5, "only {refused} were refused, of {cuts} and {changes}");
    fs::write(&damaged, "name: net\n").unwrap();
    assert!(matches!(Study::open(&damaged, Access::Read), Err(StudyError::Foreign(_))));
    assert!(matches!(Study::open(&folder.file("none"), Access::Read), Err(StudyError::System(_))));
}

/// Trials that are missing, in pages that are intact.
#[test]
fn a_study_that_lost_a_trial_is_refused() {
    let folder = Folder::new("lost");
    for (number, sql) in [
        "DELETE FROM trials WHERE number = 39",
        "DELETE FROM trials WHERE number = 7",
        "UPDATE trials SET record = replace(record, 'done', 'fail') WHERE number = 3",
        "UPDATE progress SET record = replace(record, '40', '39')",
        "DELETE FROM progress",
        "DELETE FROM trials",
    ]
    .iter()
    .enumerate()
    {
        let path = folder.file(&format!("study{number}"));
        search(&path, "random", WeightExponent::Given, &[40]);
        let connection = rusqlite::Connection::open(&path).unwrap();
        assert!(connection.execute(sql, []).unwrap() > 0, "{sql}");
        drop(connection);
        assert!(matches!(Study::open(&path, Access::Read), Err(StudyError::Damaged(_))), "{sql}");
    }
}

#[test]
fn one_search_at_a_time_and_any_number_of_readers() {
    let folder = Folder::new("locked");
    let path = folder.file("study");
    search(&path, "random", WeightExponent::Given, &[3]);
    let first = Study::open(&path, Access::Search).unwrap();
    assert!(matches!(Study::open(&path, Access::Search), Err(StudyError::InUse(_))));
    assert_eq!(Study::open(&path, Access::Read).unwrap().trials().unwrap().len(), 3);
    let table = table();
    let begun = Search::begin(&path, &settings("random", &table, WeightExponent::Given), None, &table, None);
    assert!(matches!(begun.err(), Some(SearchError::Study(StudyError::InUse(_)))));
    drop(first);
    let begun = Search::begin(&path, &settings("random", &table, WeightExponent::Given), None, &table, None);
    assert!(matches!(begun.err(), Some(SearchError::Study(StudyError::Exists(_)))));
    Study::open(&path, Access::Search).unwrap();
}

#[test]
fn a_full_disk_stops_the_search_and_loses_nothing() {
    let folder = Folder::new("full");
    let (path, whole) = (folder.file("study"), folder.file("whole"));
    search(&whole, "ppo", WeightExponent::Given, &[60]);
    search(&path, "ppo", WeightExponent::Given, &[5]);
    let table = table();
    let study = Study::open(&path, Access::Search).unwrap();
    study.forbid_growth().unwrap();
    let mut search = Search::resume(study, None, &table, None).unwrap();
    let mut seen = 5;
    let stopped = search.run(60, &mut |search| seen = search.trials().len());
    assert!(
        matches!(&stopped, Err(SearchError::Study(StudyError::System(said))) if said.contains("is full")),
        "{stopped:?}"
    );
    drop(search);
    let study = Study::open(&path, Access::Search).unwrap();
    assert_eq!(study.trials().unwrap().len(), seen);
    assert!((5..60).contains(&seen), "{seen}");
    Search::resume(study, None, &table, None).unwrap().run(60, &mut |_| ()).unwrap();
    assert!(contents(&path) == contents(&whole));
}

/// An evaluator that fails for some jobs, and at some point for good.
struct Failing(Table);

impl Evaluator for Failing {
    fn name(&self) -> String {
        "failing".to_owned()
    }

    fn evaluate(&self, job: &Job) -> Result<Evaluation, Failure> {
        match job.trial {
            20 => Err(Failure::Stop("the data is gone".to_owned())),
            it if it % 3 == 0 => Err(Failure::Trial("it diverged".to_owned())),
            it if it > 9 && it % 2 == 0 => Ok(Evaluation { accuracy: f64::NAN, ..self.0.evaluate(job)? }),
            _ => self.0.evaluate(job),
        }
    }
}

#[test]
fn failing_trials_are_marked_and_a_failing_evaluator_stops_the_search() {
    let folder = Folder::new("failing");
    for method in METHODS.iter().map(|method| method.name) {
        let path = folder.file(method);
        let evaluator = Failing(table());
        let settings = settings(method, &evaluator, WeightExponent::Given);
        let mut search = Search::begin(&path, &settings, None, &evaluator, None).unwrap();
        assert_eq!(search.run(60, &mut |_| ()), Err(SearchError::Evaluator("the data is gone".to_owned())), "{method}");
        drop(search);
        let trials = Study::open(&path, Access::Read).unwrap().trials().unwrap();
        assert_eq!(trials.len(), 20);
        for trial in trials.iter().filter(|trial| trial.same_as.is_none()) {
            let fails = trial.number % 3 == 0 || (trial.number > 9 && trial.number % 2 == 0);
            assert_eq!(trial.state == State::Failed, fails, "{trial:?}");
            assert_eq!(trial.message.is_some(), fails, "{trial:?}");
        }
    }
}

#[test]
fn a_search_is_resumed_only_with_its_own_settings() {
    let folder = Folder::new("other");
    let path = folder.file("study");
    search(&path, "random", WeightExponent::Given, &[3]);
    let other = Failing(table());
    let study = Study::open(&path, Access::Search).unwrap();
    let resumed = Search::resume(study, None, &other, None);
    assert!(matches!(resumed.err(), Some(SearchError::Input(said)) if said.contains("`failing`")));
}

/// An evaluator that always fails from some trial on, until it is repaired.
struct Broken {
    table: Table,
    from: u64,
}

impl Evaluator for Broken {
    fn name(&self) -> String {
        "broken".to_owned()
    }

    fn evaluate(&self, job: &Job) -> Result<Evaluation, Failure> {
        // Four failures, one success: never five in a row.
        let fails = job.trial >= self.from || job.trial % 5 != 4;
        if fails { Err(Failure::Trial(format!("no room for trial {}", job.trial))) } else { self.table.evaluate(job) }
    }
}

#[test]
fn five_failures_in_a_row_stop_the_search_which_can_be_resumed() {
    let folder = Folder::new("broken");
    let path = folder.file("study");
    let broken = Broken { table: table(), from: 12 };
    let settings = settings("random", &broken, WeightExponent::Given);
    let mut search = Search::begin(&path, &settings, None, &broken, None).unwrap();
    let stopped = search.run(40, &mut |_| ()).unwrap_err().to_string();
    assert!(stopped.contains("5 failures in a row") && stopped.contains("no room for trial 14"), "{stopped}");
    drop(search);
    let trials = Study::open(&path, Access::Read).unwrap().trials().unwrap();
    assert_eq!(
        trials.iter().filter(|trial| trial.state == State::Done).map(|it| it.number).collect::<Vec<_>>(),
        [4, 9]
    );
    assert_eq!(trials.len(), 15);
    let mended = Broken { from: u64::MAX, ..broken };
    let study = Study::open(&path, Access::Search).unwrap();
    Search::resume(study, None, &mended, None).unwrap().run(40, &mut |_| ()).unwrap();
    let after = Study::open(&path, Access::Read).unwrap().trials().unwrap();
    assert_eq!(after.len(), 40);
    assert_eq!(after[..15], trials);
}
