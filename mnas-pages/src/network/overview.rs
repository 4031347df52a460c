//! The network as a row of feature maps: their height is that of the map, their width grows with the channels.

use super::kind::kernel_class;
use super::model::{Layer, Model, Stage};
use super::{Html, px, shape};
use mnas_dsl::network::{Shape, Skip};

/// Room above for skips.
const TOP: f64 = 24.0;
/// Largest height of a map.
const BODY: f64 = 156.0;
/// Where the words below start.
const WORDS: f64 = TOP + BODY + 22.0;
const HEIGHT: f64 = WORDS + 42.0;
/// Between layers and between stages.
const GAPS: (f64, f64) = (5.0, 12.0);
/// Words below have this much room at least.
const STAGE: f64 = 80.0;
/// About the width of a letter of a name.
const LETTER: f64 = 7.6;

/// What a stage of the picture is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stages {
    /// A link to its row on the same page.
    Links,
    /// Words beside it.
    Plain,
}

pub(super) fn draw(model: &Model, stages: Stages) -> Html {
    let input = model.network.input;
    let side = input.height.max(input.width).max(1) as f64;
    let width = |layer: &Layer| map_width(layer.output);
    let inner = |stage: &Stage| {
        stage.layers.iter().map(width).sum::<f64>() + GAPS.0 * stage.layers.len().saturating_sub(1) as f64
    };
    let outer = |stage: &Stage| inner(stage).max(STAGE).max(8.0 + LETTER * name(stage).chars().count() as f64);
    let total = STAGE + model.stages.iter().map(|stage| outer(stage) + GAPS.1).sum::<f64>();
    let mut svg = Html::new();
    // A little smaller than drawn, if that avoids scrolling, and not much larger.
    let style = format!("min-width:{:.0}px;max-width:{:.0}px", total * 0.86, total * 1.2);
    let view = format!("0 0 {total:.0} {HEIGHT:.0}");
    let label = "The network from its input to its output";
    let mut attributes = vec![("viewBox", &*view), ("style", &style), ("role", "group"), ("aria-label", label)];
    // Links are stops of the tab key of their own.
    attributes.extend((stages == Stages::Plain).then_some(("data-roving", "")));
    svg.open("svg", &attributes);
    let axis = TOP + BODY / 2.0;
    svg.shape(
        "line",
        &[
            ("class", "flow"),
            ("x1", &px(STAGE / 2.0)),
            ("y1", &px(axis)),
            ("x2", &px(total - STAGE / 2.0)),
            ("y2", &px(axis)),
        ],
    );
    let mut x = 0.0;
    svg.open("g", &[("class", "input")]);
    map(&mut svg, "map", STAGE / 2.0 - map_width(input) / 2.0, input, side);
    words(&mut svg, STAGE / 2.0, ["input", "", &shape(input)]);
    svg.close("g");
    x += STAGE + GAPS.1;
    for stage in &model.stages {
        let (inner, outer) = (inner(stage), outer(stage));
        let mut at = x + (outer - inner) / 2.0;
        let target = format!("#{}", stage.name);
        match stages {
            Stages::Links => svg.open("a", &[("href", &target), ("data-of", &stage.name)]),
            Stages::Plain => svg.open("g", &[("class", "stage-of"), ("data-stop", ""), ("role", "img")]),
        };
        svg.leaf("title", &[], &format!("{}\n{}", stage.name, stage.source));
        svg.shape(
            "rect",
            &[
                ("class", "hit"),
                ("x", &px(x)),
                ("y", "2"),
                ("width", &px(outer)),
                ("height", &px(HEIGHT - 4.0)),
                ("rx", "6"),
            ],
        );
        for layer in &stage.layers {
            draw_layer(&mut svg, layer, at, side);
            at += width(layer) + GAPS.0;
        }
        let middle = x + outer / 2.0;
        if let (Some(first), Some(last)) = (stage.layers.first(), stage.layers.last()) {
            words(&mut svg, middle, [name(stage), &below(first, stage.layers.len()), &shape(last.output)]);
        }
        svg.close(match stages {
            Stages::Links => "a",
            Stages::Plain => "g",
        });
        x += outer + GAPS.1;
    }
    svg.close("svg");
    svg
}

