mnas::mnas_net!(pub struct Unreadable = <"specs/tiny.yaml">, weights = "specs/text.safetensors");

mnas::mnas_net!(pub struct Unfit = <"specs/tiny.yaml">, weights = "specs/wrong.safetensors");

fn main() {}
