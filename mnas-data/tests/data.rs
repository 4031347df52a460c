//! Data sets are read from files that the tests write, and broken files are errors.

use mnas_data::{self as data, Data, DataError};
use mnas_dsl::network::Shape;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// A temporary folder of a test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("data_{name}"));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.0.join(name), bytes).unwrap();
    }

    fn read(&self) -> Result<Option<Data>, DataError> {
        data::read(&self.0)
    }

    fn message(&self) -> String {
        let Err(DataError::Input(message)) = self.read() else { panic!("{:?}", self.read()) };
        message
    }
}

fn idx(magic: u32, sizes: &[u32], data: &[u8]) -> Vec<u8> {
    let header = [magic].into_iter().chain(sizes.iter().copied()).flat_map(u32::to_be_bytes);
    header.chain(data.iter().copied()).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Two training pictures of 2x3 pixels, and a test picture.
fn small_idx(name: &str) -> Folder {
    let folder = Folder::new(name);
    folder
        .write("train-images-idx3-ubyte.gz", &gzip(&idx(0x803, &[2, 2, 3], &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])));
    folder.write("train-labels-idx1-ubyte.gz", &gzip(&idx(0x801, &[2], &[1, 0])));
    folder.write("t10k-images.idx3-ubyte", &idx(0x803, &[1, 2, 3], &[20, 21, 22, 23, 24, 25]));
    folder.write("t10k-labels.idx1-ubyte", &idx(0x801, &[1], &[1]));
    folder
}

#[test]
fn idx_files_are_read_packed_and_not() {
    let data = small_idx("good").read().unwrap().unwrap();
    assert_eq!(data.shape, Shape { height: 2, width: 3, channels: 1 });
    assert_eq!((data.name.as_str(), data.classes.len()), ("data_good", 2));
    assert_eq!((&data.train.pixels[6..], data.train.labels.as_slice()), (&[7, 8, 9, 10, 11, 12][..], &[1, 0][..]));
    assert_eq!((data.test.pixels[5], data.test.labels[0]), (25, 1));
    assert_eq!(Folder::new("empty").read(), Ok(None));
}

#[test]
fn broken_idx_files_are_named() {
    let pictures = "train-images-idx3-ubyte.gz";
    let good = idx(0x803, &[2, 2, 3], &[0; 12]);
    for (name, bytes, words) in [
        ("magic", gzip(&idx(0x801, &[2, 2, 3], &[0; 12])), "its first bytes differ"),
        ("short", gzip(&good[..20]), "12 bytes of data are expected, but the file has 4"),
        ("header", gzip(&good[..7]), "ends too early"),
        ("long", gzip(&[&good[..], &[0]].concat()), "more than the 12 bytes"),
        ("huge", gzip(&idx(0x803, &[u32::MAX, 4096, 4096], &[])), "bytes of pictures; expected at most"),
        ("wide", gzip(&idx(0x803, &[1, u32::MAX, 1], &[])), "expected 1 to 4096 each"),
        ("none", gzip(&idx(0x803, &[1, 0, 3], &[])), "expected 1 to 4096 each"),
        ("count", gzip(&idx(0x803, &[3, 2, 3], &[0; 18])), "2 labels for 3 pictures"),
        ("packing", good.clone(), "damaged"),
        ("cut", gzip(&good)[..20].to_vec(), "ends too early"),
    ] {
        let folder = small_idx(name);
        folder.write(pictures, &bytes);
        let said = folder.message();
        assert!(said.contains(words) && said.contains("train-"), "{name}: {said}");
    }
    // A small file that would fill the memory is refused by its decompressed size, independent of its header.
    for (name, header) in [("bomb", vec![0x803, 60 << 20, 1, 1]), ("product", vec![0x803, 60 << 10, 32, 32])] {
        let folder = small_idx(name);
        let packed = gzip(&idx(header[0], &header[1..], &vec![0; 60 << 20]));
        assert!(packed.len() < 1 << 20, "{}", packed.len());
        folder.write(pictures, &packed);
        let said = folder.message();
        assert!(said.contains("bytes, too many for a file of its size"), "{name}: {said}");
    }
    let folder = small_idx("labels");
    folder.write("t10k-labels.idx1-ubyte", &idx(0x801, &[u32::MAX], &[1]));
    assert!(folder.message().contains("4294967295 labels for 1 pictures"), "{}", folder.message());
    let folder = small_idx("part");
    fs::remove_file(folder.0.join("t10k-labels.idx1-ubyte")).unwrap();
    assert!(folder.message().contains("not all"), "{}", folder.message());
    let folder = small_idx("class");
    folder.write("t10k-labels.idx1-ubyte", &idx(0x801, &[1], &[2]));
    assert!(folder.message().contains("not the number of a class"), "{}", folder.message());
}

