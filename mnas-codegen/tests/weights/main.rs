//! Weights: readers, names, errors, real checkpoints, random values.

mod assets;
mod files;
mod fit;
mod nets;
mod random;
mod tensorflow;
