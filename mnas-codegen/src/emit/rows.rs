//! Steps that go row by row: the function for all rows, or for a thread's share of them.

use super::geometry::{kernel_rows, row_offsets};
use super::items::{attributes, safety};
use super::kernels::Kernels;
use super::operands::{conv_weights, split_scratch, weights_start};
use super::{int, note, pooling};
use crate::plan::{
    ConvKernel, DepthwiseKernel, Parallelism, Plan, PlannedConv, SqueezeExciteSchedule, Step, StepKind, StepSchedule,
    WindowRows, With,
};
use crate::units::Elements;
use mnas_dsl::network::{Activation, Shape};
use proc_macro2::{Ident, TokenStream};
use quote::quote;

/// Statements that run once, and statements for output row `oy`, or for rows `oy..to`.
struct Rows {
    name: String,
    before: TokenStream,
    row: TokenStream,
    /// Rows at a time, where a call makes several.
    several: Option<usize>,
}

/// The function of a step, for all rows of its output or, with [`Parallelism::Rows`], for a thread's share of them.
pub(super) fn function(
    plan: &Plan,
    step: &Step,
    schedule: &StepSchedule,
    parallelism: Parallelism,
    kernels: &mut Kernels,
) -> Option<Ident> {
    let r = RowDriver { plan, step, parallelism };
    let rows = match (&step.kind, schedule) {
        (StepKind::Conv { .. }, StepSchedule::Conv { kernel }) => r.conv(kernel, kernels),
        (StepKind::Depthwise { conv }, StepSchedule::Depthwise(kernel)) => r.depthwise(conv, kernel, kernels),
        (StepKind::SqueezeExcite { .. }, StepSchedule::SqueezeExcite(se)) => r.squeeze_excite(se, kernels),
        (StepKind::Pool { .. }, _) => r.pool(kernels),
        (StepKind::Elementwise { with, activation }, _) => r.elementwise(*with, *activation, kernels),
        _ => return None,
    };
    Some(r.function(rows, schedule.scratch_len() > Elements::ZERO, kernels))
}

struct RowDriver<'a> {
    plan: &'a Plan,
    step: &'a Step,
    parallelism: Parallelism,
}

