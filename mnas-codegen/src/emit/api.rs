//! The generated type: constants, constructors, `infer`, and the module of its kernels.

use super::absolute::Absolute;
use super::items::attributes;
use super::kernels::Kernels;
use super::operands::{self, Arguments, buffer};
use super::{int, team_api};
use crate::plan::isa::Isa;
use crate::plan::{Plan, Schedule, Step, StepSchedule};
use mnas_dsl::names::snake_case;
use mnas_dsl::network::Preprocess;
use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};

/// Where the weights of the generated network come from.
#[derive(Clone, Debug)]
pub enum Embed {
    /// Only from a file that the program loads.
    None,
    /// From a file beside the generated one.
    File(
        /// Its path as `include_bytes!` takes it.
        String,
    ),
    /// From the given bytes, written into the code.
    Bytes(
        /// The packed weights, little-endian.
        Vec<u8>,
    ),
}

/// What the generated code is to look like.
#[derive(Clone, Debug)]
pub struct Options {
    /// The type's name.
    pub ident: Ident,
    /// Its visibility.
    pub visibility: TokenStream,
    /// Attributes and documentation of the type.
    pub attributes: TokenStream,
    /// Path to mnas-runtime; ignored for a file that stands alone.
    pub runtime: TokenStream,
    /// Whether mnas-runtime is a module beside the network.
    pub standalone: bool,
    /// Whether every memory access is asserted.
    pub checked: bool,
    /// Version of mnas that the runtime must have.
    pub version: String,
    /// Where weights come from.
    pub embed: Embed,
    /// From the spec; makes `infer_u8`.
    pub preprocess: Option<Preprocess>,
    /// Parameters as they are usually counted.
    pub parameters: u64,
    /// Multiply-accumulates as they are usually counted.
    pub macs: u64,
}

/// The items of a network.
pub fn emit(plan: &Plan, options: &Options) -> TokenStream {
    // Named for the type: two types may be compiled from one spec.
    let type_name = options.ident.to_string();
    let module = format_ident!("{}_kernels", snake_case(type_name.trim_start_matches("r#")));
    // Seen from the type, and from the modules of the instruction sets two levels below.
    let (runtime, inner) = if options.standalone {
        (quote!(self::mnas_runtime), quote!(super::super::mnas_runtime))
    } else {
        (options.runtime.clone(), options.runtime.clone())
    };
    let version = &options.version;
    let the_type = the_type(plan, options, &runtime, &module);
    let team = plan.threads.map_or(quote!(), |memory| team_api::emit(plan, memory, options, &runtime, &module));
    let layers = layers(plan, &runtime_in(&inner, options));
    let isas: TokenStream = plan.schedules.iter().map(|s| isa_module(plan, s, options, &inner)).collect();
    let module_doc = format!(" Kernels of [`{}`] and the layout of its weights.", options.ident);
    quote! {
        #the_type
        #team
        const _: () = #runtime::assert_version(#version);
        #[doc = #module_doc]
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
        mod #module {
            #layers
            #isas
        }
    }
}

fn runtime_in(inner: &TokenStream, options: &Options) -> TokenStream {
    if options.standalone { quote!(super::mnas_runtime) } else { inner.clone() }
}

