//! mnasc
fn main() {}
