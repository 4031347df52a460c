//! Mobile convnets as plain Rust: describe a network block by block, and [`mnas_net!`] compiles it to fused kernels.
//!
//! ```
//! use mnas::{Workspace, mnas_net};
//!
//! mnas_net! {
//!     /// Ten classes from 32 x 32 pixels.
//!     pub struct Tiny<32 x 32 x 3, 10> {
//!         stem conv k3 s2 c8;
//!         mbconv e3 k3 s2 c16 r2;
//!     }
//! }
//!
//! // Weights as `load` or `from_packed` give them; `weights = "tiny.safetensors"` would embed a file's.
//! let packed = vec![0.0; Tiny::WEIGHTS_LEN];
//! let network = Tiny::from_packed(&packed).ok_or("too few weights")?;
//! let mut workspace = Workspace::boxed();
//! let mut logits = [0.0; Tiny::OUTPUT_LEN];
//! network.infer(&mut workspace, &[0.5; Tiny::INPUT_LEN], &mut logits);
//! # Ok::<(), &str>(())
//! ```
//!
//! This crate is the macro and [`mnas_runtime`] under one name. Code that another door generated (`mnasc`, a build
//! script) needs only `mnas-runtime`, which has no dependencies.
#![no_std]
#![forbid(unsafe_code)]

pub use mnas_runtime::*;

#[doc(hidden)]
pub use mnas_macros as __macros;

/// Compiles a network to Rust, where the macro is called.
///
/// The network stands in the call, or in a YAML file:
///
/// ```ignore
/// mnas_net! {
///     /// MnasNet-A1 of the paper.
///     pub struct MnasNetA1<224 x 224 x 3, 1000> { stem conv k3 s2 c32; sepconv k3 c16 noskip; /* ... */ }
/// }
/// mnas_net!(pub struct MnasNetA1 = <"specs/mnasnet_a1.yaml">, weights = "a1.safetensors");
/// ```
///
/// Behind it may stand, in any order:
///
/// - `weights = "file"`: a safetensors or PyTorch file, folded, packed and embedded when the program is compiled;
///   it makes the function `embedded`.
/// - `isa = "avx2,scalar"`: the instruction sets in the code, of which the best that the processor has runs.
///   By default all that are implemented; those of other architectures than the target's are not compiled.
/// - `threaded = true`: makes `infer_threaded`, by which several threads share an inference; needs the feature `std`.
/// - `schedule = "file"`: compiles with the schedules that `mnasc tune` wrote to this file; where it has sections for
///   several processors, `cpu = "section"` says which.
/// - `crate = path`: where the runtime is found, if not in this crate.
///
/// Paths start from the folder of the crate's `Cargo.toml` and do not leave it. When a file changes, the crate is
/// compiled again. Attributes and documentation before `struct` go to the generated type.
///
/// Kernels contain `unsafe` under an `#[allow(unsafe_code)]` of their own: they compile in a crate that denies unsafe
/// code, but not in one that forbids it.
#[macro_export]
macro_rules! mnas_net {
    ($($tokens:tt)*) => { $crate::__macros::mnas_net_in! { [$crate] $($tokens)* } };
}
