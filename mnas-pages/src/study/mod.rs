//! A study on a page: `mnasc report`.

mod baselines;
mod epochs;
mod latencies;
mod mark;
mod model;
mod networks;
mod pairs;
mod progress;
mod top;
mod trade_off;
mod words;

use super::html::Html;
use super::parts::{boxed, px};
use super::{Page, numbers};
use mnas_codegen::compile::VERSION;
use mnas_search::findings::{Machine, Prediction, Ranking, RungNoise};
use mnas_search::reward::Reward;
use mnas_search::study::{Settings, Trial};
use model::{Cost, Model};
use std::collections::BTreeMap;

/// What is known of a study.
pub struct Shown<'a> {
    /// Its file's name.
    pub name: &'a str,
    /// The settings of the search.
    pub settings: &'a Settings,
    /// Once its exponent is known.
    pub reward: Option<Reward>,
    /// Its trials.
    pub trials: &'a [Trial],
    /// What was measured of the whole study.
    pub findings: &'a Findings,
    /// Networks to compare with.
    pub baselines: &'a [Baseline],
    /// By the names of networks.
    pub measured: &'a BTreeMap<String, Measured>,
    /// Searches of the same space, whose sampled latencies are shown beside its own.
    pub beside: &'a [Beside],
}

/// Another search of the same space.
#[derive(Clone, Debug)]
pub struct Beside {
    /// Its file's name.
    pub name: String,
    /// The settings of the search.
    pub settings: Settings,
    /// Once its exponent is known.
    pub reward: Option<Reward>,
    /// Its trials.
    pub trials: Vec<Trial>,
}

/// A network to compare with.
#[derive(Clone, Debug, PartialEq)]
pub struct Baseline {
    /// Its name.
    pub name: String,
    /// The number of its parameters.
    pub parameters: u64,
    /// Multiply-accumulates of one inference.
    pub macs: u64,
    /// Of the study, or of a file.
    pub figures: Measured,
    /// The trial that is of this network.
    pub trial: Option<u64>,
    /// Whether the search judged it as its trials.
    pub is_judged: bool,
}

/// What somebody measured of a network.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Measured {
    /// Latency of one inference in milliseconds.
    pub ms: Option<f64>,
    /// Parts of 1, one for each seed.
    pub accuracies: Vec<f64>,
    /// Instruction set and threads.
    pub how: String,
}

/// What was found out about the whole of it, where it was.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// How well short trainings rank networks.
    pub ranking: Option<Ranking>,
    /// How far accuracies of equal networks differ.
    pub noise: Option<RungNoise>,
    /// How well the sum of layers predicts latency.
    pub prediction: Option<Prediction>,
    /// The machine that latency was measured on.
    pub machine: Option<Machine>,
}

/// The page.
pub fn render(shown: &Shown) -> String {
    let model = Model::new(shown);
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
    body.push(&baselines::draw(&model)).push(&baselines::paper(&model));
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
            "What an accuracy of {} is worth at each latency: under MnasNet's hard and soft exponents, and in this study.",
            words::accuracy(accuracy)
        );
        panel(body, "objective", "The objective", &note, &chart, None);
    }
    for latencies::Histogram { id, heading, note, chart } in latencies::histograms(model) {
        panel(body, &id, &heading, &note, &chart, None);
    }
    if let Some(ranking) = &model.findings.ranking
        && let Some(chart) = pairs::ranking(ranking)
    {
        panel(body, "seeds", "Does accuracy rank these networks?", &pairs::ranking_note(ranking), &chart, None);
    }
    if let Some(prediction) = &model.findings.prediction
        && let Some(chart) = pairs::prediction(model, prediction)
    {
        let note = pairs::prediction_note(prediction);
        panel(body, "prediction", "Predicted and measured latency", &note, &chart, None);
    }
    if let Some(chart) = epochs::draw(model) {
        let note = "Of the best networks; the best of all is orange.";
        panel(body, "epochs", "Accuracy after each epoch", note, &chart, None);
    }
}

fn panel(body: &mut Html, id: &str, heading: &str, note: &str, chart: &Html, legend: Option<&Html>) {
    super::parts::section(body, id, heading, note);
    boxed(body, heading, chart);
    if let Some(legend) = legend {
        body.push(legend);
    }
    body.raw("</section>\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const SPEC: &str = "name: digits\ninput: 8x8x1\nstem: {op: conv, kernel: 3, stride: 1, filters: 12}\nblocks:\n  - {op: sepconv, kernel: 3, filters: 20, layers: 2, se: 0.25}\n  - {op: mbconv, expand: 6, kernel: 5, stride: 2, filters: 28, layers: 2, se: 0.25, skip: none}\n  - {op: mbconv, expand: 3, kernel: 3, filters: 40, skip: none}\nhead: {filters: 64, dropout: 0.1, classes: 10}\n";

    /// A study of `count` different networks, and its page.
    fn page(count: u64) -> (Vec<Trial>, String) {
        let settings = json!({
            "space": "", "sizes": [3, 3], "method": "random", "seed": 1, "evaluator": "synthetic", "stopwatch": null,
            "reward": {"weighted": {"target": {"ms": 0.3}, "alpha": -0.07, "beta": -0.07}}, "exponent": "given",
            "budget": {"epochs": 3},
        });
        let settings: Settings = serde_json::from_value(settings).unwrap();
        let trial = |number: u64| {
            // Spread without chance.
            let part = |by: u64| (number * by % 9973) as f64 / 9973.0;
            let (ms, accuracy) = (0.1 + 0.6 * part(4001), 0.9 + 0.05 * part(7919));
            json!({
                "number": number, "state": "done", "choices": [0, 1], "spec": SPEC, "parameters": 20_000 + number,
                "macs": 400_000, "seed": 1, "same_as": null, "rejected": 0, "accuracy": accuracy, "epochs": [0.5, accuracy],
                "latency": {"ms": ms, "low": 0.99 * ms, "high": 1.01 * ms, "is_stable": !number.is_multiple_of(3)},
                "reward": accuracy * (ms / 0.3).powf(-0.07), "message": null,
            })
        };
        let trials: Vec<Trial> = (0..count).map(|number| serde_json::from_value(trial(number)).unwrap()).collect();
        let shown = Shown {
            name: "many",
            settings: &settings,
            reward: Some(settings.reward),
            trials: &trials,
            findings: &Findings::default(),
            baselines: &[],
            measured: &BTreeMap::new(),
            beside: &[],
        };
        let page = render(&shown);
        (trials, page)
    }

    #[test]
    fn thousands_of_trials_are_a_page_that_is_not_large() {
        let (trials, page) = page(9000);
        assert!(page.len() < 3 << 20, "{} bytes", page.len());
        assert!(page.contains("2,500 of 9,000 are drawn"));
        assert_eq!(page.matches("data-t=\"").count(), 2 * 2500);
        assert_eq!(page.matches("<li value=").count(), 2500);
        // Whatever is left out, nothing that is drawn is better than all of it.
        let best = trials.iter().max_by(|a, b| a.reward.partial_cmp(&b.reward).unwrap()).unwrap();
        assert_eq!(page.matches(&format!("data-t=\"{}\"", best.number)).count(), 2);
        assert!(page.contains("its latency did not settle"));
    }

    #[test]
    fn few_are_all_drawn() {
        let (_, page) = page(2500);
        assert_eq!(page.matches("data-t=\"").count(), 2 * 2500);
        assert!(!page.contains("are drawn"));
    }
}
