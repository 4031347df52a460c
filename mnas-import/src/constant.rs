//! Constants as nodes refer to them.

use crate::proto::TensorProto;

/// A constant, whether its two axes change places, and what its integers stand for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Constant<'a> {
    pub(crate) tensor: &'a TensorProto<'a>,
    pub(crate) transposed: bool,
    /// Where its axes come from; they stay where they are if the list is empty.
    pub(crate) order: &'static [usize],
    pub(crate) integers: Option<Integers<'a>>,
}

impl<'a> Constant<'a> {
    pub(crate) fn new(tensor: &'a TensorProto<'a>) -> Self {
        Constant { tensor, transposed: false, order: &[], integers: None }
    }
}

/// An integer `q` stands for `(q - zero) * scale * factor`, with one scale and zero point or with one at each place of
/// an axis.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Integers<'a> {
    pub(crate) scale: &'a TensorProto<'a>,
    pub(crate) zero: Option<&'a TensorProto<'a>>,
    pub(crate) axis: usize,
    pub(crate) factor: f32,
}
