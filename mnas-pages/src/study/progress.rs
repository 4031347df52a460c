//! How good the best network was after each trial.

use super::mark::{self, Look, Mark};
use super::model::Model;
use super::trade_off::focus;
use super::{Html, words};
use crate::axis::Axis;
use crate::chart::{Anchor, BOTTOM, Chart, LEFT, RIGHT, TOP};
use mnas_search::study::{State, Trial};

/// Trials from left to right, and the best so far as a line. Without a reward by now it is the accuracy.
pub(super) fn draw(model: &Model) -> Option<(Html, Html)> {
    let is_rewarded = !model.ranked.is_empty();
    let worth = |trial: &Trial| match is_rewarded {
        true => trial.reward.filter(|it| it.is_finite()),
        false => trial.accuracy.filter(|it| it.is_finite()).map(|it| 100.0 * it),
    };
    let last = model.trials.last()?.number as f64;
    let shown: Vec<&Trial> = model.shown.iter().map(|&at| &model.trials[at]).collect();
    let x = Axis::linear((0.0, last.max(1.0)), (LEFT + 8.0, RIGHT - 8.0)).whole();
    let (low, high) = focus(shown.iter().filter_map(|trial| worth(trial)), 0.4);
    // Of one value the digits are seen.
    let room = if low == high { 0.01 * high.abs() } else { 0.0 };
    let y = Axis::linear((low - room, high + room), (BOTTOM - 16.0, TOP + 12.0));
    let title = if is_rewarded { "reward" } else { "accuracy, %" };
    let label = format!("The best {title} after each trial");
    let mut chart = Chart::new("progress", &label, (x, "trial"), (y, title));
    let mut line: Vec<(f64, f64)> = Vec::new();
    let mut records = Vec::new();
    let mut best = f64::NEG_INFINITY;
    for trial in model.trials {
        let Some(value) = worth(trial) else { continue };
        if value > best {
            line.extend((!line.is_empty()).then_some((trial.number as f64, best)));
            line.push((trial.number as f64, value));
            records.push(trial.number);
            best = value;
        }
    }
    if let Some(&(_, value)) = line.last() {
        line.push((last.max(1.0), value));
    }
    // What is below the frame stands at its edge.
    let low = chart.y.low();
    let inside: Vec<(f64, f64)> = line.iter().map(|&(x, y)| (x, y.max(low))).collect();
    chart.line("best-line", &inside);
    let marks = shown.iter().filter_map(|trial| {
        let value = worth(trial);
        let look = if records.binary_search(&trial.number).is_ok() { Look::Front } else { Look::Plain };
        let is_failed = trial.state == State::Failed;
        (value.is_some() || is_failed).then(|| Mark::new(&chart, trial, look, trial.number as f64, value))
    });
    let marks: Vec<Mark> = marks.collect();
    let has = |look: Look| marks.iter().any(|mark| mark.look == look);
    let entries = [
        (Look::Front, ("mark front", "#rung-0", "better than all before")),
        (Look::Plain, ("mark", "#rung-0", "another trial")),
        (Look::Below, ("mark below", "#below", "below what the chart shows")),
        (Look::Failed, ("mark failed", "#failed", "failed")),
    ];
    let mut entries: Vec<_> = entries.into_iter().filter(|(look, _)| has(*look)).map(|(_, entry)| entry).collect();
    entries.extend(mark::rungs(&marks));
    mark::draw(&mut chart, marks);
    if let Some(&(_, value)) = line.last() {
        let words = if is_rewarded { format!("{value:.4}") } else { words::accuracy(value / 100.0) };
        let y = chart.y.at(value) - 8.0;
        chart.words("name halo", (RIGHT, y), Anchor::End, &words);
    }
    Some((chart.finish(), mark::legend(&entries)))
}
