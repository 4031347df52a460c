//! The programs that mnas builds around generated networks.
//!
//! mnas writes such a program as a folder: the generated network, the modules of this crate that the program needs, and
//! a `main.rs` of a few lines. rustc builds it without cargo. Each module refers to others as `crate::NAME` and to
//! mnas-runtime as `crate::mnas_runtime`, so the same text compiles here, where rustfmt, clippy and tests see it, and
//! there.
//!
//! A program implements [`engine::Engine`] for its network by a macro, [`single_thread!`] or [`multi_thread!`], and
//! passes it to the function of a module:
//!
//! | module | what the program does |
//! |---|---|
//! | [`serve`] | runs a network on images from standard input |
//! | [`start`] | the same with embedded weights, as small as possible |
//! | [`latency`] | times layers and networks against a reference network |
//! | [`schedules`] | times several schedules of one network in turn |
//! | [`peak`] | measures what a machine can do at most |
//!
//! ```
//! use mnas_runtime::{Network, StepInfo, Workspace};
//!
//! // A stand-in for a generated network: it doubles each value.
//! struct Double;
//!
//! impl Double {
//!     const WEIGHTS_LEN: usize = 0;
//!     const INPUT_LEN: usize = 2;
//!     const OUTPUT_LEN: usize = 2;
//!     const ARENA_LEN: usize = 16;
//!
//!     fn supported() -> bool {
//!         true
//!     }
//!
//!     fn from_packed(_: &'static [f32]) -> Option<Self> {
//!         Some(Double)
//!     }
//!
//!     fn infer(&self, _: &mut Workspace<16>, image: &[f32; 2], output: &mut [f32; 2]) {
//!         *output = image.map(|value| 2.0 * value);
//!     }
//!
//! }
//!
//! impl Network for Double {
//!     type Workspace = Workspace<16>;
//!     type Input = [f32; 2];
//!     type Output = [f32; 2];
//!
//!     const NAME: &'static str = "double";
//!     const INPUT_SHAPE: [usize; 3] = [1, 1, 2];
//!     const OUTPUT_SHAPE: [usize; 3] = [1, 1, 2];
//!     const STEPS: &'static [StepInfo] = &[StepInfo { name: "double", shape: [1, 1, 2], stride: 2, macs: 0 }];
//!
//!     fn infer(&self, workspace: &mut Workspace<16>, image: &[f32; 2], output: &mut [f32; 2]) {
//!         self.infer(workspace, image, output);
//!     }
//!
//!     fn observe(
//!         &self,
//!         workspace: &mut Workspace<16>,
//!         image: &[f32; 2],
//!         output: &mut [f32; 2],
//!         after: &mut dyn FnMut(usize, &[f32]),
//!     ) {
//!         self.infer(workspace, image, output);
//!         after(0, output);
//!     }
//! }
//!
//! mnas_harness::single_thread!(Engine, Double);
//!
//! let (image, mut output) = ([1.0_f32, 3.0].map(f32::to_le_bytes).concat(), Vec::new());
//! mnas_harness::serve::serve::<Engine>("infer", 1, 1, &mut &image[..], &mut output)?;
//! assert_eq!(output, [2.0_f32, 6.0].map(f32::to_le_bytes).concat());
//! # Ok::<(), std::io::Error>(())
//! ```

pub mod engine;
pub mod host;
pub mod latency;
pub mod peak;
pub mod schedules;
pub mod serve;
pub mod start;
pub mod values;

pub use mnas_runtime;

/// A module of this crate as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// The module's name.
    pub name: &'static str,
    /// Its text.
    pub text: &'static str,
}

/// The modules that programs are made of.
pub mod source {
    use super::Source;

    macro_rules! sources {
        ($($constant:ident $name:literal),*) => {
            $(
                #[doc = concat!("The module `", $name, "`.")]
                pub const $constant: Source = Source { name: $name, text: include_str!(concat!($name, ".rs")) };
            )*

            /// All of them.
            pub const ALL: &[Source] = &[$($constant),*];
        };
    }

    sources!(
        ENGINE "engine", HOST "host", LATENCY "latency", PEAK "peak", SCHEDULES "schedules", SERVE "serve",
        START "start", VALUES "values"
    );
}
