//! TensorFlow's checkpoints: an index, `NAME.index`, and the values in `NAME.data-00000-of-00001` and further shards.
//!
//! The index is a table of LevelDB (`table.rs`) that says of each tensor what it is and where (`entry.rs`). Weights are
//! chosen from all that training leaves in a checkpoint (`select.rs`).
//!
//! The files are not trusted. Checksums of blocks and tensors are verified; a tensor's place is checked against its
//! shard; all tensors together may have no more bytes than the shards, however often they share them.

use super::{Beside, Files, Format, Further, Read};
use crate::weights::contents::Contents;
use crate::weights::error::shown;
use crate::weights::{FormatError, Inventory, Listed, WeightTensor};
use std::collections::{BTreeMap, BTreeSet};

mod crc32c;
mod entry;
mod protobuf;
mod select;
mod table;

pub(super) use entry::Element;
use entry::Entry;

/// The index is the first file, the shards are beside it.
pub(super) const FORMAT: Format = Format {
    name: "TensorFlow checkpoint",
    is: is_index,
    further: Further::Beside(Beside { suffix: ".index", names: shard_names, first_of: index_of_shard }),
    list: |index| Checkpoint::open(index).map(|checkpoint| checkpoint.inventory()),
    read: Read::Tensors(|files: &Files, _| {
        let checkpoint = Checkpoint::open(files.first)?;
        let ends = |shard: usize| {
            let suffix = checkpoint.shard_suffix(shard);
            files.further.iter().find(|(name, _)| name.ends_with(&suffix)).map(|(_, bytes)| (shard, bytes.as_slice()))
        };
        checkpoint.read(&checkpoint.shards().into_iter().filter_map(ends).collect()).map(Contents::from)
    }),
};

/// The shards that hold weights.
fn shard_names(index: &[u8], checkpoint_name: &str) -> Result<Vec<String>, FormatError> {
    let checkpoint = Checkpoint::open(index)?;
    let name = |shard| format!("{checkpoint_name}{}", checkpoint.shard_suffix(shard));
    Ok(checkpoint.shards().into_iter().map(name).collect())
}

/// `model.ckpt.index` of `model.ckpt.data-00000-of-00001`.
fn index_of_shard(name: &str) -> Option<String> {
    let (checkpoint, numbers) = name.rsplit_once(".data-")?;
    let (shard, shards) = numbers.split_once("-of-")?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (is_number(shard) && is_number(shards)).then(|| format!("{checkpoint}.index"))
}

/// Why a checkpoint is refused, inside this folder.
type Reason = String;

/// Longest name of a tensor.
const MAX_NAME: usize = 4096;

/// A checkpoint whose index was read, and whose shards were not.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    shards: usize,
    entries: BTreeMap<String, Entry>,
}

/// Whether `bytes` end like the index of a checkpoint.
pub fn is_index(bytes: &[u8]) -> bool {
    table::is_table(bytes)
}

/// The weights of a checkpoint, from its index and all its shards in order.
///
/// # Errors
///
/// Those of [`Checkpoint::open`] and [`Checkpoint::read`].
pub fn read(index: &[u8], shards: &[&[u8]]) -> Result<BTreeMap<String, WeightTensor>, FormatError> {
    Checkpoint::open(index)?.read(&shards.iter().copied().enumerate().collect())
}

impl Checkpoint {
    /// Reads an index.
    ///
    /// # Errors
    ///
    /// When it is damaged, compressed, or no index.
    pub fn open(index: &[u8]) -> Result<Self, FormatError> {
        open(index).map_err(FormatError::new)
    }

    /// What the checkpoint holds, all that training left in it, in the order of names.
    pub fn inventory(&self) -> Inventory {
        let list = self.entries.iter().map(|(name, entry)| Listed {
            name: name.clone(),
            element: match entry.element {
                Element::Known(element) => element.name().into(),
                Element::Other(name) => name.into(),
            },
            shape: entry.shape.clone(),
            bytes: entry.size as u64,
        });
        Inventory { format: FORMAT.name, tensors: list.collect(), averages: Some(self.averages()) }
    }

    /// Number of weights with an average, which [`Checkpoint::read`] takes in their place.
    pub fn averages(&self) -> usize {
        self.entries.keys().filter(|name| select::is_average(name)).count()
    }

