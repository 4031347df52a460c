//! Weights: readers, names, errors, real checkpoints, random values.

mod assets;
mod checkpoint_attacks;
mod files;
mod fit;
mod nets;
mod random;
mod tensorflow;
