//! Checkpoints made to do harm, whose checksums are right, so that they get as far as they can.

use mnas_codegen::weights::tf_checkpoint;

/// CRC-32C bit by bit, and as it is stored.
fn checksum(bytes: &[u8]) -> [u8; 4] {
    let step = |sum: u32, _| if sum & 1 == 1 { sum >> 1 ^ 0x82f6_3b78 } else { sum >> 1 };
    let sum = !bytes.iter().fold(!0_u32, |sum, byte| (0..8).fold(sum ^ u32::from(*byte), step));
    sum.rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes()
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

/// A record of a block: what it shares with the key before, its own part of the key, the value.
type Record = (usize, Vec<u8>, Vec<u8>);

fn block(records: &[Record]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (shared, own, value) in records {
        bytes.extend([varint(*shared as u64), varint(own.len() as u64), varint(value.len() as u64)].concat());
        bytes.extend([own.as_slice(), value].concat());
    }
    bytes.extend([0, 0, 0, 0, 1, 0, 0, 0]);
    bytes
}

/// A table of data blocks, and of as many handles of each as `handles` says.
fn table(blocks: &[Vec<u8>], handles: usize, kind: u8) -> Vec<u8> {
    let mut file = Vec::new();
    let mut list: Vec<Record> = Vec::new();
    let write = |file: &mut Vec<u8>, block: &[u8]| {
        let handle = [varint(file.len() as u64), varint(block.len() as u64)].concat();
        let block = [block, &[kind]].concat();
        file.extend_from_slice(&block);
        file.extend(checksum(&block));
        handle
    };
    for block in blocks {
        let handle = write(&mut file, block);
        list.extend((0..handles).map(|_| (0, b"~".to_vec(), handle.clone())));
    }
    let list = write(&mut file, &self::block(&list));
    let mut footer = [varint(0), varint(0), list].concat();
    footer.resize(40, 0);
    file.extend(footer);
    file.extend(0xdb47_7524_8b80_fb57_u64.to_le_bytes());
    file
}

fn field(number: u64, value: u64) -> Vec<u8> {
    [varint(number << 3), varint(value)].concat()
}

fn message(number: u64, bytes: &[u8]) -> Vec<u8> {
    [varint(number << 3 | 2), varint(bytes.len() as u64), bytes.to_vec()].concat()
}

/// An entry of float32 elements.
fn entry(shape: &[u64], offset: u64, size: u64, data: &[u8]) -> Vec<u8> {
    let shape: Vec<u8> = shape.iter().flat_map(|size| message(2, &field(1, *size))).collect();
    let checksum = [varint(6 << 3 | 5), checksum(data).to_vec()].concat();
    [field(1, 1), message(2, &shape), field(4, offset), field(5, size), checksum].concat()
}

fn header(shards: u64) -> Record {
    (0, Vec::new(), field(1, shards))
}

fn one(key: &[u8], value: Vec<u8>) -> Vec<u8> {
    table(&[block(&[header(1), (0, key.to_vec(), value)])], 1, 0)
}

fn read(index: &[u8], shard: &[u8]) -> Result<usize, String> {
    let tensors = tf_checkpoint::read(index, &[shard]).map_err(|error| error.to_string())?;
    Ok(tensors.values().map(|tensor| tensor.data.len()).sum())
}

#[test]
fn a_good_table_is_read() {
    let data = [0, 0, 128, 63, 0, 0, 0, 64];
    assert_eq!(read(&one(b"a", entry(&[2], 0, 8, &data)), &data), Ok(2));
    // Two blocks, and a key that shares its beginning with the one before.
    let first = block(&[header(1), (0, b"ab".to_vec(), entry(&[1], 0, 4, &data[..4]))]);
    let second =
        block(&[(0, b"b1".to_vec(), entry(&[1], 4, 4, &data[4..])), (1, b"2".to_vec(), entry(&[1, 0], 8, 0, &[]))]);
    let tensors = tf_checkpoint::read(&table(&[first, second], 1, 0), &[&data]).unwrap();
    assert_eq!(tensors.keys().collect::<Vec<_>>(), ["ab", "b1", "b2"]);
    assert_eq!(tensors["ab"].data, [1.0]);
    assert_eq!(tensors["b1"].data, [2.0]);
}

#[test]
fn tables_that_would_grow_are_refused() {
    // A thousand handles of one block; and two, where there are bytes enough for it.
    let repeated = block(&[header(1), (0, b"a".to_vec(), entry(&[1], 0, 4, &[0; 4]))]);
    let reason = read(&table(std::slice::from_ref(&repeated), 1000, 0), &[0; 4]).unwrap_err();
    assert_eq!(reason, "its index is damaged: blocks overlap");
    let reason = read(&table(&[repeated, vec![0; 4000]], 2, 0), &[0; 4]).unwrap_err();
    assert_eq!(reason, "its index is damaged: names are not in order");

    // A key of 60,000 bytes, and 10,000 that share all of it.
    let mut records = vec![header(1), (0, vec![1; 60_000], Vec::new())];
    records.extend((0..10_000).map(|index| (60_000 + index, vec![1], Vec::new())));
    // Keys that begin with a zero are passed over, so that the length of names does not refuse them.
    records[1].1[0] = 0;
    let reason = read(&table(&[block(&records)], 1, 0), &[]).unwrap_err();
    assert_eq!(reason, "its index is damaged: names repeat without end");
    let long = one(&[b'a'; 5000], entry(&[1], 0, 4, &[0; 4]));
    assert_eq!(read(&long, &[0; 4]).unwrap_err(), "its index has a name of 5000 bytes");

    // Ten thousand tensors on the same bytes.
    let shared = entry(&[256], 0, 1024, &[0; 1024]);
    let mut records = vec![header(1)];
    records.extend((0..10_000).map(|index| (0, format!("t{index:05}").into_bytes(), shared.clone())));
    let reason = read(&table(&[block(&records)], 1, 0), &[0; 1024]).unwrap_err();
    assert_eq!(reason, "tensor `t00001` shares its bytes with too many others");
}

#[test]
fn numbers_that_overflow_are_refused() {
    let huge = u64::MAX >> 1;
    for (shape, offset, size, said) in [
        (&[1][..], huge, 4, "ends beyond `.data-00000-of-00001`, which may be cut off"),
        (&[1], u64::MAX, 4, "has a negative size or offset"),
        (&[huge, huge], 0, 4, "of float32 [9223372036854775807, 9223372036854775807] is said to have 4 bytes"),
        (&[1 << 62], 0, 0, "of float32 [4611686018427387904] is said to have 0 bytes"),
        (&[u64::MAX], 0, 4, "has a negative size or offset"),
        (&[2], 0, 4, "of float32 [2] is said to have 4 bytes"),
        (&[huge, 0], 8, huge, "of float32 [9223372036854775807, 0] is said to have 9223372036854775807 bytes"),
    ] {
        let reason = read(&one(b"a", entry(shape, offset, size, &[0; 4])), &[0; 4]).unwrap_err();
        assert_eq!(reason, format!("tensor `a` {said}"));
    }
    let elsewhere = [entry(&[1], 0, 4, &[0; 4]), field(3, 7)].concat();
    assert_eq!(read(&one(b"a", elsewhere), &[0; 4]).unwrap_err(), "tensor `a` is in a shard that does not exist: 7");
    for shards in [0, 1 << 20, u64::MAX] {
        let reason = read(&table(&[block(&[header(shards)])], 1, 0), &[]).unwrap_err();
        assert_eq!(reason, format!("its index is damaged: it says that there are {shards} files of data"));
    }
    let big_endian = (0, Vec::new(), [field(1, 1), field(2, 1)].concat());
    let reason = read(&table(&[block(&[big_endian])], 1, 0), &[]).unwrap_err();
    assert_eq!(reason, "it was not written on a little-endian machine");
}

#[test]
fn tables_that_are_no_index_are_refused() {
    let reason = |index: &[u8]| read(index, &[]).unwrap_err();
    assert_eq!(reason(&table(&[], 1, 0)), "its index is damaged: it has no header");
    assert_eq!(reason(&table(&[block(&[(0, b"a".to_vec(), vec![])])], 1, 0)), "its index is damaged: it has no header");
    assert!(reason(&table(&[block(&[header(1)])], 1, 1)).starts_with("its index is compressed by Snappy"));
    assert_eq!(reason(&table(&[block(&[header(1)])], 1, 9)), "its index is compressed in a way that is not known: 9");
    assert_eq!(reason(&one(b"\xff", vec![])), "its index has a name that is no text: \\xff");
    assert_eq!(reason(&one(b"a", vec![0x0a])), "tensor `a` has an entry that is no protocol buffer");
    assert_eq!(reason(&one(b"a", field(2, 1))), "tensor `a` has a field of another type than TensorFlow gives it");
    let shares_too_much = block(&[header(1), (5, b"a".to_vec(), vec![])]);
    assert_eq!(reason(&table(&[shares_too_much], 1, 0)), "its index is damaged");
    let mut restarts = block(&[header(1)]);
    let end = restarts.len();
    restarts[end - 4..].fill(0xff);
    assert_eq!(reason(&table(&[restarts], 1, 0)), "its index is damaged");
}

#[test]
fn mutants_with_right_checksums_never_panic() {
    // The real blocks' bytes are changed, and put into a table again.
    let data: Vec<u8> = (0..64).collect();
    let names = ["a/kernel", "a/kernel/ExponentialMovingAverage", "a/kernel/RMSProp", "b", "b/bias"];
    let mut records = vec![header(1)];
    records.extend(names.iter().enumerate().map(|(index, name)| {
        let offset = 8 * index as u64;
        (0, name.as_bytes().to_vec(), entry(&[2], offset, 8, &data[8 * index..][..8]))
    }));
    let good = block(&records);
    assert_eq!(read(&table(std::slice::from_ref(&good), 1, 0), &data), Ok(4));
    let mut state = 1_u64;
    let mut below = |end: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % end
    };
    let (mut accepted, mut refused) = (0, 0);
    for _ in 0..20_000 {
        let mut mutant = good.clone();
        for _ in 0..=below(3) {
            let at = below(mutant.len());
            match below(5) {
                0 => mutant[at] = below(256) as u8,
                1 => mutant[at] ^= 1 << below(8),
                2 => mutant[at] = [0, 0x7f, 0x80, 0xff][below(4)],
                3 => mutant.insert(at, below(256) as u8),
                _ => drop(mutant.remove(at)),
            }
        }
        match read(&table(&[mutant], 1, 0), &data) {
            Ok(elements) => {
                assert!(elements * 4 <= data.len());
                accepted += 1;
            }
            Err(reason) => {
                assert!(!reason.is_empty());
                refused += 1;
            }
        }
    }
    // Enough of them get far.
    assert!(accepted > 100 && refused > 1000, "{accepted} accepted, {refused} refused");
}
