mnas::mnas_net!(pub struct Missing = <"specs/tiny.yaml">, schedule = "specs/none.yaml");

mnas::mnas_net!(pub struct Wrong = <"specs/tiny.yaml">, schedule = "specs/wrong.schedule.yaml");

mnas::mnas_net!(pub struct Several = <"specs/tiny.yaml">, schedule = "specs/two.schedule.yaml");

mnas::mnas_net!(pub struct Unknown = <"specs/tiny.yaml">, schedule = "specs/two.schedule.yaml", cpu = "c");

mnas::mnas_net!(pub struct Alone = <"specs/tiny.yaml">, cpu = "a");

// The spec and the schedule in one go.
mnas::mnas_net!(pub struct All = <"specs/wrong.yaml">, schedule = "specs/wrong.schedule.yaml");

fn main() {}
