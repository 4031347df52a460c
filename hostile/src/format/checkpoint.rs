//! TensorFlow's checkpoints. An input is the index, a mark, and the bytes of the one shard.

use super::{Format, Outcome, compiles, refused, tiny};
use mnas_codegen::weights::fit;
use mnas_codegen::weights::tf_checkpoint::Checkpoint;
use std::collections::BTreeMap;

/// What stands between an index and its shard.
const MARK: &[u8] = b"\n== shard ==\n";

/// An index and a shard.
pub(super) const CHECKPOINT: Format = Format {
    name: "tf-checkpoint",
    seeds: || {
        macro_rules! file {
            ($name:literal) => {
                include_bytes!(concat!("../../../mnas-codegen/tests/files/tensorflow/", $name)).as_slice()
            };
        }
        let files = [
            (file!("averaged.ckpt.index"), file!("averaged.ckpt.data-00000-of-00001")),
            (file!("types.ckpt.index"), file!("types.ckpt.data-00000-of-00001")),
            (file!("types.ckpt.index"), file!("types.ckpt.data-00000-of-00001")),
            (file!("slices.ckpt.index"), file!("slices.ckpt.data-00000-of-00001")),
            (file!("sharded.ckpt.index"), file!("sharded.ckpt.data-00000-of-00003")),
        ];
        files.map(|(index, shard)| [index, MARK, shard].concat()).to_vec()
    },
    dictionary: &[
        b"\x57\xfb\x80\x8b\x24\x75\x47\xdb",
        b"ExponentialMovingAverage",
        b"/RMSProp",
        b"/Momentum",
        b"global_step",
        b"stem/conv2d/kernel",
        b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        b"\xff\xff\xff\xff\x0f",
        b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
        b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80",
        b"\x08\x01",
        b"\x12\x04\x12\x02\x08\x08",
        b"\x12\x0b\x12\x09\x08\xff\xff\xff\xff\xff\xff\xff\x7f",
        b"\x12\x0c\x12\x0a\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        b"\x18\xff\xff\xff\xff\x0f",
        b"\x20\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
        b"\x28\xff\xff\xff\xff\x0f",
        b"\x35\0\0\0\0",
        b"\x3a\0",
        b"\0\0\0",
        b"\x01",
        MARK,
    ],
    mend: |bytes| {
        let Some(end) = find(bytes, MARK) else { return };
        mend(&mut bytes[..end]);
    },
    read: |bytes| {
        let (index, shard) = match find(bytes, MARK) {
            Some(at) => (&bytes[..at], &bytes[at + MARK.len()..]),
            None => (bytes, [].as_slice()),
        };
        let checkpoint = match Checkpoint::open(index) {
            Ok(checkpoint) => checkpoint,
            Err(error) => return refused(&error.to_string()),
        };
        super::list(&checkpoint.inventory());
        for number in checkpoint.shards() {
            let suffix = checkpoint.shard_suffix(number);
            assert!(!suffix.contains(['/', '\\']), "{suffix}");
        }
        match checkpoint.read(&BTreeMap::from([(0, shard)])) {
            Ok(tensors) => {
                let values: usize = tensors.values().map(|tensor| tensor.data.len()).sum();
                assert!(values <= bytes.len(), "{values} values from {} bytes", bytes.len());
                let (spec, network) = tiny();
                match fit(tensors, "weights.index", &network) {
                    Ok(fitted) => compiles(&spec, &network, Some(&fitted.weights)),
                    Err(error) => {
                        refused(&error.to_string());
                        // These are files of other networks: that they were read is what counts.
                        Outcome::Accepted
                    }
                }
            }
            Err(error) => refused(&error.to_string()),
        }
    },
};

fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}

/// The checksums of all blocks that the footer and the list of blocks lead to.
fn mend(index: &mut [u8]) {
    let Some(footer) = index.len().checked_sub(48) else { return };
    let mut at = footer;
    let mut handle = |index: &[u8]| Some((varint(index, &mut at)?, varint(index, &mut at)?));
    let (Some(_), Some(list)) = (handle(index), handle(index)) else { return };
    let Some(end) = list.0.checked_add(list.1).filter(|end| *end <= footer) else { return };
    // Blocks first, then the list, although it has no sum of theirs.
    let mut at = list.0;
    while at < end.saturating_sub(8) {
        let [Some(_), Some(own), Some(value)] = [(); 3].map(|()| varint(index, &mut at)) else { break };
        let Some(mut place) = at.checked_add(own) else { break };
        let Some(next) = place.checked_add(value).filter(|next| *next <= end) else { break };
        if let (Some(start), Some(length)) = (varint(index, &mut place), varint(index, &mut place)) {
            sum(index, start, length, footer);
        }
        at = next;
    }
    sum(index, list.0, list.1, footer);
}

fn sum(index: &mut [u8], start: usize, length: usize, footer: usize) {
    let Some(end) = start.checked_add(length).filter(|end| *end + 5 <= footer) else { return };
    let sum = index[start..=end].iter().fold(!0_u32, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| (sum >> 1) ^ (0x82f6_3b78 & (sum & 1).wrapping_neg()))
    });
    let masked = (!sum).rotate_right(15).wrapping_add(0xa282_ead8);
    index[end + 1..end + 5].copy_from_slice(&masked.to_le_bytes());
}

fn varint(bytes: &[u8], at: &mut usize) -> Option<usize> {
    let mut value = 0_usize;
    for shift in (0..63).step_by(7) {
        let byte = *bytes.get(*at)?;
        *at += 1;
        value |= usize::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Real files have right sums: mending changes nothing of them, and brings a wrong one back.
    #[test]
    fn sums_are_mended() {
        for seed in (CHECKPOINT.seeds)() {
            let mut mended = seed.clone();
            (CHECKPOINT.mend)(&mut mended);
            assert_eq!(mended, seed);
            mended[3] ^= 1;
            let changed = mended.clone();
            (CHECKPOINT.mend)(&mut mended);
            assert_ne!(mended, changed);
        }
    }
}
