//! An external command: it reads the job as JSON from its standard input and writes the result as JSON to its standard
//! output.

mod process;
mod tree;

use super::Evaluator;
use crate::job::{Evaluation, Failure, Job, Latency};
use mnas_dsl::printable;
use process::{Ended, Finished};
use serde::Deserialize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Runs a command line in the system's shell for each job.
#[derive(Clone, Debug)]
pub struct Command {
    line: String,
    timeout: Option<Duration>,
    notice: Option<fn(&str)>,
    /// Whether the notice about processes left behind was given.
    is_noted: Arc<AtomicBool>,
}

/// The result of a command: the last line of its standard output that is not empty.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    accuracy: f64,
    #[serde(default)]
    epochs: Vec<f64>,
    latency_ms: Option<f64>,
    /// Lower and upper end.
    latency_interval: Option<(f64, f64)>,
}

impl Command {
    /// A command line, which `sh -c` (on Windows `cmd /C`) runs.
    pub fn new(line: impl Into<String>) -> Self {
        Self { line: line.into(), timeout: None, notice: None, is_noted: Arc::default() }
    }

    /// Kills a command that takes longer, with all processes that it started.
    pub fn with_timeout(self, timeout: Option<Duration>) -> Self {
        Self { timeout, ..self }
    }

    /// Calls `notice` with text for the user, such as that the command left processes behind.
    pub fn with_notice(self, notice: fn(&str)) -> Self {
        Self { notice: Some(notice), ..self }
    }

    /// Reports processes left behind, once for all trials.
    fn note_left_behind(&self, killed: usize) {
        let Some(notice) = self.notice else { return };
        if self.is_noted.swap(true, Ordering::Relaxed) {
            return;
        }
        let line = printable(&self.line);
        let what = match killed {
            0 => "a process that was not found, so it still runs".to_owned(),
            1 => "a process, which was killed".to_owned(),
            killed => format!("{killed} processes, which were killed"),
        };
        notice(&format!("`{line}` ended, but its output was kept open by {what}; a trial ends with its command"));
    }

    fn run(&self, job: &str) -> std::io::Result<Ended> {
        let (shell, flag) = if cfg!(windows) { ("cmd", "/C") } else { ("sh", "-c") };
        process::run(std::process::Command::new(shell).args([flag, &self.line]), job.as_bytes(), self.timeout)
    }
}

impl Evaluator for Command {
    fn name(&self) -> String {
        format!("command {}", self.line)
    }

    fn gives_latency(&self) -> bool {
        true
    }

    fn evaluate(&self, job: &Job) -> Result<Evaluation, Failure> {
        let text = serde_json::to_string(job).map_err(|error| Failure::Stop(error.to_string()))?;
        let ended = self
            .run(&format!("{text}\n"))
            .map_err(|error| Failure::Stop(format!("cannot run `{}`: {error}", self.line)))?;
        let Finished { status, out, err, left_behind } = match ended {
            Ended::Itself(finished) => finished,
            Ended::Killed => {
                let seconds = self.timeout.unwrap_or_default().as_secs_f64();
                return Err(Failure::Trial(format!("`{}` took longer than {seconds} s and was killed", self.line)));
            }
        };
        if let Some(killed) = left_behind {
            self.note_left_behind(killed);
        }
        if !status.success() {
            let said = String::from_utf8_lossy(&err);
            let message = format!("`{}` failed ({status}){}", self.line, last_words(&said));
            // The exit codes of a shell that does not find a command: no other trial would succeed.
            let is_absent = matches!(status.code(), Some(126 | 127));
            return Err(if is_absent { Failure::Stop(message) } else { Failure::Trial(message) });
        }
        let said = String::from_utf8_lossy(&out);
        let line = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("");
        let answer: Answer = serde_json::from_str(line).map_err(|error| {
            Failure::Trial(format!("invalid result in the last line of `{}`: {error}: {}", self.line, shorten(line)))
        })?;
        let is_part = |value: &f64| (0.0..=1.0).contains(value);
        if !is_part(&answer.accuracy) || !answer.epochs.iter().all(is_part) {
            return Err(Failure::Trial(format!("invalid accuracy, expected 0 to 1: {}", shorten(line))));
        }
        if answer.latency_ms.is_some_and(|ms| !(ms > 0.0 && ms.is_finite())) {
            return Err(Failure::Trial(format!("invalid latency, expected a number above 0: {}", shorten(line))));
        }
        let is_around =
            |(low, high): (f64, f64)| answer.latency_ms.is_some_and(|ms| 0.0 < low && low <= ms && ms <= high);
        if answer.latency_interval.is_some_and(|it| !is_around(it)) {
            return Err(Failure::Trial(format!(
                "invalid latency interval, expected one above 0 around the latency: {}",
                shorten(line)
            )));
        }
        let latency = answer.latency_ms.map(|ms| match answer.latency_interval {
            Some((low, high)) => Latency { ms, low, high, is_stable: true },
            None => Latency::exact(ms),
        });
        Ok(Evaluation { accuracy: answer.accuracy, epochs: answer.epochs, latency })
    }
}

fn shorten(text: &str) -> String {
    text.chars().take(200).collect()
}

/// The last lines of an output, if there are any.
fn last_words(said: &str) -> String {
    let lines: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).collect();
    let last = lines[lines.len().saturating_sub(3)..].join("; ");
    if last.is_empty() { String::new() } else { format!(": {}", shorten(&last)) }
}
