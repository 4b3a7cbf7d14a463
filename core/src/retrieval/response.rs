//! MS-PCCRR 2.2.5: the four responses, each behind the size that the transport puts in front.
//! Invariant: what `decode` returns was checked whole; a block encrypted with AES has its vector and whole cipher blocks.
//! Byte order: big-endian.

use super::error::{DecodeError, Problem};
use super::fields::{
    MessageWriter, RESPONSE_ID_FIELDS, RangeFields, padding, read_block_ranges, read_padding,
    read_segment_id, read_sized, refuse_trailing,
};
use super::header::{
    MESSAGE_MIN_BYTES, REQUEST_MAX_BYTES, RESPONSE_MAX_BYTES, TRANSPORT_HEADER_BYTES, check_size,
};
use super::request::{RequestId, read_blob, read_versions};
use super::{
    BlockRanges, CryptoAlgorithm, MessageHeader, MessageType, ProtocolVersion, Quirk, Quirks,
    SegmentRanges, VersionRange,
};
use crate::cipher::BLOCK_LEN;
use crate::content::SegmentId;
use crate::wire::Reader;

/// A response as it travels in the body of an HTTP response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Response<'a> {
    /// `ProtVer`.
    pub version: ProtocolVersion,
    /// The algorithm that the server encrypts with.
    pub crypto: CryptoAlgorithm,
    /// What is answered.
    pub body: ResponseBody<'a>,
}

/// What a response answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponseBody<'a> {
    /// `MSG_NEGO_RESP`: the versions of the server.
    Negotiation(VersionRange),
    /// `MSG_BLKLIST`.
    BlockList(BlockList<'a>),
    /// `MSG_BLK`.
    Block(Block<'a>),
    /// `MSG_SEGLIST`.
    SegmentList(SegmentList<'a>),
}

/// `MSG_BLKLIST`: I have these blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockList<'a> {
    /// `SegmentId`.
    pub segment: SegmentId,
    /// `BlockRanges`.
    pub available: BlockRanges<'a>,
    /// `NextBlockIndex`, a hint: 0 where there is none.
    pub next: u32,
}

/// `MSG_BLK`: here is this block, or nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block<'a> {
    /// `SegmentId`.
    pub segment: SegmentId,
    /// `BlockIndex`.
    pub index: u32,
    /// `NextBlockIndex`, a hint: 0 where there is none.
    pub next: u32,
    /// `Block`, encrypted as the header says; empty where the server does not have it.
    pub payload: &'a [u8],
    /// `VrfBlock`, which nobody uses.
    pub verification: &'a [u8],
    /// `IVBlock`.
    pub iv: &'a [u8],
}

/// `MSG_SEGLIST`: I have these segments, or parts of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentList<'a> {
    /// `RequestID` of the request.
    pub request_id: RequestId,
    /// `SegmentRanges`, over the ids of the request.
    pub available: SegmentRanges<'a>,
    /// `ExtensibleBlob`, not judged yet.
    pub blob: &'a [u8],
}

const AVAILABLE_RANGES: RangeFields = RangeFields {
    count: "BlockRangeCount",
    ranges: "BlockRanges",
    least: 0,
    requirement: "PCCRR-2.2.4.2-06",
};

impl<'a> Response<'a> {
    /// A response as it should be: of the version of its type.
    #[must_use]
    pub fn new(crypto: CryptoAlgorithm, body: ResponseBody<'a>) -> Self {
        Self {
            version: body.message_type().version(),
            crypto,
            body,
        }
    }

