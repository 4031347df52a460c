//! Studies of unknown origin: unexpected parts are refused before any of them is executed, whatever their checksums.

use crate::{Folder, search, table};
use mnas_search::search::Search;
use mnas_search::study::{Access, Study, StudyError, WeightExponent};
use rusqlite::{Connection, params};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// FNV-1a of 64 bits, as published.
fn fnv(start: u64, bytes: &[u8]) -> u64 {
    let start = start ^ 0xcbf2_9ce4_8422_2325;
    bytes.iter().fold(start, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// A study of ten trials with a change; each name once.
fn changed(folder: &Folder, name: &str, change: impl FnOnce(&Connection)) -> PathBuf {
    changed_by(folder, name, "evolution", change)
}

fn changed_by(folder: &Folder, name: &str, method: &str, change: impl FnOnce(&Connection)) -> PathBuf {
    let path = folder.file(name);
    search(&path, method, WeightExponent::Given, &[10]);
    change(&Connection::open(&path).unwrap());
    path
}

/// The error on reading and on searching, which must be the same.
fn refused(path: &Path) -> String {
    let read = Study::open(path, Access::Read).and_then(|study| study.trials()).map(|_| ()).unwrap_err();
    let table = table();
    let searched = match Study::open(path, Access::Search) {
        Err(error) => error.to_string(),
        Ok(study) => {
            let went_on = Search::resume(study, None, &table, None);
            went_on.and_then(|mut search| search.run(12, &mut |_| ())).unwrap_err().to_string()
        }
    };
    assert_eq!(searched, read.to_string());
    assert!(matches!(read, StudyError::Foreign(_) | StudyError::Damaged(_)), "{read:?}");
    read.to_string()
}

#[test]
fn a_file_with_more_than_a_study_has_is_refused() {
    let folder = Folder::new("untrusted-schema");
    let cases = [
        ("trigger", "CREATE TRIGGER t AFTER INSERT ON trials BEGIN DELETE FROM findings; END"),
        ("quiet-trigger", "CREATE TRIGGER t BEFORE UPDATE ON progress BEGIN SELECT RAISE(IGNORE); END"),
        ("view", "CREATE VIEW v AS SELECT * FROM trials"),
        ("endless", "CREATE VIEW v AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"),
        ("table", "CREATE TABLE more (a)"),
        ("index", "CREATE INDEX i ON trials (record)"),
        ("indexed-words", "CREATE INDEX i ON trials (upper(record))"),
        ("column", "ALTER TABLE trials ADD COLUMN more TEXT"),
        ("made-column", "ALTER TABLE trials ADD COLUMN more AS (upper(record))"),
        ("other-view", "DROP VIEW results; CREATE VIEW results AS SELECT 1"),
        ("view-for-table", "ALTER TABLE large RENAME TO l; CREATE VIEW large AS SELECT * FROM l"),
        ("no-table", "DROP TABLE large"),
        ("rubbish", "CREATE TABLE \"\u{1b}[2J\u{7}; DROP\" (a)"),
    ];
    for (name, sql) in cases {
        let said = refused(&changed(&folder, name, |study| study.execute_batch(sql).unwrap()));
        assert!(said.contains("has an unexpected part") || said.contains("no table `large`"), "{name}: {said}");
        assert!(!said.chars().any(char::is_control), "{said:?}");
    }
    // The control: unchanged, it is read and can be continued.
    let path = changed(&folder, "same", |_| ());
    Study::open(&path, Access::Read).unwrap().trials().unwrap();
    let table = table();
    let study = Study::open(&path, Access::Search).unwrap();
    Search::resume(study, None, &table, None).unwrap().run(12, &mut |_| ()).unwrap();
}

/// A trigger that was added while the study was open is not executed.
#[test]
fn triggers_are_not_carried_out() {
    let folder = Folder::new("untrusted-trigger");
    let path = changed(&folder, "study", |_| ());
    let mut study = Study::open(&path, Access::Search).unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("CREATE TRIGGER t AFTER INSERT ON findings BEGIN DELETE FROM trials; END").unwrap();
    study.set_finding("some", &1).unwrap();
    let count = |connection: &Connection| -> i64 {
        connection.query_row("SELECT count(*) FROM trials", [], |row| row.get(0)).unwrap()
    };
    assert_eq!(count(&other), 10);
    // The control: a connection that trusts the file executes it.
    other.execute_batch("INSERT INTO findings VALUES ('other', '', '')").unwrap();
    assert_eq!(count(&other), 0);
}

/// Changes a record, and all checksums with it.
fn forged(study: &Connection, which: &str, change: &dyn Fn(&mut Value)) {
    let get = |sql: &str| -> String { study.query_row(sql, [], |row| row.get(0)).unwrap() };
    let hex = |sum: u64| format!("{sum:016x}");
    let mut progress: Value = serde_json::from_str(&get("SELECT record FROM progress")).unwrap();
    match which {
        "settings" => {
            let mut settings: Value = serde_json::from_str(&get("SELECT settings FROM study")).unwrap();
            change(&mut settings);
            let text = settings.to_string();
            study
                .execute("UPDATE study SET settings = ?1, sum = ?2", params![text, hex(fnv(0, text.as_bytes()))])
                .unwrap();
        }
        "progress" => change(&mut progress),
        _ => {
            let mut chain = 0;
            for number in 0..10 {
                let mut text = get(&format!("SELECT record FROM trials WHERE number = {number}"));
                if number == 7 {
                    let mut trial: Value = serde_json::from_str(&text).unwrap();
                    change(&mut trial);
                    text = trial.to_string();
                }
                chain = fnv(chain, text.as_bytes());
                study
                    .execute(
                        "UPDATE trials SET record = ?1, sum = ?2 WHERE number = ?3",
                        params![text, hex(chain), number],
                    )
                    .unwrap();
            }
            progress["chain"] = json!(chain);
        }
    }
    let text = progress.to_string();
    study.execute("UPDATE progress SET record = ?1, sum = ?2", params![text, hex(fnv(0, text.as_bytes()))]).unwrap();
}

#[test]
fn impossible_records_are_refused_even_with_valid_checksums() {
    let folder = Folder::new("untrusted-records");
    let set = |key: &'static str, value: Value| move |record: &mut Value| record[key] = value.clone();
    type Change = Box<dyn Fn(&mut Value)>;
    let cases: Vec<(&str, &str, Change)> = vec![
        ("trial", "has the number", Box::new(set("number", json!(u64::MAX)))),
        ("trial", "invalid value", Box::new(set("number", json!(-1)))),
        ("trial", "refers to a later trial", Box::new(set("same_as", json!(7)))),
        ("trial", "refers to a later trial", Box::new(set("of", json!(1_u64 << 60)))),
        ("trial", "alternative that does not exist", Box::new(set("choices", json!([0, 0, 0])))),
        ("trial", "alternative that does not exist", Box::new(set("choices", json!([0, 0, 0, 4])))),
        ("trial", "a rung that does not exist", Box::new(set("rung", json!(1)))),
        ("trial", "invalid type", Box::new(set("accuracy", json!("NaN")))),
        ("trial", "invalid type", Box::new(set("spec", Value::Null))),
        ("settings", "alternatives", Box::new(set("sizes", json!([4, 0, 5, 4])))),
        ("settings", "alternatives", Box::new(set("sizes", json!([4, 3, 5, u64::MAX])))),
        ("settings", "alternative that does not exist", Box::new(set("sizes", json!([4, 3])))),
        ("settings", "at once", Box::new(set("jobs", json!(0)))),
        ("settings", "at once", Box::new(set("jobs", json!(u32::MAX)))),
        ("settings", "rungs", Box::new(set("halving", json!({"rungs": 0, "eta": 3, "bracket": 5})))),
        ("settings", "rungs", Box::new(set("halving", json!({"rungs": u32::MAX, "eta": 3, "bracket": 5})))),
        ("settings", "rungs", Box::new(set("halving", json!({"rungs": 2, "eta": 2, "bracket": 0})))),
        ("settings", "unknown search method", Box::new(set("method", json!("magic")))),
        ("settings", "check of the ranking", Box::new(set("ranking", json!(u32::MAX)))),
        ("progress", "trials that do not exist", Box::new(set("told", json!(11)))),
        ("progress", "it should have", Box::new(set("trials", json!(u64::MAX)))),
    ];
    for (at, (which, words, change)) in cases.iter().enumerate() {
        let said = refused(&changed(&folder, &format!("study{at}"), |study| forged(study, which, change)));
        assert!(said.contains("is damaged") && said.contains(words), "{which} {words}: {said}");
    }
    // The control: rewritten without a change, and with a harmless one, it opens.
    for (which, change) in
        [("trial", &set("message", json!("hello")) as &dyn Fn(&mut Value)), ("settings", &|_: &mut Value| ())]
    {
        let path = changed(&folder, &format!("control-{which}"), |study| forged(study, which, change));
        let trials = Study::open(&path, Access::Read).unwrap().trials().unwrap();
        assert_eq!(trials[7].message.is_some(), which == "trial");
    }
}

/// Values of other types than those of the columns, which SQLite accepts.
#[test]
fn values_of_other_types_are_refused() {
    let folder = Folder::new("untrusted-types");
    for (at, sql) in [
        "UPDATE trials SET record = CAST(record AS BLOB) WHERE number = 3",
        "UPDATE trials SET record = x'ff00fe' WHERE number = 3",
        "UPDATE trials SET sum = 5 WHERE number = 3",
        "UPDATE trials SET number = -3 WHERE number = 3",
        "UPDATE trials SET number = 9223372036854775807 WHERE number = 9",
        "UPDATE study SET settings = zeroblob(50000000)",
        "UPDATE progress SET record = 1e999",
        "INSERT INTO large VALUES (1, -1, 'text')",
        "INSERT INTO findings VALUES (NULL, 'x', 'y')",
        "INSERT INTO findings VALUES ('ranking', 1, 2)",
    ]
    .into_iter()
    .enumerate()
    {
        let said = refused(&changed(&folder, &format!("study{at}"), |study| study.execute_batch(sql).unwrap()));
        assert!(said.contains("is damaged"), "{sql}: {said}");
    }
}

/// Reading a study needs no searcher; a resumed search refuses an invalid state before the first request.
#[test]
fn invalid_searchers_are_refused() {
    let folder = Folder::new("untrusted-searcher");
    let table = table();
    let go_on = |path: &Path| -> Result<(), String> {
        let study = Study::open(path, Access::Search).map_err(|error| error.to_string())?;
        let mut search = Search::resume(study, None, &table, None).map_err(|error| error.to_string())?;
        search.run(40, &mut |_| ()).map_err(|error| error.to_string())
    };
    let forge = |study: &Connection, change: &dyn Fn(&mut Value)| {
        forged(study, "progress", &|progress: &mut Value| {
            let mut searcher: Value = serde_json::from_str(progress["searcher"].as_str().unwrap()).unwrap();
            change(&mut searcher);
            progress["searcher"] = json!(searcher.to_string());
        });
    };
    let huge = json!(u64::MAX);
    let cases: Vec<(&str, &str, Value)> = vec![
        ("random", "/random/sizes", json!([4, 3, 5])),
        ("random", "/random/sizes/1", json!(0)),
        ("random", "/random/rng", json!([0, 0, 0, 0])),
        ("evolution", "/evolution/sizes/0", json!(5)),
        ("evolution", "/evolution/population/0/0/3", json!(4)),
        ("evolution", "/evolution/population/0/0", json!([0, 0])),
        ("evolution", "/evolution/settings/population", json!(0)),
        ("evolution", "/evolution/settings/sample", huge.clone()),
        ("evolution", "/evolution/asked", huge.clone()),
        ("nsga2", "/nsga2/children/2/candidate/0", json!(4)),
        ("nsga2", "/nsga2/children/2/candidate", json!([])),
        ("nsga2", "/nsga2/open", json!([[9, 9, 9, 9]])),
        ("nsga2", "/nsga2/settings/population", json!(0)),
        ("reinforce", "/reinforce/logits", json!([])),
        ("reinforce", "/reinforce/logits/2", json!([0.5])),
        ("ppo", "/ppo/sizes/3", json!(3)),
        ("ppo", "/ppo/settings/units", json!(0)),
        ("ppo", "/ppo/settings/units", json!(99)),
        ("ppo", "/ppo/settings/units", huge.clone()),
        ("ppo", "/ppo/settings/batch", json!(0)),
        ("ppo", "/ppo/settings/inner_steps", huge.clone()),
        ("ppo", "/ppo/batch/0/0/0", huge.clone()),
        ("ppo", "/ppo/updates", huge),
    ];
    for (at, (method, pointer, value)) in cases.iter().enumerate() {
        let path = changed_by(&folder, &format!("study{at}"), method, |study| {
            forge(study, &|searcher| *searcher.pointer_mut(pointer).unwrap() = value.clone());
        });
        Study::open(&path, Access::Read).unwrap().trials().unwrap();
        let said = go_on(&path).unwrap_err();
        assert!(said.contains("is damaged: "), "{pointer} {value}: {said}");
    }
    let other = changed_by(&folder, "other", "evolution", |study| {
        forge(study, &|searcher| {
            let state = searcher["evolution"].clone();
            *searcher = json!({"random": {"sizes": state["sizes"], "rng": state["rng"]}});
        });
    });
    assert!(
        go_on(&other)
            .unwrap_err()
            .contains("the study uses the method `evolution`, and the saved state is of `random`")
    );
    let weights = changed_by(&folder, "weights", "ppo", |study| {
        let mut bytes: Vec<u8> = study.query_row("SELECT bytes FROM large", [], |row| row.get(0)).unwrap();
        bytes[80..88].copy_from_slice(&f64::NAN.to_le_bytes());
        study.execute("UPDATE large SET bytes = ?1", params![bytes]).unwrap();
        forged(study, "progress", &|progress: &mut Value| progress["large"] = json!(fnv(0, &bytes)));
    });
    assert!(go_on(&weights).unwrap_err().contains("weights are not finite"));
    // The control: rewritten without a change, all of them continue.
    for method in ["random", "evolution", "nsga2", "reinforce", "ppo"] {
        let path = changed_by(&folder, &format!("control-{method}"), method, |study| forge(study, &|_| ()));
        assert_eq!(go_on(&path), Ok(()), "{method}");
    }
}
