//! What can be chosen about the generated text.

use mnas_dsl::network::Preprocess;
use proc_macro2::{Ident, TokenStream};

/// Where the weights of the generated network come from.
#[derive(Clone, Debug)]
pub enum Embed {
    /// Only from a file that the program loads.
    None,
    /// From a file beside the generated one.
    File(
        /// Its path as `include_bytes!` takes it.
        String,
    ),
    /// From the given bytes, written into the code.
    Bytes(
        /// The packed weights, little-endian.
        Vec<u8>,
    ),
}

/// What the generated code is to look like.
#[derive(Clone, Debug)]
pub struct Options {
    /// The type's name.
    pub ident: Ident,
    /// Its visibility.
    pub visibility: TokenStream,
    /// Attributes and documentation of the type.
    pub attributes: TokenStream,
    /// Path to mnas-runtime; ignored for a file that stands alone.
    pub runtime: TokenStream,
    /// Whether mnas-runtime is a module beside the network.
    pub standalone: bool,
    /// Whether every memory access is asserted.
    pub checked: bool,
    /// Version of mnas that the runtime must have.
    pub version: String,
    /// Where weights come from.
    pub embed: Embed,
    /// From the spec; adds `infer_u8`.
    pub preprocess: Option<Preprocess>,
    /// Parameters as they are usually counted.
    pub parameters: u64,
    /// Multiply-accumulates as they are usually counted.
    pub macs: u64,
}
