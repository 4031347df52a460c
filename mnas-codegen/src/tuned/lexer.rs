//! A lexer for the words of a line.

use std::str::SplitAsciiWhitespace;

/// Larger numbers are not accepted as sizes.
const LARGEST: usize = 1 << 24;

pub(super) struct Words<'a> {
    rest: std::iter::Peekable<SplitAsciiWhitespace<'a>>,
}

impl<'a> Words<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Words { rest: text.split_ascii_whitespace().peekable() }
    }

    pub(super) fn next(&mut self) -> Option<&'a str> {
        self.rest.next()
    }

    pub(super) fn is_empty(&mut self) -> bool {
        self.rest.peek().is_none()
    }

    /// Whether the next word is this one, which is taken then.
    pub(super) fn take(&mut self, word: &str) -> bool {
        self.rest.next_if_eq(&word).is_some()
    }

    pub(super) fn expect(&mut self, word: &str) -> Option<()> {
        self.take(word).then_some(())
    }

    /// A number of at least 1 after `prefix`.
    pub(super) fn number(&mut self, prefix: &str) -> Option<usize> {
        number(self.next()?.strip_prefix(prefix)?)
    }

    /// Rows, columns and channels: `7x7x320`.
    pub(super) fn size(&mut self) -> Option<[usize; 3]> {
        let mut parts = self.next()?.split('x').map(number);
        let size = [parts.next()??, parts.next()??, parts.next()??];
        parts.next().is_none().then_some(size)
    }
}

/// A number of at least 1, as it is printed: no sign, no zeros before it.
pub(super) fn number(text: &str) -> Option<usize> {
    let value = text.parse().ok().filter(|value| (1..=LARGEST).contains(value))?;
    (text == value.to_string()).then_some(value)
}
