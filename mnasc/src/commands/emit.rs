//! `mnasc SPEC --emit STAGE`

use crate::cli::{CompileArgs, Stage};
use crate::compiler;
use crate::error::{Error, Result};
use crate::{input, output};
use mnas_codegen::code::Values;
use mnas_codegen::compile::{Options, fused_graph};
use std::io::IsTerminal as _;
use std::path::Path;

/// Prints a stage.
pub(crate) fn run(stage: Stage, path: &Path, args: &CompileArgs, options: &Options) -> Result<()> {
    let (spec, network) = input::spec(path)?;
    if stage != Stage::Onnx && (args.weights.weights.is_some() || args.weights.random_weights.is_some()) {
        return Err(Error::input("this stage holds no weights").hint("omit the weights, or write to a file by `-o`"));
    }
    let text = match stage {
        Stage::Spec => spec.to_yaml(),
        Stage::Graph => fused_graph(&network).to_string(),
        Stage::Plan => compiler::build_f32(&spec, &network, options)?.plan.to_string(),
        Stage::Rust => compiler::text(&compiler::build(&spec, &network, None, options)?, "")?,
        Stage::Onnx => {
            if std::io::stdout().is_terminal() {
                return Err(Error::input("an ONNX file is binary, but standard output is a terminal")
                    .hint("write it to a file: `--onnx OUT.onnx`"));
            }
            let weights = match input::values(&args.weights, &network)? {
                Some(Values::Int8(int8)) => {
                    return output::print_bytes(&compiler::int8_onnx_file(&spec, &network, &int8)?);
                }
                Some(Values::F32(weights)) => Some(weights),
                None => None,
            };
            return output::print_bytes(&compiler::onnx_file(
                &spec,
                &network,
                &fused_graph(&network),
                weights.as_ref(),
            )?);
        }
    };
    output::print_bytes(text.as_bytes())
}