impl RowDriver<'_> {
    fn function(&self, Rows { name, before, row, several }: Rows, has_scratch: bool, kernels: &mut Kernels) -> Ident {
        let step = self.step;
        let rows = int(step.output_shape.height);
        let weights = if step.kind.convs().is_empty() { quote!() } else { quote!(w: &[f32],) };
        let second = if step.residual.is_some() { quote!(residual: &[f32],) } else { quote!() };
        let scratch = if has_scratch { quote!(scratch: &mut [f32],) } else { quote!() };
        let (safety, attribute) = (safety(), attributes(kernels.isa));
        let at_a_time = several.map_or("one".to_owned(), |most| most.to_string());
        let (prefix, doc, worker, range, out) = match self.parallelism {
            Parallelism::Single => {
                let doc = format!(" {rows} output rows, {at_a_time} at a time.");
                ("rows_of", doc, quote!(), quote!(0..#rows), quote!(&mut [f32]))
            }
            _ => (
                "team_rows_of",
                format!(" A thread's share of {rows} output rows, {at_a_time} at a time."),
                quote!(worker: &Worker<'_>,),
                quote!(worker.range(#rows)),
                quote!(&[Cell<f32>]),
            ),
        };
        let all = match several.map(int) {
            None => quote!(for oy in #range { #row }),
            Some(most) => quote! {
                let row_range = #range;
                let mut oy = row_range.start;
                while oy < row_range.end {
                    let to = if oy + #most < row_range.end { oy + #most } else { row_range.end };
                    #row
                    oy = to;
                }
            },
        };
        kernels.function(&format!("{prefix}_{name}"), |this| {
            quote! {
                #[doc = #doc]
                #safety
                #attribute
                unsafe fn #this(#worker input: &[f32], #weights #second #scratch out: #out) {
                    #before
                    #all
                }
            }
        })
    }

    /// Length of a row in the arena.
    fn row_len(&self, shape: Shape) -> Elements {
        shape.width * self.plan.stride(shape)
    }

    /// Where row `oy` is written.
    fn out(&self) -> TokenStream {
        let row = int(self.row_len(self.step.output_shape));
        match self.parallelism {
            Parallelism::Single => quote!(tail_mut(out, oy * #row)),
            _ => quote!(write_cells(out, oy * #row, #row)),
        }
    }

    /// The row of the second input at row `oy`, with a trailing comma, if there is one.
    fn residual(&self) -> TokenStream {
        if self.step.residual.is_none() {
            return quote!();
        }
        let row = int(self.row_len(self.step.output_shape));
        quote!(tail(residual, oy * #row),)
    }

    /// Several rows a call, whose input the kernel finds itself.
    fn conv(&self, kernel: &ConvKernel, kernels: &mut Kernels) -> Rows {
        let name = kernels.conv(kernel);
        let row = int(self.row_len(self.step.output_shape));
        let (residual, out) = (
            self.residual(),
            match self.parallelism {
                Parallelism::Single => self.out(),
                _ => quote!(write_cells(out, oy * #row, (to - oy) * #row)),
            },
        );
        let call = quote!(#name(input, oy..to, w, #residual #out););
        Rows { name: name.to_string(), before: quote!(), row: call, several: kernel.rows() }
    }

    fn depthwise(&self, conv: &PlannedConv, kernel: &DepthwiseKernel, kernels: &mut Kernels) -> Rows {
        let name = kernels.depthwise(kernel);
        let input = self.step.input_shape;
        let rows = WindowRows {
            kernel_size: kernel.kernel_size,
            stride: kernel.stride,
            pad_top: conv.conv.pads.top,
            height: input.height,
            row: self.row_len(input),
            line_buffer: None,
        };
        let (bounds, offsets) = (kernel_rows(&rows), row_offsets(&rows));
        let (residual, out) = (self.residual(), self.out());
        let row = quote! {
            #bounds
            let rows = [([#(#offsets),*], ky_from, ky_to)];
            #name(input, &rows, w, #residual #out);
        };
        Rows { name: name.to_string(), before: quote!(), row, several: None }
    }

    fn pool(&self, kernels: &mut Kernels) -> Rows {
        let pixels = [self.step.input_shape, self.step.output_shape].map(|shape| self.plan.stride(shape));
        let name = pooling::window(self.step, pixels, kernels);
        let out = self.out();
        Rows { name: name.to_string(), before: quote!(), row: quote!(#name(input, oy, #out);), several: None }
    }

    fn elementwise(&self, with: With, activation: Activation, kernels: &mut Kernels) -> Rows {
        let name = self.elementwise_kernel(with, activation, kernels);
        let row = int(self.row_len(self.step.output_shape));
        let second = if with == With::Gate { quote!(residual,) } else { self.residual() };
        let out = self.out();
        Rows {
            name: name.to_string(),
            before: quote!(),
            row: quote!(#name(tail(input, oy * #row), #second #out);),
            several: None,
        }
    }

    fn elementwise_kernel(&self, with: With, activation: Activation, kernels: &mut Kernels) -> Ident {
        let shape = self.step.output_shape;
        let (channels, pixel) = (self.plan.padded(shape.channels), self.plan.stride(shape));
        pooling::elementwise(with, activation, [shape.width, channels], pixel, kernels)
    }

    /// Each thread computes the gate for itself, which costs less than a barrier.
    fn squeeze_excite(&self, se: &SqueezeExciteSchedule, kernels: &mut Kernels) -> Rows {
        let shape = self.step.input_shape;
        let means = pooling::global(shape, self.plan.stride(shape), kernels);
        let [reduce, expand] = [kernels.conv(&se.reduce), kernels.conv(&se.expand)];
        let base = weights_start(self.plan, self.step).unwrap_or_default();
        let convs = self.step.kind.convs();
        let weights: Vec<TokenStream> = convs.iter().map(|conv| conv_weights(self.plan, conv, base)).collect();
        let split = split_scratch(&se.scratch());
        let [reduce_weights, expand_weights] = [&weights[0], &weights[1]];
        let note = note("Squeeze and excite.");
        let before = quote! {
            #note
            #split
            #means(input, mean);
            #reduce(mean, #reduce_weights, reduced);
            #expand(reduced, #expand_weights, gate);
        };
        let scale = self.elementwise_kernel(With::Gate, Activation::Linear, kernels);
        let (row, out) = (int(self.row_len(shape)), self.out());
        Rows {
            name: format!("squeeze_excite_{}", shape.channels),
            before,
            row: quote!(#scale(tail(input, oy * #row), gate, #out);),
            several: None,
        }
    }
}
