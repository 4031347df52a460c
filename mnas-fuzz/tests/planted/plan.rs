//! Wrong plans.

use super::Planted;
use mnas_codegen::plan::{
    Arena, Block, BlockSchedule, ConvKernel, DepthwiseKernel, InputLayout, LoopRange, OutputLayout, Plan, Step,
    StepKind, StepSchedule,
};
use mnas_codegen::units::Elements;
use mnas_dsl::network::{Activation, Pads};
use mnas_fuzz::fault::Fault;
use std::sync::Arc;

/// Wrong only beside a wider instruction set.
pub(crate) const NARROW_PANELS: &str = "an instruction set takes panels for as wide as its own vectors";
/// Wrong only where a map does not lie in the line buffer as a whole.
pub(crate) const SHORT_LINE_BUFFER: &str = "the line buffer is one row too short";
/// Wrong on one instruction set.
pub(crate) const PLAIN: &str = "plain Rust leaves an activation out";

pub(crate) fn faults() -> Vec<Planted> {
    let planted = |name, change: fn(&mut Plan) -> bool| Planted { name, fault: Fault::Plan(change) };
    let mut faults = vec![
        planted("the stride of a convolution is left out", |plan| {
            convs(plan, |k| k.kernel_size > 1 && std::mem::replace(&mut k.stride, 1) == 2 && k.pixels > 1)
        }),
        planted("the stride of a pointwise convolution is left out", |plan| {
            convs(plan, |k| k.kernel_size == 1 && std::mem::replace(&mut k.stride, 1) == 2 && k.pixels > 1)
        }),
        planted("the stride of a depthwise convolution is left out", |plan| {
            depthwises(plan, |k| k.output_width > 1 && std::mem::replace(&mut k.stride, 1) == 2)
        }),
        planted("a convolution is padded one column less on the left", |plan| {
            convs(plan, |k| k.kernel_size > 1 && less(&mut k.pad_left))
        }),
        planted("a convolution ends one column too early on the right", |plan| {
            convs(plan, |k| k.kernel_size > 1 && k.input_width > 1 && less(&mut k.input_width))
        }),
        planted("a convolution is padded one row less at the top", |plan| {
            convs(plan, |k| match &mut k.range {
                LoopRange::Rows { pad_top, .. } => less(pad_top),
                _ => false,
            })
        }),
        planted("a convolution ends one row too early at the bottom", |plan| {
            convs(plan, |k| match &mut k.range {
                LoopRange::Rows { input_height, .. } if k.kernel_size > 1 && k.stride == 1 => {
                    *input_height > 1 && less(input_height)
                }
                _ => false,
            })
        }),
        planted("a convolution reads a row below the image", |plan| {
            convs(plan, |k| match &mut k.range {
                LoopRange::Rows { input_height, pad_top, .. } if *pad_top > 0 && k.stride == 1 => {
                    *input_height += 1;
                    true
                }
                _ => false,
            })
        }),
        planted("a depthwise convolution is padded one column less on the left", |plan| {
            depthwises(plan, |k| less(&mut k.pad_left))
        }),
        planted("a depthwise convolution ends one column too early on the right", |plan| {
            depthwises(plan, |k| k.kernel_size > 1 && k.stride == 1 && k.input_width > 1 && less(&mut k.input_width))
        }),
        planted("a depthwise convolution is padded one row less at the top", |plan| {
            blocks_of_steps(plan, |_, block| less(&mut Arc::make_mut(&mut block.depthwise.conv).pads.top))
        }),
        planted("a depthwise convolution ends one row too early at the bottom", |plan| {
            blocks_of_steps(plan, |step, block| {
                let conv = &block.depthwise.conv;
                let fits = block.expand.is_none() && conv.kernel_size > 1 && conv.stride == 1;
                fits && step.height > 1 && less(&mut step.height)
            })
        }),
        planted("the odd row and column of SAME come first", |plan| {
            let swapped = blocks_of_steps(plan, |_, block| {
                let Pads { top, bottom, .. } = &mut Arc::make_mut(&mut block.depthwise.conv).pads;
                std::mem::swap(top, bottom);
                top != bottom
            });
            swapped
                | depthwises(plan, |k| {
                    k.stride == 2 && k.kernel_size > 1 && k.input_width.is_multiple_of(2) && {
                        k.pad_left += 1;
                        true
                    }
                })
        }),
        planted("an average pool is padded one row less at the top", |plan| {
            steps(plan, |step| match &mut step.kind {
                StepKind::Pool { pads, .. } => less(&mut pads.top),
                _ => false,
            })
        }),
        planted("an average pool is padded one column more on the left", |plan| {
            steps(plan, |step| match &mut step.kind {
                StepKind::Pool { pads, .. } if step.input_shape.width > 2 && pads.left == 0 => {
                    pads.left = 1;
                    true
                }
                _ => false,
            })
        }),
        planted(SHORT_LINE_BUFFER, |plan| {
            blocks(plan, |b| b.expand.is_some() && wraps(b) && b.line_buffer > 1 && less(&mut b.line_buffer))
        }),
        planted("rows of the line buffer lie by one row more", |plan| {
            blocks(plan, |b| {
                b.line_buffer += 1;
                b.expand.is_some() && wraps(b)
            })
        }),
        planted("a residual is left out", |plan| {
            let left = convs(plan, |k| std::mem::take(&mut k.residual).is_some());
            left && steps(plan, |step| step.residual.take().is_some())
        }),
        planted("a residual comes from the step's input before", |plan| {
            let inputs: Vec<_> = plan.steps.iter().map(|step| step.output).collect();
            let mut at = 0_usize;
            steps(plan, |step| {
                at += 1;
                let other = inputs.get(at.wrapping_sub(3)).copied();
                match (step.residual, other) {
                    (Some(residual), Some(other)) if residual != other => {
                        step.residual = Some(other);
                        true
                    }
                    _ => false,
                }
            })
        }),
        planted("a step reads what it wrote itself", |plan| {
            steps(plan, |step| {
                let output = step.output;
                step.input.as_mut().is_some_and(|input| {
                    *input = output;
                    true
                })
            })
        }),
        planted("the activation of a convolution is left out", |plan| {
            convs(plan, |k| std::mem::replace(&mut k.activation, Activation::Linear) != Activation::Linear)
        }),
        planted("the activation of a depthwise convolution is left out", |plan| {
            depthwises(plan, |k| std::mem::replace(&mut k.activation, Activation::Linear) != Activation::Linear)
        }),
        planted("ReLU6 of a depthwise convolution is a ReLU", |plan| {
            depthwises(plan, |k| {
                let is_it = k.activation == Activation::Relu6;
                k.activation = if is_it { Activation::Relu } else { k.activation };
                is_it
            })
        }),
        planted("an activation is applied to a projection", |plan| {
            blocks(plan, |b| {
                let linear = b.project.activation == Activation::Linear;
                b.project.activation = Activation::Relu;
                linear
            })
        }),
        planted("a gate is applied not at all", |plan| blocks(plan, |b| std::mem::take(&mut b.project.gated))),
        planted("a gate scales both the weights and the tensor", |plan| {
            blocks(plan, |b| b.squeeze_excite.as_mut().is_some_and(|se| std::mem::take(&mut se.gate_weights)))
        }),
        planted("a depthwise convolution sums only a part of what it makes", |plan| {
            blocks(plan, |b| {
                let fits = b.squeeze_excite.is_some() && b.depthwise.channels > 16;
                if fits {
                    b.scratch.mean = Elements(16);
                }
                fits
            })
        }),
        planted("a tail of channels is missed", |plan| {
            convs(plan, |k| k.panels.len() > 1 && k.destination != OutputLayout::Pool && k.panels.pop().is_some())
        }),
        planted("a tail of a depthwise convolution's channels is missed", |plan| {
            depthwises(plan, |k| {
                k.channels > k.panel && {
                    k.channels -= k.panel;
                    true
                }
            })
        }),
        planted("the last input channel is missed", |plan| {
            convs(plan, |k| {
                k.kernel_size == 1
                    && k.input_channels > 1
                    && k.panels.len() == 1
                    && k.panels[0].count == 1
                    && less(&mut k.input_channels)
            })
        }),
        planted("the last pixel of a run is missed", |plan| {
            convs(plan, |k| k.pixels > 1 && k.destination != OutputLayout::Pool && less(&mut k.pixels))
        }),
        planted("a pooled convolution divides by one pixel less", |plan| {
            convs(plan, |k| k.pixels > 1 && k.destination == OutputLayout::Pool && less(&mut k.pixels))
        }),
        planted("the last column of a depthwise convolution is missed", |plan| {
            depthwises(plan, |k| k.output_width > 1 && less(&mut k.output_width))
        }),
        planted("a convolution writes pixels without padding", |plan| {
            convs(plan, |k| match &mut k.destination {
                OutputLayout::Nhwc { stride } if k.pixels > 1 && stride.0 != k.output_channels => {
                    stride.0 = k.output_channels;
                    true
                }
                _ => false,
            })
        }),
        planted("a convolution reads pixels as if they had no padding", |plan| {
            convs(plan, |k| match &mut k.source {
                InputLayout::Nhwc { stride } if k.pixels > 1 && stride.0 != k.input_channels => {
                    stride.0 = k.input_channels;
                    true
                }
                _ => false,
            })
        }),
        planted("blocks of channels overlap by one pixel", |plan| {
            depthwises(plan, |k| match &mut k.destination {
                OutputLayout::Nchwc { block_stride } if k.output_width > 1 && k.channels > 16 => {
                    less(&mut block_stride.0)
                }
                _ => false,
            })
        }),
        planted("a buffer is free one step before its last reader", |plan| {
            let before: Vec<Elements> = plan.arena.buffers.iter().map(|buffer| buffer.offset).collect();
            let mut buffers = plan.arena.buffers.clone();
            for buffer in &mut buffers {
                buffer.last = buffer.last.saturating_sub(1).max(buffer.first);
            }
            plan.arena = Arena::plan(buffers);
            plan.arena.buffers.iter().zip(before).any(|(buffer, before)| buffer.offset != before)
        }),
        planted("the parts of a scratch buffer overlap", |plan| {
            blocks(plan, |b| {
                b.scratch.line_buffer = b.scratch.line_buffer / 2;
                b.scratch.line_buffer > Elements::ZERO
            })
        }),
        planted("weights are packed without an epsilon", |plan| {
            plan.layers
                .iter_mut()
                .any(|layer| layer.batch_norm.as_mut().is_some_and(|norm| std::mem::take(&mut norm.epsilon) > 0.0))
        }),
        planted("the classifier has no bias", |plan| {
            plan.layers.iter_mut().any(|layer| layer.linear && std::mem::take(&mut layer.bias))
        }),
        planted("a squeeze-excite has no bias", |plan| {
            plan.layers.iter_mut().any(|layer| !layer.linear && std::mem::take(&mut layer.bias))
        }),
    ];
    // What only a narrower instruction set gets wrong.
    faults.push(planted(NARROW_PANELS, |plan| {
        let mut any = false;
        for schedule in &mut plan.schedules {
            let own = schedule.isa.f32.channels;
            any |= schedule.steps.iter_mut().any(|step| match step {
                StepSchedule::Block(b) => std::mem::replace(&mut b.depthwise.panel, own) != own,
                _ => false,
            });
        }
        any
    }));
    faults.push(planted(PLAIN, |plan| {
        let Some(last) = plan.schedules.last_mut() else { return false };
        let change = |k: &mut ConvKernel| std::mem::replace(&mut k.activation, Activation::Linear) == Activation::Relu;
        last.steps.iter_mut().flat_map(kernels_of).any(|kernel| try_on(kernel, change))
    }));
    faults.push(planted("plain Rust takes panels for half as wide", |plan| {
        let Some(last) = plan.schedules.last_mut() else { return false };
        last.steps.iter_mut().flat_map(kernels_of).any(|k| {
            k.panels.iter_mut().any(|panel| {
                panel.count > 1 && {
                    panel.width /= 2;
                    true
                }
            })
        })
    }));
    faults
}

