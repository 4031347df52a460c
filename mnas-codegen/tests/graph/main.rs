//! Tests of the Graph: lowering, passes, reference executor, reports.

mod common;
mod family;
mod lowering;
mod packing;
mod passes;
mod reference;
mod report;
