//! A study on a page: `mnasc report`.

mod latencies;
mod mark;
mod model;
mod networks;
mod progress;
mod top;
mod trade_off;
mod words;

use super::html::Html;
use super::parts::{boxed, px};
use super::{Page, numbers};
use mnas_codegen::compile::VERSION;
use mnas_search::study::{Settings, Trial};
use model::{Cost, Model};

/// What is known of a study.
pub(crate) struct Shown<'a> {
    /// Its file's name.
    pub(crate) name: &'a str,
    pub(crate) settings: &'a Settings,
    /// The exponent that was fitted, if one was.
    pub(crate) exponent: Option<f64>,
    pub(crate) trials: &'a [Trial],
}

/// The page.
pub(crate) fn render(shown: &Shown) -> String {
    let model = Model::new(shown.name, shown.settings, shown.exponent, shown.trials);
    let mut body = mark::shapes();
    body.open("header", &[("class", "wide")]).push(&top::draw(&model)).close("header");
    body.raw("<main class=\"wide\">\n<div class=\"panels\">\n");
    panels(&mut body, &model);
    body.raw("</div>\n");
    let networks = networks::draw(&model);
    let table = networks::table(&model);
    if !model.ranked.is_empty() {
        super::parts::section(
            &mut body,
            "best",
            "The best networks",
            "From input to output: a map's height is its resolution, its width its channels. Arcs are skips, dashed where they pool; a bar at the foot is squeeze-excite.",
        );
        body.push(&networks).push(&table).raw("</section>\n");
    }
    body.raw("</main>\n");
    body.push(&mark::tips(&model));
    let made = format!("mnasc {VERSION}, {} of {}", words::count(model.trials.len(), "trial", "trials"), model.name);
    body.open("footer", &[("class", "wide muted")]).text(&made).close("footer");
    let title = format!("{} - mnas search", model.name);
    let description = format!("The search {}: {}", model.name, words::count(model.trials.len(), "trial", "trials"));
    let style = concat!(include_str!("../network/network.css"), include_str!("study.css"));
    Page { title: &title, description: &description, style, script: include_str!("study.js"), body }.render()
}

/// Charts, two beside each other where there is room.
fn panels(body: &mut Html, model: &Model) {
    if let Some((chart, legend)) = trade_off::draw(model) {
        let against = match model.cost {
            Cost::Latency => "latency",
            Cost::Macs | Cost::Unknown => "multiply-accumulates",
        };
        let mut note = match model.cost {
            Cost::Latency => String::new(),
            Cost::Macs | Cost::Unknown => "No latency was measured; work stands in for it. ".to_owned(),
        };
        if model.cost == Cost::Latency && model.reward.is_some_and(|it| it.needs_latency()) {
            note.push_str("The reward is the same along each dotted line; the solid one is the best's. ");
        }
        if model.left_out > 0 {
            note.push_str(&format!(
                "{} of {} are drawn. ",
                numbers::grouped(model.shown.len() as u64),
                numbers::grouped((model.shown.len() + model.left_out) as u64)
            ));
        }
        note.push_str("Point at a mark for its network.");
        panel(body, "front", &format!("Accuracy against {against}"), &note, &chart, Some(&legend));
    }
    if let Some((chart, legend)) = progress::draw(model) {
        let note = "Each trial as it was judged; the line is the best so far.";
        panel(body, "progress", "Best so far", note, &chart, Some(&legend));
    }
    if let Some((chart, accuracy)) = latencies::objective(model) {
        let note = format!(
            "What a network of {} is worth at each latency: under MnasNet's hard and soft exponents, and in this study.",
            words::accuracy(accuracy)
        );
        panel(body, "objective", "The objective", &note, &chart, None);
    }
    if let Some(chart) = latencies::histogram(model) {
        let within = latencies::within(model)
            .map_or(String::new(), |part| format!(" {} of all trials are within T.", numbers::percent(part)));
        let note = format!("What the search asked for, repeats included; blue is its second half.{within}");
        panel(body, "latencies", "Sampled latencies", &note, &chart, None);
    }
}

fn panel(body: &mut Html, id: &'static str, heading: &str, note: &str, chart: &Html, legend: Option<&Html>) {
    super::parts::section(body, id, heading, note);
    boxed(body, heading, chart);
    if let Some(legend) = legend {
        body.push(legend);
    }
    body.raw("</section>\n");
}
