//! Parsing arguments.

use super::Cli;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory as _, Parser as _};
use mnas_dsl::nearest::nearest;
use std::path::Path;

/// The arguments of this process. Exits if they are invalid or request help.
pub(crate) fn parse() -> Cli {
    Cli::try_parse().unwrap_or_else(|error| {
        let first = std::env::args_os().nth(1).unwrap_or_default();
        first.to_str().and_then(unknown_command).unwrap_or(error).exit()
    })
}

/// The error for a first word that is meant as a command but is not one. clap takes any word as a spec's path, and would
/// report the arguments after it.
fn unknown_command(word: &str) -> Option<clap::Error> {
    let command = Cli::command();
    let names: Vec<&str> = command.get_subcommands().map(|it| it.get_name()).chain(["help"]).collect();
    let is_word = !word.is_empty() && word.chars().all(|c| c.is_ascii_alphabetic());
    if !is_word || names.contains(&word) || Path::new(word).exists() {
        return None;
    }
    let mut error = clap::Error::new(ErrorKind::InvalidSubcommand).with_cmd(&command);
    error.insert(ContextKind::InvalidSubcommand, ContextValue::String(word.to_owned()));
    let no_file = format!("there is no file `{word}` either");
    error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![no_file.into()]));
    if let Some(near) = nearest(word, names) {
        error.insert(ContextKind::SuggestedSubcommand, ContextValue::Strings(vec![near.to_owned()]));
    }
    Some(error)
}

#[cfg(test)]
mod tests {
    use super::unknown_command;

    #[test]
    fn misspelt_commands_are_named() {
        let said = |word: &str| unknown_command(word).map(|error| error.to_string());
        let serch = said("serch").unwrap();
        assert!(serch.contains("'serch'") && serch.contains("'search'"), "{serch}");
        assert!(said("quux").unwrap().contains("'quux'"));
        for other in ["search", "help", "net.yaml", "specs/net", "--help", ""] {
            assert_eq!(said(other), None, "{other}");
        }
    }
}
