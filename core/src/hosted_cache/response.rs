//! MS-PCHC 2.2.2: the answer of a hosted cache, five bytes.
//! Invariant: a response that was decoded has the size it claims; its code may be any byte.
//! Byte order: big-endian.

use core::fmt;

use super::error::{DecodeError, Problem};
use crate::wire::Reader;

/// Bytes of a response.
pub const RESPONSE_BYTES: usize = 5;

/// `ResponseCode`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResponseCode(pub u8);

impl ResponseCode {
    /// The cache knows enough to fetch what it wants.
    pub const OK: Self = Self(0);
    /// The cache needs the block hashes first.
    pub const INTERESTED: Self = Self(1);

    /// The name in the document, if it has one.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        match self {
            Self::OK => Some("OK"),
            Self::INTERESTED => Some("INTERESTED"),
            _ => None,
        }
    }
}

impl fmt::Display for ResponseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "code {:#04x}", self.0),
        }
    }
}

impl fmt::Debug for ResponseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ResponseCode({self})")
    }
}

/// The answer to any of the three requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Response {
    /// What the cache says.
    pub code: ResponseCode,
}

impl Response {
    /// Decodes the body of an HTTP response.
    ///
    /// # Errors
    /// [`DecodeError`] for anything that is not exactly one response.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        Self::decode_with(Reader::new(bytes))
    }

    /// Decodes what the reader has left.
    ///
    /// # Errors
    /// As [`Response::decode`].
    pub fn decode_with(mut reader: Reader<'_>) -> Result<Self, DecodeError> {
        reader.open("Transportheader", None);
        let at = reader.at();
        let claimed = reader.u32_be("Size")?;
        reader.close();
        //= PCHC-2.2.2.1-01
        if claimed != 1 {
            return Err(Problem::SizeMismatch { claimed }.at(at, "Size"));
        }
        //= PCHC-2.2.2.2-01
        let code = ResponseCode(reader.u8("ResponseCode")?);
        reader.means(|| code);
        match reader.remaining() {
            0 => Ok(Self { code }),
            count => Err(Problem::TrailingBytes { count }.at(reader.at(), "ResponseCode")),
        }
    }

    /// Appends the response.
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_bytes());
    }

    /// The response.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.to_bytes().to_vec()
    }

    /// The response, without a vector for it.
    #[must_use]
    pub const fn to_bytes(&self) -> [u8; RESPONSE_BYTES] {
        [0, 0, 0, 1, self.code.0]
    }
}

impl From<ResponseCode> for Response {
    fn from(code: ResponseCode) -> Self {
        Self { code }
    }
}
