//! LevelDB's table format, in which TensorFlow keeps an index: keys in ascending order with their values.
//!
//! A table is a row of blocks and a footer, which says where the block is that lists the others. In a block a key is
//! written as what it shares with the key before it and the rest; a list of restart points ends the block. Each block is
//! followed by the kind of its compression and a checksum.

use super::Reason;
use super::crc32c::{crc32c, mask};
use super::protobuf::{take, varint};

const FOOTER: usize = 48;

/// The last bytes of a table.
const MAGIC: [u8; 8] = 0xdb47_7524_8b80_fb57_u64.to_le_bytes();

/// Kind of compression and checksum.
const TRAILER: usize = 5;

/// How many times the file's size all keys may have together. A key is written whole at least every sixteenth time, so
/// that real files stay below 16.
const MAX_EXPANSION: usize = 32;

/// Whether `bytes` end like a table.
pub(super) fn is_table(bytes: &[u8]) -> bool {
    bytes.len() >= FOOTER && bytes.ends_with(&MAGIC)
}

/// Calls `visit` with every key and its value, in ascending order of the keys.
pub(super) fn entries(bytes: &[u8], mut visit: impl FnMut(&[u8], &[u8]) -> Result<(), Reason>) -> Result<(), Reason> {
    let (blocks, mut footer) = bytes.split_at_checked(bytes.len().wrapping_sub(FOOTER)).ok_or(SHORT)?;
    if !footer.ends_with(&MAGIC) {
        return Err("it does not end like the index of a checkpoint; it may be cut off".into());
    }
    // The first handle is of a block with statistics, which TensorFlow leaves empty.
    handle(&mut footer).ok_or(DAMAGED)?;
    let list = handle(&mut footer).ok_or(DAMAGED)?;

    // Blocks that overlap, or keys that repeat others, could make more of a file than it has.
    let mut reader = Reader { blocks, bytes_left: blocks.len(), keys_left: bytes.len().saturating_mul(MAX_EXPANSION) };
    let list = reader.block(list)?;
    let mut last: Option<Vec<u8>> = None;
    reader.walk(list, &mut |reader, _, mut value| {
        let block = reader.block(handle(&mut value).ok_or(DAMAGED)?)?;
        reader.walk(block, &mut |_, key, value| {
            if last.as_deref().is_some_and(|last| last >= key) {
                return Err("its index is damaged: names are not in order".into());
            }
            let last = last.get_or_insert_default();
            last.clear();
            last.extend_from_slice(key);
            visit(key, value)
        })
    })
}

const DAMAGED: &str = "its index is damaged";
const SHORT: &str = "it is shorter than the end of a checkpoint's index";

/// Where a block is.
#[derive(Clone, Copy)]
struct Handle {
    start: usize,
    length: usize,
}

fn handle(bytes: &mut &[u8]) -> Option<Handle> {
    let (start, length) = (varint(bytes)?, varint(bytes)?);
    Some(Handle { start: usize::try_from(start).ok()?, length: usize::try_from(length).ok()? })
}

struct Reader<'a> {
    blocks: &'a [u8],
    /// Bytes of blocks that may still be read.
    bytes_left: usize,
    /// Bytes of keys that may still be put together.
    keys_left: usize,
}

type Visit<'v, 'a> = &'v mut dyn FnMut(&mut Reader<'a>, &[u8], &'a [u8]) -> Result<(), Reason>;

impl<'a> Reader<'a> {
    fn block(&mut self, handle: Handle) -> Result<&'a [u8], Reason> {
        let mut bytes = self.blocks.get(handle.start..).ok_or("its index has a block outside of the file")?;
        let block = take(&mut bytes, handle.length).ok_or("its index has a block outside of the file")?;
        let (trailer, _) = bytes.split_first_chunk::<TRAILER>().ok_or("its index has a block outside of the file")?;
        let [kind, checksum @ ..] = *trailer;
        self.bytes_left =
            self.bytes_left.checked_sub(block.len() + TRAILER).ok_or("its index is damaged: blocks overlap")?;
        if mask(crc32c(&[block, &[kind]])) != u32::from_le_bytes(checksum) {
            return Err("its index is damaged: the checksum of a block differs".into());
        }
        match kind {
            0 => Ok(block),
            1 => {
                Err("its index is compressed by Snappy, which TensorFlow does not do since version 1.2; load it with \
                      TensorFlow and save it again"
                    .into())
            }
            other => Err(format!("its index is compressed in a way that is not known: {other}")),
        }
    }

    /// Calls `visit` with the keys and values of a block.
    fn walk(&mut self, block: &'a [u8], visit: Visit<'_, 'a>) -> Result<(), Reason> {
        let (rest, restarts) = block.split_last_chunk::<4>().ok_or(DAMAGED)?;
        let restarts = usize::try_from(u32::from_le_bytes(*restarts)).ok().and_then(|count| count.checked_mul(4));
        let entries = restarts.and_then(|length| rest.len().checked_sub(length)).ok_or(DAMAGED)?;
        let mut rest = &rest[..entries];
        let mut key: Vec<u8> = Vec::new();
        while !rest.is_empty() {
            let [shared, own, value] =
                [varint(&mut rest), varint(&mut rest), varint(&mut rest)].map(|length| usize::try_from(length?).ok());
            let shared = shared.filter(|shared| *shared <= key.len()).ok_or(DAMAGED)?;
            let own = own.and_then(|length| take(&mut rest, length)).ok_or(DAMAGED)?;
            let value = value.and_then(|length| take(&mut rest, length)).ok_or(DAMAGED)?;
            key.truncate(shared);
            key.extend_from_slice(own);
            self.keys_left =
                self.keys_left.checked_sub(key.len()).ok_or("its index is damaged: names repeat without end")?;
            visit(self, &key, value)?;
        }
        Ok(())
    }
}
