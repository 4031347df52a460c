//! NEON, 64-bit ARM's vectors: detection. There are no kernels of it yet.

/// Whether the processor has NEON. Without the standard library the target decides: a program cannot detect it then.
#[cfg(all(target_arch = "aarch64", feature = "std"))]
pub fn is_detected() -> bool {
    extern crate std;
    std::arch::is_aarch64_feature_detected!("neon")
}

/// Whether the target has NEON.
#[cfg(not(all(target_arch = "aarch64", feature = "std")))]
pub fn is_detected() -> bool {
    cfg!(all(target_arch = "aarch64", target_feature = "neon"))
}
