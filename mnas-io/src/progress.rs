//! Reports of what a long operation is doing.
//!
//! Libraries report by [`progress`] and [`status`]. A program decides where reports go by [`report_to`]; without it they
//! are dropped.

use std::sync::OnceLock;

/// A receiver of reports.
pub trait Progress: Send + Sync {
    /// A line that stays.
    fn line(&self, text: &str);

    /// A line that replaces the status before it; an empty text removes it.
    fn status(&self, text: &str);
}

static RECEIVER: OnceLock<Box<dyn Progress>> = OnceLock::new();

/// Sends all reports of this process to `receiver`. Only the first call has an effect.
pub fn report_to(receiver: impl Progress + 'static) {
    let _ = RECEIVER.set(Box::new(receiver));
}

/// Reports a line that stays.
pub fn progress(text: &str) {
    if let Some(receiver) = RECEIVER.get() {
        receiver.line(text);
    }
}

/// Reports a line that replaces the status before it.
pub fn status(text: &str) {
    if let Some(receiver) = RECEIVER.get() {
        receiver.status(text);
    }
}
