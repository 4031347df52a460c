//! The file: tables, locks, checksums.

use super::{Settings, StudyError, Trial};
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension as _, TransactionBehavior, params};
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Says in the header of a file that it is a study: `mnas`.
const APPLICATION: i32 = 0x6d6e_6173;

/// The layout of the tables.
const VERSION: i32 = 1;

/// How long to wait for who reads or writes at the moment.
const PATIENCE: Duration = Duration::from_secs(10);

/// Records hold everything; the view is for people with a shell of SQLite.
const TABLES: &str = "
CREATE TABLE study (id INTEGER PRIMARY KEY CHECK (id = 1), settings TEXT NOT NULL, sum TEXT NOT NULL);
CREATE TABLE trials (number INTEGER PRIMARY KEY, record TEXT NOT NULL, sum TEXT NOT NULL);
CREATE TABLE progress (id INTEGER PRIMARY KEY CHECK (id = 1), record TEXT NOT NULL, sum TEXT NOT NULL);
CREATE TABLE large (id INTEGER PRIMARY KEY CHECK (id = 1), revision INTEGER NOT NULL, bytes BLOB NOT NULL);
CREATE VIEW results AS SELECT
    number,
    json_extract(record, '$.state') AS state,
    json_extract(record, '$.reward') AS reward,
    json_extract(record, '$.accuracy') AS accuracy,
    json_extract(record, '$.latency.ms') AS latency_ms,
    json_extract(record, '$.parameters') AS parameters,
    json_extract(record, '$.macs') AS macs,
    json_extract(record, '$.spec') AS spec
FROM trials;
";

/// What a study is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// To look at it, whoever searches with it.
    Read,
    /// To search with it: nobody else can meanwhile.
    Search,
}

/// A study, open.
#[derive(Debug)]
pub struct Study {
    connection: Connection,
    path: PathBuf,
    settings: Settings,
    progress: Progress,
    /// Checksum of the last trial.
    chain: u64,
    /// Revision of the large part that the file has.
    revision: Option<u64>,
    /// Held while it lives; given back by the system however the process ends.
    _lock: Option<File>,
}

/// Where a search is: what changes with each trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Number of trials.
    pub trials: u64,
    /// Checksum of the last of them.
    chain: u64,
    /// The exponent that was fitted, once it was.
    pub exponent: Option<f64>,
    /// The searcher, as it was saved.
    pub searcher: String,
    /// Checksum of its large part, if it has one.
    large: Option<u64>,
}

impl Study {
    /// A new study; its file must not be there.
    ///
    /// # Errors
    ///
    /// A file that is there, or that cannot be written.
    pub fn create(
        path: &Path,
        settings: &Settings,
        searcher: String,
        large: Option<(u64, Vec<u8>)>,
    ) -> Result<Self, StudyError> {
        let lock = lock(path)?;
        if path.exists() {
            return Err(StudyError::Exists(format!("`{}` is there already", path.display())));
        }
        // Complete or not there: what is made beside it is renamed into its place.
        let beside = with_suffix(path, ".new");
        let failed = |error: std::io::Error| StudyError::System(format!("cannot write `{}`: {error}", path.display()));
        for leftover in [beside.clone(), with_suffix(&beside, "-journal")] {
            if leftover.exists() {
                std::fs::remove_file(leftover).map_err(failed)?;
            }
        }
        let progress =
            Progress { trials: 0, chain: 0, exponent: None, searcher, large: large.as_ref().map(|it| sum(0, &it.1)) };
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let write = || -> rusqlite::Result<()> {
            let mut connection = Connection::open_with_flags(&beside, flags)?;
            prepare(&connection)?;
            let transaction = connection.transaction()?;
            transaction.pragma_update(None, "application_id", APPLICATION)?;
            transaction.pragma_update(None, "user_version", VERSION)?;
            transaction.execute_batch(TABLES)?;
            let text = json(settings);
            transaction.execute("INSERT INTO study VALUES (1, ?1, ?2)", params![text, hex(sum(0, text.as_bytes()))])?;
            let text = json(&progress);
            transaction
                .execute("INSERT INTO progress VALUES (1, ?1, ?2)", params![text, hex(sum(0, text.as_bytes()))])?;
            if let Some((revision, bytes)) = &large {
                transaction.execute("INSERT INTO large VALUES (1, ?1, ?2)", params![*revision as i64, bytes])?;
            }
            transaction.commit()
        };
        write().map_err(|error| explain(&error, path))?;
        std::fs::rename(&beside, path).map_err(failed)?;
        Self::load(path, Some(lock))
    }

