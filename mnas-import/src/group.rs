//! Groups of layers that one block of a spec describes.

use crate::layer::Layer;
use crate::padding;
use crate::ratios;
use mnas_dsl::network::{Activation, Padding, Shape, Skip};
use mnas_dsl::spec::{BlockKind, SeBase, SeRounding};

/// Layers of one block, at most.
const MAX_LAYERS: usize = 100;

/// Layers that are one block.
pub(crate) struct Group<'l, 't, 'a> {
    pub(crate) layers: Vec<&'l Layer<'t, 'a>>,
    se: SqueezeExcites,
    /// The network's.
    pub(crate) padding: Padding,
}

pub(crate) fn groups<'l, 't, 'a>(
    layers: &'l [Layer<'t, 'a>],
    se: SqueezeExcites,
    padding: Padding,
) -> Vec<Group<'l, 't, 'a>> {
    let mut groups: Vec<Group> = Vec::new();
    for layer in layers {
        match groups.last_mut() {
            Some(group) if group.takes(layer) => group.layers.push(layer),
            _ => groups.push(Group::new(layer, se, padding)),
        }
    }
    groups
}

impl<'l, 't, 'a> Group<'l, 't, 'a> {
    pub(crate) fn new(layer: &'l Layer<'t, 'a>, se: SqueezeExcites, padding: Padding) -> Self {
        Group { layers: vec![layer], se, padding }
    }

    /// Whether this layer repeats the block.
    fn takes(&self, layer: &'l Layer<'t, 'a>) -> bool {
        let Some(first) = self.layers.first() else { return true };
        let same = first.kind == layer.kind
            && first.kernel_size == layer.kernel_size
            && first.output.channels == layer.output.channels
            && first.activation.fits(layer.activation)
            && first.pointwise_activation.fits(layer.pointwise_activation)
            && first.se.is_some() == layer.se.is_some();
        if !same || !layer.kind.has("layers") || layer.stride != 1 || self.layers.len() >= MAX_LAYERS {
            return false;
        }
        let with = Group { layers: self.layers.iter().copied().chain([layer]).collect(), ..*self };
        with.skip().is_some()
            && (!layer.kind.has("expand") || with.expand().is_some() || with.exact_expand().is_some())
            && (!layer.kind.has("reduce") || with.reduce().is_some())
            && with.squeeze_excite().is_some()
            && with.padding().is_some()
    }

    /// The value of `skip`: `Some(None)` for the default; `None` where no value gives the skips of all layers.
    pub(crate) fn skip(&self) -> Option<Option<&'static str>> {
        let fits = |word: Skip| self.layers.iter().all(|layer| layer.skip == skip(word, layer));
        let default = self.layers.first().map_or(Skip::Identity, |layer| layer.kind.default_skip());
        if fits(default) {
            return Some(None);
        }
        let words = [
            ("none", Skip::None),
            ("identity", Skip::Identity),
            ("pool", Skip::Pool),
            ("projection", Skip::Projection),
        ];
        words.into_iter().find(|(_, it)| fits(*it)).map(|(word, _)| Some(word))
    }

    /// The ratio of TensorFlow's block strings, which do not round.
    pub(crate) fn exact_expand(&self) -> Option<usize> {
        let first = self.layers.first().filter(|first| first.kind == BlockKind::MbConv)?;
        let ratio = first.expanded / first.input.channels;
        let is_exact = self.layers.iter().all(|layer| layer.expanded == layer.input.channels * ratio);
        // In TensorFlow's strings 1 means no expansion.
        (is_exact && ratio > 1).then_some(ratio)
    }

    pub(crate) fn reduce(&self) -> Option<f64> {
        let widths: Vec<_> = self.layers.iter().map(|it| (it.output.channels, it.expanded)).collect();
        ratios::reduce(&widths)
    }

    /// The padding that all layers have: the network's, if that is one.
    pub(crate) fn padding(&self) -> Option<Padding> {
        let all = [self.padding, Padding::Valid, Padding::Same, Padding::Symmetric];
        all.into_iter().find(|padding| self.layers.iter().all(|layer| padding::fits(*padding, layer)))
    }

    pub(crate) fn expand(&self) -> Option<f64> {
        let widths: Vec<_> = self.layers.iter().map(|it| (it.input.channels, it.expanded)).collect();
        ratios::expand(&widths)
    }

    /// The value of `se`: `Some(None)` without a squeeze-excite; `None` where no ratio gives the widths.
    pub(crate) fn squeeze_excite(&self) -> Option<Option<f64>> {
        let widths: Vec<_> = self.layers.iter().filter_map(|layer| self.se.width(layer)).collect();
        if widths.is_empty() { Some(None) } else { ratios::squeeze_excite(&widths, self.se.rounding).map(Some) }
    }
}

/// The skip of a layer whose block has this `skip`.
fn skip(word: Skip, layer: &Layer) -> Skip {
    let Layer { input, output, stride, .. } = *layer;
    if layer.kind.has("pointwise_activation") && !layer.pointwise_activation.is(Activation::Linear) {
        return Skip::None;
    }
    let shortcut = Shape { height: input.height.div_ceil(stride), width: input.width.div_ceil(stride), ..output };
    match word {
        Skip::Identity | Skip::Projection if input == output && stride == 1 => Skip::Identity,
        Skip::Pool if shortcut == output && input.channels == output.channels => Skip::Pool,
        Skip::Projection if shortcut == output => Skip::Projection,
        _ => Skip::None,
    }
}

/// How widths follow from ratios.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SqueezeExcites {
    pub(crate) base: SeBase,
    pub(crate) rounding: SeRounding,
}

impl SqueezeExcites {
    /// The channels that the width is a share of, and the width.
    pub(crate) fn width(self, layer: &Layer) -> Option<(usize, usize)> {
        let base = match self.base {
            SeBase::Input => layer.input.channels,
            SeBase::Expanded => layer.expanded,
        };
        layer.se.map(|se| (base, se.reduce.conv.output_channels))
    }
}
