//! One spec with the default instruction sets: beside the runtime, and with the runtime in the file.

use mnas_codegen::build::Build;

fn main() {
    let features = || Build::new("../../specs/features.yaml").random_weights(1);
    features().compile("features");
    features().standalone(true).compile("standalone");
}
