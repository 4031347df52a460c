//! Weights: readers, names, errors, real checkpoints, random values.

mod assets;
mod checkpoint_attacks;
mod checkpoints;
mod files;
mod fit;
mod nets;
mod order;
mod pickle;
mod random;
mod tensorflow;
