//! How the best networks learnt.

use super::model::Model;
use super::{Html, px, words};
use crate::axis::Axis;
use crate::chart::{Anchor, BOTTOM, Chart, LEFT, RIGHT, TOP};
use mnas_search::study::Trial;

/// Lines that an eye follows.
const LINES: usize = 8;

/// Between names at the ends of lines.
const APART: f64 = 20.0;

/// Accuracy after each epoch of the best that have one.
pub(super) fn draw(model: &Model) -> Option<Html> {
    let trials = model.ranked.iter().map(|&at| &model.trials[at]);
    let trials: Vec<&Trial> = trials.filter(|trial| trial.epochs.len() > 1).take(LINES).collect();
    let last = trials.iter().map(|trial| trial.epochs.len()).max()?;
    let x = Axis::linear((1.0, last as f64), (LEFT + 4.0, RIGHT - 86.0)).whole();
    let all = || trials.iter().flat_map(|trial| &trial.epochs).map(|&it| 100.0 * it);
    // The end of the lines is what matters: the least of it, and twice as much below.
    let ends = trials.iter().filter_map(|trial| trial.epochs.last()).map(|&it| 100.0 * it);
    let (least, most) = (ends.fold(100.0, f64::min), all().fold(0.0, f64::max));
    let low = all().fold(100.0, f64::min).max(most - 4.0 * (most - least).max(1.0));
    let y = Axis::linear((low, most), (BOTTOM - 4.0, TOP + 6.0));
    let mut chart = Chart::new("epochs", "Accuracy after each epoch", (x, "epoch"), (y, "accuracy, %"));
    let mut ends: Vec<(f64, f64, u64, bool)> = Vec::new();
    // The best is drawn last, over the others.
    for (place, trial) in trials.iter().enumerate().rev() {
        let points = trial.epochs.iter().zip(1..).map(|(&it, epoch)| (f64::from(epoch), 100.0 * it));
        let points: Vec<(f64, f64)> = points.collect();
        let number = trial.number.to_string();
        let title = format!("Trial {number}\n{}", trial.accuracy.map_or(String::new(), words::accuracy));
        chart.svg.open("g", &[("class", "learnt"), ("data-of", &number), ("data-stop", ""), ("role", "img")]);
        chart.svg.leaf("title", &[], &title);
        chart.line(if place == 0 { "epoch-line best" } else { "epoch-line" }, &points);
        chart.svg.close("g");
        if let Some(&(x, y)) = points.last() {
            let (x, y) = chart.at(x, y);
            ends.push((x, y, trial.number, place == 0));
        }
    }
    ends.sort_by(|a, b| a.1.total_cmp(&b.1));
    // Names keep apart, around where their lines end.
    let mut places: Vec<f64> = ends.iter().map(|end| end.1).collect();
    for at in 1..places.len() {
        places[at] = places[at].max(places[at - 1] + APART);
    }
    let over = places.last().map_or(0.0, |last| (last - (BOTTOM - 2.0)).max(0.0));
    for at in (0..places.len()).rev() {
        let most = places.get(at + 1).map_or(f64::INFINITY, |next| next - APART);
        places[at] = (places[at] - over).max(ends[at].1.min(places[at])).min(most.max(TOP)).min(BOTTOM - 2.0);
    }
    for ((x, y, number, is_best), place) in ends.into_iter().zip(places) {
        let (from, to) = (px(x + 2.0), px(RIGHT - 68.0));
        let line = [("x1", &*from), ("y1", &*px(y)), ("x2", &*to), ("y2", &*px(place))];
        chart.svg.shape("line", &[&[("class", "leader")], &line[..]].concat());
        let class = if is_best { "name best-name" } else { "muted" };
        chart.words(class, (RIGHT - 64.0, place + 4.5), Anchor::Start, &format!("trial {number}"));
    }
    Some(chart.finish())
}
