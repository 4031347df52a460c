//! Figures that were measured outside of the study, by the name of the network: the output of `mnasc bench SPEC
//! --json`, and accuracies in the same form.

use crate::error::{Error, Result};
use crate::input;
use crate::page::study::Measured;
use serde_json::{Deserializer, Value};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Enough for thousands of networks.
const LIMIT: u64 = 8 << 20;

const HINT: &str = "`mnasc bench SPEC --json > FILE` writes one; {\"name\": \"net\", \"median_ms\": 1.5, \"accuracies\": [0.91, 0.92]} is valid too";

/// Reads all files. Objects with the same name, in one file or in several, are merged.
///
/// # Errors
///
/// A file cannot be read, or has other contents.
pub(super) fn read(paths: &[PathBuf]) -> Result<BTreeMap<String, Measured>> {
    let mut all: BTreeMap<String, Measured> = BTreeMap::new();
    for path in paths {
        read_one(path, &mut all)?;
    }
    Ok(all)
}

/// Refuses figures of networks that the report does not show.
///
/// # Errors
///
/// The names of these networks.
pub(super) fn check_names(measured: &BTreeMap<String, Measured>, is_shown: impl Fn(&str) -> bool) -> Result<()> {
    let lost: Vec<String> = measured.keys().filter(|name| !is_shown(name)).map(|name| format!("{name:?}")).collect();
    if lost.is_empty() {
        return Ok(());
    }
    Err(Error::input(format!("`--measured` has figures of {}, which the report does not show", lost.join(", ")))
        .hint("add the network by `--baseline SPEC`; its name must be that of the figures"))
}

fn read_one(path: &Path, all: &mut BTreeMap<String, Measured>) -> Result<()> {
    let shown = path.display();
    let wrong = |what: String| Error::input(format!("`{shown}` {what}")).hint(HINT);
    let bytes = input::read(path, LIMIT)?.ok_or_else(|| wrong(format!("has more than {} MB", LIMIT >> 20)))?;
    let mut count = 0;
    for value in Deserializer::from_slice(&bytes).into_iter::<Value>() {
        let value = value.map_err(|error| wrong(format!("is not JSON: {error}")))?;
        let Some(name) = value.get("name").and_then(Value::as_str) else {
            return Err(wrong("has an object without a `name`".to_owned()));
        };
        let found = parse(&value).map_err(|what| wrong(format!("{what} of network {name:?}")))?;
        let entry = all.entry(name.to_owned()).or_default();
        entry.ms = found.ms.or(entry.ms);
        entry.how = if found.how.is_empty() { std::mem::take(&mut entry.how) } else { found.how };
        entry.accuracies.extend(found.accuracies);
        count += 1;
    }
    if count == 0 { Err(wrong("is empty".to_owned())) } else { Ok(()) }
}

/// Errors are phrased so that the network's name can follow.
fn parse(value: &Value) -> std::result::Result<Measured, String> {
    let ms = match value.get("median_ms").or(value.get("latency_ms")) {
        None => None,
        Some(ms) => match ms.as_f64().filter(|ms| *ms > 0.0 && ms.is_finite()) {
            Some(ms) => Some(ms),
            None => return Err("has an invalid latency".to_owned()),
        },
    };
    let accuracies: Vec<&Value> = match (value.get("accuracy"), value.get("accuracies")) {
        (Some(one), _) => vec![one],
        (None, Some(several)) => several.as_array().ok_or("has `accuracies` that are not a list")?.iter().collect(),
        (None, None) => Vec::new(),
    };
    let accuracies: Option<Vec<f64>> = accuracies.into_iter().map(|one| one.as_f64()).collect();
    let accuracies = accuracies.filter(|all| all.iter().all(|one| (0.0..=1.0).contains(one)));
    let accuracies = accuracies.ok_or("has an accuracy that is not from 0 to 1")?;
    if ms.is_none() && accuracies.is_empty() {
        return Err("has neither a latency nor an accuracy".to_owned());
    }
    let word = |key: &str| value.get(key).and_then(Value::as_str);
    let threads = value.get("threads").and_then(Value::as_u64).filter(|threads| *threads > 1);
    let threads = threads.map(|threads| format!("{threads} threads"));
    let how: Vec<String> = word("isa").map(str::to_owned).into_iter().chain(threads).collect();
    Ok(Measured { ms, accuracies, how: how.join(", ") })
}
