//! The generated type: constants, constructors, `infer` and its like.

use super::{image, module};
use crate::emit::absolute::Absolute;
use crate::emit::int;
use crate::emit::surface::dispatch::{self, allow_calls};
use crate::emit::surface::shared::{self, Sizes};
use crate::int8::plan::{Plan, Step};
use mnas_dsl::names::snake_case;
use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote};

pub use crate::emit::surface::Options;

/// The items of a network. `table` is where the packed weights have the bytes of 8-bit values, if the spec says how
/// those are normalised.
pub fn emit(plan: &Plan, options: &Options, table: Option<usize>) -> TokenStream {
    let Absolute { f32, u8, usize, .. } = &Absolute::new();
    let ident = &options.ident;
    let type_name = ident.to_string();
    let module = format_ident!("{}_kernels", snake_case(type_name.trim_start_matches("r#")));
    let (runtime, inner) = if options.standalone {
        (quote!(self::mnas_runtime), quote!(super::super::mnas_runtime))
    } else {
        (options.runtime.clone(), options.runtime.clone())
    };
    let in_module = if options.standalone { quote!(super::mnas_runtime) } else { runtime.clone() };
    let (input_len, output_len) = (int(plan.input.len()), int(plan.output.len()));
    let arena_len = int(plan.arena.len);
    let embedded = crate::emit::surface::embedded(plan.weights_len, options, &runtime);
    let none = quote!({ output.fill(#f32::NAN); });
    let run = |image: TokenStream, after: TokenStream| {
        let call = quote!(run(self.weights, #module::Image::#image, arena, output, &mut #after));
        dispatch::arms(arms(plan), &runtime, &module, &quote!(#runtime::isa::available()), &call, none.clone())
    };
    let ignored = quote!(|_: #usize, _: &[#f32]| {});
    let (pixels, planes) = (run(quote!(Pixels(image)), ignored.clone()), run(quote!(Planes(planes)), ignored.clone()));
    let observed = run(quote!(Pixels(image)), quote!(*after));
    let bytes = table.map(|_| {
        let run = run(quote!(Bytes(image)), ignored.clone());
        quote! {
            /// As [`Self::infer`], for 8-bit values, normalised as the spec's `preprocess` says: each becomes a byte of
            /// the network by a table.
            pub fn infer_u8(
                &self,
                workspace: &mut #runtime::Workspace<#arena_len>,
                image: &[#u8; #input_len],
                output: &mut [#f32; #output_len],
            ) {
                let arena = workspace.arena().as_mut_ptr().cast::<#u8>();
                #run
            }
        }
    });
    let allow = allow_calls();
    let steps = plan.steps.iter().map(|step| step_info(step, &runtime));
    let isas = plan.isas.iter().map(|isa| format_ident!("{}", isa.name.to_uppercase()));
    let isas = isas.map(|isa| quote!(#in_module::isa::#isa)).reduce(|set, isa| quote!(#set.union(#isa)));
    let isas = isas.unwrap_or_else(|| quote!(#in_module::isa::SCALAR));
    let team = plan.threads.then(|| threads(plan, options, &runtime, &module, table));
    let modules: TokenStream = plan.isas.iter().map(|isa| module::emit(plan, isa, options, &inner, table)).collect();
    let image = image::kinds();
    let version = &options.version;
    let content = quote! {
        /// The instruction sets of this file, of which the processor must have one.
        pub(super) const ISAS: #in_module::isa::IsaSet = #isas;
        #image
        #modules
    };
    let kernels = shared::kernels(options, &module, "", &content);
    let steps = quote!(#(#steps),*);
    // The slices that `observe` passes are the memory of maps, four bytes in a float.
    let observe = quote! {
        let arena = workspace.arena().as_mut_ptr().cast::<#u8>();
        #observed
    };
    let (arena, weights) = (plan.arena.len.0, plan.weights_len.elements().0);
    let sizes = Sizes { input: plan.input, output: plan.output, arena, weights };
    let declaration = shared::declaration(options, &sizes);
    let constants = shared::constants(options, &sizes);
    let from_packed_and_supported = shared::from_packed_and_supported(&runtime, &module);
    let network_trait = shared::network_trait(&plan.name, options, &sizes, &runtime, &steps, &observe);
    quote! {
        #declaration

        #allow
        impl<'w> #ident<'w> {
            #constants

            #embedded

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
                let arena = workspace.arena().as_mut_ptr().cast::<#u8>();
                #pixels
            }

            /// As [`Self::infer`], for an image of channels x height x width.
            pub fn infer_chw(
                &self,
                workspace: &mut #runtime::Workspace<#arena_len>,
                planes: &[#f32; #input_len],
                output: &mut [#f32; #output_len],
            ) {
                let arena = workspace.arena().as_mut_ptr().cast::<#u8>();
                #planes
            }

            #bytes
        }

        #network_trait

        #team
        const _: () = #runtime::assert_version(#version);
        #kernels
    }
}

fn arms(plan: &Plan) -> impl Iterator<Item = dispatch::Arm> {
    plan.isas.iter().map(|isa| dispatch::Arm { name: isa.name, gate: isa.gate })
}

fn step_info(step: &Step, runtime: &TokenStream) -> TokenStream {
    let (name, macs, layout) = (&step.name, Literal::u64_unsuffixed(step.macs), step.kernel.output().layout());
    let shape = [layout.height, layout.width, layout.channels].map(int);
    let stride = int(layout.channels);
    quote!(#runtime::StepInfo { name: #name, shape: [#(#shape),*], stride: #stride, macs: #macs })
}

/// What the type has for several threads.
fn threads(
    plan: &Plan,
    options: &Options,
    runtime: &TokenStream,
    module: &proc_macro2::Ident,
    table: Option<usize>,
) -> TokenStream {
    let Absolute { f32, u8, usize, option, some, none, fn_mut, send, .. } = &Absolute::new();
    let ident = &options.ident;
    let (input_len, output_len, arena_len) = (int(plan.input.len()), int(plan.output.len()), int(plan.arena.len));
    let team = quote!(#runtime::Team<#arena_len, #arena_len>);
    let nothing = quote!({});
    let workers = dispatch::arms(
        arms(plan),
        runtime,
        module,
        &quote!(isas),
        &quote!(team(worker, self.weights, image, arena, after)),
        nothing.clone(),
    );
    let alone = dispatch::arms(
        arms(plan),
        runtime,
        module,
        &quote!(isas),
        &quote!(run(self.weights, image, arena, output, &mut |_: #usize, _: &[#f32]| {})),
        quote!({ output.fill(#f32::NAN); }),
    );
    let copy = dispatch::arms(arms(plan), runtime, module, &quote!(isas), &quote!(copy(arena, output)), nothing);
    let allow = allow_calls();
    let bytes = table.map(|_| {
        quote! {
            /// As [`Self::infer_threaded`], for 8-bit values, normalised as the spec's `preprocess` says.
            pub fn infer_u8_threaded(
                &self,
                team: &mut #team,
                image: &[#u8; #input_len],
                output: &mut [#f32; #output_len],
            ) {
                self.infer_team(team, #module::Image::Bytes(image), output, #none);
            }
        }
    });
    quote! {
        #allow
        impl<'w> #ident<'w> {
            /// Floats that the threads of a team share.
            pub const TEAM_LEN: #usize = #arena_len;
            /// Floats of each thread of a team.
            pub const WORKER_LEN: #usize = #arena_len;

            /// Threads that infer together, of which the caller's is one, and their memory.
            ///
            /// A process that `fork` makes has none of the threads: create a new team in it.
            ///
            /// # Errors
            ///
            /// If the system cannot start that many threads, or has no memory for them.
            pub fn team(threads: #usize) -> #runtime::team::Result<#team> {
                #runtime::Team::new(threads)
            }

            /// As [`Self::infer`], on several threads: the output is the same, bit by bit, however many there are.
            pub fn infer_threaded(
                &self,
                team: &mut #team,
                image: &[#f32; #input_len],
                output: &mut [#f32; #output_len],
            ) {
                self.infer_team(team, #module::Image::Pixels(image), output, #none);
            }

            /// As [`Self::infer_threaded`], for an image of channels x height x width.
            pub fn infer_chw_threaded(
                &self,
                team: &mut #team,
                planes: &[#f32; #input_len],
                output: &mut [#f32; #output_len],
            ) {
                self.infer_team(team, #module::Image::Planes(planes), output, #none);
            }

            #bytes

            /// As [`Self::infer_threaded`], and calls `after`, on the caller's thread, with the index of each step
            /// and the memory of the map that it wrote, four bytes in a float, while the others go on.
            pub fn observe_threaded(
                &self,
                team: &mut #team,
                image: &[#f32; #input_len],
                output: &mut [#f32; #output_len],
                after: &mut (dyn #fn_mut(#usize, &[#f32]) + #send),
            ) {
                let observer = #runtime::team::Observer::new(after);
                self.infer_team(team, #module::Image::Pixels(image), output, #some(&observer));
            }

            /// Many images, each on one thread: more of them a second than with [`Self::infer_threaded`], where no
            /// thread waits for another, and each takes as long as with [`Self::infer`]. The outputs are the same.
            ///
            /// As many images as there are outputs, or the other way.
            pub fn infer_batch(
                &self,
                team: &mut #team,
                images: &[[#f32; #input_len]],
                outputs: &mut [[#f32; #output_len]],
            ) {
                let batch = #runtime::team::Batch::new(images, outputs);
                let isas = #runtime::isa::available();
                team.run(|_, _, scratch| {
                    let arena = scratch.as_mut_ptr().cast::<#u8>();
                    while let #some((image, output)) = batch.next() {
                        let image = #module::Image::Pixels(image);
                        #alone
                    }
                });
            }

            /// Runs the network on an image.
            fn infer_team(
                &self,
                team: &mut #team,
                image: #module::Image<'_>,
                output: &mut [#f32; #output_len],
                after: #option<&#runtime::team::Observer<'_>>,
            ) {
                if !Self::supported() {
                    output.fill(#f32::NAN);
                    return;
                }
                // Read once: workers that ran kernels of different instruction sets would meet at different barriers.
                let isas = #runtime::isa::available();
                team.run(|worker, arena, _| {
                    let arena = arena.cast::<#u8>();
                    #workers
                });
                let arena = team.shared().as_mut_ptr().cast::<#u8>();
                #copy
            }
        }
    }
}
