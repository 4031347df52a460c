//! Architecture search over the members of a [`Space`](mnas_dsl::Space).
//!
//! ```text
//!  Searcher  -- ask -->  member  -- limits -->  Evaluator  -- reward -->  tell, and the Study keeps both
//! ```
//!
//! Searchers know sizes of choices and nothing of networks; evaluators know networks and nothing of searchers; the study
//! knows trials. All chance comes from generators whose state is saved with the trials: equal seeds give equal searches,
//! interrupted or not.
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
