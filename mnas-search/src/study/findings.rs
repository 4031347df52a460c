//! Facts about the whole study, as records with checksums like those of trials.

use super::StudyError;
use super::checks::{explain, hex, sum_of_finding};
use super::store::Study;
use rusqlite::{OptionalExtension as _, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

impl Study {
    /// The fact of this name, if the study has it.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or the record has another type.
    pub fn finding<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, StudyError> {
        if !self.findings.contains_key(name) {
            return Ok(None);
        }
        let record: Option<String> = self
            .connection
            .query_row("SELECT record FROM findings WHERE name = ?1", [name], |row| row.get(0))
            .optional()
            .map_err(|error| explain(&error, &self.path))?;
        let Some(record) = record else { return Ok(None) };
        serde_json::from_str(&record).map(Some).map_err(|error| {
            StudyError::Damaged(format!("`{}` is damaged: the finding `{name}`: {error}", self.path.display()))
        })
    }

    /// Stores a fact under this name, in place of an earlier one.
    ///
    /// # Errors
    ///
    /// The value cannot be written as JSON, or the system refused, such as for a full disk: then the file is unchanged.
    pub fn set_finding<T: Serialize>(&mut self, name: &str, value: &T) -> Result<(), StudyError> {
        let record = serde_json::to_string(value)
            .map_err(|error| StudyError::System(format!("the finding `{name}` cannot be written: {error}")))?;
        let sum = sum_of_finding(name, &record);
        let mut progress = self.progress.clone();
        progress.findings ^= self.findings.get(name).copied().unwrap_or(0) ^ sum;
        self.write(progress, |transaction| {
            let row = params![name, record, hex(sum)];
            transaction.execute("INSERT OR REPLACE INTO findings VALUES (?1, ?2, ?3)", row).map(|_| ())
        })?;
        self.findings.insert(name.to_owned(), sum);
        Ok(())
    }

    /// The names of all facts, in order.
    pub fn finding_names(&self) -> impl Iterator<Item = &str> {
        self.findings.keys().map(String::as_str)
    }
}
