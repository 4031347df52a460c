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
    let (prefetch, prefetch_l2) = (&ops.prefetch, &ops.prefetch_l2);
    let range = if checked { quote!(assert!(start <= a.len());) } else { quote!() };
    let split = if checked { quote!(a.split_at_mut(len)) } else { quote!(unsafe { a.split_at_mut_unchecked(len) }) };
    let row = if checked { quote!(assert!(i < a.len());) } else { quote!() };
    quote! {
        #[doc = " A vector from `a[i..]`."]
        #[doc = ""]
        #[doc = " # Safety"]
        #[doc = " The vector at `i` lies inside of `a`, as the plan guarantees."]
        #[inline(always)]
        unsafe fn load(a: &[#element], i: usize) -> #vector { #wide #load }
        #[doc = " `a[i]` in every lane."]
        #[doc = ""]
        #[doc = " # Safety"]
        #[doc = " As `load`."]
        #[inline(always)]
        unsafe fn splat(a: &[#element], i: usize) -> #vector { #one #broadcast }
        #[doc = " Stores a vector to `a[i..]`."]
        #[doc = ""]
        #[doc = " # Safety"]
        #[doc = " As `load`."]
        #[inline(always)]
        unsafe fn store(a: &mut [#element], i: usize, v: #vector) { #wide #store }
        #[doc = " Prefetches the cache line of `a[i]` into the first-level cache; `i` may be out of range."]
        #[inline(always)]
        fn prefetch(a: &[#element], i: usize) { #prefetch }
        #[doc = " As `prefetch`, into the second-level cache."]
        #[inline(always)]
        fn prefetch_l2(a: &[#element], i: usize) { #prefetch_l2 }
        #[doc = " `a[start..]`."]
        #[doc = ""]
        #[doc = " # Safety"]
        #[doc = " As `load`."]
        #[inline(always)]
        unsafe fn tail(a: &[#element], start: usize) -> &[#element] { #range unsafe { a.get_unchecked(start..) } }
        #[doc = " `a[start..]`, for writing."]
        #[doc = ""]
        #[doc = " # Safety"]
        #[doc = " As `load`."]
        #[inline(always)]
        unsafe fn tail_mut(a: &mut [#element], start: usize) -> &mut [#element] { #range unsafe { a.get_unchecked_mut(start..) } }
        #[doc = " The offset of row `i`."]
        #[doc = ""]
        #[doc = " # Safety"]
        #[doc = " As `load`."]
        #[inline(always)]
        unsafe fn row(a: &[usize], i: usize) -> usize { #row unsafe { *a.get_unchecked(i) } }
        #[doc = " The first `len` values, and the rest."]
        #[doc = ""]
        #[doc = " # Safety"]
        #[doc = " As `load`."]
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
        #[doc = " `a[start..]` of memory that workers share."]
        #[doc = ""]
        #[doc = " # Safety"]
        #[doc = " As `load`."]
        #[inline(always)]
        unsafe fn tail_cells(a: &[Cell<#element>], start: usize) -> &[Cell<#element>] { #start unsafe { a.get_unchecked(start..) } }
        #[doc = " `a[start..][..len]`, for reading."]
        #[doc = ""]
        #[doc = " # Safety"]
        #[doc = " As `load`; until the next barrier no worker writes there."]
        #[inline(always)]
        unsafe fn read_cells(a: &[Cell<#element>], start: usize, len: usize) -> &[#element] {
            #range
            unsafe { ::core::slice::from_raw_parts(a.as_ptr().add(start).cast(), len) }
        }
        #[doc = " `a[start..][..len]`, for writing."]
        #[doc = ""]
        #[doc = " # Safety"]
        #[doc = " As `load`; until the next barrier no other worker reads or writes there."]
        #[inline(always)]
        unsafe fn write_cells(a: &[Cell<#element>], start: usize, len: usize) -> &mut [#element] {
            #range
            unsafe { ::core::slice::from_raw_parts_mut(a.as_ptr().add(start).cast::<#element>().cast_mut(), len) }
        }
        #[doc = " A vector from `a[i..]`."]
        #[doc = ""]
        #[doc = " # Safety"]
        #[doc = " As `read_cells`."]
        #[inline(always)]
        unsafe fn load_cells(a: &[Cell<#element>], i: usize) -> #vector { load(read_cells(a, i, #lanes), 0) }
        #[doc = " Stores a vector to `a[i..]`."]
        #[doc = ""]
        #[doc = " # Safety"]
        #[doc = " As `write_cells`."]
        #[inline(always)]
        unsafe fn store_cells(a: &[Cell<#element>], i: usize, v: #vector) { store(write_cells(a, i, #lanes), 0, v) }
    }
}
