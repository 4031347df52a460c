//! Protection of a study: its lock, checksums, and the meaning of SQLite's errors.

use super::StudyError;
use mnas_codegen::fnv;
use rusqlite::{Connection, ErrorCode};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

/// Takes the lock of a study, which only one process can hold. `path` has its links resolved, `shown` is used in
/// messages. The file of the lock is not removed.
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

/// Number and checksum of the last trial; each checksum continues the one before.
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

/// The finding that stores the result of a trial until all trials before it are there.
pub(crate) fn pending_name(trial: u64) -> String {
    format!("trial/{trial}")
}

/// The checksum of each finding, after checking all of them.
pub(super) fn finding_sums(connection: &Connection, path: &Path) -> Result<BTreeMap<String, u64>, StudyError> {
    let sql = |error: rusqlite::Error| explain(&error, path);
    // A study of the first layout has no findings, and can be read.
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

/// Never 0, so that a missing finding changes the sum of all.
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

/// The text of a record. All numbers are finite and all keys are texts, so that writing does not fail.
pub(super) fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// An error of SQLite, as one that a user can act on.
pub(super) fn explain(error: &rusqlite::Error, path: &Path) -> StudyError {
    let shown = path.display();
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => StudyError::Foreign(format!("`{shown}` is not a study")),
        Some(ErrorCode::DatabaseCorrupt) => {
            StudyError::Damaged(format!("`{shown}` is damaged: it was truncated or changed by another program"))
        }
        Some(ErrorCode::DiskFull) => {
            StudyError::System(format!("the disk of `{shown}` is full; every finished trial is in it"))
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
