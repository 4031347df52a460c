//! Models are compared with the reference executor.

mod forward;
mod gradients;

#[path = "../common/mod.rs"]
mod common;

use mnas_codegen::weights::Weights;
use mnas_dsl::{Network, Spec};
use mnas_train::Model;
use mnas_train::device::processor;

/// A network on every implementation: the processor's kernels, burn's operators on the processor, and burn's operators on
/// each GPU of this machine.
fn forms(spec: &Spec, network: &Network, weights: &Weights) -> Vec<(String, Model)> {
    let kernels = Model::with_weights(spec, network, weights, &processor());
    let mut forms = vec![("kernels".to_owned(), kernels.clone()), ("burn's operators".to_owned(), kernels.portable())];
    for (name, device) in common::GPUS.iter() {
        forms.push((name.to_string(), Model::with_weights(spec, network, weights, device)));
    }
    forms
}
