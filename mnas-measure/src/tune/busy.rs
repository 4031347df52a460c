//! Whether the machine did other work while it measured: what others used of its processors, and how far times of the
//! same code lie apart.

use std::fs;
use std::time::Instant;

/// Processors that others may use before it is said.
const OTHERS: f64 = 0.25;
/// How far times of the same may lie apart, as a part of their median.
const SPREAD: f64 = 0.05;
/// What Linux counts time in here, a second.
const TICKS: f64 = 100.0;

/// From the start of a measurement.
pub(super) struct Watch {
    start: Instant,
    /// Ticks of all, of ours.
    ticks: Option<[u64; 2]>,
}

/// What was seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seen {
    /// Processors that others used, where the system says so.
    pub others: Option<f64>,
    /// The longest time of the same code less the shortest, as a part of their median.
    pub spread: f64,
}

impl Watch {
    pub(super) fn start() -> Self {
        Watch { start: Instant::now(), ticks: ticks() }
    }

    /// What was seen since, by times of the same code.
    pub(super) fn seen(&self, times: &[f64]) -> Seen {
        let others =
            self.ticks.zip(ticks()).map(|(before, now)| others(before, now, self.start.elapsed().as_secs_f64()));
        Seen { others, spread: spread(times) }
    }
}

impl Seen {
    /// What to say of a machine that was busy.
    pub fn warning(&self) -> Option<String> {
        let others = self.others.filter(|others| *others > OTHERS);
        if others.is_none() && self.spread <= SPREAD {
            return None;
        }
        let others = others.map(|others| format!("other programs used {others:.1} of its processors meanwhile, and "));
        let (others, spread) = (others.unwrap_or_default(), self.spread * 100.0);
        Some(format!(
            "warning: the machine is busy: {others}times of the unchanged network lie up to {spread:.0} % apart; what is \
             found may be chance, measure again on a machine that does nothing else"
        ))
    }
}

fn spread(times: &[f64]) -> f64 {
    let of = |pick: fn(f64, f64) -> f64| times.iter().copied().reduce(pick).unwrap_or(0.0);
    let middle = crate::quantile::median(times);
    if middle > 0.0 { (of(f64::max) - of(f64::min)) / middle } else { 0.0 }
}

fn others(before: [u64; 2], now: [u64; 2], seconds: f64) -> f64 {
    let [all, ours] = [0, 1].map(|at| now[at].saturating_sub(before[at]) as f64);
    (all - ours).max(0.0) / TICKS / seconds.max(1.0 / TICKS)
}

/// Ticks that all programs have used so far, and those of this one and of the programs that it has run.
fn ticks() -> Option<[u64; 2]> {
    let read = |path: &str| fs::read_to_string(path).ok();
    Some([of_all(&read("/proc/stat")?)?, of_ours(&read("/proc/self/stat")?)?])
}

/// The first line of `/proc/stat`: user, nice, system, idle, waiting, interrupts twice, stolen by other machines.
fn of_all(text: &str) -> Option<u64> {
    let mut words = text.lines().next()?.split_ascii_whitespace();
    let numbers: Vec<u64> = (words.next()? == "cpu").then(|| words.map_while(|word| word.parse().ok()).collect())?;
    Some([0, 1, 2, 5, 6, 7].into_iter().filter_map(|at| numbers.get(at)).sum())
}

/// `/proc/self/stat`, behind the name in parentheses, which may hold anything.
fn of_ours(text: &str) -> Option<u64> {
    let words: Vec<&str> = text.rsplit_once(')')?.1.split_ascii_whitespace().collect();
    (11..15).map(|at| words.get(at)?.parse::<u64>().ok()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_read_as_linux_writes_them() {
        assert_eq!(of_all("cpu  10 20 30 4000 500 6 7 8 9 10\ncpu0 1 2\n"), Some(81));
        assert_eq!(of_all("cpu 1 2 3 4\n"), Some(6));
        assert_eq!((of_all(""), of_all("intr 5")), (None, None));
        let stat = "12 (a) b) S 1 2 3 4 5 6 7 8 9 10 100 20 3000 400 20 0 1\n";
        assert_eq!(of_ours(stat), Some(3520));
        assert_eq!((of_ours("12 (a) S 1 2"), of_ours("")), (None, None));
    }

    #[test]
    fn others_are_all_but_ours() {
        assert_eq!(others([1000, 100], [1400, 300], 2.0), 1.0);
        assert_eq!(others([1000, 100], [1200, 400], 2.0), 0.0);
    }

    #[test]
    fn busy_and_quiet_machines_are_distinguished() {
        let seen = |others, times: &[f64]| Seen { others, spread: spread(times) }.warning();
        assert_eq!(seen(Some(0.1), &[1.0, 1.02, 0.99]), None);
        assert_eq!(seen(None, &[1.0]), None);
        let busy = seen(Some(1.5), &[1.0, 1.01]).unwrap();
        assert!(busy.contains("used 1.5 of its processors") && busy.contains("up to 1 % apart"), "{busy}");
        let busy = seen(None, &[1.0, 1.2, 0.9]).unwrap();
        assert!(busy.contains("up to 30 % apart") && !busy.contains("other programs"), "{busy}");
    }
}
