//! The functions of a module through which its kernels touch memory.

use crate::machine::Ops;
use proc_macro2::TokenStream;
use quote::quote;

/// The functions through which kernels touch memory. With `checked` every access is asserted.
pub fn memory(ops: &Ops, lanes: usize, checked: bool) -> TokenStream {
    let element = ops.element.rust();
    let (vector, load, broadcast, store) = (&ops.vector, &ops.load, &ops.broadcast, &ops.store);
    let lanes = super::int(lanes);
    let guard = |n: TokenStream| if checked { quote!(assert!(i + #n <= a.len());) } else { quote!() };
    let (wide, one) = (guard(quote!(#lanes)), guard(quote!(1)));
    let (prefetch, prefetch_far) = (&ops.prefetch, &ops.prefetch_far);
    let range = if checked { quote!(assert!(start <= a.len());) } else { quote!() };
    let split = if checked { quote!(a.split_at_mut(len)) } else { quote!(unsafe { a.split_at_mut_unchecked(len) }) };
    let row = if checked { quote!(assert!(i < a.len());) } else { quote!() };
    quote! {
        #[doc = " A vector from `a[i..]`."]
        #[doc = ""]
        #[doc = " # Safety"]
        #[doc = " The caller's plan keeps `i` and the lanes after it inside of `a`."]
        #[inline(always)]
        unsafe fn ld(a: &[#element], i: usize) -> #vector { #wide #load }
        #[doc = " `a[i]` in every lane."]
        #[doc = ""]
        #[doc = " # Safety"]
        #[doc = " As `ld`."]
        #[inline(always)]
        unsafe fn bc(a: &[#element], i: usize) -> #vector { #one #broadcast }
        #[doc = " Stores a vector to `a[i..]`."]
        #[doc = ""]
        #[doc = " # Safety"]
        #[doc = " As `ld`."]
        #[inline(always)]
        unsafe fn st(a: &mut [#element], i: usize, v: #vector) { #wide #store }
        #[doc = " Asks for the cache line of `a[i]`, which may lie behind the end: then nothing happens."]
        #[inline(always)]
        fn pf(a: &[#element], i: usize) { #prefetch }
        #[doc = " As `pf`, into the second-level cache."]
        #[inline(always)]
        fn pf_far(a: &[#element], i: usize) { #prefetch_far }
        #[doc = " `a[start..]`."]
        #[doc = ""]
        #[doc = " # Safety"]
        #[doc = " As `ld`."]
        #[inline(always)]
        unsafe fn from(a: &[#element], start: usize) -> &[#element] { #range unsafe { a.get_unchecked(start..) } }
        #[doc = " `a[start..]`, to write."]
        #[doc = ""]
        #[doc = " # Safety"]
        #[doc = " As `ld`."]
        #[inline(always)]
        unsafe fn from_mut(a: &mut [#element], start: usize) -> &mut [#element] { #range unsafe { a.get_unchecked_mut(start..) } }
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
        unsafe fn split(a: &mut [#element], len: usize) -> (&mut [#element], &mut [#element]) { #split }
    }
}

/// The functions through which workers touch memory that they share. With `checked` every access is asserted.
pub fn shared_memory(ops: &Ops, lanes: usize, checked: bool) -> TokenStream {
    let (element, vector) = (ops.element.rust(), &ops.vector);
    let lanes = super::int(lanes);
    let range = if checked { quote!(assert!(start + len <= a.len());) } else { quote!() };
    let start = if checked { quote!(assert!(start <= a.len());) } else { quote!() };
    quote! {
        #[doc = " `a[start..]`, which workers share."]
        #[doc = ""]
        #[doc = " # Safety"]
        #[doc = " As `ld`."]
        #[inline(always)]
        unsafe fn part(a: &[Cell<#element>], start: usize) -> &[Cell<#element>] { #start unsafe { a.get_unchecked(start..) } }
        #[doc = " `a[start..][..len]`, to read."]
        #[doc = ""]
        #[doc = " # Safety"]
        #[doc = " As `ld`; until the next barrier no worker writes there."]
        #[inline(always)]
        unsafe fn read(a: &[Cell<#element>], start: usize, len: usize) -> &[#element] {
            #range
            unsafe { ::core::slice::from_raw_parts(a.as_ptr().add(start).cast(), len) }
        }
        #[doc = " `a[start..][..len]`, to write."]
        #[doc = ""]
        #[doc = " # Safety"]
        #[doc = " As `ld`; until the next barrier no other worker reads or writes there."]
        #[inline(always)]
        unsafe fn own(a: &[Cell<#element>], start: usize, len: usize) -> &mut [#element] {
            #range
            unsafe { ::core::slice::from_raw_parts_mut(a.as_ptr().add(start).cast::<#element>().cast_mut(), len) }
        }
        #[doc = " A vector from `a[i..]`."]
        #[doc = ""]
        #[doc = " # Safety"]
        #[doc = " As `read`."]
        #[inline(always)]
        unsafe fn get(a: &[Cell<#element>], i: usize) -> #vector { ld(read(a, i, #lanes), 0) }
        #[doc = " Stores a vector to `a[i..]`."]
        #[doc = ""]
        #[doc = " # Safety"]
        #[doc = " As `own`."]
        #[inline(always)]
        unsafe fn put(a: &[Cell<#element>], i: usize, v: #vector) { st(own(a, i, #lanes), 0, v) }
    }
}