fn name(stage: &Stage) -> &str {
    stage.layers.first().map_or("", |layer| &layer.look.label)
}

fn draw_layer(svg: &mut Html, layer: &Layer, x: f64, side: f64) {
    let class = format!("{} {}", layer.look.hue.class(), kernel_class(layer.kernel_size));
    svg.open("g", &[("class", &class)]);
    let tip = format!("{}\n{} to {}", layer.name, shape(layer.input), shape(layer.output));
    svg.leaf("title", &[], &tip);
    let (width, height) = (map_width(layer.output), map_height(layer.output, side));
    let y = TOP + (BODY - height) / 2.0;
    map(svg, "map", x, layer.output, side);
    if layer.squeeze_excite.is_some() {
        let bar = [px(x), px(y + height - 5.0), px(width)];
        svg.shape(
            "rect",
            &[("class", "se"), ("x", &bar[0]), ("y", &bar[1]), ("width", &bar[2]), ("height", "5"), ("rx", "1.5")],
        );
    }
    let class = match layer.skip {
        Skip::None => None,
        Skip::Identity | Skip::Projection => Some("skip"),
        Skip::Pool => Some("skip pool"),
    };
    if let Some(class) = class {
        // From before the map over it to behind it.
        let (from, to, top) = (x - GAPS.0 / 2.0, x + width + GAPS.0 / 2.0, y - 14.0);
        let axis = TOP + BODY / 2.0;
        let path = format!(
            "M{from:.1} {axis:.1}V{:.1}Q{from:.1} {top:.1} {:.1} {top:.1}H{:.1}Q{to:.1} {top:.1} {to:.1} {:.1}V{axis:.1}",
            top + 6.0,
            from + 6.0,
            to - 6.0,
            top + 6.0
        );
        svg.shape("path", &[("class", class), ("d", &path)]);
    }
    svg.close("g");
}

fn map(svg: &mut Html, class: &str, x: f64, of: Shape, side: f64) {
    let height = map_height(of, side);
    svg.shape(
        "rect",
        &[
            ("class", class),
            ("x", &px(x)),
            ("y", &px(TOP + (BODY - height) / 2.0)),
            ("width", &px(map_width(of))),
            ("height", &px(height)),
            ("rx", "2.5"),
        ],
    );
}

fn words(svg: &mut Html, x: f64, lines: [&str; 3]) {
    let classes = ["name", "muted", "muted"];
    for (index, (line, class)) in lines.into_iter().zip(classes).enumerate() {
        let y = WORDS + 15.0 * index as f64;
        svg.leaf("text", &[("class", class), ("x", &px(x)), ("y", &px(y)), ("text-anchor", "middle")], line).raw("\n");
    }
}

/// `5x5, x3`: what sets a stage apart from others of its kind.
fn below(layer: &Layer, layers: usize) -> String {
    let mut parts = Vec::new();
    if layer.kernel_size > 1 {
        parts.push(format!("{0}×{0}", layer.kernel_size));
    }
    if layer.squeeze_excite.is_some() {
        parts.push("SE".to_owned());
    }
    if layers > 1 {
        parts.push(format!("×{layers}"));
    }
    parts.join(" · ")
}

fn map_width(of: Shape) -> f64 {
    (8.0 + 1.7 * (of.channels as f64).sqrt()).min(64.0)
}

/// Square roots: the last maps would be too small to see.
fn map_height(of: Shape, side: f64) -> f64 {
    let part = of.height.max(of.width) as f64 / side;
    12.0 + (BODY - 12.0) * part.sqrt().min(1.0)
}
