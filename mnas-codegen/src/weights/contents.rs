//! What the reader of a file hands on to fitting.

use super::WeightTensor;
use std::collections::BTreeMap;

/// How names of counters end, which batch norms of PyTorch have: no weights, whatever their type.
pub(super) const COUNTER: &str = "num_batches_tracked";

/// The tensors of a file, under the file's names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Contents {
    /// Every floating-point tensor.
    pub tensors: BTreeMap<String, WeightTensor>,
    /// Their names in the file's order, where the file has one.
    pub order: Vec<String>,
    /// What has a name and is no weight, and why: "has elements of type int64".
    pub unread: BTreeMap<String, String>,
    /// Choices of the reader, each a sentence without a capital and a full stop.
    pub notes: Vec<String>,
}

impl From<BTreeMap<String, WeightTensor>> for Contents {
    fn from(tensors: BTreeMap<String, WeightTensor>) -> Self {
        Contents { tensors, ..Contents::default() }
    }
}
