//! MS-PCCRR 2.2.2, 2.2.3: the sizes and headers in front of every message, and the numbers in them.
//! Invariant: a number without a known meaning keeps its value, so that it survives a round trip.
//! Byte order: big-endian.

use core::fmt;

use super::ProtocolVersion;
use super::error::{DecodeError, Problem};
use crate::cipher::BlockCipher;
use crate::wire::{Reader, Truncated};

/// The fewest bytes of a message: those of its header.
pub const MESSAGE_MIN_BYTES: usize = 16;
/// The most bytes of a request.
pub const REQUEST_MAX_BYTES: usize = 96 << 10;
/// The most bytes of a response, without the size in front.
pub const RESPONSE_MAX_BYTES: usize = 384 << 10;
/// Bytes of `TRANSPORT_RESPONSE_HEADER`.
pub const TRANSPORT_HEADER_BYTES: usize = 4;

/// `MsgType`.
//= PCCRR-2.2.3-06
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageType(pub u32);

impl MessageType {
    /// Which versions do you support?
    pub const NEGO_REQ: Self = Self(0);
    /// These versions.
    pub const NEGO_RESP: Self = Self(1);
    /// Which of these blocks do you have?
    pub const GETBLKLIST: Self = Self(2);
    /// Give me this block.
    pub const GETBLKS: Self = Self(3);
    /// These blocks.
    pub const BLKLIST: Self = Self(4);
    /// This block.
    pub const BLK: Self = Self(5);
    /// Which of these segments do you have?
    pub const GETSEGLIST: Self = Self(6);
    /// These segments.
    pub const SEGLIST: Self = Self(7);

    /// The name in the document.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::NEGO_REQ => "MSG_NEGO_REQ",
            Self::NEGO_RESP => "MSG_NEGO_RESP",
            Self::GETBLKLIST => "MSG_GETBLKLIST",
            Self::GETBLKS => "MSG_GETBLKS",
            Self::BLKLIST => "MSG_BLKLIST",
            Self::BLK => "MSG_BLK",
            Self::GETSEGLIST => "MSG_GETSEGLIST",
            Self::SEGLIST => "MSG_SEGLIST",
            _ => return None,
        })
    }

    /// The version that messages of this type carry.
    //= PCCRR-1.7-01
    //= PCCRR-2.2.3-05
    //= PCCRR-2.2.3-07
    //= PCCRR-2.2.3-08
    #[must_use]
    pub const fn version(self) -> ProtocolVersion {
        match self {
            Self::GETSEGLIST | Self::SEGLIST => ProtocolVersion::V2_0,
            _ => ProtocolVersion::V1_0,
        }
    }
}

impl fmt::Display for MessageType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "type {:#x}", self.0),
        }
    }
}

impl fmt::Debug for MessageType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MessageType({self})")
    }
}

/// `CryptoAlgoId`.
//= PCCRR-2.2.3-15
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CryptoAlgorithm(pub u32);

impl CryptoAlgorithm {
    /// No encryption.
    pub const NONE: Self = Self(0);
    /// AES-CBC with a key of 128 bits, what everybody uses.
    pub const AES_128: Self = Self(1);
    /// AES-CBC with a key of 192 bits.
    pub const AES_192: Self = Self(2);
    /// AES-CBC with a key of 256 bits.
    pub const AES_256: Self = Self(3);

    /// Whether the document knows the number.
    #[must_use]
    pub const fn is_known(self) -> bool {
        self.0 <= 3
    }

    /// The cipher, unless there is none or the number is not known.
    #[must_use]
    pub const fn cipher(self) -> Option<BlockCipher> {
        match self {
            Self::AES_128 => Some(BlockCipher::Aes128),
            Self::AES_192 => Some(BlockCipher::Aes192),
            Self::AES_256 => Some(BlockCipher::Aes256),
            _ => None,
        }
    }
}

impl Default for CryptoAlgorithm {
    //= PCCRR-2.2.3-13
    fn default() -> Self {
        Self::AES_128
    }
}

impl fmt::Display for CryptoAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::NONE => f.write_str("no encryption"),
            Self::AES_128 => f.write_str("AES_128"),
            Self::AES_192 => f.write_str("AES_192"),
            Self::AES_256 => f.write_str("AES_256"),
            Self(number) => write!(f, "algorithm {number:#x}"),
        }
    }
}

impl fmt::Debug for CryptoAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CryptoAlgorithm({self})")
    }
}

/// `MESSAGE_HEADER`, not yet judged: all four fields as they came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageHeader {
    /// `ProtVer`.
    pub version: ProtocolVersion,
    /// `MsgType`.
    pub message_type: MessageType,
    /// `MsgSize`.
    pub size: u32,
    /// `CryptoAlgoId`.
    pub crypto: CryptoAlgorithm,
}

impl MessageHeader {
    /// Reads a header, which is 16 bytes whatever the version.
    ///
    /// # Errors
    /// [`Truncated`] where there are fewer.
    //= PCCRR-2.2.3-01
    pub fn read(reader: &mut Reader<'_>) -> Result<Self, Truncated> {
        reader.open("MESSAGE_HEADER", None);
        let version = ProtocolVersion::from_wire(reader.u32_be("ProtVer")?);
        reader.means(|| version);
        let message_type = MessageType(reader.u32_be("MsgType")?);
        reader.means(|| message_type);
        let size = reader.u32_be("MsgSize")?;
        let crypto = CryptoAlgorithm(reader.u32_be("CryptoAlgoId")?);
        reader.means(|| crypto);
        reader.close();
        Ok(Self {
            version,
            message_type,
            size,
            crypto,
        })
    }

    /// Whether `MsgSize` is within the limits and the length of what is there.
    pub(super) fn check_size(
        &self,
        at: usize,
        found: usize,
        most: usize,
    ) -> Result<(), DecodeError> {
        check_size(self.size, at + 8, "MsgSize", found, most)
    }
}

/// Whether a size field is within the limits and tells the length of what is there.
pub(super) fn check_size(
    claimed: u32,
    at: usize,
    field: &'static str,
    found: usize,
    most: usize,
) -> Result<(), DecodeError> {
    let size = usize::try_from(claimed).unwrap_or(usize::MAX);
    if !(MESSAGE_MIN_BYTES..=most).contains(&size) {
        //= PCCRR-2.2-02
        //= PCCRR-2.2.3-11
        //= PCCRR-2.2.3-12
        let problem = Problem::SizeOutOfLimits {
            claimed,
            least: MESSAGE_MIN_BYTES,
            most,
        };
        let requirement = match (field, most) {
            ("Size", _) => "PCCRR-2.2.2-02",
            (_, REQUEST_MAX_BYTES) => "PCCRR-2.2.3-11",
            _ => "PCCRR-2.2.3-12",
        };
        return Err(problem.at(at, field, requirement));
    }
    if size != found {
        //= PCCRR-2.1.1-02
        //= PCCRR-2.2.2-01
        //= PCCRR-2.2.3-10
        let problem = Problem::SizeMismatch { claimed, found };
        let requirement = match field {
            "Size" => "PCCRR-2.2.2-01",
            _ => "PCCRR-2.2.3-10",
        };
        return Err(problem.at(at, field, requirement));
    }
    Ok(())
}
