//! Text of unknown origin, for terminals.

/// The text in one line, with escapes in place of everything that a terminal would not show where it stands: control
/// characters, line breaks, invisible characters, and those that change the direction of the text.
///
/// ```
/// use mnas_dsl::printable;
/// assert_eq!(printable("sh ev.sh #\r\x1b[2Kharmless"), r"sh ev.sh #\r\u{1b}[2Kharmless");
/// assert_eq!(printable("python3 été.py"), "python3 été.py");
/// ```
pub fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hidden(c) { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    shown
}

fn is_hidden(c: char) -> bool {
    let is_invisible = matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    let is_break = matches!(c, '\u{2028}' | '\u{2029}');
    let is_direction = matches!(c, '\u{61c}' | '\u{202a}'..='\u{202e}');
    // Invisible copies of ASCII.
    let is_tag = matches!(c, '\u{e0000}'..='\u{e007f}');
    c.is_control() || is_invisible || is_break || is_direction || is_tag
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn control_characters_are_escaped() {
        for hidden in
            ["\0", "\n", "\r", "\t", "\x08", "\x1b", "\x7f", "\u{9b}", "\u{85}", "\u{202e}", "\u{2066}", "\u{200b}"]
        {
            let shown = printable(&format!("a{hidden}b"));
            assert!(shown.starts_with("a\\") && shown.is_ascii() && !shown.contains(hidden), "{shown:?}");
        }
        for shown in ["", "a b", "ümläut", "日本", "`$(x)`", "\\"] {
            assert_eq!(printable(shown), shown);
        }
    }
}
