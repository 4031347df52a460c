mnas::mnas_net!(pub struct Missing = <"specs/none.yaml">);

mnas::mnas_net!(pub struct Outside = <"../mnas-tests/specs/tiny.yaml">);

mnas::mnas_net!(pub struct Absolute = <"/etc/hostname">);

mnas::mnas_net!(pub struct Link = <"specs/link.yaml">);

mnas::mnas_net!(pub struct Folder = <"specs">);

mnas::mnas_net!(pub struct Latin1 = <"specs/latin1.yaml">);

mnas::mnas_net!(pub struct Wrong = <"specs/wrong.yaml">);

// The spec, the weights and the instruction sets in one go.
mnas::mnas_net!(pub struct All = <"specs/wrong.yaml">, weights = "specs/none.safetensors", isa = "mmx");

fn main() {}
