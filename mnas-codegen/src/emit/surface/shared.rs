//! What the generated types of all number types have alike.

use super::options::Options;
use crate::emit::absolute::Absolute;
use crate::emit::int;
use mnas_dsl::network::Shape;
use proc_macro2::{Ident, Literal, TokenStream};
use quote::quote;

/// Sizes of a network, in values; in the workspace and in packed weights a value has the size of an `f32`.
#[derive(Clone, Copy)]
pub(crate) struct Sizes {
    /// The input.
    pub(crate) input: Shape,
    /// The output.
    pub(crate) output: Shape,
    /// Length of the workspace.
    pub(crate) arena: usize,
    /// Length of the packed weights.
    pub(crate) weights: usize,
}

/// The type: a reference to packed weights.
pub(crate) fn declaration(options: &Options, sizes: &Sizes) -> TokenStream {
    let Absolute { f32, .. } = &Absolute::new();
    let Options { ident, visibility, attributes, .. } = options;
    let weights_len = int(sizes.weights);
    quote! {
        #attributes
        #[derive(Clone, Copy)]
        #[allow(unreachable_pub, dead_code, reason = "generated: whether it is reachable, or read by this processor's code, is not known here")]
        #visibility struct #ident<'w> {
            weights: &'w [#f32; #weights_len],
        }
    }
}

/// Its constants.
pub(crate) fn constants(options: &Options, sizes: &Sizes) -> TokenStream {
    let Absolute { u64, usize, .. } = &Absolute::new();
    let Sizes { input, output, arena, weights } = *sizes;
    let [ih, iw, ic] = [input.height, input.width, input.channels].map(int);
    let [oh, ow, oc] = [output.height, output.width, output.channels].map(int);
    let [input_len, output_len, arena_len, weights_len] = [input.len(), output.len(), arena, weights].map(int);
    let [parameters, macs] = [options.parameters, options.macs].map(Literal::u64_unsuffixed);
    quote! {
        /// Height, width and channels of the input.
        pub const INPUT_SHAPE: [#usize; 3] = [#ih, #iw, #ic];
        /// Height, width and channels of the output.
        pub const OUTPUT_SHAPE: [#usize; 3] = [#oh, #ow, #oc];
        /// Values of the input.
        pub const INPUT_LEN: #usize = #input_len;
        /// Values of the output.
        pub const OUTPUT_LEN: #usize = #output_len;
        /// Weights, biases and batch-norm scales and shifts.
        pub const PARAMETERS: #u64 = #parameters;
        /// Multiply-accumulates of an inference.
        pub const MACS: #u64 = #macs;
        /// Floats of the workspace.
        pub const ARENA_LEN: #usize = #arena_len;
        /// Bytes of the workspace.
        pub const ARENA_BYTES: #usize = #arena_len * 4;
        /// Floats of the packed weights.
        pub const WEIGHTS_LEN: #usize = #weights_len;
        /// Bytes of the packed weights.
        pub const WEIGHT_BYTES: #usize = #weights_len * 4;
    }
}

/// `from_packed` and `supported`.
pub(crate) fn from_packed_and_supported(runtime: &TokenStream, module: &Ident) -> TokenStream {
    let Absolute { f32, bool, option, some, .. } = &Absolute::new();
    quote! {
        /// Takes weights that are packed already; `None` if they are fewer than [`Self::WEIGHTS_LEN`].
        pub fn from_packed(packed: &'w [#f32]) -> #option<Self> {
            #some(Self { weights: packed.first_chunk()? })
        }

        /// Whether this processor has what the kernels need. Where it does not, every output is NaN.
        ///
        /// With the feature `std` of the runtime, the first call of this or of an inference reads `MNAS_ISA`, which
        /// allocates if it is set.
        pub fn supported() -> #bool {
            #runtime::isa::available().intersects(#module::ISAS)
        }
    }
}

/// The implementation of the trait `Network`, whose `observe` does as `observe` says.
pub(crate) fn network_trait(
    name: &str,
    options: &Options,
    sizes: &Sizes,
    runtime: &TokenStream,
    steps: &TokenStream,
    observe: &TokenStream,
) -> TokenStream {
    let Absolute { f32, usize, str, fn_mut, .. } = &Absolute::new();
    let ident = &options.ident;
    let Sizes { input, output, arena, .. } = *sizes;
    let [ih, iw, ic] = [input.height, input.width, input.channels].map(int);
    let [oh, ow, oc] = [output.height, output.width, output.channels].map(int);
    let [input_len, output_len, arena_len] = [input.len(), output.len(), arena].map(int);
    quote! {
        #[allow(unsafe_code, unused_variables, clippy::all, clippy::pedantic, clippy::restriction, reason = "generated: calls kernels only where the processor supports them")]
        impl #runtime::Network for #ident<'_> {
            type Workspace = #runtime::Workspace<#arena_len>;
            type Input = [#f32; #input_len];
            type Output = [#f32; #output_len];
            const NAME: &'static #str = #name;
            const INPUT_SHAPE: [#usize; 3] = [#ih, #iw, #ic];
            const OUTPUT_SHAPE: [#usize; 3] = [#oh, #ow, #oc];
            const STEPS: &'static [#runtime::StepInfo] = &[#steps];

            fn infer(&self, workspace: &mut Self::Workspace, image: &Self::Input, output: &mut Self::Output) {
                Self::infer(self, workspace, image, output);
            }

            fn observe(
                &self,
                workspace: &mut Self::Workspace,
                image: &Self::Input,
                output: &mut Self::Output,
                after: &mut dyn #fn_mut(#usize, &[#f32]),
            ) {
                #observe
            }
        }
    }
}

/// The module of kernels.
pub(crate) fn kernels(options: &Options, module: &Ident, doc: &str, content: &TokenStream) -> TokenStream {
    let doc = format!(" Kernels of [`{}`]{doc}.", options.ident);
    quote! {
        #[doc = #doc]
        #[allow(
            unsafe_code,
            unsafe_op_in_unsafe_fn,
            unused_assignments,
            unused_imports,
            unused_mut,
            unused_parens,
            unused_variables,
            dead_code,
            clippy::all,
            clippy::pedantic,
            clippy::restriction,
            reason = "generated: every access lies inside of a slice whose length the plan has proven"
        )]
        mod #module { #content }
    }
}
