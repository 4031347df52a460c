//! The generated type for one thread: constants, constructors, `infer` and its like.

use super::dispatch::{allow_calls, run_alone};
use super::options::{Embed, Options};
use super::preprocess::infer_u8;
use crate::emit::absolute::Absolute;
use crate::emit::int;
use crate::plan::{Plan, Step};
use crate::units::{Bytes, Elements};
use proc_macro2::{Ident, Literal, TokenStream};
use quote::quote;

/// The type and its functions.
pub(super) fn the_type(plan: &Plan, options: &Options, runtime: &TokenStream, module: &Ident) -> TokenStream {
    let Absolute { f32, bool, u8, u64, usize, str, option, some, result, fn_mut, .. } = &Absolute::new();
    let (ident, visibility, attributes) = (&options.ident, &options.visibility, &options.attributes);
    let name = &plan.name;
    let [ih, iw, ic] = [plan.input.height, plan.input.width, plan.input.channels].map(int);
    let [oh, ow, oc] = [plan.output.height, plan.output.width, plan.output.channels].map(int);
    let (input_len, output_len) = (int(plan.input.len()), int(plan.output.len()));
    let (arena_len, weights_len) = (int(plan.arena.len), int(plan.weights_len));
    let (parameters, macs) = (Literal::u64_unsuffixed(options.parameters), Literal::u64_unsuffixed(options.macs));
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
    quote! {
        #attributes
        #[derive(Clone, Copy)]
        #[allow(unreachable_pub, dead_code, reason = "generated: whether it is reachable, or read by this processor's code, is not known here")]
        #visibility struct #ident<'w> {
            weights: &'w [#f32; #weights_len],
        }

        #allow
        impl<'w> #ident<'w> {
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

        #[allow(unsafe_code, unused_variables, clippy::all, clippy::pedantic, clippy::restriction, reason = "generated: calls kernels only where the processor supports them")]
        impl #runtime::Network for #ident<'_> {
            type Workspace = #runtime::Workspace<#arena_len>;
            type Input = [#f32; #input_len];
            type Output = [#f32; #output_len];
            const NAME: &'static #str = #name;
            const INPUT_SHAPE: [#usize; 3] = [#ih, #iw, #ic];
            const OUTPUT_SHAPE: [#usize; 3] = [#oh, #ow, #oc];
            const STEPS: &'static [#runtime::StepInfo] = &[#(#steps),*];

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
                let arena = workspace.arena().as_mut_ptr();
                let image: *const #f32 = image.as_ptr();
                #observe
            }
        }
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
