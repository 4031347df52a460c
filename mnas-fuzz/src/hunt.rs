//! From a failing case to its cause: the smallest spec that still fails, and the stage of the compiler at fault.

use crate::case::Case;
use crate::check::{Failure, Job, Settings, SystemError, check_jobs, runtime};
use crate::fault::Fault;
use crate::finding::Finding;
use crate::reductions::reductions;
use crate::subject::{Variant, check_graph, lowered, run_passes};
use mnas_codegen::machine::Isa;
use mnas_codegen::passes::PASSES;

/// Smaller specs that are tried together.
const TOGETHER: usize = 8;

/// What was found out about a failing case.
#[derive(Clone, Debug)]
pub struct Report {
    /// The smallest case that fails the same way.
    pub case: Case,
    /// What it was compiled for.
    pub variant: Variant,
    /// How it fails.
    pub finding: Finding,
    /// Which stage of the compiler is at fault, in words.
    pub blame: String,
}

/// Shrinks a failing case and finds the stage at fault. `progress` gets each smaller spec.
///
/// # Errors
///
/// Only the machine's.
pub fn hunt(
    case: &Case,
    failure: &Failure,
    fault: Option<&Fault>,
    settings: &Settings,
    progress: &dyn Fn(&Case),
) -> Result<Report, SystemError> {
    let _runtime = runtime(settings)?;
    let mut hunt = Hunt { settings: settings.clone(), fault, like: failure.finding.clone() };
    if let Some(isa) = failure.finding.isa() {
        hunt.settings.to_run.retain(|it| it.name == isa);
    }
    // A file with one instruction set builds faster.
    let alone = Variant { isas: hunt.settings.to_run.clone(), ..failure.variant.clone() };
    let first = match &failure.finding.isa() {
        Some(_) => hunt.fails(case, &alone, &hunt.settings)?,
        None => None,
    };
    let (case, smallest) = hunt.shrink(case, first.as_ref().unwrap_or(failure), progress)?;
    let failure = hunt.fails(&case, &failure.variant, &hunt.settings)?.unwrap_or(smallest);
    hunt.settings.to_run.clone_from(&settings.to_run);
    let blame = hunt.blame(&case, &failure)?;
    Ok(Report { case, variant: failure.variant, finding: failure.finding, blame })
}

struct Hunt<'a> {
    settings: Settings,
    fault: Option<&'a Fault>,
    /// Cases that fail in another way are ignored.
    like: Finding,
}

