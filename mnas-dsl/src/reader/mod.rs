//! The tree to a [`Spec`]: one walk that collects every mistake.

mod block;
pub(crate) mod block_string;
pub(crate) mod fields;
mod head;
mod preprocess;
mod scale;
mod squeeze_excite;

use crate::diagnostics::Report;
use crate::keywords::{ACTIVATIONS, PADDINGS};
use crate::limits;
use crate::network::Shape;
use crate::reader::fields::{Fields, number, one_of, text, wrong_type};
use crate::source::At;
use crate::spec::{Block, Spec};
use crate::tree::{Kind, Node, shorten};

/// Keys at the top of a spec.
pub(crate) const KEYS: [&str; 12] = [
    "name",
    "input",
    "preprocess",
    "labels",
    "batch_norm",
    "padding",
    "activation",
    "squeeze_excite",
    "stem",
    "blocks",
    "head",
    "scale",
];

/// Reads a spec. With mistakes in the report there may still be one, with stand-ins, so that its shapes
/// can be checked too; such a spec is never handed out.
pub(crate) fn read(root: &Node, report: &mut Report) -> Option<Spec> {
    let fields = Fields::new(root, "a spec", &KEYS, report)?;
    let name = fields
        .require("name", "my_net", report)
        .and_then(|node| name(node, report))
        .unwrap_or(At::new("unnamed".to_owned(), fields.span()));
    let input = fields.require("input", "224x224x3", report).and_then(|node| shape(node, report));
    let channels = input.map(|input| input.value.channels);
    let preprocess =
        fields.get("preprocess").and_then(|node| preprocess::read(node, input.map(|input| input.value), report));
    let labels = fields.get("labels").and_then(|node| labels(node, report));
    let batch_norm_eps = fields.get("batch_norm").and_then(|node| batch_norm(node, report));
    let padding = fields.get("padding").and_then(|node| one_of(node, "padding", PADDINGS, report));
    let activation = fields.get("activation").and_then(|node| one_of(node, "activation", ACTIVATIONS, report));
    let squeeze_excite = fields.get("squeeze_excite").and_then(|node| squeeze_excite::read(node, report));
    let stem = fields
        .require("stem", "{op: conv, kernel: 3, stride: 2, filters: 32}", report)
        .and_then(|node| block::read(node, true, report));
    let blocks = fields
        .require("blocks", "[{op: sepconv, kernel: 3, filters: 16}]", report)
        .and_then(|node| blocks(node, report));
    let head = fields
        .require("head", "{filters: 1280, classes: 1000}` or `head: none", report)
        .and_then(|node| head::read(node, report));
    let scale = fields.get("scale").map(|node| scale::read(node, report));
    // A width that could not be read makes every shape a guess.
    let scale = match scale {
        Some(None) => return None,
        scale => scale.flatten(),
    };
    channels?;
    Some(Spec {
        name,
        input: input?,
        preprocess,
        labels,
        batch_norm_eps,
        padding,
        activation,
        squeeze_excite,
        stem: stem?,
        blocks: blocks?,
        head: head?,
        scale,
        source: report.source.clone(),
    })
}

fn blocks(node: &Node, report: &mut Report) -> Option<Vec<Block>> {
    let Kind::List(list) = &node.kind else {
        wrong_type(node, "a list of blocks", "begin each block with `- `, or put them between `[` and `]`", report);
        return None;
    };
    if list.is_empty() {
        report.error(node.span, "a network has at least one block", |d| {
            d.label("no block").hint("add one, such as `- {op: sepconv, kernel: 3, filters: 16}`");
        });
        return None;
    }
    // All are read, so that each one's mistakes are found, before one without a kind stops the walk.
    let blocks: Vec<_> = list.iter().map(|node| block::read(node, false, report)).collect();
    blocks.into_iter().collect()
}

/// The keywords of Rust 2024, the reserved ones too.
const KEYWORDS: [&str; 53] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn", "else",
    "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod",
    "move", "mut", "override", "priv", "pub", "ref", "return", "self", "Self", "static", "struct", "super", "trait",
    "true", "try", "type", "typeof", "union", "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

fn name(node: &Node, report: &mut Report) -> Option<At<String>> {
    let name = text(node, "the name", report)?;
    let mistake = if KEYWORDS.contains(&name) {
        "is a keyword of Rust"
    } else if name.contains(['/', '\\', ':', '.']) {
        "is a path, not a name"
    } else if name.chars().count() > 64 {
        "has more than 64 letters"
    } else if !name.starts_with(|c: char| c.is_ascii_lowercase())
        || !name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        || name.ends_with('_')
        || name.contains("__")
    {
        "is not a snake_case name"
    } else {
        return Some(At::new(name.to_owned(), node.span));
    };
    report.error(node.span, format!("`{}` {mistake}", shorten(name)), |d| {
        d.label("names a Rust module and its files")
            .hint("lower-case letters, digits and single underscores, a letter first, such as `mnasnet_a1`");
    });
    None
}

/// `224x224x3`, height x width x channels.
fn shape(node: &Node, report: &mut Report) -> Option<At<Shape>> {
    let Kind::Text(text) = &node.kind else {
        wrong_type(node, "the shape of an image", "write height x width x channels, such as 224x224x3", report);
        return None;
    };
    let sizes: Vec<Option<usize>> = text
        .split('x')
        .map(|part| {
            let part = part.trim();
            part.bytes().all(|b| b.is_ascii_digit()).then(|| part.parse().unwrap_or(usize::MAX))
        })
        .collect();
    let [Some(height), Some(width), Some(channels)] = sizes[..] else {
        report.error(node.span, format!("`{}` is not the shape of an image", shorten(text)), |d| {
            d.label("not a shape").hint("write height x width x channels, such as 224x224x3");
        });
        return None;
    };
    let mut fits = true;
    for (what, size, range) in [
        ("height", height, limits::SIDE),
        ("width", width, limits::SIDE),
        ("number of channels", channels, limits::CHANNELS),
    ] {
        if !range.contains(&size) {
            fits = false;
            let written = if size == usize::MAX { "too large a number".to_owned() } else { size.to_string() };
            report.error(node.span, format!("the input's {what} is {written}"), |d| {
                d.label("out of range").hint(format!("it is from {} to {}", range.start(), range.end()));
            });
        }
    }
    fits.then(|| At::new(Shape { height, width, channels }, node.span))
}

fn labels(node: &Node, report: &mut Report) -> Option<At<String>> {
    let path = text(node, "the labels", report)?;
    let goes_up = path.split(['/', '\\']).any(|part| part == "..");
    let is_absolute = path.starts_with(['/', '\\']) || path.get(1..2) == Some(":");
    if path.is_empty() || goes_up || is_absolute || path.chars().any(char::is_control) {
        report.error(node.span, "labels are `imagenet` or a file beside the spec", |d| {
            d.label("no relative path")
                .hint("write a path that starts at the spec's folder and does not leave it, such as `labels.txt`");
        });
        return None;
    }
    Some(At::new(path.to_owned(), node.span))
}

fn batch_norm(node: &Node, report: &mut Report) -> Option<At<f64>> {
    let fields = Fields::new(node, "batch_norm", &["eps"], report)?;
    let eps = fields.require("eps", "1e-3", report)?;
    number(eps, "the batch-norm epsilon", "above 0 and at most 1", |it| it > 0.0 && it <= 1.0, report)
}
