//! Evaluates several jobs at once.

use super::SearchError;
use crate::evaluator::Evaluator;
use crate::job::{Evaluation, Failure, Job};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

/// Stack of a worker in bytes, as large as that of a program's first thread.
const STACK: usize = 8 << 20;

/// Evaluates each job, at most `threads` at once, and calls `done` with the index of each job and its result. When
/// `done` fails no further job is started; those in progress are waited for, and reported too.
///
/// # Errors
///
/// The first error of `done`, or threads cannot be started.
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
                // A worker starts its next job when the result of this one is stored: a process that is killed loses at
                // most one result for each thread.
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
            // A worker that has ended does not wait.
            let _ = written.send(());
        }
        result
    })
}
