//! Bytes written as hexadecimal text.
//! Invariant: an even number of lower-case digits, nothing else; the text of a value is unique.
//! Byte order: as written.

use std::fmt;

use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// Bytes that a vector gives in hexadecimal.
#[derive(Clone, PartialEq, Eq)]
pub struct Hex(pub Vec<u8>);

impl Hex {
    /// Reads lower-case hexadecimal.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digit = |char: u8| match char {
            b'0'..=b'9' => Some(char - b'0'),
            b'a'..=b'f' => Some(char - b'a' + 10),
            _ => None,
        };
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        let bytes = pairs
            .iter()
            .map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?));
        rest.is_empty()
            .then(|| bytes.collect::<Option<_>>().map(Self))
            .flatten()
    }
}

impl From<&[u8]> for Hex {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }
}

impl fmt::Debug for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text)
            .ok_or_else(|| D::Error::custom(format!("{text:?} is not lower-case hexadecimal")))
    }
}
