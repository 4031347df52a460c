//! The networks of the tests: shipped specs, and one small enough to be read.

use mnas_dsl::network::Network;

/// A shipped spec.
pub(crate) fn shipped(name: &str) -> Network {
    parse(&spec(name))
}

/// A shipped spec for 64x64 pixels, which the reference executor takes a second for.
pub(crate) fn small(name: &str) -> Network {
    parse(&spec(name).replace("224x224x3", "64x64x3"))
}

/// A stem, a separable convolution, an inverted residual with squeeze-excite, ten classes.
pub(crate) fn tiny() -> Network {
    parse(
        "
name: tiny
input: 8x8x3
batch_norm: {eps: 1e-3}
padding: same
activation: relu
stem: {op: conv, kernel: 3, stride: 2, filters: 4}
blocks:
  - {op: sepconv, kernel: 3, filters: 4}
  - {op: mbconv, expand: 3, kernel: 3, stride: 2, filters: 4, se: 0.25}
head: {filters: 6, classes: 10}
",
    )
}

pub(crate) fn parse(text: &str) -> Network {
    match mnas_dsl::load_yaml(text, "test.yaml") {
        Ok((_, network)) => network,
        Err(diagnostics) => panic!("{diagnostics:?}"),
    }
}

fn spec(name: &str) -> String {
    let specs = concat!(env!("CARGO_MANIFEST_DIR"), "/../specs");
    std::fs::read_to_string(format!("{specs}/{name}.yaml")).unwrap()
}
