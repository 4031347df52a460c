//! Jobs beside the trials, whose results are stored one by one: no job is repeated after an interruption.

use super::{Failures, Search, SearchError, pool};
use crate::job::{Evaluation, Failure, Job, Purpose};
use crate::rng::Rng;
use serde::{Deserialize, Serialize};

/// The result of such a job.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum JobResult {
    Done(Evaluation),
    Failed(String),
}

impl Search<'_> {
    /// The results of all jobs; `name` gives the finding that stores the result of a job. `progress` is called with the
    /// number of results and of jobs.
    pub(super) fn evaluate_cached(
        &mut self,
        jobs: &[Job],
        name: &dyn Fn(usize) -> String,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Vec<JobResult>, SearchError> {
        let mut results: Vec<Option<JobResult>> = Vec::new();
        for at in 0..jobs.len() {
            results.push(self.study.finding(&name(at))?);
        }
        let open: Vec<usize> = (0..jobs.len()).filter(|&at| results[at].is_none()).collect();
        let left: Vec<Job> = open.iter().map(|&at| jobs[at].clone()).collect();
        let (mut done, mut failures) = (jobs.len() - open.len(), Failures::default());
        progress(done, jobs.len());
        let (evaluator, threads) = (self.evaluator, self.study.settings().jobs as usize);
        pool::evaluate(evaluator, &left, threads, &mut |at, result| {
            let result = match result {
                Err(Failure::Stop(message)) => return Err(SearchError::Evaluator(message)),
                Err(Failure::Trial(message)) => JobResult::Failed(message),
                // Trials would fail in the same way: it is better to stop now than after all of these jobs.
                Ok(evaluation) if left[at].needs.latency && evaluation.latency.is_none() => match left[at].purpose {
                    Purpose::Ranking => return Err(SearchError::NoLatency(left[at].evaluator.clone())),
                    _ => JobResult::Failed("the result has no latency".to_owned()),
                },
                Ok(evaluation) if !evaluation.is_finite() => JobResult::Failed("a number is not finite".to_owned()),
                Ok(evaluation) => JobResult::Done(evaluation),
            };
            self.study.set_finding(&name(open[at]), &result)?;
            done += 1;
            progress(done, jobs.len());
            let counted = failures.count(if let JobResult::Failed(message) = &result { Some(message) } else { None });
            results[open[at]] = Some(result);
            counted
        })?;
        Ok(results.into_iter().flatten().collect())
    }
}

/// The seed of a job; `salt` separates it from the seeds of trials and of other purposes.
pub(super) fn seed(search: u64, salt: u64, number: usize) -> u64 {
    let salt = salt ^ (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    Rng::new(search ^ salt).bits() >> 1
}
