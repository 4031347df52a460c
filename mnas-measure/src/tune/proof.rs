//! The final check of a schedule: whole inferences with and without it, by turns.

use super::Subject;
use super::program::{Program, What};
use crate::error::Result;
use crate::quantile::median;
use mnas_codegen::machine::Isa;
use mnas_codegen::plan::Plan;

/// Processes, each with other addresses: a difference that comes from addresses is no gain.
const PROCESSES: usize = 9;

/// How whole inferences compare.
#[derive(Clone, Debug, PartialEq)]
pub struct Proof {
    /// The time with the schedule, as a part of that without: the median of the processes.
    pub ratio: f64,
    /// Both ends of its interval.
    pub interval: [f64; 2],
    /// Milliseconds without and with it.
    pub milliseconds: [f64; 2],
    /// Milliseconds without it, of each process.
    pub plain: Vec<f64>,
}

impl Proof {
    /// Of nanoseconds without and with a schedule, a pair a process.
    ///
    /// The interval is from the second least ratio to the second largest: of nine it holds the median of many in 96 of 100
    /// cases, whatever they are spread like.
    fn of(pairs: &[[f64; 2]]) -> Self {
        let mut ratios: Vec<f64> = pairs.iter().map(|[plain, found]| found / plain).collect();
        ratios.sort_by(f64::total_cmp);
        let second = usize::from(ratios.len() > 2);
        let at = |at: usize| ratios.get(at).copied().unwrap_or(1.0);
        let all = |which: usize| pairs.iter().map(|pair| pair[which] / 1e6).collect::<Vec<_>>();
        Proof {
            ratio: median(&ratios),
            interval: [at(second), at(ratios.len().saturating_sub(1 + second))],
            milliseconds: [0, 1].map(|which| median(&all(which))),
            plain: all(0),
        }
    }

    /// Whether there is a gain that is more than noise.
    pub fn gains(&self) -> bool {
        self.interval[1] < 1.0
    }
}

/// Compares two plans of a network; each process runs for `milliseconds`.
pub(super) fn compare(subject: &Subject<'_>, isa: Isa, plain: &Plan, found: &Plan, milliseconds: u64) -> Result<Proof> {
    // In either order, for where a schedule's code lies is chance too.
    let programs = [[plain, found], [found, plain]].map(|plans| {
        let plans = plans.into_iter().cloned().collect();
        Program::build(subject, isa, plans)
    });
    let [one, other] = programs;
    let programs = [one?, other?];
    let mut pairs = Vec::new();
    for process in 0..PROCESSES {
        let (program, first) = (process % 2, process / 2 % 2);
        let times = programs[program].time(What::Whole, milliseconds, first)?;
        let of = |schedule: usize| times[schedule].first().copied().unwrap_or(0.0);
        pairs.push([of(program), of(1 - program)]);
    }
    Ok(Proof::of(&pairs))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gain_is_more_than_the_noise() {
        let pairs = |ratios: [f64; 9]| ratios.map(|ratio| [2e6, 2e6 * ratio]);
        let faster = Proof::of(&pairs([0.97, 0.96, 0.98, 0.97, 0.95, 0.99, 0.97, 0.98, 1.02]));
        assert_eq!((faster.ratio, faster.interval, faster.gains()), (0.97, [0.96, 0.99], true));
        assert_eq!(faster.milliseconds, [2.0, 1.94]);
        let noise = Proof::of(&pairs([0.97, 0.96, 0.98, 1.01, 0.95, 0.99, 0.97, 0.98, 1.02]));
        assert!((noise.ratio, noise.gains()) == (0.98, false) && noise.interval == [0.96, 1.01]);
        assert!(!Proof::of(&pairs([1.0; 9])).gains());
        assert!(!Proof::of(&[]).gains());
    }
}
