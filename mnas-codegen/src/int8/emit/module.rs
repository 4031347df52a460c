//! The module of an instruction set: access to memory, `run`, `team`, and its kernels.

use super::{attributes, conv, depthwise, elementwise, image, memory, pool, surface::Options};
use crate::emit::items::safety;
use crate::emit::{int, note, plus};
use crate::int8::kernel::{Kernel, Output};
use crate::int8::map::Layout;
use crate::int8::plan::{Plan, Step};
use crate::machine::Isa;
use crate::plan::BufferId;
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use std::collections::BTreeMap;

/// How many calls a step can be divided into, and what each computes.
struct Shares {
    /// Shares.
    count: usize,
    /// What the argument `part` counts in each share.
    unit: usize,
}

/// The functions of a module: equal kernels share one.
struct Functions<'a> {
    isa: &'a Isa,
    known: BTreeMap<(Kernel, bool), Ident>,
    margins: BTreeMap<(Layout, u8), Ident>,
    names: BTreeMap<String, usize>,
    text: Vec<TokenStream>,
}

impl Functions<'_> {
    fn name(&mut self, wanted: String) -> Ident {
        let count = self.names.entry(wanted.clone()).or_insert(0);
        *count += 1;
        if *count == 1 { format_ident!("{wanted}") } else { format_ident!("{wanted}_v{count}") }
    }

    fn kernel(&mut self, kernel: &Kernel) -> Ident {
        let by_rows = is_by_rows(kernel);
        if let Some(name) = self.known.get(&(kernel.clone(), by_rows)) {
            return name.clone();
        }
        let name = self.name(wanted_name(kernel));
        let isa = self.isa;
        let text = match kernel {
            Kernel::Conv(kernel) => conv::emit(kernel, isa, &name, by_rows),
            Kernel::Depthwise(kernel) => depthwise::emit(kernel, isa, &name),
            Kernel::GlobalAverage { input, zero, output } => pool::global(input, *zero, *output, isa, &name),
            Kernel::Gate { input, zero, output } => elementwise::gate(input, *zero, *output, isa, &name),
            Kernel::Add { inputs, zeros, output, finish } => {
                elementwise::add(inputs, *zeros, *output, *finish, isa, &name)
            }
            Kernel::Pool(kernel) => pool::windows(kernel, isa, &name),
        };
        let (doc, safety) = (documentation(kernel), safety());
        self.text.push(quote!(#[doc = #doc] #safety #text));
        self.known.insert((kernel.clone(), by_rows), name.clone());
        name
    }

    /// The function that fills the margins of a map, if it has any.
    fn margins(&mut self, output: Output) -> Option<Ident> {
        let Output::Bytes(layout, zero) = output else { return None };
        if layout.margins == Default::default() {
            return None;
        }
        if let Some(name) = self.margins.get(&(layout, zero)) {
            return Some(name.clone());
        }
        let name = self.name(format!("margins_{}x{}x{}", layout.height, layout.width, layout.channels));
        let text = elementwise::margins(&layout, zero, &name);
        let safety = safety();
        self.text.push(quote!(#[doc = " Fills the margins with the zero point."] #safety #text));
        self.margins.insert((layout, zero), name.clone());
        Some(name)
    }
}

fn wanted_name(kernel: &Kernel) -> String {
    match kernel {
        Kernel::Conv(kernel) => {
            let (output, [rows, columns]) = (kernel.output.layout(), kernel.window);
            let kind = if rows * columns == 1 { "pointwise".to_owned() } else { format!("conv{rows}x{columns}") };
            let add = if kernel.residual.is_some() { "_add" } else { "" };
            let [height, width] = [output.height, output.width];
            format!("{kind}_{}_to_{}_{height}x{width}{add}", kernel.input.channels, output.channels)
        }
        Kernel::Depthwise(kernel) => {
            let (k, output) = (kernel.kernel_size, kernel.output.layout());
            format!("depthwise{k}x{k}_s{}_{}_{}x{}", kernel.stride, output.channels, output.height, output.width)
        }
        Kernel::GlobalAverage { input, .. } => format!("average_{}x{}x{}", input.height, input.width, input.channels),
        Kernel::Gate { input, .. } => format!("gate_{}x{}x{}", input.height, input.width, input.channels),
        Kernel::Add { inputs: [input, _], .. } => format!("add_{}x{}x{}", input.height, input.width, input.channels),
        Kernel::Pool(kernel) => {
            let kind = if kernel.is_average { "average_pool" } else { "max_pool" };
            format!("{kind}_{}x{}x{}", kernel.output.height, kernel.output.width, kernel.output.channels)
        }
    }
}

/// What a kernel computes.
fn documentation(kernel: &Kernel) -> String {
    let size = |layout: &Layout| format!("{}x{}x{}", layout.height, layout.width, layout.channels);
    match kernel {
        Kernel::Conv(kernel) => {
            let ([rows, columns], stride) = (kernel.window, kernel.stride);
            let (input, output) = (size(&kernel.input), size(&kernel.output.layout()));
            let sum = if kernel.residual.is_some() { ", and the sum with a residual" } else { "" };
            format!(" {rows}x{columns} convolution, stride {stride}, {input} to {output}{sum}.")
        }
        Kernel::Depthwise(kernel) => {
            let (k, stride) = (kernel.kernel_size, kernel.stride);
            let (input, output) = (size(&kernel.input), size(&kernel.output.layout()));
            format!(" Depthwise {k}x{k} convolution, stride {stride}, {input} to {output}.")
        }
        Kernel::GlobalAverage { input, .. } => format!(" The mean over all pixels of {}.", size(input)),
        Kernel::Gate { input, .. } => format!(" {} times a gate for each channel.", size(input)),
        Kernel::Add { inputs: [input, _], .. } => format!(" The sum of two maps of {}.", size(input)),
        Kernel::Pool(kernel) => {
            let what = if kernel.is_average { "mean" } else { "largest value" };
            let (k, output) = (kernel.kernel_size, size(&kernel.output));
            format!(" The {what} of windows of {k}x{k}, to {output}.")
        }
    }
}

/// Whether a convolution is divided by rows of its output; otherwise steps are divided by channels.
fn is_by_rows(kernel: &Kernel) -> bool {
    matches!(kernel, Kernel::Conv(kernel) if kernel.runs()[0] >= 14)
}

fn shares(kernel: &Kernel, isa: &Isa) -> Shares {
    match kernel {
        Kernel::Conv(conv) if is_by_rows(kernel) => Shares { count: conv.runs()[0], unit: 1 },
        Kernel::Conv(conv) => {
            let unit = conv::panels_of_group(conv, isa);
            Shares { count: conv.panels().div_ceil(unit), unit }
        }
        Kernel::GlobalAverage { input, .. } => Shares { count: input.blocks(), unit: 1 },
        _ => Shares { count: kernel.output().layout().blocks(), unit: 1 },
    }
}

/// A buffer of the arena, through the given function of the module.
fn buffer(plan: &Plan, function: &str, id: BufferId) -> TokenStream {
    let b = &plan.arena.buffers[id];
    let (function, at, len) = (format_ident!("{function}"), int(b.offset.bytes()), int(b.len.bytes()));
    quote!(#function(arena, #at, #len))
}

/// The statements of a step whose share of the work is `part`: of `threads`, or all of it.
fn step_call(plan: &Plan, step: &Step, functions: &mut Functions<'_>, is_team: bool) -> TokenStream {
    let function = functions.kernel(&step.kernel);
    let margins = functions.margins(step.kernel.output());
    let Shares { count, unit } = shares(&step.kernel, functions.isa);
    let whole = int(count * unit);
    let part = match (is_team, unit) {
        (false, _) => quote!(0..#whole),
        (true, 1) => {
            let count = int(count);
            quote!(worker.range(#count))
        }
        (true, unit) => {
            let (count, unit) = (int(count), int(unit));
            quote!({
                let share = worker.range(#count);
                share.start * #unit..share.end * #unit
            })
        }
    };
    let input = buffer(plan, "view", step.inputs[0]);
    let other = step.inputs.get(1).map(|&id| {
        let view = buffer(plan, "view", id);
        quote!(#view,)
    });
    let output = buffer(plan, "cells", step.output);
    let weights = plus(quote!(0), step.weights);
    let fill = margins.map(|function| {
        let blocks = int(step.kernel.output().layout().blocks());
        let part = if is_team { quote!(worker.range(#blocks)) } else { quote!(0..#blocks) };
        quote!(#function(#output, #part);)
    });
    quote! {
        #function(#input, from(w, #weights), #other #output, #part);
        #fill
    }
}

/// The module.
pub(super) fn emit(
    plan: &Plan,
    isa: &Isa,
    options: &Options,
    runtime: &TokenStream,
    table: Option<usize>,
) -> TokenStream {
    let mut functions =
        Functions { isa, known: BTreeMap::new(), margins: BTreeMap::new(), names: BTreeMap::new(), text: Vec::new() };
    let image_layout = plan.image.layout;
    let image_margins = functions.margins(Output::Bytes(image_layout, plan.image.zero));
    let (row, image_cells) = (buffer(plan, "cells", plan.image.row), buffer(plan, "cells", plan.image.buffer));
    let fill_image = image_margins.map(|function| {
        let blocks = int(image_layout.blocks());
        quote!(#function(#image_cells, 0..#blocks);)
    });
    let begin = quote! {
        #fill_image
        quantize(image, w, #row, #image_cells);
    };
    let mut calls = |is_team: bool| -> TokenStream {
        plan.steps
            .iter()
            .enumerate()
            .map(|(index, step)| {
                let call = step_call(plan, step, &mut functions, is_team);
                let comment = note(&format!("{}: {}", step.name, step.source));
                let (index, made) = (int(index), buffer(plan, "view_floats", step.output));
                let after = if is_team {
                    quote! {
                        worker.barrier();
                        if let (Some(after), 0) = (after, worker.index()) {
                            after.observe(#index, #made);
                        }
                    }
                } else {
                    quote!(after(#index, #made);)
                };
                quote!(#comment #call #after)
            })
            .collect()
    };
    let steps = calls(false);
    let attribute = attributes(isa);
    let weights_len = int(plan.weights_len.elements());
    let weight_bytes = int(plan.weights_len);
    let team = plan.threads.then(|| {
        let steps = calls(true);
        quote! {
            use #runtime::{Worker, team::Observer};
            /// The whole network but for its output, as one of several workers.
            ///
            /// # Safety
            /// As `run`; every worker calls it with the same arguments.
            #attribute
            pub(in super::super) unsafe fn team(
                worker: &Worker<'_>,
                w: &[f32; #weights_len],
                image: Image<'_>,
                arena: *mut u8,
                after: Option<&Observer<'_>>,
            ) {
                let w: &[u8] = ::core::slice::from_raw_parts(w.as_ptr().cast(), #weight_bytes);
                if worker.index() == 0 { #begin }
                worker.barrier();
                #steps
            }
        }
    });
    let quantize = image::emit(plan, isa, table, options.checked);
    let memory = memory::memory(isa, options.checked);
    let arena_len = int(plan.arena.len.bytes());
    let guard = if options.checked { quote!(assert!(at + len <= #arena_len);) } else { quote!() };
    let range = if options.checked { quote!(assert!(start <= a.len());) } else { quote!() };
    let last = plan.steps.last().map(|step| (buffer(plan, "view", step.output), step.kernel.output().layout()));
    let copy = last.map(|(made, layout)| copy_output(plan, &made, &layout));
    let (name, simd) = (format_ident!("{}", isa.name), format_ident!("{}", super::tiles(isa).module));
    let gate = isa.gate.attribute();
    let doc = format!(" The kernels for {}.", isa.name);
    let output_len = int(plan.output.len());
    let functions = functions.text;
    quote! {
        #[doc = #doc]
        #gate
        pub(super) mod #name {
            use super::Image;
            use ::core::cell::Cell;
            use ::core::ops::Range;
            use #runtime::int8::#simd as simd;
            #memory

            /// `a[start..]`.
            ///
            /// # Safety
            /// As `quad`.
            #[inline(always)]
            unsafe fn from(a: &[u8], start: usize) -> &[u8] { #range unsafe { a.get_unchecked(start..) } }
            /// A buffer of the arena, to read.
            ///
            /// # Safety
            /// Nothing writes it while the step runs: buffers alive together do not overlap.
            #[inline(always)]
            unsafe fn view<'a>(arena: *mut u8, at: usize, len: usize) -> &'a [u8] {
                #guard
                ::core::slice::from_raw_parts(arena.add(at), len)
            }
            /// As `view`, four bytes in a float.
            ///
            /// # Safety
            /// As `view`.
            #[inline(always)]
            unsafe fn view_floats<'a>(arena: *mut u8, at: usize, len: usize) -> &'a [f32] {
                #guard
                ::core::slice::from_raw_parts(arena.add(at).cast(), len / 4)
            }
            /// A buffer of the arena, to write.
            ///
            /// # Safety
            /// As `view`, of each byte: only one worker writes it.
            #[inline(always)]
            unsafe fn cells<'a>(arena: *mut u8, at: usize, len: usize) -> &'a [Cell<u8>] {
                #guard
                ::core::slice::from_raw_parts(arena.add(at).cast(), len)
            }

            /// The whole network.
            ///
            /// # Safety
            /// The processor has the features; `arena` points to the whole arena.
            #attribute
            pub(in super::super) unsafe fn run<F: FnMut(usize, &[f32]) + ?Sized>(
                w: &[f32; #weights_len],
                image: Image<'_>,
                arena: *mut u8,
                output: &mut [f32; #output_len],
                after: &mut F,
            ) {
                let w: &[u8] = ::core::slice::from_raw_parts(w.as_ptr().cast(), #weight_bytes);
                #begin
                #steps
                copy(arena, output);
            }

            /// From the arena to the caller's array.
            ///
            /// # Safety
            /// `arena` points to the whole arena, in which the last step has been computed.
            pub(in super::super) unsafe fn copy(arena: *mut u8, output: &mut [f32; #output_len]) { #copy }

            #team

            #quantize

            #(#functions)*
        }
    }
}

fn copy_output(plan: &Plan, made: &TokenStream, layout: &Layout) -> TokenStream {
    let [channels, block, block_stride, row, origin, width] =
        [plan.output.channels, layout.block, layout.block_stride(), layout.row(), layout.origin(), layout.width]
            .map(int);
    quote! {
        let made = #made;
        for (i, o) in output.iter_mut().enumerate() {
            let (pixel, c) = (i / #channels, i % #channels);
            let (y, x) = (pixel / #width, pixel % #width);
            let at = (c / #block * #block_stride + #origin + y * #row + x * #block + c % #block) * 4;
            *o = f32::from_le_bytes([byte(made, at), byte(made, at + 1), byte(made, at + 2), byte(made, at + 3)]);
        }
    }
}
