//! The part of an instruction set's module for several threads: access to shared memory, and the entry of each thread.

use super::options::Options;
use crate::emit::items::attributes;
use crate::emit::kernels::Kernels;
use crate::emit::operands::buffer;
use crate::emit::{int, memory, note, team};
use crate::plan::{Plan, Schedule, ThreadMemory};
use crate::units::Elements;
use proc_macro2::TokenStream;
use quote::quote;

/// The functions of an instruction set's module.
pub(super) fn run(
    plan: &Plan,
    memory: ThreadMemory,
    schedule: &Schedule,
    options: &Options,
    runtime: &TokenStream,
    kernels: &mut Kernels,
) -> TokenStream {
    let steps: TokenStream = (0..plan.steps.len())
        .map(|index| {
            let step = &plan.steps[index];
            let call = team::call(plan, schedule, index, kernels);
            let comment = note(&format!("{}: {}", step.name, step.source));
            let (index, made) = (int(index), buffer(plan, "view", step.output));
            quote! {
                #comment
                #call
                worker.barrier();
                if let (Some(after), 0) = (after, worker.index()) {
                    after.observe(#index, #made);
                }
            }
        })
        .collect();
    let attribute = attributes(schedule.isa);
    let [weights_len, input_len, shared, own] =
        [plan.weights_len, Elements(plan.input.len()), memory.shared, memory.per_thread].map(int);
    let shared_memory = memory::shared_memory(&(schedule.isa.f32.ops)(), schedule.isa.lanes, options.checked);
    let guard = if options.checked { quote!(assert!(at + len <= #shared);) } else { quote!() };
    quote! {
        use ::core::cell::Cell;
        use #runtime::{Worker, team::Observer};
        #shared_memory

        /// A buffer that workers share.
        ///
        /// # Safety
        /// As `view_mut`, for each value: until the next barrier, the worker that writes a value is the only one that uses it.
        #[inline(always)]
        unsafe fn cells<'a>(arena: *mut f32, at: usize, len: usize) -> &'a [Cell<f32>] {
            #guard
            ::core::slice::from_raw_parts(arena.add(at).cast(), len)
        }

        /// The whole network as one of several workers computes it, without the copy of its output.
        ///
        /// # Safety
        /// As `run`; every worker calls it with the same arguments but for `scratch`, and `arena` points to the memory
        /// that they share.
        #attribute
        pub(in super::super) unsafe fn team(
            worker: &Worker<'_>,
            w: &[f32; #weights_len],
            image: *const f32,
            arena: *mut f32,
            scratch: &mut [f32; #own],
            after: Option<&Observer<'_>>,
        ) {
            let w: &[f32] = w;
            let scratch: &mut [f32] = scratch;
            let image = ::core::slice::from_raw_parts(image, #input_len);
            #steps
        }
    }
}
