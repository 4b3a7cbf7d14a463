//! RFC 2616 14.35 and 14.16: the part of a body that a request asks for and a response says it has.
//! Invariant: a range that is syntactically wrong is as none; one that is resolved lies within the content.
//! Byte order: none.

use super::list::Scanner;
use super::version::{is_number, number};
use crate::content::ContentRange;

/// How much of the content goes back, whatever the coding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// All of it: status 200.
    Whole,
    /// One range: status 206.
    Part(ContentRange),
    /// Several ranges: the HTTP server makes `multipart/byteranges` of them, or sends all.
    SeveralParts,
    /// Nothing, for no range asked for has bytes: status 416.
    Unsatisfiable,
}

impl Delivery {
    /// Resolves the value of a Range header field against the length of the content.
    #[must_use]
    pub fn of(range: &[u8], length: u64) -> Self {
        Self::parse(range, length).unwrap_or(Self::Whole)
    }

    fn parse(range: &[u8], length: u64) -> Option<Self> {
        let mut scanner = Scanner::new(range, "Range");
        scanner.skip_space();
        let unit = scanner.token();
        scanner.skip_space();
        if !unit.is("bytes") || !scanner.eat(b'=') {
            return None;
        }
        let (mut found, mut several, mut any) = (None, false, false);
        while scanner.next_element().0 {
            let resolved = resolve(scanner.token().text, length)?;
            scanner.end_element().ok()?;
            any = true;
            several |= found.is_some() && resolved.is_some();
            found = found.or(resolved);
        }
        any.then_some(match found {
            _ if several => Self::SeveralParts,
            Some(range) => Self::Part(range),
            None => Self::Unsatisfiable,
        })
    }

    /// The HTTP status that goes with it.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Whole => 200,
            Self::Part(_) | Self::SeveralParts => 206,
            Self::Unsatisfiable => 416,
        }
    }
}

/// `first-last`, `first-` or `-count`: `None` where it is neither, `Some(None)` where no byte of the content is in it.
#[expect(
    clippy::option_option,
    reason = "malformed and unsatisfiable are two answers, both without a range"
)]
fn resolve(text: &[u8], length: u64) -> Option<Option<ContentRange>> {
    let dash = text.iter().position(|byte| *byte == b'-')?;
    let (first, last) = (text.get(..dash)?, text.get(dash + 1..)?);
    // A number past 64 bits is past the end of any content: the largest one says the same.
    let value = |digits: &[u8]| number(digits).unwrap_or(u64::MAX);
    let (start, end) = match (first.is_empty(), last.is_empty()) {
        (true, false) if is_number(last) => {
            let count = value(last).min(length);
            (length - count, length)
        }
        (false, true) if is_number(first) => (value(first), length),
        (false, false) if is_number(first) && is_number(last) => {
            let (first, last) = (value(first), value(last));
            if last < first {
                return None;
            }
            (first, length.min(last.saturating_add(1)))
        }
        _ => return None,
    };
    Some((start < end).then(|| ContentRange {
        start,
        length: end - start,
    }))
}

/// The range in the value of a Content-Range header field of a response with status 206.
pub(super) fn content_range(value: &[u8]) -> Option<ContentRange> {
    let mut scanner = Scanner::new(value, "Content-Range");
    scanner.skip_space();
    let unit = scanner.token();
    scanner.skip_space();
    let range = scanner.token();
    scanner.skip_space();
    if !unit.is("bytes") || !scanner.eat(b'/') {
        return None;
    }
    scanner.skip_space();
    let total = scanner.token().text;
    scanner.end_element().ok()?;
    let dash = range.text.iter().position(|byte| *byte == b'-')?;
    let (first, last) = (range.text.get(..dash)?, range.text.get(dash + 1..)?);
    if !is_number(first) || !is_number(last) || !(is_number(total) || total == b"*") {
        return None;
    }
    let (first, last) = (number(first)?, number(last)?);
    let end = last.checked_add(1)?;
    let within = total == b"*" || number(total).is_none_or(|total| end <= total);
    (first < end && within).then(|| ContentRange {
        start: first,
        length: end - first,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn part(start: u64, length: u64) -> Delivery {
        Delivery::Part(ContentRange { start, length })
    }

    #[test]
    fn ranges_are_resolved_against_the_content() {
        for (text, expected) in [
            ("bytes=0-0", part(0, 1)),
            ("bytes=10-19", part(10, 10)),
            ("bytes=90-", part(90, 10)),
            ("bytes=90-1000", part(90, 10)),
            ("bytes=-10", part(90, 10)),
            ("bytes=-1000", part(0, 100)),
            ("bytes=0-99999999999999999999999", part(0, 100)),
            (" BYTES = 5-6 ", part(5, 2)),
            ("bytes=5-6,", part(5, 2)),
            ("bytes=5-6, 200-300", part(5, 2)),
            ("bytes=5-6,8-9", Delivery::SeveralParts),
            ("bytes=100-", Delivery::Unsatisfiable),
            ("bytes=100-200", Delivery::Unsatisfiable),
            ("bytes=-0", Delivery::Unsatisfiable),
            ("bytes=99999999999999999999999-", Delivery::Unsatisfiable),
            ("", Delivery::Whole),
            ("bytes", Delivery::Whole),
            ("bytes=", Delivery::Whole),
            ("bytes=-", Delivery::Whole),
            ("bytes=6-5", Delivery::Whole),
            ("bytes=a-b", Delivery::Whole),
            ("bytes=1-2-3", Delivery::Whole),
            ("lines=0-1", Delivery::Whole),
            ("bytes=0-1;x", Delivery::Whole),
        ] {
            assert_eq!(Delivery::of(text.as_bytes(), 100), expected, "{text:?}");
        }
        assert_eq!(Delivery::of(b"bytes=0-", 0), Delivery::Unsatisfiable);
        assert_eq!(Delivery::of(b"bytes=-5", 0), Delivery::Unsatisfiable);
        assert_eq!(
            Delivery::of(b"bytes=0-18446744073709551615", u64::MAX),
            part(0, u64::MAX)
        );
    }

    #[test]
    fn a_content_range_is_read_whole_or_not_at_all() {
        let range = |start, length| Some(ContentRange { start, length });
        for (text, expected) in [
            ("bytes 0-9/100", range(0, 10)),
            ("bytes 5-5/*", range(5, 1)),
            ("Bytes 90-99/100", range(90, 10)),
            ("bytes 90-100/100", None),
            ("bytes 9-5/100", None),
            ("bytes */100", None),
            ("bytes 0-9", None),
            ("bytes 0-9/x", None),
            ("bytes 0-18446744073709551615/*", None),
            ("0-9/100", None),
            ("", None),
        ] {
            assert_eq!(content_range(text.as_bytes()), expected, "{text:?}");
        }
    }
}
