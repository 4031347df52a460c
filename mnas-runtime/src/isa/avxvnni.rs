//! AVX-VNNI: detection. Its vectors are those of int8 networks (`int8/avxvnni.rs`).

/// Whether the processor has AVX-VNNI with AVX2 and FMA, and the system saves the registers.
pub fn is_detected() -> bool {
    // AVX-VNNI (4) of EAX of leaf 7.1.
    super::avx2::is_detected() && super::x86_64::leaf_7_1_eax() & 1 << 4 != 0
}

#[cfg(test)]
mod tests {
    extern crate std;

    #[test]
    fn detection_agrees_with_std() {
        assert_eq!(super::is_detected(), std::is_x86_feature_detected!("avxvnni"));
    }
}