    /// Decodes a response with the size in front.
    ///
    /// # Errors
    /// [`DecodeError`] for anything that is not exactly one response.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        Self::decode_with(Reader::new(bytes))
    }

    /// Decodes all that a reader has left, such as one that tells a trace.
    ///
    /// # Errors
    /// [`DecodeError`] for anything that is not exactly one response.
    //= PCCRR-2.2.5-01
    pub fn decode_with(mut reader: Reader<'a>) -> Result<Self, DecodeError> {
        reader.open("TRANSPORT_RESPONSE_HEADER", None);
        let at = reader.at();
        let size = reader
            .u32_be("Size")
            .map_err(|error| DecodeError::from(error).in_layout("PCCRR-2.2.2-01"))?;
        reader.close();
        //= PCCRR-2.2.2-02
        check_size(size, at, "Size", reader.remaining(), RESPONSE_MAX_BYTES)?;
        let at = reader.at();
        let header = MessageHeader::read(&mut reader)?;
        header.check_size(
            at,
            MESSAGE_MIN_BYTES + reader.remaining(),
            RESPONSE_MAX_BYTES,
        )?;
        let (body, layout) = match header.message_type {
            MessageType::NEGO_RESP => (
                read_versions(&mut reader).map(ResponseBody::Negotiation),
                "PCCRR-2.2.5.1-01",
            ),
            MessageType::BLKLIST => (read_block_list(&mut reader), "PCCRR-2.2.5.2-01"),
            MessageType::BLK => (read_block(&mut reader, header.crypto), "PCCRR-2.2.5.3-01"),
            MessageType::SEGLIST => (read_segment_list(&mut reader), "PCCRR-2.2.5.4-01"),
            //= PCCRR-2.2.3-02
            found if found.name().is_some() => {
                let problem = Problem::WrongDirection { found };
                return Err(problem.at(at + 4, "MsgType", "PCCRR-2.2.3-02"));
            }
            //= PCCRR-3.1.5.5-01
            found => {
                let problem = Problem::UnknownType { found };
                return Err(problem.at(at + 4, "MsgType", "PCCRR-3.1.5.5-01"));
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
        quirks.add_if(
            self.message_len() > REQUEST_MAX_BYTES,
            Quirk::ResponseOver96k,
        );
        let encrypts =
            matches!(&self.body, ResponseBody::Block(block) if !block.payload.is_empty());
        quirks.add_if(
            !self.crypto.is_known() && !encrypts,
            Quirk::UnknownAlgorithm,
        );
        if let ResponseBody::BlockList(list) = &self.body {
            //= PCCRR-2.2.5.2-05
            quirks.add_if(!list.available.are_normalised(), Quirk::RangesNotNormalised);
        }
        quirks
    }

    /// Bytes of the message, without the size in front: what `MsgSize` says.
    #[must_use]
    pub fn message_len(&self) -> usize {
        let body = match &self.body {
            ResponseBody::Negotiation(_) => 8,
            ResponseBody::BlockList(list) => {
                4 + list.segment.0.as_bytes().len() + 4 + 8 * list.available.count() + 4
            }
            ResponseBody::Block(block) => {
                block_head_len(&block.segment)
                    + padded(block.payload.len())
                    + 4
                    + padded(block.verification.len())
                    + 4
                    + block.iv.len()
            }
            ResponseBody::SegmentList(list) => {
                16 + 4 + 8 * list.available.count() + 4 + list.blob.len()
            }
        };
        MESSAGE_MIN_BYTES + body
    }

    /// Appends the message to `out`, with the size in front.
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        let message_type = self.body.message_type();
        let mut writer = MessageWriter::response(out, self.version, message_type, self.crypto);
        match &self.body {
            ResponseBody::Negotiation(versions) => {
                writer
                    .u32(versions.lowest.to_wire())
                    .u32(versions.highest.to_wire());
            }
            ResponseBody::BlockList(list) => {
                writer
                    .segment_id(&list.segment)
                    .block_ranges(&list.available)
                    .u32(list.next);
            }
            ResponseBody::Block(block) => {
                writer
                    .segment_id(&block.segment)
                    .u32(block.index)
                    .u32(block.next)
                    .sized(block.payload)
                    .padding_after(block.payload.len())
                    .sized(block.verification)
                    .padding_after(block.verification.len())
                    .sized(block.iv);
            }
            ResponseBody::SegmentList(list) => {
                writer.bytes(&list.request_id).count(list.available.count());
                for range in list.available.iter() {
                    writer.range(range.first(), range.count());
                }
                writer.sized(list.blob);
            }
        }
        writer.finish(0);
    }

    /// The message, with the size in front.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(TRANSPORT_HEADER_BYTES + self.message_len());
        self.encode_into(&mut out);
        out
    }
}

