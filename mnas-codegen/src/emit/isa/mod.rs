//! Operations of each instruction set as tokens: one file a set.
//!
//! Kernels are written once, in terms of these; what a tile looks like follows from the plan.

pub(crate) mod avx2;
pub(crate) mod avx512;
pub(crate) mod scalar;

use mnas_dsl::network::Activation;
use proc_macro2::{Ident, Literal, TokenStream};
use quote::quote;

/// How an instruction set writes its operations. Arguments and results are expressions.
pub struct Ops {
    /// The vector type.
    pub vector: TokenStream,
    /// Imports of the module, given the path to mnas-runtime.
    pub imports: fn(&TokenStream) -> TokenStream,
    /// Bodies of `ld(a, i)`, `bc(a, i)` and `st(a, i, v)`: load, broadcast, store.
    pub load: TokenStream,
    /// See `load`.
    pub broadcast: TokenStream,
    /// See `load`.
    pub store: TokenStream,
    /// Body of `pf(a, i)`, which asks for the cache line of `a[i]`, wherever that is; nothing where there is no such thing.
    pub prefetch: TokenStream,
    /// The same into the second level and no nearer.
    pub prefetch_far: TokenStream,
    /// `x * w + c`.
    pub multiply_add: fn(TokenStream, TokenStream, TokenStream) -> TokenStream,
    /// Keeps these sums from being made later than here, where registers are few: LLVM would load ahead what it has no
    /// registers for. Nothing elsewhere.
    pub pin: fn(&[Ident]) -> TokenStream,
    /// `a + b`.
    pub add: fn(TokenStream, TokenStream) -> TokenStream,
    /// `a * b`.
    pub multiply: fn(TokenStream, TokenStream) -> TokenStream,
    /// The larger, `b` where either is no number.
    pub max: fn(TokenStream, TokenStream) -> TokenStream,
    /// The smaller.
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

    /// The functions through which kernels touch memory. With `checked` every access is asserted.
    pub fn memory(&self, lanes: usize, checked: bool) -> TokenStream {
        let (vector, load, broadcast, store) = (&self.vector, &self.load, &self.broadcast, &self.store);
        let lanes = crate::emit::int(lanes);
        let guard = |n: TokenStream| if checked { quote!(assert!(i + #n <= a.len());) } else { quote!() };
        let (wide, one) = (guard(quote!(#lanes)), guard(quote!(1)));
        let (prefetch, prefetch_far) = (&self.prefetch, &self.prefetch_far);
        let range = if checked { quote!(assert!(start <= a.len());) } else { quote!() };
        let split =
            if checked { quote!(a.split_at_mut(len)) } else { quote!(unsafe { a.split_at_mut_unchecked(len) }) };
        let row = if checked { quote!(assert!(i < a.len());) } else { quote!() };
        quote! {
            #[doc = " A vector from `a[i..]`."]
            #[doc = ""]
            #[doc = " # Safety"]
            #[doc = " The caller's plan keeps `i` and the lanes after it inside of `a`."]
            #[inline(always)]
            unsafe fn ld(a: &[f32], i: usize) -> #vector { #wide #load }
            #[doc = " `a[i]` in every lane."]
            #[doc = ""]
            #[doc = " # Safety"]
            #[doc = " As `ld`."]
            #[inline(always)]
            unsafe fn bc(a: &[f32], i: usize) -> #vector { #one #broadcast }
            #[doc = " Stores a vector to `a[i..]`."]
            #[doc = ""]
            #[doc = " # Safety"]
            #[doc = " As `ld`."]
            #[inline(always)]
            unsafe fn st(a: &mut [f32], i: usize, v: #vector) { #wide #store }
            #[doc = " Asks for the cache line of `a[i]`, which may lie behind the end: then nothing happens."]
            #[inline(always)]
            fn pf(a: &[f32], i: usize) { #prefetch }
            #[doc = " As `pf`, into the second-level cache."]
            #[inline(always)]
            fn pf_far(a: &[f32], i: usize) { #prefetch_far }
            #[doc = " `a[start..]`."]
            #[doc = ""]
            #[doc = " # Safety"]
            #[doc = " As `ld`."]
            #[inline(always)]
            unsafe fn from(a: &[f32], start: usize) -> &[f32] { #range unsafe { a.get_unchecked(start..) } }
            #[doc = " `a[start..]`, to write."]
            #[doc = ""]
            #[doc = " # Safety"]
            #[doc = " As `ld`."]
            #[inline(always)]
            unsafe fn from_mut(a: &mut [f32], start: usize) -> &mut [f32] { #range unsafe { a.get_unchecked_mut(start..) } }
            #[doc = " Where a row starts."]
            #[doc = ""]
            #[doc = " # Safety"]
            #[doc = " As `ld`."]
            #[inline(always)]
            unsafe fn row(a: &[usize], i: usize) -> usize { #row unsafe { *a.get_unchecked(i) } }
            #[doc = " The first `len` values, and the rest."]
            #[doc = ""]
            #[doc = " # Safety"]
            #[doc = " As `ld`."]
            #[inline(always)]
            unsafe fn split(a: &mut [f32], len: usize) -> (&mut [f32], &mut [f32]) { #split }
        }
    }

    /// The functions through which workers touch memory that they share. With `checked` every access is asserted.
    pub fn shared_memory(&self, lanes: usize, checked: bool) -> TokenStream {
        let vector = &self.vector;
        let lanes = crate::emit::int(lanes);
        let range = if checked { quote!(assert!(start + len <= a.len());) } else { quote!() };
        let start = if checked { quote!(assert!(start <= a.len());) } else { quote!() };
        quote! {
            #[doc = " `a[start..]`, which workers share."]
            #[doc = ""]
            #[doc = " # Safety"]
            #[doc = " As `ld`."]
            #[inline(always)]
            unsafe fn part(a: &[Cell<f32>], start: usize) -> &[Cell<f32>] { #start unsafe { a.get_unchecked(start..) } }
            #[doc = " `a[start..][..len]`, to read."]
            #[doc = ""]
            #[doc = " # Safety"]
            #[doc = " As `ld`; until the next barrier no worker writes there."]
            #[inline(always)]
            unsafe fn read(a: &[Cell<f32>], start: usize, len: usize) -> &[f32] {
                #range
                unsafe { ::core::slice::from_raw_parts(a.as_ptr().add(start).cast(), len) }
            }
            #[doc = " `a[start..][..len]`, to write."]
            #[doc = ""]
            #[doc = " # Safety"]
            #[doc = " As `ld`; until the next barrier no other worker reads or writes there."]
            #[inline(always)]
            unsafe fn own(a: &[Cell<f32>], start: usize, len: usize) -> &mut [f32] {
                #range
                unsafe { ::core::slice::from_raw_parts_mut(a.as_ptr().add(start).cast::<f32>().cast_mut(), len) }
            }
            #[doc = " A vector from `a[i..]`."]
            #[doc = ""]
            #[doc = " # Safety"]
            #[doc = " As `read`."]
            #[inline(always)]
            unsafe fn get(a: &[Cell<f32>], i: usize) -> #vector { ld(read(a, i, #lanes), 0) }
            #[doc = " Stores a vector to `a[i..]`."]
            #[doc = ""]
            #[doc = " # Safety"]
            #[doc = " As `own`."]
            #[inline(always)]
            unsafe fn put(a: &[Cell<f32>], i: usize, v: #vector) { st(own(a, i, #lanes), 0, v) }
        }
    }
}

/// An `f32` literal that reads back as the same value.
pub(super) fn float(value: f32) -> Literal {
    Literal::f32_unsuffixed(value)
}
