//! The format since PyTorch 1.6: a zip archive whose entries are stored without compression.

use super::pickle;
use super::{Checkpoint, Reason};
use rawzip::{CompressionMethod, ZipArchive, ZipSliceArchive};
use std::collections::BTreeMap;

pub(super) fn open<'a>(bytes: &'a [u8]) -> Result<Checkpoint<'a>, Reason> {
    let archive = ZipArchive::from_slice(bytes).map_err(damaged)?;
    refuse_others(&archive)?;
    let entries = entries(bytes, &archive)?;
    // All lie in one folder, named after the file that was saved; tools that repack it may have added others.
    let folder = entries.keys().find_map(|path| path.strip_suffix(b"/data.pkl".as_slice()));
    let folder = folder.ok_or("it is a zip archive, but has no `data.pkl` as `torch.save` writes it")?;
    let entry = |name: &[u8]| entries.get([folder, b"/".as_slice(), name].concat().as_slice()).copied();
    if entry(b"byteorder").is_some_and(|order| order != b"little".as_slice()) {
        return Err("it was not written on a little-endian machine".into());
    }
    let (objects, root, _) = pickle::run(entry(b"data.pkl").unwrap_or_default())?;
    let prefix = [folder, b"/data/".as_slice()].concat();
    let storage = |(path, data): (&Vec<u8>, &&'a [u8])| Some((path.strip_prefix(prefix.as_slice())?.to_vec(), *data));
    let storages = entries.iter().filter_map(storage).collect();
    Ok(Checkpoint { objects, root, storages })
}

/// Names archives of other programs, which have a file that `torch.save` does not write.
fn refuse_others(archive: &ZipSliceArchive<&[u8]>) -> Result<(), Reason> {
    let mut directory = archive.entries();
    while let Some(record) = directory.next_entry().map_err(damaged)? {
        let path = record.file_path();
        let path = path.as_bytes();
        let is = |name: &str| path == name.as_bytes() || path.ends_with(format!("/{name}").as_bytes());
        if is("constants.pkl") {
            return Err("it is a TorchScript archive, as `torch.jit.save` writes it; save the `state_dict()` of the \
                        module with `torch.save`"
                .into());
        }
        if is("archive_format") {
            return Err(
                "it is an archive of `torch.export`; save the `state_dict()` of the module with `torch.save`".into()
            );
        }
        if path == b"model.weights.h5" {
            return Err("it is a Keras archive; export the model to ONNX".into());
        }
        if path.ends_with(b".npy") {
            return Err("it is an archive of NumPy arrays (.npz); save the weights as safetensors".into());
        }
    }
    Ok(())
}

fn damaged(error: rawzip::Error) -> Reason {
    format!("its zip archive is damaged: {error}")
}

/// The archive's files by path, as slices of it.
fn entries<'a>(bytes: &'a [u8], archive: &ZipSliceArchive<&'a [u8]>) -> Result<BTreeMap<Vec<u8>, &'a [u8]>, Reason> {
    let mut directory = archive.entries();
    let mut entries = BTreeMap::new();
    // Entries that overlap would make the checksums below take quadratic time.
    let mut left = bytes.len();
    while let Some(record) = directory.next_entry().map_err(damaged)? {
        let path = record.file_path().as_bytes().to_vec();
        let name = path.escape_ascii();
        if record.compression_method() != CompressionMethod::STORE {
            return Err(format!("`{name}` in it is compressed; `torch.save` stores without compression"));
        }
        let entry = archive.get_entry(record.wayfinder()).map_err(damaged)?;
        let (start, end) = entry.compressed_data_range();
        let range = usize::try_from(start).ok().zip(usize::try_from(end).ok());
        let data = range.and_then(|(start, end)| bytes.get(start..end));
        let data = data.ok_or_else(|| format!("`{name}` lies outside of it"))?;
        left = left.checked_sub(data.len()).ok_or("its zip archive is damaged: entries overlap")?;
        // PyTorch writes a checksum of zero where computing it is switched off.
        if record.crc32() != 0 && rawzip::crc32(data) != record.crc32() {
            return Err(format!("`{name}` in it is damaged: its checksum differs"));
        }
        entries.insert(path, data);
    }
    Ok(entries)
}
