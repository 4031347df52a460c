//! How SQLite opens a study.

use rusqlite::Connection;
use rusqlite::config::DbConfig;
use std::time::Duration;

/// How long to wait for another process that reads or writes.
const PATIENCE: Duration = Duration::from_secs(10);

/// Makes transactions durable: one that was reported is on the disk, any other leaves no trace.
pub(super) fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(PATIENCE)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    distrust(connection)
}

/// Nothing in the file is executed: no trigger, no view, no function in the conditions of its tables. Its description
/// of the tables cannot be overwritten.
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
