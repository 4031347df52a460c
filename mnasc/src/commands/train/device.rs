//! Where networks are trained, as options say it.

use crate::cli::RecipeArgs;
use crate::error::{Error, Result};
use crate::output;
use mnas_train::device::{Device, DeviceError, DeviceName, describe};

/// The device that was asked for, if one was.
pub(super) fn name(args: &RecipeArgs) -> Result<Option<DeviceName>> {
    let wrong = |text: &str, hint: String| Error::input(format!("`--train-on {text}` is no device")).hint(hint);
    args.train_on.as_deref().map(|text| text.parse().map_err(|hint| wrong(text, hint))).transpose()
}

/// A device that cannot be had, as an error with its exit code.
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
    Error::system(words).hint("a smaller `--batch` takes less of a GPU's memory; `--train-on cpu` takes none")
}

/// Says what a GPU is called: a name without a number leaves it to the system which is taken.
pub(super) fn say(name: DeviceName, device: &Device) {
    if !name.backend.is_cpu() {
        output::progress(&format!("training on {name}: {}", describe(device)));
    }
}