    /// The part of a shard's name after the checkpoint's, such as `.data-00000-of-00002`.
    pub fn shard_suffix(&self, shard: usize) -> String {
        format!(".data-{shard:05}-of-{:05}", self.shards)
    }

    /// The shards that weights are in: [`Checkpoint::read`] needs these.
    pub fn shards(&self) -> BTreeSet<usize> {
        select::weights(&self.entries).values().map(|entry| entry.shard).collect()
    }

    /// Every weight by its name in the checkpoint, from the shards by their numbers.
    ///
    /// Where there is an average of a tensor (`NAME/ExponentialMovingAverage`), it is what is read, under the tensor's
    /// own name. Counters, and what an optimiser keeps of a tensor (`NAME/RMSProp`), are left out.
    ///
    /// # Errors
    ///
    /// When a shard is missing, too short, or damaged, or a tensor is stored in slices.
    pub fn read(&self, shards: &BTreeMap<usize, &[u8]>) -> Result<BTreeMap<String, WeightTensor>, FormatError> {
        let mut budget: usize = shards.values().map(|bytes| bytes.len()).sum();
        let mut tensors = BTreeMap::new();
        for (name, entry) in select::weights(&self.entries) {
            let tensor = self.tensor(entry, shards, &mut budget);
            let tensor = tensor.map_err(|reason| FormatError::new(format!("tensor `{}` {reason}", shown(name))))?;
            tensors.insert(name.to_owned(), tensor);
        }
        Ok(tensors)
    }

    fn tensor(
        &self,
        entry: &Entry,
        shards: &BTreeMap<usize, &[u8]>,
        budget: &mut usize,
    ) -> Result<WeightTensor, Reason> {
        let Element::Known(element) = entry.element else { return Err("has elements that are not numbers".into()) };
        if entry.sliced {
            return Err("is stored in slices, as partitioned variables are; save it as one".into());
        }
        let count = entry.shape.iter().try_fold(1_usize, |count, &size| count.checked_mul(size));
        let size = count.and_then(|count| count.checked_mul(element.size()));
        let Some(count) = count.filter(|_| size == Some(entry.size)) else {
            let name = element.name();
            return Err(format!("of {name} {:?} is said to have {} bytes", entry.shape, entry.size));
        };
        let shard = || self.shard_suffix(entry.shard);
        let data = shards.get(&entry.shard).ok_or_else(|| format!("is in `{}`, which was not given", shard()))?;
        let end = entry.offset.checked_add(entry.size);
        let bytes = end.and_then(|end| data.get(entry.offset..end));
        let bytes = bytes.ok_or_else(|| format!("ends beyond `{}`, which may be cut off", shard()))?;
        *budget = budget.checked_sub(bytes.len()).ok_or("shares its bytes with too many others")?;
        if crc32c::mask(crc32c::crc32c(&[bytes])) != entry.checksum {
            return Err(format!("is damaged: its checksum in `{}` differs", shard()));
        }
        let data: Vec<f32> = (0..count).map_while(|index| element.get(bytes, index)).collect();
        Ok(WeightTensor { shape: entry.shape.clone(), data })
    }
}

fn open(index: &[u8]) -> Result<Checkpoint, Reason> {
    let mut shards = None;
    let mut entries = BTreeMap::new();
    table::entries(index, |key, value| {
        // The first entry is the header; others that begin with a zero are the slices of partitioned variables.
        if shards.is_none() {
            if !key.is_empty() {
                return Err("its index is damaged: it has no header".into());
            }
            shards = Some(entry::header(value)?);
        }
        if key.first().is_none_or(|byte| *byte == 0) {
            return Ok(());
        }
        if key.len() > MAX_NAME {
            return Err(format!("its index has a name of {} bytes", key.len()));
        }
        let name =
            str::from_utf8(key).map_err(|_| format!("its index has a name that is no text: {}", key.escape_ascii()))?;
        let entry = Entry::read(value).map_err(|reason| format!("tensor `{}` {reason}", shown(name)))?;
        if shards.is_some_and(|shards| entry.shard >= shards) {
            return Err(format!("tensor `{}` is in a shard that does not exist: {}", shown(name), entry.shard));
        }
        entries.insert(name.to_owned(), entry);
        Ok(())
    })?;
    let shards = shards.ok_or("its index is damaged: it has no header")?;
    Ok(Checkpoint { shards, entries })
}
