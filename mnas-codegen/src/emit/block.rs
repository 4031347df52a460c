//! The function of a block, which calls kernels row block by row block.

use super::geometry::{conv_row_call, kernel_rows, row_offsets};
use super::items::{attributes, safety};
use super::kernels::Kernels;
use super::operands::{conv_weights, split_scratch, weights_start};
use super::{int, note, plus, pooling, times};
use crate::plan::{Block, BlockSchedule, InputLayout, LoopRange, Parallelism, Plan, PlannedConv, Step};
use crate::units::Elements;
use proc_macro2::{Ident, TokenStream};
use quote::quote;

pub(super) struct BlockDriver<'a> {
    pub(super) plan: &'a Plan,
    pub(super) step: &'a Step,
    pub(super) block: &'a Block,
    pub(super) s: &'a BlockSchedule,
    /// Where the step's weights start.
    base: Elements,
    /// Single, row blocks or panels.
    pub(super) parallelism: Parallelism,
}

impl<'a> BlockDriver<'a> {
    pub(super) fn new(
        plan: &'a Plan,
        step: &'a Step,
        block: &'a Block,
        s: &'a BlockSchedule,
        parallelism: Parallelism,
    ) -> Self {
        BlockDriver { plan, step, block, s, base: weights_start(plan, step).unwrap_or_default(), parallelism }
    }

    pub(super) fn weights(&self, conv: &PlannedConv) -> TokenStream {
        conv_weights(self.plan, conv, self.base)
    }

