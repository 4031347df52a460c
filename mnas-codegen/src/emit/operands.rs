//! What calls pass to the functions of steps and kernels: buffers, weights, scratch memory.

use super::{int, plus};
use crate::plan::{BufferId, Plan, PlannedConv, Scratch, Step};
use crate::units::Elements;
use proc_macro2::TokenStream;
use quote::quote;

/// Where a step's weights start.
pub(super) fn weights_start(plan: &Plan, step: &Step) -> Option<Elements> {
    step.kind.convs().first().map(|conv| Elements(plan.layers[conv.layer].offset))
}

/// The weights of a convolution of a step whose weights start at `base`.
pub(super) fn conv_weights(plan: &Plan, conv: &PlannedConv, base: Elements) -> TokenStream {
    let at = int(Elements(plan.layers[conv.layer].offset) - base);
    quote!(tail(w, #at))
}

/// A buffer of the arena, through the given function of the module.
pub(super) fn buffer(plan: &Plan, function: &str, id: BufferId) -> TokenStream {
    let b = &plan.arena.buffers[id];
    let (function, at, len) = (quote::format_ident!("{function}"), int(b.offset), int(b.len));
    quote!(#function(arena, #at, #len))
}

/// Tokens of a step function's read arguments; optional ones carry their trailing comma.
pub(super) struct Arguments {
    pub(super) input: TokenStream,
    pub(super) weights: TokenStream,
    pub(super) residual: TokenStream,
}

pub(super) fn arguments(plan: &Plan, step: &Step) -> Arguments {
    let input = step.input.map_or(quote!(image), |id| buffer(plan, "view", id));
    let weights = weights_start(plan, step).map_or(quote!(), |at| {
        let at = plus(quote!(0), at);
        quote!(tail(w, #at),)
    });
    let residual = step.residual.map_or(quote!(), |id| {
        let view = buffer(plan, "view", id);
        quote!(#view,)
    });
    Arguments { input, weights, residual }
}

/// Takes the parts of a scratch buffer from its start, under their names.
pub(super) fn split_scratch(scratch: &Scratch) -> TokenStream {
    let parts = scratch.parts();
    let split = parts.iter().filter(|(_, len)| *len > Elements::ZERO).map(|(name, len)| {
        let (name, len) = (quote::format_ident!("{name}"), int(*len));
        quote!(let (#name, scratch) = split(scratch, #len);)
    });
    quote!(#(#split)* let _ = scratch;)
}
