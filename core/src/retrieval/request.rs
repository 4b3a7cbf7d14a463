//! MS-PCCRR 2.2.4: the four requests.
//! Invariant: what `decode` returns was checked whole; ranges lie in their segment and ids have a length that exists.
//! Byte order: big-endian.

use super::blob::SegmentAges;
use super::error::{DecodeError, Problem};
use super::fields::{
    MessageWriter, REQUEST_ID_FIELDS, RangeFields, read_block_ranges, read_segment_id, read_sized,
    refuse_trailing,
};
use super::header::{MESSAGE_MIN_BYTES, REQUEST_MAX_BYTES};
use super::{
    BlockRanges, CryptoAlgorithm, MessageHeader, MessageType, ProtocolVersion, Quirk, Quirks,
    SegmentIds, VersionRange,
};
use crate::content::SegmentId;
use crate::wire::Reader;

/// A request as it travels in the body of an HTTP POST.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request<'a> {
    /// `ProtVer`.
    pub version: ProtocolVersion,
    /// The algorithm that the client would like; nobody need heed it.
    pub crypto: CryptoAlgorithm,
    /// What is asked.
    pub body: RequestBody<'a>,
}

/// What a request asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestBody<'a> {
    /// `MSG_NEGO_REQ`: the versions of the client, in the hope to learn those of the server.
    Negotiation(VersionRange),
    /// `MSG_GETBLKLIST`.
    BlockList(GetBlockList<'a>),
    /// `MSG_GETBLKS`.
    Blocks(GetBlocks<'a>),
    /// `MSG_GETSEGLIST`.
    SegmentList(GetSegmentList<'a>),
}

/// `MSG_GETBLKLIST`: which of these blocks do you have?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GetBlockList<'a> {
    /// `SegmentID`.
    pub segment: SegmentId,
    /// `NeededBlockRanges`.
    pub needed: BlockRanges<'a>,
}

/// `MSG_GETBLKS`: give me this block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GetBlocks<'a> {
    /// `SegmentID`.
    pub segment: SegmentId,
    /// `ReqBlockRanges`: one block, or too many.
    pub requested: BlockRanges<'a>,
    /// `DataForVrfBlock`, which nobody uses.
    pub verification: &'a [u8],
}

/// `MSG_GETSEGLIST`: which of these segments do you have?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GetSegmentList<'a> {
    /// `RequestID`.
    pub request_id: RequestId,
    /// `SegmentID`, once for each.
    pub segments: SegmentIds<'a>,
    /// `ExtensibleBlob`, not judged yet.
    pub blob: &'a [u8],
}

/// `RequestID` of a segment list exchange.
pub type RequestId = [u8; 16];

const NEEDED_RANGES: RangeFields = RangeFields {
    count: "NeededBlocksRangeCount",
    ranges: "NeededBlockRanges",
    // None is a quirk: it gets an empty answer.
    least: 0,
    requirement: "PCCRR-2.2.4.2-06",
};
const REQUESTED_RANGES: RangeFields = RangeFields {
    count: "ReqBlockRangeCount",
    ranges: "ReqBlockRanges",
    least: 1,
    requirement: "PCCRR-2.2.4.3-03",
};

impl<'a> Request<'a> {
    /// A request as it should be: of the version of its type, preferring AES_128.
    #[must_use]
    pub fn new(body: RequestBody<'a>) -> Self {
        Self {
            version: body.message_type().version(),
            crypto: CryptoAlgorithm::default(),
            body,
        }
    }

