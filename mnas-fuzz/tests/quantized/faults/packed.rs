//! Weights that are packed wrongly.

use super::Planted;
use mnas_codegen::int8::Plan;
use mnas_codegen::int8::plan::{ConvKernel, Kernel};
use mnas_fuzz::fault::Fault;

/// Bytes of a vector of sums, of constants, or of a quad of weights.
const VECTOR: usize = 64;

pub(super) fn faults() -> Vec<Planted> {
    let planted =
        |name, change: fn(&Plan, &mut [u8]) -> bool| Planted { name, fault: Fault::Int8Packed(change), threads: false };
    vec![
        planted("neighbouring quads of a convolution are swapped", |plan, packed| {
            conv_panels(plan, packed, |k, panel| {
                k.quads() > 1 && {
                    let quads = panel.len() - k.quads() * VECTOR;
                    panel[quads..][..2 * VECTOR].rotate_left(VECTOR);
                    true
                }
            })
        }),
        planted("the first two panels of a convolution are swapped", |plan, packed| {
            steps_of(plan, packed, |kernel, bytes| match kernel {
                Kernel::Conv(k) if k.panels() > 1 => {
                    bytes[..2 * k.panel_len()].rotate_left(k.panel_len());
                    true
                }
                _ => false,
            })
        }),
        planted("constants of a panel are one channel too early", |plan, packed| {
            conv_panels(plan, packed, |_, panel| {
                panel[VECTOR..2 * VECTOR].rotate_left(4);
                true
            })
        }),
        planted("four weights of a channel are in reverse order", |plan, packed| {
            conv_panels(plan, packed, |k, panel| {
                let quads = panel.len() - k.quads() * VECTOR;
                panel[quads..].chunks_exact_mut(4).for_each(<[u8]>::reverse);
                true
            })
        }),
        planted("depthwise weights of odd pixels are those of even pixels", |plan, packed| {
            steps_of(plan, packed, |kernel, bytes| match kernel {
                Kernel::Depthwise(k) if k.shifts() == 2 && k.output.layout().width > 1 => {
                    let row = k.quads() * VECTOR;
                    let quads = VECTOR + k.finish.constants();
                    bytes[quads..][..2 * row].copy_within(..row, row);
                    true
                }
                _ => false,
            })
        }),
        planted("the table of 8-bit values starts one value late", |plan, packed| {
            let last = plan.steps.last().expect("a network has steps");
            let table = (last.weights.0 + last.kernel.weights_len()).next_multiple_of(VECTOR);
            packed.len() > table && {
                packed[table..].rotate_left(1);
                true
            }
        }),
    ]
}

/// Changes the weights of the first step for which `change` says yes and that become others.
fn steps_of(plan: &Plan, packed: &mut [u8], change: impl Fn(&Kernel, &mut [u8]) -> bool) -> bool {
    plan.steps.iter().any(|step| {
        let bytes = &mut packed[step.weights.0..][..step.kernel.weights_len()];
        let before = bytes.to_vec();
        change(&step.kernel, bytes) && before != bytes
    })
}

/// As [`steps_of`], for the first panel of a convolution.
fn conv_panels(plan: &Plan, packed: &mut [u8], change: impl Fn(&ConvKernel, &mut [u8]) -> bool) -> bool {
    steps_of(plan, packed, |kernel, bytes| match kernel {
        Kernel::Conv(kernel) => change(kernel, &mut bytes[..kernel.panel_len()]),
        _ => false,
    })
}
