//! The head of the page: the name, the totals, what the colours mean.

use super::kind::{Look, kernel_class};
use super::model::{Layer, Model};
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
    let arena = (plan.arena.len * size_of::<f32>()) as u64;
    tile(&mut out, "Arena", &numbers::bytes(arena), &bytes(arena));
    if let Some(profile) = model.profile {
        let threads = if profile.threads == 1 { "1 thread".to_owned() } else { format!("{} threads", profile.threads) };
        let beside = format!("{}, {threads}; {}× the roofline", profile.isa, numbers::digits(profile.times_roofline));
        tile(&mut out, "Measured", &numbers::time(profile.median_ms * 1e3), &beside);
    }
    out.raw("</dl>\n");
    out
}

fn tile(out: &mut Html, name: &str, value: &str, beside: &str) {
    out.raw("<div>").leaf("dt", &[], name).leaf("dd", &[("class", "value")], value);
    out.leaf("dd", &[("class", "muted")], beside).raw("</div>\n");
}

/// Kinds and kernels that the network has, in its order.
pub(super) fn legend(model: &Model) -> Html {
    let mut out = Html::new();
    out.raw("<ul class=\"legend\">\n");
    let mut seen: Vec<(&Look, usize)> = Vec::new();
    for Layer { look, kernel_size, .. } in model.stages.iter().flat_map(|stage| &stage.layers) {
        if seen.contains(&(look, *kernel_size)) {
            continue;
        }
        seen.push((look, *kernel_size));
        let kernel = if *kernel_size > 1 { format!(" {kernel_size}×{kernel_size}") } else { String::new() };
        let class = format!("swatch {} {}", look.hue.class(), kernel_class(*kernel_size));
        out.raw("<li>").leaf("span", &[("class", &class)], "").text(&format!("{}{kernel}", look.label)).raw("</li>\n");
    }
    out.raw("</ul>\n");
    out
}
