//! The table of packed layers that loading goes by.

use crate::emit::int;
use crate::plan::Plan;
use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote};

/// The table of layers that loading goes by, and a few constants.
pub(super) fn layers(plan: &Plan, runtime: &TokenStream) -> TokenStream {
    let rows = plan.layers.iter().map(|l| {
        let param = &l.param;
        let batch_norm = match &l.batch_norm {
            Some(norm) => {
                let (param, epsilon) = (&norm.param, Literal::f64_unsuffixed(norm.epsilon));
                quote!(Some(BatchNorm { param: #param, epsilon: #epsilon }))
            }
            None => quote!(None),
        };
        let (bias, depthwise, linear) = (l.bias, l.depthwise, l.linear);
        let [i, o, k, at] = [l.input_channels, l.output_channels, l.kernel_size, l.offset].map(int);
        let panels = l.panels.iter().map(|p| {
            let (width, count) = (int(p.width), int(p.count));
            quote!(Panels { width: #width, count: #count })
        });
        quote!(Layer {
            param: #param, batch_norm: #batch_norm, bias: #bias, depthwise: #depthwise, linear: #linear,
            input_channels: #i, output_channels: #o, kernel_size: #k,
            panels: &[#(#panels),*], offset: #at,
        })
    });
    let image = int(plan.arena.buffers[plan.image].offset);
    let isas = plan.schedules.iter().map(|s| format_ident!("{}", s.isa.name.to_uppercase()));
    let isas = isas.map(|isa| quote!(#runtime::isa::#isa)).reduce(|set, isa| quote!(#set.union(#isa)));
    let isas = isas.unwrap_or_else(|| quote!(#runtime::isa::SCALAR));
    quote! {
        use #runtime::{BatchNorm, Layer, Panels};
        /// Where an image is put that has to be converted first.
        pub(super) const IMAGE: usize = #image;
        /// The instruction sets of this file, of which the processor must have one.
        pub(super) const ISAS: #runtime::isa::IsaSet = #isas;
        /// Every layer in the packed weights.
        pub(super) static LAYERS: &[Layer] = &[#(#rows),*];
    }
}
