//! MS-PCCRTP 2.2 with RFC 2616 14.3 and 14.11: the coding in Accept-Encoding and in Content-Encoding.
//! Invariant: a coding counts as advertised only where it is named; `*` names nothing, and one q=0 is a refusal.
//! Byte order: none.

use super::CODING;
use super::error::{DecodeError, Problem};
use super::list::{Scanner, Span};
use super::quirk::{Quirk, Quirks};
use crate::wire::Trace;

/// What Accept-Encoding says of the coding.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum AcceptEncoding {
    /// Nothing.
    #[default]
    Silent,
    /// The client accepts it.
    Accepted,
    /// The client named it only to refuse it (`q=0`).
    Refused,
}

impl AcceptEncoding {
    /// Decodes the header field's value. An empty one is legal and says nothing.
    ///
    /// # Errors
    /// [`DecodeError`] for anything that the grammar does not allow.
    pub fn decode(value: &[u8]) -> Result<(Self, Quirks), DecodeError> {
        Self::read(value, None)
    }

    /// Decodes and tells `trace` of every coding, up to the error if there is one.
    ///
    /// # Errors
    /// [`DecodeError`] for anything that the grammar does not allow.
    pub fn decode_traced(value: &[u8], trace: &Trace) -> Result<(Self, Quirks), DecodeError> {
        Self::read(value, Some(trace))
    }

    fn read(value: &[u8], trace: Option<&Trace>) -> Result<(Self, Quirks), DecodeError> {
        const FIELD: &str = "Accept-Encoding";
        let mut found = Self::Silent;
        let mut quirks = Quirks::default();
        let mut scanner = Scanner::new(value, FIELD);
        while scanner.next_element().0 {
            let name = coding_name(&mut scanner, trace)?;
            let quality = read_quality(&mut scanner)?;
            scanner.end_element()?;
            //= PCCRTP-2.2-01
            if name.is(CODING) {
                note_case(name, &mut quirks);
                // Named twice, the refusal wins: it is the cautious reading.
                found = found.max(if quality == 0 {
                    Self::Refused
                } else {
                    Self::Accepted
                });
            }
        }
        Ok((found, quirks))
    }
}

/// What Content-Encoding says of the coding.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ContentEncoding {
    /// No coding, or `identity`.
    #[default]
    Identity,
    /// This one alone.
    PeerDist,
    /// Others without this one.
    Other,
    /// This one and others: nothing that any server is known to send.
    Combined,
}

impl ContentEncoding {
    /// Decodes the header field's value.
    ///
    /// # Errors
    /// [`DecodeError`] for anything that the grammar does not allow.
    pub fn decode(value: &[u8]) -> Result<(Self, Quirks), DecodeError> {
        Self::read(value, None)
    }

    /// Decodes and tells `trace` of every coding, up to the error if there is one.
    ///
    /// # Errors
    /// [`DecodeError`] for anything that the grammar does not allow.
    pub fn decode_traced(value: &[u8], trace: &Trace) -> Result<(Self, Quirks), DecodeError> {
        Self::read(value, Some(trace))
    }

    fn read(value: &[u8], trace: Option<&Trace>) -> Result<(Self, Quirks), DecodeError> {
        const FIELD: &str = "Content-Encoding";
        let mut found = Self::Identity;
        let mut quirks = Quirks::default();
        let mut scanner = Scanner::new(value, FIELD);
        let mut empty = true;
        while scanner.next_element().0 {
            empty = false;
            let name = coding_name(&mut scanner, trace)?;
            scanner.end_element()?;
            if name.is(CODING) {
                note_case(name, &mut quirks);
                found = found.with(Self::PeerDist);
            } else if !name.is("identity") {
                found = found.with(Self::Other);
            }
        }
        if empty {
            return Err(Problem::EmptyList.at(0, FIELD));
        }
        Ok((found, quirks))
    }

    /// One coding more on top.
    pub(super) const fn with(self, coding: Self) -> Self {
        match (self, coding) {
            (Self::Identity, coding) => coding,
            (coding, Self::Identity) => coding,
            (Self::Other, Self::Other) => Self::Other,
            _ => Self::Combined,
        }
    }
}

fn coding_name<'a>(
    scanner: &mut Scanner<'a>,
    trace: Option<&Trace>,
) -> Result<Span<'a>, DecodeError> {
    let name = scanner.token();
    if name.text.is_empty() {
        return Err(scanner.fault(Problem::ParameterName));
    }
    if let Some(trace) = trace {
        trace.add("content-coding", name.at, name.text.len(), None);
        trace.means(String::from_utf8_lossy(name.text).into_owned());
    }
    Ok(name)
}

fn note_case(name: Span<'_>, quirks: &mut Quirks) {
    if name.text != CODING.as_bytes() {
        quirks.add(Quirk::CodingCase);
    }
}

