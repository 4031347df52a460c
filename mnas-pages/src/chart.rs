//! Charts: a frame of one size for all, two axes with round ticks and their units, and marks that a pointer and the
//! keyboard find.
//!
//! Of a narrow screen the style makes letters larger and leaves out every other tick, so labels need room for both.

use super::axis::Axis;
use super::html::Html;
use super::parts::px;

pub(super) const WIDTH: f64 = 560.0;
pub(super) const HEIGHT: f64 = 370.0;
/// Where the frame is.
pub(super) const LEFT: f64 = 58.0;
pub(super) const RIGHT: f64 = WIDTH - 16.0;
pub(super) const TOP: f64 = 40.0;
pub(super) const BOTTOM: f64 = HEIGHT - 54.0;

/// A chart in the making.
pub(super) struct Chart {
    pub(super) svg: Html,
    pub(super) x: Axis,
    pub(super) y: Axis,
    /// How many marks it has.
    pub(super) marks: usize,
}

/// Where words stand from their point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    End,
}

impl Anchor {
    fn name(self) -> &'static str {
        match self {
            Anchor::Start => "start",
            Anchor::End => "end",
        }
    }
}

impl Chart {
    /// Axes and grid; `name` is for styles and scripts, `label` is for screen readers. Titles have the units.
    pub(super) fn new(name: &str, label: &str, x: (Axis, &str), y: (Axis, &str)) -> Self {
        let mut svg = Html::new();
        svg.open(
            "svg",
            &[
                ("class", "chart"),
                ("viewBox", &format!("0 0 {WIDTH:.0} {HEIGHT:.0}")),
                ("role", "group"),
                ("aria-label", label),
                ("data-chart", name),
                ("data-x", x.0.kind()),
                ("data-y", y.0.kind()),
                ("data-roving", ""),
            ],
        );
        let mut chart = Chart { svg, x: x.0, y: y.0, marks: 0 };
        chart.axes();
        let title = |svg: &mut Html, at: (f64, f64), anchor: Anchor, words: &str| {
            let position = [("x", &*px(at.0)), ("y", &*px(at.1)), ("text-anchor", anchor.name())];
            svg.leaf("text", &[&[("class", "title")], &position[..]].concat(), words).raw("\n");
        };
        title(&mut chart.svg, (4.0, 16.0), Anchor::Start, y.1);
        title(&mut chart.svg, (RIGHT, HEIGHT - 8.0), Anchor::End, x.1);
        chart
    }

    fn axes(&mut self) {
        for (at, tick) in self.x.ticks().into_iter().enumerate() {
            let x = px(self.x.at(tick));
            let class = if at % 2 == 1 { "muted tick odd" } else { "muted tick" };
            let line = [("x1", &*x), ("x2", &*x), ("y1", &*px(TOP)), ("y2", &*px(BOTTOM))];
            self.svg.shape("line", &[&[("class", "grid"), ("data-axis", "x")], &line[..]].concat());
            let words = [("x", &*x), ("y", &*px(BOTTOM + 20.0)), ("text-anchor", "middle")];
            self.svg.leaf("text", &[&[("class", class), ("data-axis", "x")], &words[..]].concat(), &self.x.words(tick));
        }
        for tick in self.y.ticks() {
            let at = self.y.at(tick);
            let line = [("x1", &*px(LEFT)), ("x2", &*px(RIGHT)), ("y1", &*px(at)), ("y2", &*px(at))];
            self.svg.shape("line", &[&[("class", "grid"), ("data-axis", "y")], &line[..]].concat());
            let words = [("x", &*px(LEFT - 8.0)), ("y", &*px(at + 4.0)), ("text-anchor", "end")];
            let class = [("class", "muted tick"), ("data-axis", "y")];
            self.svg.leaf("text", &[&class[..], &words[..]].concat(), &self.y.words(tick));
        }
        self.svg.raw("\n");
    }

