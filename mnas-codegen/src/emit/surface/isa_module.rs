//! The module of an instruction set: access to memory, `run`, and its kernels.

use super::isa_threads;
use super::options::Options;
use super::output::copy_made;
use crate::emit::items::attributes;
use crate::emit::kernels::Kernels;
use crate::emit::operands::{self, Arguments, buffer};
use crate::emit::{int, memory, note, step};
use crate::plan::{Plan, Schedule, StepSchedule};
use crate::units::Elements;
use proc_macro2::TokenStream;
use quote::{format_ident, quote};

/// The module of the instruction set of `schedule`.
pub(super) fn isa_module(plan: &Plan, schedule: &Schedule, options: &Options, runtime: &TokenStream) -> TokenStream {
    let mut kernels = Kernels::new(schedule.isa);
    let steps: TokenStream = (0..plan.steps.len()).map(|i| step_call(plan, schedule, i, &mut kernels)).collect();
    let ops = (schedule.isa.f32.ops)();
    let memory = memory::memory(&ops, schedule.isa.lanes, options.checked);
    let imports = (ops.imports)(runtime);
    let name = format_ident!("{}", schedule.isa.name);
    let attribute = attributes(schedule.isa);
    let gate = schedule.isa.gate.attribute();
    let copy = copy_output(plan);
    let team = plan.threads.map_or(quote!(), |m| isa_threads::run(plan, m, schedule, options, runtime, &mut kernels));
    let functions = kernels.finish();
    let input_len = int(plan.input.len());
    let weights_len = int(plan.weights_len);
    let output_len = int(plan.output.len());
    let doc = format!(" The kernels for {}.", schedule.isa.name);
    let arena_len = int(plan.arena.len);
    let view_guard = if options.checked { quote!(assert!(at + len <= #arena_len);) } else { quote!() };
    quote! {
        #[doc = #doc]
        #gate
        pub(super) mod #name {
            #imports
            #memory

            /// A buffer of the arena, for reading.
            ///
            /// # Safety
            /// Nothing writes it while the step runs: buffers alive together do not overlap.
            #[inline(always)]
            unsafe fn view<'a>(arena: *mut f32, at: usize, len: usize) -> &'a [f32] {
                #view_guard
                ::core::slice::from_raw_parts(arena.add(at), len)
            }
            /// A buffer of the arena, for writing.
            ///
            /// # Safety
            /// Nothing else reads or writes it while the step runs: buffers alive together do not overlap.
            #[inline(always)]
            unsafe fn view_mut<'a>(arena: *mut f32, at: usize, len: usize) -> &'a mut [f32] {
                #view_guard
                ::core::slice::from_raw_parts_mut(arena.add(at), len)
            }

            /// The whole network.
            ///
            /// # Safety
            /// The processor has the features; `image` points to the whole image and `arena` to the whole arena,
            /// where the image may lie at its place.
            #attribute
            pub(in super::super) unsafe fn run<F: FnMut(usize, &[f32]) + ?Sized>(
                w: &[f32; #weights_len],
                image: *const f32,
                arena: *mut f32,
                output: &mut [f32; #output_len],
                after: &mut F,
            ) {
                let w: &[f32] = w;
                let image = ::core::slice::from_raw_parts(image, #input_len);
                #steps
                #copy
            }

            #team

            #functions
        }
    }
}

/// From the arena to the caller's array.
fn copy_output(plan: &Plan) -> TokenStream {
    let Some(last) = plan.steps.last() else { return quote!() };
    let (made, copy) = (buffer(plan, "view", last.output), copy_made(plan));
    quote!(let made = #made; #copy)
}

fn step_call(plan: &Plan, schedule: &Schedule, index: usize, kernels: &mut Kernels) -> TokenStream {
    let step = &plan.steps[index];
    let function = step::function(plan, schedule, index, kernels);
    let Arguments { input, weights, residual } = operands::arguments(plan, step);
    let scratch = step.scratch.map_or(quote!(), |id| {
        let view = buffer(plan, "view_mut", id);
        quote!(#view,)
    });
    // The weights of the next step, which every plan with such a step has.
    let prefetched = match &schedule.steps[index] {
        StepSchedule::Conv { kernel } if kernel.prefetch_len > Elements::ZERO => {
            operands::arguments(plan, &plan.steps[index + 1]).weights
        }
        _ => quote!(),
    };
    let (out, made) = (buffer(plan, "view_mut", step.output), buffer(plan, "view", step.output));
    let comment = note(&format!("{}: {}", step.name, step.source));
    let index = int(index);
    quote! {
        #comment
        #function(#input, #weights #prefetched #residual #scratch #out);
        after(#index, #made);
    }
}
