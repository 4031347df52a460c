//! Marks of trials: what tells them apart, and the order in which arrow keys find them.

use super::model::Model;
use super::{Html, px};
use crate::chart::{BOTTOM, Chart};
use mnas_search::study::{State, Trial};

/// Shapes that marks refer to, once a page. Their points are around 0.
pub(super) fn shapes() -> Html {
    let mut out = Html::new();
    out.raw("<svg class=\"shapes\" width=\"0\" height=\"0\" aria-hidden=\"true\"><defs>");
    out.raw("<circle id=\"rung-0\" r=\"4\"/><rect id=\"rung-1\" x=\"-3.7\" y=\"-3.7\" width=\"7.4\" height=\"7.4\"/>");
    out.raw("<path id=\"rung-2\" d=\"M0-5.6L5.6 0 0 5.6-5.6 0z\"/><path id=\"rung-3\" d=\"M0-5.2L5 4H-5z\"/>");
    out.raw("<path id=\"below\" d=\"M0 4L4.6-3.5H-4.6z\"/><path id=\"failed\" d=\"M-4-4L4 4M4-4L-4 4\"/>");
    out.raw("<path id=\"best\" d=\"M0-8.5L2.1-2.9 8.1-2.6 3.4 1.1 5 6.9 0 3.6-5 6.9-3.4 1.1-8.1-2.6-2.1-2.9z\"/>");
    out.raw("</defs></svg>\n");
    out
}

/// What a mark looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Look {
    Failed,
    Below,
    Plain,
    Front,
    Best,
}

impl Look {
    fn class(self) -> &'static str {
        match self {
            Look::Failed => "mark failed",
            Look::Below => "mark below",
            Look::Plain => "mark",
            Look::Front => "mark front",
            Look::Best => "mark best",
        }
    }
}

/// A mark to be drawn.
pub(super) struct Mark<'a> {
    pub(super) trial: &'a Trial,
    pub(super) look: Look,
    /// Pixels.
    pub(super) at: (f64, f64),
}

impl<'a> Mark<'a> {
    /// At its values; what is below the frame stands on its lower edge, and what failed there too.
    pub(super) fn new(chart: &Chart, trial: &'a Trial, look: Look, x: f64, y: Option<f64>) -> Self {
        let (px, py) = (chart.x.at(x), y.map_or(BOTTOM, |y| chart.y.at(y)));
        match (trial.state, y) {
            (State::Failed, _) | (_, None) => Mark { trial, look: Look::Failed, at: (px, BOTTOM - 6.0) },
            (State::Done, Some(y)) if y < chart.y.low() => {
                Mark { trial, look: look.min(Look::Below), at: (px, BOTTOM - 6.0) }
            }
            _ => Mark { trial, look, at: (px, py) },
        }
    }
}

/// Draws marks, those that matter over the others; arrow keys go from left to right.
pub(super) fn draw(chart: &mut Chart, marks: Vec<Mark>) {
    let mut order: Vec<usize> = (0..marks.len()).collect();
    order.sort_by(|&a, &b| {
        let (a, b) = (&marks[a], &marks[b]);
        a.at.0.total_cmp(&b.at.0).then(b.at.1.total_cmp(&a.at.1)).then(a.trial.number.cmp(&b.trial.number))
    });
    let mut stops = vec![0; marks.len()];
    for (stop, &at) in order.iter().enumerate() {
        stops[at] = stop;
    }
    let mut drawn: Vec<usize> = (0..marks.len()).collect();
    drawn.sort_by_key(|&at| (marks[at].look, stops[at]));
    chart.svg.raw("<g class=\"marks\">\n");
    for at in drawn {
        let Mark { trial, look, at: (x, y) } = &marks[at];
        let unstable = trial.latency.is_some_and(|it| !it.is_stable);
        let class = format!("{}{}", look.class(), if unstable { " unstable" } else { "" });
        let (number, stop) = (trial.number.to_string(), stops[at].to_string());
        let mut attributes = vec![("href", shape(trial, *look)), ("class", &class), ("data-t", &number)];
        let place = [px(*x), px(*y)];
        attributes.extend([("data-stop", &*stop), ("x", &place[0]), ("y", &place[1])]);
        chart.svg.shape("use", &attributes);
    }
    chart.svg.raw("</g>\n");
    chart.marks += marks.len();
}

/// Rungs of successive halving have shapes of their own.
fn shape(trial: &Trial, look: Look) -> &'static str {
    match (look, trial.rung) {
        (Look::Failed, _) => "#failed",
        (Look::Below, _) => "#below",
        (Look::Best, _) => "#best",
        (_, 0) => "#rung-0",
        (_, 1) => "#rung-1",
        (_, 2) => "#rung-2",
        _ => "#rung-3",
    }
}

/// The words of every trial that is drawn, which marks find by its number.
pub(super) fn tips(model: &Model) -> Html {
    let mut out = Html::new();
    out.raw("<ol id=\"tips\" hidden>\n");
    for &at in &model.shown {
        let trial = &model.trials[at];
        out.leaf("li", &[("value", &trial.number.to_string())], &super::words::tip(model, trial)).raw("\n");
    }
    out.raw("</ol>\n");
    out
}

/// What marks of higher rungs look like, for a legend, where some are drawn.
pub(super) fn rungs(marks: &[Mark]) -> Vec<(&'static str, &'static str, &'static str)> {
    let all = [("#rung-1", "rung 1"), ("#rung-2", "rung 2"), ("#rung-3", "rung 3 and above")];
    let is_drawn = |rung: u32| marks.iter().any(|mark| mark.trial.rung.min(3) == rung);
    let drawn = all.into_iter().zip(1..).filter(|&(_, rung)| is_drawn(rung));
    drawn.map(|((href, words), _)| ("mark", href, words)).collect()
}

/// Each look that was drawn, and what it means.
pub(super) fn legend(entries: &[(&'static str, &'static str, &str)]) -> Html {
    let mut out = Html::new();
    out.raw("<ul class=\"legend\">\n");
    for &(class, href, words) in entries {
        out.raw("<li><svg class=\"key\" viewBox=\"-9 -9 18 18\" width=\"18\" height=\"18\" aria-hidden=\"true\">");
        out.shape("use", &[("class", class), ("href", href)]);
        out.raw("</svg>").text(words).raw("</li>\n");
    }
    out.raw("</ul>\n");
    out
}
