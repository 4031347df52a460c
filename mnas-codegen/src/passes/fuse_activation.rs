//! Conv, Activation -> Conv with `activation`.

use mnas_dsl::network::Activation;

use super::absorb_into_conv;
use crate::graph::{Graph, Op};

pub(super) fn run(graph: &mut Graph) {
    absorb_into_conv(graph, |op, conv| {
        let Op::Activation(activation) = op else {
            return false;
        };
        // A Conv adds its residual after the activation, so one that has a residual can take no more.
        if conv.activation != Activation::Linear || conv.residual {
            return false;
        }
        conv.activation = *activation;
        true
    });
}
