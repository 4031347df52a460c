//! Self-contained HTML pages and SVG pictures: they load nothing, neither fonts nor libraries.
//!
//! [`network`] draws a network, [`study`] a search, [`roofline`] a roofline plot, [`quantized`] what int8 loses. This file has what all pages share: the
//! head, the light and the dark theme, the tooltips. Each page is a folder with its own style and script.
//!
//! ```
//! use mnas_codegen::compile::{Options, compile};
//!
//! let text = "name: tiny\ninput: 8x8x3\nstem: {op: conv, kernel: 3, stride: 2, filters: 8}\n\
//!             blocks: [{op: sepconv, kernel: 3, filters: 8}]\nhead: {filters: 16, classes: 4}\n";
//! let (spec, network) = mnas_dsl::load_yaml(text, "tiny.yaml")?;
//! let compiled = compile(&spec, &network, None, &Options::default())?;
//! let page = mnas_pages::network::render(&spec, &network, &compiled, None);
//! assert!(page.starts_with("<!DOCTYPE html>") && page.contains("tiny"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

mod axis;
mod chart;
mod html;
pub mod network;
mod numbers;
pub mod paper;
mod parts;
pub mod quantized;
pub mod roofline;
pub mod study;

use html::Html;

/// Colours, letters, tables, tiles, pictures in boxes that scroll.
const THEME: &str = include_str!("theme.css");
/// Words beside the shape under the pointer or in focus; arrow keys in pictures.
const TIPS: &str = include_str!("tips.js");

/// A page before it is text.
pub(crate) struct Page<'a> {
    /// Of the window.
    pub(crate) title: &'a str,
    /// What it shows, in a sentence.
    pub(crate) description: &'a str,
    /// Beside what all pages have.
    pub(crate) style: &'static str,
    /// Beside what all pages have.
    pub(crate) script: &'static str,
    /// What is seen.
    pub(crate) body: Html,
}

impl Page<'_> {
    /// The text. The policy in its head lets a browser load nothing at all.
    pub(crate) fn render(&self) -> String {
        let mut page = Html::new();
        page.raw("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n")
            .raw("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; ")
            .raw("style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n")
            .raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n")
            .raw("<meta name=\"color-scheme\" content=\"light dark\">\n")
            .leaf("title", &[], self.title)
            .raw("\n")
            .open("meta", &[("name", "description"), ("content", self.description)])
            .raw("\n<style>\n")
            .raw(THEME)
            .raw(self.style)
            .raw("</style>\n</head>\n<body>\n")
            .push(&self.body)
            .raw("<div id=\"tip\" aria-hidden=\"true\" hidden></div>\n<script>\n\"use strict\";\n")
            .raw(TIPS)
            .raw(self.script)
            .raw("</script>\n</body>\n</html>\n");
        page.into_string()
    }
}