impl Hunt<'_> {
    /// How a case fails, if it does in the same way.
    fn fails(&self, case: &Case, variant: &Variant, settings: &Settings) -> Result<Option<Failure>, SystemError> {
        let job = Job { index: 0, case, variant: variant.clone(), fault: self.fault };
        let failures = check_jobs(&[job], settings, &|_, _| {})?;
        Ok(failures.into_iter().find(|failure| failure.finding.is_like(&self.like)))
    }

    fn shrink(&self, case: &Case, failure: &Failure, progress: &dyn Fn(&Case)) -> Result<(Case, Failure), SystemError> {
        let (mut case, mut failure) = (case.clone(), failure.clone());
        let mut from = 0;
        while let Some((at, smaller, how)) = self.smaller(&case, &failure.variant, from)? {
            (from, case, failure) = (at, smaller, how);
            progress(&case);
        }
        Ok((case, failure))
    }

    /// A smaller case that fails as well, and its index. Candidates from index `from` on are tried first: reductions that
    /// did not help before the last one rarely help after it.
    fn smaller(
        &self,
        case: &Case,
        variant: &Variant,
        from: usize,
    ) -> Result<Option<(usize, Case, Failure)>, SystemError> {
        let smaller: Vec<Case> = reductions(&case.spec).iter().filter_map(|spec| case.with_spec(spec)).collect();
        let job = |(index, case)| Job { index, case, variant: variant.clone(), fault: self.fault };
        let mut jobs: Vec<Job<'_>> = smaller.iter().enumerate().map(job).collect();
        jobs.rotate_left(from.min(smaller.len()));
        for together in jobs.chunks(TOGETHER) {
            let failures = check_jobs(together, &self.settings, &|_, _| {})?;
            let like = |job: &Job<'_>| {
                let own = failures.iter().find(|failure| failure.index == job.index);
                own.filter(|failure| failure.finding.is_like(&self.like)).cloned()
            };
            if let Some(failure) = together.iter().find_map(like) {
                return Ok(Some((failure.index, smaller[failure.index].clone(), failure)));
            }
        }
        Ok(None)
    }

    fn blame(&self, case: &Case, failure: &Failure) -> Result<String, SystemError> {
        match &failure.finding {
            Finding::Refused(_) => Ok("the compiler refuses what the language allows".to_owned()),
            Finding::InvalidGraph(_) | Finding::Passes { .. } => Ok(self.pass(case)),
            Finding::DoesNotCompile(_) => Ok("the passes keep what the network computes: the emitter".to_owned()),
            Finding::Stopped { .. } | Finding::Step { .. } | Finding::Output { .. } => self.back_end(case, failure),
        }
    }

    /// Switches passes off: the last of the fewest passes that together leave a wrong graph is at fault.
    fn pass(&self, case: &Case) -> String {
        let Ok(lowered) = lowered(case) else { return "lowering".to_owned() };
        let mut choices: Vec<u32> = (0..1 << PASSES.len()).collect();
        choices.sort_by_key(|choice| choice.count_ones());
        for choice in choices {
            let chosen = PASSES.iter().enumerate().filter(|(bit, _)| choice >> bit & 1 == 1);
            let names: Vec<&str> = chosen.map(|(_, pass)| pass.name).collect();
            let mut graph = lowered.graph.clone();
            run_passes(&mut graph, &names, self.fault);
            if check_graph(&graph, &lowered).is_ok() {
                continue;
            }
            return match &names[..] {
                [] => "lowering: the graph is wrong before any pass".to_owned(),
                [alone] => format!("the pass `{alone}`, which is wrong by itself"),
                [before @ .., last] => format!("the pass `{last}`, when `{}` ran before it", before.join("`, `")),
            };
        }
        "no choice of passes shows it: two runs differ".to_owned()
    }

    /// Runs it in other ways: on other instruction sets, in one row block, with assertions, without optimisation.
    fn back_end(&self, case: &Case, failure: &Failure) -> Result<String, SystemError> {
        let variant = &failure.variant;
        let on = |isa: Isa| Settings { to_run: vec![isa], ..self.settings.clone() };
        let ran: Vec<Isa> = self.settings.to_run.iter().copied().filter(|isa| variant.isas.contains(isa)).collect();
        let mut wrong = Vec::new();
        for &isa in &ran {
            if self.fails(case, variant, &on(isa))?.is_some() {
                wrong.push(isa.name);
            }
        }
        let mut said = match wrong.len() {
            n if n == ran.len() && n > 1 => {
                "every instruction set is wrong: the plan, the layout of the weights, or what all kernels share"
                    .to_owned()
            }
            _ => format!("the schedule or the kernels of {}, of {} that ran", wrong.join(", "), ran.len()),
        };
        if case.l2_bytes.is_some() {
            // More than any tensor has: one row block.
            let whole = Case { l2_bytes: Some(1 << 40), ..case.clone() };
            if self.fails(&whole, variant, &self.settings)?.is_none() {
                said.push_str("; right in one row block: row blocks or their line buffer");
            }
        }
        if let Some(isa) = failure.finding.isa().and_then(|name| mnas_codegen::machine::by_name(name).ok())
            && variant.isas.len() > 1
        {
            let alone = Variant { isas: vec![isa], ..variant.clone() };
            if self.fails(case, &alone, &on(isa))?.is_none() {
                said.push_str("; right alone in a file: weights and channels laid out for a wider one");
            }
        }
        if !variant.checked {
            let checked = Variant { checked: true, ..variant.clone() };
            let job = Job { index: 0, case, variant: checked, fault: self.fault };
            let failures = check_jobs(&[job], &self.settings, &|_, _| {})?;
            if failures.iter().any(|failure| matches!(failure.finding, Finding::Stopped { .. })) {
                said.push_str("; `--checked` stops: an access leaves its buffer");
            }
        }
        if self.settings.rustc.opt_level > 0 {
            let mut plainly = self.settings.clone();
            plainly.rustc.opt_level = 0;
            if self.fails(case, variant, &plainly)?.is_none() {
                said.push_str("; right without optimising: undefined behaviour, or rustc");
            }
        }
        Ok(said)
    }
}
