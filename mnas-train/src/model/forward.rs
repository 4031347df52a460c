//! The forward pass, from pictures to scores, node by node of the graph.

use super::{Model, Parameter, operators, values};
use burn_tensor::{Device, Tensor, TensorData};
use mnas_codegen::graph::{Conv, Node, Op, TensorId};
use mnas_dsl::network::{Activation, Shape};
use mnas_search::rng::Rng;

/// Statistics of a batch norm's input, for one batch.
#[derive(Clone, Debug)]
pub(crate) struct Statistics<T = Vec<f32>> {
    /// The prefix of the batch norm's parameters: `{param}` in `{param}.running_mean`.
    pub(super) param: String,
    /// Number of values of each channel.
    pub(super) count: usize,
    /// Mean and variance of each channel; the variance is the sum of squares divided by the number of values.
    pub(super) moments: [T; 2],
}

impl<T> Statistics<T> {
    /// These statistics with converted moments.
    pub(super) fn map<U>(self, moment: impl FnMut(T) -> U) -> Statistics<U> {
        Statistics { param: self.param, count: self.count, moments: self.moments.map(moment) }
    }
}

/// The state that the forward pass of a training needs.
pub(super) struct Training<'a> {
    /// Draws the dropout mask.
    pub(super) rng: &'a mut Rng,
    /// Share of the classifier's inputs that dropout sets to 0.
    pub(super) dropout: f64,
}

impl Model {
    /// Scores of pictures, one picture after another, with the running statistics.
    ///
    /// # Panics
    ///
    /// If the length is not a multiple of a picture's.
    pub fn scores(&self, pictures: &[f32]) -> Vec<f32> {
        let tensor = |parameter: &Parameter| Tensor::from_floats(parameter.values.as_slice(), &self.device);
        let parameters: Vec<Tensor<1>> = self.parameters.iter().map(tensor).collect();
        let mut run = Run { model: self, parameters: &parameters, training: None, seen: Vec::new() };
        values(run.run(self.batch(pictures, &self.device)).into_data())
    }

    /// Scores of pictures by the given parameters and the statistics of their batch, and these statistics.
    pub(super) fn train(
        &self,
        parameters: &[Tensor<1>],
        pictures: &[f32],
        training: Training<'_>,
    ) -> (Tensor<2>, Vec<Statistics<Tensor<1>>>) {
        let device = self.device.clone().autodiff();
        let mut run = Run { model: self, parameters, training: Some(training), seen: Vec::new() };
        (run.run(self.batch(pictures, &device)), run.seen)
    }

    fn batch(&self, pictures: &[f32], device: &Device) -> Tensor<4> {
        let Shape { height, width, channels } = self.input();
        let count = pictures.len() / (height * width * channels);
        Tensor::from_data(TensorData::new(pictures.to_vec(), [count, height, width, channels]), device)
    }

    /// Updates the running statistics of batch norms: early batches have equal weights, later ones follow the momentum.
    pub(crate) fn collect(&mut self, seen: Vec<Statistics>, momentum: f64) {
        self.batches += 1;
        let share = (1.0 - momentum).max(1.0 / self.batches as f64) as f32;
        for Statistics { param, count, moments: [mean, variance] } in seen {
            // Running variances are divided by one less than the number of values.
            let unbiased = count as f32 / (count as f32 - 1.0).max(1.0);
            for (name, new, factor) in [("running_mean", mean, 1.0), ("running_var", variance, unbiased)] {
                let at = self.names[&format!("{param}.{name}")];
                for (running, new) in self.parameters[at].values.iter_mut().zip(&new) {
                    *running += share * (new * factor - *running);
                }
            }
        }
    }
}

/// One pass through the graph.
struct Run<'a> {
    model: &'a Model,
    parameters: &'a [Tensor<1>],
    training: Option<Training<'a>>,
    seen: Vec<Statistics<Tensor<1>>>,
}

