//! The best network beside others that were given, and beside those of the MnasNet paper.

use super::model::Model;
use super::{Baseline, Html, numbers, words};
use crate::paper;
use crate::parts::section;

/// Opens a table that scrolls by itself.
fn open(out: &mut Html, label: &str) {
    out.open("div", &[("class", "box plain"), ("tabindex", "0"), ("role", "region"), ("aria-label", label)]);
    out.raw("<table>");
}

/// The comparison, where there is something to compare with.
pub(super) fn draw(model: &Model) -> Html {
    let mut out = Html::new();
    if model.baselines.is_empty() {
        return out;
    }
    let bare = model.baselines.iter().filter(|it| it.figures.ms.is_none() && it.figures.accuracies.is_empty()).count();
    let mut note = match bare {
        0 => "Accuracy is the mean where several seeds were trained, with the least and the most.",
        bare if bare == model.baselines.len() => {
            "Counts only: neither the study nor a file of measurements has figures of these networks."
        }
        _ => "Of some there are counts only: neither the study nor a file of measurements has their figures.",
    }
    .to_owned();
    let is_timed_elsewhere = |it: &Baseline| !it.is_judged && it.trial.is_none() && it.figures.ms.is_some();
    if model.settings.stopwatch.is_some() && model.baselines.iter().any(is_timed_elsewhere) {
        note.push_str(" Latencies of trials are sums of their layers, those of measurements of whole networks.");
    }
    section(&mut out, "baselines", "Comparison", &note);
    open(&mut out, "Comparison with other networks, scrolls sideways");
    out.raw("<thead><tr><th>Network</th><th class=\"n\">Accuracy</th><th class=\"n\">Latency</th>");
    out.raw("<th class=\"n\">Parameters</th><th class=\"n\">MACs</th><th>Figures from</th></tr></thead>\n<tbody>\n");
    if let Some(best) = model.best() {
        let accuracy = best.accuracy.map_or(String::new(), words::accuracy);
        let latency = best.latency.as_ref().map_or(String::new(), words::latency);
        let name = format!("trial {}, the best", best.number);
        row(&mut out, "own", [&name, &accuracy, &latency], (best.parameters, best.macs), "the study");
    }
    for baseline in model.baselines {
        let accuracy = accuracies(&baseline.figures.accuracies);
        let latency = baseline.figures.ms.map_or(String::new(), words::ms);
        row(
            &mut out,
            "baseline-row",
            [&baseline.name, &accuracy, &latency],
            (baseline.parameters, baseline.macs),
            &source(baseline),
        );
    }
    out.raw("</tbody></table></div></section>\n");
    out
}

fn row(out: &mut Html, class: &str, cells: [&str; 3], counts: (u64, u64), source: &str) {
    out.open("tr", &[("class", class)]).leaf("td", &[], cells[0]);
    let counts = [numbers::grouped(counts.0), numbers::grouped(counts.1)];
    for cell in [cells[1], cells[2], &counts[0], &counts[1]] {
        out.leaf("td", &[("class", "n")], if cell.is_empty() { "–" } else { cell });
    }
    out.leaf("td", &[], source).raw("</tr>\n");
}

fn accuracies(all: &[f64]) -> String {
    match all {
        [] => String::new(),
        [one] => words::accuracy(*one),
        all => {
            let least = all.iter().copied().fold(1.0, f64::min);
            let most = all.iter().copied().fold(0.0, f64::max);
            format!(
                "{} ({} to {}, {} seeds)",
                words::accuracy(numbers::mean(all)),
                words::accuracy(least),
                words::accuracy(most),
                all.len()
            )
        }
    }
}

fn source(baseline: &Baseline) -> String {
    let is_bare = baseline.figures.ms.is_none() && baseline.figures.accuracies.is_empty();
    if baseline.is_judged {
        return "the study, trained and timed as its trials".to_owned();
    }
    match (baseline.trial, is_bare) {
        (_, true) => "its spec only".to_owned(),
        (Some(trial), false) if baseline.figures.how.is_empty() => format!("trial {trial}"),
        (Some(trial), false) => format!("a measurement of trial {trial} ({})", baseline.figures.how),
        (None, false) if baseline.figures.how.is_empty() => "a measurement".to_owned(),
        (None, false) => format!("a measurement ({})", baseline.figures.how),
    }
}

/// The paper's tables, folded, beside what is counted from the shipped specs and what was measured here.
pub(super) fn paper(model: &Model) -> Html {
    let mut out = Html::new();
    // They are tested to be readable.
    let Ok(tables) = paper::tables() else { return out };
    section(&mut out, "paper", "The tables of the MnasNet paper", "");
    out.raw("<details class=\"more\"><summary>Published figures beside counts from the shipped specs</summary>\n");
    out.raw("<p class=\"muted note\">Tan et al., CVPR 2019. Latency is that of a Pixel 1, one big core, batch 1. Figures with ");
    out.raw(
        "a question mark are from memory, unproven; all others were seen in the paper or in another primary source. ",
    );
    out.raw("Counted figures are of the specs that come with mnasc.</p>\n");
    for table in &tables {
        out.leaf("h3", &[], table.title);
        open(&mut out, &format!("{}, scrolls sideways", table.title));
        let has_counts = table.rows.iter().any(|row| row.counted.is_some());
        let measured = |row: &paper::Row| row.spec.as_ref().and_then(|spec| model.measured.get(spec)?.ms);
        let has_measured = table.rows.iter().any(|row| measured(row).is_some());
        out.raw("<thead><tr><th>Network</th>");
        for column in &table.columns {
            out.leaf("th", &[("class", "n")], column.title());
        }
        if has_counts {
            out.raw("<th class=\"n\">Parameters, counted</th><th class=\"n\">MACs, counted</th>");
        }
        if has_measured {
            out.raw("<th class=\"n\">Measured here</th>");
        }
        out.raw("</tr></thead>\n<tbody>\n");
        for row in &table.rows {
            out.raw("<tr>").leaf("td", &[], &row.model);
            for figure in &row.figures {
                match figure {
                    None => out.leaf("td", &[("class", "n")], ""),
                    Some(it) if it.is_proven => out.leaf("td", &[("class", "n")], &it.text),
                    Some(it) => {
                        let title = [("class", "n unproven"), ("title", "from memory, unproven")];
                        out.leaf("td", &title, &format!("{} ?", it.text))
                    }
                };
            }
            if has_counts {
                let counts = row.counted.map(|(parameters, macs)| [parameters, macs].map(numbers::grouped));
                for count in counts.unwrap_or_default() {
                    out.leaf("td", &[("class", "n")], &count);
                }
            }
            if has_measured {
                out.leaf("td", &[("class", "n")], &measured(row).map_or(String::new(), words::ms));
            }
            out.raw("</tr>\n");
        }
        out.raw("</tbody></table></div>\n");
    }
    out.raw("</details></section>\n");
    out
}
