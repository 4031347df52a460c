//! What x86-64 processors say about themselves.

/// Whether the processor has these bits of ECX of leaf 1 and of EBX of leaf 7, and the system saves the registers that
/// these bits of XCR0 stand for.
pub(super) fn has(leaf_1: u32, leaf_7: u32, saved: u64) -> bool {
    // Miri has neither CPUID nor vectors.
    if cfg!(miri) {
        return false;
    }
    // OSXSAVE (27) and AVX (28).
    let leaf_1 = leaf_1 | 1 << 27 | 1 << 28;
    if cpuid(0).eax < 7 || cpuid(1).ecx & leaf_1 != leaf_1 || cpuid(7).ebx & leaf_7 != leaf_7 {
        return false;
    }
    // SAFETY: OSXSAVE says that XGETBV exists.
    let state = unsafe { xgetbv() };
    state & saved == saved
}

/// ECX of leaf 7, which exists where [`has`] is true of anything.
pub(super) fn leaf_7_ecx() -> u32 {
    cpuid(7).ecx
}

/// EAX of leaf 7.1; 0 where the processor has no such leaf.
pub(super) fn leaf_7_1_eax() -> u32 {
    if cpuid(7).eax >= 1 { subleaf(7, 1).eax } else { 0 }
}

fn cpuid(leaf: u32) -> core::arch::x86_64::CpuidResult {
    subleaf(leaf, 0)
}

fn subleaf(leaf: u32, subleaf: u32) -> core::arch::x86_64::CpuidResult {
    #[allow(unused_unsafe, reason = "CPUID is a safe function in later versions of Rust than the oldest supported")]
    // SAFETY: every processor of this architecture has the instruction.
    unsafe {
        core::arch::x86_64::__cpuid_count(leaf, subleaf)
    }
}

#[target_feature(enable = "xsave")]
fn xgetbv() -> u64 {
    // SAFETY: register 0 exists wherever the instruction does.
    unsafe { core::arch::x86_64::_xgetbv(0) }
}
