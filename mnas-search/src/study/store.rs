//! An open study: reading its file, and writing it in transactions.

use super::checks::{check_chain, check_pages, explain, finding_sums, hex, json, lock, pending_name, sum, with_suffix};
use super::connection::prepare;
use super::schema::{APPLICATION, Progress, TABLES, VERSION, WITHOUT_FINDINGS, upgrade};
use super::{Settings, StudyError, Trial, WeightExponent, untrusted};
use crate::findings::{NOISE, RANKING};
use crate::noise::Noise;
use crate::reward::Reward;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, TransactionBehavior, params};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

/// The purpose of opening a study.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Reading, also while another process searches.
    Read,
    /// Searching; one process at a time.
    Search,
}

/// An open study.
#[derive(Debug)]
pub struct Study {
    pub(super) connection: Connection,
    pub(super) path: PathBuf,
    settings: Settings,
    pub(super) progress: Progress,
    /// Checksum of the progress in the file.
    written: String,
    /// Checksum of the last trial.
    chain: u64,
    /// Revision of the large part in the file.
    revision: Option<u64>,
    /// Checksum of each finding, by name.
    pub(super) findings: BTreeMap<String, u64>,
    /// Held while the study is open; the system releases it however the process ends.
    _lock: Option<File>,
}

/// The state of a searcher that has observed all trials.
#[derive(Debug)]
pub struct After {
    /// The saved state.
    pub searcher: String,
    /// The exponent, after it was fitted.
    pub exponent: Option<f64>,
    /// The large part and its revision, unless the file has this revision.
    pub large: Option<(u64, Vec<u8>)>,
}

impl Study {
    /// Creates a study.
    ///
    /// # Errors
    ///
    /// The file exists, or cannot be written.
    pub fn create(
        path: &Path,
        settings: &Settings,
        searcher: String,
        large: Option<(u64, Vec<u8>)>,
    ) -> Result<Self, StudyError> {
        let file = resolve(path)?;
        let lock = lock(&file, path)?;
        if path.exists() {
            return Err(StudyError::Exists(format!("`{}` exists already", path.display())));
        }
        // The file is complete or absent: it is made under another name and renamed.
        let beside = with_suffix(&file, ".new");
        let failed = |error: std::io::Error| StudyError::System(format!("cannot write `{}`: {error}", path.display()));
        for leftover in [beside.clone(), with_suffix(&beside, "-journal")] {
            if leftover.exists() {
                std::fs::remove_file(leftover).map_err(failed)?;
            }
        }
        let progress = Progress {
            trials: 0,
            chain: 0,
            exponent: None,
            searcher,
            large: large.as_ref().map(|it| sum(0, &it.1)),
            observed: None,
            findings: 0,
        };
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
        std::fs::rename(&beside, &file).map_err(failed)?;
        Self::load(path, &file, Some(lock))
    }

    /// Opens a study and checks all of it.
    ///
    /// # Errors
    ///
    /// The file is not a study, is damaged, cannot be read, or is used by another search.
    pub fn open(path: &Path, access: Access) -> Result<Self, StudyError> {
        if let Err(error) = File::open(path) {
            return Err(StudyError::System(format!("cannot read `{}`: {error}", path.display())));
        }
        // Every link to a study has the same lock.
        let file = resolve(path)?;
        let lock = match access {
            Access::Read => None,
            Access::Search => Some(lock(&file, path)?),
        };
        Self::load(path, &file, lock)
    }

