//! Machines: what the planner and the emitter know of instruction sets and caches. Nothing here knows a graph or a plan.
//!
//! An instruction set is one file: its row (where it is compiled, how it is detected, registers, pipes), its microkernels,
//! its operations as tokens, and what `mnasc peak` measures of it. To add one: a file here and a line in [`ALL`], and its
//! detection and vector functions in `mnas-runtime/src/isa/`.

mod avx2;
mod avx512;
mod avx512vnni;
mod avxvnni;
pub mod cache;
mod isa;
mod microkernel;
mod ops;
mod pipes;
mod portable;

pub use avx2::AVX2;
pub use avx512::AVX512;
pub use avx512vnni::AVX512VNNI;
pub use avxvnni::AVXVNNI;
pub use cache::CacheModel;
pub use isa::{Gate, Int8, Isa};
pub use microkernel::{Microkernel, Tile};
pub use ops::Ops;
pub use pipes::Pipes;
pub use portable::SCALAR;

use std::fmt;

/// Every instruction set of `f32` kernels. Of those that a processor has, the first runs.
pub const ALL: &[Isa] = &[AVX512, AVX2, SCALAR];

/// Every instruction set of int8 kernels. Of those that a processor has, the first runs.
pub const INT8: &[Isa] = &[AVX512VNNI, AVXVNNI, AVX2, SCALAR];

/// The instruction sets of an architecture, best first; `scalar` belongs to all.
pub fn of_arch(arch: &str) -> Vec<Isa> {
    ALL.iter().filter(|isa| isa.gate.arch.is_empty() || isa.gate.arch == arch).copied().collect()
}

/// The instruction sets of this machine's architecture, best first.
pub fn of_host() -> Vec<Isa> {
    of_arch(std::env::consts::ARCH)
}

/// The instruction sets that this machine has, best first.
pub fn on_host() -> Vec<Isa> {
    let detected = mnas_runtime::isa::detected();
    of_host().into_iter().filter(|isa| detected.contains(isa.detect)).collect()
}

/// As [`on_host`], of int8 kernels.
pub fn int8_on_host() -> Vec<Isa> {
    let detected = mnas_runtime::isa::detected();
    let is_here = |isa: &&Isa| isa.is_portable() || isa.gate.arch == std::env::consts::ARCH;
    INT8.iter().filter(is_here).filter(|isa| detected.contains(isa.detect)).copied().collect()
}

/// The place of an instruction set in the order of preference; one that is not in [`ALL`] comes last.
pub fn rank(isa: &Isa) -> usize {
    ALL.iter().position(|other| other == isa).unwrap_or(ALL.len())
}

/// The names of all instruction sets, `scalar` last.
pub fn names() -> Vec<&'static str> {
    let mut names: Vec<&str> = Vec::new();
    for isa in ALL.iter().chain(INT8).filter(|isa| !isa.is_portable()).chain([&SCALAR]) {
        if !names.contains(&isa.name) {
            names.push(isa.name);
        }
    }
    names
}

/// The instruction set of that name.
///
/// # Errors
///
/// A name that no implemented instruction set has.
pub fn by_name(name: &str) -> Result<Isa, UnknownIsa> {
    ALL.iter().chain(INT8).find(|isa| isa.name == name).copied().ok_or_else(|| UnknownIsa(name.to_owned()))
}

/// The instruction sets of a list such as `avx2,scalar`, in any order.
///
/// # Errors
///
/// The first name that no instruction set has; an empty list is one empty name.
pub fn parse_list(list: &str) -> Result<Vec<Isa>, UnknownIsa> {
    list.split(',').map(|name| by_name(name.trim())).collect()
}

/// A name that no implemented instruction set has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownIsa(
    /// The name.
    pub String,
);

impl fmt::Display for UnknownIsa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known: Vec<String> = names().iter().map(|name| format!("`{name}`")).collect();
        write!(f, "unknown instruction set `{}`; known are {}", self.0, known.join(", "))
    }
}

impl std::error::Error for UnknownIsa {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_operations_of_its_own_vectors() {
        for isa in ALL {
            let vector = (isa.f32.ops)().vector.to_string();
            let bits = if isa.lanes == 1 { "f32".to_owned() } else { format!("__m{}", isa.lanes * 32) };
            assert_eq!(vector, bits, "{}", isa.name);
            assert_eq!((isa.f32.lanes, isa.f32.lanes * 4), (isa.lanes, isa.vector_bytes), "{}", isa.name);
        }
        // A new row, whatever its name, never gets the operations of another width.
        let new = Isa { name: "new", ..AVX2 };
        assert_eq!((new.f32.ops)().vector.to_string(), "__m256");
    }

    #[test]
    fn an_unknown_name_is_an_error() {
        for isa in ALL.iter().chain(INT8) {
            assert_eq!(by_name(isa.name), Ok(*isa));
        }
        for name in ["", "neon2", "AVX2", "scalar "] {
            assert_eq!(by_name(name), Err(UnknownIsa(name.to_owned())));
        }
        assert!(parse_list("avx2, scalar").is_ok() && parse_list("").is_err() && parse_list("avx2,x").is_err());
    }

    #[test]
    fn the_runtime_detects_every_instruction_set_under_its_name() {
        for isa in ALL.iter().chain(INT8) {
            let found = mnas_runtime::isa::ALL.iter().find(|other| other.name == isa.name);
            assert_eq!(found.map(|other| other.set), Some(isa.detect), "{}", isa.name);
        }
    }

    #[test]
    fn every_instruction_set_can_be_measured() {
        for isa in ALL {
            let text = (isa.peak)().to_string();
            for item in ["type Vector", "const LANES", "fn splat", "fn load", "fn multiply_add"] {
                assert!(text.contains(item), "{}: {item}", isa.name);
            }
        }
    }
}
