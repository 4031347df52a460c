//! `mnasc view SPEC -o OUT.html`: draws a network as a page.

use crate::cli::ViewArgs;
use crate::compiler;
use crate::error::Result;
use crate::input;
use crate::output::{self, Artifact};
use crate::page::network::{self, Profile};
use mnas_codegen::compile::Options;
use std::path::Path;

/// Writes the page.
pub(crate) fn run(args: &ViewArgs) -> Result<()> {
    let inputs = [Some(&args.spec), args.profile.as_ref()];
    let inputs: Vec<&Path> = inputs.into_iter().flatten().map(|path| path.as_path()).collect();
    output::refuse_overwriting(&args.output, &inputs)?;
    let (spec, network) = input::spec(&args.spec)?;
    let compiled = compiler::build_f32(&spec, &network, &Options::default())?;
    let profile = args.profile.as_ref().map(|path| Profile::read(path, &compiled.plan)).transpose()?;
    let bytes = network::render(&spec, &network, &compiled, profile.as_ref()).into_bytes();
    if args.output.as_os_str() == "-" {
        return output::print_bytes(&bytes);
    }
    output::write_all(&[Artifact { path: args.output.clone(), bytes }])
}
