//! Files from strangers: good ones are broken in thousands of ways, and each is given to the reader of its format.
//!
//! The program of this crate reads many files one after the other and says what became of each; [`watch`] runs it with
//! limits, sees when it dies, hangs, grows or opens a file, and finds out which input it was. `tests` has both at work,
//! and readers that are broken on purpose ([`planted`]), all of which have to be found out.
#![forbid(unsafe_code)]

pub mod bytes;
pub mod format;
pub mod mutate;
pub mod planted;
pub mod random;
mod run;
pub mod watch;

pub use format::{FORMATS, Format, Outcome};
pub use mutate::mutant;

/// A format or a planted reader by its name.
pub fn by_name(name: &str) -> Option<&'static Format> {
    FORMATS.iter().chain(planted::PLANTED).find(|format| format.name == name)
}
