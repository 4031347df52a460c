//! What a study is protected by: a lock, checksums, and words for what SQLite says.

use super::StudyError;
use mnas_codegen::fnv;
use rusqlite::{Connection, ErrorCode};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

/// A lock that no two processes have, for a study whose links are resolved; the file that carries it stays. `shown` is the
/// study for messages.
pub(super) fn lock(path: &Path, shown: &Path) -> Result<File, StudyError> {
    let beside = with_suffix(path, ".lock");
    let failed = |error: std::io::Error| StudyError::System(format!("cannot lock `{}`: {error}", beside.display()));
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&beside).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(StudyError::InUse(format!("another process searches with `{}`", shown.display())))
        }
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(suffix);
    path.with_file_name(name)
}

pub(super) fn check_pages(connection: &Connection, path: &Path) -> Result<(), StudyError> {
    let said: String = connection
        .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
        .map_err(|error| explain(&error, path))?;
    if said == "ok" {
        return Ok(());
    }
    Err(StudyError::Damaged(format!("`{}` is damaged: {said}", path.display())))
}

/// Number and checksum of the last trial, where each continues the one before it.
pub(super) fn check_chain(connection: &Connection, path: &Path) -> Result<(u64, u64), StudyError> {
    let sql = |error: rusqlite::Error| explain(&error, path);
    let mut statement = connection.prepare("SELECT number, record, sum FROM trials ORDER BY number").map_err(sql)?;
    let mut rows = statement.query([]).map_err(sql)?;
    let (mut count, mut chain) = (0, 0);
    while let Some(row) = rows.next().map_err(sql)? {
        let read = || -> rusqlite::Result<(i64, String, String)> { Ok((row.get(0)?, row.get(1)?, row.get(2)?)) };
        let (number, record, written) = read().map_err(sql)?;
        chain = sum(chain, record.as_bytes());
        if number != count as i64 || hex(chain) != written {
            return Err(StudyError::Damaged(format!(
                "`{}` is damaged: trial {count} is missing or was changed",
                path.display()
            )));
        }
        count += 1;
    }
    Ok((count, chain))
}

/// The name of what is kept for a trial that is finished before those in front of it.
pub(crate) fn kept_name(trial: u64) -> String {
    format!("trial/{trial}")
}

/// The checksum of each finding, each of which is as it was written.
pub(super) fn finding_sums(connection: &Connection, path: &Path) -> Result<BTreeMap<String, u64>, StudyError> {
    let sql = |error: rusqlite::Error| explain(&error, path);
    // A study of the layout before has none, and may be looked at.
    let is_there: bool = connection
        .query_row("SELECT count(*) FROM sqlite_schema WHERE name = 'findings'", [], |row| row.get(0))
        .map_err(sql)?;
    if !is_there {
        return Ok(BTreeMap::new());
    }
    let mut statement = connection.prepare("SELECT name, record, sum FROM findings").map_err(sql)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).map_err(sql)?;
    let mut sums = BTreeMap::new();
    for row in rows {
        let (name, record, written): (String, String, String) = row.map_err(sql)?;
        let sum = sum_of_finding(&name, &record);
        if hex(sum) != written {
            return Err(StudyError::Damaged(format!("`{}` is damaged: `{name}` was changed", path.display())));
        }
        sums.insert(name, sum);
    }
    Ok(sums)
}

/// Never 0, which would not be missed.
pub(super) fn sum_of_finding(name: &str, record: &str) -> u64 {
    sum(sum(0, name.as_bytes()), record.as_bytes()).max(1)
}

/// FNV-1a, continued from `start`.
pub(super) fn sum(start: u64, bytes: &[u8]) -> u64 {
    fnv::continued(start ^ fnv::EMPTY, bytes)
}

pub(super) fn hex(sum: u64) -> String {
    format!("{sum:016x}")
}

/// The text of a record: all of its numbers are finite, and its keys are texts.
pub(super) fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// What SQLite says, as a user may act on it.
pub(super) fn explain(error: &rusqlite::Error, path: &Path) -> StudyError {
    let shown = path.display();
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => StudyError::Foreign(format!("`{shown}` is no study")),
        Some(ErrorCode::DatabaseCorrupt) => {
            StudyError::Damaged(format!("`{shown}` is damaged: it was cut or changed by something else"))
        }
        Some(ErrorCode::DiskFull) => {
            StudyError::System(format!("no room to write to `{shown}`; every finished trial is in it"))
        }
        Some(ErrorCode::SystemIoFailure) => {
            StudyError::System(format!("cannot write to `{shown}` ({error}); every finished trial is in it"))
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            StudyError::InUse(format!("`{shown}` is being written by another process"))
        }
        Some(_) => StudyError::System(format!("cannot use `{shown}`: {error}")),
        None => StudyError::Damaged(format!("`{shown}` is damaged: {error}")),
    }
}
