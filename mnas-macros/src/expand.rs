//! One call of the macro: parse, read files, compile; or every mistake, each on its token.

use crate::files::Root;
use mnas_codegen::code::{Values, compile_values};
use mnas_codegen::compile::{Item, Options};
use mnas_codegen::machine;
use mnas_codegen::tuned::{ScheduleFile, TuningProfile};
use mnas_dsl::{Diagnostic, MacroInput, MacroSource, Network, Spec, load_yaml, parse_tokens};
use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};

/// The network's items. `runtime` is named where the call names no other.
pub(crate) fn expand(tokens: TokenStream, runtime: TokenStream) -> TokenStream {
    match parse_tokens(tokens.clone()) {
        Ok(input) => {
            let mut call = Call { tokens, errors: TokenStream::new(), tracked: TokenStream::new() };
            match call.network(input, runtime) {
                Some(network) if call.errors.is_empty() => network,
                // Tracked even so: a mended file has to be read again.
                _ => {
                    call.errors.extend(call.tracked);
                    call.errors
                }
            }
        }
        Err(mistakes) => mistakes.to_compile_errors(&tokens),
    }
}

struct Call {
    tokens: TokenStream,
    /// A `compile_error!` for each mistake.
    errors: TokenStream,
    /// What makes cargo compile again when a file changes.
    tracked: TokenStream,
}

impl Call {
    fn network(&mut self, input: MacroInput, runtime: TokenStream) -> Option<TokenStream> {
        let isas = match &input.isa {
            None => Options::default().isas,
            Some((list, span)) => {
                machine::parse_list(list).map_err(|e| self.error(*span, &e.to_string())).unwrap_or_default()
            }
        };
        let source = self.source(input.source);
        let file = input.weights.and_then(|(path, span)| {
            let bytes = self.read(&path, span)?;
            Some((path, span, bytes))
        });
        let tuned = self.tuned(input.schedule, input.cpu);
        let (spec, network) = source?;
        let options = Options {
            isas,
            threaded: input.threaded,
            tuned,
            item: Some(Item { ident: input.ident, visibility: input.vis, attributes: input.attrs }),
            runtime: Some(input.crate_path.unwrap_or(runtime)),
            ..Options::default()
        };
        let span = file.as_ref().map_or_else(Span::call_site, |(_, span, _)| *span);
        let weights = match &file {
            None => None,
            Some((path, span, bytes)) => {
                let weights = Values::load(bytes, path, &network);
                Some(weights.map_err(|e| self.error(*span, &e)).ok()?)
            }
        };
        if !self.errors.is_empty() {
            return None;
        }
        let compiled = compile_values(&spec, &network, weights.as_ref(), &options);
        let compiled = compiled.map_err(|e| self.error(span, &e.to_string())).ok()?;
        let (items, tracked) = (compiled.tokens(), &self.tracked);
        Some(quote!(#items #tracked))
    }

    fn source(&mut self, source: MacroSource) -> Option<(Spec, Network)> {
        match source {
            MacroSource::Inline(spec) => match spec.resolve() {
                Ok(network) => Some((*spec, network)),
                Err(mistakes) => {
                    self.errors.extend(mistakes.to_compile_errors(&self.tokens));
                    None
                }
            },
            MacroSource::File { path, span } => {
                let text = self.text(&path, span)?;
                let loaded = load_yaml(&text, &path);
                loaded.map_err(|mistakes| mistakes.iter().for_each(|m| self.drawn(span, m))).ok()
            }
        }
    }

    /// The section of the schedule file; without a file or with a wrong one, the default profile.
    fn tuned(&mut self, schedule: Option<(String, Span)>, cpu: Option<(String, Span)>) -> TuningProfile {
        let Some((path, span)) = schedule else {
            if let Some((_, span)) = cpu {
                self.error(span, "`cpu` names a section of a schedule file, and `schedule` gives none");
            }
            return TuningProfile::default();
        };
        let Some(text) = self.text(&path, span) else { return TuningProfile::default() };
        match ScheduleFile::parse(&text, &path) {
            Ok(file) => {
                let section = file.select(cpu.as_ref().map(|(name, _)| name.as_str()));
                let at = cpu.as_ref().map_or(span, |(_, span)| *span);
                section.map_err(|e| self.error(at, &format!("`{path}`: {e}"))).unwrap_or_default()
            }
            Err(mistakes) => {
                mistakes.iter().for_each(|mistake| self.drawn(span, mistake));
                TuningProfile::default()
            }
        }
    }

    fn text(&mut self, path: &str, span: Span) -> Option<String> {
        let text = String::from_utf8(self.read(path, span)?);
        text.map_err(|_| self.error(span, &format!("`{path}` is not UTF-8"))).ok()
    }

    fn read(&mut self, path: &str, span: Span) -> Option<Vec<u8>> {
        let file = Root::new(std::env::var_os("CARGO_MANIFEST_DIR")).and_then(|root| root.read(path));
        let file = file.map_err(|message| self.error(span, &message)).ok()?;
        let absolute = file.absolute;
        self.tracked.extend(quote!(
            const _: &[u8] = ::core::include_bytes!(#absolute);
        ));
        Some(file.bytes)
    }

    fn error(&mut self, span: Span, message: &str) {
        self.errors.extend(quote_spanned!(span=> ::core::compile_error! { #message }));
    }

    /// A mistake of a file, drawn: the compiler knows only the path, and itself says "error" before it.
    fn drawn(&mut self, span: Span, mistake: &Diagnostic) {
        let drawn = mistake.render(false);
        self.error(span, drawn.strip_prefix("error: ").unwrap_or(&drawn).trim_end());
    }
}
