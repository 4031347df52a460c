//! AVX-512 with VNNI and VBMI: detection. Its vectors are those of int8 networks (`int8/avx512vnni.rs`).

/// Whether the processor has AVX-512 with BW, VBMI and VNNI, and the system saves the registers.
pub fn is_detected() -> bool {
    // AVX-512BW (30) of EBX, VBMI (1) and VNNI (11) of ECX of leaf 7.
    super::avx512::is_detected()
        && super::x86_64::has(0, 1 << 30, 0b1110_0110)
        && super::x86_64::leaf_7_ecx() & (1 << 1 | 1 << 11) == 1 << 1 | 1 << 11
}

#[cfg(test)]
mod tests {
    extern crate std;

    #[test]
    fn detection_agrees_with_std() {
        assert_eq!(
            super::is_detected(),
            crate::isa::avx512::is_detected()
                && std::is_x86_feature_detected!("avx512bw")
                && std::is_x86_feature_detected!("avx512vbmi")
                && std::is_x86_feature_detected!("avx512vnni")
        );
    }
}
