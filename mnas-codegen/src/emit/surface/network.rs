//! The generated type for one thread: constants, constructors, `infer` and its like.

use super::dispatch::{allow_calls, run_alone};
use super::options::{Embed, Options};
use super::preprocess::infer_u8;
use super::shared::{self, Sizes};
use crate::emit::absolute::Absolute;
use crate::emit::int;
use crate::plan::{Plan, Step};
use crate::units::{Bytes, Elements};
use proc_macro2::{Ident, Literal, TokenStream};
use quote::quote;

/// The type and its functions.
pub(super) fn the_type(plan: &Plan, options: &Options, runtime: &TokenStream, module: &Ident) -> TokenStream {
    let Absolute { f32, u8, usize, some, result, .. } = &Absolute::new();
    let ident = &options.ident;
    let (input_len, output_len) = (int(plan.input.len()), int(plan.output.len()));
    let arena_len = int(plan.arena.len);
    let embedded = embedded(plan.weights_len.bytes(), options, runtime);
    let image = plan.arena.buffers[plan.image].offset;
    let image_range = {
        let (from, to) = (int(image), int(image + Elements(plan.input.len())));
        quote!(#from..#to)
    };
    let bytes = match &options.preprocess {
        None => quote!(),
        Some(p) => infer_u8(p, runtime, &image_range, [&arena_len, &input_len, &output_len]),
    };
    let available = quote!(#runtime::isa::available());
    let run = run_alone(plan, runtime, module, &available, &quote!(|_: #usize, _: &[#f32]| {}));
    let observe = run_alone(plan, runtime, module, &available, &quote!(*after));
    let allow = allow_calls();
    let steps = plan.steps.iter().map(|s| step_info(plan, s, runtime));
    let channels = int(plan.input.channels);
    let steps = quote!(#(#steps),*);
    let observe = quote! {
        let arena = workspace.arena().as_mut_ptr();
        let image: *const #f32 = image.as_ptr();
        #observe
    };
    let sizes = Sizes { input: plan.input, output: plan.output, arena: plan.arena.len.0, weights: plan.weights_len.0 };
    let declaration = shared::declaration(options, &sizes);
    let constants = shared::constants(options, &sizes);
    let from_packed_and_supported = shared::from_packed_and_supported(runtime, module);
    let network_trait = shared::network_trait(&plan.name, options, &sizes, runtime, &steps, &observe);
    quote! {
        #declaration

        #allow
        impl<'w> #ident<'w> {
            #constants

            #embedded

            /// Folds and packs the weights of a safetensors file (mnas's own names, `F32`) into `packed`,
            /// which holds at least [`Self::WEIGHTS_LEN`] floats.
            ///
            /// # Errors
            ///
            /// The first thing that is wrong with the file.
            pub fn load(safetensors: &[#u8], packed: &'w mut [#f32]) -> #result<Self, #runtime::LoadError> {
                #runtime::load(safetensors, #module::LAYERS, Self::WEIGHTS_LEN, packed)?;
                Self::from_packed(packed).ok_or(#runtime::LoadError::TooSmall(Self::WEIGHTS_LEN))
            }

            #from_packed_and_supported

            /// Runs the network on an image of height x width x channels.
            ///
            /// Allocates nothing, but for what [`Self::supported`] says of the first call, and does not panic.
            pub fn infer(
                &self,
                workspace: &mut #runtime::Workspace<#arena_len>,
                image: &[#f32; #input_len],
                output: &mut [#f32; #output_len],
            ) {
                let arena = workspace.arena().as_mut_ptr();
                let image: *const #f32 = image.as_ptr();
                #run
            }

            /// As [`Self::infer`], for an image of channels x height x width.
            pub fn infer_chw(
                &self,
                workspace: &mut #runtime::Workspace<#arena_len>,
                planes: &[#f32; #input_len],
                output: &mut [#f32; #output_len],
            ) {
                if let #some(image) = workspace.arena().get_mut(#image_range) {
                    #runtime::image::interleave(planes, #channels, image);
                }
                self.infer_staged(workspace, output);
            }

            #bytes

            /// Runs the network on the image that lies in the workspace.
            fn infer_staged(&self, workspace: &mut #runtime::Workspace<#arena_len>, output: &mut [#f32; #output_len]) {
                let arena = workspace.arena().as_mut_ptr();
                let image: *const #f32 = arena.wrapping_add(#module::IMAGE);
                #run
            }
        }

        #network_trait
    }
}

fn step_info(plan: &Plan, step: &Step, runtime: &TokenStream) -> TokenStream {
    let (name, macs) = (&step.name, Literal::u64_unsuffixed(step.macs));
    let shape = [step.output_shape.height, step.output_shape.width, step.output_shape.channels].map(int);
    let stride = int(plan.stride(step.output_shape));
    quote!(#runtime::StepInfo { name: #name, shape: [#(#shape),*], stride: #stride, macs: #macs })
}

/// The constructor for packed weights of `len` bytes that are embedded, if any are.
pub(crate) fn embedded(len: Bytes, options: &Options, runtime: &TokenStream) -> TokenStream {
    let bytes = match &options.embed {
        Embed::None => return quote!(),
        Embed::File(path) => quote!(*::core::include_bytes!(#path)),
        Embed::Bytes(bytes) => {
            let literal = Literal::byte_string(bytes);
            quote!(*#literal)
        }
    };
    let (size, ident) = (int(len), &options.ident);
    let result = quote!(#ident<'static>);
    quote! {
        /// The network with the weights that it was compiled with.
        pub const fn embedded() -> #result {
            static WEIGHTS: #runtime::AlignedBytes<#size> = #runtime::AlignedBytes(#bytes);
            #ident { weights: WEIGHTS.floats() }
        }
    }
}
