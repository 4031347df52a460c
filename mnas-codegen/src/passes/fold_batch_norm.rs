//! Conv, BatchNorm -> Conv with `batch_norm`.
//!
//! Only the name of the batch norm moves into the Conv; [`crate::fold`] folds the values once they are known.

use mnas_dsl::network::Activation;

use super::absorb_into_conv;
use crate::graph::{Graph, Op};

pub(super) fn run(graph: &mut Graph) {
    absorb_into_conv(graph, |op, conv| {
        let Op::BatchNorm { param, eps } = op else {
            return false;
        };
        // An activation or residual in the Conv would then come before the batch norm.
        if conv.batch_norm.is_some() || conv.activation != Activation::Linear || conv.residual.is_some() {
            return false;
        }
        conv.batch_norm = Some((param.clone(), *eps));
        true
    });
}
