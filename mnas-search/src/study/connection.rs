//! How SQLite opens a study.

use rusqlite::Connection;
use rusqlite::config::DbConfig;
use std::time::Duration;

/// How long to wait for another process that reads or writes.
const PATIENCE: Duration = Duration::from_secs(10);

/// A transaction that was reported is on the disk; one that was not is not there.
pub(super) fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(PATIENCE)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    distrust(connection)
}

/// Nothing that a file brings along is carried out: no trigger, no view, no function in its tables' conditions. Its own
/// description of the tables cannot be written over.
fn distrust(connection: &Connection) -> rusqlite::Result<()> {
    for (what, on) in [
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
    ] {
        connection.set_db_config(what, on)?;
    }
    connection.pragma_update(None, "cell_size_check", true)
}
