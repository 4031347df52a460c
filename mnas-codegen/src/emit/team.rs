//! Steps that several threads share: the kernels of one thread for a range of row blocks, or kernels over a range of panels
//! or tiles.

use super::block::BlockDriver;
use super::geometry::conv_row_call;
use super::items::{attributes, safety};
use super::kernels::Kernels;
use super::operands::{self, Arguments, buffer};
use super::{int, rows, step, times};
use crate::plan::{InputLayout, OutputLayout, ParallelStep, Parallelism, Plan, Schedule, StepKind, StepSchedule};
use crate::units::Elements;
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

/// The call of step `index` by every thread.
pub fn call(plan: &Plan, schedule: &Schedule, index: usize, kernels: &mut Kernels) -> TokenStream {
    let parallel = &schedule.parallel[index];
    let mut share = |step: &ParallelStep| share(plan, schedule, index, step, kernels);
    if parallel.variants.is_empty() {
        return share(&parallel.default);
    }
    let arm = |(count, step): &(usize, ParallelStep)| {
        let (count, call) = (int(*count), share(step));
        quote!(#count => { #call })
    };
    let arms: TokenStream = parallel.variants.iter().map(arm).collect();
    let others = share(&parallel.default);
    quote!(match worker.count() { #arms _ => { #others } })
}

fn share(plan: &Plan, schedule: &Schedule, index: usize, shared: &ParallelStep, kernels: &mut Kernels) -> TokenStream {
    let step = &plan.steps[index];
    let Arguments { input, weights, residual } = operands::arguments(plan, step);
    let out = buffer(plan, "cells", step.output);
    match (shared.parallelism, &shared.schedule) {
        (Parallelism::Single, _) => {
            let function = step::function(plan, schedule, index, kernels);
            let out = buffer(plan, "view_mut", step.output);
            quote!(if worker.index() == 0 { #function(#input, #weights #residual #out); })
        }
        (Parallelism::Rows, s) => {
            let function = rows::function(plan, step, s, Parallelism::Rows, kernels).expect("a step of rows");
            let scratch = if s.scratch_len() > Elements::ZERO { quote!(scratch,) } else { quote!() };
            quote!(#function(worker, #input, #weights #residual #scratch #out);)
        }
        (_, StepSchedule::Conv { kernel }) => {
            let function = kernels.conv(kernel);
            let prefetched =
                if kernel.prefetch_len > Elements::ZERO { prefetched(plan, schedule, index) } else { quote!() };
            quote!(#function(#input, #weights #prefetched #residual #out, worker);)
        }
        (parallelism, StepSchedule::Block(s)) => {
            let StepKind::Block(block) = &step.kind else { return TokenStream::new() };
            let function = BlockDriver::new(plan, step, block, s, parallelism).emit_shared(shared, kernels);
            let (at, len) = (int(plan.arena.len), int(shared.scratch_len(true)));
            quote!(#function(worker, #input, #weights #residual cells(arena, #at, #len), scratch, #out);)
        }
        (_, StepSchedule::Plain | StepSchedule::Depthwise(_) | StepSchedule::SqueezeExcite(_)) => {
            unreachable!("threads divide the rows of such a step")
        }
    }
}

/// The weights of the step after step `index`, and where a thread's share of them starts: in a classifier a tile is a panel,
/// and all panels but the last are as wide as the first.
fn prefetched(plan: &Plan, schedule: &Schedule, index: usize) -> TokenStream {
    let weights = operands::arguments(plan, &plan.steps[index + 1]).weights;
    let next = schedule.parallel.get(index + 1).map(|next| (next.default.parallelism, &next.default.schedule));
    let Some((Parallelism::Tiles, StepSchedule::Conv { kernel })) = next else { return quote!(#weights 0,) };
    let tiles = int(kernel.panel_count());
    let first = kernel.panels.first().map_or(0, |g| (kernel.input_channels + 1) * g.width);
    let start = times(quote!(worker.range(#tiles).start), first);
    quote!(#weights #start,)
}

impl BlockDriver<'_> {
    fn emit_shared(&self, shared_step: &ParallelStep, kernels: &mut Kernels) -> Ident {
        let mut split = TokenStream::new();
        let mut shared = Elements::ZERO;
        for (name, len) in self.s.scratch.parts().iter().filter(|(_, len)| *len > Elements::ZERO) {
            let (ident, size) = (format_ident!("{name}"), int(*len));
            if shared_step.shares(name) {
                let at = int(shared);
                shared += *len;
                split.extend(quote!(let #ident = tail_cells(shared, #at);));
            } else {
                split.extend(quote!(let (#ident, scratch) = split(scratch, #size);));
            }
        }
        let body =
            if self.parallelism == Parallelism::Panels { self.panels(kernels) } else { self.row_blocks(kernels) };
        let residual = if self.s.project.residual.is_some() { quote!(residual: &[f32],) } else { quote!() };
        let (safety, attribute) = (safety(), attributes(kernels.isa));
        let doc = self.doc();
        kernels.function(&format!("team_{}", self.name()), |this| {
            quote! {
                #[doc = #doc]
                #safety
                #attribute
                unsafe fn #this(
                    worker: &Worker<'_>,
                    input: &[f32],
                    w: &[f32],
                    #residual
                    shared: &[Cell<f32>],
                    scratch: &mut [f32],
                    out: &[Cell<f32>],
                ) {
                    #split
                    let _ = scratch;
                    #body
                }
            }
        })
    }

    /// A range of row blocks; with squeeze-excite, their projection once the sums of all rows exist.
    fn row_blocks(&self, kernels: &mut Kernels) -> TokenStream {
        let s = self.s;
        let (expand, depthwise) = (self.expand_rows(kernels), self.depthwise_rows(kernels));
        let (gate, project) = (self.gate(kernels), self.project(kernels));
        let ready = if s.expand.is_some() {
            // The first row that the first row block reads.
            let (first, top) =
                (times(quote!(row_blocks.start), s.row_block * s.rows.stride), int(s.rows.depthwise.pad_top));
            quote!(let mut ready = (#first).saturating_sub(#top);)
        } else {
            quote!()
        };
        let (project, after) = if s.squeeze_excite.is_some() {
            let oy0 = times(quote!(row_blocks.start), s.row_block);
            (quote!(), quote!(worker.barrier(); #gate let oy0 = #oy0; #project))
        } else {
            (project, quote!())
        };
        let (count, oy0) = (int(s.rows.count), times(quote!(row_block), s.row_block));
        quote! {
            let row_blocks = worker.range(#count);
            #ready
            for row_block in row_blocks.start..row_blocks.end {
                let oy0 = #oy0;
                #expand
                #depthwise
                #project
            }
            #after
        }
    }

    /// A range of panels of the expansion, with the depthwise convolution of their channels, panel by panel; then a range of
    /// tiles of the projection, which reads all channels.
    fn panels(&self, kernels: &mut Kernels) -> TokenStream {
        let d = &self.s.depthwise;
        let lanes = kernels.isa.lanes;
        let all = d.channels.div_ceil(lanes);
        let (depthwise, table) = (kernels.depthwise(d), self.depthwise_table());
        let weights = self.weights(&self.block.depthwise);
        let OutputLayout::Nchwc { block_stride } = d.destination else { return quote!() };
        let block = int(block_stride);
        let out = quote!(write_cells(depthwise, panel_vectors.start * #block, panel_vectors.len() * #block));
        let pooled = if d.pool.is_some() { quote!(pooled,) } else { quote!() };
        let (vectors, work) = match (&self.s.expand, &self.block.expand) {
            (Some(kernel), Some(expand)) => {
                let name = kernels.conv(kernel);
                let weights_of_expand = self.weights(expand);
                let panel = quote!(line_buffer, p..p + 1);
                let rows = &self.s.rows;
                let expand = if rows.expand_whole {
                    quote!(#name(input, #weights_of_expand, #panel);)
                } else {
                    let (row, height) = (int(rows.middle_row), int(rows.middle_height));
                    let out = quote!(tail_mut(line_buffer, oy * #row), p..p + 1);
                    let call = conv_row_call(&name, &rows.expand, &weights_of_expand, &quote!(), &out);
                    quote!(for oy in 0..#height { #call })
                };
                let panels = kernel.panel_count();
                let each = kernel.panels.first().map_or(0, |g| g.width / lanes);
                let (panels, each, all) = (int(panels), int(each), int(all));
                (
                    quote! {
                        let panels = worker.range(#panels);
                        // All panels are as wide as the first, but for the last.
                        let start = |p: usize| if p == #panels { #all } else { p * #each };
                        let vectors = start(panels.start)..start(panels.end);
                    },
                    quote! {
                        for p in panels {
                            #expand
                            let panel_vectors = start(p)..start(p + 1);
                            #depthwise(line_buffer, &rows, #weights, #pooled #out, panel_vectors.start..panel_vectors.end);
                        }
                    },
                )
            }
            _ => {
                let all = int(all);
                (
                    quote!(let vectors = worker.range(#all);),
                    quote! {
                        let panel_vectors = vectors.start..vectors.end;
                        #depthwise(input, &rows, #weights, #pooled #out, vectors.start..vectors.end);
                    },
                )
            }
        };
        let (sums, means) = if self.s.squeeze_excite.is_some() {
            (quote!(pooled.fill(0.0);), self.means(kernels, &quote!(vectors.start..vectors.end), &quote!(store_cells)))
        } else {
            (quote!(), quote!())
        };
        debug_assert!(matches!(d.source, InputLayout::Nhwc { .. }) == self.s.expand.is_none());
        let (gate, project) = (self.gate(kernels), self.project(kernels));
        quote! {
            let oy0 = 0;
            #table
            #vectors
            #sums
            #work
            #means
            worker.barrier();
            #gate
            #project
        }
    }
}
