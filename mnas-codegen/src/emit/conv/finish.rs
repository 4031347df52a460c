//! The end of a register tile: activation, residual, store, or the sums of a pool.

use super::super::{int, plus};
use super::Conv;
use crate::graph::Residual;
use crate::plan::PanelGroup;
use crate::plan::kernel::Segment;
use mnas_dsl::network::Activation;
use proc_macro2::{Ident, TokenStream};
use quote::quote;

impl Conv<'_> {
    pub(super) fn finish_store(
        &self,
        g: &PanelGroup,
        s: &Segment,
        acc: &impl Fn(usize, usize) -> Ident,
    ) -> TokenStream {
        let mut out = TokenStream::new();
        let (write, _) = self.output();
        for p in 0..s.pixels {
            for n in 0..g.vectors {
                let c = acc(p, n);
                let at = plus(quote!(o), p * self.loops.output_pixel + n * self.loops.output_vector);
                let add = |value| (self.ops.add)(value, quote!(load(residual, #at)));
                let activation = if self.loops.late_activation { Activation::Linear } else { self.kernel.activation };
                let activate = |value| self.ops.activate(activation, value);
                out.extend(match self.kernel.residual {
                    Residual::None => {
                        let value = activate(quote!(#c));
                        quote!(#write(out, #at, #value);)
                    }
                    Residual::Last => {
                        let value = add(activate(quote!(#c)));
                        quote!(#write(out, #at, #value);)
                    }
                    Residual::BeforeActivation => {
                        let (sum, value) = (add(quote!(#c)), activate(quote!(#c)));
                        quote!(let #c = #sum; #write(out, #at, #value);)
                    }
                });
            }
        }
        out
    }

    /// The loop of a late activation.
    pub(super) fn activate_all(&self) -> TokenStream {
        if !self.loops.late_activation {
            return TokenStream::new();
        }
        let lanes = self.isa.lanes;
        let vectors = int(self.kernel.panels.iter().map(|g| g.channels * g.count / lanes).sum::<usize>());
        let lanes = int(lanes);
        let value = self.ops.activate(self.kernel.activation, quote!(x));
        quote! {
            for v in 0..#vectors {
                let x = load(out, v * #lanes);
                store(out, v * #lanes, #value);
            }
        }
    }

    pub(super) fn finish_pool(&self, g: &PanelGroup, s: &Segment, acc: &impl Fn(usize, usize) -> Ident) -> TokenStream {
        let mut out = TokenStream::new();
        let (write, read) = self.output();
        for n in 0..g.vectors {
            let at = plus(quote!(o), n * self.isa.lanes);
            let mut sum = quote!(#read(out, #at));
            for p in 0..s.pixels {
                let c = acc(p, n);
                sum = (self.ops.add)(sum, self.ops.activate(self.kernel.activation, quote!(#c)));
            }
            out.extend(quote!(#write(out, #at, #sum);));
        }
        out
    }
}
