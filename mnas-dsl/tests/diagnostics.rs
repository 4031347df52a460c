//! Every mistake a person can make, and exactly what is drawn for it.
//!
//! A case is a pair in `tests/diagnostics`: `name.yaml` (or `name.tokens`, what stands inside `mnas_net!`)
//! and the drawn `name.txt`. `MNAS_BLESS=1` writes the second from the first.

mod common;

use std::fs;
use std::path::PathBuf;

use mnas_dsl::{Diagnostics, MacroSource, load_yaml, parse_tokens};

fn folder() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "diagnostics"].iter().collect()
}

fn tokens(text: &str) -> Result<(), Diagnostics> {
    let stream = text.parse().unwrap_or_else(|error| panic!("{error}"));
    match parse_tokens(stream)?.source {
        MacroSource::Inline(spec) => spec.resolve().map(drop),
        MacroSource::File { .. } => Ok(()),
    }
}

#[test]
fn every_mistake_is_drawn_as_expected() {
    let mut cases: Vec<PathBuf> = fs::read_dir(folder())
        .unwrap_or_else(|error| panic!("{error}"))
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|it| it == "yaml" || it == "tokens"))
        .collect();
    cases.sort();
    assert!(cases.len() > 30, "the cases are not where they should be");
    let mut wrong = Vec::new();
    for case in cases {
        let text = common::read(&case);
        let is_yaml = case.extension().is_some_and(|it| it == "yaml");
        let file = case.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let result = if is_yaml { load_yaml(&text, file).map(drop) } else { tokens(&text) };
        let drawn = match result {
            Ok(()) => "no mistake\n".to_owned(),
            Err(mistakes) => {
                for mistake in &mistakes {
                    assert!(mistake.hint.is_some(), "no hint: {mistake:?}");
                }
                mistakes.to_string()
            }
        };
        let expected = case.with_extension("txt");
        if std::env::var_os("MNAS_BLESS").is_some() {
            fs::write(&expected, &drawn).unwrap_or_else(|error| panic!("{error}"));
        } else if fs::read_to_string(&expected).ok().as_deref() != Some(&drawn) {
            wrong.push(format!("{}:\n{drawn}", case.display()));
        }
    }
    assert!(wrong.is_empty(), "not as expected (MNAS_BLESS=1 accepts):\n{}", wrong.join("\n"));
}
