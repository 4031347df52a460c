//! The results of a search: a report, and the best network ready for use.

use crate::commands::report;
use crate::commands::study::best::{self, Trainer};
use crate::compiler;
use crate::error::Result;
use crate::output::{self, Artifact};
use crate::study_error::study_error;
use mnas_codegen::code::Values;
use mnas_codegen::compile::Options;
use mnas_search::study::{Access, Study};
use std::path::Path;

/// Writes the report and the best network to a folder.
pub(super) fn write(folder: &Path, study: &Path, data: Option<&Path>) -> Result<()> {
    let report = Artifact { path: folder.join("report.html"), bytes: report::page(study, &[], &[], &[])? };
    let study = Study::open(study, Access::Read).map_err(study_error)?;
    let trials = study.trials().map_err(study_error)?;
    let mut artifacts = Vec::new();
    if let Some(trial) = best::by_reward(&study, &trials)?.first() {
        let (spec, network) = best::spec(trial)?;
        let path = folder.join("best.yaml");
        let weights = match Trainer::of(data, &study, &network)? {
            Some(trainer) => Some(trainer.weights(&study, &trials, trial)?),
            None => None,
        };
        if let Some(weights) = &weights {
            artifacts.push(Artifact { path: path.with_extension("safetensors"), bytes: best::file(weights)? });
        }
        let compiled = compiler::build(&spec, &network, weights.map(Values::F32).as_ref(), &Options::default())?;
        artifacts.extend(compiler::rust_files(&compiled, &path.with_extension("rs"))?);
        artifacts.push(Artifact { path, bytes: best::text(&study, trial, &spec).into_bytes() });
    }
    artifacts.push(report);
    output::write_folder(folder, &artifacts)?;
    let names: Vec<_> = artifacts.iter().filter_map(|it| it.path.file_name()).map(|it| it.to_string_lossy()).collect();
    output::progress(&format!("wrote {} to `{}`", names.join(", "), folder.display()));
    Ok(())
}
