//! The tokens inside `mnas_net!` to the tree. Knows tokens, not the language.
//!
//! ```text
//! pub struct MnasNetA1<224 x 224 x 3, 1000> { stem conv k3 s2 c32; sepconv k3 c16 noskip; ... }
//! pub struct MnasNetA1 = <"specs/mnasnet_a1.yaml">, weights = "a1.safetensors", isa = "avx2", crate = path
//! ```

mod body;
mod flat;
mod literal;

use proc_macro2::{Delimiter, Ident, TokenStream};

use crate::diagnostics::{Diagnostic, Diagnostics, Place, Report};
use crate::nearest::nearest;
use crate::reader;
use crate::resolve;
use crate::source::{Source, Span};
use crate::spec::Spec;
use flat::{Flat, Token, TokenKind};

/// The input of `mnas_net!`.
#[derive(Debug)]
pub struct MacroInput {
    /// Attributes and doc comments of the struct.
    pub attrs: TokenStream,
    /// Its visibility; empty when private.
    pub vis: TokenStream,
    /// Its name.
    pub ident: Ident,
    /// The network, or the file that has it.
    pub source: MacroSource,
    /// `weights = "..."`: the path as written, and where.
    pub weights: Option<(String, proc_macro2::Span)>,
    /// `isa = "avx2,scalar"`: the instruction sets as written, and where.
    pub isa: Option<(String, proc_macro2::Span)>,
    /// `threaded = true`: whether several threads may share an inference.
    pub threaded: bool,
    /// `schedule = "..."`: the path of a schedule file as written, and where.
    pub schedule: Option<(String, proc_macro2::Span)>,
    /// `cpu = "..."`: the section of the schedule file, and where it is named.
    pub cpu: Option<(String, proc_macro2::Span)>,
    /// `crate = path`: what the runtime crate is called here.
    pub crate_path: Option<TokenStream>,
}

/// What may follow the network.
#[derive(Default)]
struct Trailer {
    weights: Option<(String, proc_macro2::Span)>,
    isa: Option<(String, proc_macro2::Span)>,
    threaded: Option<bool>,
    schedule: Option<(String, proc_macro2::Span)>,
    cpu: Option<(String, proc_macro2::Span)>,
    crate_path: Option<TokenStream>,
}

/// Names of what may follow, and how each is written.
const KEYS: [&str; 6] = ["weights", "isa", "threaded", "schedule", "cpu", "crate"];
const FORMS: &str = "`, weights = \"path\"`, `, isa = \"avx2,scalar\"`, `, threaded = true`, `, schedule = \"path\"`, \
                     `, cpu = \"section\"` and `, crate = path` may follow, each once";

/// Where the network comes from.
#[derive(Debug)]
pub enum MacroSource {
    /// Written out.
    Inline(Box<Spec>),
    /// In a YAML file.
    File {
        /// The path as written.
        path: String,
        /// Where it is written.
        span: proc_macro2::Span,
    },
}

/// Reads the input of `mnas_net!`.
///
/// # Errors
///
/// Every error; [`Diagnostics::to_compile_errors`] puts each on its token.
pub fn parse_tokens(tokens: TokenStream) -> Result<MacroInput, Diagnostics> {
    let flat = Flat::new(tokens);
    let mut report = Report::new(&flat.source());
    let input = Header { flat: &flat, at: 0, report: &mut report }.input();
    report.finish(input)
}

impl Diagnostic {
    /// The first and last span of the mistake in the `tokens` that it was found in; `None` when it is about
    /// a text.
    pub fn token_span(&self, tokens: &TokenStream) -> Option<(proc_macro2::Span, proc_macro2::Span)> {
        let Place::Tokens { start, end, .. } = self.place else {
            return None;
        };
        let flat = Flat::new(tokens.clone());
        Some((flat.span(start), flat.span(end.saturating_sub(1).max(start))))
    }
}

impl Diagnostics {
    /// A `compile_error!` for each mistake, on its place in the `tokens` that it was found in.
    pub fn to_compile_errors(&self, tokens: &TokenStream) -> TokenStream {
        let flat = Flat::new(tokens.clone());
        let here = proc_macro2::Span::call_site();
        self.iter()
            .flat_map(|diagnostic| {
                let (first, last) = match diagnostic.place {
                    Place::Tokens { start, end, .. } => (flat.span(start), flat.span(end.saturating_sub(1).max(start))),
                    _ => (here, here),
                };
                flat::compile_error(&diagnostic.text(), first, last)
            })
            .collect()
    }
}

