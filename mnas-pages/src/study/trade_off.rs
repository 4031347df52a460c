//! Accuracy against what a network costs: all trials, the front, what the reward makes equal.

use super::mark::{self, Look, Mark};
use super::model::{Cost, Model};
use super::{Html, px, words};
use crate::axis::{Axis, span};
use crate::chart::{Anchor, BOTTOM, Chart, LEFT, RIGHT, TOP};
use mnas_search::reward::Reward;
use mnas_search::study::{State, Trial};
use std::collections::BTreeSet;

/// How many contours there are beside that of the best.
const CONTOURS: usize = 7;

/// The chart and what its marks mean.
pub(super) fn draw(model: &Model) -> Option<(Html, Html)> {
    let points: Vec<(&Trial, (f64, f64))> =
        model.shown.iter().filter_map(|&at| Some((&model.trials[at], model.point(at)?))).collect();
    if points.is_empty() {
        return None;
    }
    let target = model.settings.target().filter(|_| model.cost == Cost::Latency);
    let unit = model.unit();
    let compared = model.compared();
    let costs = points.iter().map(|it| it.1.0).chain(compared.iter().map(|it| it.1));
    let x = Axis::around(costs.chain(target.map(|it| unit.of(it.ms))), (LEFT + 6.0, RIGHT - 8.0));
    let (low, high) = focus(points.iter().map(|it| it.1.1), 0.1);
    let (low, high) = compared.iter().fold((low, high), |(low, high), it| (low.min(it.2), high.max(it.2)));
    let y = Axis::linear(accuracies(low, high), (BOTTOM - 16.0, TOP + 12.0));
    let label = format!("Accuracy against {}", model.cost_title());
    let mut chart = Chart::new("front", &label, (x, &model.cost_title()), (y, "accuracy, %"));
    if let Some(reward) = model.reward.filter(|_| model.cost == Cost::Latency) {
        contours(&mut chart, model, &reward);
    }
    let mut names = Names::default();
    if let Some(target) = target {
        let (at, anchor, name) = target_line(&mut chart, model, target.ms);
        names.take(at, anchor, &name);
    }
    let front: Vec<(f64, f64)> = model.front.iter().filter_map(|&at| model.point(at)).collect();
    chart.line("front-line", &stairs(&front, chart.x.high()));
    let on_front: BTreeSet<u64> = model.front.iter().map(|&at| model.trials[at].number).collect();
    let best = model.best().map(|trial| trial.number);
    let look = |trial: &Trial| match trial {
        trial if Some(trial.number) == best => Look::Best,
        trial if on_front.contains(&trial.number) => Look::Front,
        _ => Look::Plain,
    };
    let marks: Vec<Mark> =
        points.iter().map(|&(trial, (x, y))| Mark::new(&chart, trial, look(trial), x, Some(y))).collect();
    let entries = entries(model, &marks);
    let labelled = marks.iter().find(|mark| mark.look == Look::Best).map(|mark| (mark.at, mark.trial.number));
    let compared: Vec<(&str, (f64, f64))> = compared.into_iter().map(|(name, x, y)| (name, chart.at(x, y))).collect();
    marks.iter().map(|mark| mark.at).chain(compared.iter().map(|it| it.1)).for_each(|at| names.avoid(at));
    mark::draw(&mut chart, marks);
    if let Some((at, number)) = labelled {
        // The area to the upper left of a point of the front is empty.
        names.name(&mut chart, at, Anchor::End, "name halo", &format!("trial {number}"));
    }
    for (name, at) in compared {
        let side = if at.0 > (LEFT + RIGHT) / 2.0 { Anchor::End } else { Anchor::Start };
        names.name(&mut chart, at, side, "baseline-name halo", name);
        let place = [("x", &*px(at.0)), ("y", &*px(at.1))];
        chart.svg.shape(
            "use",
            &[&[("href", "#rung-2"), ("class", "baseline"), ("data-baseline", name)], &place[..]].concat(),
        );
    }
    Some((chart.finish(), mark::legend(&entries)))
}

/// What stands in the chart already, words and marks, and what it costs to cover it: names stand where that and the way to
/// their marks cost least.
#[derive(Default)]
struct Names(Vec<(Area, i32)>);

/// From where to where something reaches, in pixels.
#[derive(Clone, Copy)]
struct Area {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

impl Area {
    fn covers(&self, other: &Area) -> bool {
        self.left < other.right && other.left < self.right && self.top < other.bottom && other.top < self.bottom
    }
}

impl Names {
    /// Pixels of a letter, and of it above and below its line, on a narrow screen, where letters are larger.
    const LETTER: f64 = 10.5;
    const ABOVE: f64 = 17.0;
    const BELOW: f64 = 6.0;
    /// From the middle of a mark to its edge, and to its name.
    const MARK: f64 = 5.0;
    const BESIDE: f64 = 9.0;
    /// Half lines that a name is moved at most; each costs 1.
    const STEPS: i32 = 16;
    /// Two names on each other cannot be read; a mark below a name can still be pointed at.
    const NAME_COSTS: i32 = 100;
    const MARK_COSTS: i32 = 3;