    /// Decodes a request.
    ///
    /// # Errors
    /// [`DecodeError`] for anything that is not exactly one request.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        Self::decode_with(Reader::new(bytes))
    }

    /// Decodes all that a reader has left, such as one that tells a trace.
    ///
    /// # Errors
    /// [`DecodeError`] for anything that is not exactly one request.
    pub fn decode_with(mut reader: Reader<'a>) -> Result<Self, DecodeError> {
        let at = reader.at();
        let header = MessageHeader::read(&mut reader)?;
        Self::decode_body(&header, at, reader)
    }

    /// Decodes what follows a header that started at `at`.
    //= PCCRR-2.2.4-01
    pub(super) fn decode_body(
        header: &MessageHeader,
        at: usize,
        mut reader: Reader<'a>,
    ) -> Result<Self, DecodeError> {
        header.check_size(
            at,
            MESSAGE_MIN_BYTES + reader.remaining(),
            REQUEST_MAX_BYTES,
        )?;
        let (body, layout) = match header.message_type {
            MessageType::NEGO_REQ => (read_negotiation(&mut reader), "PCCRR-2.2.4.1-01"),
            MessageType::GETBLKLIST => (read_block_list(&mut reader), "PCCRR-2.2.4.2-01"),
            MessageType::GETBLKS => (read_blocks(&mut reader), "PCCRR-2.2.4.3-01"),
            MessageType::GETSEGLIST => (read_segment_list(&mut reader), "PCCRR-2.2.4.4-01"),
            //= PCCRR-2.2.3-03
            found if found.name().is_some() => {
                let problem = Problem::WrongDirection { found };
                return Err(problem.at(at + 4, "MsgType", "PCCRR-2.2.3-03"));
            }
            //= PCCRR-3.2.5.5-02
            found => {
                let problem = Problem::UnknownType { found };
                return Err(problem.at(at + 4, "MsgType", "PCCRR-3.2.5.5-02"));
            }
        };
        let body = body.map_err(|error| error.in_layout(layout))?;
        refuse_trailing(&reader).map_err(|error| error.in_layout(layout))?;
        Ok(Self {
            version: header.version,
            crypto: header.crypto,
            body,
        })
    }

    /// What a reader has to be lenient about.
    #[must_use]
    pub fn quirks(&self) -> Quirks {
        let mut quirks = Quirks::default();
        quirks.add_if(
            self.version != self.body.message_type().version(),
            Quirk::OtherVersion,
        );
        quirks.add_if(!self.crypto.is_known(), Quirk::UnknownAlgorithm);
        match &self.body {
            RequestBody::BlockList(GetBlockList { needed, .. }) => {
                quirks.add_if(needed.count() == 0, Quirk::ZeroRanges);
                quirks.add_if(!needed.are_normalised(), Quirk::RangesNotNormalised);
            }
            RequestBody::Blocks(GetBlocks { requested, .. }) => {
                //= PCCRR-2.2.3-09
                //= PCCRR-2.2.4.3-04
                quirks.add_if(
                    requested.count() > 1 || requested.iter().any(|range| range.count() > 1),
                    Quirk::ManyBlocksRequested,
                );
                quirks.add_if(!requested.are_normalised(), Quirk::RangesNotNormalised);
            }
            RequestBody::Negotiation(_) | RequestBody::SegmentList(_) => {}
        }
        quirks
    }

    /// Appends the message to `out`.
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        let message_type = self.body.message_type();
        let mut writer = MessageWriter::request(out, self.version, message_type, self.crypto);
        match &self.body {
            RequestBody::Negotiation(versions) => {
                writer
                    .u32(versions.lowest.to_wire())
                    .u32(versions.highest.to_wire());
            }
            RequestBody::BlockList(body) => {
                writer.segment_id(&body.segment).block_ranges(&body.needed);
            }
            RequestBody::Blocks(body) => {
                writer
                    .segment_id(&body.segment)
                    .block_ranges(&body.requested)
                    .sized(body.verification);
            }
            RequestBody::SegmentList(body) => {
                writer.bytes(&body.request_id).count(body.segments.len());
                for segment in body.segments.iter() {
                    writer.segment_id(&segment);
                }
                writer.sized(body.blob);
            }
        }
        writer.finish(0);
    }

    /// The message.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode_into(&mut out);
        out
    }
}

impl RequestBody<'_> {
    /// The type of the message.
    #[must_use]
    pub const fn message_type(&self) -> MessageType {
        match self {
            Self::Negotiation(_) => MessageType::NEGO_REQ,
            Self::BlockList(_) => MessageType::GETBLKLIST,
            Self::Blocks(_) => MessageType::GETBLKS,
            Self::SegmentList(_) => MessageType::GETSEGLIST,
        }
    }
}

/// The two versions of a negotiation, either way.
//= PCCRR-2.2.4.1-01
//= PCCRR-2.2.5.1-01
pub(super) fn read_versions(reader: &mut Reader<'_>) -> Result<VersionRange, DecodeError> {
    let lowest = ProtocolVersion::from_wire(reader.u32_be("MinSupportedProtocolVersion")?);
    reader.means(|| lowest);
    let highest = ProtocolVersion::from_wire(reader.u32_be("MaxSupportedProtocolVersion")?);
    reader.means(|| highest);
    Ok(VersionRange { lowest, highest })
}

fn read_negotiation<'a>(reader: &mut Reader<'a>) -> Result<RequestBody<'a>, DecodeError> {
    read_versions(reader).map(RequestBody::Negotiation)
}

//= PCCRR-2.2.4.2-01
fn read_block_list<'a>(reader: &mut Reader<'a>) -> Result<RequestBody<'a>, DecodeError> {
    Ok(RequestBody::BlockList(GetBlockList {
        segment: read_segment_id(reader, REQUEST_ID_FIELDS)?,
        //= PCCRR-2.2.4.2-06
        needed: read_block_ranges(reader, &NEEDED_RANGES)?,
    }))
}

//= PCCRR-2.2.4.3-01
fn read_blocks<'a>(reader: &mut Reader<'a>) -> Result<RequestBody<'a>, DecodeError> {
    Ok(RequestBody::Blocks(GetBlocks {
        segment: read_segment_id(reader, REQUEST_ID_FIELDS)?,
        //= PCCRR-2.2.4.3-03
        requested: read_block_ranges(reader, &REQUESTED_RANGES)?,
        //= PCCRR-2.2.4.3-05
        verification: read_sized(reader, "SizeOfDataForVrfBlock", "DataForVrfBlock")?,
    }))
}

//= PCCRR-2.2.4.4-01
fn read_segment_list<'a>(reader: &mut Reader<'a>) -> Result<RequestBody<'a>, DecodeError> {
    Ok(RequestBody::SegmentList(GetSegmentList {
        request_id: reader.array("RequestID")?,
        //= PCCRR-2.2.4.4-03
        segments: SegmentIds::read(reader)?,
        //= PCCRR-2.2.4.4-06
        blob: read_blob(reader)?,
    }))
}

/// Reads a blob as it is, and shows in the trace what is in it. Whether it is sound is for its user to ask.
pub(super) fn read_blob<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], DecodeError> {
    let size = reader.u32_be("SizeOfExtensibleBlob")?;
    let inside = *reader;
    let blob = reader.take(
        usize::try_from(size).unwrap_or(usize::MAX),
        "ExtensibleBlob",
    )?;
    if blob.is_empty() {
        return Ok(blob);
    }
    inside.open("ExtensibleBlob version 1", None);
    let ages = SegmentAges::decode_with(inside, blob.len());
    inside.close();
    if let Err(dropped) = ages {
        inside.means(|| format!("dropped: {dropped}"));
    }
    Ok(blob)
}
