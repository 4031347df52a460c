//! A token stream as a flat list, each token with its number.

use proc_macro2::{Delimiter, Group, Ident, Literal, Punct, Spacing, TokenStream, TokenTree};

/// A token without its trees.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum TokenKind {
    Ident(String),
    Punct(char),
    Literal(String),
    Open(Delimiter),
    Close(Delimiter),
}

/// A token and its number, as `source::Span` counts.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) index: usize,
}

pub(super) struct Flat {
    pub(super) tokens: Vec<Token>,
    /// Line and column of each token.
    pub(super) places: Vec<(usize, usize)>,
    spans: Vec<proc_macro2::Span>,
    /// The outermost trees, with their numbers.
    trees: Vec<(usize, TokenTree)>,
}

impl Flat {
    /// Flattens without recursion. Invisible groups, which `macro_rules` leaves around what it hands on,
    /// are counted and otherwise left out.
    pub(super) fn new(stream: TokenStream) -> Self {
        let mut flat = Self { tokens: Vec::new(), places: Vec::new(), spans: Vec::new(), trees: Vec::new() };
        let mut stack = vec![(stream.into_iter(), None)];
        while let Some((trees, close)) = stack.last_mut() {
            let Some(tree) = trees.next() else {
                if let Some(kind) = close.take() {
                    let index = flat.spans.len().saturating_sub(1);
                    flat.tokens.push(Token { kind, index });
                }
                stack.pop();
                continue;
            };
            let index = flat.spans.len();
            if stack.len() == 1 {
                flat.trees.push((index, tree.clone()));
            }
            let span = match &tree {
                TokenTree::Group(group) => group.span_open(),
                tree => tree.span(),
            };
            flat.spans.push(span);
            flat.places.push((span.start().line, span.start().column));
            let kind = match tree {
                TokenTree::Ident(ident) => TokenKind::Ident(ident.to_string()),
                TokenTree::Punct(punct) => TokenKind::Punct(punct.as_char()),
                TokenTree::Literal(literal) => TokenKind::Literal(literal.to_string()),
                TokenTree::Group(group) => {
                    let delimiter = group.delimiter();
                    let visible = delimiter != Delimiter::None;
                    stack.push((group.stream().into_iter(), visible.then_some(TokenKind::Close(delimiter))));
                    if !visible {
                        continue;
                    }
                    TokenKind::Open(delimiter)
                }
            };
            flat.tokens.push(Token { kind, index });
        }
        flat
    }

    /// The span of a token by its number.
    pub(super) fn span(&self, index: usize) -> proc_macro2::Span {
        self.spans.get(index).copied().unwrap_or_else(proc_macro2::Span::call_site)
    }

    /// The identifier at a position of the flat list, if it is one of the outermost trees.
    pub(super) fn ident(&self, at: usize) -> Option<Ident> {
        let index = self.tokens.get(at)?.index;
        self.trees.iter().find_map(|(it, tree)| match tree {
            TokenTree::Ident(ident) if *it == index => Some(ident.clone()),
            _ => None,
        })
    }

    /// The outermost trees that start within positions `from..to` of the flat list.
    pub(super) fn range(&self, from: usize, to: usize) -> TokenStream {
        let number = |at: usize| self.tokens.get(at).map_or(usize::MAX, |token| token.index);
        let (from, to) = (number(from), number(to));
        self.trees.iter().filter(|(index, _)| (from..to).contains(index)).map(|(_, tree)| tree.clone()).collect()
    }
}

/// One past the end of the group that opens at `open`.
pub(super) fn group_end(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token.kind {
            TokenKind::Open(_) => depth += 1,
            TokenKind::Close(_) => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    tokens.len()
}

/// `::core::compile_error! { "message" }`, with spans so that the compiler marks `first` to `last`.
pub(super) fn compile_error(message: &str, first: proc_macro2::Span, last: proc_macro2::Span) -> Vec<TokenTree> {
    let punct = |c: char, spacing: Spacing| {
        let mut punct = Punct::new(c, spacing);
        punct.set_span(first);
        TokenTree::from(punct)
    };
    let mut literal = Literal::string(message);
    literal.set_span(last);
    let mut group = Group::new(Delimiter::Brace, TokenTree::from(literal).into());
    group.set_span(last);
    vec![
        punct(':', Spacing::Joint),
        punct(':', Spacing::Alone),
        Ident::new("core", first).into(),
        punct(':', Spacing::Joint),
        punct(':', Spacing::Alone),
        Ident::new("compile_error", first).into(),
        punct('!', Spacing::Alone),
        group.into(),
    ]
}
