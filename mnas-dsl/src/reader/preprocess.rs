//! `preprocess`: how a picture becomes the input.

use crate::diagnostics::Report;
use crate::keywords::INTERPOLATIONS;
use crate::limits;
use crate::network::Shape;
use crate::reader::fields::{Fields, number, one_of, whole};
use crate::source::At;
use crate::spec::{PerChannel, PreprocessSpec};
use crate::tree::{Kind, Node};

pub(crate) const KEYS: [&str; 5] = ["mean", "std", "range", "resize", "interpolation"];

pub(super) fn read(node: &Node, input: Option<Shape>, report: &mut Report) -> Option<PreprocessSpec> {
    let fields = Fields::new(node, "preprocess", &KEYS, report)?;
    let channels = input.map(|input| input.channels);
    let mean = fields
        .get("mean")
        .and_then(|node| per_channel(node, "the mean", "from -1e6 to 1e6", |it| it.abs() <= 1e6, channels, report));
    let std = fields.get("std").and_then(|node| {
        per_channel(
            node,
            "the standard deviation",
            "above 0 and at most 1e6",
            |it| it > 1e-6 && it <= 1e6,
            channels,
            report,
        )
    });
    let range = fields
        .get("range")
        .and_then(|node| number(node, "the range", "above 0 and at most 1e6", |it| it > 1e-6 && it <= 1e6, report));
    let resize = fields.get("resize").and_then(|node| whole(node, "the resized side", limits::RESIZE, report));
    if let (Some(resize), Some(input)) = (resize, input) {
        let side = input.height.max(input.width);
        if resize.value < side {
            report.error(resize.span, format!("the resized side {} is below the input's {side}", resize.value), |d| {
                d.label("nothing to crop from").hint(format!("write {side} or more"));
            });
        }
    }
    let interpolation =
        fields.get("interpolation").and_then(|node| one_of(node, "interpolation", INTERPOLATIONS, report));
    Some(PreprocessSpec { mean, std, range, resize, interpolation })
}

fn per_channel(
    node: &Node,
    what: &str,
    bounds: &str,
    fits: impl Fn(f64) -> bool,
    channels: Option<usize>,
    report: &mut Report,
) -> Option<PerChannel> {
    let Kind::List(list) = &node.kind else {
        return number(node, what, bounds, fits, report).map(PerChannel::One);
    };
    let values: Vec<_> = list.iter().map(|node| number(node, what, bounds, &fits, report)).collect();
    if let Some(channels) = channels
        && list.len() != channels
    {
        report.error(node.span, format!("{what} has {} values, the input {channels} channels", list.len()), |d| {
            d.label("one value for each channel")
                .hint(format!("write {channels} values, or a single number for all channels"));
        });
        return None;
    }
    let values: Option<Vec<f64>> = values.into_iter().map(|at| at.map(|at| at.value)).collect();
    values.map(|values| PerChannel::Each(At::new(values, node.span)))
}
