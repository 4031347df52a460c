//! Every instruction set gives the bits of `portable`.

extern crate std;

use super::{LANES, portable};
use std::vec::Vec;

/// Bytes without a pattern.
fn bytes(seed: &mut u64) -> [u8; 64] {
    core::array::from_fn(|_| {
        *seed ^= *seed << 13;
        *seed ^= *seed >> 7;
        *seed ^= *seed << 17;
        (*seed >> 32) as u8
    })
}

/// Values of every magnitude that ends of tiles meet, and those at which rounding is decided.
fn floats() -> Vec<[f32; LANES]> {
    let mut values: Vec<f32> = (-4000..4000).map(|i| i as f32 / 8.0).collect();
    values.extend((-2000..2000).map(|i| i as f32 * 0.0437));
    values.extend([0.0, -0.0, 1e9, -1e9, 3e38, -3e38, f32::INFINITY, f32::NEG_INFINITY, 1e-40, 254.5, 255.5, -0.5]);
    values.resize(values.len().next_multiple_of(LANES), 1.0);
    values.chunks_exact(LANES).map(|c| c.try_into().unwrap()).collect()
}

macro_rules! equals_portable {
    ($name:ident, $features:literal, $is_detected:expr) => {
        #[test]
        fn $name() {
            use super::$name as simd;
            if !$is_detected {
                std::eprintln!("skipped: this machine lacks {}", $features);
                return;
            }
            #[target_feature(enable = $features)]
            unsafe fn integers(a: &[u8; 64], w: &[u8; 64], b: &[u8; 64]) -> [[u8; 64]; 3] {
                let mut out = [[0; 64]; 3];
                // SAFETY: sums are 64 bytes, and any bits are bytes.
                let mut keep = |i: usize, sums| out[i] = unsafe { core::mem::transmute_copy(&sums) };
                // SAFETY: arrays of 64 bytes.
                unsafe {
                    let (w, b) = (simd::load_weights(w.as_ptr()), simd::load_sums(b.as_ptr()));
                    let sum = simd::add_sums(b, simd::load_bytes(a.as_ptr()));
                    keep(0, simd::dot(sum, simd::splat_quad(a.as_ptr().add(5)), w));
                    keep(1, simd::dot_window(simd::splat_sum(-7), simd::load_window(a.as_ptr()), w));
                    keep(2, simd::max_sums(b, simd::load_bytes(a.as_ptr())));
                }
                out
            }
            #[target_feature(enable = $features)]
            unsafe fn reals(x: &[f32; LANES], zero: i32, lower: i32) -> ([[u8; 64]; 7], [[u8; 16]; 4]) {
                let (mut wide, mut narrow) = ([[0; 64]; 7], [[0; 16]; 4]);
                // SAFETY: arrays of 16 values, and of 64 and 16 bytes.
                unsafe {
                    let x = simd::load_floats(x.as_ptr().cast());
                    simd::store_floats(wide[0].as_mut_ptr(), simd::relu(x));
                    simd::store_floats(wide[1].as_mut_ptr(), simd::relu6(x));
                    simd::store_floats(wide[2].as_mut_ptr(), simd::hard_sigmoid(x));
                    simd::store_floats(wide[3].as_mut_ptr(), simd::sigmoid(x));
                    simd::store_floats(wide[4].as_mut_ptr(), simd::multiply(x, simd::splat(0.3)));
                    simd::store_floats(wide[5].as_mut_ptr(), simd::to_floats(simd::splat_sum(33_554_435 + lower)));
                    simd::store_bytes(narrow[0].as_mut_ptr(), x, zero, lower);
                    simd::quantize(narrow[1].as_mut_ptr(), x, 0.0173, zero);
                    simd::store_bytes(narrow[2].as_mut_ptr(), simd::multiply(x, simd::splat(f32::NAN)), zero, lower);
                    let other = simd::splat_sum(lower - zero);
                    simd::store_sum(narrow[3].as_mut_ptr(), x, zero, lower, other);
                    let small = simd::multiply(x, simd::splat(if lower == 0 { 1e-30 } else { 0.75 }));
                    let four = [small, simd::multiply(small, simd::splat(0.5)), simd::splat(2e9), simd::splat(-2e9)];
                    simd::store_four(wide[6].as_mut_ptr(), four, zero);
                }
                (wide, narrow)
            }
            let mut seed = 88_172_645_463_325_252;
            for _ in 0..2000 {
                let (a, w, b) = (bytes(&mut seed), bytes(&mut seed), bytes(&mut seed));
                // SAFETY: the features were detected.
                let found = unsafe { integers(&a, &w, &b) };
                // SAFETY: arrays of 64 bytes.
                let expected = unsafe {
                    let (w, b) = (portable::load_weights(w.as_ptr()), portable::load_sums(b.as_ptr()));
                    let sum = portable::add_sums(b, portable::load_bytes(a.as_ptr()));
                    let first = portable::dot(sum, portable::splat_quad(a.as_ptr().add(5)), w);
                    let window = portable::load_window(a.as_ptr());
                    let most = portable::max_sums(b, portable::load_bytes(a.as_ptr()));
                    [first, portable::dot_window(portable::splat_sum(-7), window, w), most]
                };
                let expected = expected.map(|sums| {
                    let bytes: Vec<u8> = sums.iter().flat_map(|s| s.to_le_bytes()).collect();
                    bytes
                });
                assert_eq!(found.map(|f| f.to_vec()), expected);
            }
            for x in floats() {
                for (zero, lower) in [(0, 0), (128, 0), (254, 2), (6, 6)] {
                    // SAFETY: the features were detected.
                    let (wide, narrow) = unsafe { reals(&x, zero, lower) };
                    let expected = [
                        portable::relu(x),
                        portable::relu6(x),
                        portable::hard_sigmoid(x),
                        portable::sigmoid(x),
                        portable::multiply(x, portable::splat(0.3)),
                        portable::to_floats(portable::splat_sum(33_554_435 + lower)),
                    ];
                    for (found, expected) in wide.iter().zip(expected) {
                        let found = found.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap()));
                        let found: Vec<f32> = found.collect();
                        // Zeros may differ in sign: they are the same byte.
                        assert_eq!(found, expected, "{x:?}");
                    }
                    let mut bytes = [[0; 16]; 4];
                    // SAFETY: arrays of 16 bytes.
                    unsafe {
                        portable::store_bytes(bytes[0].as_mut_ptr(), x, zero, lower);
                        portable::quantize(bytes[1].as_mut_ptr(), x, 0.0173, zero);
                        portable::store_bytes(bytes[2].as_mut_ptr(), [f32::NAN; LANES], zero, lower);
                        let other = portable::splat_sum(lower - zero);
                        portable::store_sum(bytes[3].as_mut_ptr(), x, zero, lower, other);
                    }
                    assert_eq!(narrow, bytes, "{x:?} {zero} {lower}");
                    // Its values are limited to those that it is defined for.
                    if x.iter().all(|x| x.abs() < 1e9) {
                        let small = portable::multiply(x, portable::splat(if lower == 0 { 1e-30 } else { 0.75 }));
                        let half = portable::multiply(small, portable::splat(0.5));
                        let mut four = [0; 64];
                        // SAFETY: an array of 64 bytes.
                        unsafe {
                            let four_of = [small, half, portable::splat(2e9), portable::splat(-2e9)];
                            portable::store_four(four.as_mut_ptr(), four_of, zero);
                        }
                        assert_eq!(wide[6], four, "{x:?} {zero}");
                    }
                    assert_eq!(bytes[2], [lower as u8; 16]);
                }
            }
        }
    };
}

equals_portable!(avx2, "avx2", crate::isa::avx2::is_detected());
equals_portable!(avxvnni, "avx2,avxvnni", crate::isa::avxvnni::is_detected());
equals_portable!(avx512vnni, "avx512f,avx512bw,avx512vbmi,avx512vnni", crate::isa::avx512vnni::is_detected());
