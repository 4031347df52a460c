//! The head of the page: what was found, and how it was searched.

use super::model::{Cost, Model};
use super::{Html, numbers, words};
use crate::parts::tile;
use mnas_dsl::Space;
use mnas_search::findings::{Estimate, Machine, Ranking, RungNoise};
use mnas_search::study::{Halving, Trial};

pub(super) fn draw(model: &Model) -> Html {
    let mut out = Html::new();
    if let Some(ranking) = &model.findings.ranking {
        let class = if ranking.separates() { "verdict" } else { "verdict warn" };
        out.leaf("p", &[("class", class)], &verdict(ranking)).raw("\n");
        if let Some(words) = noise_above(ranking, model.findings.noise.as_ref(), model.settings.halving) {
            out.leaf("p", &[("class", "verdict")], &words).raw("\n");
        }
    }
    if !model.is_meaningful() {
        let words =
            "Latencies come from a machine that is emulated or forced to another instruction set: they mean nothing.";
        out.leaf("p", &[("class", "verdict warn")], words).raw("\n");
    }
    out.leaf("h1", &[], model.name).leaf("p", &[("class", "lead")], &lead(model)).raw("\n");
    out.raw("<dl class=\"tiles\">\n");
    let trials = model.trials.len();
    // Of equal networks and of those that were trained longer only the first counts.
    let networks = model.trials.iter().filter(|trial| trial.same_as.is_none() && trial.of.is_none()).count();
    let mut beside = vec![words::count(networks, "network", "networks")];
    match model.failed() {
        0 => {}
        failed => beside.push(format!("{failed} failed")),
    }
    tile(&mut out, "Trials", &numbers::grouped(trials as u64), &beside.join(", "));
    if let Some(best) = model.best() {
        figures(&mut out, model, best);
    }
    if !model.front.is_empty() {
        let against = match model.cost {
            Cost::Latency => "accuracy against latency",
            Cost::Macs | Cost::Unknown => "accuracy against MACs",
        };
        tile(&mut out, "On the front", &numbers::grouped(model.front.len() as u64), against);
    }
    out.raw("</dl>\n<dl class=\"settings\">\n");
    for (name, value) in settings(model) {
        // What is long has a row of its own.
        out.raw(if value.len() > 110 { "<div class=\"long\">" } else { "<div>" });
        out.leaf("dt", &[], name).leaf("dd", &[], &value).raw("</div>\n");
    }
    out.raw("</dl>\n");
    out
}

/// Whether accuracy tells these networks apart: the first line of the page.
fn verdict(ranking: &Ranking) -> String {
    let tau = format!("Kendall's tau between two seeds is {}{}", words::signed(ranking.tau), words::interval(ranking));
    let after =
        ranking.epochs.map_or(String::new(), |it| format!(" after {}", words::count(it as usize, "epoch", "epochs")));
    let noise = 100.0 * ranking.seed_difference;
    if !ranking.is_enough() {
        return format!(
            "{} are too few to tell whether accuracy ranks them{after}: {tau}. Those within noise ({noise:.2} points) are ranked by latency.",
            words::count(ranking.networks.len(), "network", "networks")
        );
    }
    if ranking.separates() {
        return format!("Accuracy ranks these networks{after}: {tau}.");
    }
    let add = ranking.epochs_to_add.map(|epochs| words::count(epochs as usize, "epoch more", "epochs more"));
    let more = match (add, ranking.estimate) {
        (Some(add), Estimate::Curves) => format!(" {add} may separate them, if learning goes on as it did."),
        (Some(add), _) => format!(" Try {add}: no curve says how many separate them."),
        (None, _) => String::new(),
    };
    format!(
        "Accuracy does not separate these networks{after}: {tau}. Those within noise ({noise:.2} points) are ranked by latency.{more}"
    )
}

