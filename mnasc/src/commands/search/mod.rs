//! `mnasc search SPACE`

mod baselines;
mod defaults;
mod evaluator;
mod options;
mod stopwatch;
mod training;
mod watch;
mod write_best;

use crate::cli::SearchArgs;
use crate::error::{Error, Result};
use crate::study_error::{search_error, study_error};
use crate::{input, output};
use mnas_search::evaluator::Stopwatch;
use mnas_search::findings::ASKED;
use mnas_search::search::Search;
use mnas_search::study::{Access, Study};

/// Starts or resumes a search.
pub(crate) fn run(args: &SearchArgs) -> Result<()> {
    let (space, text) = input::space(&args.space)?;
    let places = defaults::places(args, &space)?;
    let path = places.study.as_path();
    let is_there = path.exists();
    if is_there && !args.resume {
        return Err(Error::input(format!("`{}` exists already", path.display()))
            .hint("add `--resume` to continue it, or name another file"));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
        let what = format!("cannot create the study `{}`: `{}` is not a folder", path.display(), folder.display());
        return Err(Error::system(what).hint("create the folder, or name another file by `--study`"));
    }
    let study = match is_there {
        true => Some(Study::open(path, Access::Search).map_err(study_error)?),
        false => None,
    };
    let args = &defaults::completed(args, &space, study.as_ref())?;
    let evaluator = evaluator::of(args, &space, study.as_ref().map(Study::settings))?;
    let baselines = baselines::of(args, &space, &evaluator.name())?;
    let meter = stopwatch::of(args, path, study.as_ref().map(Study::settings), &*evaluator)?;
    let stopwatch = meter.as_ref().map(|meter| meter as &dyn Stopwatch);
    let settings = match &study {
        Some(study) => {
            options::check_same(args, path, &text, study.settings(), &*evaluator)?;
            study.settings().clone()
        }
        None => options::settings(args, &space, text, &*evaluator, stopwatch)?,
    };
    if let Some(folder) = &places.found {
        // Before the search: afterwards its results would be lost.
        output::make_folder(folder)?;
    }
    let mut search = match study {
        Some(study) => Search::resume(study, Some(&space), &*evaluator, stopwatch),
        None => Search::begin(path, &settings, Some(&space), &*evaluator, stopwatch),
    }
    .map_err(search_error)?;
    if let Some(meter) = &meter {
        stopwatch::note(meter, &mut search)?;
    }
    search.note(ASKED, &args.trials.unwrap_or(defaults::TRIALS)).map_err(search_error)?;
    watch::run(&mut search, args, &places)?;
    baselines::evaluate(&mut search, &baselines)?;
    drop(search);
    if let Some(meter) = meter {
        // Compares the sums of layers, which trials have, with whole networks.
        stopwatch::compare(&meter, &space, path)?;
    }
    places.found.map_or(Ok(()), |folder| write_best::write(&folder, path, args.data.as_deref()))
}
