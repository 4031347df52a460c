//! From an image to bytes: floats by rows or by planes, or 8-bit values by a table.

use super::attributes;
use crate::emit::int;
use crate::int8::map::{LANES, QUAD};
use crate::int8::plan::{Image, Plan};
use crate::machine::Isa;
use proc_macro2::{Literal, TokenStream};
use quote::quote;

/// The type of an image that `run` takes.
pub(super) fn kinds() -> TokenStream {
    quote! {
        /// An image as it is given.
        #[derive(Clone, Copy)]
        pub(super) enum Image<'a> {
            /// Height x width x channels.
            Pixels(&'a [f32]),
            /// Channels x height x width.
            Planes(&'a [f32]),
            /// Height x width x channels, 8-bit values.
            Bytes(&'a [u8]),
        }
    }
}

/// The function `quantize` of an instruction set's module: writes the image's bytes.
pub(super) fn emit(plan: &Plan, isa: &Isa, table: Option<usize>, checked: bool) -> TokenStream {
    let Image { layout, scale, zero, .. } = &plan.image;
    let (height, width, channels) = (layout.height, layout.width, layout.channels);
    let attribute = attributes(isa);
    let (scale, zero) = (Literal::f32_unsuffixed(*scale), int(usize::from(*zero)));
    let [row_len, y_row, origin, y_pixel, lanes] =
        [width * channels, layout.row(), layout.origin(), layout.block, LANES].map(int);
    let (h, w, c) = (int(height), int(width), int(channels));
    let block = int(layout.block_stride());
    // Where a value of pixel `i` and channel `c` of the row lies.
    let to = quote!(c / #y_pixel * #block + #origin + y * #y_row + i * #y_pixel + c % #y_pixel);
    let spread = if layout.block == QUAD {
        // A pixel is one quad. What follows its channels is multiplied by weights of 0.
        quote! {
            for i in 0..#w {
                set_quad(bytes_out, #origin + y * #y_row + i * #y_pixel, get_quad(row, i * #c));
            }
        }
    } else {
        quote! {
            for i in 0..#w {
                for c in 0..#c {
                    set(bytes_out, #to, get(row, i * #c + c));
                }
            }
        }
    };
    let four = if checked { quote!(assert!(i + 4 <= a.len());) } else { quote!() };
    let one = if checked { quote!(assert!(i < a.len());) } else { quote!() };
    let row =
        if checked { quote!(assert!(start + len <= values.len() && len + #lanes <= to.len());) } else { quote!() };
    // Without a table no function passes 8-bit values.
    let bytes = table.map_or(quote!(Image::Bytes(_) => {}), |table| {
        let table = int(table);
        quote! {
            Image::Bytes(image) => {
                for y in 0..#h {
                    for i in 0..#w {
                        for c in 0..#c {
                            let value = byte(image, (y * #w + i) * #c + c);
                            set(bytes_out, #to, byte(w, #table + c * 256 + usize::from(value)));
                        }
                    }
                }
            }
        }
    });
    quote! {
        /// Writes the bytes of an image.
        ///
        /// # Safety
        /// The processor has the features.
        #attribute
        unsafe fn quantize(image: Image<'_>, w: &[u8], row: &[Cell<u8>], bytes_out: &[Cell<u8>]) {
            match image {
                Image::Pixels(image) => {
                    for y in 0..#h {
                        quantize_row(image, y * #row_len, #row_len, row);
                        #spread
                    }
                }
                Image::Planes(planes) => {
                    for c in 0..#c {
                        for y in 0..#h {
                            quantize_row(planes, (c * #h + y) * #w, #w, row);
                            for i in 0..#w {
                                set(bytes_out, #to, get(row, i));
                            }
                        }
                    }
                }
                #bytes
            }
        }

        /// `a[i]`.
        ///
        /// # Safety
        /// As `byte`.
        #[inline(always)]
        unsafe fn get(a: &[Cell<u8>], i: usize) -> u8 {
            #one
            unsafe { a.get_unchecked(i).get() }
        }

        /// Four bytes from `a[i..]`.
        ///
        /// # Safety
        /// As `byte`.
        #[inline(always)]
        unsafe fn get_quad(a: &[Cell<u8>], i: usize) -> u32 {
            #four
            unsafe { a.as_ptr().add(i).cast::<u32>().read_unaligned() }
        }

        /// Stores four bytes to `a[i..]`.
        ///
        /// # Safety
        /// As `set`.
        #[inline(always)]
        unsafe fn set_quad(a: &[Cell<u8>], i: usize, value: u32) {
            #four
            unsafe { a.as_ptr().add(i).cast::<u32>().cast_mut().write_unaligned(value) }
        }

        /// The bytes of `values[start..][..len]`.
        ///
        /// # Safety
        /// `to` has as many bytes, and sixteen more.
        #attribute
        unsafe fn quantize_row(values: &[f32], start: usize, len: usize, to: &[Cell<u8>]) {
            #row
            let (from, to) = (values.as_ptr().add(start), to.as_ptr().cast::<u8>().cast_mut());
            let whole = len / #lanes * #lanes;
            for i in (0..whole).step_by(#lanes) {
                simd::quantize(to.add(i), simd::load_floats(from.add(i).cast()), #scale, #zero);
            }
            let mut rest = [0.0_f32; #lanes];
            for (i, to) in rest.iter_mut().enumerate().take(len - whole) {
                *to = *from.add(whole + i);
            }
            simd::quantize(to.add(whole), simd::load_floats(rest.as_ptr().cast()), #scale, #zero);
        }
    }
}
