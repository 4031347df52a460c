//! The content of a weight file, without a network and without values.

use super::names;

/// Everything that a file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inventory {
    /// The file's format, for messages.
    pub format: &'static str,
    /// Every tensor in the file's order, including integers, counters and the state of an optimiser.
    pub tensors: Vec<Listed>,
    /// How many weights there is an average of, which is loaded in their place; `None` in formats without averages.
    pub averages: Option<usize>,
}

/// A tensor as a file describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its name in the file.
    pub name: String,
    /// Type of its elements, such as `float32`.
    pub element: String,
    /// Dimensions, outermost first, in the file's order.
    pub shape: Vec<usize>,
    /// Bytes of its elements.
    pub bytes: u64,
}

impl Inventory {
    /// The known naming scheme that the names resemble. To be certain, a network is needed.
    pub fn scheme(&self) -> Option<&'static str> {
        names::guess(self.tensors.iter().map(|tensor| tensor.name.as_str()))
    }

    /// Elements of all floating-point tensors.
    pub fn floats(&self) -> u64 {
        let floats = self.tensors.iter().filter(|tensor| tensor.element.to_lowercase().contains("float"));
        floats.map(Listed::elements).fold(0, u64::saturating_add)
    }

    /// Bytes of all tensors.
    pub fn bytes(&self) -> u64 {
        self.tensors.iter().map(|tensor| tensor.bytes).fold(0, u64::saturating_add)
    }
}

impl Listed {
    /// Number of elements.
    pub fn elements(&self) -> u64 {
        self.shape.iter().fold(1, |elements: u64, &size| elements.saturating_mul(size as u64))
    }
}
