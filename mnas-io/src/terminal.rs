//! Standard output, which may be closed at any time, and reports on standard error.

use crate::error::{Error, Result};
use crate::progress::Progress;
use crate::text::without_controls;
use std::io::{self, IsTerminal as _, Write as _};

/// Prints results; their colours are dropped if standard output is no terminal.
///
/// # Errors
///
/// Standard output cannot be written.
pub fn print(text: &str) -> Result<()> {
    let mut out = anstream::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|e| Error::stdout(&e))
}

/// Prints bytes as they are.
///
/// # Errors
///
/// Standard output cannot be written.
pub fn print_bytes(bytes: &[u8]) -> Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).map_err(|e| Error::stdout(&e))
}

/// Prints one JSON object on one line.
///
/// # Errors
///
/// Standard output cannot be written.
pub fn print_json(value: &serde_json::Value) -> Result<()> {
    print_bytes(format!("{value}\n").as_bytes())
}

/// Reports on standard error. Errors are ignored: work continues if standard error is closed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Terminal;

impl Progress for Terminal {
    fn line(&self, text: &str) {
        let _ = writeln!(anstream::stderr(), "{}", without_controls(text));
    }

    /// Shown only on a terminal.
    fn status(&self, text: &str) {
        let mut out = io::stderr().lock();
        if out.is_terminal() {
            let _ = write!(out, "\r\x1b[K{text}").and_then(|()| out.flush());
        }
    }
}
