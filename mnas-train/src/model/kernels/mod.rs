//! The operators on the processor, where burn's general ones are slow: maps are NHWC, one pass does the work of several of
//! burn's, and gradients are explicit instead of composed.
//!
//! `operators` decides whether these kernels run, and has the operators in burn's terms for other devices. Tests compare
//! both with the reference executor.

mod channels;
mod depthwise;
mod elementwise;
mod norm;
mod patches;
mod pool;

use burn_autodiff::Autodiff;
use burn_autodiff::checkpoint::base::Checkpointer;
use burn_autodiff::checkpoint::strategy::NoCheckpointing;
use burn_autodiff::grads::Gradients;
use burn_autodiff::ops::{Backward, NodeGuard, Ops, OpsKind};
use burn_flex::{Flex, FlexTensor};
use burn_tensor::{Tensor, TensorData};
use mnas_dsl::network::{Pads, Shape};
use std::fmt;
use std::sync::Arc;

pub(super) use channels::{add_bias, gate, global_average};
pub(super) use depthwise::depthwise;
pub(super) use elementwise::activate;
pub(super) use norm::{batch_norm, batch_norm_train};
pub(super) use patches::patches;
pub(super) use pool::{average_pool, max_pool};

/// A window that slides over pictures in NHWC.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    pub(super) pictures: usize,
    pub(super) input: Shape,
    pub(super) output: Shape,
    pub(super) kernel_size: usize,
    pub(super) stride: usize,
    pub(super) pads: Pads,
}

impl Window {
    pub(super) fn new(x: &Tensor<4>, kernel_size: usize, stride: usize, pads: Pads) -> Self {
        let [pictures, height, width, channels] = x.dims();
        let input = Shape { height, width, channels };
        let output = mnas_dsl::network::slide(input, kernel_size, stride, pads);
        let output = output.expect("a resolved network has room for its windows");
        Self { pictures, input, output, kernel_size, stride, pads }
    }

    /// Calls `visit(output pixel, input pixel, tap)` for each pair of pixels that a tap of the window connects, picture by
    /// picture; indices of pixels count over all pictures.
    #[inline(always)]
    fn pairs(&self, mut visit: impl FnMut(usize, usize, usize)) {
        let Self { pictures, input, output, kernel_size, stride, pads } = *self;
        for picture in 0..pictures {
            for row in 0..output.height {
                for column in 0..output.width {
                    let to = (picture * output.height + row) * output.width + column;
                    for tap_row in 0..kernel_size {
                        let from_row = (row * stride + tap_row).wrapping_sub(pads.top);
                        if from_row >= input.height {
                            continue;
                        }
                        for tap_column in 0..kernel_size {
                            let from_column = (column * stride + tap_column).wrapping_sub(pads.left);
                            if from_column < input.width {
                                let from = (picture * input.height + from_row) * input.width + from_column;
                                visit(to, from, tap_row * kernel_size + tap_column);
                            }
                        }
                    }
                }
            }
        }
    }

    fn output_len(&self) -> usize {
        self.pictures * self.output.len()
    }

    fn input_len(&self) -> usize {
        self.pictures * self.input.len()
    }

    pub(super) fn dims(&self) -> [usize; 4] {
        [self.pictures, self.output.height, self.output.width, self.output.channels]
    }
}

/// Lets the compiler use AVX2 if the processor has it. The function must be inlined.
#[inline(always)]
fn vectorized<R>(run: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    if let Some(avx2) = pulp::x86::V3::try_new() {
        return avx2.vectorize(run);
    }
    run()
}

type Ad = Autodiff<Flex>;

/// Computes the gradients of the operands from the gradient of the result.
type Derivative<const N: usize> = dyn Fn(&[f32]) -> [Vec<f32>; N] + Send + Sync;

/// The state that a kernel keeps for its gradient.
#[derive(Clone)]
struct State<const N: usize> {
    derivative: Arc<Derivative<N>>,
    shapes: [Vec<usize>; N],
}

impl<const N: usize> fmt::Debug for State<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").field("shapes", &self.shapes).finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Kernel;

impl<const N: usize> Backward<Flex, N> for Kernel {
    type State = State<N>;

    fn backward(self, ops: Ops<Self::State, N>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = gradients.consume::<Flex>(&ops.node).to_contiguous();
        let all = (ops.state.derivative)(gradient.storage());
        for ((node, values), shape) in ops.parents.into_iter().zip(all).zip(ops.state.shapes) {
            if let Some(node) = node {
                gradients.register::<Flex>(node.id, FlexTensor::from_data(TensorData::new(values, shape)));
            }
        }
    }
}

/// The values of a tensor in row-major order.
#[derive(Clone)]
struct Values(FlexTensor);

impl std::ops::Deref for Values {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        self.0.storage()
    }
}

/// An operand of an operator.
struct Operand {
    values: Values,
    shape: Vec<usize>,
    /// The node that receives its gradient; `None` if gradients are not recorded.
    node: Option<NodeGuard>,
}

impl Operand {
    fn new<const D: usize>(tensor: Tensor<D>) -> Self {
        let shape = tensor.dims().to_vec();
        let (values, node) = if tensor.is_autodiff() {
            let recorded = tensor.try_into_primitive::<Ad>().expect(ON_PROCESSOR);
            let (values, node) = recorded.into_parts();
            (values, Some(node))
        } else {
            (tensor.try_into_primitive::<Flex>().expect(ON_PROCESSOR), None)
        };
        Self { values: Values(values.to_contiguous()), shape, node }
    }
}

const ON_PROCESSOR: &str = "the caller has checked that the tensor is on the processor";

/// The result of a kernel, whose gradient `derivative` propagates to the operands.
fn result<const N: usize, const D: usize>(
    operands: [Operand; N],
    values: Vec<f32>,
    dims: [usize; D],
    derivative: impl Fn(&[f32]) -> [Vec<f32>; N] + Send + Sync + 'static,
) -> Tensor<D> {
    let output = FlexTensor::from_data(TensorData::new(values, dims));
    if operands.iter().any(|operand| operand.node.is_none()) {
        return Tensor::from_primitive::<Flex>(output);
    }
    let shapes = operands.each_ref().map(|operand| operand.shape.clone());
    let nodes = operands.map(|operand| operand.node.expect("all operands are recorded, or none is"));
    let state = State { derivative: Arc::new(derivative), shapes };
    let recorded = match Kernel.prepare::<NoCheckpointing>(nodes).compute_bound().stateful() {
        OpsKind::Tracked(prepared) => prepared.finish(state, output),
        OpsKind::UnTracked(prepared) => prepared.finish(output),
    };
    Tensor::from_primitive::<Ad>(recorded)
}