fn the_type(plan: &Plan, options: &Options, runtime: &TokenStream, module: &Ident) -> TokenStream {
    let Absolute { f32, bool, u8, u64, usize, str, option, some, result, fn_mut, .. } = &Absolute::new();
    let (ident, visibility, attributes) = (&options.ident, &options.visibility, &options.attributes);
    let name = &plan.name;
    let [ih, iw, ic] = [plan.input.height, plan.input.width, plan.input.channels].map(int);
    let [oh, ow, oc] = [plan.output.height, plan.output.width, plan.output.channels].map(int);
    let (input_len, output_len) = (int(plan.input.len()), int(plan.output.len()));
    let (arena_len, weights_len) = (int(plan.arena.len), int(plan.weights_len));
    let (parameters, macs) = (Literal::u64_unsuffixed(options.parameters), Literal::u64_unsuffixed(options.macs));
    let embedded = embedded(plan, options, runtime);
    let image = plan.arena.buffers[plan.image].offset;
    let image_range = {
        let (from, to) = (int(image), int(image + plan.input.len()));
        quote!(#from..#to)
    };
    let bytes = match &options.preprocess {
        None => quote!(),
        Some(p) => infer_u8(p, runtime, &image_range, [&arena_len, &input_len, &output_len]),
    };
    let detected = quote!(#runtime::isa::level());
    let run = run_alone(plan, runtime, module, &detected, &quote!(|_: #usize, _: &[#f32]| {}));
    let observe = run_alone(plan, runtime, module, &detected, &quote!(*after));
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
                #runtime::isa::level() >= #module::LOWEST
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

        #[allow(unsafe_code, unused_variables, clippy::all, clippy::pedantic, clippy::restriction, reason = "generated: calls kernels that the processor was asked for")]
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

/// What code of the type's own may do. Variables are unused where a file has no instruction set for the processor.
pub(super) fn allow_calls() -> TokenStream {
    quote! {
        #[allow(
            unsafe_code,
            unreachable_pub,
            dead_code,
            unused_variables,
            clippy::all,
            clippy::pedantic,
            clippy::restriction,
            reason = "generated: calls kernels that the processor was asked for, and offers more than one program uses"
        )]
    }
}

/// The whole network on one thread: from `image`, in `arena`, to `output`, which tells `after` of each step.
pub(super) fn run_alone(
    plan: &Plan,
    runtime: &TokenStream,
    module: &Ident,
    level: &TokenStream,
    after: &TokenStream,
) -> TokenStream {
    let Absolute { f32, .. } = &Absolute::new();
    let call = quote!(run(self.weights, image, arena, output, &mut #after));
    // Where the processor has no instruction set of this file.
    let none = quote!({
        output.fill(#f32::NAN);
    });
    dispatch(plan, runtime, module, level, &call, none)
}

/// The condition under which the module of an instruction set is compiled, and every call into it.
fn gate(isa: Isa) -> TokenStream {
    let arch = isa.arch;
    if arch.is_empty() { quote!() } else { quote!(#[cfg(target_arch = #arch)]) }
}

/// `let level = ..;`, for several calls of [`dispatch`] with one answer; nothing where it does not depend on the processor.
pub(super) fn level(plan: &Plan, runtime: &TokenStream) -> TokenStream {
    let is_needed = plan.schedules.first().is_some_and(|first| !first.isa.arch.is_empty());
    if is_needed { quote!(let level = #runtime::isa::level();) } else { quote!() }
}

/// Calls the best instruction set of the file that the machine has at `level`, or does `none`.
///
/// A file compiles for any processor: an arm has the condition of the module that it calls.
pub(super) fn dispatch(
    plan: &Plan,
    runtime: &TokenStream,
    module: &Ident,
    level: &TokenStream,
    call: &TokenStream,
    none: TokenStream,
) -> TokenStream {
    let (mut arms, mut last) = (TokenStream::new(), none);
    for schedule in &plan.schedules {
        let name = format_ident!("{}", schedule.isa.name);
        let call = quote!(unsafe { #module::#name::#call });
        if schedule.isa.arch.is_empty() {
            last = quote!({ #call });
            break;
        }
        let (gate, least) = (gate(schedule.isa), format_ident!("{}", schedule.isa.name.to_uppercase()));
        arms.extend(quote!(#gate level if level >= #runtime::isa::#least => { #call }));
    }
    if arms.is_empty() { last } else { quote!(match #level { #arms _ => #last }) }
}

fn embedded(plan: &Plan, options: &Options, runtime: &TokenStream) -> TokenStream {
    let bytes = match &options.embed {
        Embed::None => return quote!(),
        Embed::File(path) => quote!(*::core::include_bytes!(#path)),
        Embed::Bytes(bytes) => {
            let literal = Literal::byte_string(bytes);
            quote!(*#literal)
        }
    };
    let (size, ident) = (int(plan.weights_len * 4), &options.ident);
    let result = quote!(#ident<'static>);
    quote! {
        /// The network with the weights that it was compiled with.
        pub const fn embedded() -> #result {
            static WEIGHTS: #runtime::AlignedBytes<#size> = #runtime::AlignedBytes(#bytes);
            #ident { weights: WEIGHTS.floats() }
        }
    }
}

/// What 8-bit values are multiplied by, and what is added then, a channel each.
pub(super) fn normalization(p: &Preprocess) -> (Vec<Literal>, Vec<TokenStream>) {
    let scale = p.std.iter().map(|s| Literal::f32_unsuffixed((1.0 / (p.divide * s)) as f32));
    let shift = p.mean.iter().zip(&p.std).map(|(m, s)| {
        let value = (-m / s) as f32;
        if value < 0.0 {
            let magnitude = Literal::f32_unsuffixed(-value);
            quote!(-#magnitude)
        } else {
            let value = Literal::f32_unsuffixed(value.abs());
            quote!(#value)
        }
    });
    (scale.collect(), shift.collect())
}

fn infer_u8(p: &Preprocess, runtime: &TokenStream, range: &TokenStream, lens: [&Literal; 3]) -> TokenStream {
    let Absolute { f32, u8, some, .. } = &Absolute::new();
    let [arena_len, input_len, output_len] = lens;
    let (scale, shift) = normalization(p);
    quote! {
        /// As [`Self::infer`], for 8-bit values, normalised as the spec's `preprocess` says.
        pub fn infer_u8(
            &self,
            workspace: &mut #runtime::Workspace<#arena_len>,
            image: &[#u8; #input_len],
            output: &mut [#f32; #output_len],
        ) {
            if let #some(staged) = workspace.arena().get_mut(#range) {
                #runtime::image::normalize(image, &[#(#scale),*], &[#(#shift),*], staged);
            }
            self.infer_staged(workspace, output);
        }
    }
}

/// The table of layers that loading goes by, and a few constants.
fn layers(plan: &Plan, runtime: &TokenStream) -> TokenStream {
    let rows = plan.layers.iter().map(|l| {
        let param = &l.param;
        let batch_norm = match l.batch_norm {
            Some(eps) => {
                let eps = Literal::f64_unsuffixed(eps);
                quote!(Some(#eps))
            }
            None => quote!(None),
        };
        let (bias, depthwise, linear) = (l.bias, l.depthwise, l.linear);
        let [i, o, k, at] = [l.input_channels, l.output_channels, l.kernel_size, l.offset].map(int);
        let panels = l.panels.iter().map(|p| {
            let (width, count) = (int(p.width), int(p.count));
            quote!((#width, #count))
        });
        quote!(Layer {
            param: #param, batch_norm: #batch_norm, bias: #bias, depthwise: #depthwise, linear: #linear,
            input_channels: #i, output_channels: #o, kernel_size: #k,
            panels: &[#(#panels),*], offset: #at,
        })
    });
    let image = int(plan.arena.buffers[plan.image].offset);
    let lowest = plan.schedules.last().map_or(quote!(SCALAR), |s| {
        let name = format_ident!("{}", s.isa.name.to_uppercase());
        quote!(#name)
    });
    quote! {
        use #runtime::Layer;
        /// Where an image is put that has to be converted first.
        pub(super) const IMAGE: usize = #image;
        /// The least that the processor must have.
        pub(super) const LOWEST: u8 = #runtime::isa::#lowest;
        /// Every layer in the packed weights.
        pub(super) static LAYERS: &[Layer<'static>] = &[#(#rows),*];
    }
}

fn isa_module(plan: &Plan, schedule: &Schedule, options: &Options, runtime: &TokenStream) -> TokenStream {
    let mut kernels = Kernels::new(schedule.isa);
    let steps: TokenStream = (0..plan.steps.len()).map(|i| step_call(plan, schedule, i, &mut kernels)).collect();
    let ops = (schedule.isa.ops)();
    let memory = ops.memory(schedule.isa.lanes, options.checked);
    let imports = (ops.imports)(runtime);
    let name = format_ident!("{}", schedule.isa.name);
    let attribute = attributes(schedule.isa);
    let gate = gate(schedule.isa);
    let copy = copy_output(plan);
    let team = plan.threads.map_or(quote!(), |m| team_api::run(plan, m, schedule, options, runtime, &mut kernels));
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

            /// A buffer of the arena, to read.
            ///
            /// # Safety
            /// Nothing writes it while the step runs: buffers alive together do not overlap.
            #[inline(always)]
            unsafe fn view<'a>(arena: *mut f32, at: usize, len: usize) -> &'a [f32] {
                #view_guard
                ::core::slice::from_raw_parts(arena.add(at), len)
            }
            /// A buffer of the arena, to write.
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

/// From `made`, where channels are padded, to `output`.
pub(super) fn copy_made(plan: &Plan) -> TokenStream {
    let (channels, stride) = (int(plan.output.channels), int(plan.stride(plan.output)));
    quote! {
        for (to, from) in output.chunks_exact_mut(#channels).zip(made.chunks_exact(#stride)) {
            for (o, v) in to.iter_mut().zip(from) {
                *o = *v;
            }
        }
    }
}

fn step_call(plan: &Plan, schedule: &Schedule, index: usize, kernels: &mut Kernels) -> TokenStream {
    let step = &plan.steps[index];
    let function = super::step::function(plan, schedule, index, kernels);
    let Arguments { input, weights, residual } = operands::arguments(plan, step);
    let scratch = step.scratch.map_or(quote!(), |id| {
        let view = buffer(plan, "view_mut", id);
        quote!(#view,)
    });
    // The weights of the step behind it, without which it is in no plan.
    let ahead = match &schedule.steps[index] {
        StepSchedule::Conv { kernel } if kernel.ahead > 0 => operands::arguments(plan, &plan.steps[index + 1]).weights,
        _ => quote!(),
    };
    let (out, made) = (buffer(plan, "view_mut", step.output), buffer(plan, "view", step.output));
    let comment = super::note(&format!("{}: {}", step.name, step.source));
    let index = int(index);
    quote! {
        #comment
        #function(#input, #weights #ahead #residual #scratch #out);
        after(#index, #made);
    }
}
