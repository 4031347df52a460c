//! Arguments of `fuzz`.

use super::shared::isa_parser;
use clap::Args;
use mnas_codegen::machine::Isa;
use std::path::PathBuf;

pub(super) const EXAMPLES: &str = "\
Examples:
  mnasc fuzz
  mnasc fuzz --specs 1000 --seed 7 --keep found
  mnasc fuzz --specs 50 --isa avx2 --checked
  mnasc fuzz found/fuzz_7_312.yaml --seed 1234567 --l2 4096 --isa avx2,scalar

Specs are drawn so that 200 of them cover every pair of values of the factors that specs vary in. Each spec is compiled
to Rust, built by rustc and run; each step is compared with the reference executor on the same inputs. If a network
differs, mnasc names the first step that differs, searches for the faulty stage of the compiler, and shrinks the spec
while it still differs.

Exit codes: 0 every network agrees, 1 a network differs.";

#[derive(Debug, Args)]
pub(crate) struct FuzzArgs {
    /// Specs to check instead of random ones.
    pub(crate) spec: Vec<PathBuf>,
    /// Number of specs to draw.
    #[arg(long, default_value_t = 200, conflicts_with = "spec", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) specs: u32,
    /// Seed of the specs; of weights and image if specs are given.
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    /// Instruction sets in the code, each of which is run [default: all; those that this machine has are run].
    #[arg(long, value_delimiter = ',', value_parser = isa_parser(), value_name = "ISA,...")]
    pub(crate) isa: Vec<Isa>,
    /// Check the bounds of every memory access in every network [default: in every fourth].
    #[arg(long)]
    pub(crate) checked: bool,
    /// Optimisation level of rustc. Level 0 builds networks twenty times faster.
    #[arg(long, default_value_t = 0, value_name = "LEVEL", value_parser = clap::value_parser!(u8).range(0..=3))]
    pub(crate) opt_level: u8,
    /// Bytes of L2 cache that the row blocks of a given spec are planned for [default: those of a common core].
    #[arg(long, value_name = "BYTES", requires = "spec", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) l2: Option<u32>,
    /// Write the shrunk spec to this folder.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) keep: Option<PathBuf>,
}
