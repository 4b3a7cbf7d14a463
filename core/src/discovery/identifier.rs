//! WS-Addressing identifiers (MS-PCCRD 2.2.3.4, 4.1): who sent a message, which message it is, which one it answers.
//! Invariant: an [`Identifier`] is not empty, has no white space and at most [`MAX_IDENTIFIER_BYTES`] bytes.
//! Byte order: a [`Uuid`] is printed most significant byte first, as RFC 4122 has it.

use core::fmt::{self, Write as _};

use super::error::{DecodeError, Problem};
use super::value::Value;
use super::{MAX_IDENTIFIER_BYTES, encoding::Document};
use crate::entropy::Entropy;

const UUID_SCHEME: &str = "urn:uuid:";

/// A universally unique identifier.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Uuid(pub [u8; 16]);

impl Uuid {
    /// The next of a stream: version 4, variant 1.
    pub fn random(entropy: &mut Entropy) -> Self {
        let mut number = u128::from_be_bytes(entropy.bytes());
        number = number & !(0xF << 76) | 0x4 << 76;
        number = number & !(0x3 << 62) | 0x2 << 62;
        Self(number.to_be_bytes())
    }

    /// Reads the form of 8, 4, 4, 4 and 12 digits in either case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut number = 0;
        let mut length = 0;
        for (at, c) in text.chars().enumerate() {
            if matches!(at, 8 | 13 | 18 | 23) {
                (c == '-').then_some(())?;
            } else {
                number = number << 4 | u128::from(c.to_digit(16)?);
            }
            length = at + 1;
        }
        (length == 36).then(|| Self(number.to_be_bytes()))
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, byte) in self.0.iter().enumerate() {
            let dash = if matches!(place, 4 | 6 | 8 | 10) {
                "-"
            } else {
                ""
            };
            write!(f, "{dash}{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Uuid({self})")
    }
}

/// A URI that names a message or a sender; kept as it was written, for an answer repeats it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Identifier(String);

impl Identifier {
    /// Takes a URI from elsewhere.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let fits = (1..=MAX_IDENTIFIER_BYTES).contains(&text.len());
        let is_plain = |c: char| !c.is_whitespace() && !c.is_control();
        (fits && text.chars().all(is_plain)).then(|| Self(text.to_owned()))
    }

    /// As it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The UUID in it, where it is a `urn:uuid:`.
    #[must_use]
    pub fn uuid(&self) -> Option<Uuid> {
        let (scheme, uuid) = self.0.split_at_checked(UUID_SCHEME.len())?;
        scheme
            .eq_ignore_ascii_case(UUID_SCHEME)
            .then(|| Uuid::parse(uuid))?
    }

    pub(super) fn read(
        document: &Document<'_>,
        value: &Value<'_>,
        field: &'static str,
    ) -> Result<Self, DecodeError> {
        let token = value.trimmed();
        let end = value.place(token.at + token.text.len());
        document.field(field, value.place(token.at), end, None);
        document.means(|| token.text.to_owned());
        Self::new(token.text).ok_or_else(|| {
            let problem = Problem::Identifier {
                length: token.text.len(),
                most: MAX_IDENTIFIER_BYTES,
            };
            document.error(problem, value.place(token.at), field)
        })
    }
}

impl From<Uuid> for Identifier {
    fn from(uuid: Uuid) -> Self {
        // 36 digits and dashes: with room from the start nothing grows on the way.
        let mut text = String::with_capacity(UUID_SCHEME.len() + 36);
        text.push_str(UUID_SCHEME);
        // A string takes all that is written to it.
        let _ = write!(text, "{uuid}");
        Self(text)
    }
}

impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::Purpose;

    #[test]
    fn a_uuid_prints_as_it_is_read() {
        let text = "91528b47-b96d-4e30-981f-308c0586926f";
        let uuid = Uuid::parse(text).unwrap();
        assert_eq!(uuid.to_string(), text);
        assert_eq!(Uuid::parse(&text.to_uppercase()), Some(uuid));
        for wrong in [
            "",
            "91528b47",
            &text[1..],
            &format!("{text}0"),
            &text.replace('-', "0"),
        ] {
            assert_eq!(Uuid::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn random_uuids_differ_and_say_that_they_are_random() {
        let mut entropy = Entropy::from_u64(1, Purpose::Uuid);
        let first = Uuid::random(&mut entropy).to_string();
        let second = Uuid::random(&mut entropy).to_string();
        assert_ne!(first, second);
        for text in [first, second] {
            assert_eq!(&text[14..15], "4");
            assert!("89ab".contains(&text[19..20]));
        }
    }

    #[test]
    fn an_identifier_holds_what_a_uri_may_be() {
        let uuid = Uuid([7; 16]);
        assert_eq!(Identifier::from(uuid).uuid(), Some(uuid));
        let upper = Identifier::from(uuid).as_str().to_uppercase();
        assert_eq!(Identifier::new(&upper).unwrap().uuid(), Some(uuid));
        assert_eq!(Identifier::new("http://a?b&c").unwrap().uuid(), None);
        assert_eq!(Identifier::new("urn:uu\u{e9}d:").unwrap().uuid(), None);
        assert_eq!(Identifier::new(""), None);
        assert_eq!(Identifier::new("a b"), None);
        assert_eq!(Identifier::new(&"a".repeat(MAX_IDENTIFIER_BYTES + 1)), None);
    }
}
