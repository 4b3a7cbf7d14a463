//! The text of an element (XML Schema simple types), and where in the datagram each part of it stands.
//! Invariant: comments, CDATA and references do not break a value apart; places are those of the document's text.
//! Byte order: none.

use std::borrow::Cow;

use super::xml::is_space;

/// What stands between a start tag and its end tag.
#[derive(Debug, Clone)]
pub(super) struct Value<'d> {
    text: Cow<'d, str>,
    /// Where the parts of the text start, in the value and in the document.
    pieces: Vec<(usize, usize)>,
    start: usize,
    end: usize,
}

/// A part of a value without white space around it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token<'v> {
    pub text: &'v str,
    /// Its place in the value.
    pub at: usize,
}

impl<'d> Value<'d> {
    /// An empty value at a place of the document.
    pub(super) const fn new(at: usize) -> Self {
        Self {
            text: Cow::Borrowed(""),
            pieces: Vec::new(),
            start: at,
            end: at,
        }
    }

    /// Appends what the document has between two places.
    pub(super) fn push(&mut self, text: Cow<'d, str>, from: usize, to: usize) {
        if self.text.is_empty() {
            self.pieces.clear();
            (self.text, self.start) = (text, from);
        } else {
            if self.pieces.is_empty() {
                self.pieces.push((0, self.start));
            }
            self.pieces.push((self.text.len(), from));
            self.text.to_mut().push_str(&text);
        }
        self.end = to;
    }

    /// The place in the document of a place in the value.
    pub(super) fn place(&self, at: usize) -> usize {
        if at >= self.text.len() && !self.pieces.is_empty() {
            return self.end;
        }
        let after = self.pieces.partition_point(|(start, _)| *start <= at);
        let piece = after
            .checked_sub(1)
            .and_then(|index| self.pieces.get(index));
        let (start, place) = piece.copied().unwrap_or((0, self.start));
        place + (at - start)
    }

    /// The value without the white space around it.
    pub(super) fn trimmed(&self) -> Token<'_> {
        let spaces = |c: char| c.is_ascii() && is_space(c as u8);
        let text = self.text.trim_start_matches(spaces);
        let at = self.text.len() - text.len();
        let text = text.trim_end_matches(spaces);
        Token { text, at }
    }

    /// The parts between white space.
    pub(super) fn tokens(&self) -> impl Iterator<Item = Token<'_>> {
        let mut at = 0;
        let spaces = |c: char| c.is_ascii() && is_space(c as u8);
        self.text.split(spaces).filter_map(move |text| {
            let token = Token { text, at };
            at += text.len() + 1;
            (!text.is_empty()).then_some(token)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_know_their_places_across_pieces() {
        let mut value = Value::new(10);
        assert_eq!(value.place(0), 10);
        value.push(" ab".into(), 10, 13);
        assert_eq!(value.place(1), 11);
        value.push("cd\te ".into(), 20, 25);
        let tokens: Vec<_> = value
            .tokens()
            .map(|t| (t.text, value.place(t.at)))
            .collect();
        assert_eq!(tokens, [("abcd", 11), ("e", 23)]);
        assert_eq!((value.place(3), value.place(8)), (20, 25));
        assert_eq!(value.trimmed().text, "abcd\te");
    }
}
