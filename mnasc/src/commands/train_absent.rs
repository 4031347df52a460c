//! `mnasc train SPEC` of a mnasc that cannot.

use crate::cli::TrainArgs;
use crate::error::{Error, Result};

/// Says how to get one that can.
pub(crate) fn run(_: &TrainArgs) -> Result<()> {
    Err(absent())
}

/// Why nothing is trained.
pub(crate) fn absent() -> Error {
    Error::input("this mnasc was built without training")
        .hint("build it with `cargo build --release --features train`, or `cargo install mnasc --features train`")
}
