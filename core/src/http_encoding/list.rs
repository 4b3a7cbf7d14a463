//! RFC 2616 2.1 and 2.2: comma lists of names, values and parameters, as the two header fields and the codings have them.
//! Invariant: every part is a borrowed slice with its true offset; reading ends, for each element takes at least a byte.
//! Byte order: none.

use super::error::{DecodeError, Problem};

/// A part of a header field's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span<'a> {
    pub(super) at: usize,
    pub(super) text: &'a [u8],
}

impl Span<'_> {
    pub(super) const fn is(&self, name: &str) -> bool {
        self.text.eq_ignore_ascii_case(name.as_bytes())
    }
}

/// A cursor over a header field's value.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
    header: &'static str,
}

impl<'a> Scanner<'a> {
    pub(super) const fn new(bytes: &'a [u8], header: &'static str) -> Self {
        Self {
            bytes,
            at: 0,
            header,
        }
    }

    pub(super) const fn at(&self) -> usize {
        self.at
    }

    pub(super) fn fault(&self, problem: Problem) -> DecodeError {
        problem.at(self.at, self.header)
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    pub(super) fn eat(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    /// Passes linear white space; a line break counts when white space follows it.
    pub(super) fn skip_space(&mut self) {
        loop {
            match self.bytes.get(self.at..).unwrap_or_default() {
                [b' ' | b'\t', ..] => self.at += 1,
                [b'\r', b'\n', b' ' | b'\t', ..] => self.at += 3,
                _ => return,
            }
        }
    }

    /// A token, which may turn out empty.
    pub(super) fn token(&mut self) -> Span<'a> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let length = rest
            .iter()
            .position(|byte| !is_token(*byte))
            .unwrap_or(rest.len());
        let text = rest.get(..length).unwrap_or_default();
        let at = self.at;
        self.at += length;
        Span { at, text }
    }

    /// A token or a quoted string with its quotes; empty where there is neither.
    pub(super) fn value(&mut self) -> Result<Span<'a>, DecodeError> {
        if self.peek() != Some(b'"') {
            return Ok(self.token());
        }
        let unended = self.fault(Problem::QuotedString);
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let mut escaped = false;
        for (place, byte) in rest.iter().enumerate().skip(1) {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => {
                    let at = self.at;
                    self.at += place + 1;
                    let text = rest.get(..=place).unwrap_or_default();
                    return Ok(Span { at, text });
                }
                _ => {}
            }
        }
        Err(unended)
    }

    /// Passes empty elements; whether an element follows, and whether a comma was passed.
    pub(super) fn next_element(&mut self) -> (bool, bool) {
        let mut comma = false;
        loop {
            self.skip_space();
            if !self.eat(b',') {
                return (self.peek().is_some(), comma);
            }
            comma = true;
        }
    }

    /// Checks that an element ends here.
    pub(super) fn end_element(&mut self) -> Result<(), DecodeError> {
        self.skip_space();
        match self.peek() {
            None | Some(b',') => Ok(()),
            Some(_) => Err(self.fault(Problem::Separator)),
        }
    }
}

const fn is_token(byte: u8) -> bool {
    byte.is_ascii_graphic()
        && !matches!(
            byte,
            b'(' | b')'
                | b'<'
                | b'>'
                | b'@'
                | b','
                | b';'
                | b':'
                | b'\\'
                | b'"'
                | b'/'
                | b'['
                | b']'
                | b'?'
                | b'='
                | b'{'
                | b'}'
        )
}

/// `name=value`, or a name alone.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parameter<'a> {
    pub(super) name: Span<'a>,
    /// Empty where there is none: then its place is where one was missed.
    pub(super) value: Span<'a>,
}

impl<'a> Parameter<'a> {
    /// The value, for a parameter that must have one.
    pub(super) fn required(&self, field: &'static str) -> Result<Span<'a>, DecodeError> {
        if self.value.text.is_empty() {
            return Err(Problem::MissingValue.at(self.value.at, field));
        }
        Ok(self.value)
    }
}

/// The parameters of a list that must have at least one.
#[derive(Debug)]
pub(super) struct Parameters<'a> {
    scanner: Scanner<'a>,
    pub(super) leading_comma: bool,
    begun: bool,
}

impl<'a> Parameters<'a> {
    pub(super) const fn new(bytes: &'a [u8], header: &'static str) -> Self {
        Self {
            scanner: Scanner::new(bytes, header),
            leading_comma: false,
            begun: false,
        }
    }

    pub(super) fn next(&mut self) -> Result<Option<Parameter<'a>>, DecodeError> {
        let scanner = &mut self.scanner;
        let (more, comma) = scanner.next_element();
        if !self.begun {
            self.leading_comma = comma;
            if !more {
                return Err(Problem::EmptyList.at(0, scanner.header));
            }
        }
        self.begun = true;
        if !more {
            return Ok(None);
        }
        let name = scanner.token();
        if name.text.is_empty() {
            return Err(scanner.fault(Problem::ParameterName));
        }
        scanner.skip_space();
        let mut value = Span {
            at: scanner.at(),
            text: &[],
        };
        if scanner.eat(b'=') {
            scanner.skip_space();
            value = scanner.value()?;
            if value.text.is_empty() {
                return Err(scanner.fault(Problem::MissingValue));
            }
        }
        scanner.end_element()?;
        Ok(Some(Parameter { name, value }))
    }
}
