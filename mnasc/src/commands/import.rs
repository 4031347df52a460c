//! `mnasc import MODEL.onnx -o net.yaml --weights net.safetensors`

use crate::cli::ImportArgs;
use crate::error::{Error, Result};
use crate::onnx_file;
use crate::output::{self, Artifact};
use mnas_codegen::weights::safetensors;
use mnas_import::{Options, import, name_from};
use std::path::Path;

/// Writes the spec and the weights, both or neither.
pub(crate) fn run(args: &ImportArgs) -> Result<()> {
    let stem = |path: &Path| path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let to_stdout = args.output.as_os_str() == "-";
    let named_after = if to_stdout { &args.model } else { &args.output };
    let name = args.name.clone().or_else(|| stem(named_after)).unwrap_or_default();
    let options = Options { name: name_from(&name), input: args.input };
    let (bytes, files) = onnx_file::read(&args.model)?;
    let imported =
        import(&bytes, &files, &options).map_err(|error| onnx_file::refused("import", &args.model, &error))?;
    let yaml = imported.spec.to_yaml().into_bytes();
    let mut artifacts = Vec::new();
    if let Some(path) = &args.weights {
        let bytes = safetensors::write(&imported.weights).map_err(|error| Error::system(error.to_string()))?;
        artifacts.push(Artifact { path: path.clone(), bytes });
    }
    if !to_stdout {
        artifacts.push(Artifact { path: args.output.clone(), bytes: yaml.clone() });
    }
    for artifact in &artifacts {
        output::refuse_overwriting(&artifact.path, &[&args.model])?;
    }
    output::refuse_same_file(&artifacts)?;
    output::write_all(&artifacts)?;
    imported.notes.iter().for_each(|note| output::progress(note));
    if to_stdout { output::print_bytes(&yaml) } else { Ok(()) }
}
