//! Studies may come from anyone: what is in one is believed after it was looked at. Checksums do not help here, for whoever
//! changes a study on purpose writes them, too.

use super::checks::explain;
use super::schema::{Progress, TABLES};
use super::{Settings, StudyError, Trial};
use crate::searcher;
use rusqlite::Connection;
use std::path::Path;

/// More at once, rungs, networks that show whether accuracy ranks, or alternatives are no search's.
const MOST_JOBS: u32 = 1024;
const MOST_RUNGS: u32 = 16;
const MOST_RANKED: u32 = 1000;
const MOST_ALTERNATIVES: usize = 1 << 20;

/// A study has our tables and view, word for word, and nothing else: no trigger, no index, no table of other columns.
pub(super) fn check_schema(connection: &Connection, path: &Path) -> Result<(), StudyError> {
    let sql = |error: rusqlite::Error| explain(&error, path);
    let foreign = |what: &str| {
        // Names are anyone's.
        let shown: String = what.chars().filter(|c| !c.is_control()).take(60).collect();
        StudyError::Foreign(format!("`{}` has something that no study has: {shown}", path.display()))
    };
    let mut statement = connection.prepare("SELECT type, name, sql FROM sqlite_schema").map_err(sql)?;
    let mut rows = statement.query([]).map_err(sql)?;
    let mut seen = Vec::new();
    while let Some(row) = rows.next().map_err(sql)? {
        let read =
            || -> rusqlite::Result<(String, String, Option<String>)> { Ok((row.get(0)?, row.get(1)?, row.get(2)?)) };
        let (kind, name, text) = read().map_err(sql)?;
        // What SQLite makes for a key that is a text.
        let is_key = (kind.as_str(), name.as_str(), &text) == ("index", "sqlite_autoindex_findings_1", &None);
        let is_ours = |text: &String| TABLES.split(';').any(|ours| ours.trim() == text);
        if !is_key && !text.as_ref().is_some_and(is_ours) {
            return Err(foreign(&format!("the {kind} `{name}`")));
        }
        seen.extend(text.filter(|_| kind == "table").map(|_| name));
    }
    match ["study", "trials", "progress", "large"].into_iter().find(|name| !seen.iter().any(|it| it == name)) {
        Some(missing) => Err(StudyError::Damaged(format!("`{}` is damaged: no table `{missing}`", path.display()))),
        None => Ok(()),
    }
}

/// What is wrong with what a search was begun with, or with where it is.
pub(super) fn wrong_settings(settings: &Settings, progress: &Progress) -> Option<String> {
    let Settings { sizes, jobs, halving, ranking, method, .. } = settings;
    if sizes.iter().any(|size| !(1..=MOST_ALTERNATIVES).contains(size)) {
        return Some("a choice has no alternatives, or more than there can be".to_owned());
    }
    if searcher::method(method).is_none() {
        return Some("nothing searches so".to_owned());
    }
    if !(1..=MOST_JOBS).contains(jobs) {
        return Some(format!("{jobs} trials at once"));
    }
    if halving.is_some_and(|it| !(1..=MOST_RUNGS).contains(&it.rungs) || it.eta < 2 || it.bracket == 0) {
        return Some("its rungs are none".to_owned());
    }
    if ranking.is_some_and(|count| count > MOST_RANKED) {
        return Some("too many networks to see whether accuracy ranks".to_owned());
    }
    (progress.told() > progress.trials).then(|| "the searcher knows of trials that are not there".to_owned())
}

/// What is wrong with the trial in this place.
pub(super) fn wrong_trial(trial: &Trial, place: u64, settings: &Settings) -> Option<String> {
    let Trial { number, choices, same_as, of, rung, .. } = trial;
    if *number != place {
        return Some(format!("trial {place} says that it is trial {number}"));
    }
    if [same_as, of].into_iter().flatten().any(|other| *other >= place) {
        return Some(format!("trial {place} is about a later one"));
    }
    if choices.len() != settings.sizes.len() || choices.iter().zip(&settings.sizes).any(|(at, size)| at >= size) {
        return Some(format!("trial {place} is of alternatives that there are not"));
    }
    (*rung >= settings.halving.map_or(1, |halving| halving.rungs)).then(|| format!("trial {place} is on no rung"))
}
