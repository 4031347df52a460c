//! The layout of the file: its tables and their versions, and the record of where a search is.

use rusqlite::{Connection, TransactionBehavior};
use serde::{Deserialize, Serialize};

/// Says in the header of a file that it is a study: `mnas`.
pub(super) const APPLICATION: i32 = 0x6d6e_6173;

/// The layout of the tables.
pub(super) const VERSION: i32 = 2;

/// The layout before findings.
pub(super) const WITHOUT_FINDINGS: i32 = 1;

/// Records hold everything; the view is for people with a shell of SQLite.
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

/// Makes a study of the layout before one of this.
const UPGRADE: &str = "
CREATE TABLE findings (name TEXT PRIMARY KEY, record TEXT NOT NULL, sum TEXT NOT NULL);
";

/// Where a search is: what changes with each trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Number of trials.
    pub trials: u64,
    /// Checksum of the last of them.
    pub(super) chain: u64,
    /// The exponent that was fitted, once it was.
    pub exponent: Option<f64>,
    /// The searcher, as it was saved.
    pub searcher: String,
    /// Checksum of its large part, if it has one.
    pub(super) large: Option<u64>,
    /// Of how many trials the searcher was told, where it is not all: the others are of a batch that is not finished.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) told: Option<u64>,
    /// Checksums of all findings, in one.
    #[serde(default)]
    pub(super) findings: u64,
}

impl Progress {
    /// Of how many trials the searcher was told.
    pub fn told(&self) -> u64 {
        self.told.unwrap_or(self.trials)
    }
}

/// Makes a study of the layout before findings one of this layout.
pub(super) fn upgrade(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(UPGRADE)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()
}
