//! The axes of a roofline, both logarithmic.

use super::labels::{Point, Rect};
use super::picture::Picture;
use super::sheet::{AREA, line, text};
use std::fmt::Write as _;

/// From operations a byte and operations a second to pixels.
pub(super) struct Axes {
    /// Least and most, as powers of ten.
    pub(super) x: (f64, f64),
    pub(super) y: (f64, f64),
}

impl Axes {
    /// Around all dots, with the peak and the first ridge in sight.
    pub(super) fn of(picture: &Picture) -> Self {
        let span = |values: &mut dyn Iterator<Item = f64>| {
            values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)))
        };
        let ridges = picture.roofs.iter().map(|roof| picture.flops / roof.bandwidth);
        let (x0, x1) = span(&mut picture.dots.iter().map(|dot| dot.intensity).chain(ridges));
        let (y0, _) = span(&mut picture.dots.iter().map(|dot| dot.rate).chain([picture.flops]));
        Axes { x: ((x0 / 1.8).log10(), (x1 * 1.8).log10()), y: ((y0 / 2.2).log10(), (picture.flops * 1.5).log10()) }
    }

    pub(super) fn point(&self, intensity: f64, rate: f64) -> Point {
        let part = |value: f64, (low, high): (f64, f64)| (value.log10() - low) / (high - low);
        Point {
            x: AREA.left + part(intensity, self.x) * (AREA.right - AREA.left),
            y: AREA.bottom - part(rate, self.y) * (AREA.bottom - AREA.top),
        }
    }

    pub(super) fn draw(&self, out: &mut String) {
        for value in ticks(self.x) {
            let Point { x, .. } = self.point(value, 1.0);
            line(out, "grid", (Point { x, y: AREA.top }, Point { x, y: AREA.bottom }));
            text(out, Point { x, y: AREA.bottom + 20.0 }, "middle", "muted", &number(value));
        }
        for value in ticks((self.y.0 - 9.0, self.y.1 - 9.0)) {
            let Point { y, .. } = self.point(1.0, value * 1e9);
            line(out, "grid", (Point { x: AREA.left, y }, Point { x: AREA.right, y }));
            text(out, Point { x: AREA.left - 8.0, y: y + 4.0 }, "end", "muted", &number(value));
        }
        let Rect { left, top, right, bottom } = AREA;
        let (width, height) = (right - left, bottom - top);
        let _ = writeln!(out, "<rect class=\"frame\" x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"{height}\"/>");
        let middle = Point { x: (left + right) / 2.0, y: bottom + 46.0 };
        text(out, middle, "middle", "", "arithmetic intensity, FLOP/byte");
        let y = (top + bottom) / 2.0;
        let _ =
            writeln!(out, "<text text-anchor=\"middle\" transform=\"translate(26 {y}) rotate(-90)\">GFLOP/s</text>");
    }
}

/// 1, 2 and 5 times powers of ten between two powers of ten.
fn ticks((low, high): (f64, f64)) -> impl Iterator<Item = f64> {
    let decades = low.floor() as i32..=high.floor() as i32;
    let all = decades.flat_map(|decade| [1.0, 2.0, 5.0].map(|digit| digit * 10_f64.powi(decade)));
    all.filter(move |value| (low..=high).contains(&value.log10()))
}

/// With as many digits as a reader wants.
pub(super) fn number(value: f64) -> String {
    let digits = if value >= 100.0 {
        0
    } else if value >= 10.0 {
        1
    } else {
        2
    };
    let text = format!("{value:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::super::svg::tests::picture;
    use super::*;

    #[test]
    fn dots_lie_where_their_figures_say() {
        let axes = Axes::of(&picture());
        let [a, b, corner] = [axes.point(0.5, 4e9), axes.point(20.0, 50e9), axes.point(10.0, 100e9)];
        assert!(a.x < corner.x && corner.x < b.x && a.y > b.y && b.y > corner.y, "up is more");
        // Equal factors are equal distances.
        let [c, d] = [axes.point(2.0, 8e9), axes.point(8.0, 16e9)];
        assert!(((c.x - a.x) - (d.x - c.x)).abs() < 1e-9 && ((c.y - a.y) - (d.y - c.y)).abs() < 1e-9);
        for point in [a, b, corner] {
            assert!(AREA.nearest(point) == point, "{point:?}");
        }
    }

    #[test]
    fn ticks_and_numbers_are_round() {
        let found: Vec<f64> = ticks((0.0, 1.7)).collect();
        assert_eq!(found, [1.0, 2.0, 5.0, 10.0, 20.0, 50.0]);
        assert_eq!([0.5, 1.0, 12.34, 245.6, 20.0].map(number), ["0.5", "1", "12.3", "246", "20"]);
    }
}
