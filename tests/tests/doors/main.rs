//! What the generated API promises, on networks from every door.
//!
//! One binary, for compiling networks takes longer than running them.

mod allocations;
mod equal;
mod int8;
mod load;
mod nets;
mod stack;
mod threads;