/// Equal pictures compress well, and are read.
#[test]
fn pictures_that_pack_well_are_read() {
    let folder = small_idx("well");
    folder.write("train-images-idx3-ubyte.gz", &gzip(&idx(0x803, &[30_000, 2, 3], &vec![7; 180_000])));
    folder.write("train-labels-idx1-ubyte.gz", &gzip(&idx(0x801, &[30_000], &vec![1; 30_000])));
    assert_eq!(folder.read().unwrap().unwrap().train.len(), 30_000);
}

/// Files in memory give the same data set as files in a folder.
#[test]
fn files_in_memory_are_read_as_those_in_a_folder() {
    let folder = small_idx("memory");
    let names: Vec<String> =
        fs::read_dir(&folder.0).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let bytes: Vec<Vec<u8>> = names.iter().map(|name| fs::read(folder.0.join(name)).unwrap()).collect();
    let files = names.iter().zip(&bytes).map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    let in_memory = data::read_files(&files).unwrap().unwrap();
    assert_eq!((in_memory.name.as_str(), in_memory.train.len()), ("data", 2));
    assert_eq!(Data { name: "data_memory".into(), ..in_memory }, folder.read().unwrap().unwrap());
}

/// A picture of CIFAR in which each plane has the value of its index.
fn cifar_picture(labels: &[u8]) -> Vec<u8> {
    let planes = [1, 2, 3].into_iter().flat_map(|plane| [plane; 1024]);
    labels.iter().copied().chain(planes).collect()
}

fn small_cifar(name: &str) -> Folder {
    let folder = Folder::new(name);
    for batch in 1..=5 {
        folder.write(&format!("data_batch_{batch}.bin"), &cifar_picture(&[batch]));
    }
    folder.write("test_batch.bin", &cifar_picture(&[9]));
    folder
}

#[test]
fn cifar_files_are_read_with_their_channels_together() {
    let data = small_cifar("cifar10").read().unwrap().unwrap();
    assert_eq!(data.shape, Shape { height: 32, width: 32, channels: 3 });
    assert_eq!((data.train.labels.as_slice(), data.test.labels.as_slice()), (&[1, 2, 3, 4, 5][..], &[9][..]));
    assert!(data.train.pixels.chunks(3).all(|pixel| pixel == [1, 2, 3]));
    assert_eq!(data.train.pixels.len(), 5 * 3072);
    let folder = Folder::new("cifar100");
    folder.write("train.bin", &[cifar_picture(&[3, 99]), cifar_picture(&[3, 1])].concat());
    folder.write("test.bin", &cifar_picture(&[0, 7]));
    folder.write("fine_label_names.txt", (0..100).map(|class| format!("name{class}\n")).collect::<String>().as_bytes());
    let data = folder.read().unwrap().unwrap();
    assert_eq!((data.train.labels.as_slice(), data.classes[99].as_str()), (&[99, 1][..], "name99"));
}

#[test]
fn broken_cifar_files_are_named() {
    let folder = small_cifar("cifar_cut");
    folder.write("data_batch_3.bin", &cifar_picture(&[1])[..3000]);
    assert!(folder.message().contains("data_batch_3.bin`: 3000 bytes are not a whole number"), "{}", folder.message());
    folder.write("data_batch_3.bin", &cifar_picture(&[10]));
    assert!(folder.message().contains("picture 0 is of class 10"), "{}", folder.message());
    let folder = small_cifar("cifar_names");
    folder.write("batches.meta.txt", b"one\ntwo\n");
    assert!(folder.message().contains("2 names of classes"), "{}", folder.message());
    let folder = small_cifar("cifar_missing");
    fs::remove_file(folder.0.join("data_batch_4.bin")).unwrap();
    assert!(matches!(folder.read(), Err(DataError::System(message)) if message.contains("data_batch_4.bin")));
}

#[test]
fn digits_are_those_of_scikit_learn() {
    let data = data::digits();
    data.check().unwrap();
    assert_eq!(data.train.len() + data.test.len(), 1797);
    assert_eq!(data.shape, Shape { height: 8, width: 8, channels: 1 });
    // The first picture, a zero, as scikit-learn's documentation shows it.
    let first =
        [0, 0, 5, 13, 9, 1, 0, 0, 0, 0, 13, 15, 10, 15, 5, 0].map(|it| (f64::from(it) * 255.0 / 16.0).round() as u8);
    assert_eq!((&data.train.pixels[..16], data.train.labels[0]), (&first[..], 0));
    let mut counts = [0; 10];
    for &label in data.train.labels.iter().chain(&data.test.labels) {
        counts[usize::from(label)] += 1;
    }
    assert_eq!(counts, [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
    assert!(data.train.pixels.iter().max() == Some(&255));
}
