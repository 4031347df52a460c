//! Output files that are complete or absent, and private temporary folders.
//!
//! ```
//! let folder = mnas_files::TempFolder::new("example")?;
//! let (code, weights) = (folder.path().join("net.rs"), folder.path().join("net.weights"));
//! mnas_files::publish(&[(&code, b"code"), (&weights, b"weights")])?;
//! assert_eq!(std::fs::read(&code)?, b"code");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

mod publish;
mod target;
mod temporary;

pub use publish::{publish, sync_folder};
pub use target::{PublishError, Reason, check_distinct, resolve};
pub use temporary::{TempFolder, unique};