    /// Loads `file`, which is called `path` in messages.
    fn load(path: &Path, file: &Path, lock: Option<File>) -> Result<Self, StudyError> {
        let read_write = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let sql = |error: rusqlite::Error| explain(&error, path);
        // A reader may have to roll back the transaction of a process that was killed, so it opens the file for
        // writing.
        let connection = Connection::open_with_flags(file, read_write).map_err(sql)?;
        prepare(&connection).map_err(sql)?;
        let (application, version): (i32, i32) = (
            connection.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(sql)?,
            connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(sql)?,
        );
        if application != APPLICATION {
            return Err(StudyError::Foreign(format!("`{}` is not a study", path.display())));
        }
        if version != VERSION && version != WITHOUT_FINDINGS {
            return Err(StudyError::Foreign(format!(
                "`{}` is a study of version {version}, but this program reads version {VERSION}",
                path.display()
            )));
        }
        untrusted::check_schema(&connection, path)?;
        check_pages(&connection, path)?;
        let mut connection = connection;
        if version == WITHOUT_FINDINGS && lock.is_some() {
            upgrade(&mut connection).map_err(sql)?;
        }
        // One snapshot of the file, while another process may write.
        let transaction = connection.transaction().map_err(sql)?;
        let damaged = |what: &str| StudyError::Damaged(format!("`{}` is damaged: {what}", path.display()));
        let one = |query: &str| -> Result<(String, String), StudyError> {
            let row: Option<(String, String)> = transaction
                .query_row(query, [], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()
                .map_err(|error| explain(&error, path))?;
            let (text, written) = row.ok_or_else(|| damaged("a record is missing"))?;
            if hex(sum(0, text.as_bytes())) == written {
                Ok((text, written))
            } else {
                Err(damaged("a record was changed"))
            }
        };
        let (settings, _) = one("SELECT settings, sum FROM study")?;
        let (progress, written) = one("SELECT record, sum FROM progress")?;
        let settings: Settings = serde_json::from_str(&settings).map_err(|error| damaged(&error.to_string()))?;
        let progress: Progress = serde_json::from_str(&progress).map_err(|error| damaged(&error.to_string()))?;
        if let Some(wrong) = untrusted::wrong_settings(&settings, &progress) {
            return Err(damaged(&wrong));
        }
        let (count, chain) = check_chain(&transaction, path)?;
        if count != progress.trials || chain != progress.chain {
            return Err(damaged(&format!("it should have {} trials, and {count} are left", progress.trials)));
        }
        let large: Option<(i64, Vec<u8>)> = transaction
            .query_row("SELECT revision, bytes FROM large", [], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()
            .map_err(sql)?;
        if large.as_ref().map(|(_, bytes)| sum(0, bytes)) != progress.large {
            return Err(damaged("the searcher's weights were changed"));
        }
        let revision = large.map(|(revision, _)| revision as u64);
        let findings = finding_sums(&transaction, path)?;
        if findings.values().fold(0, |all, sum| all ^ sum) != progress.findings {
            return Err(damaged("a finding is missing"));
        }
        transaction.commit().map_err(sql)?;
        Ok(Self {
            connection,
            path: path.to_owned(),
            settings,
            progress,
            written,
            chain,
            revision,
            findings,
            _lock: lock,
        })
    }

    /// The settings of the search.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The state of the search.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The reward, once its exponent is known.
    pub fn reward(&self) -> Option<Reward> {
        match self.settings.exponent {
            WeightExponent::Given => Some(self.settings.reward),
            WeightExponent::Fitted { .. } => self.progress.exponent.map(|exponent| self.settings.reward_with(exponent)),
        }
    }

    /// The noise of accuracies, as far as it was measured.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub fn noise(&self) -> Result<Noise, StudyError> {
        Ok(Noise::of(self.finding(RANKING)?.as_ref(), self.finding(NOISE)?.as_ref()))
    }

    /// The large part of the state of the searcher.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub fn large(&self) -> Result<Option<Vec<u8>>, StudyError> {
        let bytes = self.connection.query_row("SELECT bytes FROM large", [], |row| row.get(0));
        bytes.optional().map_err(|error| explain(&error, &self.path))
    }

