//! The devices that tests compute on.

use mnas_train::device::{Backend, Device, DeviceError, DeviceName};
use std::sync::LazyLock;

/// The device of every GPU backend that is built in and has one here; with `CI` set each that is built in has one, and with
/// `MNAS_NIGHT` as well one is built in.
pub(crate) static GPUS: LazyLock<Vec<(DeviceName, Device)>> = LazyLock::new(|| {
    let is_ci = std::env::var_os("CI").is_some();
    let mut gpus = Vec::new();
    for backend in Backend::ALL.into_iter().filter(|backend| !backend.is_cpu()) {
        let name = DeviceName::from(backend);
        match name.open() {
            Ok(device) => gpus.push((name, device)),
            Err(DeviceError::NotBuilt(_)) => {}
            Err(error) => {
                assert!(!is_ci, "{error}");
                eprintln!("skipped: {error}");
            }
        }
    }
    let is_night = std::env::var_os("MNAS_NIGHT").is_some();
    assert!(!is_ci || !is_night || !gpus.is_empty(), "no GPU backend is built in");
    gpus
});