impl ResponseBody<'_> {
    /// The type of the message.
    #[must_use]
    pub const fn message_type(&self) -> MessageType {
        match self {
            Self::Negotiation(_) => MessageType::NEGO_RESP,
            Self::BlockList(_) => MessageType::BLKLIST,
            Self::Block(_) => MessageType::BLK,
            Self::SegmentList(_) => MessageType::SEGLIST,
        }
    }
}

/// Bytes of a block message between its header and `Block`.
pub(super) fn block_head_len(segment: &SegmentId) -> usize {
    4 + segment.0.as_bytes().len() + 12
}

pub(super) const fn padded(length: usize) -> usize {
    length + padding(length)
}

//= PCCRR-2.2.5.2-01
fn read_block_list<'a>(reader: &mut Reader<'a>) -> Result<ResponseBody<'a>, DecodeError> {
    Ok(ResponseBody::BlockList(BlockList {
        segment: read_segment_id(reader, RESPONSE_ID_FIELDS)?,
        available: read_block_ranges(reader, &AVAILABLE_RANGES)?,
        next: reader.u32_be("NextBlockIndex")?,
    }))
}

//= PCCRR-2.2.5.3-01
fn read_block<'a>(
    reader: &mut Reader<'a>,
    crypto: CryptoAlgorithm,
) -> Result<ResponseBody<'a>, DecodeError> {
    let segment = read_segment_id(reader, RESPONSE_ID_FIELDS)?;
    let index = reader.u32_be("BlockIndex")?;
    let next = reader.u32_be("NextBlockIndex")?;
    let at_size = reader.at();
    let payload = read_sized(reader, "SizeOfBlock", "Block")?;
    let is_encrypted = crypto.cipher().is_some() && !payload.is_empty();
    //= PCCRR-2.2.5.3-07
    if is_encrypted && !payload.len().is_multiple_of(BLOCK_LEN) {
        let found = u32::try_from(payload.len()).unwrap_or(u32::MAX);
        let problem = Problem::PartialCipherBlock { found };
        return Err(problem.at(at_size, "SizeOfBlock", "PCCRR-2.2.5.3-07"));
    }
    //= PCCRR-2.2.5.3-02
    read_padding(reader, payload.len(), "ZeroPad_2", "PCCRR-2.2.5.3-02")?;
    //= PCCRR-2.2.5.3-08
    let verification = read_sized(reader, "SizeOfVrfBlock", "VrfBlock")?;
    read_padding(reader, verification.len(), "ZeroPad_3", "PCCRR-2.2.5.3-02")?;
    let at_size = reader.at();
    let iv = read_sized(reader, "SizeOfIVBlock", "IVBlock")?;
    //= PCCRR-2.2.5.3-09
    if is_encrypted && iv.len() != BLOCK_LEN {
        let problem = Problem::InitializationVectorSize {
            found: u32::try_from(iv.len()).unwrap_or(u32::MAX),
            algorithm: crypto,
        };
        return Err(problem.at(at_size, "SizeOfIVBlock", "PCCRR-2.2.5.3-09"));
    }
    Ok(ResponseBody::Block(Block {
        segment,
        index,
        next,
        payload,
        verification,
        iv,
    }))
}

//= PCCRR-2.2.5.4-01
fn read_segment_list<'a>(reader: &mut Reader<'a>) -> Result<ResponseBody<'a>, DecodeError> {
    Ok(ResponseBody::SegmentList(SegmentList {
        request_id: reader.array("RequestID")?,
        available: SegmentRanges::read(reader)?,
        //= PCCRR-2.2.5.4-06
        blob: read_blob(reader)?,
    }))
}
