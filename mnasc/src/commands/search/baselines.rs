//! Baselines: networks that a search is compared with.

use crate::cli::SearchArgs;
use crate::commands::report::check_names;
use crate::error::{Error, Result};
use crate::input;
use crate::output;
use crate::study_error::search_error;
use mnas_dsl::printable;
use mnas_dsl::{Network, Space, Spec};
use mnas_search::evaluator::TRAINS;
use mnas_search::search::Search;
use std::path::{Component, Path};

/// The baselines of the arguments or, where mnasc trains networks, those of the space: files in its folder.
pub(super) fn of(args: &SearchArgs, space: &Space, evaluator: &str) -> Result<Vec<(Spec, Network)>> {
    let (_, member) = space.member(&vec![0; space.choices().len()])?;
    let mut paths = args.baseline.clone();
    if paths.is_empty() && evaluator.starts_with(TRAINS) {
        let folder = args.space.parent().unwrap_or(Path::new(""));
        for name in &space.usual().baselines {
            // A space may come from anyone: its baselines must not name other files.
            if !Path::new(name).components().all(|part| matches!(part, Component::Normal(_))) {
                return Err(Error::input(format!("the space's baseline `{name}` is not in its folder"))
                    .hint("write a path from the space's own folder, without `..`"));
            }
            paths.push(folder.join(name));
        }
    }
    let mut baselines = Vec::new();
    for path in paths {
        let (spec, network) = input::spec(&path)?;
        let classes = |network: &Network| network.head.as_ref().map(|head| head.classes);
        if network.input != member.input || classes(&network) != classes(&member) {
            let what = format!("`{}` cannot be evaluated like members of the space", path.display());
            let of = |it: &Network| {
                format!(
                    "{} and {}",
                    it.input,
                    classes(it).map_or("no classes".to_owned(), |it| format!("{it} classes"))
                )
            };
            return Err(Error::input(what).hint(format!("it has {}, they have {}", of(&network), of(&member))));
        }
        if evaluator.starts_with(TRAINS) && network.preprocess.is_none() {
            return Err(Error::input(format!(
                "`{}` has no `preprocess`, so pictures cannot become its input",
                path.display()
            ))
            .hint("add that of the space"));
        }
        baselines.push((spec, network));
    }
    check_names(baselines.iter().map(|(_, network)| &*network.name))?;
    Ok(baselines)
}

/// Evaluates the baselines and prints the results.
pub(super) fn evaluate(search: &mut Search<'_>, baselines: &[(Spec, Network)]) -> Result<()> {
    if baselines.is_empty() {
        return Ok(());
    }
    output::progress("evaluating the baselines like the best trials");
    let results = search.evaluate_baselines(baselines, &mut |_, _| ()).map_err(search_error)?;
    for it in results {
        let accuracy = it.accuracy.map(|it| format!("accuracy {it:.4}"));
        let latency = it.latency.map(|it| format!("latency {it}"));
        let words: Vec<String> =
            accuracy.into_iter().chain(latency).chain(it.message.map(|it| printable(&it))).collect();
        output::progress(&format!("{}: {}", it.name, words.join(", ")));
    }
    Ok(())
}