/// The noise on the rungs above the lowest, where the ranking was checked; `None` without such rungs.
fn noise_above(ranking: &Ranking, noise: Option<&RungNoise>, halving: Option<Halving>) -> Option<String> {
    halving.filter(|halving| halving.rungs > 1)?;
    let lowest = 100.0 * ranking.seed_difference;
    let Some((rung, points)) = noise.and_then(|it| Some((it.rung, 100.0 * it.noise()?))) else {
        return Some(format!(
            "That noise is of the lowest rung; on higher ones, where too few networks were trained twice, it is taken for as large ({lowest:.2} points), which is too much."
        ));
    };
    let count = noise.map_or(0, |it| it.networks.len());
    let after = noise.and_then(|it| it.epochs).map_or(String::new(), |epochs| format!(", after {epochs} epochs,"));
    Some(format!(
        "That noise is of the lowest rung. On rung {rung}{after} two seeds of {count} networks differ by {points:.2} points: networks within that are ranked by latency there."
    ))
}

/// What was found, in a sentence.
fn lead(model: &Model) -> String {
    let Some(best) = model.best() else {
        return match model.trials.len() {
            0 => "No trial has finished yet.".to_owned(),
            trials => format!("{}, and none has a reward yet.", words::count(trials, "trial", "trials")),
        };
    };
    let mut text = format!("The best is trial {}", best.number);
    if let Some(accuracy) = best.accuracy {
        text.push_str(&format!(": {} accurate", words::accuracy(accuracy)));
    }
    if let Some(latency) = &best.latency {
        text.push_str(&format!(" in {}", words::ms(latency.ms)));
        if let Some(target) = model.settings.target() {
            let part = latency.ms / target.ms;
            text.push_str(&match part {
                p if p > 1.005 => format!(", {:.0} % over T", 100.0 * (p - 1.0)),
                p if p < 0.995 => format!(", {:.0} % under T", 100.0 * (1.0 - p)),
                _ => ", at T".to_owned(),
            });
        }
    }
    text.push('.');
    text
}

fn figures(out: &mut Html, model: &Model, best: &Trial) {
    if let Some(reward) = best.reward {
        tile(out, "Reward", &format!("{reward:.4}"), &format!("trial {}", best.number));
    }
    if let Some(accuracy) = best.accuracy {
        let most = model.trials.iter().filter_map(|trial| trial.accuracy).fold(0.0, f64::max);
        let beside = format!("most: {}", words::accuracy(most));
        tile(out, "Accuracy", &words::accuracy(accuracy), &beside);
    }
    if let Some(latency) = &best.latency {
        let beside = match model.settings.target() {
            _ if !model.is_meaningful() => "without meaning".to_owned(),
            Some(target) => format!("T is {}", words::round_ms(target.ms)),
            None => format!("of trial {}", best.number),
        };
        tile(out, "Latency", &words::ms(latency.ms), &beside);
    } else if best.macs > 0 {
        tile(out, "Multiply-accumulates", &numbers::short(best.macs), &numbers::grouped(best.macs));
    }
}

/// How it was searched: names and values.
fn settings(model: &Model) -> Vec<(&'static str, String)> {
    let settings = model.settings;
    let mut list = Vec::new();
    let size: f64 = settings.sizes.iter().map(|&size| size as f64).product();
    let choices = words::count(settings.sizes.len(), "choice", "choices");
    let name = match Space::parse(&settings.space, "space") {
        Ok(space) => space.member(&vec![0; settings.sizes.len()]).map_or(String::new(), |(spec, _)| spec.name.value),
        Err(_) => String::new(),
    };
    let name = if name.is_empty() { name } else { format!("{name}: ") };
    list.push(("Space", format!("{name}{choices}, {} combinations", power(size))));
    list.push(("Searched by", format!("{}, seed {}", settings.method, settings.seed)));
    list.push(("Reward", settings.reward_in_words(model.trials)));
    list.push(("Accuracy by", flat(&settings.evaluator, settings.budget.epochs.is_some())));
    if let Some(epochs) = settings.budget.epochs {
        list.push(("Epochs", epochs_of(epochs, settings.halving)));
    }
    if model.cost == Cost::Latency {
        let by = settings.stopwatch.as_deref().unwrap_or("the same");
        let unstable = model.trials.iter().filter(|trial| trial.latency.is_some_and(|it| !it.is_stable)).count();
        let note = match unstable {
            0 => String::new(),
            unstable => format!("; {} did not settle", words::count(unstable, "figure", "figures")),
        };
        list.push(("Latency by", format!("{by}{note}")));
    }
    if let Some(machine) = &model.findings.machine {
        let threads = words::count(machine.threads as usize, "thread", "threads");
        let runner = machine.runner.as_ref().map_or(String::new(), |runner| format!(", run by {runner}"));
        let Machine { cpu, isa, compiler, load, .. } = machine;
        list.push(("Machine", format!("{cpu}, {isa}, {threads}, {compiler}, load {load:.1}{runner}")));
    }
    list
}

