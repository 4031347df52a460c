//! The words of the language that stand for a value, each in one table for reading and printing.

use crate::network::{Activation, Interpolation, Padding, Skip};
use crate::spec::{Scaling, SeBase, SeRounding};

/// Words and what they mean.
pub(crate) type Words<T> = &'static [(&'static str, T)];

pub(crate) const ACTIVATIONS: Words<Activation> = &[
    ("linear", Activation::Linear),
    ("relu", Activation::Relu),
    ("relu6", Activation::Relu6),
    ("hard_swish", Activation::HardSwish),
    ("swish", Activation::Swish),
    ("sigmoid", Activation::Sigmoid),
    ("hard_sigmoid", Activation::HardSigmoid),
];

/// timm's words for the activation of a block string.
pub(crate) const TIMM_ACTIVATIONS: Words<Activation> = &[
    ("nre", Activation::Relu),
    ("nr6", Activation::Relu6),
    ("nhs", Activation::HardSwish),
    ("nsw", Activation::Swish),
];

pub(crate) const PADDINGS: Words<Padding> =
    &[("same", Padding::Same), ("symmetric", Padding::Symmetric), ("valid", Padding::Valid)];

pub(crate) const SKIPS: Words<Skip> =
    &[("identity", Skip::Identity), ("none", Skip::None), ("pool", Skip::Pool), ("projection", Skip::Projection)];

pub(crate) const INTERPOLATIONS: Words<Interpolation> =
    &[("bilinear", Interpolation::Bilinear), ("bicubic", Interpolation::Bicubic)];

pub(crate) const SE_BASES: Words<SeBase> = &[("input", SeBase::Input), ("expanded", SeBase::Expanded)];

pub(crate) const SE_ROUNDINGS: Words<SeRounding> =
    &[("nearest", SeRounding::Nearest), ("floor", SeRounding::Floor), ("channels", SeRounding::Channels)];

pub(crate) const SE_GATES: Words<Activation> =
    &[("sigmoid", Activation::Sigmoid), ("hard_sigmoid", Activation::HardSigmoid)];

pub(crate) const STEM_SCALINGS: Words<Scaling> = &[("scaled", Scaling::Scaled), ("fixed", Scaling::Fixed)];

pub(crate) const HEAD_SCALINGS: Words<Scaling> =
    &[("fixed", Scaling::Fixed), ("scaled", Scaling::Scaled), ("at_least", Scaling::AtLeast)];

/// The word of a value. Every value of these types is in its table.
pub(crate) fn word<T: Copy + PartialEq>(words: Words<T>, value: T) -> &'static str {
    words.iter().find(|(_, it)| *it == value).map_or("", |(word, _)| word)
}

/// A number as a person writes it: without an exponent unless there would be a row of zeros.
pub(crate) fn show_number(value: f64) -> String {
    let size = value.abs();
    if value.is_finite() && size != 0.0 && !(1e-4..1e12).contains(&size) {
        format!("{value:e}")
    } else {
        value.to_string()
    }
}
