//! MS-PCHC 2.2.1: the three requests, and what stands in front of each.
//! Invariant: a request that was decoded is of the version its type belongs to; padding is not looked at.
//! Byte order: big-endian, the version's minor number before its major one.

use core::fmt;

use super::error::{DecodeError, Problem};
use super::segment_information::SEGMENT_INFORMATION_MAX_BYTES;
use super::{BatchedOffer, ContentTag, Version};
use crate::content::SegmentId;
use crate::hash::Digest;
use crate::wire::Reader;

/// Bytes in front of every body: `MESSAGE_HEADER` and `CONNECTION_INFORMATION`.
pub const REQUEST_HEADER_BYTES: usize = 16;
/// The most bytes that any sound request has. Whoever reads requests from a network need not take more.
pub const REQUEST_MAX_BYTES: usize =
    REQUEST_HEADER_BYTES + ContentTag::BYTES + SEGMENT_INFORMATION_MAX_BYTES;

/// `Type`.
//= PCHC-2.2.1.1-04
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageType(pub u16);

impl MessageType {
    /// I have this segment, or some of it.
    pub const INITIAL_OFFER: Self = Self(1);
    /// These are the block hashes of the segment.
    pub const SEGMENT_INFO: Self = Self(2);
    /// I have these segments.
    pub const BATCHED_OFFER: Self = Self(3);

    /// The name in the document, if it has one.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        match self {
            Self::INITIAL_OFFER => Some("INITIAL_OFFER_MESSAGE"),
            Self::SEGMENT_INFO => Some("SEGMENT_INFO_MESSAGE"),
            Self::BATCHED_OFFER => Some("BATCHED_OFFER_MESSAGE"),
            _ => None,
        }
    }

    /// The one version that has it.
    #[must_use]
    pub const fn version(self) -> Option<Version> {
        match self {
            //= PCHC-2.2.1.3-01
            //= PCHC-2.2.1.4-01
            Self::INITIAL_OFFER | Self::SEGMENT_INFO => Some(Version::V1),
            //= PCHC-2.2.1.5-01
            Self::BATCHED_OFFER => Some(Version::V2),
            _ => None,
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

/// Any request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request<'a> {
    /// Version 1.0: a segment is offered.
    InitialOffer(InitialOffer),
    /// Version 1.0: its content information.
    SegmentInfo(SegmentInfo<'a>),
    /// Version 2.0: segments are offered.
    BatchedOffer(BatchedOffer<'a>),
}

/// `INITIAL_OFFER_MESSAGE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InitialOffer {
    /// The port on which the client serves what it offers.
    pub port: u16,
    /// `Hash`: the segment that the client has, in full or in part.
    pub segment: SegmentId,
}

/// `SEGMENT_INFO_MESSAGE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentInfo<'a> {
    /// The port on which the client serves what it offers.
    pub port: u16,
    /// Whose content it is.
    pub content_tag: ContentTag,
    /// Content information of one segment, not looked at yet: see [`super::SegmentInformation`].
    pub segment_information: &'a [u8],
}

impl<'a> Request<'a> {
    /// Decodes the body of an HTTP request.
    ///
    /// # Errors
    /// [`DecodeError`] for anything that is not exactly one request. The content information inside
    /// `SEGMENT_INFO_MESSAGE` is not looked at: what is wrong with it leaves the message well-formed.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        Self::decode_with(Reader::new(bytes))
    }

    /// Decodes what the reader has left.
    ///
    /// # Errors
    /// As [`Request::decode`].
    pub fn decode_with(mut reader: Reader<'a>) -> Result<Self, DecodeError> {
        let reader = &mut reader;
        //= PCHC-2.2.1-01
        let message_type = read_header(reader)?;
        let port = read_connection_information(reader)?;
        match message_type {
            MessageType::INITIAL_OFFER => InitialOffer::read(port, reader).map(Self::InitialOffer),
            MessageType::SEGMENT_INFO => SegmentInfo::read(port, reader).map(Self::SegmentInfo),
            _ => BatchedOffer::read(port, reader).map(Self::BatchedOffer),
        }
    }

    /// Its type.
    #[must_use]
    pub const fn message_type(&self) -> MessageType {
        match self {
            Self::InitialOffer(_) => MessageType::INITIAL_OFFER,
            Self::SegmentInfo(_) => MessageType::SEGMENT_INFO,
            Self::BatchedOffer(_) => MessageType::BATCHED_OFFER,
        }
    }

    /// Its version.
    #[must_use]
    pub const fn version(&self) -> Version {
        match self {
            Self::InitialOffer(_) | Self::SegmentInfo(_) => Version::V1,
            Self::BatchedOffer(_) => Version::V2,
        }
    }

    /// The port on which the client serves what it offers.
    #[must_use]
    pub const fn port(&self) -> u16 {
        match self {
            Self::InitialOffer(offer) => offer.port,
            Self::SegmentInfo(info) => info.port,
            Self::BatchedOffer(offer) => offer.port,
        }
    }

    /// Appends the message.
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        match self {
            Self::InitialOffer(offer) => offer.encode_into(out),
            Self::SegmentInfo(info) => info.encode_into(out),
            Self::BatchedOffer(offer) => offer.encode_into(out),
        }
    }

    /// The message.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode_into(&mut out);
        out
    }
}

