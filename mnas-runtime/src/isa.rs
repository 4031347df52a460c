//! Which instruction set runs: decided once, the best that the processor and its system offer.

#[cfg(feature = "std")]
extern crate std;

use core::sync::atomic::{AtomicU8, Ordering};

/// Plain Rust.
pub const SCALAR: u8 = 1;
/// AVX2 with FMA.
pub const AVX2: u8 = 2;
/// AVX-512, its foundation.
pub const AVX512: u8 = 3;

/// Names by level, as `MNAS_ISA` takes them.
pub const NAMES: &[(&str, u8)] = &[("scalar", SCALAR), ("avx2", AVX2), ("avx512", AVX512)];

/// 0 until it is decided.
static LEVEL: AtomicU8 = AtomicU8::new(0);

/// The level to run at: what the machine has, or less where `MNAS_ISA` asks for less (feature `std`).
#[inline]
pub fn level() -> u8 {
    match LEVEL.load(Ordering::Relaxed) {
        0 => decide(),
        level => level,
    }
}

#[cold]
fn decide() -> u8 {
    settle(&LEVEL, detected().min(wanted()))
}

/// Stores the first level that a thread decides on, and returns it: a later decision, which may differ because `MNAS_ISA`
/// has changed, does not change the level of a run that has begun.
#[cfg(feature = "std")]
fn settle(decided: &AtomicU8, level: u8) -> u8 {
    match decided.compare_exchange(0, level, Ordering::Relaxed, Ordering::Relaxed) {
        Ok(_) => level,
        Err(first) => first,
    }
}

/// Stores the level. Without `MNAS_ISA` every thread decides on the same one, and some processors have no
/// compare-and-exchange.
#[cfg(not(feature = "std"))]
fn settle(decided: &AtomicU8, level: u8) -> u8 {
    decided.store(level, Ordering::Relaxed);
    level
}

/// The name of a level.
pub fn name(level: u8) -> &'static str {
    let mut best = "scalar";
    for &(name, l) in NAMES {
        if l <= level {
            best = name;
        }
    }
    best
}

/// What `MNAS_ISA` names, or no limit: an unknown name is no limit either, for there is nobody to tell.
#[cfg(feature = "std")]
fn wanted() -> u8 {
    let Some(value) = std::env::var_os("MNAS_ISA") else { return u8::MAX };
    NAMES.iter().find(|(name, _)| *name == value).map_or(u8::MAX, |&(_, level)| level)
}

#[cfg(not(feature = "std"))]
fn wanted() -> u8 {
    u8::MAX
}

/// The best level of this machine.
#[cfg(target_arch = "x86_64")]
pub fn detected() -> u8 {
    let leaf = |leaf: u32| {
        #[allow(unused_unsafe, reason = "CPUID is a safe function in later versions of Rust than the oldest supported")]
        // SAFETY: every processor of this architecture has the instruction.
        unsafe {
            core::arch::x86_64::__cpuid_count(leaf, 0)
        }
    };
    let (highest, first) = (leaf(0).eax, leaf(1).ecx);
    // FMA (12), OSXSAVE (27) and AVX (28) of leaf 1; AVX2 (5) of leaf 7.
    let needed = 1 << 12 | 1 << 27 | 1 << 28;
    if highest < 7 || first & needed != needed {
        return SCALAR;
    }
    // SAFETY: OSXSAVE says that XGETBV exists.
    let state = unsafe { xgetbv() };
    let (ymm, zmm) = (0b110, 0b1110_0110);
    // The system saves the XMM (1) and YMM (2) registers, for AVX-512 (16) masks (5) and the rest of ZMM (6, 7) too.
    match leaf(7).ebx {
        features if state & ymm != ymm || features & 1 << 5 == 0 => SCALAR,
        features if state & zmm != zmm || features & 1 << 16 == 0 => AVX2,
        _ => AVX512,
    }
}

/// The best level of this machine.
#[cfg(not(target_arch = "x86_64"))]
pub fn detected() -> u8 {
    SCALAR
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "xsave")]
fn xgetbv() -> u64 {
    // SAFETY: register 0 exists wherever the instruction does.
    unsafe { core::arch::x86_64::_xgetbv(0) }
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use super::{AVX2, AVX512, AtomicU8, SCALAR, settle};

    #[test]
    fn the_first_decision_holds() {
        let level = AtomicU8::new(0);
        assert_eq!(settle(&level, AVX512), AVX512);
        for later in [SCALAR, AVX2, AVX512] {
            assert_eq!(settle(&level, later), AVX512);
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn detection_agrees_with_std() {
        let avx2 = std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma");
        assert_eq!(super::detected() >= super::AVX2, avx2);
        let avx512 = avx2 && std::is_x86_feature_detected!("avx512f");
        assert_eq!(super::detected() >= super::AVX512, avx512);
    }
}
