//! Files of weights: one file, or a TensorFlow checkpoint, whose shards lie beside its index.
//!
//! Of a checkpoint only the index names files, by numbers, and only beside itself.

use crate::error::{Error, Result};
use crate::input::read;
use crate::onnx_file;
use mnas_codegen::weights::tf_checkpoint::{self, Checkpoint};
use mnas_codegen::weights::{self, Fitted, Inventory};
use mnas_dsl::Network;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Bytes of a weights file for each parameter: a checkpoint in double precision with an optimiser's and an average's
/// copies has five times eight.
const BYTES_PER_PARAMETER: u64 = 64;

/// Bytes that any weights file may have beside that.
const ALLOWANCE: u64 = 64 << 20;

/// Bytes that are read of a file when there is no network to say how many are sensible.
const INSPECT_LIMIT: u64 = 2 << 30;

/// Where the index of a checkpoint ends; what comes before names the checkpoint.
const INDEX: &str = ".index";

/// What was read of a weights file: all of it, but of a checkpoint only the index.
pub(crate) enum WeightFile {
    /// A file that holds everything.
    Whole(Vec<u8>),
    /// A checkpoint.
    Checkpoint {
        /// The index.
        checkpoint: Checkpoint,
        /// Path of the index without `.index`.
        prefix: PathBuf,
    },
}

/// Reads the weights of `network` by name.
pub(crate) fn load(path: &Path, network: &Network) -> Result<Fitted> {
    let limit = ALLOWANCE + BYTES_PER_PARAMETER * network.parameters();
    let too_large = |path: &Path| {
        Error::input(format!(
            "`{}` has more than {} MB, too much for the {} parameters of network `{}`",
            path.display(),
            limit >> 20,
            network.parameters(),
            network.name
        ))
    };
    let tensors = match WeightFile::open(path, limit, &too_large)? {
        WeightFile::Whole(bytes) if mnas_import::is_onnx(&bytes) => {
            let files = onnx_file::beside(path, &bytes)?;
            let fitted = mnas_import::load(&bytes, &files, &path.display().to_string(), network);
            return fitted.map_err(Error::input);
        }
        WeightFile::Whole(bytes) => weights::read(&bytes),
        WeightFile::Checkpoint { checkpoint, prefix } => {
            let mut left = limit;
            let mut shards = Vec::new();
            for shard in checkpoint.shards() {
                let path = shard_path(&checkpoint, &prefix, shard);
                let bytes = read(&path, left)?.ok_or_else(|| too_large(&path))?;
                left -= bytes.len() as u64;
                shards.push((shard, bytes));
            }
            checkpoint.read(&shards.iter().map(|(shard, bytes)| (*shard, bytes.as_slice())).collect())
        }
    };
    let tensors = tensors.map_err(|error| unreadable(path, &error))?;
    let fitted = weights::fit(tensors, &path.display().to_string(), network);
    fitted.map_err(|error| Error::input(error.to_string()))
}

/// Every file that [`load`] reads of the weights at `path`, as far as they are there.
pub(crate) fn files(path: &Path) -> Vec<PathBuf> {
    let is_checkpoint = !path.exists() || path.extension().is_some_and(|extension| extension == "index");
    let file = is_checkpoint.then(|| WeightFile::inspect(path));
    match file {
        Some(Ok(WeightFile::Checkpoint { checkpoint, prefix })) => {
            let shards = checkpoint.shards().into_iter().map(|shard| shard_path(&checkpoint, &prefix, shard));
            [with_suffix(&prefix, INDEX)].into_iter().chain(shards).collect()
        }
        _ => vec![path.to_owned()],
    }
}

impl WeightFile {
    /// Reads the file at `path`, or the index of the checkpoint that it is the name of.
    pub(crate) fn open(path: &Path, limit: u64, too_large: &dyn Fn(&Path) -> Error) -> Result<Self> {
        if let Some(checkpoint) = checkpoint_of_shard(path) {
            return Err(Error::input(format!(
                "`{}` holds values of a checkpoint, without their names",
                path.display()
            ))
            .hint(format!("give its index, `{}`", with_suffix(&checkpoint, INDEX).display())));
        }
        let index = with_suffix(path, INDEX);
        let path = if !path.exists() && index.exists() { &index } else { path };
        let bytes = read(path, limit)?.ok_or_else(|| too_large(path))?;
        if !tf_checkpoint::is_index(&bytes) {
            return Ok(WeightFile::Whole(bytes));
        }
        let checkpoint = Checkpoint::open(&bytes).map_err(|error| unreadable(path, &error))?;
        if path.extension().is_none_or(|extension| extension != "index") {
            return Err(Error::input(format!("`{}` is the index of a checkpoint under another name", path.display()))
                .hint("its name has to end in `.index`, for its values to be found beside it"));
        }
        Ok(WeightFile::Checkpoint { checkpoint, prefix: path.with_extension("") })
    }

    /// Reads a file to list what it holds.
    pub(crate) fn inspect(path: &Path) -> Result<Self> {
        Self::open(path, INSPECT_LIMIT, &|path| {
            Error::input(format!("`{}` has more than {} GB", path.display(), INSPECT_LIMIT >> 30))
        })
    }

    /// What it holds.
    pub(crate) fn inventory(&self, path: &Path) -> Result<Inventory> {
        match self {
            WeightFile::Whole(bytes) if mnas_import::is_onnx(bytes) => {
                mnas_import::inventory(bytes).map_err(|error| onnx_file::refused("read", path, &error))
            }
            WeightFile::Whole(bytes) => weights::inventory(bytes).map_err(|error| unreadable(path, &error)),
            WeightFile::Checkpoint { checkpoint, .. } => Ok(checkpoint.inventory()),
        }
    }
}

fn unreadable(path: &Path, error: &weights::FormatError) -> Error {
    Error::input(format!("cannot read weights from `{}`: {error}", path.display()))
}

/// `model.ckpt` of `model.ckpt.data-00000-of-00001`.
fn checkpoint_of_shard(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?;
    let (checkpoint, numbers) = name.rsplit_once(".data-")?;
    let (shard, shards) = numbers.split_once("-of-")?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (is_number(shard) && is_number(shards)).then(|| path.with_file_name(checkpoint))
}

fn shard_path(checkpoint: &Checkpoint, prefix: &Path, shard: usize) -> PathBuf {
    with_suffix(prefix, &checkpoint.shard_suffix(shard))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut path = OsString::from(path);
    path.push(suffix);
    path.into()
}
