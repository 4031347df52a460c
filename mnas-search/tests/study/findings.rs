//! Findings are protected like trials, and studies without findings still open.

use crate::{Folder, contents, search};
use mnas_search::findings::{Estimate, MACHINE, Machine, RANKING, RankedNetwork, Ranking};
use mnas_search::study::{Access, Study, StudyError, WeightExponent};
use rusqlite::Connection;
use std::path::Path;

fn ranking() -> Ranking {
    let network = |a: f64, b: f64| RankedNetwork {
        spec: "name: net".to_owned(),
        accuracies: vec![a, b],
        curves: vec![vec![0.1, a], vec![0.2, b]],
        choices: vec![1, 0],
    };
    Ranking {
        networks: vec![network(0.1 + 0.2, 1.0 / 3.0), network(0.5, 0.7)],
        epochs: Some(2),
        tau: 1.0,
        tau_low: -0.25,
        tau_high: 1.0,
        spread: 0.2,
        seed_difference: 0.1,
        epochs_to_add: Some(4),
        estimate: Estimate::Curves,
    }
}

fn machine(load: f64) -> Machine {
    Machine {
        cpu: "some".to_owned(),
        isa: "x86-64-v3".to_owned(),
        threads: 1,
        compiler: "1.89.0".to_owned(),
        runner: None,
        load,
        is_meaningful: true,
    }
}

#[test]
fn findings_are_read_as_they_were_written() {
    let folder = Folder::new("findings");
    let path = folder.file("study");
    search(&path, "evolution", WeightExponent::Given, &[5]);
    let mut study = Study::open(&path, Access::Search).unwrap();
    assert_eq!(study.finding::<Ranking>(RANKING), Ok(None));
    study.set_finding(RANKING, &ranking()).unwrap();
    study.set_finding(MACHINE, &machine(0.5)).unwrap();
    study.set_finding(MACHINE, &machine(1.5)).unwrap();
    drop(study);
    search_on(&path, 10);
    let study = Study::open(&path, Access::Read).unwrap();
    assert_eq!(study.finding(RANKING), Ok(Some(ranking())));
    assert_eq!(study.finding(MACHINE), Ok(Some(machine(1.5))));
    assert_eq!(study.finding_names().collect::<Vec<_>>(), [MACHINE, RANKING]);
    assert_eq!(study.trials().unwrap().len(), 10);
    assert!(matches!(study.finding::<Machine>(RANKING), Err(StudyError::Damaged(said)) if said.contains("`ranking`")));
}

fn search_on(path: &Path, trials: u64) {
    let table = crate::table();
    let study = Study::open(path, Access::Search).unwrap();
    mnas_search::search::Search::resume(study, None, &table, None).unwrap().run(trials, &mut |_| ()).unwrap();
}

#[test]
fn a_study_that_lost_a_finding_is_refused() {
    let folder = Folder::new("lost-findings");
    for (number, (sql, is_refused)) in [
        ("DELETE FROM findings WHERE name = 'ranking'", true),
        ("DELETE FROM findings", true),
        ("DROP TABLE findings", true),
        ("UPDATE findings SET record = replace(record, '0.5', '0.6') WHERE name = 'machine'", true),
        ("UPDATE findings SET name = 'other' WHERE name = 'machine'", true),
        ("UPDATE findings SET name = name", false),
    ]
    .iter()
    .enumerate()
    {
        let path = folder.file(&format!("study{number}"));
        search(&path, "random", WeightExponent::Given, &[3]);
        let mut study = Study::open(&path, Access::Search).unwrap();
        study.set_finding(RANKING, &ranking()).unwrap();
        study.set_finding(MACHINE, &machine(0.5)).unwrap();
        drop(study);
        Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        let opened = Study::open(&path, Access::Read);
        assert_eq!(matches!(opened, Err(StudyError::Damaged(_))), *is_refused, "{sql}");
    }
}

/// FNV-1a with the previous hash mixed in, as in studies.
fn sum(start: u64, text: &str) -> u64 {
    text.bytes()
        .fold(start ^ 0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Writes a study in the layout from before findings and rungs.
fn make_old(path: &Path) {
    let connection = Connection::open(path).unwrap();
    connection.execute_batch("DROP TABLE findings; PRAGMA user_version = 1;").unwrap();
    let without = |record: &str, keys: &[&str]| {
        let mut record: serde_json::Map<String, serde_json::Value> = serde_json::from_str(record).unwrap();
        for key in keys {
            assert!(record.remove(*key).is_some(), "{key}");
        }
        record
    };
    let mut statement = connection.prepare("SELECT number, record FROM trials ORDER BY number").unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let trials: Vec<(i64, String)> = rows.map(Result::unwrap).collect();
    let mut chain = 0;
    for (number, record) in trials {
        let record = serde_json::to_string(&without(&record, &["rung", "of", "budget"])).unwrap();
        chain = sum(chain, &record);
        let row = rusqlite::params![record, format!("{chain:016x}"), number];
        connection.execute("UPDATE trials SET record = ?1, sum = ?2 WHERE number = ?3", row).unwrap();
    }
    let progress: String = connection.query_row("SELECT record FROM progress", [], |row| row.get(0)).unwrap();
    let mut progress = without(&progress, &["findings"]);
    progress.insert("chain".to_owned(), chain.into());
    let progress = serde_json::to_string(&progress).unwrap();
    let row = [&progress, &format!("{:016x}", sum(0, &progress))];
    connection.execute("UPDATE progress SET record = ?1, sum = ?2", row).unwrap();
}

#[test]
fn studies_without_findings_can_be_resumed() {
    let folder = Folder::new("old");
    let (old, new) = (folder.file("old"), folder.file("new"));
    for path in [&old, &new] {
        search(path, "evolution", WeightExponent::Given, &[30]);
    }
    let before = contents(&old);
    make_old(&old);
    // Reading does not change it.
    let study = Study::open(&old, Access::Read).unwrap();
    assert_eq!(study.trials().unwrap(), Study::open(&new, Access::Read).unwrap().trials().unwrap());
    drop(study);
    assert_eq!(version(&old), 1);
    search_on(&old, 50);
    search_on(&new, 50);
    assert_eq!(version(&old), version(&new));
    let trials = |path: &Path| Study::open(path, Access::Read).unwrap().trials().unwrap();
    assert_eq!(trials(&old), trials(&new));
    assert!(contents(&new) != before);
    Study::open(&old, Access::Search).unwrap().set_finding(RANKING, &ranking()).unwrap();
    assert_eq!(Study::open(&old, Access::Read).unwrap().finding(RANKING), Ok(Some(ranking())));
}

fn version(path: &Path) -> i32 {
    Connection::open(path).unwrap().pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
}