impl Run<'_> {
    fn run(&mut self, pictures: Tensor<4>) -> Tensor<2> {
        let graph = &self.model.graph;
        let mut tensors: Vec<Option<Tensor<4>>> = vec![None; graph.tensors.len()];
        let mut readers = vec![0_usize; tensors.len()];
        for input in graph.nodes.iter().flat_map(|node| &node.inputs) {
            readers[input.0] += 1;
        }
        tensors[graph.input.0] = Some(pictures);
        for node in &graph.nodes {
            let mut operand = |input: &TensorId| {
                readers[input.0] -= 1;
                // The last reader takes the tensor, so that it may be overwritten.
                let tensor = &mut tensors[input.0];
                let operand = if readers[input.0] == 0 { tensor.take() } else { tensor.clone() };
                operand.expect("nodes stand in the order of execution")
            };
            let operands: Vec<Tensor<4>> = node.inputs.iter().map(&mut operand).collect();
            tensors[node.output.0] = Some(self.node(node, operands));
        }
        let output = tensors[graph.output.0].take().expect("a graph makes its output");
        let [pictures, height, width, channels] = output.dims();
        output.reshape([pictures, height * width * channels])
    }

    fn node(&mut self, node: &Node, operands: Vec<Tensor<4>>) -> Tensor<4> {
        let fast = self.model.is_fast;
        let mut operands = operands.into_iter();
        let mut operand = || operands.next().expect("an operator has as many operands as it takes");
        let x = operand();
        match &node.op {
            Op::Conv(conv) => self.conv(conv, x),
            Op::BatchNorm { param, eps } => self.batch_norm(param, *eps, x),
            Op::Activation(activation) => operators::activate(*activation, x, fast),
            Op::Add => x + operand(),
            Op::Multiply => operators::gate(x, operand(), fast),
            Op::GlobalAveragePool => operators::global_average(x, fast),
            Op::AveragePool { kernel_size, stride, pads } => {
                operators::average_pool(x, *kernel_size, *stride, *pads, fast)
            }
            Op::MaxPool { kernel_size, stride, pads } => operators::max_pool(x, *kernel_size, *stride, *pads, fast),
            Op::Linear { param } => {
                let x = if param == CLASSIFIER { self.drop_out(x) } else { x };
                let (weight, bias) = (self.parameter(param, "weight"), self.parameter(param, "bias"));
                let outputs = bias.dims()[0];
                operators::add_bias(operators::pointwise(x, weight, outputs), bias, fast)
            }
            Op::SqueezeExcite { .. } => unreachable!("only a pass makes it, and none has run"),
        }
    }

    fn conv(&mut self, conv: &Conv, x: Tensor<4>) -> Tensor<4> {
        debug_assert!(conv.batch_norm.is_none() && conv.activation == Activation::Linear, "nothing is fused");
        let fast = self.model.is_fast;
        let x = if conv.param == CLASSIFIER { self.drop_out(x) } else { x };
        let weight = self.parameter(&conv.param, "weight");
        let y = if conv.is_pointwise() {
            operators::pointwise(x, weight, conv.output_channels)
        } else {
            operators::conv(x, weight, conv, fast)
        };
        if conv.bias { operators::add_bias(y, self.parameter(&conv.param, "bias"), fast) } else { y }
    }

    fn batch_norm(&mut self, param: &str, eps: f64, x: Tensor<4>) -> Tensor<4> {
        let (weight, bias) = (self.parameter(param, "weight"), self.parameter(param, "bias"));
        let fast = self.model.is_fast;
        if self.training.is_none() {
            let (mean, variance) = (self.parameter(param, "running_mean"), self.parameter(param, "running_var"));
            return operators::batch_norm(x, [weight, bias, mean, variance], eps, fast);
        }
        let count: usize = x.dims()[..3].iter().product();
        let (y, moments) = operators::batch_norm_train(x, weight, bias, eps, fast);
        self.seen.push(Statistics { param: param.to_owned(), count, moments });
        y
    }

    /// Dropout: sets some values to 0 and scales the others, so that the mean is unchanged.
    fn drop_out(&mut self, x: Tensor<4>) -> Tensor<4> {
        let Some(Training { rng, dropout }) = &mut self.training else { return x };
        if *dropout == 0.0 {
            return x;
        }
        let shape = x.dims();
        let kept = (1.0 / (1.0 - *dropout)) as f32;
        let mask: Vec<f32> =
            (0..shape.iter().product()).map(|_| if rng.unit() < *dropout { 0.0 } else { kept }).collect();
        let mask = Tensor::from_data(TensorData::new(mask, shape), &x.device());
        x * mask
    }

    fn parameter(&self, module: &str, name: &str) -> Tensor<1> {
        let at = self.model.names.get(&format!("{module}.{name}")).expect("the graph names parameters of its network");
        self.parameters[*at].clone()
    }
}

/// Parameters of the classifier, which is a fully connected layer or a convolution.
const CLASSIFIER: &str = "classifier";
