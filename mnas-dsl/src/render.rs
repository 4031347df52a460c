//! Draws an error: message, place, source line, caret, hint.

use crate::diagnostics::{Diagnostic, Diagnostics, Place};
use std::fmt;

/// Width of a drawn source line; longer ones are cut around the caret.
const WIDTH: usize = 100;

struct Paint(bool);

impl Paint {
    fn with(&self, code: &str, text: &str) -> String {
        if self.0 { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    fn red(&self, text: &str) -> String {
        self.with("1;31", text)
    }

    fn blue(&self, text: &str) -> String {
        self.with("1;34", text)
    }

    fn bold(&self, text: &str) -> String {
        self.with("1", text)
    }
}

impl Diagnostic {
    /// Draws the mistake as the Rust compiler would; `color` switches terminal colours on.
    pub fn render(&self, color: bool) -> String {
        diagnostic(self, color)
    }
}

impl Diagnostics {
    /// Draws every mistake as the Rust compiler would; `color` switches terminal colours on.
    pub fn render(&self, color: bool) -> String {
        let mut text = String::new();
        for diagnostic in self {
            text.push_str(&diagnostic.render(color));
            text.push('\n');
        }
        if self.hidden > 0 {
            text.push_str(&format!("{} further mistakes are not shown\n", self.hidden));
        }
        text
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

/// The mistake, drawn; ends with a line break.
fn diagnostic(diagnostic: &Diagnostic, color: bool) -> String {
    let paint = Paint(color);
    let mut out = format!("{}{}\n", paint.red("error"), paint.bold(&format!(": {}", diagnostic.message)));
    let margin = match &diagnostic.place {
        Place::Text { line, .. } => line.to_string().len(),
        _ => 1,
    };
    let blank = " ".repeat(margin);
    let arrow = paint.blue("-->");
    let bar = paint.blue("|");
    match &diagnostic.place {
        Place::Text { file, line, column, length, line_text, cut } => {
            let (shown, offset) = window(line_text, column.saturating_sub(1 + cut), *length, *cut > 0);
            let number = paint.blue(&line.to_string());
            let columns = |c: char| if is_wide(c) { 2 } else { 1 };
            let before: usize = shown.chars().take(offset).map(columns).sum();
            let under: usize = shown.chars().skip(offset).take(*length).map(columns).sum();
            let carets = paint.red(&"^".repeat(under.max(1)));
            let label = diagnostic.label.as_ref().map(|label| paint.red(&format!(" {label}")));
            out.push_str(&format!("{blank}{arrow} {file}:{line}:{column}\n{blank} {bar}\n"));
            out.push_str(&format!("{number} {bar} {shown}\n"));
            out.push_str(&format!("{blank} {bar} {}{carets}{}\n", " ".repeat(before), label.unwrap_or_default()));
        }
        Place::File { file } => {
            out.push_str(&format!("{blank}{arrow} {file}\n"));
            if let Some(label) = &diagnostic.label {
                out.push_str(&format!("{blank} {} {label}\n", paint.blue("=")));
            }
        }
        Place::Tokens { line, column, .. } => {
            if *line > 0 {
                out.push_str(&format!("{blank}{arrow} {line}:{column}\n"));
            }
            if let Some(label) = &diagnostic.label {
                out.push_str(&format!("{blank} {} {label}\n", paint.blue("=")));
            }
        }
    }
    if let Some(hint) = &diagnostic.hint {
        for (index, line) in hint.lines().enumerate() {
            let head = if index == 0 { format!("{} help:", paint.blue("=")) } else { "       ".to_owned() };
            out.push_str(&format!("{blank} {head} {line}\n"));
        }
    }
    out
}

/// The part of `line` that is drawn, and the caret's offset in it. Tabs and other control characters
/// become single spaces, so that the caret is at the right column; marks that change the direction of writing
/// or have no width are shown as a replacement character, because they could hide text.
fn window(line: &str, caret: usize, length: usize, cut: bool) -> (String, usize) {
    let chars: Vec<char> = line.chars().map(visible).collect();
    let caret = caret.min(chars.len());
    if chars.len() <= WIDTH && !cut {
        return (chars.into_iter().collect(), caret);
    }
    let start = (caret + length.min(WIDTH / 2) / 2).saturating_sub(WIDTH / 2);
    let end = (start + WIDTH).min(chars.len());
    let mut shown = String::new();
    let mut offset = caret.saturating_sub(start);
    if start > 0 || cut {
        shown.push_str("...");
        offset += 3;
    }
    shown.extend(chars.get(start..end).unwrap_or_default());
    if end < chars.len() {
        shown.push_str("...");
    }
    (shown, offset)
}

/// A character as it may be shown.
pub(crate) fn visible(c: char) -> char {
    match c {
        c if c.is_control() => ' ',
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' => '\u{fffd}',
        c => c,
    }
}

/// Whether terminals draw the character two columns wide (East Asian scripts, emoji).
fn is_wide(c: char) -> bool {
    matches!(c, '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}' | '\u{ff00}'..='\u{ff60}' | '\u{ffe0}'..='\u{ffe6}' | '\u{1f300}'..='\u{1faff}'
        | '\u{20000}'..='\u{3fffd}')
}
