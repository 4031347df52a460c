//! `MnasNetA1` and `mnas_net_a1`: the name of a struct and of its module.

/// The struct's name for a module's: each word's first letter capital, no underscores.
pub fn camel_case(name: &str) -> String {
    let mut out = String::new();
    for part in name.split('_') {
        let mut chars = part.chars();
        out.extend(chars.next().map(|c| c.to_ascii_uppercase()));
        out.push_str(chars.as_str());
    }
    out
}

/// The module's name for a struct's: an underscore before each word.
///
/// A word starts with a capital that follows a small letter or a digit, or that ends a run of capitals
/// (`SSDLite` is `ssd_lite`).
pub fn snake_case(name: &str) -> String {
    let chars: Vec<char> = name.chars().collect();
    let mut out = String::new();
    let mut before: Option<char> = None;
    for (index, &c) in chars.iter().enumerate() {
        let after_word = before.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        let ends_run = before.is_some_and(|b| b.is_ascii_uppercase())
            && chars.get(index + 1).is_some_and(char::is_ascii_lowercase);
        if c.is_ascii_uppercase() && (after_word || ends_run) {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
        before = Some(c);
    }
    out
}
