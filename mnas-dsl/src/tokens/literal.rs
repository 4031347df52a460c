//! Values of Rust literals.

use crate::tree::Kind;

/// The value of a string literal, or `None` for any other.
pub(super) fn string(literal: &str) -> Option<String> {
    if let Some(raw) = literal.strip_prefix('r') {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        let raw = raw.get(hashes..)?.strip_prefix('"')?;
        return Some(raw.get(..raw.len().checked_sub(hashes + 1)?)?.to_owned());
    }
    let text = literal.strip_prefix('"')?.strip_suffix('"')?;
    let mut out = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next()? {
            'n' => out.push('\n'),
            't' => out.push('\t'),
            'r' => out.push('\r'),
            '0' => out.push('\0'),
            'x' => {
                let digits: String = chars.by_ref().take(2).collect();
                out.push(char::from(u8::from_str_radix(&digits, 16).ok()?));
            }
            'u' => {
                let digits: String = chars.by_ref().skip(1).take_while(|&c| c != '}').filter(|&c| c != '_').collect();
                out.push(char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?);
            }
            // A line break in the source, and the blanks after it, are not part of the text.
            '\n' => while chars.next_if(|c| c.is_whitespace()).is_some() {},
            c => out.push(c),
        }
    }
    Some(out)
}

/// The value of any literal. A literal that is neither text nor number (`3usize`, `'c'`) stays as written and is
/// reported where a number is expected.
pub(super) fn value(literal: &str) -> Kind {
    if let Some(text) = string(literal) {
        return Kind::Text(text);
    }
    number(literal).unwrap_or_else(|| Kind::Text(literal.to_owned()))
}

/// The value of a number as Rust writes it.
pub(super) fn number(text: &str) -> Option<Kind> {
    let digits = text.replace('_', "");
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
        return None;
    }
    if let Ok(value) = digits.parse::<i64>() {
        return Some(Kind::Int(value));
    }
    digits.parse::<f64>().ok().map(Kind::Float)
}

#[cfg(test)]
mod tests {
    use super::string;

    #[test]
    fn reads_string_literals() {
        assert_eq!(string(r#""a\"b\\c\n\x41\u{e9}""#).as_deref(), Some("a\"b\\c\nA\u{e9}"));
        assert_eq!(string(r###"r#"a"b"#"###).as_deref(), Some("a\"b"));
        assert_eq!(string("r\"a\\b\"").as_deref(), Some("a\\b"));
        assert_eq!(string("12"), None);
        assert_eq!(string("b\"a\""), None);
    }
}