/// Takes one away, if there is one.
fn less(value: &mut usize) -> bool {
    let some = *value > 0;
    *value = value.saturating_sub(1);
    some
}

/// Changes the first convolution for which `change` says yes, in every schedule.
fn convs(plan: &mut Plan, change: impl Fn(&mut ConvKernel) -> bool) -> bool {
    let mut any = false;
    for schedule in &mut plan.schedules {
        any |= schedule.steps.iter_mut().flat_map(kernels_of).any(|kernel| try_on(kernel, &change));
    }
    any
}

/// Changes a value if `change` says yes, which may have changed something where it says no.
fn try_on<T: Clone>(value: &mut T, mut change: impl FnMut(&mut T) -> bool) -> bool {
    let mut changed = value.clone();
    let yes = change(&mut changed);
    if yes {
        *value = changed;
    }
    yes
}

fn kernels_of(step: &mut StepSchedule) -> Vec<&mut ConvKernel> {
    match step {
        StepSchedule::Plain | StepSchedule::Depthwise(_) => Vec::new(),
        StepSchedule::SqueezeExcite(se) => vec![&mut se.reduce, &mut se.expand],
        StepSchedule::Conv { kernel, .. } => vec![kernel],
        StepSchedule::Block(b) => {
            let b = &mut **b;
            let se = b.squeeze_excite.iter_mut().flat_map(|se| [&mut se.reduce, &mut se.expand]);
            b.expand.iter_mut().chain(se).chain([&mut b.project]).collect()
        }
    }
}

