//! Operations of an instruction set as tokens. Kernels are written once, in terms of these.

use crate::element::Element;
use mnas_dsl::network::Activation;
use proc_macro2::{Ident, Literal, TokenStream};
use quote::quote;

/// How an instruction set writes its operations on vectors of one element type. Arguments and results are expressions.
pub struct Ops {
    /// The element type.
    pub element: Element,
    /// The vector type.
    pub vector: TokenStream,
    /// Imports of the module, given the path to mnas-runtime.
    pub imports: fn(&TokenStream) -> TokenStream,
    /// Loads a vector from `a[i..]`.
    pub load: TokenStream,
    /// `a[i]` in every lane.
    pub broadcast: TokenStream,
    /// Stores `v` to `a[i..]`.
    pub store: TokenStream,
    /// Prefetches the cache line of `a[i]` into L1, also behind the end of `a`; empty where there is no such instruction.
    pub prefetch: TokenStream,
    /// Prefetches it into L2.
    pub prefetch_l2: TokenStream,
    /// `x * w + c`.
    pub multiply_add: fn(TokenStream, TokenStream, TokenStream) -> TokenStream,
    /// Keeps these sums from being computed later than here, where LLVM would load ahead what it has no registers for;
    /// empty elsewhere.
    pub pin: fn(&[Ident]) -> TokenStream,
    /// `a + b`.
    pub add: fn(TokenStream, TokenStream) -> TokenStream,
    /// `a * b`.
    pub multiply: fn(TokenStream, TokenStream) -> TokenStream,
    /// The larger; `b` where either is NaN.
    pub max: fn(TokenStream, TokenStream) -> TokenStream,
    /// The smaller; `b` where either is NaN.
    pub min: fn(TokenStream, TokenStream) -> TokenStream,
    /// A constant in every lane.
    pub splat: fn(f32) -> TokenStream,
    /// `1 / (1 + exp(-x))`.
    pub sigmoid: fn(TokenStream) -> TokenStream,
}

impl Ops {
    /// `activation(v)`; `v` should be a name, for it may be written twice.
    pub fn activate(&self, activation: Activation, v: TokenStream) -> TokenStream {
        let zero = (self.splat)(0.0);
        let hard_sigmoid = |v: TokenStream| {
            let shifted = (self.add)(v, (self.splat)(3.0));
            let clamped = (self.min)((self.max)(shifted, zero.clone()), (self.splat)(6.0));
            (self.multiply)(clamped, (self.splat)(1.0 / 6.0))
        };
        match activation {
            Activation::Linear => v,
            Activation::Relu => (self.max)(v, zero),
            Activation::Relu6 => (self.min)((self.max)(v, zero), (self.splat)(6.0)),
            Activation::HardSigmoid => hard_sigmoid(v),
            Activation::HardSwish => (self.multiply)(v.clone(), hard_sigmoid(v)),
            Activation::Sigmoid => (self.sigmoid)(v),
            Activation::Swish => (self.multiply)(v.clone(), (self.sigmoid)(v)),
        }
    }

    /// The same operations for the program that measures the peak.
    pub(super) fn peak(&self, imports: TokenStream, lanes: usize, splat: TokenStream) -> TokenStream {
        let Ops { vector, load, .. } = self;
        let element = self.element.rust();
        let lanes = Literal::usize_unsuffixed(lanes);
        let multiply_add = (self.multiply_add)(quote!(x), quote!(w), quote!(c));
        quote! {
            #imports
            type Vector = #vector;
            const LANES: usize = #lanes;
            #[inline(always)]
            unsafe fn splat(v: #element) -> Vector { #splat }
            #[inline(always)]
            unsafe fn load(a: &[#element], i: usize) -> Vector { #load }
            #[inline(always)]
            unsafe fn multiply_add(x: Vector, w: Vector, c: Vector) -> Vector { #multiply_add }
        }
    }
}

/// An `f32` literal that reads back as the same value.
pub(super) fn float(value: f32) -> Literal {
    Literal::f32_unsuffixed(value)
}