/// Reads what stands around the network. A mistake here ends it: too little is known to go on.
struct Header<'a, 'r> {
    flat: &'a Flat,
    at: usize,
    report: &'r mut Report,
}

impl Header<'_, '_> {
    fn input(mut self) -> Option<MacroInput> {
        let start = self.at;
        while self.is_punct('#') {
            self.at += 1;
            self.group(Delimiter::Bracket, "an attribute")?;
        }
        let attrs = self.flat.range(start, self.at);
        let start = self.at;
        if self.is_ident("pub") {
            self.at += 1;
            if self.is_open(Delimiter::Parenthesis) {
                self.group(Delimiter::Parenthesis, "a visibility")?;
            }
        }
        let vis = self.flat.range(start, self.at);
        if !self.is_ident("struct") {
            return self.fail("expected `struct` and the network's name");
        }
        self.at += 1;
        let Some(TokenKind::Ident(name)) = self.kind().cloned() else {
            return self.fail("expected the network's name, such as `MnasNetA1`");
        };
        // Raw identifiers keep their mark as a struct's name only.
        let ident = self.flat.ident(self.at).unwrap_or_else(|| Ident::new("Net", self.flat.span_at(self.at)));
        let name = name.strip_prefix("r#").unwrap_or(&name).to_owned();
        let name_span = self.span();
        self.at += 1;
        let source = if self.is_punct('=') {
            self.at += 1;
            Some(self.file()?)
        } else {
            self.inline(&name, name_span)?
        };
        let Trailer { weights, isa, threaded, schedule, cpu, crate_path } = self.trailer()?;
        let threaded = threaded.unwrap_or(false);
        let source = source?;
        Some(MacroInput { attrs, vis, ident, source, weights, isa, threaded, schedule, cpu, crate_path })
    }

    /// `<"specs/a.yaml">`
    fn file(&mut self) -> Option<MacroSource> {
        self.expect('<', "expected `<\"path/to/spec.yaml\">`")?;
        let path = match self.kind() {
            Some(TokenKind::Literal(text)) => literal::string(text),
            _ => None,
        };
        let Some(path) = path else {
            return self.fail("expected the path of a spec in quotes");
        };
        let span = self.flat.span_at(self.at);
        self.at += 1;
        self.expect('>', "expected `>` behind the path")?;
        Some(MacroSource::File { path, span })
    }

    /// `<224 x 224 x 3, 1000> { ... }`
    ///
    /// `None` where the notation itself is wrong, `Some(None)` where only the network is.
    fn inline(&mut self, name: &str, name_span: Span) -> Option<Option<MacroSource>> {
        self.expect('<', "expected the input's shape, `<224 x 224 x 3, 1000>`, or `= <\"spec.yaml\">`")?;
        let start = self.at;
        while self.kind().is_some() && !self.is_punct('>') {
            self.at += 1;
        }
        let angle = self.flat.tokens.get(start..self.at).unwrap_or_default();
        self.expect('>', "expected `>` behind the shape")?;
        let open = self.at;
        self.group(Delimiter::Brace, "the network's blocks in braces")?;
        let inside = self.flat.tokens.get(open + 1..self.at - 1).unwrap_or_default();
        let whole = Span::new(name_span.start, self.flat.tokens.get(open)?.index + 1);
        let root = body::root(name, name_span, angle, inside, whole, self.report);
        let Some(spec) = reader::read(&root, self.report) else {
            return Some(None);
        };
        if !self.report.found.is_empty() {
            // The caller will not get the spec, so its shapes are checked here and now.
            resolve::resolve(&spec, self.report);
        }
        Some(Some(MacroSource::Inline(Box::new(spec))))
    }

