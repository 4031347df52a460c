//! The search: stage by stage, a batch of choices a program, the best of each step kept; then what holds.

use super::Subject;
use super::busy::{Seen, Watch};
use super::candidates::{Stage, candidates};
use super::program::{self, Program, What};
use super::proof::{self, Proof};
use crate::error::Result;
use crate::quantile::median;
use mnas_codegen::machine::Isa;
use mnas_codegen::plan::Plan;
use mnas_codegen::tuned::{ShapeKey, StepTuning, TuningProfile};
use mnas_io::progress::status;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// Choices of a step in one program; one more is what it does now, and one what is compared with.
const BATCH: usize = 6;
/// What a choice has to gain: less may be chance.
const GAIN: f64 = 0.01;
/// Milliseconds of measuring a batch, and a process of a comparison.
const MEASURE: [u64; 2] = [2500, 500];
/// Processes in each of which a choice has to be faster.
const PROCESSES: usize = 5;

/// One instruction set.
pub struct Search<'a> {
    subject: &'a Subject<'a>,
    isa: Isa,
    /// What is compared with, beside what is estimated: of one thread what the file says of every block, of several also
    /// what it says of one thread.
    base: BTreeMap<ShapeKey, StepTuning>,
    /// That as a plan.
    plain: Plan,
    /// What was found, of every shape of the network.
    best: BTreeMap<ShapeKey, StepTuning>,
    /// Nanoseconds of the steps of each shape: as in `plain`, found.
    times: BTreeMap<ShapeKey, [f64; 2]>,
    start: Instant,
    budget: Duration,
    /// What a batch took.
    batch: Duration,
    tried: usize,
}

/// What came out.
pub struct Found {
    /// The choices that hold, each faster in every process.
    pub choices: BTreeMap<ShapeKey, StepTuning>,
    /// Shapes that have a choice.
    pub shapes: Vec<ShapeKey>,
    /// Nanoseconds of the steps of each shape, without and with them.
    pub times: BTreeMap<ShapeKey, [f64; 2]>,
    /// Names of the steps of each shape.
    pub steps: BTreeMap<ShapeKey, Vec<String>>,
    /// Whole inferences with them; nothing where none holds.
    pub proof: Option<Proof>,
    /// What the machine did beside.
    pub seen: Seen,
    /// How many choices were tried.
    pub tried: usize,
}

impl<'a> Search<'a> {
    /// Starts from what a file has.
    pub fn new(subject: &'a Subject<'a>, isa: Isa, before: &TuningProfile, budget: Duration) -> Result<Self> {
        let (several, workers) = (subject.threads > 1, subject.threads as usize);
        let mut base = before.choices.get(isa.name).cloned().unwrap_or_default();
        if several {
            base.values_mut().for_each(|choice| _ = choice.per_thread_count.remove(&workers));
        } else {
            base.retain(|key, _| *key == ShapeKey::AnyBlock);
        }
        let plain = program::plan(subject, isa, &tuned(isa, &base))?;
        let known = program::plan(subject, isa, before)?;
        let mut best = choices(&known);
        for (key, choice) in &mut best {
            let now = before.get(isa, *key).cloned().unwrap_or_default();
            *choice = if several {
                // The rest is not tuned here, and stays as it is.
                let share = choice.per_thread_count.get(&workers).copied().or(choice.parallelism);
                let per_thread_count =
                    now.per_thread_count.into_iter().chain(share.map(|share| (workers, share))).collect();
                StepTuning { per_thread_count, ..now }
            } else {
                StepTuning {
                    no_prefetch: now.no_prefetch,
                    parallelism: None,
                    per_thread_count: BTreeMap::new(),
                    ..choice.clone()
                }
            };
        }
        let (times, batch, start) = (BTreeMap::new(), Duration::ZERO, Instant::now());
        Ok(Search { subject, isa, base, plain, best, times, start, budget, batch, tried: 0 })
    }

