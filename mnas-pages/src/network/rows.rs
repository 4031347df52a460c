//! One row for each block of the spec; behind it its layers, behind them their operators.

use super::kind::kernel_class;
use super::model::{Costs, Layer, Model, Runs, Stage};
use super::{Html, numbers, shape};
use mnas_dsl::network::Skip;

/// What bars are shares of, and how long the longest is.
struct Scale {
    parameters: (u64, u64),
    macs: (u64, u64),
    /// The arena's bytes, whatever is largest.
    arena: u64,
    us: Option<(f64, f64)>,
}

impl Scale {
    fn of(model: &Model) -> Self {
        let largest = |cost: fn(&Costs) -> u64| model.stages.iter().map(|stage| cost(&stage.costs)).max().unwrap_or(0);
        let times = model.stages.iter().filter_map(|stage| stage.costs.us);
        Scale {
            parameters: (model.summary.parameters, largest(|costs| costs.parameters)),
            macs: (model.summary.macs, largest(|costs| costs.macs)),
            arena: model.plan().arena.len.bytes().0 as u64,
            us: model.profile.map(|profile| (profile.us(), times.fold(0.0, f64::max))),
        }
    }
}

pub(super) fn draw(model: &Model) -> Html {
    let scale = Scale::of(model);
    let mut out = Html::new();
    let class = if scale.us.is_some() { "rows timed" } else { "rows" };
    out.raw("<p class=\"tools\"><button type=\"button\" id=\"expand\" aria-expanded=\"false\" hidden>");
    out.raw("Open all layers</button></p>\n");
    out.open("div", &[("class", class)]);
    out.raw("<div class=\"row heads muted\" aria-hidden=\"true\"><span>Block</span><span>Shape</span>");
    out.raw("<span>MACs</span><span>Parameters</span><span>Memory + scratch</span>");
    if scale.us.is_some() {
        out.raw("<span>Time</span>");
    }
    out.raw("</div>\n<ol>\n");
    for stage in &model.stages {
        draw_stage(&mut out, model, &scale, stage);
    }
    out.raw("</ol>\n</div>\n");
    out
}

fn draw_stage(out: &mut Html, model: &Model, scale: &Scale, stage: &Stage) {
    let (Some(first), Some(last)) = (stage.layers.first(), stage.layers.last()) else { return };
    let class = format!("stage {} {}", first.look.hue.class(), kernel_class(first.kernel_size));
    out.open("li", &[("class", &class), ("id", &stage.name), ("data-stage", &stage.name)]);
    out.raw("<details><summary class=\"row\">");
    figure(out, &first.look.label, &stage.layers);
    out.open("span", &[("class", "shape")]).text(&shape(first.input)).raw("<span class=\"muted\"> → </span>");
    out.text(&shape(last.output)).raw("</span>");
    costs(out, scale, &stage.costs, stage.layers.last().map(|layer| &layer.runs));
    out.raw("</summary>\n<div class=\"inside\">");
    out.raw("<p class=\"muted\">");
    if let Some(line) = stage.line {
        out.text(&format!("line {line}: "));
    }
    out.leaf("code", &[], &stage.source).raw("</p>\n<ol>\n");
    let only = stage.layers.len() == 1;
    for layer in &stage.layers {
        draw_layer(out, model, scale, layer, only);
    }
    out.raw("</ol></div></details></li>\n");
}

fn draw_layer(out: &mut Html, model: &Model, scale: &Scale, layer: &Layer, open: bool) {
    let class = format!("layer {} {}", layer.look.hue.class(), kernel_class(layer.kernel_size));
    // The stage has the name if it has a single layer.
    let id = format!("layer.{}", layer.name);
    out.open("li", &[("class", &class), ("id", &id), ("data-layer", &layer.name)]);
    out.raw(if open { "<details open>" } else { "<details>" }).raw("<summary class=\"row\">");
    figure(out, &layer.name, std::slice::from_ref(layer));
    out.open("span", &[("class", "shape")]).text(&shape(layer.input)).raw("<span class=\"muted\"> → </span>");
    out.text(&shape(layer.output)).raw("</span>");
    costs(out, scale, &layer.costs, Some(&layer.runs));
    out.raw("</summary>\n<div class=\"inside\">");
    facts(out, model, layer);
    operators(out, layer);
    out.raw("</div></details></li>\n");
}

