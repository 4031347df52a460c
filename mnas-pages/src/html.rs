//! HTML and SVG as text. Here alone text is escaped: what is not known when mnasc is built goes through
//! [`Html::text`] or an attribute, for markup can only be written as literals.

/// Markup that is well formed in what it quotes: only literals are written as they are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Html(String);

/// An attribute's name and its value, which is escaped.
pub(crate) type Attribute<'a> = (&'static str, &'a str);

impl Html {
    /// Nothing yet.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// A literal, as it is.
    pub(crate) fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// Words for people.
    pub(crate) fn text(&mut self, words: &str) -> &mut Self {
        escape(words, &mut self.0);
        self
    }

    /// `<tag name="value" ...>`
    pub(crate) fn open(&mut self, tag: &'static str, attributes: &[Attribute]) -> &mut Self {
        self.tag(tag, attributes, ">")
    }

    /// `</tag>`
    pub(crate) fn close(&mut self, tag: &'static str) -> &mut Self {
        self.0.push_str("</");
        self.0.push_str(tag);
        self.0.push_str(">\n");
        self
    }

    /// `<tag ...>words</tag>`
    pub(crate) fn leaf(&mut self, tag: &'static str, attributes: &[Attribute], words: &str) -> &mut Self {
        self.open(tag, attributes).text(words).raw("</").raw(tag).raw(">")
    }

    /// `<tag .../>`, a shape of a picture.
    pub(crate) fn shape(&mut self, tag: &'static str, attributes: &[Attribute]) -> &mut Self {
        self.tag(tag, attributes, "/>\n")
    }

    /// Other markup.
    pub(crate) fn push(&mut self, other: &Html) -> &mut Self {
        self.0.push_str(&other.0);
        self
    }

    /// The text.
    pub(crate) fn into_string(self) -> String {
        self.0
    }

    fn tag(&mut self, tag: &'static str, attributes: &[Attribute], end: &'static str) -> &mut Self {
        self.0.push('<');
        self.0.push_str(tag);
        for (name, value) in attributes {
            self.0.push(' ');
            self.0.push_str(name);
            self.0.push_str("=\"");
            escape(value, &mut self.0);
            self.0.push('"');
        }
        self.0.push_str(end);
        self
    }
}

/// Good for text and for attributes in either kind of quotes. What HTML has no way to write becomes U+FFFD; what would
/// turn the direction of the letters around it is shown by its number.
fn escape(words: &str, out: &mut String) {
    for c in words.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(c),
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => out.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
            c if c.is_control() || (u32::from(c) & 0xfffe) == 0xfffe => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_attributes_cannot_become_markup() {
        let hostile = "</script><img src=x onerror='a()'>\" & \u{0}\u{202e}";
        let mut html = Html::new();
        html.leaf("b", &[("title", hostile)], hostile);
        let escaped = "&lt;/script&gt;&lt;img src=x onerror=&#39;a()&#39;&gt;&quot; &amp; \u{fffd}\\u{202e}";
        assert_eq!(html.into_string(), format!("<b title=\"{escaped}\">{escaped}</b>"));
    }

    #[test]
    fn shapes_end_by_themselves() {
        let mut html = Html::new();
        html.open("svg", &[]).shape("rect", &[("x", "1"), ("y", "2")]).close("svg");
        assert_eq!(html.into_string(), "<svg><rect x=\"1\" y=\"2\"/>\n</svg>\n");
    }
}
