//! The arena: steps from left to right, bytes upwards, a rectangle for each buffer.

use super::kind::Hue;
use super::model::Model;
use super::{Html, numbers, px};
use mnas_codegen::plan::{Buffer, Plan};

const LEFT: f64 = 76.0;
const TOP: f64 = 34.0;
const HEIGHT: f64 = 300.0;
const RIGHT: f64 = 40.0;
/// Of a step.
const COLUMN: f64 = 48.0;
/// Of all steps, at least.
const WIDTH: f64 = 640.0;
/// About the width of a small letter.
const LETTER: f64 = 6.2;

pub(super) fn draw(model: &Model) -> Html {
    let plan = model.plan();
    let steps = plan.steps.len().max(1);
    let column = COLUMN.max(WIDTH / steps as f64);
    let (width, total) = (column * steps as f64, plan.arena.len.0.max(1));
    let up = |floats: usize| TOP + HEIGHT - HEIGHT * floats as f64 / total as f64;
    let mut svg = Html::new();
    let outer = LEFT + width + RIGHT;
    // Names of steps stand aslant below.
    let names = plan.steps.iter().map(|step| short(&step.name).chars().count()).max().unwrap_or(0);
    let foot = 30.0 + 0.65 * LETTER * names as f64;
    svg.open(
        "svg",
        &[
            ("viewBox", &format!("0 0 {outer:.0} {:.0}", TOP + HEIGHT + foot)),
            ("style", &format!("min-width:{outer:.0}px;max-width:{:.0}px", outer * 1.2)),
            ("role", "group"),
            ("aria-label", "Buffers of the arena over the steps"),
            ("data-roving", ""),
        ],
    );
    axis(&mut svg, total, width, up);
    for (index, step) in plan.steps.iter().enumerate() {
        let x = LEFT + column * (index as f64 + 0.5);
        let turn = format!("translate({x:.1} {:.1}) rotate(-40)", TOP + HEIGHT + 16.0);
        let words = short(&step.name);
        svg.leaf("text", &[("class", "muted"), ("transform", &turn), ("text-anchor", "end")], &words).raw("\n");
    }
    let peak = peak(plan);
    for (index, buffer) in plan.arena.buffers.iter().enumerate() {
        let (class, made) = what(model, index);
        let (x, y) = (LEFT + column * buffer.first as f64, up((buffer.offset + buffer.len).0));
        let (w, h) = (column * (buffer.last + 1 - buffer.first) as f64, up(buffer.offset.0) - y);
        svg.open("g", &[("class", &class), ("data-buffer", &buffer.name), ("data-stop", ""), ("role", "img")]);
        svg.leaf("title", &[], &tip(plan, buffer, made));
        // A gap of a pixel between neighbours, and nothing so thin that it is not seen.
        let (inner_w, inner_h) = (px(w - 1.0), px((h - 1.0).max(1.0)));
        svg.shape(
            "rect",
            &[
                ("class", "map"),
                ("x", &px(x + 0.5)),
                ("y", &px(y + 0.5)),
                ("width", &inner_w),
                ("height", &inner_h),
                ("rx", "2"),
            ],
        );
        let short = short(&buffer.name);
        if h > 16.0 && w > LETTER * short.chars().count() as f64 + 10.0 {
            svg.leaf("text", &[("class", "name"), ("x", &px(x + 6.0)), ("y", &px(y + 14.0))], &short);
        }
        svg.close("g");
    }
    let (y, x) = (px(TOP), LEFT + column * (peak as f64 + 0.5));
    svg.shape("line", &[("class", "peak"), ("x1", &px(LEFT)), ("x2", &px(LEFT + width)), ("y1", &y), ("y2", &y)]);
    svg.shape("path", &[("class", "peak-mark"), ("d", &format!("M{x:.1} {TOP:.1}l-5 -8h10z"))]);
    let words =
        format!("peak {} at {}", numbers::bytes(bytes(total)), plan.steps.get(peak).map_or("", |step| &step.name));
    // To the side that has room.
    let (x, anchor) = if peak * 2 < steps { (x + 10.0, "start") } else { (x - 10.0, "end") };
    svg.leaf("text", &[("class", "name"), ("x", &px(x)), ("y", &px(TOP - 7.0)), ("text-anchor", anchor)], &words);
    svg.close("svg");
    svg
}

