//! Networks that a search is compared with: which they are, and how they are judged in its end.

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

/// Those that were asked for or, where networks are trained by mnasc, those of the space: files in its folder.
pub(super) fn of(args: &SearchArgs, space: &Space, evaluator: &str) -> Result<Vec<(Spec, Network)>> {
    let (_, member) = space.member(&vec![0; space.choices().len()])?;
    let mut paths = args.baseline.clone();
    if paths.is_empty() && evaluator.starts_with(TRAINS) {
        let folder = args.space.parent().unwrap_or(Path::new(""));
        for name in &space.usual().baselines {
            // A space may be anyone's: it names no files elsewhere.
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
            let what = format!("`{}` cannot be judged as members of the space are", path.display());
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
            return Err(Error::input(format!("`{}` does not say how bytes become its input", path.display()))
                .hint("add `preprocess`, as the space has it"));
        }
        baselines.push((spec, network));
    }
    check_names(baselines.iter().map(|(_, network)| &*network.name))?;
    Ok(baselines)
}

/// Judges them, and says what they are worth.
pub(super) fn judge(search: &mut Search<'_>, baselines: &[(Spec, Network)]) -> Result<()> {
    if baselines.is_empty() {
        return Ok(());
    }
    output::progress("judging the networks that it is compared with, as its best trials");
    let judged = search.judge_baselines(baselines, &mut |_, _| ()).map_err(search_error)?;
    for it in judged {
        let accuracy = it.accuracy.map(|it| format!("accuracy {it:.4}"));
        let latency = it.latency.map(|it| format!("latency {it}"));
        let words: Vec<String> =
            accuracy.into_iter().chain(latency).chain(it.message.map(|it| printable(&it))).collect();
        output::progress(&format!("{}: {}", it.name, words.join(", ")));
    }
    Ok(())
}
