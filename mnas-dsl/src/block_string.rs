//! Block strings, a block in one word: timm's (`ir_r3_k5_s2_e3_c40_se0.25`) and TensorFlow's
//! (`r3_k5_s22_e3_i24_o40_se0.25`), read and printed.
//!
//! Both directions are exact: a string that has its options in the order above is printed as it was
//! written, and what is printed reads as the same block.

pub use crate::print::block_string::{to_tensorflow, to_timm};

use crate::diagnostics::{Diagnostics, Report};
use crate::reader::block_string::read;
use crate::source::{Source, Span};
use crate::spec::Block;

/// Reads one block string of either notation. The input channels of a TensorFlow string are kept in
/// [`Block::input_filters`] and checked when a spec with the block is resolved.
///
/// ```
/// # use mnas_dsl::block_string;
/// let block = block_string::parse("ir_r3_k5_s2_e3_c40_se0.25")?;
/// assert_eq!(block.filters.map(|it| it.value), Some(40));
/// assert_eq!(block_string::to_timm(&block).as_deref(), Some("ir_r3_k5_s2_e3_c40_se0.25"));
/// assert_eq!(block_string::to_tensorflow(&block, 24).as_deref(), Some("r3_k5_s22_e3_i24_o40_se0.25"));
/// # Ok::<(), mnas_dsl::Diagnostics>(())
/// ```
///
/// # Errors
///
/// Every error in the string.
pub fn parse(text: &str) -> Result<Block, Diagnostics> {
    let mut report = Report::new(&Source::text("block string", text));
    let block = read(text, Span::new(0, text.len()), &mut report);
    report.finish(block)
}
