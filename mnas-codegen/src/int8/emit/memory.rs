//! The functions through which kernels touch memory. With `checked` every access is asserted.

use super::attributes;
use crate::machine::Isa;
use proc_macro2::TokenStream;
use quote::quote;

pub(super) fn memory(isa: &Isa, checked: bool) -> TokenStream {
    let attribute = attributes(isa);
    let guard = |n: usize| {
        let n = crate::emit::int(n);
        if checked { quote!(assert!(i + #n <= a.len());) } else { quote!() }
    };
    let [one, four, sixteen, all] = [1, 4, 16, 64].map(guard);
    quote! {
        /// Four bytes of a pixel from `a[i..]`.
        ///
        /// # Safety
        /// The plan keeps `i` and the bytes behind it inside of `a`.
        #[inline]
        #attribute
        unsafe fn quad(a: &[u8], i: usize) -> simd::Quad { #four unsafe { simd::splat_quad(a.as_ptr().add(i)) } }
        /// Four weights of each channel from `a[i..]`.
        ///
        /// # Safety
        /// As `quad`.
        #[inline]
        #attribute
        unsafe fn weights(a: &[u8], i: usize) -> simd::Weights { #all unsafe { simd::load_weights(a.as_ptr().add(i)) } }
        /// Biases from `a[i..]`.
        ///
        /// # Safety
        /// As `quad`.
        #[inline]
        #attribute
        unsafe fn sums(a: &[u8], i: usize) -> simd::Sums { #all unsafe { simd::load_sums(a.as_ptr().add(i)) } }
        /// Constants from `a[i..]`.
        ///
        /// # Safety
        /// As `quad`.
        #[inline]
        #attribute
        unsafe fn floats(a: &[u8], i: usize) -> simd::Floats { #all unsafe { simd::load_floats(a.as_ptr().add(i)) } }
        /// Four pixels from `a[i..]`.
        ///
        /// # Safety
        /// As `quad`.
        #[inline]
        #attribute
        unsafe fn window(a: &[u8], i: usize) -> simd::Window { #all unsafe { simd::load_window(a.as_ptr().add(i)) } }
        /// The bytes of a pixel from `a[i..]`, as sums.
        ///
        /// # Safety
        /// As `quad`.
        #[inline]
        #attribute
        unsafe fn bytes(a: &[u8], i: usize) -> simd::Sums { #sixteen unsafe { simd::load_bytes(a.as_ptr().add(i)) } }
        /// Rounds, adds the zero point, limits to `lower..=255`, and stores sixteen bytes to `a[i..]`.
        ///
        /// # Safety
        /// As `quad`; no other thread reads or writes there until the next barrier.
        #[inline]
        #attribute
        unsafe fn put(a: &[Cell<u8>], i: usize, v: simd::Floats, zero: i32, lower: i32) {
            #sixteen
            unsafe { simd::store_bytes(a.as_ptr().add(i).cast::<u8>().cast_mut(), v, zero, lower) }
        }
        /// As `put` without a limit, of four pixels that lie one behind the other.
        ///
        /// # Safety
        /// As `put`.
        #[inline]
        #attribute
        unsafe fn put_four(a: &[Cell<u8>], i: usize, v: [simd::Floats; 4], zero: i32) {
            #all
            unsafe { simd::store_four(a.as_ptr().add(i).cast::<u8>().cast_mut(), v, zero) }
        }
        /// As `put`, with a residual: the byte that `put` would store, plus `other`, limited to bytes.
        ///
        /// # Safety
        /// As `put`.
        #[inline]
        #attribute
        unsafe fn put_sum(a: &[Cell<u8>], i: usize, v: simd::Floats, zero: i32, lower: i32, other: simd::Sums) {
            #sixteen
            unsafe { simd::store_sum(a.as_ptr().add(i).cast::<u8>().cast_mut(), v, zero, lower, other) }
        }
        /// Stores sixteen values to `a[i..]`.
        ///
        /// # Safety
        /// As `put`.
        #[inline]
        #attribute
        unsafe fn put_floats(a: &[Cell<u8>], i: usize, v: simd::Floats) {
            #all
            unsafe { simd::store_floats(a.as_ptr().add(i).cast::<u8>().cast_mut(), v) }
        }
        /// Stores a byte to `a[i]`.
        ///
        /// # Safety
        /// As `put`.
        #[inline(always)]
        unsafe fn set(a: &[Cell<u8>], i: usize, value: u8) {
            #one
            unsafe { a.get_unchecked(i).set(value) }
        }
        /// `a[i]`.
        ///
        /// # Safety
        /// As `quad`.
        #[inline(always)]
        unsafe fn byte(a: &[u8], i: usize) -> u8 {
            #one
            unsafe { *a.get_unchecked(i) }
        }
        /// Fills `a[start..][..len]`.
        ///
        /// # Safety
        /// As `put`.
        #[inline]
        unsafe fn fill(a: &[Cell<u8>], start: usize, len: usize, value: u8) {
            for i in start..start + len {
                set(a, i, value);
            }
        }
    }
}
