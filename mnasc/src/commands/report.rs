//! `mnasc report STUDY -o OUT.html`: a search on a page.

use super::search::study_error;
use crate::cli::ReportArgs;
use crate::error::Result;
use crate::output::{self, Artifact};
use crate::page::study::{Shown, render};
use mnas_search::study::{Access, Study};

/// Writes the page.
pub(crate) fn run(args: &ReportArgs) -> Result<()> {
    output::refuse_overwriting(&args.output, &[&args.study])?;
    let study = Study::open(&args.study, Access::Read).map_err(study_error)?;
    let trials = study.trials().map_err(study_error)?;
    let name = args.study.file_stem().unwrap_or_default().to_string_lossy();
    let shown = Shown { name: &name, settings: study.settings(), exponent: study.progress().exponent, trials: &trials };
    let bytes = render(&shown).into_bytes();
    if args.output.as_os_str() == "-" {
        return output::print_bytes(&bytes);
    }
    output::write_all(&[Artifact { path: args.output.clone(), bytes }])
}
