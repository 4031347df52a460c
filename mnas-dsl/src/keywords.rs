//! The keywords of the language that stand for a value: one table for each type, for reading and for printing.

use crate::network::{Activation, Interpolation, Padding, Skip};
use crate::spec::{Scaling, SeBase, SeRounding};

/// Keywords and their values.
pub(crate) type Keywords<T> = &'static [(&'static str, T)];

pub(crate) const ACTIVATIONS: Keywords<Activation> = &[
    ("linear", Activation::Linear),
    ("relu", Activation::Relu),
    ("relu6", Activation::Relu6),
    ("hard_swish", Activation::HardSwish),
    ("swish", Activation::Swish),
    ("sigmoid", Activation::Sigmoid),
    ("hard_sigmoid", Activation::HardSigmoid),
];

/// timm's words for the activation of a block string.
pub(crate) const TIMM_ACTIVATIONS: Keywords<Activation> = &[
    ("nre", Activation::Relu),
    ("nr6", Activation::Relu6),
    ("nhs", Activation::HardSwish),
    ("nsw", Activation::Swish),
];

pub(crate) const PADDINGS: Keywords<Padding> =
    &[("same", Padding::Same), ("symmetric", Padding::Symmetric), ("valid", Padding::Valid)];

pub(crate) const SKIPS: Keywords<Skip> =
    &[("identity", Skip::Identity), ("none", Skip::None), ("pool", Skip::Pool), ("projection", Skip::Projection)];

pub(crate) const INTERPOLATIONS: Keywords<Interpolation> =
    &[("bilinear", Interpolation::Bilinear), ("bicubic", Interpolation::Bicubic)];

pub(crate) const SE_BASES: Keywords<SeBase> = &[("input", SeBase::Input), ("expanded", SeBase::Expanded)];

pub(crate) const SE_ROUNDINGS: Keywords<SeRounding> =
    &[("nearest", SeRounding::Nearest), ("floor", SeRounding::Floor), ("channels", SeRounding::Channels)];

pub(crate) const SE_GATES: Keywords<Activation> =
    &[("sigmoid", Activation::Sigmoid), ("hard_sigmoid", Activation::HardSigmoid)];

pub(crate) const STEM_SCALINGS: Keywords<Scaling> = &[("scaled", Scaling::Scaled), ("fixed", Scaling::Fixed)];

pub(crate) const HEAD_SCALINGS: Keywords<Scaling> =
    &[("fixed", Scaling::Fixed), ("scaled", Scaling::Scaled), ("at_least", Scaling::AtLeast)];

/// The keyword of a value. Every value of these types is in its table.
pub(crate) fn word<T: Copy + PartialEq>(words: Keywords<T>, value: T) -> &'static str {
    words.iter().find(|(_, it)| *it == value).map_or("", |(word, _)| word)
}

/// A number for a spec or a message: without an exponent unless it would have many zeros.
pub(crate) fn show_number(value: f64) -> String {
    let size = value.abs();
    if value.is_finite() && size != 0.0 && !(1e-4..1e12).contains(&size) {
        format!("{value:e}")
    } else {
        value.to_string()
    }
}
