//! The statements between the braces as the same tree that YAML gives.

use proc_macro2::Delimiter;

use super::flat::{Token, TokenKind, group_end};
use super::literal;
use crate::diagnostics::Report;
use crate::names::snake_case;
use crate::nearest::nearest;
use crate::reader;
use crate::source::Span;
use crate::spec::BlockKind;
use crate::tree::{Entry, Kind, Node, shorten};

/// The token that begins a list.
const LIST: TokenKind = TokenKind::Open(Delimiter::Bracket);

/// Words of a block that carry their number: `k3`, `se0.25`.
const SHORTS: [(&str, &str); 6] =
    [("k", "kernel"), ("s", "stride"), ("c", "filters"), ("e", "expand"), ("r", "layers"), ("se", "se")];

/// The whole spec: `angle` is what stands between `<` and `>`, `inside` what stands between the braces.
pub(super) fn root(
    name: &str,
    name_span: Span,
    angle: &[Token],
    inside: &[Token],
    whole: Span,
    report: &mut Report,
) -> Node {
    let (input, classes) = shape(angle, name_span);
    let mut body = Body { tokens: inside, at: 0, end: whole.end, report, entries: Vec::new(), blocks: Vec::new() };
    while body.at < body.tokens.len() {
        body.statement();
    }
    let Body { mut entries, blocks, report, .. } = body;
    if !entries.iter().any(|entry| entry.key == "name") {
        let snake = snake_case(name);
        entries.push(entry("name", name_span, Node::new(name_span, Kind::Text(snake))));
    }
    entries.push(entry("input", input.span, input));
    if let Some(classes) = classes {
        add_classes(&mut entries, classes, report);
    }
    entries.push(entry("blocks", whole, Node::new(whole, Kind::List(blocks))));
    Node::new(whole, Kind::Map(entries))
}

fn entry(key: &str, key_span: Span, value: Node) -> Entry {
    Entry { key: key.to_owned(), key_span, value }
}

fn span_of(tokens: &[Token], fallback: Span) -> Span {
    match (tokens.first(), tokens.last()) {
        (Some(first), Some(last)) => Span::new(first.index, last.index + 1),
        _ => fallback,
    }
}

/// `224 x 224 x 3, 1000`, with any blanks between.
fn shape(angle: &[Token], fallback: Span) -> (Node, Option<Node>) {
    let comma = angle.iter().position(|token| token.kind == TokenKind::Punct(','));
    let (shape, classes) = angle.split_at(comma.unwrap_or(angle.len()));
    let written = |tokens: &[Token]| -> String {
        tokens
            .iter()
            .map(|token| match &token.kind {
                TokenKind::Ident(text) | TokenKind::Literal(text) => text.clone(),
                TokenKind::Punct(c) => c.to_string(),
                TokenKind::Open(_) | TokenKind::Close(_) => "?".to_owned(),
            })
            .collect()
    };
    let input = Node::new(span_of(shape, fallback), Kind::Text(written(shape)));
    let classes = classes.get(1..).map(|classes| {
        let text = written(classes);
        let kind = literal::number(&text).unwrap_or(Kind::Text(text));
        Node::new(span_of(classes, input.span), kind)
    });
    (input, classes)
}

/// The classes follow the shape and belong to the head.
fn add_classes(entries: &mut Vec<Entry>, classes: Node, report: &mut Report) {
    let span = classes.span;
    let classes = entry("classes", span, classes);
    match entries.iter_mut().find(|entry| entry.key == "head") {
        None => entries.push(entry("head", span, Node::new(span, Kind::Map(vec![classes])))),
        Some(head) => match &mut head.value.kind {
            Kind::Map(map) => map.push(classes),
            _ => report.error(span, "a network without a head has no classes", |d| {
                d.label("classes given").hint("remove them, or `head none`");
            }),
        },
    }
}

struct Body<'a, 'r> {
    tokens: &'a [Token],
    at: usize,
    /// Number of the token after all of these.
    end: usize,
    report: &'r mut Report,
    entries: Vec<Entry>,
    blocks: Vec<Node>,
}