/// Changes the first block for which `change` says yes, in every schedule.
fn blocks(plan: &mut Plan, change: impl Fn(&mut BlockSchedule) -> bool) -> bool {
    let mut any = false;
    for schedule in &mut plan.schedules {
        any |= schedule.steps.iter_mut().any(|step| match step {
            StepSchedule::Block(block) => try_on(&mut **block, &change),
            _ => false,
        });
    }
    any
}

fn depthwises(plan: &mut Plan, change: impl Fn(&mut DepthwiseKernel) -> bool) -> bool {
    blocks(plan, |block| change(&mut block.depthwise))
}

/// Changes the first step for which `change` says yes.
fn steps(plan: &mut Plan, mut change: impl FnMut(&mut Step) -> bool) -> bool {
    plan.steps.iter_mut().any(|step| try_on(step, &mut change))
}

/// Changes the block, or its input's shape, of the first such step for which `change` says yes.
fn blocks_of_steps(plan: &mut Plan, change: impl Fn(&mut mnas_dsl::network::Shape, &mut Block) -> bool) -> bool {
    steps(plan, |step| match &mut step.kind {
        StepKind::Block(block) => change(&mut step.input_shape, block),
        _ => false,
    })
}

/// Whether rows are kept in a line buffer that is shorter than the map.
fn wraps(block: &BlockSchedule) -> bool {
    block.reason.starts_with("row blocks")
}
