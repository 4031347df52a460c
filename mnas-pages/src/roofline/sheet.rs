//! The sheet that a roofline is drawn on: its size, and elements of SVG.

use super::labels::{Line, Point, Rect};
use std::fmt::Write as _;

/// Pixels.
pub(super) const WIDTH: f64 = 960.0;
pub(super) const HEIGHT: f64 = 600.0;
/// Where the axes are.
pub(super) const AREA: Rect = Rect { left: 76.0, top: 84.0, right: WIDTH - 28.0, bottom: HEIGHT - 64.0 };

/// A line.
pub(super) fn line(out: &mut String, class: &str, (a, b): Line) {
    let _ = writeln!(
        out,
        "<line class=\"{class}\" x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\"/>",
        a.x, a.y, b.x, b.y
    );
}

/// Words at a point.
pub(super) fn text(out: &mut String, at: Point, anchor: &str, class: &str, words: &str) {
    let _ = writeln!(
        out,
        "<text class=\"{class}\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{}</text>",
        at.x,
        at.y,
        escaped(words)
    );
}

/// Words as markup.
pub(super) fn escaped(words: &str) -> String {
    words.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
