//! Two figures of each network against each other: accuracies of two seeds, latencies that were predicted and measured.

use super::model::Model;
use super::{Html, numbers, px, words};
use crate::axis::Axis;
use crate::chart::{BOTTOM, Chart, LEFT, RIGHT, TOP};
use mnas_search::findings::{Prediction, Ranking};
use mnas_search::job::Latency;

/// A network.
struct Pair {
    x: f64,
    y: f64,
    /// Half of the width of what is known of `x`.
    error: Option<(f64, f64)>,
    tip: String,
}

/// The accuracies of two seeds.
pub(super) fn ranking(ranking: &Ranking) -> Option<Html> {
    let networks = ranking.networks.iter().filter(|network| network.accuracies.len() >= 2);
    let pairs: Vec<Pair> = networks
        .map(|network| {
            let (a, b) = (network.accuracies[0], network.accuracies[1]);
            let tip = format!(
                "{} and {}\nof two seeds\n{}",
                words::accuracy(a),
                words::accuracy(b),
                words::spec_blocks(&network.spec, &network.choices).join("\n")
            );
            Pair { x: 100.0 * a, y: 100.0 * b, error: None, tip }
        })
        .collect();
    let noise = 100.0 * ranking.seed_difference;
    let mut chart =
        frame("seeds", "Accuracies of two seeds", &pairs, ("accuracy of one seed, %", "accuracy of another seed, %"))?;
    let band = |by: f64| move |x: f64| x + by;
    lines(&mut chart, band(0.0), [band(-noise), band(noise)]);
    draw(&mut chart, &pairs);
    Some(chart.finish())
}

/// What a ranking means, in a sentence or two.
pub(super) fn ranking_note(ranking: &Ranking) -> String {
    format!(
        "{} with two seeds each. Where accuracy ranks them the marks rise; within the dotted lines is the noise between seeds ({:.2} points). Kendall's tau is {}{}.",
        words::count(ranking.networks.len(), "network", "networks"),
        100.0 * ranking.seed_difference,
        words::signed(ranking.tau),
        words::interval(ranking),
    )
}

/// Latencies of whole networks, and the sums of their layers'.
pub(super) fn prediction(model: &Model, prediction: &Prediction) -> Option<Html> {
    let unit = model.unit();
    let is_good = |it: &Latency| it.ms > 0.0 && it.ms.is_finite();
    let pairs = prediction.pairs.iter().filter(|pair| is_good(&pair.predicted) && is_good(&pair.measured));
    let pairs: Vec<Pair> = pairs
        .map(|pair| {
            let tip = format!(
                "{} measured\n{} predicted, {} % off\n{}",
                words::latency(&pair.measured),
                words::ms(pair.predicted.ms),
                words::signed_percent(pair.predicted.ms / pair.measured.ms - 1.0),
                words::spec_blocks(&pair.spec, &[]).join("\n")
            );
            let error = (unit.of(pair.measured.low), unit.of(pair.measured.high));
            Pair { x: unit.of(pair.measured.ms), y: unit.of(pair.predicted.ms), error: Some(error), tip }
        })
        .collect();
    let titles = (format!("measured {}", model.latency_title()), format!("predicted {}", model.latency_title()));
    let mut chart = frame("prediction", "Predicted against measured latency", &pairs, (&titles.0, &titles.1))?;
    // The oldest supported Rust does not make functions of two closures by itself.
    let ten_percent: [fn(f64) -> f64; 2] = [|x| 0.9 * x, |x| 1.1 * x];
    lines(&mut chart, |x| x, ten_percent);
    draw(&mut chart, &pairs);
    Some(chart.finish())
}

/// What a prediction was worth, in a sentence.
pub(super) fn prediction_note(prediction: &Prediction) -> String {
    let count = prediction.pairs.len();
    let near = (prediction.within_10_percent * count as f64).round();
    format!(
        "{} measured whole, against the sum of their layers. {near} of {count} ({}) are within 10 %, between the dotted lines; Kendall's tau is {}.",
        words::count(count, "network was", "networks were"),
        numbers::percent(prediction.within_10_percent),
        words::signed(prediction.tau),
    )
}

/// Both axes have the same range, so that equals are on the diagonal.
fn frame(name: &str, label: &str, pairs: &[Pair], titles: (&str, &str)) -> Option<Chart> {
    if pairs.is_empty() {
        return None;
    }
    let values = || pairs.iter().flat_map(|pair| [pair.x, pair.y]);
    let x = Axis::around(values(), (LEFT + 4.0, RIGHT - 4.0));
    let y = Axis::around(values(), (BOTTOM - 4.0, TOP + 4.0));
    Some(Chart::new(name, label, (x, titles.0), (y, titles.1)))
}

fn lines<L: Fn(f64) -> f64>(chart: &mut Chart, middle: impl Fn(f64) -> f64, band: [L; 2]) {
    let xs = chart.x.samples(60);
    let line = |of: &dyn Fn(f64) -> f64| -> Vec<(f64, f64)> { xs.iter().map(|&x| (x, of(x))).collect() };
    chart.line("same", &line(&middle));
    for edge in &band {
        chart.line("band", &line(edge));
    }
}

fn draw(chart: &mut Chart, pairs: &[Pair]) {
    let mut order: Vec<&Pair> = pairs.iter().collect();
    order.sort_by(|a, b| a.x.total_cmp(&b.x).then(a.y.total_cmp(&b.y)));
    for pair in order {
        let (x, y) = chart.at(pair.x, pair.y);
        let (x, y) = (px(x), px(y));
        chart.svg.open("g", &[("class", "pair"), ("data-stop", ""), ("role", "img")]).leaf("title", &[], &pair.tip);
        if let Some((low, high)) = pair.error.filter(|(low, high)| low < high) {
            let (low, high) = (px(chart.x.at(low)), px(chart.x.at(high)));
            chart.svg.shape("line", &[("class", "error"), ("x1", &low), ("x2", &high), ("y1", &y), ("y2", &y)]);
        }
        chart.svg.shape("circle", &[("cx", &x), ("cy", &y), ("r", "4.5")]);
        chart.svg.close("g");
    }
}