    /// All trials in order, with their rewards where these are known.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub fn trials(&self) -> Result<Vec<Trial>, StudyError> {
        let read = || -> rusqlite::Result<Vec<String>> {
            let mut statement = self.connection.prepare("SELECT record FROM trials ORDER BY number")?;
            statement.query_map([], |row| row.get(0))?.collect()
        };
        let records = read().map_err(|error| explain(&error, &self.path))?;
        let reward = self.progress.exponent.map(|exponent| self.settings.reward_with(exponent));
        let damaged = |what: String| StudyError::Damaged(format!("`{}` is damaged: {what}", self.path.display()));
        let parse = |(place, record): (u64, &String)| {
            let mut trial: Trial = serde_json::from_str(record).map_err(|error| damaged(error.to_string()))?;
            if let Some(wrong) = untrusted::wrong_trial(&trial, place, &self.settings) {
                return Err(damaged(wrong));
            }
            if let (None, Some(reward), Some(accuracy)) = (trial.reward, reward, trial.accuracy) {
                trial.reward = Some(reward.of(accuracy, trial.latency.map(|it| it.ms)));
            }
            Ok(trial)
        };
        (0..).zip(&records).map(parse).collect()
    }

    /// The revision of the large part in the file.
    pub fn large_revision(&self) -> Option<u64> {
        self.revision
    }

    /// Adds a trial and, where the searcher has observed it and all before it, the state of the searcher, in one
    /// transaction. Removes the stored result of the trial.
    ///
    /// # Errors
    ///
    /// The system refused, such as for a full disk: then the file is unchanged.
    pub fn add(&mut self, trial: &Trial, after: Option<After>) -> Result<(), StudyError> {
        let record = json(trial);
        let chain = sum(self.chain, record.as_bytes());
        let pending = pending_name(trial.number);
        let removed = self.findings.get(&pending).copied();
        let mut progress = self.progress.clone();
        progress.observed = after.is_none().then(|| progress.observed());
        progress.trials += 1;
        progress.chain = chain;
        progress.findings ^= removed.unwrap_or(0);
        let mut large = None;
        if let Some(after) = after {
            progress.searcher = after.searcher;
            progress.exponent = after.exponent;
            large = after.large;
            progress.large = large.as_ref().map(|(_, bytes)| sum(0, bytes)).or(progress.large);
        }
        self.write(progress, |transaction| {
            transaction
                .execute("INSERT INTO trials VALUES (?1, ?2, ?3)", params![trial.number as i64, record, hex(chain)])?;
            if let Some((revision, bytes)) = &large {
                transaction.execute("UPDATE large SET revision = ?1, bytes = ?2", params![*revision as i64, bytes])?;
            }
            if removed.is_some() {
                transaction.execute("DELETE FROM findings WHERE name = ?1", [&pending])?;
            }
            Ok(())
        })?;
        self.chain = chain;
        self.findings.remove(&pending);
        if let Some((revision, _)) = large {
            self.revision = Some(revision);
        }
        Ok(())
    }

    /// Writes the changes of `write` and the progress in one transaction. A search by another process is detected here
    /// where the lock cannot see it: by a hard link, or on another machine.
    pub(super) fn write(
        &mut self,
        progress: Progress,
        write: impl FnOnce(&rusqlite::Transaction<'_>) -> rusqlite::Result<()>,
    ) -> Result<(), StudyError> {
        let text = json(&progress);
        let written = hex(sum(0, text.as_bytes()));
        let before = &self.written;
        let all = |connection: &mut Connection| -> rusqlite::Result<bool> {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let found: String = transaction.query_row("SELECT sum FROM progress", [], |row| row.get(0))?;
            if found != *before {
                return Ok(false);
            }
            write(&transaction)?;
            transaction.execute("UPDATE progress SET record = ?1, sum = ?2", params![text, written])?;
            transaction.commit().map(|()| true)
        };
        if !all(&mut self.connection).map_err(|error| explain(&error, &self.path))? {
            return Err(StudyError::InUse(format!("another process has searched with `{}`", self.path.display())));
        }
        self.progress = progress;
        self.written = written;
        Ok(())
    }

    /// Keeps the file from growing, as a full disk does.
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

/// The file that a path leads to.
fn resolve(path: &Path) -> Result<PathBuf, StudyError> {
    let failed = |error| StudyError::System(format!("cannot find `{}`: {error}", path.display()));
    mnas_files::resolve(path).map_err(failed)
}
