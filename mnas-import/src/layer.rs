//! Layers as they were recognised in a file.

use crate::net::{Act, SqueezeExcite, Unit};
use crate::tape::StepId;
use mnas_dsl::network::{Pads, Shape, Skip};
use mnas_dsl::spec::BlockKind;

/// One layer of a network.
#[derive(Clone, Debug)]
pub(crate) struct Layer<'t, 'a> {
    pub(crate) kind: BlockKind,
    pub(crate) input: Shape,
    pub(crate) output: Shape,
    pub(crate) kernel_size: usize,
    pub(crate) stride: usize,
    pub(crate) pads: Pads,
    pub(crate) activation: Act,
    pub(crate) pointwise_activation: Act,
    /// Output channels of the convolution with the window; in a module of Xception, of the last convolution.
    pub(crate) expanded: usize,
    /// The max pool of a module of Xception.
    pub(crate) pool: Option<Pool>,
    pub(crate) se: Option<SqueezeExcite<'t, 'a>>,
    pub(crate) skip: Skip,
    /// Convolutions under the names that follow the layer's.
    pub(crate) units: Vec<(&'static str, Unit<'t, 'a>)>,
    /// The operator with the window, for messages.
    pub(crate) window: StepId,
}

/// A network, layer by layer.
#[derive(Clone, Debug)]
pub(crate) struct Layers<'t, 'a> {
    /// The stem first.
    pub(crate) layers: Vec<Layer<'t, 'a>>,
    /// `None` for a backbone.
    pub(crate) head: Option<Head<'t, 'a>>,
}

/// The max pool of a module of Xception.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pool {
    pub(crate) input: Shape,
    pub(crate) pads: Pads,
}

/// The head.
#[derive(Clone, Debug)]
pub(crate) struct Head<'t, 'a> {
    pub(crate) conv: Option<Unit<'t, 'a>>,
    /// MobileNetV3's layer between pool and classifier.
    pub(crate) hidden: Option<Unit<'t, 'a>>,
    pub(crate) classifier: Unit<'t, 'a>,
    /// Whether the classifier is a convolution before the pool.
    pub(crate) is_conv: bool,
}

impl Layer<'_, '_> {
    /// The convolution that reads the layer's input.
    pub(crate) fn first_step(&self) -> StepId {
        self.units.first().map_or(self.window, |(_, unit)| unit.step)
    }

    /// Whether the layer has pads that a padding decides.
    pub(crate) fn has_window(&self) -> bool {
        self.kernel_size > 1 || self.pads != Pads::NONE
    }
}
