//! Random networks that check the mnas compiler against its reference executor.
//!
//! [`draw::cases`] draws specs that together have every pair of values of the [`factors`]; two hundred are enough, so
//! compiling all of them is cheap. [`check::check`] compiles each, runs it on every instruction set of the machine, and
//! compares each step with the reference on the same inputs. Tests seed [`fault`]s between the stages of the compiler,
//! which the check has to find.
//!
//! ```
//! use mnas_fuzz::{cover::Missing, draw, factors::rows};
//!
//! let mut missing = Missing::all();
//! let before = missing.count();
//! for case in draw::cases(0, 2) {
//!     missing.remove(&rows(&case));
//! }
//! assert!(missing.count() + 500 < before);
//! ```
//!
//! [`int8`] does the same for networks in int8, whose integers are random too: every byte is compared.
//!
//! This crate does not depend on how the compiler works: it compiles specs and runs the result.
#![forbid(unsafe_code)]

pub mod case;
pub mod check;
pub mod cover;
pub mod data;
pub mod draw;
pub mod factors;
pub mod fault;
pub mod finding;
pub mod hunt;
pub mod int8;
pub mod program;
pub mod random;
pub mod reductions;
pub mod rules;
pub mod subject;

pub use case::Case;