    /// Opens a study and checks all of it.
    ///
    /// # Errors
    ///
    /// A file that is no study, is damaged, cannot be read, or is used by another search.
    pub fn open(path: &Path, access: Access) -> Result<Self, StudyError> {
        if let Err(error) = File::open(path) {
            return Err(StudyError::System(format!("cannot read `{}`: {error}", path.display())));
        }
        let lock = match access {
            Access::Read => None,
            Access::Search => Some(lock(path)?),
        };
        Self::load(path, lock)
    }

    fn load(path: &Path, lock: Option<File>) -> Result<Self, StudyError> {
        let read_write = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let sql = |error: rusqlite::Error| explain(&error, path);
        // A reader may have to undo what a process that was killed had begun, so it can write where it may.
        let connection = Connection::open_with_flags(path, read_write).map_err(sql)?;
        prepare(&connection).map_err(sql)?;
        let (application, version): (i32, i32) = (
            connection.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(sql)?,
            connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(sql)?,
        );
        if application != APPLICATION {
            return Err(StudyError::Foreign(format!("`{}` is no study", path.display())));
        }
        if version != VERSION {
            return Err(StudyError::Foreign(format!(
                "`{}` is a study of version {version}, and this program reads version {VERSION}",
                path.display()
            )));
        }
        check_pages(&connection, path)?;
        // One moment of the file, whoever writes meanwhile.
        let mut connection = connection;
        let transaction = connection.transaction().map_err(sql)?;
        let damaged = |what: &str| StudyError::Damaged(format!("`{}` is damaged: {what}", path.display()));
        let one = |query: &str| -> Result<String, StudyError> {
            let row: Option<(String, String)> = transaction
                .query_row(query, [], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()
                .map_err(|error| explain(&error, path))?;
            let (text, written) = row.ok_or_else(|| damaged("a part is missing"))?;
            if hex(sum(0, text.as_bytes())) == written { Ok(text) } else { Err(damaged("a part was changed")) }
        };
        let settings = one("SELECT settings, sum FROM study")?;
        let progress = one("SELECT record, sum FROM progress")?;
        let settings: Settings = serde_json::from_str(&settings).map_err(|error| damaged(&error.to_string()))?;
        let progress: Progress = serde_json::from_str(&progress).map_err(|error| damaged(&error.to_string()))?;
        let (count, chain) = check_chain(&transaction, path)?;
        if count != progress.trials || chain != progress.chain {
            return Err(damaged(&format!("{} trials were finished, and {count} are left", progress.trials)));
        }
        let large: Option<(i64, Vec<u8>)> = transaction
            .query_row("SELECT revision, bytes FROM large", [], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()
            .map_err(sql)?;
        if large.as_ref().map(|(_, bytes)| sum(0, bytes)) != progress.large {
            return Err(damaged("the searcher's weights were changed"));
        }
        let revision = large.map(|(revision, _)| revision as u64);
        transaction.commit().map_err(sql)?;
        Ok(Self { connection, path: path.to_owned(), settings, progress, chain, revision, _lock: lock })
    }

    /// What the search was begun with.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Where the search is.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The large part of the searcher's state.
    ///
    /// # Errors
    ///
    /// A file that cannot be read.
    pub fn large(&self) -> Result<Option<Vec<u8>>, StudyError> {
        let bytes = self.connection.query_row("SELECT bytes FROM large", [], |row| row.get(0));
        bytes.optional().map_err(|error| explain(&error, &self.path))
    }

    /// All trials in order, each with its reward where that is known by now.
    ///
    /// # Errors
    ///
    /// A file that cannot be read.
    pub fn trials(&self) -> Result<Vec<Trial>, StudyError> {
        let read = || -> rusqlite::Result<Vec<String>> {
            let mut statement = self.connection.prepare("SELECT record FROM trials ORDER BY number")?;
            statement.query_map([], |row| row.get(0))?.collect()
        };
        let records = read().map_err(|error| explain(&error, &self.path))?;
        let reward = self.progress.exponent.map(|exponent| self.settings.reward_with(exponent));
        let parse = |record: &String| {
            let mut trial: Trial = serde_json::from_str(record)
                .map_err(|error| StudyError::Damaged(format!("`{}` is damaged: {error}", self.path.display())))?;
            if let (None, Some(reward), Some(accuracy)) = (trial.reward, reward, trial.accuracy) {
                trial.reward = Some(reward.of(accuracy, trial.latency.map(|it| it.ms)));
            }
            Ok(trial)
        };
        records.iter().map(parse).collect()
    }

    /// Adds a trial, and the state of the search after it, at once. `large` is looked at where its revision is another.
    ///
    /// # Errors
    ///
    /// What the system refused, such as a full disk: then nothing of it is in the file.
    pub fn add(
        &mut self,
        trial: &Trial,
        searcher: String,
        exponent: Option<f64>,
        large: Option<(u64, Vec<u8>)>,
    ) -> Result<(), StudyError> {
        let record = json(trial);
        let chain = sum(self.chain, record.as_bytes());
        let large = large.filter(|(revision, _)| Some(*revision) != self.revision);
        let large_sum = large.as_ref().map(|(_, bytes)| sum(0, bytes)).or(self.progress.large);
        let progress = Progress { trials: self.progress.trials + 1, chain, exponent, searcher, large: large_sum };
        let text = json(&progress);
        let write = |connection: &mut Connection| -> rusqlite::Result<()> {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            transaction
                .execute("INSERT INTO trials VALUES (?1, ?2, ?3)", params![trial.number as i64, record, hex(chain)])?;
            transaction
                .execute("UPDATE progress SET record = ?1, sum = ?2", params![text, hex(sum(0, text.as_bytes()))])?;
            if let Some((revision, bytes)) = &large {
                transaction.execute("UPDATE large SET revision = ?1, bytes = ?2", params![*revision as i64, bytes])?;
            }
            transaction.commit()
        };
        write(&mut self.connection).map_err(|error| explain(&error, &self.path))?;
        self.chain = chain;
        self.progress = progress;
        if let Some((revision, _)) = large {
            self.revision = Some(revision);
        }
        Ok(())
    }

    /// Lets the file grow no further, as a full disk does.
    #[doc(hidden)]
    pub fn forbid_growth(&self) -> Result<(), StudyError> {
        let pages: i64 = self
            .connection
            .pragma_query_value(None, "page_count", |row| row.get(0))
            .map_err(|error| explain(&error, &self.path))?;
        self.connection
            .pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))
            .map_err(|error| explain(&error, &self.path))
    }
}

