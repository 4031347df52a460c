//! The layout of the file: its tables and their versions, and the record of the state of a search.

use rusqlite::{Connection, TransactionBehavior};
use serde::{Deserialize, Serialize};

/// The application id in the header of a study: `mnas`.
pub(super) const APPLICATION: i32 = 0x6d6e_6173;

/// The version of the layout.
pub(super) const VERSION: i32 = 2;

/// The version without findings.
pub(super) const WITHOUT_FINDINGS: i32 = 1;

/// Records have all data; the view is for users of an SQLite shell.
pub(super) const TABLES: &str = "
CREATE TABLE study (id INTEGER PRIMARY KEY CHECK (id = 1), settings TEXT NOT NULL, sum TEXT NOT NULL);
CREATE TABLE trials (number INTEGER PRIMARY KEY, record TEXT NOT NULL, sum TEXT NOT NULL);
CREATE TABLE progress (id INTEGER PRIMARY KEY CHECK (id = 1), record TEXT NOT NULL, sum TEXT NOT NULL);
CREATE TABLE large (id INTEGER PRIMARY KEY CHECK (id = 1), revision INTEGER NOT NULL, bytes BLOB NOT NULL);
CREATE TABLE findings (name TEXT PRIMARY KEY, record TEXT NOT NULL, sum TEXT NOT NULL);
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

/// From the version without findings to this one.
const UPGRADE: &str = "
CREATE TABLE findings (name TEXT PRIMARY KEY, record TEXT NOT NULL, sum TEXT NOT NULL);
";

/// The state of a search, which changes with each trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Number of trials.
    pub trials: u64,
    /// Checksum of the last trial.
    pub(super) chain: u64,
    /// The exponent, after it was fitted.
    pub exponent: Option<f64>,
    /// The saved state of the searcher.
    pub searcher: String,
    /// Checksum of the large part of that state, if it has one.
    pub(super) large: Option<u64>,
    /// The number of trials that the searcher has observed, if not all: the others belong to a batch that is not
    /// complete.
    #[serde(rename = "told", default, skip_serializing_if = "Option::is_none")]
    pub(super) observed: Option<u64>,
    /// All checksums of findings, combined.
    #[serde(default)]
    pub(super) findings: u64,
}

impl Progress {
    /// The number of trials that the searcher has observed.
    pub fn observed(&self) -> u64 {
        self.observed.unwrap_or(self.trials)
    }
}

/// Upgrades a study without findings to this version.
pub(super) fn upgrade(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(UPGRADE)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()
}
