//! The search: stage by stage, a batch of choices a program, the best of each step kept.

use super::Subject;
use super::candidates::{Stage, candidates};
use super::program::{self, Times};
use crate::error::Result;
use crate::output::status;
use mnas_codegen::plan::Plan;
use mnas_codegen::plan::isa::Isa;
use mnas_codegen::tuned::{Choice, Entry, Key, ScheduleFile, Tuned};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Choices of a step in one program; one more is what it does now, and one what is estimated.
const BATCH: usize = 6;
/// What a choice has to gain: less may be chance.
const GAIN: f64 = 0.01;
/// Milliseconds of measuring: a batch, and the last comparison.
const MEASURE: [u64; 2] = [2500, 5000];

/// One instruction set.
pub(super) struct Search<'a> {
    subject: &'a Subject<'a>,
    isa: Isa,
    /// What is estimated.
    plain: Plan,
    /// What the file had.
    before: BTreeMap<Key, Choice>,
    /// What was found, of every shape of the network.
    best: BTreeMap<Key, Choice>,
    /// Nanoseconds of the steps of each shape: estimated, found.
    times: BTreeMap<Key, (f64, f64)>,
    /// Shapes that gain nothing, which are left to the estimates.
    dropped: Vec<Key>,
    start: Instant,
    budget: Duration,
    /// What a batch took.
    batch: Duration,
    tried: usize,
}

impl<'a> Search<'a> {
    /// Starts from what a file has.
    pub(super) fn new(subject: &'a Subject<'a>, isa: Isa, before: Tuned, budget: Duration) -> Result<Self> {
        let plain = program::plan(subject, isa, &Tuned::default())?;
        let known = program::plan(subject, isa, &before)?;
        let before = before.choices.get(isa.name).cloned().unwrap_or_default();
        let mut best = choices(&known);
        for (key, choice) in &mut best {
            choice.no_prefetch = before.get(key).is_some_and(|choice| choice.no_prefetch);
        }
        let start = Instant::now();
        let (times, dropped, batch) = (BTreeMap::new(), Vec::new(), Duration::ZERO);
        Ok(Search { subject, isa, plain, before, best, times, dropped, start, budget, batch, tried: 0 })
    }

    /// Tries everything that the budget allows; `save` is called whenever something is known.
    pub(super) fn run(&mut self, mut save: impl FnMut(&Self) -> Result<()>) -> Result<()> {
        let stages: &[Stage] = if self.subject.threads > 1 { &[Stage::Team] } else { &[Stage::Form, Stage::Kernels] };
        for &stage in stages {
            let plan = self.plan(&self.best)?;
            let lists = self.lists(&plan, stage);
            let longest = lists.values().map(Vec::len).max().unwrap_or(0);
            for from in (0..longest).step_by(BATCH) {
                // Time for this one, and for the last comparison.
                if self.tried > 0 && self.start.elapsed() + self.batch * 2 > self.budget {
                    break;
                }
                let before = Instant::now();
                self.report(longest.div_ceil(BATCH) - from / BATCH);
                self.batch(&lists, from)?;
                self.batch = self.batch.max(before.elapsed());
                save(self)?;
            }
        }
        self.compare()?;
        save(self)?;
        status("");
        Ok(())
    }

    /// Choices to try for each shape.
    fn lists(&self, plan: &Plan, stage: Stage) -> BTreeMap<Key, Vec<Choice>> {
        let mut lists = BTreeMap::new();
        for (index, step) in plan.steps.iter().enumerate() {
            if let Some(key) = Key::of(step)
                && let Some(now) = self.best.get(&key)
            {
                lists.entry(key).or_insert_with(|| candidates(plan, &plan.schedules[0], index, now, stage));
            }
        }
        lists
    }

    /// Tries choices `from..` of each shape, and keeps what is faster.
    fn batch(&mut self, lists: &BTreeMap<Key, Vec<Choice>>, from: usize) -> Result<()> {
        let longest = lists.values().map(|list| list.len().saturating_sub(from)).max().unwrap_or(0).min(BATCH);
        let mut plans = vec![self.plain.clone(), self.plan(&self.best)?];
        for i in from..from + longest {
            let mut choices = self.best.clone();
            choices.extend(lists.iter().filter_map(|(key, list)| Some((*key, list.get(i)?.clone()))));
            plans.push(self.plan(&choices)?);
        }
        // Each as it is planned: what a choice leaves open is said too.
        let tried: Vec<BTreeMap<Key, Choice>> = plans.iter().map(choices).collect();
        let times = self.by_key(&program::time(self.subject, self.isa, plans, MEASURE[0])?);
        for (key, list) in lists {
            let of = |variant: usize| times[variant].get(key).copied().unwrap_or(f64::INFINITY);
            let now = of(1);
            self.times.insert(*key, (of(0), now));
            let count = list.len().saturating_sub(from).min(longest);
            self.tried += count;
            let best = (2..2 + count).min_by(|&a, &b| of(a).total_cmp(&of(b)));
            if let Some(best) = best.filter(|&best| of(best) < now * (1.0 - GAIN))
                && let Some(choice) = tried[best].get(key)
            {
                let no_prefetch = list[from + best - 2].no_prefetch;
                self.best.insert(*key, Choice { no_prefetch, ..choice.clone() });
                self.times.insert(*key, (of(0), of(best)));
            }
        }
        Ok(())
    }

