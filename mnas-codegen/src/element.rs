//! The type of a value in memory.

use proc_macro2::{Ident, Span};

/// The type of the elements of a tensor, of weights or of accumulators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Element {
    /// IEEE 754 binary32.
    F32,
    /// A signed byte.
    I8,
    /// An unsigned byte.
    U8,
    /// A signed integer of 32 bits.
    I32,
}

impl Element {
    /// Bytes of one.
    pub const fn bytes(self) -> usize {
        match self {
            Element::F32 | Element::I32 => 4,
            Element::I8 | Element::U8 => 1,
        }
    }

    /// Its name in Rust.
    pub const fn name(self) -> &'static str {
        match self {
            Element::F32 => "f32",
            Element::I8 => "i8",
            Element::U8 => "u8",
            Element::I32 => "i32",
        }
    }

    /// Its type in generated code.
    pub fn rust(self) -> Ident {
        Ident::new(self.name(), Span::call_site())
    }
}
