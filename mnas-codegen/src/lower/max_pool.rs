//! `op: max_pool`, and the pool of `op: xception`.

use mnas_dsl::network::{Pads, slide};

use super::Builder;
use crate::graph::{Op, TensorId};

pub(super) fn lower(builder: &mut Builder, kernel_size: usize, stride: usize, pads: Pads, input: TensorId) -> TensorId {
    let shape = builder.graph.shape(input);
    let output = slide(shape, kernel_size, stride, pads).expect("a resolved network has room for its windows");
    builder.node("pool", Op::MaxPool { kernel_size, stride, pads }, vec![input], output)
}
