//! The tape with the readers of each step, and convolutions with their batch norm and activation.

use crate::tape::{Affine, BatchNorm, Conv, Op, StepId, Tape};
use mnas_dsl::network::{Activation, Shape};
use std::fmt;

/// A tape, with the readers of each step's result.
#[derive(Debug)]
pub(crate) struct Net<'t, 'a> {
    pub(crate) tape: &'t Tape<'a>,
    readers: Vec<Vec<Reader>>,
}

/// A reader of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    Step(StepId),
    /// It is the network's output.
    Output,
}

/// A convolution, the batch norm after it, and the activation after that.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unit<'t, 'a> {
    pub(crate) conv: &'t Conv<'a>,
    pub(crate) batch_norm: Option<&'t BatchNorm<'a>>,
    /// In place of a batch norm.
    pub(crate) affine: Option<&'t Affine<'a>>,
    pub(crate) activation: Act,
    /// The convolution.
    pub(crate) step: StepId,
    /// The last of its steps.
    pub(crate) output: StepId,
}

/// Pool, reduce, expand, multiply.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SqueezeExcite<'t, 'a> {
    pub(crate) reduce: Unit<'t, 'a>,
    pub(crate) expand: Unit<'t, 'a>,
    /// The multiplication.
    pub(crate) output: StepId,
}

/// An activation. An unknown one is reported already and counts as equal to any.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Act(pub(crate) Option<Activation>);

impl Act {
    pub(crate) fn is(self, activation: Activation) -> bool {
        self.0.is_none_or(|it| it == activation)
    }

    pub(crate) fn fits(self, other: Act) -> bool {
        other.0.is_none_or(|it| self.is(it))
    }
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            None => "an unknown one",
            Some(Activation::Linear) => "linear",
            Some(Activation::Relu) => "relu",
            Some(Activation::Relu6) => "relu6",
            Some(Activation::HardSwish) => "hard_swish",
            Some(Activation::Swish) => "swish",
            Some(Activation::Sigmoid) => "sigmoid",
            Some(Activation::HardSigmoid) => "hard_sigmoid",
        })
    }
}

impl<'t, 'a> Net<'t, 'a> {
    /// Of the steps that the output needs.
    pub(crate) fn new(tape: &'t Tape<'a>, output: StepId) -> Self {
        let mut readers = vec![Vec::new(); tape.steps.len()];
        readers[output].push(Reader::Output);
        // A step's operands come before it, so in reverse order all readers of a step are known before the step.
        for (id, step) in tape.steps.iter().enumerate().rev() {
            if !readers[id].is_empty() {
                for &input in &step.inputs {
                    readers[input].push(Reader::Step(id));
                }
            }
        }
        readers.iter_mut().for_each(|list| list.reverse());
        Net { tape, readers }
    }

    pub(crate) fn op(&self, step: StepId) -> &'t Op<'a> {
        &self.tape.steps[step].op
    }

    pub(crate) fn shape(&self, step: StepId) -> Shape {
        self.tape.steps[step].shape
    }

    pub(crate) fn readers(&self, step: StepId) -> &[Reader] {
        &self.readers[step]
    }

    /// The only reader of a result, if it is a step.
    pub(crate) fn only_reader(&self, step: StepId) -> Option<StepId> {
        match self.readers[step][..] {
            [Reader::Step(reader)] => Some(reader),
            _ => None,
        }
    }

    /// The unit of a convolution.
    pub(crate) fn unit(&self, step: StepId) -> Option<Unit<'t, 'a>> {
        let Op::Conv(conv) = self.op(step) else { return None };
        let mut unit = Unit {
            conv,
            batch_norm: None,
            affine: None,
            activation: Act(Some(Activation::Linear)),
            step,
            output: step,
        };
        if let Some(next) = self.only_reader(unit.output)
            && let Op::BatchNorm(batch_norm) = self.op(next)
        {
            (unit.batch_norm, unit.output) = (Some(batch_norm), next);
        } else if let Some(next) = self.only_reader(unit.output)
            && let Op::Affine(affine) = self.op(next)
        {
            (unit.affine, unit.output) = (Some(affine), next);
        }
        if let Some(next) = self.only_reader(unit.output)
            && let Op::Activation(activation) = self.op(next)
        {
            (unit.activation, unit.output) = (Act(*activation), next);
        }
        Some(unit)
    }

    /// The unit that alone reads a result.
    pub(crate) fn next_unit(&self, step: StepId) -> Option<Unit<'t, 'a>> {
        self.unit(self.only_reader(step)?)
    }

    /// A squeeze-excite of this map, if nothing else reads it.
    pub(crate) fn squeeze_excite(&self, map: StepId) -> Option<SqueezeExcite<'t, 'a>> {
        let [Reader::Step(a), Reader::Step(b)] = self.readers[map][..] else { return None };
        let (pool, multiply) = if matches!(self.op(a), Op::GlobalAveragePool) { (a, b) } else { (b, a) };
        if !matches!((self.op(pool), self.op(multiply)), (Op::GlobalAveragePool, Op::Multiply)) {
            return None;
        }
        let reduce = self.next_unit(pool)?;
        let expand = self.next_unit(reduce.output)?;
        (self.only_reader(expand.output) == Some(multiply)
            && self.tape.steps[multiply].inputs.contains(&map)
            && !reduce.is_normed()
            && !expand.is_normed())
        .then_some(SqueezeExcite { reduce, expand, output: multiply })
    }

    /// The place of a step, for messages.
    pub(crate) fn place(&self, step: StepId) -> String {
        self.tape.place(self.tape.steps[step].node)
    }
}

impl Unit<'_, '_> {
    /// Whether a batch norm, or what folding left of it, follows the convolution.
    pub(crate) fn is_normed(&self) -> bool {
        self.batch_norm.is_some() || self.affine.is_some()
    }

    /// A 1x1 convolution over all channels of every pixel.
    pub(crate) fn is_pointwise(&self) -> bool {
        self.conv.kernel_size == 1 && self.conv.stride == 1 && !self.conv.depthwise
    }
}
