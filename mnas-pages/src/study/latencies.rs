//! What the reward makes of latency, and which latencies were sampled under it.

use super::model::Model;
use super::trade_off::target_line;
use super::{Html, numbers, px, words};
use crate::axis::Axis;
use crate::chart::{Anchor, BOTTOM, Chart, LEFT, RIGHT, TOP};
use mnas_search::reward::{Reward, Target};
use mnas_search::study::{Settings, Trial};

/// Pixels of a bar.
const BAR: f64 = 13.5;

/// The latencies that one search sampled.
struct Sampled<'a> {
    /// Its name, where it is not the page's own.
    name: Option<&'a str>,
    reward: Option<Reward>,
    target: Option<Target>,
    trials: &'a [Trial],
    /// Whether they were not measured as the page's own were.
    is_foreign: bool,
}

impl Sampled<'_> {
    /// Number and latency of every trial that the searcher requested, including repeats.
    fn latencies(&self) -> impl Iterator<Item = (u64, f64)> + '_ {
        self.trials.iter().filter_map(|trial| Some((trial.number, trial.latency?.ms))).filter(|&(_, ms)| ms > 0.0)
    }

    /// The share of the latencies that are at most `most`; `None` if there are no latencies.
    fn within(&self, most: f64) -> Option<f64> {
        let all: Vec<f64> = self.latencies().map(|(_, ms)| ms).collect();
        let within = all.iter().filter(|&&ms| ms <= most).count();
        (!all.is_empty()).then(|| within as f64 / all.len() as f64)
    }
}

/// The latencies of the study, and those of the studies beside it.
fn sampled<'a>(model: &'a Model) -> Vec<Sampled<'a>> {
    let one = |name, settings: &Settings, reward, trials| Sampled {
        name,
        reward,
        target: settings.target(),
        trials,
        is_foreign: latency_by(settings) != latency_by(model.settings),
    };
    let own = one(None, model.settings, model.reward, model.trials);
    let others = model.beside.iter().map(|it| one(Some(&*it.name), &it.settings, it.reward, &it.trials));
    [own].into_iter().chain(others).collect()
}

/// The name of the stopwatch or evaluator that gives a study's latencies.
fn latency_by(settings: &Settings) -> &str {
    settings.stopwatch.as_deref().unwrap_or(&settings.evaluator)
}

/// The axis that all pictures have.
fn axis(model: &Model) -> Axis {
    let unit = model.unit();
    let all = sampled(model);
    let targets = all.iter().filter_map(|it| it.target).flat_map(|it| [it.ms / 2.0, it.ms * 2.0]);
    let latencies = all.iter().flat_map(Sampled::latencies).map(|(_, ms)| ms);
    Axis::around(latencies.chain(targets).map(|ms| unit.of(ms)), (LEFT, RIGHT))
}

