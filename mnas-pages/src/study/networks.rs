//! What the best networks look like, and the figures of the next ones.

use super::model::Model;
use super::{Html, numbers, words};
use crate::network;
use crate::parts::boxed;
use mnas_codegen::compile::{Options, compile};
use mnas_search::study::Trial;

/// Number of networks that are drawn.
const DRAWN: usize = 3;

/// Number of networks that have a row.
const ROWS: usize = 20;

/// The best networks block by block; empty if candidates are not networks.
pub(super) fn draw(model: &Model) -> Html {
    let mut out = Html::new();
    // Small ones side by side: as many blocks as columns have room for at least (`.nets.small`), so that no classifier is cut.
    let is_small = model.ranked.iter().take(DRAWN).all(|&at| words::blocks(&model.trials[at]).len() <= 5);
    out.raw(if is_small { "<div class=\"nets small\">\n" } else { "<div class=\"nets\">\n" });
    for &at in model.ranked.iter().take(DRAWN) {
        let trial = &model.trials[at];
        let Ok((spec, network)) = mnas_dsl::load_yaml(&trial.spec, "spec") else { continue };
        // What a search has judged compiles; a study that was made elsewhere may hold what does not.
        let Ok(compiled) = compile(&spec, &network, None, &Options::default()) else { continue };
        out.open("figure", &[("class", "net"), ("data-network", &trial.number.to_string())]);
        out.raw("<figcaption>").leaf("b", &[], &format!("Trial {}", trial.number));
        out.leaf("span", &[("class", "muted")], &format!(" {}", figures(trial))).raw("</figcaption>\n");
        let label = format!("The network of trial {}, scrolls sideways", trial.number);
        boxed(&mut out, &label, &network::picture(&spec, &network, &compiled));
        out.close("figure");
    }
    out.close("div");
    out
}

fn figures(trial: &Trial) -> String {
    let accuracy = trial.accuracy.map(words::accuracy);
    let latency = trial.latency.as_ref().map(words::latency);
    let counts = format!("{} parameters, {} MACs", numbers::short(trial.parameters), numbers::short(trial.macs));
    let all: Vec<String> = accuracy.into_iter().chain(latency).chain([counts]).collect();
    all.join(" · ")
}

/// Figures of the best, a row each.
pub(super) fn table(model: &Model) -> Html {
    let mut out = Html::new();
    let rows: Vec<&Trial> = model.ranked.iter().take(ROWS).map(|&at| &model.trials[at]).collect();
    if rows.is_empty() {
        return out;
    }
    let has_latency = rows.iter().any(|trial| trial.latency.is_some());
    // Accuracies after fewer epochs do not compare with those after more.
    let has_epochs = rows.iter().any(|trial| trial.budget != rows[0].budget);
    let has_network = rows.iter().any(|trial| trial.macs > 0);
    out.raw("<details class=\"more\">").leaf("summary", &[], &format!("The {} best in figures", rows.len()));
    out.raw("<div class=\"box plain\" tabindex=\"0\" role=\"region\" aria-label=\"The best trials, scrolls sideways\"><table>");
    out.raw("<thead><tr><th class=\"n\">Trial</th><th class=\"n\">Reward</th><th class=\"n\">Accuracy</th>");
    if has_epochs {
        out.raw("<th class=\"n\">Epochs</th>");
    }
    if has_latency {
        out.raw("<th class=\"n\">Latency</th>");
    }
    if has_network {
        out.raw("<th class=\"n\">Parameters</th><th class=\"n\">MACs</th>");
    }
    out.raw("<th>Network</th></tr></thead>\n<tbody>\n");
    for trial in rows {
        out.raw("<tr>");
        let mut cell = |value: String| {
            out.leaf("td", &[("class", "n")], &value);
        };
        cell(trial.number.to_string());
        cell(trial.reward.map_or(String::new(), |reward| format!("{reward:.4}")));
        cell(trial.accuracy.map_or(String::new(), words::accuracy));
        if has_epochs {
            cell(trial.budget.epochs.map_or(String::new(), |epochs| epochs.to_string()));
        }
        if has_latency {
            cell(trial.latency.as_ref().map_or(String::new(), words::latency));
        }
        if has_network {
            cell(numbers::grouped(trial.parameters));
            cell(numbers::grouped(trial.macs));
        }
        out.raw("<td>").leaf("code", &[], &words::blocks(trial).join("; ")).raw("</td></tr>\n");
    }
    out.raw("</tbody></table></div></details>\n");
    out
}
