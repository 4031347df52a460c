//! From a file's bytes to weights that fit.

use super::names::FileTensors;
use super::{FormatError, Weights, WeightsError, fit, names, parameters, pth, safetensors};
use mnas_dsl::network::Network;

/// Loads the weights of `network` from the bytes of a safetensors or PyTorch file.
///
/// Both the format and the naming scheme (ours, timm's, torchvision's, efficientnet-pytorch's) are recognised by
/// themselves; a prefix `module.` of every name, as `DataParallel` leaves it, is taken off. `file_name` is only for errors.
/// The result has every tensor of [`parameters`] in its shape, finite, under mnas's names, and no other.
/// A backbone leaves the tensors of a classifier unused.
///
/// # Errors
///
/// When the file cannot be read, or with everything that is missing, extra, misshapen or not finite.
pub fn load(bytes: &[u8], file_name: &str, network: &Network) -> Result<Weights, WeightsError> {
    let tensors = read(bytes).map_err(|error| WeightsError::Unreadable { file: file_name.into(), error })?;
    let tensors = without_prefix(tensors);
    let parameters = parameters(network);
    let names = names::recognise(network, &parameters, &tensors);
    fit::fit(tensors, &parameters, &names, network.head.is_none()).map_err(|problems| WeightsError::Unfit {
        file: file_name.into(),
        network: network.name.clone(),
        scheme: names.scheme,
        problems,
    })
}

fn read(bytes: &[u8]) -> Result<FileTensors, FormatError> {
    if pth::is_zip(bytes) || pth::is_pickle(bytes) {
        return pth::read(bytes);
    }
    // A safetensors header is JSON after its length.
    if bytes.get(8) == Some(&b'{') {
        return safetensors::read(bytes);
    }
    // What a clone without git-lfs leaves in place of the file.
    if bytes.starts_with(b"version https://git-lfs") {
        return Err(FormatError::new("it is a pointer of Git LFS, not the file itself; fetch it with `git lfs pull`"));
    }
    Err(FormatError::new("it is neither a safetensors nor a PyTorch file"))
}

fn without_prefix(tensors: FileTensors) -> FileTensors {
    const PREFIX: &str = "module.";
    if !tensors.keys().all(|name| name.starts_with(PREFIX)) {
        return tensors;
    }
    tensors.into_iter().map(|(name, tensor)| (name[PREFIX.len()..].to_string(), tensor)).collect()
}
