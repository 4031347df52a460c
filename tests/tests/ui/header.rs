mnas::mnas_net!();

mnas::mnas_net!(pub enum Net<32 x 32 x 3, 10> {});

mnas::mnas_net!(pub struct Net = "specs/tiny.yaml");

mnas::mnas_net!(pub struct Net = <"specs/tiny.yaml">, wieghts = "specs/tiny.safetensors");

mnas::mnas_net!(pub struct Net = <"specs/tiny.yaml">, isa = "avx2,avx3");

mnas::mnas_net!(pub struct Net = <"specs/tiny.yaml">, crate = );

fn main() {}
