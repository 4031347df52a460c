//! PyTorch's `.pth` files: a pickle that describes tensors, and their storages.
//!
//! Two formats exist. Since PyTorch 1.6 it is a zip archive (`data.pkl`, `data/0`, `data/1`, ...); before, a row
//! of pickles followed by the storages. Both are read as data: the pickle runs on a machine that knows only what
//! checkpoints need (`pickle/mod.rs`), and a file that names anything else is refused with that name.
//!
//! The file is not trusted. Storages are slices of it, never copied; a tensor's extent is checked against its
//! storage; all tensors together may have no more elements than the file has bytes, however often they share a storage.

use super::{Files, Format, Further, Read};
use crate::weights::{FormatError, Inventory, Listed, WeightTensor};
use std::collections::BTreeMap;

mod legacy;
mod pickle;
mod state_dict;
mod tensor;
mod zipped;

/// Both formats.
pub(super) const FORMAT: Format = Format {
    name: "PyTorch",
    is: |bytes| is_zip(bytes) || is_pickle(bytes),
    further: Further::None,
    list: |bytes| {
        let format = if is_zip(bytes) { "PyTorch, zip" } else { "PyTorch before 1.6" };
        Ok(Inventory { format, tensors: list(bytes)?, averages: None })
    },
    read: Read::Tensors(|files: &Files| read(files.first)),
};

/// Every floating-point tensor of a PyTorch checkpoint by its name in the file. The state dict may lie in the
/// file itself or under `state_dict_ema`, `model_ema`, `state_dict`, `model_state_dict` or `model` (in this order, so
/// that averaged weights win). Entries that are no tensors and `num_batches_tracked` counters are left out.
///
/// # Errors
///
/// When the file is damaged, is no checkpoint, or its pickle names anything but tensors and plain data.
pub fn read(bytes: &[u8]) -> Result<BTreeMap<String, WeightTensor>, FormatError> {
    open(bytes).and_then(|checkpoint| state_dict::tensors(&checkpoint, bytes.len())).map_err(FormatError::new)
}

/// What the state dict holds, counters too, in its order.
fn list(bytes: &[u8]) -> Result<Vec<Listed>, FormatError> {
    open(bytes).and_then(|checkpoint| state_dict::list(&checkpoint)).map_err(FormatError::new)
}

fn open(bytes: &[u8]) -> Result<Checkpoint<'_>, Reason> {
    if is_zip(bytes) { zipped::open(bytes) } else { legacy::open(bytes) }
}

/// Whether `bytes` start like a zip archive.
fn is_zip(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04")
}

/// Whether `bytes` start like a pickle, as PyTorch's older files do.
fn is_pickle(bytes: &[u8]) -> bool {
    matches!(bytes, [0x80, 2..=5, ..])
}

/// Why a file is refused, inside this folder.
type Reason = String;

/// A file taken apart: the values that its pickle describes, and the storages by key.
struct Checkpoint<'a> {
    objects: pickle::Objects<'a>,
    root: pickle::Value,
    storages: BTreeMap<Vec<u8>, &'a [u8]>,
}
