//! PyTorch's `.pth` files: a pickle that describes tensors, and their storages.
//!
//! Two formats exist. Since PyTorch 1.6 it is a zip archive (`data.pkl`, `data/0`, `data/1`, ...); before, a row
//! of pickles followed by the storages. Both are read as data: the pickle runs on a machine that knows how tensors are
//! described (`pickle/mod.rs`). Of any other class or function it keeps the name: none is looked up, none is called.
//! What would be built with one is an opaque value, which is an error only where a weight is one.
//!
//! The file is not trusted. Storages are slices of it, never copied; a tensor's extent is checked against its
//! storage; all tensors together may have no more elements than the file has bytes, however often they share a storage.

use super::{Files, Fitness, Format, Further, Read};
use crate::weights::contents::Contents;
use crate::weights::error::shown;
use crate::weights::{FormatError, Inventory, Listed, WeightTensor};
use state_dict::Candidate;
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
    read: Read::Tensors(|files: &Files, fitness| contents(files.first, fitness)),
};

/// Every floating-point tensor of a PyTorch checkpoint by its name in the file, without a network: of all dicts of
/// tensors and modules in it, averaged ones first, then those under `state_dict`, `model_state_dict`, `model` and `net`.
/// One that has less than half of the largest's tensors is not taken.
///
/// # Errors
///
/// When the file is damaged, is no checkpoint, or has no tensors but those that code of its pickle would make.
pub fn read(bytes: &[u8]) -> Result<BTreeMap<String, WeightTensor>, FormatError> {
    contents(bytes, None).map(|contents| contents.tensors)
}

/// The floating-point tensors of the dict or module with the largest `fitness`, a function of names and shapes. An
/// averaged copy precedes others of equal fitness.
fn contents(bytes: &[u8], fitness: Option<&Fitness<'_>>) -> Result<Contents, FormatError> {
    let contents = || {
        let checkpoint = open(bytes)?;
        let candidates = state_dict::candidates(&checkpoint)?;
        let (chosen, equals) = choose(&checkpoint, &candidates, fitness).ok_or("it has no state dict")?;
        let mut contents = chosen.contents(&checkpoint, bytes.len())?;
        if chosen.is_averaged() && fitness.is_some() {
            let others: Vec<String> = equals.iter().map(|other| format!("`{}`", shown(&other.place))).collect();
            let beside =
                if others.is_empty() { String::new() } else { format!(", not those of {}", others.join(", ")) };
            contents.notes.push(format!("the averaged weights under `{}` are taken{beside}", shown(&chosen.place)));
        }
        Ok(contents)
    };
    contents().map_err(|reason: Reason| FormatError::new(reason))
}

/// What the dict or module that [`read`] takes holds, counters too, in its order.
fn list(bytes: &[u8]) -> Result<Vec<Listed>, FormatError> {
    let list = || {
        let checkpoint = open(bytes)?;
        let candidates = state_dict::candidates(&checkpoint)?;
        let (chosen, _) = choose(&checkpoint, &candidates, None).ok_or("it has no state dict")?;
        Ok(chosen.list(&checkpoint))
    };
    list().map_err(|reason: Reason| FormatError::new(reason))
}

/// The candidate that is meant, and those that fit as well.
fn choose<'c>(
    checkpoint: &Checkpoint<'_>,
    candidates: &'c [Candidate],
    fitness: Option<&Fitness<'_>>,
) -> Option<(&'c Candidate, Vec<&'c Candidate>)> {
    let shapes: Vec<_> = candidates.iter().map(|candidate| candidate.shapes(checkpoint)).collect();
    let fits: Vec<usize> = fitness.map_or(Vec::new(), |fitness| shapes.iter().map(fitness).collect());
    let (scores, least) = match fits.iter().max() {
        Some(&best) if best > 0 => (fits, best),
        // No candidate fits, or there is no network to fit.
        _ => {
            let sizes: Vec<usize> = shapes.iter().map(BTreeMap::len).collect();
            let most = sizes.iter().copied().max()?;
            (sizes, most.div_ceil(2))
        }
    };
    let good = candidates.iter().zip(&scores).filter(|(_, score)| **score >= least);
    let mut equals: Vec<&Candidate> = good.map(|(candidate, _)| candidate).collect();
    // Sorting keeps the order of those that rank equally: nearest to the top first.
    equals.sort_by_key(|candidate| candidate.rank());
    let chosen = equals.remove(0);
    Some((chosen, equals))
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

/// Why a file is refused; inside this folder, so that every step can say it with `?`.
type Reason = String;

/// A file taken apart: the values that its pickle describes, and the storages by key.
struct Checkpoint<'a> {
    objects: pickle::Objects<'a>,
    root: pickle::Value,
    storages: BTreeMap<Vec<u8>, &'a [u8]>,
}