    /// `, weights = "...", isa = "...", threaded = true, schedule = "...", cpu = "...", crate = path`
    fn trailer(&mut self) -> Option<Trailer> {
        let mut trailer = Trailer::default();
        loop {
            while self.is_punct(',') || self.is_punct(';') {
                self.at += 1;
            }
            match self.kind() {
                None => return Some(trailer),
                Some(TokenKind::Ident(key)) if key == "weights" && trailer.weights.is_none() => {
                    trailer.weights = Some(self.quoted("`weights = \"path\"`", "the path of the weights")?);
                }
                Some(TokenKind::Ident(key)) if key == "isa" && trailer.isa.is_none() => {
                    trailer.isa = Some(self.quoted("`isa = \"avx2,scalar\"`", "instruction sets")?);
                }
                Some(TokenKind::Ident(key)) if key == "schedule" && trailer.schedule.is_none() => {
                    trailer.schedule = Some(self.quoted("`schedule = \"path\"`", "the path of a schedule file")?);
                }
                Some(TokenKind::Ident(key)) if key == "cpu" && trailer.cpu.is_none() => {
                    trailer.cpu = Some(self.quoted("`cpu = \"section\"`", "the section of the schedule file")?);
                }
                Some(TokenKind::Ident(key)) if key == "threaded" && trailer.threaded.is_none() => {
                    self.at += 1;
                    self.expect('=', "expected `threaded = true`")?;
                    trailer.threaded = match self.kind() {
                        Some(TokenKind::Ident(word)) if word == "true" || word == "false" => Some(word == "true"),
                        _ => return self.fail("expected `true` or `false`"),
                    };
                    self.at += 1;
                }
                Some(TokenKind::Ident(key)) if key == "crate" && trailer.crate_path.is_none() => {
                    self.at += 1;
                    self.expect('=', "expected `crate = path`")?;
                    let start = self.at;
                    while self.kind().is_some() && !self.is_punct(',') {
                        self.at += 1;
                    }
                    if start == self.at {
                        return self.fail("expected the path of the runtime crate");
                    }
                    trailer.crate_path = Some(self.flat.range(start, self.at));
                }
                Some(found) => {
                    let near = match found {
                        TokenKind::Ident(word) => nearest(word, KEYS),
                        _ => None,
                    };
                    let span = self.span();
                    self.report.error(span, "expected nothing more", |d| {
                        d.label("unexpected").hint(match near {
                            Some(near) => format!("did you mean `{near}`? {FORMS}"),
                            None => FORMS.to_owned(),
                        });
                    });
                    return None;
                }
            }
        }
    }

    /// `key = "text"`, from the key on.
    fn quoted(&mut self, form: &str, what: &str) -> Option<(String, proc_macro2::Span)> {
        self.at += 1;
        self.expect('=', &format!("expected {form}"))?;
        let text = match self.kind() {
            Some(TokenKind::Literal(text)) => literal::string(text),
            _ => None,
        };
        let Some(text) = text else {
            return self.fail(&format!("expected {what} in quotes"));
        };
        let span = self.flat.span_at(self.at);
        self.at += 1;
        Some((text, span))
    }

    fn kind(&self) -> Option<&TokenKind> {
        self.flat.tokens.get(self.at).map(|token| &token.kind)
    }

    fn is_punct(&self, punct: char) -> bool {
        self.kind() == Some(&TokenKind::Punct(punct))
    }

    fn is_ident(&self, ident: &str) -> bool {
        matches!(self.kind(), Some(TokenKind::Ident(it)) if it == ident)
    }

    fn is_open(&self, delimiter: Delimiter) -> bool {
        self.kind() == Some(&TokenKind::Open(delimiter))
    }

    /// Steps over a whole group.
    fn group(&mut self, delimiter: Delimiter, what: &str) -> Option<()> {
        if !self.is_open(delimiter) {
            return self.fail(&format!("expected {what}"));
        }
        self.at = flat::group_end(&self.flat.tokens, self.at);
        Some(())
    }

    fn expect(&mut self, punct: char, message: &str) -> Option<()> {
        if !self.is_punct(punct) {
            return self.fail(message);
        }
        self.at += 1;
        Some(())
    }

    fn span(&self) -> Span {
        let last = self.flat.tokens.last().map_or(0, |token| token.index);
        let index = self.flat.tokens.get(self.at).map_or(last, |token| token.index);
        Span::new(index, index + 1)
    }

    fn fail<T>(&mut self, message: &str) -> Option<T> {
        let span = self.span();
        self.report.error(span, message, |d| {
            d.label("unexpected").hint(
                "the forms are `pub struct Net<224 x 224 x 3, 1000> { ... }` and `pub struct Net = <\"net.yaml\">`",
            );
        });
        None
    }
}

impl Flat {
    fn source(&self) -> Source {
        Source::tokens(self.places.clone())
    }

    /// Proc-macro span of the token at a position of the flat list.
    fn span_at(&self, at: usize) -> proc_macro2::Span {
        self.tokens.get(at).map_or_else(proc_macro2::Span::call_site, |token: &Token| self.span(token.index))
    }
}
