//! WebAssembly's 128-bit vectors: detection. There are no kernels of them yet.

/// Whether the target has them. A module cannot detect them: an engine without them refuses it.
pub fn is_detected() -> bool {
    cfg!(all(any(target_arch = "wasm32", target_arch = "wasm64"), target_feature = "simd128"))
}
