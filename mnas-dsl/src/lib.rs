//! The mnas language: one grammar in two notations, YAML and Rust tokens.
//!
//! Text becomes a spanned tree, one reader walks the tree and collects every mistake, and what comes out is
//! a [`Spec`](spec::Spec) (what was written) or a [`Network`](network::Network) (what it means: every layer with its shapes).
#![forbid(unsafe_code)]

pub mod network;
