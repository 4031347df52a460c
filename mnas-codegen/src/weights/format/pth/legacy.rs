//! The format before PyTorch 1.6: five pickles (magic number, version, platform, data, storage keys), then for
//! each key the number of elements and the elements.

use super::pickle::{self, Value};
use super::{Checkpoint, Reason};
use std::collections::BTreeMap;

/// How the pickle of the magic number 0x1950a86a20f9469cfc6c reads.
const MAGIC: &[u8] = b"\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";

pub(super) fn open(bytes: &[u8]) -> Result<Checkpoint<'_>, Reason> {
    // The first two bytes are the pickle's protocol.
    let rest = bytes.get(2..).and_then(|rest| rest.strip_prefix(MAGIC));
    let rest = rest.ok_or("it is a pickle, but not one that `torch.save` wrote")?;
    let (_, version, rest) = pickle::run(rest)?;
    if version != Value::Int(1001) {
        return Err("its format version is not 1001".into());
    }
    let (platform, sizes, rest) = pickle::run(rest)?;
    if platform.get(sizes, b"little_endian") != Some(Value::Bool(true)) {
        return Err("it was not written on a little-endian machine".into());
    }
    let (objects, root, rest) = pickle::run(rest)?;
    let (names, keys, mut rest) = pickle::run(rest)?;

    // The data says how wide the elements of each storage are, the list of keys in which order the storages follow.
    let widths: BTreeMap<&[u8], usize> =
        objects.storages.iter().map(|storage| (storage.key, storage.element.size())).collect();
    let mut storages = BTreeMap::new();
    for &key in names.sequence(keys).ok_or("it has no list of storages")? {
        let key = names.string(key).ok_or("its list of storages holds something else")?;
        let width = widths.get(key).ok_or_else(|| format!("no tensor uses its storage `{}`", key.escape_ascii()))?;
        let (count, data) = rest.split_first_chunk::<8>().ok_or("it ends before its last storage")?;
        let length = usize::try_from(u64::from_le_bytes(*count)).ok().and_then(|count| count.checked_mul(*width));
        let split = length.and_then(|length| data.split_at_checked(length));
        let (storage, after) = split.ok_or("it ends within a storage")?;
        storages.insert(key.to_vec(), storage);
        rest = after;
    }
    Ok(Checkpoint { objects, root, storages })
}
