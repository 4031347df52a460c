//! Data sets: MNIST's kind (IDX), CIFAR-10 and CIFAR-100. The file is given as each of a data set's in turn, the others good.

use super::{Format, Outcome, refused};
use flate2::{Compression, read::GzEncoder};
use mnas_data::{hold_out, read_files};
use std::collections::BTreeMap;
use std::io::Read as _;

/// IDX files, compressed or not.
pub(super) const IDX: Format = Format {
    name: "idx",
    seeds: || {
        let (images, labels) = (idx_images(), idx_labels());
        vec![images.clone(), labels.clone(), gzip(&images), gzip(&labels)]
    },
    dictionary: &[
        b"\0\0\x08\x03",
        b"\0\0\x08\x01",
        b"\0\0\x0d\x03",
        b"\0\0\x08\xff",
        b"\0\0\0\0",
        b"\0\0\0\x01",
        b"\0\0\0\x02",
        b"\0\0\0\x03",
        b"\0\0\x10\0",
        b"\0\0\x10\x01",
        b"\xff\xff\xff\xff",
        b"\x80\0\0\0",
        b"\x1f\x8b",
        b"\x1f\x8b\x08\x1c\0\0\0\0\0\xff\xff\xff",
        b"\0\0\xff\xff",
        b"\x01\0\0\xff\xff",
        b"\x03\0",
    ],
    mend: |bytes| {
        // What is compressed has its checksum and its length at the end: unpacked as far as it goes, and packed again.
        if bytes.starts_with(&GZIP) {
            let mut unpacked = Vec::new();
            let mut packed = flate2::read::DeflateDecoder::new(bytes.get(10..).unwrap_or_default());
            // As far as it goes.
            let _ = packed.by_ref().take(1 << 16).read_to_end(&mut unpacked);
            *bytes = gzip(&unpacked);
        }
    },
    read: |bytes| {
        let (images, labels) = (idx_images(), idx_labels());
        let good = [
            ("train-images-idx3-ubyte", &images[..]),
            ("train-labels-idx1-ubyte", &labels),
            ("t10k-images-idx3-ubyte", &images),
            ("t10k-labels-idx1-ubyte", &labels),
        ];
        let all: Vec<Outcome> = (0..good.len())
            .map(|replaced| {
                let mut files = BTreeMap::from(good);
                files.remove(good[replaced].0);
                let packed = format!("{}.gz", good[replaced].0);
                files.insert(if bytes.starts_with(&GZIP) { &packed } else { good[replaced].0 }, bytes);
                data_set(&files, bytes.len())
            })
            .collect();
        any(&all)
    },
};

/// The binary files of CIFAR.
pub(super) const CIFAR: Format = Format {
    name: "cifar",
    seeds: || {
        let picture = cifar_picture(&[7]);
        let names = "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n".as_bytes().to_vec();
        vec![
            [&picture[..], &cifar_picture(&[9])].concat(),
            [cifar_picture(&[3, 99]), cifar_picture(&[0, 1])].concat(),
            names.clone(),
            names.repeat(10),
        ]
    },
    dictionary: &[b"\n", b"\r\n", b"\x09", b"\x0a", b"\x63", b"\x64", b"\xff", b"\x1b[2J", b"\xe2\x80\xae", b"\xc3"],
    mend: |bytes| {
        // Whole pictures again.
        let size = if bytes.len() % 3073 < bytes.len() % 3074 { 3073 } else { 3074 };
        if bytes.len() > size {
            bytes.truncate(bytes.len() / size * size);
        }
    },
    read: |bytes| {
        let (ten, hundred) = (cifar_picture(&[1]), cifar_picture(&[1, 2]));
        const TEN: [&str; 7] = [
            "data_batch_1.bin",
            "data_batch_2.bin",
            "data_batch_3.bin",
            "data_batch_4.bin",
            "data_batch_5.bin",
            "test_batch.bin",
            "batches.meta.txt",
        ];
        const HUNDRED: [&str; 3] = ["train.bin", "test.bin", "fine_label_names.txt"];
        let mut all = Vec::new();
        for (names, good, replaced) in [(&TEN[..], &ten, [2, 5, 6]), (&HUNDRED[..], &hundred, [0, 1, 2])] {
            for at in replaced {
                let pictures = names[..names.len() - 1].iter().map(|name| (*name, &good[..]));
                let mut files: BTreeMap<&str, &[u8]> = pictures.collect();
                files.insert(names[at], bytes);
                all.push(data_set(&files, bytes.len()));
            }
        }
        any(&all)
    },
};

const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Three pictures of 4x5 pixels.
fn idx_images() -> Vec<u8> {
    [&b"\0\0\x08\x03\0\0\0\x03\0\0\0\x04\0\0\0\x05"[..], &(0..60).collect::<Vec<u8>>()].concat()
}

fn idx_labels() -> Vec<u8> {
    b"\0\0\x08\x01\0\0\0\x03\0\x01\x02".to_vec()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    // A slice can be read.
    let _ = GzEncoder::new(bytes, Compression::fast()).read_to_end(&mut packed);
    packed
}

fn cifar_picture(labels: &[u8]) -> Vec<u8> {
    labels.iter().copied().chain((0..3072_u32).map(|at| (at % 251) as u8)).collect()
}

/// A data set as it is read before a training.
fn data_set(files: &BTreeMap<&str, &[u8]>, len: usize) -> Outcome {
    match read_files(files) {
        Ok(Some(data)) => {
            let total: usize = files.values().map(|bytes| bytes.len()).sum();
            for pictures in [&data.train, &data.test] {
                assert_eq!(pictures.pixels.len(), pictures.len() * data.shape.len());
                assert!(pictures.pixels.len() <= total + (48 << 20) + 100 * len, "more than such files can have");
            }
            assert!(!data.fingerprint().is_empty());
            let (train, held_out) = hold_out(&data.train, 0.2, 1);
            assert_eq!(train.len() + held_out.len(), data.train.len());
            Outcome::Accepted
        }
        Ok(None) => refused("no data set"),
        Err(error) => refused(&error.to_string()),
    }
}

/// Accepted as one file or another.
fn any(all: &[Outcome]) -> Outcome {
    if all.contains(&Outcome::Accepted) { Outcome::Accepted } else { Outcome::Refused }
}
