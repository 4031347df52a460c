//! What a model computes, held against the reference executor.

mod forward;
mod gradients;
