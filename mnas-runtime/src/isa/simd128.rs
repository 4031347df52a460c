//! WebAssembly's 128-bit vectors: detection. There are no kernels of them yet.

/// Whether the target has them: a module with them is refused where they are missing, and cannot ask.
pub fn is_detected() -> bool {
    cfg!(all(any(target_arch = "wasm32", target_arch = "wasm64"), target_feature = "simd128"))
}
