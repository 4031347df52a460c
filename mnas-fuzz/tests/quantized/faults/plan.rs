//! Wrong plans.

use super::Planted;
use mnas_codegen::int8::Plan;
use mnas_codegen::int8::plan::{ConvKernel, DepthwiseKernel, Finish, Kernel, Output, Step};
use mnas_codegen::units::Bytes;
use mnas_dsl::network::Activation;
use mnas_fuzz::fault::Fault;

pub(super) fn faults() -> Vec<Planted> {
    let planted =
        |name, change: fn(&mut Plan) -> bool| Planted { name, fault: Fault::Int8Plan(change), threads: false };
    vec![
        planted("the zero point of a convolution's map is off by one", |plan| {
            convs(plan, |k| k.residual.is_none() && next_zero(&mut k.output))
        }),
        planted("the zero point of a depthwise convolution's map is off by one", |plan| {
            depthwises(plan, |k| next_zero(&mut k.output))
        }),
        planted("the zero point of the image is off by one", |plan| {
            plan.image.zero ^= 1;
            true
        }),
        planted("the scale of the image is off by a hundredth", |plan| {
            plan.image.scale *= 1.01;
            true
        }),
        planted("the lower limit is one byte too high", |plan| {
            convs(plan, |k| match &mut k.finish {
                Finish::Multiply { lower } if k.residual.is_none() => {
                    *lower += 1;
                    true
                }
                _ => false,
            })
        }),
        planted("a convolution leaves its activation out", |plan| convs(plan, |k| leaves_out(&mut k.finish))),
        planted("a depthwise convolution leaves its activation out", |plan| {
            depthwises(plan, |k| leaves_out(&mut k.finish))
        }),
        planted("the activation of a sum is left out", |plan| {
            kernels(plan, |kernel| match kernel {
                Kernel::Add { finish: Some(finish), .. } => leaves_out(finish),
                _ => false,
            })
        }),
        planted("the window of a convolution starts one pixel later", |plan| {
            convs(plan, |k| k.window[0] > 1 && k.output.layout().width > 1 && more(&mut k.first, k.input.block))
        }),
        planted("the window of a depthwise convolution starts one pixel later", |plan| {
            depthwises(plan, |k| k.kernel_size > 1 && more(&mut k.first, k.input.block))
        }),
        planted("the window of a depthwise convolution starts one row later", |plan| {
            depthwises(plan, |k| k.kernel_size > 1 && more(&mut k.first, k.input.row()))
        }),
        planted("the stride of a convolution is left out", |plan| {
            convs(plan, |k| k.output.layout().width > 1 && std::mem::replace(&mut k.stride, 1) == 2)
        }),
        planted("the offset of a residual is off by one", |plan| {
            convs(plan, |k| {
                k.residual.as_mut().is_some_and(|added| {
                    added.offset += 1;
                    true
                })
            })
        }),
        planted("a residual is added to a byte of another zero point", |plan| {
            convs(plan, |k| {
                k.residual.as_mut().is_some_and(|added| {
                    added.zero ^= 2;
                    true
                })
            })
        }),
        planted("a residual is left out", |plan| {
            steps(plan, |step| match &mut step.kernel {
                Kernel::Conv(kernel) => {
                    step.inputs.truncate(1);
                    kernel.residual.take().is_some()
                }
                _ => false,
            })
        }),
        planted("the zero points of a sum are off by one", |plan| {
            kernels(plan, |kernel| match kernel {
                Kernel::Add { zeros, .. } => {
                    *zeros += 1;
                    true
                }
                _ => false,
            })
        }),
        planted("the zero point of what a gate multiplies is off by one", |plan| {
            kernels(plan, |kernel| match kernel {
                Kernel::Gate { zero, .. } => {
                    *zero ^= 1;
                    true
                }
                _ => false,
            })
        }),
        planted("the zero point of a gate's map is off by one", |plan| {
            kernels(plan, |kernel| match kernel {
                Kernel::Gate { output, .. } => next_zero(output),
                _ => false,
            })
        }),
        planted("the zero point of a mean is off by one", |plan| {
            kernels(plan, |kernel| match kernel {
                Kernel::GlobalAverage { zero, .. } => {
                    *zero ^= 1;
                    true
                }
                _ => false,
            })
        }),
        planted("an average pool takes the largest value", |plan| {
            kernels(plan, |kernel| match kernel {
                Kernel::Pool(pool) => pool.kernel_size > 1 && std::mem::take(&mut pool.is_average),
                _ => false,
            })
        }),
        planted("a pool is padded one row less at the top", |plan| {
            kernels(plan, |kernel| match kernel {
                Kernel::Pool(pool) if pool.pads[0] > 0 => {
                    pool.pads[0] -= 1;
                    true
                }
                _ => false,
            })
        }),
        planted("a map lies where a residual lies that is read later", |plan| {
            let is_added = |step: &&Step| matches!(&step.kernel, Kernel::Conv(kernel) if kernel.residual.is_some());
            let Some(step) = plan.steps.iter().find(is_added) else { return false };
            let [map, residual] = [step.inputs[0], step.inputs[1]];
            plan.arena.buffers[map].offset = plan.arena.buffers[residual].offset;
            // The map may be the longer one, and stays inside of the arena.
            let line = Bytes(64).elements();
            plan.arena.len += plan.arena.buffers[map].len.next_multiple_of(line);
            true
        }),
        planted("a step reads the weights of the step before it", |plan| {
            let starts: Vec<_> = plan.steps.iter().map(|step| step.weights).collect();
            let last = plan.steps.len() - 1;
            plan.steps[last].weights = starts[last - 1];
            starts[last] != starts[last - 1]
        }),
    ]
}

/// The next byte, up or down, in place of a zero point. `false` for an output in `f32`.
fn next_zero(output: &mut Output) -> bool {
    match output {
        Output::Bytes(_, zero) => {
            *zero ^= 1;
            true
        }
        Output::Floats(_) => false,
    }
}

fn leaves_out(finish: &mut Finish) -> bool {
    match finish {
        Finish::Activate(activation) => std::mem::replace(activation, Activation::Linear) != Activation::Linear,
        _ => false,
    }
}

fn more(value: &mut usize, by: usize) -> bool {
    *value += by;
    true
}

/// Changes the first step for which `change` says yes, which may have changed something where it says no.
fn steps(plan: &mut Plan, change: impl Fn(&mut Step) -> bool) -> bool {
    plan.steps.iter_mut().any(|step| {
        let mut changed = step.clone();
        let yes = change(&mut changed);
        if yes {
            *step = changed;
        }
        yes
    })
}

fn kernels(plan: &mut Plan, change: impl Fn(&mut Kernel) -> bool) -> bool {
    steps(plan, |step| change(&mut step.kernel))
}

fn convs(plan: &mut Plan, change: impl Fn(&mut ConvKernel) -> bool) -> bool {
    kernels(plan, |kernel| match kernel {
        Kernel::Conv(kernel) => change(kernel),
        _ => false,
    })
}

fn depthwises(plan: &mut Plan, change: impl Fn(&mut DepthwiseKernel) -> bool) -> bool {
    kernels(plan, |kernel| match kernel {
        Kernel::Depthwise(kernel) => change(kernel),
        _ => false,
    })
}