/// How long trials are trained, on each rung.
fn epochs_of(epochs: u32, halving: Option<Halving>) -> String {
    let mut text = words::count(epochs as usize, "epoch", "epochs");
    if let Some(Halving { rungs, eta, bracket }) = halving {
        for rung in 1..rungs {
            let of = if rung == 1 { format!("each {bracket} trials") } else { "those".to_owned() };
            let longer = u64::from(epochs).saturating_mul(u64::from(eta).saturating_pow(rung));
            text.push_str(&format!(", the best 1 in {eta} of {of} {longer}"));
        }
    }
    text
}

/// A name without the braces of what it was set to: `train {"epochs": 20}` as `train, epochs 20`; `epochs` are left out
/// where trials have their own.
fn flat(name: &str, has_epochs: bool) -> String {
    fn leaves(value: &serde_json::Value, key: &str, out: &mut Vec<String>) {
        match value {
            serde_json::Value::Object(map) => map.iter().for_each(|(inner, value)| match (inner.as_str(), key) {
                ("name", "") => leaves(value, inner, out),
                ("name", outer) => leaves(value, outer, out),
                (inner, _) => leaves(value, inner, out),
            }),
            serde_json::Value::Null | serde_json::Value::Bool(false) => {}
            serde_json::Value::Bool(true) => out.push(key.replace('_', " ")),
            serde_json::Value::String(text) => out.push(format!("{} {text}", key.replace('_', " "))),
            other => out.push(format!("{} {other}", key.replace('_', " "))),
        }
    }
    let Some((first, json)) = name.split_once(" {") else { return name.to_owned() };
    let Ok(value) = serde_json::from_str(&format!("{{{json}")) else { return name.to_owned() };
    let mut all = vec![first.to_owned()];
    leaves(&value, "", &mut all);
    all.retain(|leaf| !(has_epochs && leaf.starts_with("epochs ")));
    all.join(", ")
}

/// `4.2e9` as people write it, and small numbers whole.
fn power(value: f64) -> String {
    if value < 1e6 {
        return numbers::grouped(value as u64);
    }
    let exponent = value.log10().floor();
    format!("{:.1} × 10{}", value / 10_f64.powf(exponent), raised(exponent as u64))
}

fn raised(number: u64) -> String {
    const DIGITS: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    number.to_string().bytes().map(|digit| DIGITS[usize::from(digit - b'0') % 10]).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn evaluators_are_shown_without_braces() {
        let name = "train {\"data\":\"digits\",\"recipe\":{\"epochs\":20,\"optimizer\":{\"name\":\"sgd\",\"momentum\":0.9},\"weight_decay\":0.1,\"flip\":false,\"dropout\":null}}";
        let all = "train, data digits, epochs 20, momentum 0.9, optimizer sgd, weight decay 0.1";
        assert_eq!(super::flat(name, false), all);
        assert_eq!(super::flat(name, true), all.replace("epochs 20, ", ""));
        for name in ["synthetic", "command sh x { y", "command a {\"b\": 1"] {
            assert_eq!(super::flat(name, true), name);
        }
    }

    #[test]
    fn rungs_have_epochs_of_their_own() {
        assert_eq!(super::epochs_of(1, None), "1 epoch");
        let halving = super::Halving { rungs: 3, eta: 3, bracket: 27 };
        assert_eq!(
            super::epochs_of(2, Some(halving)),
            "2 epochs, the best 1 in 3 of each 27 trials 6, the best 1 in 3 of those 18"
        );
    }

    #[test]
    fn large_numbers_are_powers() {
        assert_eq!([24.0, 24_576.0, 3.4e39].map(super::power), ["24", "24,576", "3.4 × 10³⁹"]);
    }
}