    /// Tries everything that the budget allows, and holds what is best against what is estimated.
    pub fn run(mut self) -> Result<Found> {
        let stages: &[Stage] = if self.subject.threads > 1 {
            &[Stage::Team(self.subject.threads as usize)]
        } else {
            &[Stage::Form, Stage::Kernels]
        };
        for &stage in stages {
            let plan = self.plan(&self.best)?;
            let lists = self.lists(&plan, stage);
            let longest = lists.values().map(Vec::len).max().unwrap_or(0);
            for from in (0..longest).step_by(BATCH) {
                // Time for this one, and for the comparisons.
                if self.tried > 0 && self.start.elapsed() + self.batch * 3 > self.budget {
                    break;
                }
                let before = Instant::now();
                self.report(longest.div_ceil(BATCH) - from / BATCH);
                self.batch(&lists, from)?;
                self.batch = self.batch.max(before.elapsed());
            }
        }
        self.compare()
    }

    /// Choices to try for each shape.
    fn lists(&self, plan: &Plan, stage: Stage) -> BTreeMap<ShapeKey, Vec<StepTuning>> {
        let mut lists = BTreeMap::new();
        for (index, step) in plan.steps.iter().enumerate() {
            if let Some(key) = ShapeKey::of(step)
                && let Some(now) = self.best.get(&key)
            {
                lists.entry(key).or_insert_with(|| candidates(plan, &plan.schedules[0], index, now, stage));
            }
        }
        lists
    }

    /// Tries choices `from..` of each shape, and keeps what is faster.
    fn batch(&mut self, lists: &BTreeMap<ShapeKey, Vec<StepTuning>>, from: usize) -> Result<()> {
        let longest = lists.values().map(|list| list.len().saturating_sub(from)).max().unwrap_or(0).min(BATCH);
        let mut plans = vec![self.plain.clone(), self.plan(&self.best)?];
        for i in from..from + longest {
            let mut choices = self.best.clone();
            choices.extend(lists.iter().filter_map(|(key, list)| Some((*key, list.get(i)?.clone()))));
            plans.push(self.plan(&choices)?);
        }
        // Each as it is planned: what a choice leaves open is said too.
        let planned: Vec<BTreeMap<ShapeKey, StepTuning>> = plans.iter().map(choices).collect();
        let program = Program::build(self.subject, self.isa, plans)?;
        let times = self.by_key(&program.time(What::Steps, MEASURE[0], 0)?);
        for (key, list) in lists {
            let of = |variant: usize| times[variant].get(key).copied().unwrap_or(f64::INFINITY);
            let now = of(1);
            self.times.insert(*key, [of(0), now]);
            let count = list.len().saturating_sub(from).min(longest);
            self.tried += count;
            let best = (2..2 + count).min_by(|&a, &b| of(a).total_cmp(&of(b)));
            if let Some(best) = best.filter(|&best| of(best) < now * (1.0 - GAIN))
                && let Some(planned) = planned[best].get(key)
            {
                let tried = &list[from + best - 2];
                let choice = if self.subject.threads > 1 {
                    tried.clone()
                } else {
                    StepTuning {
                        no_prefetch: tried.no_prefetch,
                        parallelism: None,
                        per_thread_count: BTreeMap::new(),
                        ..planned.clone()
                    }
                };
                self.best.insert(*key, choice);
                self.times.insert(*key, [of(0), of(best)]);
            }
        }
        Ok(())
    }

