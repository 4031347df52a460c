//! Architecture search over the members of a [`Space`](mnas_dsl::Space).
//!
//! ```text
//!  Searcher  -- ask -->  member  -- limits -->  Evaluator  -- reward -->  tell, and the Study keeps both
//! ```
//!
//! Searchers know the sizes of choices and no networks; evaluators know networks and no searchers; the study knows trials.
//! All randomness comes from generators whose state is saved with the trials: equal seeds give equal searches, interrupted
//! or not.
#![forbid(unsafe_code)]

pub mod evaluator;
pub mod findings;
pub mod job;
pub mod limits;
mod noise;
pub mod optuna;
pub mod pareto;
pub mod ranking;
pub mod reward;
pub mod rng;
pub mod search;
pub mod searcher;
pub mod stats;
pub mod study;

/// Runs the README's examples.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeExamples;