/// A lock that no two processes have; the file that carries it stays.
fn lock(path: &Path) -> Result<File, StudyError> {
    let beside = with_suffix(path, ".lock");
    let failed = |error: std::io::Error| StudyError::System(format!("cannot lock `{}`: {error}", beside.display()));
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&beside).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(StudyError::InUse(format!("another process searches with `{}`", path.display())))
        }
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(suffix);
    path.with_file_name(name)
}

/// A transaction that was reported is on the disk; one that was not is not there.
fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(PATIENCE)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "trusted_schema", false)
}

fn check_pages(connection: &Connection, path: &Path) -> Result<(), StudyError> {
    let said: String = connection
        .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
        .map_err(|error| explain(&error, path))?;
    if said == "ok" {
        return Ok(());
    }
    Err(StudyError::Damaged(format!("`{}` is damaged: {said}", path.display())))
}

/// Number and checksum of the last trial, where each continues the one before it.
fn check_chain(connection: &Connection, path: &Path) -> Result<(u64, u64), StudyError> {
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

/// FNV-1a, continued from `start`.
fn sum(start: u64, bytes: &[u8]) -> u64 {
    let start = start ^ 0xcbf2_9ce4_8422_2325;
    bytes.iter().fold(start, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

fn hex(sum: u64) -> String {
    format!("{sum:016x}")
}

/// The text of a record: all of its numbers are finite, and its keys are texts.
fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// What SQLite says, as a user may act on it.
fn explain(error: &rusqlite::Error, path: &Path) -> StudyError {
    let shown = path.display();
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => StudyError::Foreign(format!("`{shown}` is no study")),
        Some(ErrorCode::DatabaseCorrupt) => {
            StudyError::Damaged(format!("`{shown}` is damaged: it was cut or changed by something else"))
        }
        Some(ErrorCode::DiskFull) => {
            StudyError::System(format!("no room to write to `{shown}`; every finished trial is in it"))
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            StudyError::InUse(format!("`{shown}` is being written by another process"))
        }
        Some(_) => StudyError::System(format!("cannot use `{shown}`: {error}")),
        None => StudyError::Damaged(format!("`{shown}` is damaged: {error}")),
    }
}
