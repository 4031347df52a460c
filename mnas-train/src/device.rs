//! The devices that train networks: the processor, which has its own kernels, or a GPU by one of burn's backends, each of
//! which is a feature of this crate.

pub use burn_tensor::Device;

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The backend of a device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// The processor, which is always available.
    #[default]
    Cpu,
    /// The system's graphics API (Vulkan, Metal or Direct3D 12), by WGSL.
    Wgpu,
    /// Vulkan by SPIR-V.
    Vulkan,
    /// Metal, by Apple's shading language.
    Metal,
    /// NVIDIA's GPUs.
    Cuda,
    /// AMD's GPUs.
    Rocm,
}

impl Backend {
    /// All backends.
    pub const ALL: [Self; 6] = [Self::Cpu, Self::Wgpu, Self::Vulkan, Self::Metal, Self::Cuda, Self::Rocm];

    /// The name in options, which is also the feature that the backend needs, except for the processor.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Wgpu => "wgpu",
            Self::Vulkan => "vulkan",
            Self::Metal => "metal",
            Self::Cuda => "cuda",
            Self::Rocm => "rocm",
        }
    }

    /// Whether it is the processor.
    pub fn is_cpu(&self) -> bool {
        *self == Self::Cpu
    }

    /// The backend's devices on this machine; `None` if the backend is not built in.
    fn devices(self) -> Option<Vec<Device>> {
        match self {
            Self::Cpu => Some(vec![processor()]),
            #[cfg(feature = "wgpu")]
            Self::Wgpu => Some(Device::enumerate(burn_tensor::DeviceType::Wgpu).into_vec()),
            #[cfg(feature = "vulkan")]
            Self::Vulkan => Some(Device::enumerate(burn_tensor::DeviceType::Vulkan).into_vec()),
            #[cfg(feature = "metal")]
            Self::Metal => Some(Device::enumerate(burn_tensor::DeviceType::Metal).into_vec()),
            #[cfg(feature = "cuda")]
            Self::Cuda => Some(Device::enumerate(burn_tensor::DeviceType::Cuda).into_vec()),
            #[cfg(feature = "rocm")]
            Self::Rocm => Some(Device::enumerate(burn_tensor::DeviceType::Rocm).into_vec()),
            #[cfg(not(all(
                feature = "wgpu",
                feature = "vulkan",
                feature = "metal",
                feature = "cuda",
                feature = "rocm"
            )))]
            _ => None,
        }
    }

    /// The backend's default device, if that is not its first.
    fn usual(self) -> Option<Device> {
        match self {
            #[cfg(feature = "wgpu")]
            Self::Wgpu => Some(Device::wgpu(burn_tensor::DeviceKind::DefaultDevice)),
            #[cfg(feature = "vulkan")]
            Self::Vulkan => Some(Device::vulkan(burn_tensor::DeviceKind::DefaultDevice)),
            #[cfg(feature = "metal")]
            Self::Metal => Some(Device::metal(burn_tensor::DeviceKind::DefaultDevice)),
            _ => None,
        }
    }
}

/// The name of a device: a backend for its default device, or a backend and a number, as in `wgpu` and `cuda:1`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeviceName {
    /// The backend.
    pub backend: Backend,
    /// Number of the backend's device, from 0; `None` for the default device.
    pub index: Option<usize>,
}

impl DeviceName {
    /// The device.
    ///
    /// # Errors
    ///
    /// The backend is not built in, or has no such device on this machine.
    pub fn open(self) -> Result<Device, DeviceError> {
        let devices = self.backend.devices().ok_or(DeviceError::NotBuilt(self.backend))?;
        let found = match self.index {
            None if devices.is_empty() => None,
            None => self.backend.usual().or_else(|| devices.first().cloned()),
            Some(index) => devices.get(index).cloned(),
        };
        found.ok_or_else(|| DeviceError::NotThere { name: self, there: devices.iter().map(describe).collect() })
    }
}

impl From<Backend> for DeviceName {
    fn from(backend: Backend) -> Self {
        Self { backend, index: None }
    }
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.backend.name())?;
        self.index.map_or(Ok(()), |index| write!(f, ":{index}"))
    }
}

impl FromStr for DeviceName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, index) = text.split_once(':').map_or((text, None), |(name, index)| (name, Some(index)));
        let backend = Backend::ALL.into_iter().find(|backend| backend.name() == name).ok_or_else(|| {
            format!(
                "expected one of {}, with an optional number as in `cuda:1`",
                Backend::ALL.map(Backend::name).join(", ")
            )
        })?;
        let number =
            |text: &str| text.parse().map_err(|_| format!("`{text}` is not a device number; expected 0 or more"));
        Ok(Self { backend, index: index.map(number).transpose()? })
    }
}

/// Why there is no device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceError {
    /// The feature that it needs is off.
    NotBuilt(Backend),
    /// The machine has no such device.
    NotThere {
        /// The requested device.
        name: DeviceName,
        /// Names of the backend's devices, in order.
        there: Vec<String>,
    },
}

impl fmt::Display for DeviceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotBuilt(backend) => write!(f, "devices of `{}` are not built in", backend.name()),
            Self::NotThere { name, there } if there.is_empty() => {
                write!(f, "`{}` finds no device on this machine", name.backend.name())
            }
            Self::NotThere { name, there } => {
                write!(f, "there is no device `{name}`: `{}` has ", name.backend.name())?;
                let listed: Vec<String> = there.iter().enumerate().map(|(at, name)| format!("{at}: {name}")).collect();
                f.write_str(&listed.join(", "))
            }
        }
    }
}

impl std::error::Error for DeviceError {}

/// The processor.
pub fn processor() -> Device {
    Device::flex()
}

/// The device's name, as its vendor gives it.
pub fn describe(device: &Device) -> String {
    #[cfg(any(feature = "wgpu", feature = "cuda", feature = "rocm"))]
    if let Some(identity) = device.identity() {
        return identity.name;
    }
    let is_processor = *device == processor();
    if is_processor { "the processor" } else { "a device without a name" }.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for (text, backend, index) in
            [("cpu", Backend::Cpu, None), ("wgpu:0", Backend::Wgpu, Some(0)), ("cuda:2", Backend::Cuda, Some(2))]
        {
            let name = DeviceName { backend, index };
            assert_eq!(text.parse(), Ok(name));
            assert_eq!(name.to_string(), text);
        }
        for wrong in ["", "gpu", "cuda:", "cuda:-1", "cuda:x", "CUDA", ":1"] {
            assert!(wrong.parse::<DeviceName>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_processor_is_always_there_and_there_is_one() {
        assert!(DeviceName::default().open().is_ok_and(|device| device == processor()));
        let error = "cpu:1".parse::<DeviceName>().unwrap().open().unwrap_err();
        assert_eq!(error.to_string(), "there is no device `cpu:1`: `cpu` has 0: the processor");
    }

    #[test]
    fn missing_backends_are_named() {
        for backend in Backend::ALL {
            let is_built_in = match backend {
                Backend::Cpu => true,
                Backend::Wgpu => cfg!(feature = "wgpu"),
                Backend::Vulkan => cfg!(feature = "vulkan"),
                Backend::Metal => cfg!(feature = "metal"),
                Backend::Cuda => cfg!(feature = "cuda"),
                Backend::Rocm => cfg!(feature = "rocm"),
            };
            let opened = DeviceName::from(backend).open();
            assert_eq!(opened != Err(DeviceError::NotBuilt(backend)), is_built_in, "{backend:?}");
        }
    }
}
