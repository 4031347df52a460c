//! Jobs beside the trials, whose results are kept one by one as they come: none is done again after an interruption.

use super::{Failures, Search, SearchError, pool};
use crate::job::{Evaluation, Failure, Job, Purpose};
use crate::rng::Rng;
use serde::{Deserialize, Serialize};

/// What came of such a job.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Seen {
    Done(Evaluation),
    Failed(String),
}

impl Search<'_> {
    /// Results of all jobs, each kept as the finding that `name` says of its place. `seen` is told how many results there
    /// are, and of how many.
    pub(super) fn judge_once(
        &mut self,
        jobs: &[Job],
        name: &dyn Fn(usize) -> String,
        seen: &mut dyn FnMut(usize, usize),
    ) -> Result<Vec<Seen>, SearchError> {
        let mut results: Vec<Option<Seen>> = Vec::new();
        for at in 0..jobs.len() {
            results.push(self.study.finding(&name(at))?);
        }
        let open: Vec<usize> = (0..jobs.len()).filter(|&at| results[at].is_none()).collect();
        let left: Vec<Job> = open.iter().map(|&at| jobs[at].clone()).collect();
        let (mut done, mut failures) = (jobs.len() - open.len(), Failures::default());
        seen(done, jobs.len());
        let (evaluator, threads) = (self.evaluator, self.study.settings().jobs as usize);
        pool::evaluate(evaluator, &left, threads, &mut |at, result| {
            let result = match result {
                Err(Failure::Stop(message)) => return Err(SearchError::Evaluator(message)),
                Err(Failure::Trial(message)) => Seen::Failed(message),
                // Trials would be as far: better now than behind all of these.
                Ok(evaluation) if left[at].needs.latency && evaluation.latency.is_none() => match left[at].purpose {
                    Purpose::Ranking => return Err(SearchError::NoLatency(left[at].evaluator.clone())),
                    _ => Seen::Failed("the result has no latency".to_owned()),
                },
                Ok(evaluation) if !evaluation.is_finite() => Seen::Failed("a number is not finite".to_owned()),
                Ok(evaluation) => Seen::Done(evaluation),
            };
            self.study.set_finding(&name(open[at]), &result)?;
            done += 1;
            seen(done, jobs.len());
            let counted = failures.count(if let Seen::Failed(message) = &result { Some(message) } else { None });
            results[open[at]] = Some(result);
            counted
        })?;
        Ok(results.into_iter().flatten().collect())
    }
}

/// The seed of a job of a purpose that has this salt: other than those of trials.
pub(super) fn seed(search: u64, salt: u64, number: usize) -> u64 {
    let salt = salt ^ (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    Rng::new(search ^ salt).bits() >> 1
}
