//! A roofline as a picture: operations a byte against operations a second, both logarithmic.
//!
//! It is text for any viewer: no fonts of its own, no script, and colours that follow the viewer's, light or dark.

use super::axes::{Axes, number};
use super::labels::{self, Labelled, Line, Point, Rect};
use super::picture::{Dot, Picture};
use super::sheet::{AREA, HEIGHT, WIDTH, escaped, line, text};
use mnas_measure::roofline::Limit;
use std::fmt::Write as _;

/// Widths of sans-serif letters differ from font to font: about this much of their size, digits and capitals too.
const LETTER: f64 = 0.56;
/// Size of labels.
const SMALL: f64 = 12.0;

const STYLE: &str = "\
text { font: 12px system-ui, -apple-system, 'Segoe UI', 'Helvetica Neue', Arial, sans-serif; fill: #1f2328 }
.title { font-size: 18px; font-weight: 600 }
.muted { fill: #59636e }
.paper { fill: #ffffff }
.grid { stroke: #e6e9ed; stroke-width: 1 }
.frame { fill: none; stroke: #8c959f; stroke-width: 1 }
.roof { fill: none; stroke: #59636e; stroke-width: 1.5 }
.peak { stroke-width: 2.5 }
.bound { stroke-width: 1.5; stroke-opacity: 0.55 }
.leader { stroke: #8c959f; stroke-width: 0.75 }
.halo { paint-order: stroke; stroke: #ffffff; stroke-width: 4px; stroke-linejoin: round }
.compute { fill: #0969da; stroke: #0969da }
.memory { fill: #c4511a; stroke: #c4511a }
.dot { fill-opacity: 0.8; stroke-width: 1 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .muted { fill: #9198a1 }
  .paper { fill: #0d1117 }
  .grid { stroke: #21262d }
  .frame, .leader { stroke: #656c76 }
  .roof { stroke: #9198a1 }
  .halo { stroke: #0d1117 }
  .compute { fill: #58a6ff; stroke: #58a6ff }
  .memory { fill: #f0883e; stroke: #f0883e }
}
";

/// Draws it.
pub fn draw(picture: &Picture) -> String {
    let axes = Axes::of(picture);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" \
         height=\"{HEIGHT}\" role=\"img\">\n<title>{}: {}</title>\n<style>\n{STYLE}</style>\n\
         <rect class=\"paper\" width=\"{WIDTH}\" height=\"{HEIGHT}\"/>\n",
        escaped(&picture.title),
        escaped(&picture.subtitle)
    );
    let x = AREA.left;
    text(&mut out, Point { x, y: 34.0 }, "start", "title", &picture.title);
    text(&mut out, Point { x, y: 56.0 }, "start", "muted", &picture.subtitle);
    legend(&mut out, &picture.note);
    axes.draw(&mut out);
    let placed: Vec<Placed> = picture.dots.iter().map(|dot| Placed::of(dot, &axes)).collect();
    let (lines, taken) = roofs(&mut out, &axes, picture, &placed);
    dots(&mut out, &placed, &lines, &taken);
    out.push_str("</svg>\n");
    out
}

/// The peak and what slopes up to it; their lines, and where their names stand.
fn roofs(out: &mut String, axes: &Axes, picture: &Picture, dots: &[Placed]) -> (Vec<Line>, Vec<Rect>) {
    let (flops, low, right) = (picture.flops, 10_f64.powf(axes.x.0), 10_f64.powf(axes.x.1));
    let floor = 10_f64.powf(axes.y.0);
    let (mut lines, mut taken) = (Vec::new(), Vec::new());
    for roof in &picture.roofs {
        let start = (floor / roof.bandwidth).max(low);
        let ends = (axes.point(start, start * roof.bandwidth), axes.point(flops / roof.bandwidth, flops));
        line(out, "roof", ends);
        lines.push(ends);
        let (dx, dy) = (ends.1.x - ends.0.x, ends.1.y - ends.0.y);
        let words = format!("{} {} GB/s", roof.name, number(roof.bandwidth / 1e9));
        let (width, length) = (letters(&words), dx.hypot(dy));
        let along = |at: f64| Point { x: ends.0.x + dx * at / length, y: ends.0.y + dy * at / length };
        // The words lie above the line; pieces of a stair stand for them.
        let stair = |from: f64| {
            (0..8).map(move |step| along(from + (f64::from(step) + 0.5) * width / 8.0)).map(|Point { x, y }| Rect {
                left: x - 16.0,
                top: y - 20.0,
                right: x + 6.0,
                bottom: y,
            })
        };
        let covered = |from: &f64| stair(*from).any(|rect| dots.iter().any(|dot| dot.touches(&rect)));
        // As far up as there is room.
        let last = length - width - 24.0;
        let mut places = std::iter::successors(Some(last), |from| Some(from - 12.0)).take_while(|from| *from > 8.0);
        let Some(from) = places.find(|from| !covered(from)) else { continue };
        let (Point { x, y }, angle) = (along(from), dy.atan2(dx).to_degrees());
        let _ = writeln!(
            out,
            "<text class=\"muted halo\" transform=\"translate({x:.1} {y:.1}) rotate({angle:.1})\" dy=\"-6\">{}</text>",
            escaped(&words)
        );
        taken.extend(stair(from));
    }
    let first = picture.roofs.first().map_or(low, |roof| flops / roof.bandwidth).max(low);
    let peak = (axes.point(first, flops), axes.point(right, flops));
    line(out, "roof peak", peak);
    lines.push(peak);
    let words = format!("FMA peak {} GFLOP/s", number(flops / 1e9));
    let at = Point { x: peak.1.x - 8.0, y: peak.1.y - 9.0 };
    text(out, at, "end", "muted", &words);
    taken.push(Rect { left: at.x - letters(&words), top: at.y - SMALL, right: at.x, bottom: at.y + 4.0 });
    (lines, taken)
}

/// A dot in pixels.
struct Placed<'a> {
    dot: &'a Dot,
    at: Point,
    radius: f64,
    /// Where its bound is, straight above.
    bound: Point,
}

impl<'a> Placed<'a> {
    fn of(dot: &'a Dot, axes: &Axes) -> Self {
        Placed {
            dot,
            at: axes.point(dot.intensity, dot.rate),
            radius: 3.0 + 14.0 * dot.share.clamp(0.0, 1.0).sqrt(),
            bound: axes.point(dot.intensity, dot.bound),
        }
    }

    fn touches(&self, rect: &Rect) -> bool {
        distance(self.at, rect.nearest(self.at)) < self.radius + 2.0
    }
}

/// The dots, how far each is from its bound, and the labels, in this order, so that nothing covers a label.
fn dots(out: &mut String, dots: &[Placed], lines: &[Line], taken: &[Rect]) {
    for Placed { dot, at, bound, .. } in dots {
        let class = format!("bound {}", dot.limit.name());
        line(out, &class, (*at, *bound));
        line(out, &class, (Point { x: bound.x - 4.0, ..*bound }, Point { x: bound.x + 4.0, ..*bound }));
    }
    let groups = groups(dots);
    let words = |group: &Vec<usize>| -> String {
        group.iter().map(|&i| dots[i].dot.name.as_str()).collect::<Vec<_>>().join(", ")
    };
    let labelled: Vec<Labelled> = groups
        .iter()
        .map(|group| Labelled {
            at: dots[group[0]].at,
            radius: dots[group[0]].radius,
            width: letters(&words(group)),
            height: SMALL + 2.0,
        })
        .collect();
    let lines: Vec<Line> = lines.iter().copied().chain(dots.iter().map(|dot| (dot.at, dot.bound))).collect();
    // The area above the peak is empty.
    let top = lines.iter().map(|line| line.1.y).fold(AREA.bottom, f64::min).max(AREA.top);
    let places = labels::place(&labelled, Rect { top: top.min(AREA.bottom - 100.0), ..AREA }, &lines, taken);
    for (dot, place) in labelled.iter().zip(&places) {
        let end = place.nearest(dot.at);
        if distance(end, dot.at) > dot.radius + 5.0 {
            line(out, "leader", (dot.at, end));
        }
    }
    for Placed { dot, at: Point { x, y }, radius, .. } in dots {
        let _ = writeln!(
            out,
            "<circle class=\"dot {}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius:.1}\"><title>{}: {} GFLOP/s, {} FLOP/byte, \
             {:.1}% of the time</title></circle>",
            dot.limit.name(),
            escaped(&dot.name),
            number(dot.rate / 1e9),
            number(dot.intensity),
            dot.share * 100.0
        );
    }
    for ((group, dot), place) in groups.iter().zip(&labelled).zip(&places) {
        // Widths are estimates: what is left over is on the far side.
        let (x, anchor) = if place.left > dot.at.x {
            (place.left, "start")
        } else if place.right < dot.at.x {
            (place.right, "end")
        } else {
            ((place.left + place.right) / 2.0, "middle")
        };
        text(out, Point { x, y: place.bottom - 3.0 }, anchor, "halo", &words(group));
    }
}

/// Dots that lie on each other share a label: equal blocks do, for they are one kernel.
fn groups(dots: &[Placed]) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (i, dot) in dots.iter().enumerate() {
        match groups.iter_mut().find(|group| distance(dots[group[0]].at, dot.at) < 5.0) {
            Some(group) => group.push(i),
            None => groups.push(vec![i]),
        }
    }
    groups
}

fn distance(a: Point, b: Point) -> f64 {
    (a.x - b.x).hypot(a.y - b.y)
}

/// What colours, areas and ticks mean, in the upper right corner.
fn legend(out: &mut String, note: &str) {
    let [bound, memory, compute] = [
        "the block's own bound".to_owned(),
        format!("bound by {}", Limit::Memory.name()),
        format!("bound by {}", Limit::Compute.name()),
    ];
    let mut x = AREA.right;
    let mut entry = |words: &str, mark: &dyn Fn(f64) -> String| {
        x -= letters(words);
        text(out, Point { x, y: 56.0 }, "start", "muted", words);
        let _ = writeln!(out, "{}", mark(x - 12.0));
        x -= 36.0;
    };
    let circle = |limit: Limit| {
        move |x: f64| format!("<circle class=\"dot {}\" cx=\"{x:.1}\" cy=\"52\" r=\"5\"/>", limit.name())
    };
    entry(&bound, &|x| format!("<path class=\"bound compute\" d=\"M{:.1} 46h8m-4 0v12\"/>", x - 4.0));
    entry(&memory, &circle(Limit::Memory));
    entry(&compute, &circle(Limit::Compute));
    text(
        out,
        Point { x: AREA.right, y: 34.0 },
        "end",
        "muted",
        &format!("{note}; a dot's area is its share of the time"),
    );
}

/// About how wide small text is, in pixels.
fn letters(words: &str) -> f64 {
    words.chars().count() as f64 * SMALL * LETTER
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::roofline::picture::Roof;

    pub(in crate::roofline) fn picture() -> Picture {
        let dot = |name: &str, intensity, rate, limit| Dot {
            name: name.to_owned(),
            intensity,
            rate,
            bound: rate * 1.5,
            share: 0.25,
            limit,
        };
        Picture {
            title: "a < b & c".to_owned(),
            subtitle: "words".to_owned(),
            note: "one dot a block".to_owned(),
            flops: 100e9,
            roofs: vec![
                Roof { name: "L2".to_owned(), bandwidth: 100e9 },
                Roof { name: "DRAM".to_owned(), bandwidth: 10e9 },
            ],
            dots: vec![dot("blocks.1", 20.0, 50e9, Limit::Compute), dot("classifier", 0.5, 4e9, Limit::Memory)],
        }
    }

    #[test]
    fn the_text_is_well_formed_and_has_a_label_for_each_dot() {
        let text = draw(&picture());
        assert!(text.contains("a &lt; b &amp; c") && !text.contains("a < b"));
        for (words, times) in
            [(">blocks.1</text>", 1), (">classifier</text>", 1), (">L2 100 GB/s<", 1), (">FMA peak 100 GFLOP/s<", 1)]
        {
            assert_eq!(text.matches(words).count(), times, "{words}\n{text}");
        }
        assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
        let open = |tag: &str| text.matches(&format!("<{tag}")).count();
        let closed = |tag: &str| text.matches(&format!("</{tag}>")).count();
        for tag in ["svg", "style", "text", "title", "circle"] {
            let alone =
                text.lines().filter(|line| line.starts_with(&format!("<{tag}")) && line.ends_with("/>")).count();
            assert_eq!(open(tag) - alone, closed(tag), "{tag}");
        }
    }
}