    fn area((x, y): (f64, f64), anchor: Anchor, words: &str) -> Area {
        let width = Self::LETTER * words.chars().count() as f64;
        let (left, right) = if anchor == Anchor::End { (x - width, x) } else { (x, x + width) };
        Area { left, right, top: y - Self::ABOVE, bottom: y + Self::BELOW }
    }

    /// Words stand there.
    fn take(&mut self, at: (f64, f64), anchor: Anchor, words: &str) {
        self.0.push((Self::area(at, anchor, words), Self::NAME_COSTS));
    }

    /// The middle of a mark is there.
    fn avoid(&mut self, (x, y): (f64, f64)) {
        let (left, right, top, bottom) = (x - Self::MARK, x + Self::MARK, y - Self::MARK, y + Self::MARK);
        self.0.push((Area { left, right, top, bottom }, Self::MARK_COSTS));
    }

    /// Where the name of a mark costs least, first beside it on this side, then on the other, then above and below.
    fn place(&self, (x, y): (f64, f64), side: Anchor, words: &str) -> ((f64, f64), Anchor) {
        let other = if side == Anchor::End { Anchor::Start } else { Anchor::End };
        let half_line = (Self::ABOVE + Self::BELOW) / 2.0;
        let steps = (0..=Self::STEPS).flat_map(|step| if step == 0 { vec![0] } else { vec![-step, step] });
        let places = steps.flat_map(|step| [side, other].map(|anchor| (step, anchor)));
        let at = |anchor: Anchor, by: f64| {
            (if anchor == Anchor::End { x - Self::BESIDE } else { x + Self::BESIDE }, y + 4.5 + by)
        };
        // Words that are too long for any place stand on that side.
        let mut best = (at(side, 0.0), side);
        let mut least = i32::MAX;
        for (step, anchor) in places {
            let at = at(anchor, f64::from(step) * half_line);
            let area = Self::area(at, anchor, words);
            let is_inside = area.left >= LEFT && area.right <= RIGHT && area.top >= TOP - 4.0 && area.bottom <= BOTTOM;
            let covered: i32 = self.0.iter().filter(|it| it.0.covers(&area)).map(|it| it.1).sum();
            if is_inside && covered + step.abs() < least {
                (best, least) = ((at, anchor), covered + step.abs());
            }
        }
        best
    }

