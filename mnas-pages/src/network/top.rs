//! The head of the page: the name, the totals, what the colours mean.

use super::kind::kernel_class;
use super::model::{Layer, Model};
use super::parts::tile;
use super::{Html, numbers, shape};

pub(super) fn draw(model: &Model) -> Html {
    let (network, plan) = (model.network, model.plan());
    let mut out = Html::new();
    let blocks = model.spec.blocks.len();
    let gives = match &network.head {
        Some(head) => format!("{} classes", numbers::grouped(head.classes as u64)),
        None => shape(network.features()),
    };
    let line = format!(
        "{} to {gives}; {blocks} block{} of {} layers",
        shape(network.input),
        if blocks == 1 { "" } else { "s" },
        network.layers.len() - 1
    );
    out.leaf("h1", &[], &network.name).leaf("p", &[("class", "muted")], &line);
    out.raw("\n<dl class=\"tiles\">\n");
    let summary = &model.summary;
    let exact = |value: u64| numbers::grouped(value);
    tile(&mut out, "Parameters", &numbers::short(summary.parameters), &exact(summary.parameters));
    tile(&mut out, "Multiply-accumulates", &numbers::short(summary.macs), &exact(summary.macs));
    let bytes = |value: u64| format!("{} bytes", exact(value));
    tile(&mut out, "Weights", &numbers::bytes(summary.weight_bytes), &bytes(summary.weight_bytes));
    let arena = plan.arena.len.bytes().0 as u64;
    tile(&mut out, "Arena", &numbers::bytes(arena), &bytes(arena));
    if let Some(profile) = model.profile {
        let threads = if profile.threads == 1 { "1 thread".to_owned() } else { format!("{} threads", profile.threads) };
        let beside = format!("{}, {threads}; {}× the roofline", profile.isa, numbers::digits(profile.times_roofline));
        tile(&mut out, "Measured", &numbers::time(profile.median_ms * 1e3), &beside);
    }
    out.raw("</dl>\n");
    out
}

/// What each colour stands for, in the order of the network.
pub(super) fn legend(model: &Model) -> Html {
    let mut entries: Vec<(String, usize, Vec<&str>)> = Vec::new();
    for Layer { look, kernel_size, .. } in model.stages.iter().flat_map(|stage| &stage.layers) {
        let class = format!("swatch {} {}", look.hue.class(), kernel_class(*kernel_size));
        let at = entries.iter().position(|entry| entry.0 == class && entry.1 == *kernel_size).unwrap_or_else(|| {
            entries.push((class, *kernel_size, Vec::new()));
            entries.len() - 1
        });
        let labels = &mut entries[at].2;
        if !labels.contains(&look.label.as_str()) {
            labels.push(&look.label);
        }
    }
    let mut out = Html::new();
    out.raw("<ul class=\"legend\">\n");
    for (class, kernel_size, labels) in &entries {
        let kernel = if *kernel_size > 1 { format!(" {kernel_size}×{kernel_size}") } else { String::new() };
        let words = format!("{}{kernel}", labels.join(", "));
        out.raw("<li>").leaf("span", &[("class", class)], "").text(&words).raw("</li>\n");
    }
    out.raw("</ul>\n");
    out
}