    /// What was found against what is estimated, once more, for chance is not found twice: step by step in several
    /// processes, and with what holds in all of them the whole network.
    fn compare(mut self) -> Result<Found> {
        let watch = Watch::start();
        // Less where little time was given.
        let milliseconds = MEASURE[1].min(self.budget.as_millis() as u64 / 40).max(50);
        let mut pairs: BTreeMap<ShapeKey, Vec<[f64; 2]>> = BTreeMap::new();
        let mut all = Vec::new();
        {
            let plans = vec![self.plain.clone(), self.plan(&self.best)?];
            let program = Program::build(self.subject, self.isa, plans)?;
            for process in 0..PROCESSES {
                let times = self.by_key(&program.time(What::Steps, milliseconds, process % 2)?);
                all.push(times[0].values().sum());
                for key in self.best.keys() {
                    let pair = [0, 1].map(|variant| times[variant].get(key).copied().unwrap_or(0.0));
                    pairs.entry(*key).or_default().push(pair);
                }
            }
        }
        let holding: BTreeSet<ShapeKey> = pairs.iter().filter(|(_, pairs)| holds(pairs)).map(|(key, _)| *key).collect();
        for (key, pairs) in &pairs {
            let of = |which: usize| median(&pairs.iter().map(|pair| pair[which]).collect::<Vec<_>>());
            self.times.insert(*key, [of(0), of(1)]);
        }
        let found: BTreeMap<ShapeKey, StepTuning> = self
            .best
            .iter()
            .filter(|(key, _)| holding.contains(key))
            .map(|(key, choice)| (*key, choice.clone()))
            .collect();
        let proof = if found.is_empty() {
            None
        } else {
            let mut choices = self.base.clone();
            choices.extend(found.clone());
            let plan = self.plan(&choices)?;
            Some(proof::compare(self.subject, self.isa, &self.plain, &plan, milliseconds)?)
        };
        status("");
        let seen = watch.seen(proof.as_ref().map_or(&all, |proof| &proof.plain));
        let mut steps: BTreeMap<ShapeKey, Vec<String>> = BTreeMap::new();
        for step in &self.plain.steps {
            if let Some(key) = ShapeKey::of(step) {
                steps.entry(key).or_default().push(step.name.clone());
            }
        }
        let shapes = self.best.into_keys().collect();
        Ok(Found { choices: found, shapes, times: self.times, steps, proof, seen, tried: self.tried })
    }

    fn plan(&self, choices: &BTreeMap<ShapeKey, StepTuning>) -> Result<Plan> {
        program::plan(self.subject, self.isa, &tuned(self.isa, choices))
    }

    /// Sums over the steps of each shape, of each schedule.
    fn by_key(&self, times: &[Vec<f64>]) -> Vec<BTreeMap<ShapeKey, f64>> {
        let sums = |steps: &Vec<f64>| {
            let mut sums = BTreeMap::new();
            for (step, time) in self.plain.steps.iter().zip(steps) {
                if let Some(key) = ShapeKey::of(step) {
                    *sums.entry(key).or_insert(0.0) += time;
                }
            }
            sums
        };
        times.iter().map(sums).collect()
    }

    fn report(&self, batches: usize) {
        let left = self.budget.saturating_sub(self.start.elapsed()).min(self.batch * (batches as u32 + 3));
        let left = if self.batch.is_zero() { String::new() } else { format!(", {} s left", left.as_secs()) };
        // Milliseconds of all steps that have a choice.
        let [plain, found] = [0, 1].map(|which| self.times.values().map(|times| times[which]).sum::<f64>() / 1e6);
        let best = if plain > 0.0 { format!(", {found:.3} ms (without {plain:.3} ms)") } else { String::new() };
        status(&format!("{}: {} choices tried{best}{left}", self.isa.name, self.tried));
    }
}

/// Whether a choice is faster in every process, and in the median by more than chance.
fn holds(pairs: &[[f64; 2]]) -> bool {
    let ratios: Vec<f64> = pairs.iter().map(|[plain, found]| found / plain).collect();
    !ratios.is_empty() && ratios.iter().all(|ratio| *ratio < 1.0) && median(&ratios) <= 1.0 - GAIN
}

fn tuned(isa: Isa, choices: &BTreeMap<ShapeKey, StepTuning>) -> TuningProfile {
    TuningProfile { cpu: String::new(), choices: BTreeMap::from([(isa.name, choices.clone())]) }
}

/// What a plan does, shape by shape.
fn choices(plan: &Plan) -> BTreeMap<ShapeKey, StepTuning> {
    let schedule = &plan.schedules[0];
    let choice = |(index, step)| Some((ShapeKey::of(step)?, StepTuning::of(plan, schedule, index)?));
    plan.steps.iter().enumerate().filter_map(choice).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_repeated_gains_are_accepted() {
        let pairs = |ratios: [f64; 5]| ratios.map(|ratio| [1000.0, 1000.0 * ratio]);
        assert!(holds(&pairs([0.97, 0.99, 0.98, 0.999, 0.9])));
        assert!(!holds(&pairs([0.9, 0.9, 0.9, 0.9, 1.0])));
        assert!(!holds(&pairs([0.995; 5])));
        assert!(!holds(&[]) && !holds(&[[0.0, 0.0]]));
    }
}
