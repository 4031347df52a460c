//! Descriptions of trials.

use mnas_dsl::printable;
use mnas_search::study::Trial;

/// Describes a trial in one line.
pub(crate) fn describe(trial: &Trial) -> String {
    let mut parts = Vec::new();
    if let Some(reward) = trial.reward {
        parts.push(format!("reward {reward:.4}"));
    }
    if let Some(accuracy) = trial.accuracy {
        parts.push(format!("accuracy {accuracy:.4}"));
    }
    if let Some(latency) = trial.latency {
        parts.push(latency.to_string());
    }
    parts.push(format!("{} parameters", trial.parameters));
    parts.push(format!("{} multiply-accumulates", trial.macs));
    if let Some(before) = trial.of {
        parts.push(format!("rung {}, the network of trial {before}", trial.rung));
    }
    if let Some(earlier) = trial.same_as {
        parts.push(format!("the network of trial {earlier}"));
    }
    if let Some(message) = &trial.message {
        parts.push(format!("failed: {}", printable(message.lines().next().unwrap_or(""))));
    }
    parts.join(", ")
}
