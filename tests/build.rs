//! Networks for the tests of generated code, through the build script's door.

use mnas_codegen::build::Build;

fn main() {
    let features = || Build::new("specs/features.yaml").weights("specs/features.safetensors");
    features().compile("features");
    features().standalone(true).compile("standalone");
    features().threaded(true).compile("threaded");
    features().threaded(true).standalone(true).checked(true).compile("threaded_standalone");
    features().checked(true).isa("scalar").compile("checked");
    let int8 = || Build::new("specs/features.yaml").weights("specs/features_int8.safetensors");
    int8().threaded(true).compile("int8");
    int8().threaded(true).checked(true).standalone(true).compile("int8_checked");
}
