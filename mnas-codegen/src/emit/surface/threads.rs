//! What the generated type has for several threads: `infer_threaded` and its like.

use super::dispatch::{allow_calls, available, dispatch, run_alone};
use super::options::Options;
use super::output::copy_made;
use super::preprocess::normalization;
use crate::emit::absolute::Absolute;
use crate::emit::int;
use crate::plan::{Plan, ThreadMemory};
use crate::units::Elements;
use proc_macro2::{Ident, TokenStream};
use quote::quote;

/// The functions of the type.
pub(super) fn emit(
    plan: &Plan,
    memory: ThreadMemory,
    options: &Options,
    runtime: &TokenStream,
    module: &Ident,
) -> TokenStream {
    let Absolute { f32, u8, usize, option, some, none, fn_mut, send, .. } = &Absolute::new();
    let ident = &options.ident;
    let [input_len, output_len, shared, own] =
        [Elements(plan.input.len()), Elements(plan.output.len()), memory.shared, memory.per_thread].map(int);
    let team = quote!(#runtime::Team<#shared, #own>);
    let call = quote!(team(worker, self.weights, image, arena, scratch, after));
    let workers = dispatch(plan, runtime, module, &quote!(isas), &call, quote!({}));
    let alone = run_alone(plan, runtime, module, &quote!(isas), &quote!(|_: #usize, _: &[#f32]| {}));
    // Read once: workers that ran kernels of different instruction sets would meet at different barriers.
    let available = available(plan, runtime);
    let allow = allow_calls();
    let copy = copy(plan);
    let channels = int(plan.input.channels);
    let image = plan.arena.buffers[plan.image].offset;
    let (from, to) = (int(image), int(image + Elements(plan.input.len())));
    let bytes = options.preprocess.as_ref().map_or(quote!(), |p| {
        let (scale, shift) = normalization(p);
        quote! {
            /// As [`Self::infer_threaded`], for 8-bit values, normalised as the spec's `preprocess` says.
            pub fn infer_u8_threaded(
                &self,
                team: &mut #team,
                image: &[#u8; #input_len],
                output: &mut [#f32; #output_len],
            ) {
                if let #some(staged) = team.shared().get_mut(#from..#to) {
                    #runtime::image::normalize(image, &[#(#scale),*], &[#(#shift),*], staged);
                }
                self.infer_team(team, #none, output, #none);
            }
        }
    });
    quote! {
        #allow
        impl<'w> #ident<'w> {
            /// Floats that the threads of a team share.
            pub const TEAM_LEN: #usize = #shared;
            /// Floats of each thread of a team.
            pub const WORKER_LEN: #usize = #own;

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
                self.infer_team(team, #some(image), output, #none);
            }

            /// As [`Self::infer_threaded`], for an image of channels x height x width.
            pub fn infer_chw_threaded(
                &self,
                team: &mut #team,
                planes: &[#f32; #input_len],
                output: &mut [#f32; #output_len],
            ) {
                if let #some(image) = team.shared().get_mut(#from..#to) {
                    #runtime::image::interleave(planes, #channels, image);
                }
                self.infer_team(team, #none, output, #none);
            }

            #bytes

            /// As [`Self::infer_threaded`], and calls `after`, on the caller's thread, with the index of each step and
            /// what it wrote, while the others go on.
            pub fn observe_threaded(
                &self,
                team: &mut #team,
                image: &[#f32; #input_len],
                output: &mut [#f32; #output_len],
                after: &mut (dyn #fn_mut(#usize, &[#f32]) + #send),
            ) {
                self.infer_team(team, #some(image), output, #some(&#runtime::team::Observer::new(after)));
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
                #available
                team.run(|_, _, scratch| {
                    let arena = scratch.as_mut_ptr();
                    while let #some((image, output)) = batch.next() {
                        let image: *const #f32 = image.as_ptr();
                        #alone
                    }
                });
            }

            /// Runs the network on an image, or on the one that lies in the team's memory.
            fn infer_team(
                &self,
                team: &mut #team,
                image: #option<&[#f32; #input_len]>,
                output: &mut [#f32; #output_len],
                after: #option<&#runtime::team::Observer<'_>>,
            ) {
                if !Self::supported() {
                    output.fill(#f32::NAN);
                    return;
                }
                #available
                team.run(|worker, arena, scratch| {
                    let image = image.map_or(arena.wrapping_add(#module::IMAGE).cast_const(), |image| image.as_ptr());
                    #workers
                });
                #copy
            }
        }
    }
}

/// From the memory of the team to the caller's array.
fn copy(plan: &Plan) -> TokenStream {
    let Absolute { some, .. } = &Absolute::new();
    let Some(last) = plan.steps.last() else { return quote!() };
    let buffer = &plan.arena.buffers[last.output];
    let (from, to) = (int(buffer.offset), int(buffer.offset + buffer.len));
    let copy = copy_made(plan);
    quote!(if let #some(made) = team.shared().get(#from..#to) { #copy })
}
