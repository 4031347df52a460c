//! Checks of studies of unknown origin: their contents are used after validation. Checksums do not help, since an
//! attacker writes matching ones.

use super::checks::explain;
use super::schema::{Progress, TABLES};
use super::{Settings, StudyError, Trial};
use crate::searcher;
use rusqlite::Connection;
use std::path::Path;

/// Larger settings are invalid.
const MOST_JOBS: u32 = 1024;
const MOST_RUNGS: u32 = 16;
const MOST_RANKED: u32 = 1000;
const MOST_ALTERNATIVES: usize = 1 << 20;

/// A study has exactly the tables and the view of its schema: no trigger, no index, no other columns.
pub(super) fn check_schema(connection: &Connection, path: &Path) -> Result<(), StudyError> {
    let sql = |error: rusqlite::Error| explain(&error, path);
    let foreign = |what: &str| {
        // Names may have any characters.
        let shown: String = what.chars().filter(|c| !c.is_control()).take(60).collect();
        StudyError::Foreign(format!("`{}` has an unexpected part: {shown}", path.display()))
    };
    let mut statement = connection.prepare("SELECT type, name, sql FROM sqlite_schema").map_err(sql)?;
    let mut rows = statement.query([]).map_err(sql)?;
    let mut seen = Vec::new();
    while let Some(row) = rows.next().map_err(sql)? {
        let read =
            || -> rusqlite::Result<(String, String, Option<String>)> { Ok((row.get(0)?, row.get(1)?, row.get(2)?)) };
        let (kind, name, text) = read().map_err(sql)?;
        // The index that SQLite makes for a text key.
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

/// The first error in the settings or in the progress.
pub(super) fn wrong_settings(settings: &Settings, progress: &Progress) -> Option<String> {
    let Settings { sizes, jobs, halving, ranking, method, .. } = settings;
    if sizes.iter().any(|size| !(1..=MOST_ALTERNATIVES).contains(size)) {
        return Some(format!("invalid number of alternatives of a choice: expected 1 to {MOST_ALTERNATIVES}"));
    }
    if searcher::method(method).is_none() {
        return Some("unknown search method".to_owned());
    }
    if !(1..=MOST_JOBS).contains(jobs) {
        return Some(format!("invalid number of trials at once, {jobs}: expected 1 to {MOST_JOBS}"));
    }
    if halving.is_some_and(|it| !(1..=MOST_RUNGS).contains(&it.rungs) || it.eta < 2 || it.bracket == 0) {
        return Some(format!("invalid halving schedule: expected rungs 1..={MOST_RUNGS}, eta >= 2, bracket >= 1"));
    }
    if ranking.is_some_and(|count| count > MOST_RANKED) {
        return Some(format!("too many networks for the check of the ranking: expected at most {MOST_RANKED}"));
    }
    (progress.observed() > progress.trials).then(|| "the searcher has observed trials that do not exist".to_owned())
}

/// The first error in the trial in this place.
pub(super) fn wrong_trial(trial: &Trial, place: u64, settings: &Settings) -> Option<String> {
    let Trial { number, choices, same_as, of, rung, .. } = trial;
    if *number != place {
        return Some(format!("trial {place} has the number {number}"));
    }
    if [same_as, of].into_iter().flatten().any(|other| *other >= place) {
        return Some(format!("trial {place} refers to a later trial"));
    }
    if choices.len() != settings.sizes.len() || choices.iter().zip(&settings.sizes).any(|(at, size)| at >= size) {
        return Some(format!("trial {place} has an alternative that does not exist"));
    }
    (*rung >= settings.halving.map_or(1, |halving| halving.rungs))
        .then(|| format!("trial {place} has a rung that does not exist"))
}