    /// Where a point is drawn.
    pub(super) fn at(&self, x: f64, y: f64) -> (f64, f64) {
        (self.x.at(x), self.y.at(y))
    }

    /// A line through points of the axes; of what is outside of the frame nothing is drawn.
    pub(super) fn line(&mut self, class: &str, points: &[(f64, f64)]) {
        let mut path = String::new();
        let mut last: Option<(f64, f64)> = None;
        for &(x, y) in points {
            let point = self.at(x, y);
            let inside =
                |(x, y): (f64, f64)| (LEFT - 0.5..=RIGHT + 0.5).contains(&x) && (TOP - 0.5..=BOTTOM + 0.5).contains(&y);
            if let Some(before) = last
                && inside(before) != inside(point)
                && let Some(edge) = crossing(before, point, inside(before))
            {
                path.push_str(&format!("{}{:.1} {:.1}", if inside(before) { 'L' } else { 'M' }, edge.0, edge.1));
            }
            if inside(point) {
                let letter = if path.is_empty() || last.is_none() { 'M' } else { 'L' };
                path.push_str(&format!("{letter}{:.1} {:.1}", point.0, point.1));
            }
            last = Some(point);
        }
        if !path.is_empty() {
            self.svg.shape("path", &[("class", class), ("d", &path)]);
        }
    }

    /// A line across the frame at `x`.
    pub(super) fn vertical(&mut self, class: &str, x: f64) {
        let x = px(self.x.at(x));
        let line = [("x1", &*x), ("x2", &*x), ("y1", &*px(TOP)), ("y2", &*px(BOTTOM))];
        self.svg.shape("line", &[&[("class", class)], &line[..]].concat());
    }

    /// Words at a place of the picture.
    pub(super) fn words(&mut self, class: &str, at: (f64, f64), anchor: Anchor, words: &str) {
        let position = [("x", &*px(at.0)), ("y", &*px(at.1)), ("text-anchor", anchor.name())];
        self.svg.leaf("text", &[&[("class", class)], &position[..]].concat(), words).raw("\n");
    }

    /// The picture.
    pub(super) fn finish(mut self) -> Html {
        self.svg.close("svg");
        self.svg
    }
}

/// Where the way from one point to another goes through the frame's edge.
fn crossing(from: (f64, f64), to: (f64, f64), is_leaving: bool) -> Option<(f64, f64)> {
    let (inner, outer) = if is_leaving { (from, to) } else { (to, from) };
    let (dx, dy) = (outer.0 - inner.0, outer.1 - inner.1);
    // The part of the way after which each side is reached.
    let part = |from: f64, by: f64, low: f64, high: f64| match by {
        by if by > 0.0 => (high - from) / by,
        by if by < 0.0 => (low - from) / by,
        _ => f64::INFINITY,
    };
    let t = part(inner.0, dx, LEFT, RIGHT).min(part(inner.1, dy, TOP, BOTTOM)).clamp(0.0, 1.0);
    (t.is_finite()).then_some((inner.0 + t * dx, inner.1 + t * dy))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_at_the_frame() {
        let axis = |from, to| Axis::linear((0.0, 10.0), (from, to));
        let mut chart = Chart::new("test", "a test", (axis(LEFT, RIGHT), "x"), (axis(BOTTOM, TOP), "y"));
        let before = chart.svg.clone().into_string().len();
        chart.line("c", &[(5.0, 5.0), (5.0, 50.0), (7.0, 50.0), (7.0, 5.0)]);
        let drawn = chart.finish().into_string();
        let (x5, x7, middle) = ((LEFT + RIGHT) / 2.0, LEFT + 0.7 * (RIGHT - LEFT), (TOP + BOTTOM) / 2.0);
        let expected = format!("M{x5:.1} {middle:.1}L{x5:.1} {TOP:.1}M{x7:.1} {TOP:.1}L{x7:.1} {middle:.1}");
        assert!(drawn[before..].contains(&expected), "{} has no {expected}", &drawn[before..]);
    }
}