/// The quality behind a coding in thousandths, 1000 where there is none.
fn read_quality(scanner: &mut Scanner<'_>) -> Result<u32, DecodeError> {
    scanner.skip_space();
    if !scanner.eat(b';') {
        return Ok(1000);
    }
    scanner.skip_space();
    let fault = scanner.fault(Problem::Quality);
    let name = scanner.token();
    scanner.skip_space();
    if !name.is("q") || !scanner.eat(b'=') {
        return Err(fault);
    }
    scanner.skip_space();
    let fault = scanner.fault(Problem::Quality);
    let value = scanner.token();
    thousandths(value.text).ok_or(fault)
}

fn thousandths(text: &[u8]) -> Option<u32> {
    let (whole, decimals) = match text {
        [whole] | [whole, b'.'] => (*whole, &[][..]),
        [whole, b'.', decimals @ ..] if decimals.len() <= 3 => (*whole, decimals),
        _ => return None,
    };
    let digit = |byte: u8| byte.is_ascii_digit().then(|| u32::from(byte - b'0'));
    let mut sum = digit(whole)? * 1000;
    for (byte, weight) in decimals.iter().zip([100, 10, 1]) {
        sum += digit(*byte)? * weight;
    }
    (sum <= 1000).then_some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(text: &str) -> AcceptEncoding {
        AcceptEncoding::decode(text.as_bytes()).unwrap().0
    }

    fn refused(text: &str) -> (usize, &'static str) {
        let error = AcceptEncoding::decode(text.as_bytes()).unwrap_err();
        (error.at, error.problem.name())
    }

    #[test]
    fn only_naming_the_coding_advertises_it() {
        use AcceptEncoding::{Accepted, Refused, Silent};
        for (text, expected) in [
            ("gzip, deflate, peerdist", Accepted),
            ("peerdist", Accepted),
            ("PeerDist", Accepted),
            ("gzip,peerdist;q=0.001", Accepted),
            ("peerdist ; q = 1.000", Accepted),
            ("peerdist;q=1.", Accepted),
            (",,peerdist,,", Accepted),
            ("gzip,\r\n peerdist", Accepted),
            ("peerdist;q=0", Refused),
            ("peerdist;Q=0.000", Refused),
            ("peerdist, peerdist;q=0", Refused),
            ("peerdist;q=0, peerdist", Refused),
            ("", Silent),
            ("*", Silent),
            ("*;q=0.5, gzip", Silent),
            ("xpeerdist, peerdist2, peer-dist", Silent),
            ("identity", Silent),
        ] {
            assert_eq!(accepted(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_coding_in_another_case_is_reported() {
        let quirks = |text: &[u8]| AcceptEncoding::decode(text).unwrap().1;
        assert!(quirks(b"gzip, PeerDist").contains(Quirk::CodingCase));
        assert!(quirks(b"GZIP, peerdist").is_empty());
    }

    #[test]
    fn malformed_qualities_are_refused_where_they_stand() {
        assert_eq!(refused("gzip, peerdist;q=2"), (17, "quality"));
        assert_eq!(refused("peerdist;q=1.001"), (11, "quality"));
        assert_eq!(refused("peerdist;q=0.1234"), (11, "quality"));
        assert_eq!(refused("peerdist;q="), (11, "quality"));
        assert_eq!(refused("peerdist;q"), (9, "quality"));
        assert_eq!(refused("peerdist;"), (9, "quality"));
        assert_eq!(refused("peerdist;level=1"), (9, "quality"));
        assert_eq!(refused("peerdist;q=.5"), (11, "quality"));
        assert_eq!(refused("peerdist gzip"), (9, "separator"));
        assert_eq!(refused("gzip, \"peerdist\""), (6, "parameter-name"));
        assert_eq!(refused("gzip\r\n"), (4, "separator"));
    }

    #[test]
    fn content_encoding_tells_this_coding_from_others_and_from_both() {
        use ContentEncoding::{Combined, Identity, Other, PeerDist};
        for (text, expected) in [
            ("peerdist", PeerDist),
            ("PeerDist", PeerDist),
            ("identity, peerdist", PeerDist),
            ("identity", Identity),
            ("gzip", Other),
            ("gzip, br", Other),
            ("peerdist, gzip", Combined),
            ("gzip, peerdist", Combined),
            ("peerdist, peerdist", Combined),
        ] {
            let (found, _) = ContentEncoding::decode(text.as_bytes()).unwrap();
            assert_eq!(found, expected, "{text:?}");
        }
        let error = ContentEncoding::decode(b" , ").unwrap_err();
        assert_eq!((error.at, error.problem), (0, Problem::EmptyList));
        let error = ContentEncoding::decode(b"peerdist;q=1").unwrap_err();
        assert_eq!((error.at, error.problem), (8, Problem::Separator));
    }
}