    /// Names a mark, with a line to it where the name is not just beside it.
    fn name(&mut self, chart: &mut Chart, mark: (f64, f64), side: Anchor, class: &str, words: &str) {
        let (at, anchor) = self.place(mark, side, words);
        if (at.1 - 4.5 - mark.1).abs() > 1.0 {
            let ends =
                [("x1", mark.0), ("y1", mark.1), ("x2", at.0), ("y2", at.1 - 4.5)].map(|(name, at)| (name, px(at)));
            let ends = ends.each_ref().map(|(name, at)| (*name, at.as_str()));
            chart.svg.shape("line", &[&[("class", "leader")], &ends[..]].concat());
        }
        self.take(at, anchor, words);
        chart.words(class, at, anchor, words);
    }
}

/// What occurs, in words.
fn entries(model: &Model, marks: &[Mark]) -> Vec<(&'static str, &'static str, &'static str)> {
    let has = |look: Look| marks.iter().any(|mark| mark.look == look);
    let mut entries = Vec::new();
    if has(Look::Best) {
        entries.push(("mark best", "#best", "the best"));
    }
    if has(Look::Front) || !model.front.is_empty() {
        entries.push(("mark front", "#rung-0", "on the front: nothing is better in both"));
    }
    if has(Look::Plain) {
        entries.push(("mark", "#rung-0", "another network"));
    }
    entries.extend(mark::rungs(marks));
    if marks.iter().any(|mark| mark.trial.latency.is_some_and(|it| !it.is_stable)) {
        entries.push(("mark unstable", "#rung-0", "its latency did not settle"));
    }
    if has(Look::Below) {
        entries.push(("mark below", "#below", "less accurate than the chart shows"));
    }
    if !model.compared().is_empty() {
        entries.push(("baseline", "#rung-2", "a baseline"));
    }
    if marks.iter().any(|mark| mark.trial.state == State::Failed) {
        entries.push(("mark failed", "#failed", "failed"));
    }
    entries
}

/// The range that is worth looking at: some that never learnt do not press the others together. It reaches from the
/// highest value below that which a `part` of all do not reach, by half as much again.
pub(super) fn focus(values: impl Iterator<Item = f64>, part: f64) -> (f64, f64) {
    let mut values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
    values.sort_by(f64::total_cmp);
    let (low, high) = span(values.iter().copied());
    let Some(&least) = values.get((values.len() as f64 * part) as usize) else { return (low, high) };
    let focused = low.max(least - 1.5 * (high - least));
    // Equal values are no range.
    (if focused < high { focused } else { low }, high)
}

/// At least a point, and nothing beyond all.
fn accuracies(low: f64, high: f64) -> (f64, f64) {
    let room = ((1.0 - (high - low)) / 2.0).max(0.0);
    ((low - room).max(0.0), (high + room).min(100.0))
}

/// The edge of what is dominated.
fn stairs(front: &[(f64, f64)], end: f64) -> Vec<(f64, f64)> {
    let mut line = Vec::new();
    for (at, &(x, y)) in front.iter().enumerate() {
        line.push((x, y));
        line.push((front.get(at + 1).map_or(end, |next| next.0), y));
    }
    line
}

/// Where T is; returns its name and where that stands.
pub(super) fn target_line(chart: &mut Chart, model: &Model, ms: f64) -> ((f64, f64), Anchor, String) {
    let at = model.unit().of(ms);
    chart.vertical("target", at);
    let x = chart.x.at(at);
    let (anchor, by) = if x > RIGHT - 110.0 { (Anchor::End, -5.0) } else { (Anchor::Start, 5.0) };
    let (at, name) = ((x + by, TOP - 5.0), format!("T = {}", words::round_ms(ms)));
    chart.words("target-name halo", at, anchor, &name);
    (at, anchor, name)
}

/// Lines along which a network is worth the same: one through the best, and others through points at equal distances from
/// the best corner of the frame to the worst.
fn contours(chart: &mut Chart, model: &Model, reward: &Reward) {
    let unit = model.unit();
    let across = |chart: &Chart, worth: f64| -> Option<Vec<(f64, f64)>> {
        let line = |x: f64| Some((x, 100.0 * accuracy_for(reward, worth, unit.back(x))?));
        chart.x.samples(160).into_iter().map(line).collect()
    };
    let corners = chart.x.samples(CONTOURS + 2).into_iter().zip(chart.y.samples(CONTOURS + 2).into_iter().rev());
    let between: Vec<f64> = corners.map(|(x, y)| reward.of(y / 100.0, Some(unit.back(x)))).collect();
    for &worth in &between[1..=CONTOURS] {
        if let Some(line) = across(chart, worth) {
            chart.line("contour", &line);
        }
    }
    if let Some(line) = model.best().and_then(|trial| across(chart, trial.reward?)) {
        chart.line("contour best", &line);
    }
}

/// The accuracy at which a network of this latency has the reward `worth`.
fn accuracy_for(reward: &Reward, worth: f64, ms: f64) -> Option<f64> {
    let accuracy = match *reward {
        Reward::Accuracy => return None,
        Reward::Weighted { target, alpha, beta } => {
            worth / (ms / target.ms).powf(if ms <= target.ms { alpha } else { beta })
        }
        Reward::Absolute { target, beta } => worth - beta * (ms / target.ms - 1.0).abs(),
    };
    accuracy.is_finite().then_some(accuracy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mnas_search::reward::Target;

    #[test]
    fn a_contour_is_where_the_reward_is_the_same() {
        let target = Target { ms: 20.0 };
        for reward in [
            Reward::Weighted { target, alpha: -0.07, beta: -0.07 },
            Reward::Weighted { target, alpha: 0.0, beta: -1.0 },
            Reward::Absolute { target, beta: -0.1 },
        ] {
            for ms in [1.0, 19.0, 20.0, 21.0, 200.0] {
                let accuracy = accuracy_for(&reward, 0.8, ms).unwrap();
                assert!((reward.of(accuracy, Some(ms)) - 0.8).abs() < 1e-12, "{reward} at {ms} ms");
            }
        }
    }

    #[test]
    fn networks_that_never_learnt_do_not_press_the_others_together() {
        let values = || (0..90).map(|at| 90.0 + f64::from(at) / 10.0).chain([10.0, 11.0]);
        let (low, high) = focus(values(), 0.1);
        assert!((70.0..=90.0).contains(&low) && high == 98.9, "{low} to {high}");
        assert_eq!(focus([5.0].into_iter(), 0.1), (5.0, 5.0));
        assert_eq!(focus((0..20).map(f64::from), 0.1), (0.0, 19.0));
        assert_eq!(focus([3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 1.0].into_iter(), 0.1), (1.0, 3.0));
    }
}
