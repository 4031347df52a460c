//! Plan -> Rust, for int8.
//!
//! Kernels are written in terms of the functions of `mnas_runtime::int8`, which every instruction set has, so their text
//! differs between instruction sets in the sizes of tiles alone.

mod conv;
mod depthwise;
mod elementwise;
mod image;
mod memory;
mod module;
mod pool;
mod surface;

pub use surface::{Options, emit};

use super::kernel::{Finish, Output};
use super::map::{LANES, Layout};
use crate::emit::{int, plus, times};
use crate::machine::{Int8, Isa};
use mnas_dsl::network::Activation;
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

/// A vector of constants.
const VECTOR: usize = 4 * LANES;

/// The sizes of tiles.
///
/// # Panics
///
/// If the instruction set has no int8 kernels, which compiling refuses.
pub(super) fn tiles(isa: &Isa) -> Int8 {
    isa.int8.expect("an instruction set of int8 kernels")
}

/// Attributes of every function.
fn attributes(isa: &Isa) -> TokenStream {
    let features = isa.features;
    if features.is_empty() { quote!() } else { quote!(#[target_feature(enable = #features)]) }
}

/// Statements that turn the sums `x` (a name) into what they become, at `at` of `y`.
fn finish(finish: Finish, output: Output, x: &Ident, at: &TokenStream, constants: &[Ident]) -> TokenStream {
    let zero = match output {
        Output::Bytes(_, zero) => int(usize::from(zero)),
        Output::Floats(_) => int(0_usize),
    };
    let first = &constants[0];
    match finish {
        Finish::Multiply { lower } => {
            let lower = int(usize::from(lower));
            quote!(put(y, #at, simd::multiply(simd::to_floats(#x), #first), #zero, #lower);)
        }
        Finish::Activate(activation) => {
            let (value, inverse) = (activate(activation, quote!(v)), &constants[1]);
            quote! {
                let v = simd::multiply(simd::to_floats(#x), #first);
                put(y, #at, simd::multiply(#value, #inverse), #zero, 0);
            }
        }
        Finish::Floats(activation) => {
            let value = activate(activation, quote!(v));
            quote! {
                let v = simd::multiply(simd::to_floats(#x), #first);
                put_floats(y, (#at) * 4, #value);
            }
        }
    }
}

/// Statements for a run of neighbouring pixels, `x(p)` at `at(p)`, as [`finish`]; four at a time where that is possible.
fn finish_run(
    (what, output): (Finish, Output),
    is_bounded: bool,
    pixels: usize,
    x: impl Fn(usize) -> Ident,
    at: impl Fn(usize) -> TokenStream,
    constants: &[Ident],
) -> TokenStream {
    let four = match (what, output) {
        (Finish::Multiply { lower: 0 } | Finish::Activate(_), Output::Bytes(_, zero)) if is_bounded => Some(zero),
        _ => None,
    };
    let fours = if four.is_some() { pixels / 4 * 4 } else { 0 };
    let mut out = TokenStream::new();
    for first in (0..fours).step_by(4) {
        let (to, zero) = (at(first), int(usize::from(four.unwrap_or(0))));
        let values = (first..first + 4).map(|p| {
            let (x, factor) = (x(p), &constants[0]);
            let v = quote!(simd::multiply(simd::to_floats(#x), #factor));
            match what {
                Finish::Activate(activation) => {
                    let (value, inverse) = (activate(activation, quote!(v)), &constants[1]);
                    quote!({ let v = #v; simd::multiply(#value, #inverse) })
                }
                _ => v,
            }
        });
        out.extend(quote!(put_four(y, #to, [#(#values),*], #zero);));
    }
    out.extend((fours..pixels).map(|p| finish(what, output, &x(p), &at(p), constants)));
    out
}

/// `activation(v)`.
fn activate(activation: Activation, v: TokenStream) -> TokenStream {
    match activation {
        Activation::Linear => v,
        Activation::Relu => quote!(simd::relu(#v)),
        Activation::Relu6 => quote!(simd::relu6(#v)),
        Activation::HardSigmoid => quote!(simd::hard_sigmoid(#v)),
        Activation::HardSwish => quote!(simd::multiply(#v, simd::hard_sigmoid(#v))),
        Activation::Sigmoid => quote!(simd::sigmoid(#v)),
        Activation::Swish => quote!(simd::multiply(#v, simd::sigmoid(#v))),
    }
}

/// Names of the constants of `finish` for vector `n`, and statements that load them from `w[at..]`.
fn constants(finish: Finish, n: usize, at: &TokenStream) -> (Vec<Ident>, TokenStream) {
    let names: Vec<Ident> = (0..finish.constants() / VECTOR).map(|i| format_ident!("m{i}_{n}")).collect();
    let loads = names.iter().enumerate().map(|(i, name)| {
        let at = plus(at.clone(), i * VECTOR);
        quote!(let #name = floats(w, #at);)
    });
    let loads = quote!(#(#loads)*);
    (names, loads)
}

/// From the start of a map to row `row`, a name, of block 0.
fn row_start(layout: &Layout, row: &TokenStream) -> TokenStream {
    plus(times(row.clone(), layout.row()), layout.origin())
}
