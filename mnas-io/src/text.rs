//! Text for terminals.

use mnas_dsl::printable;

/// The text with control characters escaped, except line breaks and tabs: parts of it may come from untrusted files.
pub(crate) fn without_controls(text: &str) -> String {
    text.split_inclusive(['\n', '\t'])
        .map(|part| match part.strip_suffix(['\n', '\t']) {
            Some(line) => printable(line) + &part[line.len()..],
            None => printable(part),
        })
        .collect()
}