    /// What was found against what is estimated, once more: chance is not found twice.
    fn compare(&mut self) -> Result<()> {
        let plans = vec![self.plain.clone(), self.plan(&self.best)?];
        let times = self.by_key(&program::time(self.subject, self.isa, plans, MEASURE[1])?);
        self.dropped.clear();
        for key in self.best.keys() {
            let [plain, found] = [0, 1].map(|variant| times[variant].get(key).copied().unwrap_or(0.0));
            self.times.insert(*key, (plain, found));
            if found > plain * (1.0 - GAIN) {
                self.dropped.push(*key);
            }
        }
        Ok(())
    }

    fn plan(&self, choices: &BTreeMap<Key, Choice>) -> Result<Plan> {
        let choices = BTreeMap::from([(self.isa.name, choices.clone())]);
        program::plan(self.subject, self.isa, &Tuned { cpu: String::new(), choices })
    }

    /// Sums over the steps of each shape, of each schedule.
    fn by_key(&self, times: &Times) -> Vec<BTreeMap<Key, f64>> {
        let sums = |steps: &Vec<f64>| {
            let mut sums = BTreeMap::new();
            for (step, time) in self.plain.steps.iter().zip(steps) {
                if let Some(key) = Key::of(step) {
                    *sums.entry(key).or_insert(0.0) += time;
                }
            }
            sums
        };
        times.steps.iter().map(sums).collect()
    }

    /// Puts what gains into a file, and takes out what does not. Shapes of other networks stay, and so does what one
    /// thread does where several are tuned, and the other way round.
    pub(super) fn put_into(&self, file: &mut ScheduleFile, cpu: &str) {
        let (threads, several) = (self.subject.threads, self.subject.threads > 1);
        for (key, choice) in &self.best {
            let Some((plain, found)) = self.times.get(key) else { continue };
            let gains = !self.dropped.contains(key) && *found <= plain * (1.0 - GAIN);
            let mut notes = file.notes(cpu, self.isa, *key);
            notes.retain(|note| note.ends_with("threads)") != several);
            let before = self.before.get(key).cloned().unwrap_or_default();
            let choice = match (gains, several) {
                (true, true) => choice.clone(),
                (true, false) => Choice { team: before.team, ..choice.clone() },
                (false, true) => Choice { team: None, ..before },
                (false, false) => Choice { team: before.team, ..Choice::default() },
            };
            if gains {
                let steps = self.plain.steps.iter().filter(|step| Key::of(step) == Some(*key));
                let names: Vec<&str> = steps.map(|step| step.name.as_str()).collect();
                notes.push(format!(
                    "{:.1} us, estimated {:.1} us: {:.1} % less ({} of {}, {threads} thread{})",
                    found / 1e3,
                    plain / 1e3,
                    (1.0 - found / plain) * 100.0,
                    names.join(", "),
                    self.subject.network.name,
                    if several { "s" } else { "" },
                ));
            }
            file.remove(cpu, self.isa, *key);
            if choice != Choice::default() {
                file.insert(cpu, self.isa, *key, Entry { choice, notes });
            }
        }
    }

    /// Milliseconds of all steps that have a choice: estimated, found.
    fn totals(&self) -> (f64, f64) {
        let found =
            |(key, (plain, found)): (&Key, &(f64, f64))| if self.dropped.contains(key) { *plain } else { *found };
        let plain: f64 = self.times.values().map(|(plain, _)| plain).sum();
        (plain / 1e6, self.times.iter().map(found).sum::<f64>() / 1e6)
    }

    pub(super) fn verdict(&self) -> String {
        let (plain, found) = self.totals();
        let kept = self.best.len() - self.dropped.len();
        format!(
            "{} {}: {found:.3} ms, estimated schedules {plain:.3} ms; {} choices tried, {kept} of {} shapes gain",
            self.subject.network.name,
            self.isa.name,
            self.tried,
            self.best.len()
        )
    }

    fn report(&self, batches: usize) {
        let left = self.budget.saturating_sub(self.start.elapsed()).min(self.batch * (batches as u32 + 3));
        let left = if self.batch.is_zero() { String::new() } else { format!(", {} s left", left.as_secs()) };
        let best = match self.totals() {
            (plain, found) if plain > 0.0 => format!(", {found:.3} ms (estimated schedules {plain:.3} ms)"),
            _ => String::new(),
        };
        status(&format!("{}: {} choices tried{best}{left}", self.isa.name, self.tried));
    }
}

/// What a plan does, shape by shape.
fn choices(plan: &Plan) -> BTreeMap<Key, Choice> {
    let schedule = &plan.schedules[0];
    let choice = |(index, step)| Some((Key::of(step)?, Choice::of(plan, schedule, index)?));
    plan.steps.iter().enumerate().filter_map(choice).collect()
}
