//! The walk over a network that recognises its layers one after the other.

use crate::error::Problems;
use crate::layer::{Layer, Layers};
use crate::net::{Net, SqueezeExcite, Unit};
use crate::tape::StepId;
use mnas_dsl::network::{Shape, Skip};
use mnas_dsl::spec::BlockKind;

pub(crate) struct Walk<'w, 't, 'a> {
    pub(crate) net: &'w Net<'t, 'a>,
    pub(crate) problems: &'w mut Problems,
    pub(crate) layers: Layers<'t, 'a>,
}

impl<'t, 'a> Walk<'_, 't, 'a> {
    pub(crate) fn layer(
        &self,
        kind: BlockKind,
        input: Shape,
        window: Unit<'t, 'a>,
        last: Unit<'t, 'a>,
        se: Option<SqueezeExcite<'t, 'a>>,
        units: Vec<(&'static str, Unit<'t, 'a>)>,
    ) -> Layer<'t, 'a> {
        Layer {
            kind,
            input,
            output: self.net.shape(last.output),
            kernel_size: window.conv.kernel_size,
            stride: window.conv.stride,
            pads: window.conv.pads,
            activation: window.activation,
            pointwise_activation: last.activation,
            expanded: window.conv.output_channels,
            pool: None,
            se,
            skip: Skip::None,
            units,
            window: window.step,
        }
    }

    pub(crate) fn problem(&mut self, step: StepId, found: impl Into<String>, expected: impl Into<String>) {
        self.problems.push(self.net.place(step), found, expected);
    }
}
