//! From a file's bytes to weights that fit.

use super::names::{self, FileTensors};
use super::{FormatError, WeightTensor, Weights, WeightsError, parameters, pth, safetensors, tf_checkpoint};
use mnas_dsl::network::Network;
use std::collections::BTreeMap;

/// Weights that fit a network, and what they were in their file.
#[derive(Clone, Debug, PartialEq)]
pub struct Fitted {
    /// Every tensor of [`parameters`] in its shape, finite, under mnas's names, and no other.
    pub weights: Weights,
    /// The naming scheme that the file follows.
    pub scheme: &'static str,
    /// The file's name of each tensor, by ours.
    pub sources: BTreeMap<String, String>,
}

/// Loads the weights of `network` from the bytes of a safetensors or PyTorch file: [`read`], then [`fit`](fit()).
///
/// # Errors
///
/// When the file cannot be read, or with everything that is missing, extra, misshapen or not finite.
pub fn load(bytes: &[u8], file_name: &str, network: &Network) -> Result<Weights, WeightsError> {
    let tensors = read(bytes).map_err(|error| WeightsError::Unreadable { file: file_name.into(), error })?;
    fit(tensors, file_name, network).map(|fitted| fitted.weights)
}

/// Every floating-point tensor of a safetensors or PyTorch file by its name in the file, whichever it is.
///
/// # Errors
///
/// When the file is damaged, or neither.
pub fn read(bytes: &[u8]) -> Result<BTreeMap<String, WeightTensor>, FormatError> {
    match Format::of(bytes)? {
        Format::Pth => pth::read(bytes),
        Format::Safetensors => safetensors::read(bytes),
        Format::CheckpointIndex => Err(FormatError::new(
            "it is the index of a TensorFlow checkpoint, which lies in several files; `mnasc convert` makes one of them",
        )),
    }
}

/// Finds the weights of `network` among the tensors of a file, by name.
///
/// The naming scheme (ours, timm's, torchvision's, efficientnet-pytorch's, TensorFlow's) is recognised by itself, and
/// axes are put in our order; a prefix `module.` of every name, as `DataParallel` leaves it, is taken off. `file_name` is
/// only for errors. A backbone leaves the tensors of a classifier unused.
///
/// # Errors
///
/// Everything that is missing, extra, misshapen or not finite.
pub fn fit(
    tensors: BTreeMap<String, WeightTensor>,
    file_name: &str,
    network: &Network,
) -> Result<Fitted, WeightsError> {
    let tensors = without_prefix(tensors);
    let parameters = parameters(network);
    let names = names::recognise(network, &parameters, &tensors);
    match super::fit::fit(tensors, &parameters, &names, network.head.is_none()) {
        Ok((weights, sources)) => Ok(Fitted { weights, scheme: names.scheme, sources }),
        Err(problems) => Err(WeightsError::Unfit {
            file: file_name.into(),
            network: network.name.clone(),
            scheme: names.scheme,
            problems,
        }),
    }
}

/// What holds weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Pth,
    Safetensors,
    CheckpointIndex,
}

impl Format {
    /// Recognises a file by what it begins or ends with.
    pub(super) fn of(bytes: &[u8]) -> Result<Self, FormatError> {
        if pth::is_zip(bytes) || pth::is_pickle(bytes) {
            return Ok(Format::Pth);
        }
        // A safetensors header is JSON after its length.
        if bytes.get(8) == Some(&b'{') {
            return Ok(Format::Safetensors);
        }
        if tf_checkpoint::is_index(bytes) {
            return Ok(Format::CheckpointIndex);
        }
        // What a clone without git-lfs leaves in place of the file.
        if bytes.starts_with(b"version https://git-lfs") {
            return Err(FormatError::new(
                "it is a pointer of Git LFS, not the file itself; fetch it with `git lfs pull`",
            ));
        }
        Err(FormatError::new("it is neither a safetensors nor a PyTorch file"))
    }
}

fn without_prefix(tensors: FileTensors) -> FileTensors {
    const PREFIX: &str = "module.";
    if !tensors.keys().all(|name| name.starts_with(PREFIX)) {
        return tensors;
    }
    tensors.into_iter().map(|(name, tensor)| (name[PREFIX.len()..].to_string(), tensor)).collect()
}
