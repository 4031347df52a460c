//! Several jobs at once.

use super::SearchError;
use crate::evaluator::Evaluator;
use crate::job::{Evaluation, Failure, Job};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

/// Bytes of a worker's stack: as much as a program's first thread has.
const STACK: usize = 8 << 20;

/// Evaluates each job, at most `threads` at once, and hands `done` each result with the job's index when it is there. When
/// `done` fails no further job is begun; those that are under way are waited for, and handed over too.
///
/// # Errors
///
/// The first error of `done`, or no threads.
pub(super) fn evaluate(
    evaluator: &dyn Evaluator,
    jobs: &[Job],
    threads: usize,
    done: &mut dyn FnMut(usize, Result<Evaluation, Failure>) -> Result<(), SearchError>,
) -> Result<(), SearchError> {
    if threads <= 1 || jobs.len() <= 1 {
        return jobs.iter().enumerate().try_for_each(|(at, job)| done(at, evaluator.evaluate(job)));
    }
    let (next, is_stopped) = (&AtomicUsize::new(0), &AtomicBool::new(false));
    thread::scope(|scope| {
        let (send, receive) = mpsc::channel();
        let mut result = Ok(());
        for _ in 0..threads.min(jobs.len()) {
            let send = send.clone();
            let work = move || {
                // Nobody begins another job before the result of this one is written down: so many results as there are
                // threads are lost at most, whenever the process is killed.
                let (written, wait) = mpsc::channel();
                while !is_stopped.load(Ordering::Relaxed) {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(job) = jobs.get(at) else { break };
                    let sent = send.send((at, evaluator.evaluate(job), written.clone()));
                    if sent.is_err() || wait.recv().is_err() {
                        break;
                    }
                }
            };
            if let Err(error) = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work) {
                is_stopped.store(true, Ordering::Relaxed);
                result = Err(SearchError::Evaluator(format!("cannot start a thread: {error}")));
                break;
            }
        }
        drop(send);
        for (at, evaluation, written) in receive {
            let this = done(at, evaluation);
            if this.is_err() {
                is_stopped.store(true, Ordering::Relaxed);
                result = result.and(this);
            }
            // A worker that is gone has nothing to wait for.
            let _ = written.send(());
        }
        result
    })
}
