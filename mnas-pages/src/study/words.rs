//! Trials and figures in words.

use super::model::Model;
use super::numbers;
use mnas_search::findings::Ranking;
use mnas_search::job::Latency;
use mnas_search::study::{State, Trial};

/// Accuracy with two digits behind the point, for networks differ by less than one.
pub(super) fn accuracy(part: f64) -> String {
    format!("{:.2} %", 100.0 * part)
}

/// Milliseconds, with three digits.
pub(super) fn ms(value: f64) -> String {
    match value {
        v if v >= 99.95 => format!("{v:.0} ms"),
        v if v >= 9.995 => format!("{v:.1} ms"),
        v if v >= 0.9995 => format!("{v:.2} ms"),
        v => format!("{} µs", numbers::digits(v * 1e3)),
    }
}

/// A latency that somebody chose: without zeros at the end.
pub(super) fn round_ms(value: f64) -> String {
    let text = ms(value);
    let (number, unit) = text.split_once(' ').unwrap_or((&text, ""));
    let number = if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number };
    format!("{number} {unit}")
}

/// With its interval, where it has one.
pub(super) fn latency(it: &Latency) -> String {
    let mut text = ms(it.ms);
    if it.low < it.high {
        text.push_str(&format!(" ({} to {})", ms(it.low), ms(it.high)));
    }
    if !it.is_stable {
        text.push_str(", unstable");
    }
    text
}

/// The interval of a ranking's tau behind it; that of few networks says nothing.
pub(super) fn interval(ranking: &Ranking) -> String {
    if ranking.is_enough() {
        format!(" ({} to {})", signed(ranking.tau_low), signed(ranking.tau_high))
    } else {
        String::new()
    }
}

/// What stands beside a mark: the numbers of a trial, then its network.
pub(super) fn tip(model: &Model, trial: &Trial) -> String {
    let mut lines = vec![title(trial)];
    let mut figures = Vec::new();
    if let Some(it) = trial.accuracy {
        figures.push(accuracy(it));
    }
    if let Some(it) = &trial.latency {
        figures.push(latency(it));
    }
    if let Some(reward) = trial.reward.filter(|reward| reward.is_finite()) {
        figures.push(format!("reward {reward:.4}"));
    }
    if !figures.is_empty() {
        lines.push(figures.join(" · "));
    }
    if !trial.epochs.is_empty() {
        lines.push(count(trial.epochs.len(), "epoch", "epochs"));
    }
    if trial.parameters > 0 || trial.macs > 0 {
        let (parameters, macs) = (numbers::grouped(trial.parameters), numbers::short(trial.macs));
        lines.push(format!("{parameters} parameters · {macs} MACs"));
    }
    if let Some(again) = model.again.get(&trial.number) {
        let named = again.iter().take(6).map(u64::to_string).collect::<Vec<_>>().join(", ");
        let more = if again.len() > 6 { format!(" and {} more", again.len() - 6) } else { String::new() };
        lines.push(format!("drawn again in trial{} {named}{more}", if again.len() == 1 { "" } else { "s" }));
    }
    if let Some(message) = &trial.message {
        let line = message.lines().next().unwrap_or("");
        lines.push(format!("failed: {}", line.chars().take(160).collect::<String>()));
    }
    lines.extend(blocks(trial));
    lines.join("\n")
}

fn title(trial: &Trial) -> String {
    let failed = if trial.state == State::Failed { ", failed" } else { "" };
    let rung = if trial.rung > 0 { format!(", rung {}", trial.rung) } else { String::new() };
    let of = trial.of.map_or(String::new(), |of| format!(", the network of trial {of} again"));
    format!("Trial {}{rung}{of}{failed}", trial.number)
}

/// The blocks of a trial.
pub(super) fn blocks(trial: &Trial) -> Vec<String> {
    spec_blocks(&trial.spec, &trial.choices)
}

/// The blocks as `mnas_net!` takes them, a line each; the choices where there is no network.
pub(super) fn spec_blocks(spec: &str, choices: &[usize]) -> Vec<String> {
    match mnas_dsl::parse_yaml(spec, "spec") {
        Ok(spec) => {
            let text = spec.to_tokens();
            let lines = text.lines().map(|line| line.trim().trim_end_matches(';').to_owned());
            lines.skip_while(|line| !line.starts_with("stem")).filter(|line| line != "}").collect()
        }
        _ => {
            let choices: Vec<String> = choices.iter().map(usize::to_string).collect();
            vec![format!("choices {}", choices.join(" "))]
        }
    }
}

/// Two digits, and a minus that is as wide as a plus.
pub(super) fn signed(value: f64) -> String {
    format!("{value:.2}").replace('-', "−")
}

/// A part of 1 as percent with its sign.
pub(super) fn signed_percent(part: f64) -> String {
    format!("{:+.1}", 100.0 * part).replace('-', "−")
}

/// `1 trial`, `2 trials`.
pub(super) fn count(number: usize, one: &str, many: &str) -> String {
    format!("{} {}", numbers::grouped(number as u64), if number == 1 { one } else { many })
}