/// All buffers in words.
pub(super) fn table(model: &Model) -> Html {
    let plan = model.plan();
    let mut out = Html::new();
    let count = plan.arena.buffers.len();
    out.raw("<details class=\"more\">").leaf("summary", &[], &format!("All {count} buffers"));
    out.raw("<div class=\"box plain\" tabindex=\"0\" role=\"region\" aria-label=\"Buffers, scrolls sideways\"><table>");
    out.raw("<thead><tr><th>Buffer</th><th class=\"n\">Bytes</th><th class=\"n\">Offset</th><th>From</th><th>To</th></tr></thead>\n<tbody>\n");
    let step = |index: usize| plan.steps.get(index).map_or("", |step| step.name.as_str());
    for buffer in &plan.arena.buffers {
        out.raw("<tr>").leaf("td", &[], &buffer.name);
        for number in [buffer.len.0, buffer.offset.0] {
            out.leaf("td", &[("class", "n")], &numbers::grouped(bytes(number)));
        }
        out.leaf("td", &[], step(buffer.first)).leaf("td", &[], step(buffer.last)).raw("</tr>\n");
    }
    out.raw("</tbody></table></div></details>\n");
    out
}

/// The first of the steps during which most is in use: where the arena's size comes from.
fn peak(plan: &Plan) -> usize {
    let mut used = vec![0_usize; plan.steps.len() + 1];
    for buffer in &plan.arena.buffers {
        for used in used.iter_mut().take(buffer.last + 1).skip(buffer.first) {
            *used += buffer.len.0;
        }
    }
    let most = used.iter().copied().max().unwrap_or(0);
    used.iter().position(|&used| used == most).unwrap_or(0)
}

/// Class and meaning of a buffer.
fn what(model: &Model, index: usize) -> (String, &'static str) {
    let plan = model.plan();
    if plan.steps.iter().any(|step| step.scratch == Some(index)) {
        return ("buffer scratch".to_owned(), "scratch of a step");
    }
    let layer = plan.steps.iter().find(|step| step.output == index).and_then(|step| model.layer_of(step));
    match layer {
        Some(layer) => (format!("buffer {}", layer.look.hue.class()), "a layer's result"),
        None if index == plan.image => (format!("buffer {}", Hue::Slate.class()), "the image, if it was converted"),
        None => (format!("buffer {}", Hue::Slate.class()), "the image, made ready"),
    }
}

fn tip(plan: &Plan, buffer: &Buffer, what: &str) -> String {
    let step = |index: usize| plan.steps.get(index).map_or("", |step| step.name.as_str());
    let when = match buffer.first == buffer.last {
        true => format!("during {}", step(buffer.first)),
        false => format!("from {} to {}", step(buffer.first), step(buffer.last)),
    };
    let (size, offset) = (numbers::bytes(bytes(buffer.len.0)), numbers::bytes(bytes(buffer.offset.0)));
    format!("{}\n{what}\n{size} at {offset}\n{when}", buffer.name)
}

/// Lines at round numbers of bytes.
fn axis(svg: &mut Html, total: usize, width: f64, up: impl Fn(usize) -> f64) {
    // Between three and six lines.
    let mut step = 16_usize;
    while step * 6 < total {
        step *= 2;
    }
    for floats in (0..=total).step_by(step) {
        let y = up(floats);
        svg.shape(
            "line",
            &[("class", "grid"), ("x1", &px(LEFT)), ("x2", &px(LEFT + width)), ("y1", &px(y)), ("y2", &px(y))],
        );
        let words = if floats == 0 { "0".to_owned() } else { numbers::bytes(bytes(floats)) };
        svg.leaf(
            "text",
            &[("class", "muted"), ("x", &px(LEFT - 8.0)), ("y", &px(y + 4.0)), ("text-anchor", "end")],
            &words,
        )
        .raw("\n");
    }
}

/// Names without what most of them begin with.
fn short(name: &str) -> String {
    name.replace("blocks.", "")
}

fn bytes(floats: usize) -> u64 {
    (floats * size_of::<f32>()) as u64
}
