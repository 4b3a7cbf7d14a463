//! RFC 9110 8.8.3 and 13.1: entity tags, lists of them, and the tag that a representation under the coding has.
//! Invariant: what cannot be read matches nothing.
//! Byte order: none.

use http::HeaderValue;

/// What a tag of the plain representation has before its last quote under the coding.
const SUFFIX: &[u8] = b"-peerdist";

/// A tag: whether it is weak, and its text between the quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct EntityTag<'a> {
    pub(super) weak: bool,
    opaque: &'a [u8],
}

impl<'a> EntityTag<'a> {
    pub(super) fn parse(text: &'a [u8]) -> Option<Self> {
        let (tag, rest) = Self::parse_first(text.trim_ascii())?;
        rest.is_empty().then_some(tag)
    }

    fn parse_first(text: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (weak, text) = match text.strip_prefix(b"W/") {
            Some(text) => (true, text),
            None => (false, text),
        };
        let text = text.strip_prefix(b"\"")?;
        let end = text.iter().position(|byte| *byte == b'"')?;
        let (opaque, rest) = text.split_at_checked(end)?;
        let is_plain = opaque.iter().all(|byte| *byte > b' ' && *byte != 0x7f);
        is_plain.then_some((Self { weak, opaque }, rest.get(1..)?))
    }

    /// RFC 9110 8.8.3.2: the same text, and none of them weak.
    pub(super) fn is_strongly(self, other: EntityTag<'_>) -> bool {
        !self.weak && !other.weak && self.opaque == other.opaque
    }

    /// RFC 9110 8.8.3.2: the same text.
    pub(super) fn is_weakly(self, other: EntityTag<'_>) -> bool {
        self.opaque == other.opaque
    }
}

/// The tags of a list; one that is malformed ends it.
pub(super) fn tags(mut list: &[u8]) -> impl Iterator<Item = EntityTag<'_>> {
    std::iter::from_fn(move || {
        while let Some((b' ' | b'\t' | b',', rest)) = list.split_first() {
            list = rest;
        }
        let (tag, rest) = EntityTag::parse_first(list)?;
        list = rest;
        Some(tag)
    })
}

/// The tag that the representation under the coding has.
pub(super) fn coded(tag: &HeaderValue) -> Option<HeaderValue> {
    EntityTag::parse(tag.as_bytes())?;
    let text = tag.as_bytes().trim_ascii().strip_suffix(b"\"")?;
    HeaderValue::from_bytes(&[text, SUFFIX, b"\""].concat()).ok()
}

/// The same list or tag, each tag as the plain representation has it. `None`: there was nothing to change.
///
/// A client that decoded what it got keeps it under the tag that came with it, and asks with that tag.
pub(super) fn plain(list: &HeaderValue) -> Option<HeaderValue> {
    let text = list.as_bytes();
    let end = [SUFFIX, b"\""].concat();
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((byte, after)) = rest.split_first() {
        if let Some(after) = rest.strip_prefix(end.as_slice()) {
            out.push(b'"');
            rest = after;
        } else {
            out.push(*byte);
            rest = after;
        }
    }
    (out.len() != text.len())
        .then(|| HeaderValue::from_bytes(&out).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &'static str) -> HeaderValue {
        HeaderValue::from_static(text)
    }

    #[test]
    fn lists_are_read_with_commas_inside_of_tags_and_end_at_what_is_no_tag() {
        let texts = |list: &'static str| {
            tags(list.as_bytes())
                .map(|tag| (tag.weak, std::str::from_utf8(tag.opaque).unwrap()))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            texts(r#""a", W/"b,c" ,"","#),
            [(false, "a"), (true, "b,c"), (false, "")]
        );
        assert_eq!(texts(r#""a", b, "c""#), [(false, "a")]);
        assert_eq!(texts("*"), []);
        assert_eq!(texts(r#""open"#), []);
        assert!(EntityTag::parse(br#""a" x"#).is_none());
    }

    #[test]
    fn a_coded_tag_is_another_and_leads_back_to_the_plain_one() {
        for (one, other) in [("\"a\"", "\"a-peerdist\""), ("W/\"a\"", "W/\"a-peerdist\"")] {
            assert_eq!(coded(&value(one)), Some(value(other)));
            assert_eq!(plain(&value(other)), Some(value(one)));
            assert_eq!(plain(&value(one)), None);
        }
        assert_eq!(coded(&value("a")), None);
        let list = value("\"a-peerdist\", \"b\", W/\"c-peerdist\"");
        assert_eq!(plain(&list), Some(value("\"a\", \"b\", W/\"c\"")));
    }
}
