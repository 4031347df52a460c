//! Instruction sets: which of them the processor and its system have, and which may run.
//!
//! One file for each has its detection and its functions of whole vectors. To add one: a file, a constant and a row of
//! [`ALL`].

#[cfg(feature = "std")]
extern crate std;

#[cfg(target_arch = "x86_64")]
pub mod avx2;
#[cfg(target_arch = "x86_64")]
pub mod avx512;
#[cfg(target_arch = "x86_64")]
pub mod avx512vnni;
#[cfg(target_arch = "x86_64")]
pub mod avxvnni;
pub mod neon;
pub mod portable;
pub mod simd128;
#[cfg(target_arch = "x86_64")]
mod x86_64;

use core::sync::atomic::{AtomicU16, Ordering};

/// A set of instruction sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IsaSet(u16);

impl IsaSet {
    /// Those of both sets.
    #[must_use]
    pub const fn union(self, other: IsaSet) -> IsaSet {
        IsaSet(self.0 | other.0)
    }

    /// Those that are in both sets.
    #[must_use]
    pub const fn intersection(self, other: IsaSet) -> IsaSet {
        IsaSet(self.0 & other.0)
    }

    /// Whether all of another set are in this one.
    pub const fn contains(self, other: IsaSet) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether a member of another set is in this one.
    pub const fn intersects(self, other: IsaSet) -> bool {
        self.0 & other.0 != 0
    }
}

/// Plain Rust, which every processor runs.
pub const SCALAR: IsaSet = IsaSet(1);
/// AVX2 with FMA.
pub const AVX2: IsaSet = IsaSet(1 << 1);
/// AVX-512, its foundation.
pub const AVX512: IsaSet = IsaSet(1 << 2);
/// NEON, 64-bit ARM's vectors.
pub const NEON: IsaSet = IsaSet(1 << 3);
/// WebAssembly's 128-bit vectors.
pub const SIMD128: IsaSet = IsaSet(1 << 4);
/// AVX-512 with VNNI and VBMI, for int8.
pub const AVX512VNNI: IsaSet = IsaSet(1 << 5);
/// AVX-VNNI, for int8.
pub const AVXVNNI: IsaSet = IsaSet(1 << 6);

/// An instruction set.
#[derive(Clone, Copy, Debug)]
pub struct Isa {
    /// Its name, as `MNAS_ISA` takes it.
    pub name: &'static str,
    /// The instruction set alone.
    pub set: IsaSet,
    /// It and the narrower ones that every processor with it has: those that may run where `MNAS_ISA` is its name.
    pub allows: IsaSet,
}

/// Every instruction set; of those that a processor has, the first is the best.
pub const ALL: &[Isa] = &[
    Isa {
        name: "avx512vnni",
        set: AVX512VNNI,
        allows: AVX512VNNI.union(AVXVNNI).union(AVX512).union(AVX2).union(SCALAR),
    },
    Isa { name: "avx512", set: AVX512, allows: AVX512.union(AVX2).union(SCALAR) },
    Isa { name: "avxvnni", set: AVXVNNI, allows: AVXVNNI.union(AVX2).union(SCALAR) },
    Isa { name: "avx2", set: AVX2, allows: AVX2.union(SCALAR) },
    Isa { name: "neon", set: NEON, allows: NEON.union(SCALAR) },
    Isa { name: "simd128", set: SIMD128, allows: SIMD128.union(SCALAR) },
    Isa { name: "scalar", set: SCALAR, allows: SCALAR },
];

/// 0 until it is decided.
static AVAILABLE: AtomicU16 = AtomicU16::new(0);

/// The instruction sets that may run: those of the machine, or fewer where `MNAS_ISA` limits them (feature `std`).
#[inline]
pub fn available() -> IsaSet {
    match AVAILABLE.load(Ordering::Relaxed) {
        0 => decide(),
        set => IsaSet(set),
    }
}

#[cold]
fn decide() -> IsaSet {
    settle(&AVAILABLE, detected().intersection(allowed()))
}

/// Stores the first set that a thread decides on, and returns it: a later decision, which may differ because `MNAS_ISA`
/// has changed, does not change the set of a run that has begun.
#[cfg(feature = "std")]
fn settle(decided: &AtomicU16, set: IsaSet) -> IsaSet {
    match decided.compare_exchange(0, set.0, Ordering::Relaxed, Ordering::Relaxed) {
        Ok(_) => set,
        Err(first) => IsaSet(first),
    }
}

/// Stores the set. Without `MNAS_ISA` every thread decides on the same one, and some processors have no
/// compare-and-exchange.
#[cfg(not(feature = "std"))]
fn settle(decided: &AtomicU16, set: IsaSet) -> IsaSet {
    decided.store(set.0, Ordering::Relaxed);
    set
}

/// The best instruction set of a set; `scalar` where there is no better one.
pub fn best(set: IsaSet) -> &'static Isa {
    const LAST: &Isa = &ALL[ALL.len() - 1];
    ALL.iter().find(|isa| set.contains(isa.set)).unwrap_or(LAST)
}

/// What `MNAS_ISA` allows: everything where it is not set. An unknown name allows everything as well, because there is no
/// way to report it.
#[cfg(feature = "std")]
fn allowed() -> IsaSet {
    let all = IsaSet(u16::MAX);
    let Some(value) = std::env::var_os("MNAS_ISA") else { return all };
    ALL.iter().find(|isa| *isa.name == value).map_or(all, |isa| isa.allows)
}

#[cfg(not(feature = "std"))]
fn allowed() -> IsaSet {
    IsaSet(u16::MAX)
}

/// The instruction sets of this machine.
pub fn detected() -> IsaSet {
    let mut set = SCALAR;
    let mut add = |isa: IsaSet, is_detected: bool| {
        if is_detected {
            set = set.union(isa);
        }
    };
    #[cfg(target_arch = "x86_64")]
    {
        add(AVX2, avx2::is_detected());
        add(AVX512, avx512::is_detected());
        add(AVXVNNI, avxvnni::is_detected());
        add(AVX512VNNI, avx512vnni::is_detected());
    }
    add(NEON, neon::is_detected());
    add(SIMD128, simd128::is_detected());
    set
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use super::*;

    #[test]
    fn the_first_decision_holds() {
        let decided = AtomicU16::new(0);
        assert_eq!(settle(&decided, AVX512.union(SCALAR)), AVX512.union(SCALAR));
        for later in [SCALAR, AVX2, AVX512] {
            assert_eq!(settle(&decided, later), AVX512.union(SCALAR));
        }
    }

    #[test]
    fn sets_are_of_bits_that_differ() {
        for (i, isa) in ALL.iter().enumerate() {
            assert!(isa.set.0.is_power_of_two() && isa.allows.contains(isa.set) && isa.allows.contains(SCALAR));
            assert!(ALL.iter().skip(i + 1).all(|other| !isa.set.intersects(other.set) && isa.name != other.name));
            // What it allows is no better than itself.
            assert_eq!(best(isa.allows).name, isa.name);
        }
        assert!(AVX2.union(SCALAR).intersects(SCALAR) && !AVX2.contains(AVX2.union(SCALAR)));
    }

    #[test]
    fn available_instruction_sets_were_detected() {
        assert!(detected().contains(SCALAR) && detected().contains(available()) && available().contains(SCALAR));
    }
}