/// The box of a block, as the figure of a paper has it.
fn figure(out: &mut Html, name: &str, layers: &[Layer]) {
    let [layer, ..] = layers else { return };
    out.raw("<span class=\"figure\">");
    kernel(out, layer.kernel_size);
    out.leaf("b", &[], name);
    if layer.kernel_size > 1 {
        out.leaf("span", &[], &format!("{0}×{0}", layer.kernel_size));
    }
    out.raw("<span class=\"badges\">");
    let mut badge = |words: &str, title: &str| {
        out.leaf("span", &[("class", "badge"), ("title", title)], words);
    };
    if layer.squeeze_excite.is_some() {
        badge("SE", "squeeze-excite");
    }
    if layer.stride > 1 {
        badge(&format!("/{}", layer.stride), &format!("stride {}, of its first layer", layer.stride));
    }
    let skips = layers.iter().filter(|layer| layer.skip != Skip::None).count();
    if let Some((words, title)) = layers.iter().find_map(|layer| skip(layer.skip)) {
        // A stage's first layer may project what the others add as it is.
        let several = format!("{skips} of {} layers add their input", layers.len());
        let title = if layers.len() > 1 { several } else { title.to_owned() };
        badge(words, &title);
    }
    if layers.len() > 1 {
        badge(&format!("×{}", layers.len()), &format!("{} layers", layers.len()));
    }
    out.raw("</span></span>");
}

fn skip(skip: Skip) -> Option<(&'static str, &'static str)> {
    match skip {
        Skip::None => None,
        Skip::Identity => Some(("+", "its input is added")),
        Skip::Pool => Some(("+pool", "its input is added, pooled")),
        Skip::Projection => Some(("+conv", "its input is added, projected")),
    }
}

/// The kernel's window as a grid of dots; beyond 7 it is as 7.
fn kernel(out: &mut Html, size: usize) {
    let side = size.clamp(1, 7);
    out.raw("<svg class=\"kernel\" viewBox=\"0 0 21 21\" width=\"21\" height=\"21\" aria-hidden=\"true\">");
    // Larger dots where there is room.
    let step = if side > 5 { 3.0 } else { 4.0 };
    let from = (21.0 - step * side as f64) / 2.0 + step / 2.0;
    let mut path = String::new();
    for row in 0..side {
        path.push_str(&format!("M{:.1} {:.1}", from, from + step * row as f64));
        path.push_str(&format!("h.01m{:.2} 0", step - 0.01).repeat(side));
    }
    out.open("path", &[("d", &path)]).raw("</path></svg>");
}

fn costs(out: &mut Html, scale: &Scale, costs: &Costs, runs: Option<&Runs>) {
    let part = |value: u64, of: u64| if of > 0 { value as f64 / of as f64 } else { 0.0 };
    metric(out, "MACs", &numbers::short(costs.macs), part(costs.macs, scale.macs.0), part(costs.macs, scale.macs.1));
    let parameters = costs.parameters;
    let (all, largest) = scale.parameters;
    metric(out, "Parameters", &numbers::short(parameters), part(parameters, all), part(parameters, largest));
    out.raw("<span class=\"metric memory\"><span class=\"label\">Memory + scratch</span>");
    if let (Some(Runs::Within(_)), 0) = (runs, costs.memory()) {
        out.raw("<span class=\"muted\">not stored</span></span>");
    } else {
        out.leaf("span", &[("class", "figureof")], &numbers::bytes(costs.output_bytes));
        if costs.scratch_bytes > 0 {
            out.leaf("span", &[("class", "muted")], &format!("+{}", numbers::bytes(costs.scratch_bytes)));
        }
        out.raw("<span class=\"bar\">");
        bar(out, "fill", part(costs.output_bytes, scale.arena));
        bar(out, "fill second", part(costs.scratch_bytes, scale.arena));
        out.raw("</span></span>");
    }
    if let Some((all, largest)) = scale.us {
        let part = |value: f64, of: f64| if of > 0.0 { value / of } else { 0.0 };
        match (costs.us, runs) {
            (Some(us), _) => metric(out, "Time", &numbers::time(us), part(us, all), part(us, largest)),
            (None, Some(Runs::Within(other))) => {
                out.raw("<span class=\"metric\"><span class=\"label\">Time</span>");
                out.leaf("span", &[("class", "muted")], &format!("in {other}")).raw("</span>");
            }
            (None, _) => {
                out.raw("<span class=\"metric\"></span>");
            }
        }
    }
}