    pub(super) fn emit(&self, kernels: &mut Kernels) -> Ident {
        let row_blocks = self.s.rows.count;
        let expand = self.expand_rows(kernels);
        let depthwise = self.depthwise_rows(kernels);
        let project = self.project(kernels);
        // Squeeze-excite needs all rows before the first projection; otherwise each row block is projected at once.
        let (row_block, after) = match self.s.squeeze_excite {
            None => (quote!(#expand #depthwise #project), quote!()),
            Some(_) => {
                let gate = self.gate(kernels);
                (quote!(#expand #depthwise), quote!(#gate let oy0 = 0; #project))
            }
        };
        let row_blocks = if row_blocks == 1 {
            quote!(let oy0 = 0; #row_block)
        } else {
            let (row_blocks, oy0) = (int(row_blocks), times(quote!(row_block), self.s.row_block));
            quote!(for row_block in 0..#row_blocks { let oy0 = #oy0; #row_block })
        };
        let start = self.start(kernels);
        let split = split_scratch(&self.s.scratch);
        let residual = if self.s.project.residual.is_some() { quote!(residual: &[f32],) } else { quote!() };
        let (safety, attribute) = (safety(), attributes(kernels.isa));
        let doc = self.doc();
        let name = self.name();
        kernels.function(&name, |own| {
            quote! {
                #[doc = #doc]
                #safety
                #attribute
                unsafe fn #own(input: &[f32], w: &[f32], #residual scratch: &mut [f32], out: &mut [f32]) {
                    #split
                    #start
                    #row_blocks
                    #after
                }
            }
        })
    }

    pub(super) fn name(&self) -> String {
        let d = &self.block.depthwise.conv;
        format!(
            "block_k{}_s{}_{}_{}_{}_at_{}",
            d.kernel_size,
            d.stride,
            self.step.input_shape.channels,
            d.output_channels,
            self.step.output_shape.channels,
            self.step.output_shape.height,
        )
    }

    pub(super) fn doc(&self) -> String {
        let (i, o) = (self.step.input_shape, self.step.output_shape);
        format!(
            " {}x{}x{} to {}x{}x{} through {} channels; {}.",
            i.height,
            i.width,
            i.channels,
            o.height,
            o.width,
            o.channels,
            self.block.depthwise.conv.output_channels,
            self.s.reason
        )
    }

    fn start(&self, kernels: &Kernels) -> TokenStream {
        let mut out = TokenStream::new();
        if self.s.expand.is_some() && !self.s.rows.whole {
            out.extend(quote!(let mut ready = 0;));
        }
        if self.s.squeeze_excite.is_some() {
            let zero = (kernels.ops.splat)(0.0);
            let (len, lanes) = (int(self.s.scratch.pooled / kernels.isa.lanes), int(kernels.isa.lanes));
            out.extend(quote!(for v in 0..#len { store(pooled, v * #lanes, #zero); }));
        }
        out
    }

    /// Computes the rows of the expanded tensor that the row block reads and that do not exist yet.
    pub(super) fn expand_rows(&self, kernels: &mut Kernels) -> TokenStream {
        let (Some(kernel), Some(expand)) = (&self.s.expand, &self.block.expand) else { return quote!() };
        let name = kernels.conv(kernel);
        let weights = self.weights(expand);
        let rows = &self.s.rows;
        let (row, height) = (int(rows.middle_row), int(rows.middle_height));
        if rows.expand_whole {
            return quote!(#name(input, #weights, line_buffer););
        }
        let slot = match rows.depthwise.line_buffer.map(int) {
            None => quote!(oy * #row),
            Some(line_buffer) => quote!((oy % #line_buffer) * #row),
        };
        let out = quote!(tail_mut(line_buffer, #slot));
        let call = conv_row_call(&name, &rows.expand, &weights, &quote!(), &out);
        if rows.whole {
            return quote!(for oy in 0..#height { #call });
        }
        let need = self.need();
        quote! {
            let need = #need;
            while ready < need {
                let oy = ready;
                #call
                ready += 1;
            }
        }
    }

    /// A row block of the depthwise convolution.
    pub(super) fn depthwise_rows(&self, kernels: &mut Kernels) -> TokenStream {
        let d = &self.s.depthwise;
        let name = kernels.depthwise(d);
        let weights = self.weights(&self.block.depthwise);
        let source = if let InputLayout::Nhwc { .. } = d.source { quote!(input) } else { quote!(line_buffer) };
        let pooled = d.pool.map_or(quote!(), |row| {
            let (row, len) = (int(row), int(self.s.row_block * row));
            match self.parallelism {
                Parallelism::Single => quote!(tail_mut(pooled, oy0 * #row),),
                _ => quote!({ let sums = write_cells(pooled, oy0 * #row, #len); sums.fill(0.0); sums },),
            }
        });
        let out = if self.s.squeeze_excite.is_some() && !self.s.rows.whole {
            let out_row = int(self.s.rows.depthwise_row);
            quote!(tail_mut(depthwise, oy0 * #out_row))
        } else {
            quote!(depthwise)
        };
        let table = self.depthwise_table();
        quote!(#table #name(#source, &rows, #weights, #pooled #out);)
    }

    /// Where the input rows of each output row of a row block are, and which of them exist.
    pub(super) fn depthwise_table(&self) -> TokenStream {
        let rows = &self.s.rows.depthwise;
        let (offsets, bounds) = (row_offsets(rows), kernel_rows(rows));
        let (row_block, k) = (int(self.s.row_block), int(rows.kernel_size));
        quote! {
            let mut rows = [([0; #k], 0, 0); #row_block];
            for (r, row) in rows.iter_mut().enumerate() {
                let oy = oy0 + r;
                #bounds
                *row = ([#(#offsets),*], ky_from, ky_to);
            }
        }
    }

    /// Means of the channels in a range of vectors, from the sums of their rows.
    pub(super) fn means(&self, kernels: &Kernels, vectors: &TokenStream, to: &TokenStream) -> TokenStream {
        let (row, lanes) = (int(self.s.scratch.mean), int(kernels.isa.lanes));
        let (height, pixels) = (int(self.block.depthwise.output.height), self.block.depthwise.output.pixels());
        let sum = (kernels.ops.add)(quote!(sum), quote!(load(pooled, y * #row + v * #lanes)));
        let mean = (kernels.ops.multiply)(quote!(sum), (kernels.ops.splat)(1.0 / pixels as f32));
        quote! {
            for v in #vectors {
                let mut sum = load(pooled, v * #lanes);
                for y in 1..#height { sum = #sum; }
                #to(mean, v * #lanes, #mean);
            }
        }
    }

    pub(super) fn gate(&self, kernels: &mut Kernels) -> TokenStream {
        let (Some(se), Some((reduce, expand))) = (&self.s.squeeze_excite, &self.block.squeeze_excite) else {
            return quote!();
        };
        let pixels = self.block.depthwise.output.pixels();
        let (reduce_name, expand_name) = (kernels.conv(&se.reduce), kernels.conv(&se.expand));
        let (reduce_weights, expand_weights) = (self.weights(reduce), self.weights(expand));
        let (vectors, lanes) = (int(self.s.scratch.mean / kernels.isa.lanes), int(kernels.isa.lanes));
        let mean = self.means(kernels, &quote!(0..#vectors), &quote!(store));
        // Each thread computes the gate for itself, which costs less than a barrier.
        let mean = match self.parallelism {
            Parallelism::Single => mean,
            Parallelism::RowBlocks(_) => {
                let len = int(self.s.scratch.pooled);
                quote!(let pooled = read_cells(pooled, 0, #len); #mean)
            }
            _ => {
                let len = int(self.s.scratch.mean);
                quote!(let mean = read_cells(mean, 0, #len);)
            }
        };
        let scale = if se.gate_weights {
            quote!()
        } else {
            let name = pooling::scale(pixels, kernels);
            let (width, block) = (int(self.block.depthwise.output.width), int(pixels * kernels.isa.lanes));
            let (row_block, pixels) = (int(self.s.row_block), int(pixels));
            match self.parallelism {
                Parallelism::Single => quote!(#name(gate, depthwise, #vectors, 0..#pixels);),
                Parallelism::RowBlocks(_) => quote! {
                    let share = row_blocks.start * #row_block * #width..row_blocks.end * #row_block * #width;
                    #name(gate, depthwise, #vectors, share);
                },
                _ => quote! {
                    let share = write_cells(depthwise, vectors.start * #block, vectors.len() * #block);
                    #name(tail(gate, vectors.start * #lanes), share, vectors.len(), 0..#pixels);
                    worker.barrier();
                },
            }
        };
        let note = note("Squeeze and excite.");
        quote! {
            #note
            #mean
            #reduce_name(mean, #reduce_weights, reduced);
            #expand_name(reduced, #expand_weights, gate);
            #scale
        }
    }

    /// The rows of the input that the next row block reads and this one did not, and what lies behind them.
    fn prefetched(&self) -> TokenStream {
        let (need, row) = (self.need(), int(self.s.rows.input_row));
        quote!(tail(input, #need * #row),)
    }

    /// The row behind the last one that the row block reads.
    fn need(&self) -> TokenStream {
        let rows = &self.s.rows;
        let (need, height) = (plus(times(quote!(oy0), rows.stride), rows.reach), int(rows.middle_height));
        quote!({ let need = #need; if need < #height { need } else { #height } })
    }

    pub(super) fn project(&self, kernels: &mut Kernels) -> TokenStream {
        let project = &self.s.project;
        let name = kernels.conv(project);
        let weights = self.weights(&self.block.project);
        let row = self.s.rows.output_row;
        let (row_block, row) = (int(self.s.row_block * row), int(row));
        let gate = if project.gated { quote!(gate, panel,) } else { quote!() };
        let prefetched = if project.prefetch_len > Elements::ZERO { self.prefetched() } else { quote!() };
        let residual = |rest: TokenStream| if project.residual.is_some() { quote!(#rest,) } else { quote!() };
        let residual_row = residual(quote!(tail(residual, oy0 * #row)));
        match (self.parallelism, project.range) {
            (Parallelism::Single, _) => quote! {
                #name(depthwise, #weights, #prefetched #residual_row #gate tail_mut(out, oy0 * #row));
            },
            (Parallelism::RowBlocks(_), LoopRange::Runs) => {
                let out_row = int(self.s.rows.depthwise_row);
                quote! {
                    let share = write_cells(out, oy0 * #row, row_blocks.len() * #row_block);
                    #name(tail(depthwise, oy0 * #out_row), #weights, #residual_row #gate share, row_blocks.len());
                }
            }
            (Parallelism::RowBlocks(_), _) => quote! {
                #name(depthwise, #weights, #prefetched #residual_row #gate write_cells(out, oy0 * #row, #row_block));
            },
            _ => {
                let (len, residual) = (int(self.s.scratch.depthwise), residual(quote!(residual)));
                quote!(#name(read_cells(depthwise, 0, #len), #weights, #residual #gate out, worker);)
            }
        }
    }
}
