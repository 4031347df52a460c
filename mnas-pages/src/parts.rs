//! What pages are put together from.

use super::html::Html;

/// Opens a section.
pub(super) fn section(body: &mut Html, id: &str, heading: &str, words: &str) {
    body.open("section", &[("aria-labelledby", id)]).leaf("h2", &[("id", id)], heading);
    if !words.is_empty() {
        body.leaf("p", &[("class", "muted note")], words);
    }
    body.raw("\n");
}

/// A picture in a box of its own, which scrolls where the page is narrower.
pub(super) fn boxed(body: &mut Html, label: &str, picture: &Html) {
    body.open("div", &[("class", "box"), ("tabindex", "0"), ("role", "region"), ("aria-label", label)]);
    body.push(picture).close("div");
}

/// A length in a picture.
pub(super) fn px(value: f64) -> String {
    format!("{value:.1}")
}

/// A figure of a row of them: its name, its value, and what is to be said beside it. Belongs into a `dl` of class `tiles`.
pub(super) fn tile(out: &mut Html, name: &str, value: &str, beside: &str) {
    out.raw("<div>").leaf("dt", &[], name).leaf("dd", &[("class", "value")], value);
    out.leaf("dd", &[("class", "muted")], beside).raw("</div>\n");
}