fn metric(out: &mut Html, name: &str, value: &str, share: f64, length: f64) {
    out.raw("<span class=\"metric\">").leaf("span", &[("class", "label")], name);
    out.leaf("span", &[("class", "figureof")], value);
    out.leaf("span", &[("class", "muted")], &numbers::percent(share));
    out.raw("<span class=\"bar\">");
    bar(out, "fill", length);
    out.raw("</span></span>");
}

fn bar(out: &mut Html, class: &str, length: f64) {
    let width = format!("width:{:.2}%", length.clamp(0.0, 1.0) * 100.0);
    out.leaf("span", &[("class", class), ("style", &width)], "");
}

/// What has no column.
fn facts(out: &mut Html, model: &Model, layer: &Layer) {
    out.raw("<ul class=\"facts\">");
    let mut fact = |name: &str, words: &str| {
        out.raw("<li>").leaf("span", &[("class", "muted")], &format!("{name} ")).text(words).raw("</li>");
    };
    let costs = &layer.costs;
    fact("multiply-accumulates", &numbers::grouped(costs.macs));
    fact("parameters", &numbers::grouped(costs.parameters));
    fact("weights", &numbers::bytes(costs.weight_bytes));
    if let Some(channels) = layer.squeeze_excite {
        fact("squeeze-excite through", &format!("{channels} channels"));
    }
    if let Some((_, words)) = skip(layer.skip) {
        fact("skip:", words);
    }
    match &layer.runs {
        Runs::Within(other) => fact("runs within", &format!("{other}: its result is never stored whole")),
        Runs::Steps { steps, with } => {
            if !with.is_empty() {
                fact("computes also", &format!("{}: bytes and time are of both", with.join(", ")));
            }
            for &step in steps {
                if let Some((isa, reason)) = model.reason(step) {
                    fact(&format!("{isa}:"), reason);
                }
                if let Some(time) = model.profile.and_then(|profile| profile.steps.get(step)) {
                    let (us, least) = (numbers::time(time.us), numbers::percent(time.of_bound));
                    fact("measured", &format!("{us}; the least time, limited by {}, is {least} of it", time.limit));
                }
            }
        }
    }
    out.raw("</ul>\n");
}

fn operators(out: &mut Html, layer: &Layer) {
    out.raw(
        "<div class=\"box plain\" tabindex=\"0\" role=\"region\" aria-label=\"Operators, scrolls sideways\"><table>",
    );
    out.raw("<thead><tr><th>Operator</th><th></th><th class=\"n\">Output</th><th class=\"n\">MACs</th>");
    out.raw("<th class=\"n\">Parameters</th></tr></thead>\n<tbody>\n");
    for row in &layer.operators {
        let name = row.name.strip_prefix(&layer.name).map_or(row.name.as_str(), |rest| rest.trim_start_matches('/'));
        let name = if name.is_empty() { &row.name } else { name };
        out.raw("<tr>").leaf("td", &[], name).leaf("td", &[], &row.op);
        for number in [shape(row.output), numbers::grouped(row.macs), numbers::grouped(row.parameters)] {
            out.leaf("td", &[("class", "n")], &number);
        }
        out.raw("</tr>\n");
    }
    out.raw("</tbody></table></div>\n");
}
