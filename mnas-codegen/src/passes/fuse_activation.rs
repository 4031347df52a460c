//! Conv, Activation -> Conv with `activation`.

use mnas_dsl::network::Activation;

use super::absorb_into_conv;
use crate::graph::{Graph, Op};

pub(super) fn run(graph: &mut Graph) {
    absorb_into_conv(graph, |op, conv| {
        let Op::Activation(activation) = op else {
            return false;
        };
        // An activation after a residual belongs to `fuse_residual_activation`.
        if conv.activation != Activation::Linear || conv.residual.is_some() {
            return false;
        }
        conv.activation = *activation;
        true
    });
}
