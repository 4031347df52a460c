//! The device of `--train-on`.

use crate::cli::RecipeArgs;
use crate::error::{Error, Result};
use crate::output;
use mnas_train::device::{Device, DeviceError, DeviceName, describe};

/// The device of the option, if it is given.
pub(super) fn name(args: &RecipeArgs) -> Result<Option<DeviceName>> {
    let wrong = |text: &str, hint: String| Error::input(format!("`--train-on {text}` is not a device")).hint(hint);
    args.train_on.as_deref().map(|text| text.parse().map_err(|hint| wrong(text, hint))).transpose()
}

/// A device that is not available, as an error with its exit code.
pub(super) fn absent(error: DeviceError) -> Error {
    match error {
        DeviceError::NotBuilt(backend) => Error::input(error.to_string())
            .hint(format!("build mnasc with `cargo build --release --features {}`", backend.name())),
        DeviceError::NotThere { .. } => Error::system(error.to_string()).hint(
            "`--train-on cpu` trains anywhere; a GPU needs its driver, wgpu one for Vulkan, Metal or Direct3D 12",
        ),
    }
}

/// A device that failed, as an error with its exit code.
pub(super) fn failed(words: String) -> Error {
    Error::system(words).hint("a smaller `--batch` needs less of a GPU's memory; `--train-on cpu` needs none")
}

/// Prints a GPU's name: without a number in the option, the system chooses the GPU.
pub(super) fn say(name: DeviceName, device: &Device) {
    if !name.backend.is_cpu() {
        output::progress(&format!("training on {name}: {}", describe(device)));
    }
}
