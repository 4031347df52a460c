//! Conv with a residual, Activation -> Conv that adds its residual before its activation.

use mnas_dsl::network::Activation;

use super::absorb_into_conv;
use crate::graph::{Graph, Op, Residual};

pub(super) fn run(graph: &mut Graph) {
    absorb_into_conv(graph, |op, conv| {
        let Op::Activation(activation) = op else {
            return false;
        };
        if conv.residual != Residual::Last || conv.activation != Activation::Linear {
            return false;
        }
        conv.activation = *activation;
        conv.residual = Residual::BeforeActivation;
        true
    });
}