//= PCHC-2.2.1.1-01
fn read_header(reader: &mut Reader<'_>) -> Result<MessageType, DecodeError> {
    reader.open("MessageHeader", None);
    reader.open("Version", None);
    let at = reader.at();
    let remaining = reader.remaining();
    // One field in two halves: half of it is none.
    if remaining < 2 {
        let needed = 2;
        return Err(Problem::Truncated { needed, remaining }.at(at, "Version"));
    }
    let minor = reader.u8("MinorVersion")?;
    let major = reader.u8("MajorVersion")?;
    reader.close();
    //= PCHC-2.2.1.1-02
    //= PCHC-2.2.1.1-03
    if minor != 0 || !matches!(major, 1 | 2) {
        return Err(Problem::UnknownVersion { major, minor }.at(at, "Version"));
    }
    let at = reader.at();
    let found = MessageType(reader.u16_be("Type")?);
    reader.means(|| found);
    let Some(version) = found.version() else {
        return Err(Problem::UnknownType { found }.at(at, "Type"));
    };
    if version.major() != major {
        return Err(Problem::WrongVersion { found, major }.at(at, "Type"));
    }
    //= PCHC-2.2.1.1-05
    reader.take(4, "Padding")?;
    reader.close();
    Ok(found)
}

//= PCHC-2.2.1.2-01
fn read_connection_information(reader: &mut Reader<'_>) -> Result<u16, DecodeError> {
    reader.open("ConnectionInformation", None);
    let port = reader.u16_be("Port")?;
    //= PCHC-2.2.1.2-02
    reader.take(6, "Padding")?;
    reader.close();
    Ok(port)
}

/// Appends header and connection information, their padding 0.
pub(super) fn write_head(
    out: &mut Vec<u8>,
    version: Version,
    message_type: MessageType,
    port: u16,
) {
    out.extend_from_slice(&[0, version.major()]);
    out.extend_from_slice(&message_type.0.to_be_bytes());
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&port.to_be_bytes());
    out.extend_from_slice(&[0; 6]);
}

impl InitialOffer {
    fn read(port: u16, reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let at = reader.at();
        let found = reader.remaining();
        let bytes = reader.take(found, "Hash")?;
        //= PCHC-2.2.1.3-02
        let segment = Digest::try_from(bytes)
            .map(SegmentId)
            .map_err(|_| Problem::SegmentIdSize { found }.at(at, "Hash"))?;
        Ok(Self { port, segment })
    }

    /// Appends the message.
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        write_head(out, Version::V1, MessageType::INITIAL_OFFER, self.port);
        out.extend_from_slice(self.segment.0.as_bytes());
    }

    /// The message.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode_into(&mut out);
        out
    }
}

impl<'a> SegmentInfo<'a> {
    /// Offset of `SegmentInformation` in the message.
    pub const SEGMENT_INFORMATION_AT: usize = REQUEST_HEADER_BYTES + ContentTag::BYTES;

    fn read(port: u16, reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        //= PCHC-2.2.1.4-02
        let content_tag = ContentTag(reader.array("ContentTag")?);
        reader.means(|| content_tag);
        let segment_information = reader.take(reader.remaining(), "SegmentInformation")?;
        let info = Self {
            port,
            content_tag,
            segment_information,
        };
        reader.means(|| match info.segment() {
            Ok(segment) => segment.to_string(),
            Err(error) => error.to_string(),
        });
        Ok(info)
    }

    /// Appends the message.
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        write_head(out, Version::V1, MessageType::SEGMENT_INFO, self.port);
        out.extend_from_slice(&self.content_tag.0);
        out.extend_from_slice(self.segment_information);
    }

    /// The message.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode_into(&mut out);
        out
    }
}