impl<'a> Body<'a, '_> {
    fn statement(&mut self) {
        let span = self.span();
        match self.kind().cloned() {
            Some(TokenKind::Punct(';')) => self.at += 1,
            Some(TokenKind::Literal(text)) if literal::string(&text).is_some() => {
                self.at += 1;
                self.blocks.push(Node::new(span, literal::value(&text)));
                self.end_statement();
            }
            Some(TokenKind::Ident(word)) => {
                self.at += 1;
                self.keyword(&word, span);
                self.end_statement();
            }
            _ => {
                self.report.error(span, "expected a block or a setting", |d| {
                    d.label("neither").hint("such as `mbconv e6 k3 s2 c24;` or `padding same;`");
                });
                self.skip_statement();
            }
        }
    }

    fn keyword(&mut self, word: &str, span: Span) {
        let is_key = |word: &str| word != "input" && word != "blocks" && reader::KEYS.contains(&word);
        let known = || BlockKind::OPS.iter().copied().chain(reader::KEYS.into_iter().filter(|key| is_key(key)));
        let meant = match known().any(|it| it == word) {
            true => Some(word),
            false => nearest(word, known()),
        };
        match meant {
            Some("stem") => {
                let value = self.stem();
                self.entries.push(entry(word, span, value));
            }
            Some("preprocess" | "batch_norm" | "squeeze_excite" | "scale") => {
                let map = self.words(&[]);
                self.entries.push(entry(word, span, self.map(map, span)));
            }
            Some("head") => {
                let value = match self.kind() {
                    Some(TokenKind::Ident(word)) if word == "none" => self.value("head"),
                    _ => {
                        let map = self.words(&SHORTS[2..3]);
                        self.map(map, span)
                    }
                };
                self.entries.push(entry(word, span, value));
            }
            Some(key) if is_key(key) => {
                let value = self.value(word);
                self.entries.push(entry(word, span, value));
            }
            // A block, or an unknown word, which the reader reports.
            _ => {
                let mut map = vec![entry("op", span, Node::new(span, Kind::Text(word.to_owned())))];
                map.extend(self.words(&SHORTS));
                let block = self.map(map, span);
                self.blocks.push(block);
            }
        }
    }

    fn stem(&mut self) -> Node {
        let span = self.span();
        let op = self.value("stem");
        let mut map = vec![entry("op", span, op)];
        map.extend(self.words(&SHORTS));
        self.map(map, span)
    }

    fn map(&self, map: Vec<Entry>, first: Span) -> Node {
        let end = map.last().map_or(first, |entry| entry.value.span);
        Node::new(first.to(end), Kind::Map(map))
    }

    /// Words up to the end of the statement: `k3`, `noskip`, or a key with its value.
    fn words(&mut self, shorts: &[(&str, &str)]) -> Vec<Entry> {
        let mut entries = Vec::new();
        loop {
            let span = self.span();
            match self.kind().cloned() {
                None | Some(TokenKind::Punct(';')) => return entries,
                Some(TokenKind::Punct(',')) => self.at += 1,
                Some(TokenKind::Ident(word)) => {
                    self.at += 1;
                    if word == "noskip" && shorts.len() > 1 {
                        entries.push(entry("skip", span, Node::new(span, Kind::Text("none".to_owned()))));
                    } else if let Some(short) = self.short(&word, span, shorts) {
                        entries.push(short);
                    } else {
                        let value = self.value(&word);
                        entries.push(entry(&word, span, value));
                    }
                }
                Some(_) => {
                    self.report.error(span, "expected a word such as `k3`, or a key and its value", |d| {
                        d.label("unexpected")
                            .hint("a block is its op and words, such as `mbconv e6 k3 s2 c24 r2 noskip;`");
                    });
                    self.skip_statement();
                    return entries;
                }
            }
        }
    }

    /// `k3`, or `se0.25`, which are the tokens `se0` `.` `25`.
    fn short(&mut self, word: &str, span: Span, shorts: &[(&str, &str)]) -> Option<Entry> {
        let letters = word.find(|c: char| c.is_ascii_digit())?;
        let (letters, digits) = word.split_at_checked(letters)?;
        let (_, key) = shorts.iter().find(|(short, _)| *short == letters)?;
        let mut number = digits.to_owned();
        let mut all = span;
        let fraction = match (self.kind(), self.tokens.get(self.at + 1)) {
            (Some(TokenKind::Punct('.')), Some(Token { kind: TokenKind::Literal(text), index })) => {
                Some((text.clone(), *index))
            }
            _ => None,
        };
        if let Some((fraction, index)) = fraction {
            self.at += 2;
            number = format!("{digits}.{fraction}");
            all = span.to(Span::new(index, index + 1));
        }
        let is_number = number.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        let kind = match literal::number(&number) {
            Some(kind) if is_number => kind,
            _ => Kind::Text(number),
        };
        Some(entry(key, span, Node::new(all, kind)))
    }

    /// One value: a list, a choice, or a single one.
    fn value(&mut self, key: &str) -> Node {
        let span = self.span();
        let is_choice = matches!(self.kind(), Some(TokenKind::Ident(word)) if word == "choose");
        if is_choice && self.tokens.get(self.at + 1).is_some_and(|it| it.kind == LIST) {
            self.at += 1;
            let list = self.list(key);
            return Node::new(span, Kind::Map(vec![entry("choose", span, list)]));
        }
        if self.kind() == Some(&LIST) { self.list(key) } else { self.single(key) }
    }

    /// `[1, 2, 3]`; nothing nests in it, so nothing here recurses.
    fn list(&mut self, key: &str) -> Node {
        let span = self.span();
        let end = group_end(self.tokens, self.at);
        self.at += 1;
        let mut list = Vec::new();
        while self.at + 1 < end {
            match self.kind() {
                Some(TokenKind::Punct(',')) => self.at += 1,
                Some(TokenKind::Literal(_) | TokenKind::Ident(_) | TokenKind::Punct('-')) => {
                    list.push(self.single(key));
                }
                _ => {
                    self.report.error(self.span(), "expected a number", |d| {
                        d.label("unexpected").hint("a list is numbers with commas between, such as `[0.5, 0.5, 0.5]`");
                    });
                    self.at = end;
                }
            }
        }
        self.at = end;
        Node::new(span, Kind::List(list))
    }

    /// One value without parts; a missing value is reported.
    fn single(&mut self, key: &str) -> Node {
        let span = self.span();
        match self.kind().cloned() {
            Some(TokenKind::Literal(text)) => {
                self.at += 1;
                Node::new(span, literal::value(&text))
            }
            Some(TokenKind::Ident(word)) => {
                self.at += 1;
                Node::new(span, Kind::Text(word))
            }
            Some(TokenKind::Punct('-')) => {
                self.at += 1;
                let number = match self.kind() {
                    Some(TokenKind::Literal(text)) => literal::number(&format!("-{text}")),
                    _ => None,
                };
                let all = span.to(self.span());
                self.at += usize::from(number.is_some());
                Node::new(all, number.unwrap_or(Kind::Text("-".to_owned())))
            }
            _ => {
                let key = shorten(key);
                self.report.error(span, format!("expected a value after `{key}`"), |d| {
                    d.label("no value").hint("a key is followed by its value, such as `padding same;`");
                });
                Node::new(span, Kind::Wrong)
            }
        }
    }

    fn end_statement(&mut self) {
        match self.kind() {
            None => {}
            Some(TokenKind::Punct(';')) => self.at += 1,
            Some(_) => {
                let span = self.span();
                self.report.error(span, "expected `;`", |d| {
                    d.label("unexpected").hint("a block or a setting ends with `;`");
                });
                self.skip_statement();
            }
        }
    }

    fn skip_statement(&mut self) {
        while !matches!(self.kind(), None | Some(TokenKind::Punct(';'))) {
            self.at += 1;
        }
    }

    fn kind(&self) -> Option<&'a TokenKind> {
        self.tokens.get(self.at).map(|token| &token.kind)
    }

    fn span(&self) -> Span {
        let index = self.tokens.get(self.at).map_or(self.end.saturating_sub(1), |token| token.index);
        Span::new(index, index + 1)
    }
}