/// A curve: its name, class, reward.
type Curve = (String, &'static str, Reward);

/// The objective of a network as accurate as the best one, for hard and soft exponents and for the study's own.
pub(super) fn objective(model: &Model) -> Option<(Html, f64)> {
    let target = model.settings.target()?;
    let accuracy = model.best().and_then(|trial| trial.accuracy).unwrap_or(0.5);
    let curves = curves(model, target);
    let x = axis(model);
    let unit = model.unit();
    let samples: Vec<f64> = x.samples(160).into_iter().map(|value| unit.back(value)).collect();
    let most = curves.iter().map(|curve| curve.2.of(accuracy, Some(samples[0]))).fold(accuracy, f64::max);
    let y = Axis::linear((0.0, most.min(2.0 * accuracy) * 1.04), (BOTTOM, TOP));
    let label = "The objective against the latency, for one accuracy";
    let mut chart = Chart::new("objective", label, (x, &model.latency_title()), (y, "objective"));
    target_line(&mut chart, model, target.ms);
    let mut ends = Vec::new();
    for (name, class, reward) in &curves {
        let line: Vec<(f64, f64)> = samples.iter().map(|&ms| (unit.of(ms), reward.of(accuracy, Some(ms)))).collect();
        chart.line(&format!("curve {class}"), &line);
        // Where the line is high enough for a name below it.
        let end = line.iter().map(|&(x, y)| chart.at(x, y)).rfind(|&(_, y)| (TOP..BOTTOM - 28.0).contains(&y));
        ends.extend(end.map(|end| (end, name, *class)));
    }
    // The first name is above its line, which is flat; the others are below theirs, for those fall.
    ends.sort_by(|a, b| a.0.1.total_cmp(&b.0.1));
    let mut above: Option<f64> = None;
    for ((x, y), name, class) in ends {
        let y = above.map_or(y - 9.0, |above| (y + 19.0).max(above + 21.0));
        chart.words(&format!("name halo {class}"), (x - 4.0, y), Anchor::End, name);
        above = Some(y);
    }
    Some((chart.finish(), accuracy))
}

fn curves(model: &Model, target: Target) -> Vec<Curve> {
    let weighted = |(alpha, beta): (f64, f64)| Reward::Weighted { target, alpha, beta };
    let (hard, soft) = (weighted(Reward::HARD), weighted(Reward::SOFT));
    let mut curves = vec![("hard (0, −1)".to_owned(), "hard", hard), ("soft (−0.07, −0.07)".to_owned(), "soft", soft)];
    let number = |value: f64| format!("{value:.3}").replace('-', "−");
    match model.reward {
        Some(own) if own == hard || own == soft => {
            let at = usize::from(own == soft);
            curves[at].0.push_str(", this study's");
            curves[at].1 = "own";
        }
        Some(own @ Reward::Weighted { alpha, beta, .. }) if alpha == beta => {
            curves.push((format!("this study's, w = {}", number(alpha)), "own", own));
        }
        Some(own @ Reward::Weighted { alpha, beta, .. }) => {
            curves.push((format!("this study's ({}, {})", number(alpha), number(beta)), "own", own));
        }
        Some(own @ Reward::Absolute { .. }) => curves.push(("this study's, absolute".to_owned(), "own", own)),
        Some(Reward::Accuracy) | None => {}
    }
    curves
}

/// How many trials of a search had which latency, with a heading and a note.
pub(super) struct Histogram {
    pub(super) id: String,
    pub(super) heading: String,
    pub(super) note: String,
    pub(super) chart: Html,
}

/// One for the study and one for each that it is shown beside, all on one axis.
pub(super) fn histograms(model: &Model) -> Vec<Histogram> {
    let all = sampled(model);
    let is_alone = all.len() == 1;
    let one = |(at, it): (usize, &Sampled)| {
        let id = if at == 0 { "latencies".to_owned() } else { format!("latencies-{at}") };
        let chart = histogram(model, it, &id)?;
        let heading = it.name.map_or("Sampled latencies".to_owned(), |name| format!("Sampled latencies of {name}"));
        let mut note =
            "The latencies that the search requested, including repeats; blue is its second half.".to_owned();
        match it.reward {
            Some(reward) if !is_alone => note = format!("Under {reward}."),
            None if !is_alone => note = "Under a reward that was not fitted yet.".to_owned(),
            _ => {}
        }
        if let Some(target) = it.target
            && let (Some(within), Some(half)) = (it.within(target.ms), it.within(target.ms / 2.0))
        {
            note.push_str(&format!(" {} of all trials are within T", numbers::percent(within)));
            note.push_str(&if is_alone {
                ".".to_owned()
            } else {
                format!(", {} within half of it.", numbers::percent(half))
            });
        }
        if it.is_foreign {
            note.push_str(" They were told by something else than this study's own, and do not compare with those.");
        }
        Some(Histogram { id, heading, note, chart })
    };
    all.iter().enumerate().filter_map(one).collect()
}

/// The trials of the second half of the search apart.
fn histogram(model: &Model, sampled: &Sampled, id: &str) -> Option<Html> {
    let all: Vec<(u64, f64)> = sampled.latencies().collect();
    if all.is_empty() {
        return None;
    }
    let (x, unit) = (axis(model), model.unit());
    let edges = edges(&x, sampled.target.map(|it| unit.of(it.ms)));
    let bars = edges.len() - 1;
    let middle = sampled.trials.len() as u64 / 2;
    let mut counts = vec![(0_usize, 0_usize); bars];
    for &(number, ms) in &all {
        let at = edges.partition_point(|&edge| edge <= unit.of(ms)).clamp(1, bars) - 1;
        counts[at].0 += 1;
        counts[at].1 += usize::from(number >= middle);
    }
    let most = counts.iter().map(|count| count.0).max().unwrap_or(1);
    let y = Axis::linear((0.0, (most as f64 * 1.05).max(2.0)), (BOTTOM, TOP)).whole();
    let mut chart = Chart::new(id, "How many trials had which latency", (x, &model.latency_title()), (y, "trials"));
    for (at, &(count, late)) in counts.iter().enumerate() {
        if count == 0 {
            continue;
        }
        let (left, right) = (chart.x.at(edges[at]), chart.x.at(edges[at + 1]));
        let (top, between) = (chart.y.at(count as f64), chart.y.at(late as f64));
        let count_words = words::count(count, "trial", "trials");
        let tip = format!(
            "{} to {}\n{count_words}, {late} of them in the second half",
            words::ms(unit.back(edges[at])),
            words::ms(unit.back(edges[at + 1]))
        );
        chart
            .svg
            .open("g", &[("class", "bar-of"), ("data-stop", ""), ("role", "img"), ("data-count", &count.to_string())]);
        chart.svg.leaf("title", &[], &tip);
        for (class, from, to) in [("early", top, between), ("late", between, BOTTOM)] {
            if to - from > 0.01 {
                let width = px(right - left - 1.5);
                let place =
                    [("x", &*px(left + 0.75)), ("y", &*px(from)), ("width", &*width), ("height", &*px(to - from))];
                chart.svg.shape("rect", &[&[("class", class)], &place[..]].concat());
            }
        }
        chart.svg.close("g");
    }
    if let Some(target) = sampled.target {
        target_line(&mut chart, model, target.ms);
    }
    Some(chart.finish())
}

/// Where bars begin and end: one of them at T.
fn edges(x: &Axis, target: Option<f64>) -> Vec<f64> {
    let anchor = target.map_or(LEFT, |target| x.at(target));
    let first = ((LEFT - anchor) / BAR).ceil() as i32;
    let inner = (first..).map(|at| anchor + BAR * f64::from(at)).take_while(|&pixel| pixel < RIGHT - 0.5);
    let inner = inner.filter(|&pixel| pixel > LEFT + 0.5);
    [LEFT].into_iter().chain(inner).chain([RIGHT]).map(|pixel| x.value(pixel)).collect()
}
