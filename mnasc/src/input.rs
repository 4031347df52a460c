//! Reading specs and weights, with a limit on the size of each file.

use crate::cli::{ScheduleArgs, WeightsArgs};
use crate::error::{Error, Result};
use crate::weight_file;
use mnas_codegen::code::Values;
use mnas_codegen::quantized;
use mnas_codegen::tuned::{ScheduleFile, TuningProfile};
use mnas_codegen::weights::{self, Weights};
use mnas_dsl::{Diagnostic, Diagnostics, Network, Place, Space, Spec};
pub(crate) use mnas_io::read;
use mnas_search::reward::Target;
use std::path::Path;

/// Most bytes of a spec that are read: more than the language allows, so that the language reports long specs.
const SPEC_LIMIT: u64 = 2 << 20;

/// Reads and resolves a spec.
pub(crate) fn spec(path: &Path) -> Result<(Spec, Network)> {
    let (text, name) = text(path)?;
    Ok(mnas_dsl::load_yaml(&text, &name)?)
}

/// Reads a search space and returns it with its text.
pub(crate) fn space(path: &Path) -> Result<(Space, String)> {
    let (text, name) = text(path)?;
    let space = Space::parse(&text, &name)?;
    if let Some(said) = &space.usual().target {
        target(path, said)?;
    }
    Ok((space, text))
}

/// The target latency of a space.
pub(crate) fn target(path: &Path, said: &str) -> Result<Target> {
    let wrong = |hint| Error::input(format!("the `target` of the space `{}` is `{said}`", path.display())).hint(hint);
    said.parse().map_err(wrong)
}

/// Text of a spec and its name in messages.
fn text(path: &Path) -> Result<(String, String)> {
    let name = path.display().to_string();
    let Some(bytes) = read(path, SPEC_LIMIT)? else {
        return Err(diagnostic(
            format!("the file has more than {} MB; expected a spec", SPEC_LIMIT >> 20),
            Place::File { file: name },
            "weights are given by `--weights`, and `mnasc inspect FILE` says what a file of weights is",
        ));
    };
    if quantized::is_quantized(&bytes) {
        return Err(Error::input(format!("`{name}` is a network in int8, not a spec"))
            .hint("give the spec that it was quantised from; `mnasc inspect FILE` lists what it holds"));
    }
    let text = String::from_utf8(bytes).map_err(|error| not_utf8(&name, error.as_bytes()))?;
    Ok((text, name))
}

/// Reads a schedule file and selects the requested section.
pub(crate) fn tuned(args: &ScheduleArgs) -> Result<TuningProfile> {
    let Some(path) = &args.schedule else { return Ok(TuningProfile::default()) };
    let file = schedule_file(path)?;
    file.select(args.cpu.as_deref())
        .map_err(|error| Error::input(format!("`{}`: {}", path.display(), error.message)).hint(error.hint))
}

/// Reads a schedule file.
pub(crate) fn schedule_file(path: &Path) -> Result<ScheduleFile> {
    let name = path.display().to_string();
    let Some(bytes) = read(path, SPEC_LIMIT)? else {
        return Err(Error::input(format!("`{name}` has more than {} MB; expected a schedule file", SPEC_LIMIT >> 20)));
    };
    let text = String::from_utf8(bytes).map_err(|_| Error::input(format!("`{name}` is not UTF-8 text")))?;
    Ok(ScheduleFile::parse(&text, &name)?)
}

/// Reads or draws weights; `None` if neither is requested.
pub(crate) fn weights(args: &WeightsArgs, network: &Network) -> Result<Option<Weights>> {
    if let Some(seed) = args.random_weights {
        return Ok(Some(weights::random(network, seed)));
    }
    let Some(path) = &args.weights else { return Ok(None) };
    weight_file::load(path, network).map(|fitted| Some(fitted.weights))
}

/// Reads or draws weights; random weights of seed 0 if neither is requested.
pub(crate) fn weights_or_random(args: &WeightsArgs, network: &Network) -> Result<Weights> {
    Ok(weights(args, network)?.unwrap_or_else(|| weights::random(network, 0)))
}

/// As [`weights`], of either number type: a file may be a network in int8.
pub(crate) fn values(args: &WeightsArgs, network: &Network) -> Result<Option<Values>> {
    match &args.weights {
        Some(path) if args.random_weights.is_none() => weight_file::load_values(path, network).map(Some),
        _ => Ok(weights(args, network)?.map(Values::F32)),
    }
}

/// As [`weights_or_random`], of either number type.
pub(crate) fn values_or_random(args: &WeightsArgs, network: &Network) -> Result<Values> {
    Ok(values(args, network)?.unwrap_or_else(|| Values::F32(weights::random(network, 0))))
}

fn not_utf8(file: &str, bytes: &[u8]) -> Error {
    let good = bytes.utf8_chunks().next().map_or("", |chunk| chunk.valid());
    let line_start = good.rfind('\n').map_or(0, |at| at + 1);
    let before = good.get(line_start..).unwrap_or("");
    let (column, cut) = (before.chars().count() + 1, before.chars().count().saturating_sub(100));
    let rest: String = before.chars().skip(cut).collect();
    diagnostic(
        "the file is not UTF-8 text".to_owned(),
        Place::Text {
            file: file.to_owned(),
            line: good.matches('\n').count() + 1,
            column,
            length: 1,
            line_text: format!("{rest}\u{fffd}"),
            cut,
        },
        "save it as UTF-8; a spec is a YAML file",
    )
}

fn diagnostic(message: String, place: Place, hint: &str) -> Error {
    Diagnostics::from(Diagnostic { message, place, label: None, hint: Some(hint.to_owned()) }).into()
}
