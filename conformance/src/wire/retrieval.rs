//! Messages of MS-PCCRR 2.2, written as drafts and read by a reader that forgives nothing but what its caller allows.
//! Invariant: a message that reads well has no byte too few or too many and zeros for padding.
//! Byte order: big-endian, fields aligned to four bytes from the start of the message.

use peerdist::wire::Reader;

use super::Malformed;
use super::draft::Draft;

/// Where messages of retrieval are posted to.
pub const PATH: &str = "/116B50EB-ECE2-41ac-8429-9F9E963361B7/";
/// ProtVer of version 1.0: minor version above, major version below.
pub const VERSION_1: u32 = 0x0000_0001;
/// ProtVer of version 2.0.
pub const VERSION_2: u32 = 0x0000_0002;
/// The longest request.
pub const REQUEST_MAX_BYTES: usize = 98_304;
/// The longest response.
pub const RESPONSE_MAX_BYTES: usize = 393_216;
/// The header before the body of a message.
pub const HEADER_BYTES: usize = 16;

/// MsgType of messages.
pub mod kind {
    /// MSG_NEGO_REQ
    pub const NEGOTIATION_REQUEST: u32 = 0;
    /// MSG_NEGO_RESP
    pub const NEGOTIATION_RESPONSE: u32 = 1;
    /// MSG_GETBLKLIST
    pub const GET_BLOCK_LIST: u32 = 2;
    /// MSG_GETBLKS
    pub const GET_BLOCKS: u32 = 3;
    /// MSG_BLKLIST
    pub const BLOCK_LIST: u32 = 4;
    /// MSG_BLK
    pub const BLOCK: u32 = 5;
    /// MSG_GETSEGLIST
    pub const GET_SEGMENT_LIST: u32 = 6;
    /// MSG_SEGLIST
    pub const SEGMENT_LIST: u32 = 7;
}

/// The first block or segment, and how many from there on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// The first.
    pub index: u32,
    /// How many.
    pub count: u32,
}

impl Range {
    /// So many from the first on.
    #[must_use]
    pub const fn new(index: u32, count: u32) -> Self {
        Self { index, count }
    }

    /// The indexes in it.
    pub fn indexes(self) -> impl Iterator<Item = u32> {
        self.index..self.index.saturating_add(self.count)
    }
}

/// What is in a message behind its header.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of the document")]
pub enum Body {
    Negotiation {
        min: u32,
        max: u32,
    },
    GetBlockList {
        segment_id: Vec<u8>,
        ranges: Vec<Range>,
    },
    GetBlocks {
        segment_id: Vec<u8>,
        ranges: Vec<Range>,
        data_for_vrf_block: Vec<u8>,
    },
    BlockList {
        segment_id: Vec<u8>,
        ranges: Vec<Range>,
        next_block_index: u32,
    },
    Block {
        segment_id: Vec<u8>,
        block_index: u32,
        next_block_index: u32,
        block: Vec<u8>,
        vrf_block: Vec<u8>,
        iv_block: Vec<u8>,
    },
    GetSegmentList {
        request_id: [u8; 16],
        segment_ids: Vec<Vec<u8>>,
        blob: Vec<u8>,
    },
    SegmentList {
        request_id: [u8; 16],
        ranges: Vec<Range>,
        blob: Vec<u8>,
    },
}

/// A message as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// ProtVer.
    pub version: u32,
    /// MsgType.
    pub kind: u32,
    /// CryptoAlgoId.
    pub algorithm: u32,
    /// What follows.
    pub body: Body,
}

/// The name of a type of message.
#[must_use]
pub fn name_of(message_type: u32) -> String {
    match message_type {
        kind::NEGOTIATION_REQUEST => "MSG_NEGO_REQ".to_owned(),
        kind::NEGOTIATION_RESPONSE => "MSG_NEGO_RESP".to_owned(),
        kind::GET_BLOCK_LIST => "MSG_GETBLKLIST".to_owned(),
        kind::GET_BLOCKS => "MSG_GETBLKS".to_owned(),
        kind::BLOCK_LIST => "MSG_BLKLIST".to_owned(),
        kind::BLOCK => "MSG_BLK".to_owned(),
        kind::GET_SEGMENT_LIST => "MSG_GETSEGLIST".to_owned(),
        kind::SEGMENT_LIST => "MSG_SEGLIST".to_owned(),
        other => format!("type {other:#x}"),
    }
}

fn header(version: u32, message_type: u32, algorithm: u32) -> Draft {
    Draft::new()
        .u32_be("ProtVer", version)
        .u32_be("MsgType", message_type)
        .length("MsgSize", 0)
        .u32_be("CryptoAlgoId", algorithm)
}

/// MSG_NEGO_REQ.
#[must_use]
pub fn negotiation_request(min: u32, max: u32) -> Draft {
    header(VERSION_1, kind::NEGOTIATION_REQUEST, 0)
        .u32_be("MinSupportedProtocolVersion", min)
        .u32_be("MaxSupportedProtocolVersion", max)
}

/// MSG_NEGO_RESP.
#[must_use]
pub fn negotiation_response(min: u32, max: u32) -> Draft {
    header(VERSION_1, kind::NEGOTIATION_RESPONSE, 0)
        .u32_be("MinSupportedProtocolVersion", min)
        .u32_be("MaxSupportedProtocolVersion", max)
}

/// MSG_GETBLKLIST.
#[must_use]
pub fn get_block_list(segment_id: &[u8], ranges: &[Range], algorithm: u32) -> Draft {
    header(VERSION_1, kind::GET_BLOCK_LIST, algorithm)
        .u32_be("SizeOfSegmentID", length_of(segment_id))
        .bytes("SegmentID", segment_id)
        .pad("ZeroPad")
        .u32_be("NeededBlocksRangeCount", length_of(ranges))
        .bytes("NeededBlockRanges", bytes_of(ranges))
}

/// MSG_GETBLKS.
#[must_use]
pub fn get_blocks(segment_id: &[u8], ranges: &[Range], algorithm: u32) -> Draft {
    header(VERSION_1, kind::GET_BLOCKS, algorithm)
        .u32_be("SizeOfSegmentID", length_of(segment_id))
        .bytes("SegmentID", segment_id)
        .pad("ZeroPad")
        .u32_be("ReqBlockRangeCount", length_of(ranges))
        .bytes("ReqBlockRanges", bytes_of(ranges))
        .u32_be("SizeOfDataForVrfBlock", 0)
        .bytes("DataForVrfBlock", [])
}

/// MSG_BLKLIST.
#[must_use]
pub fn block_list(segment_id: &[u8], ranges: &[Range], next_block_index: u32) -> Draft {
    header(VERSION_1, kind::BLOCK_LIST, 0)
        .u32_be("SizeOfSegmentId", length_of(segment_id))
        .bytes("SegmentId", segment_id)
        .pad("ZeroPad")
        .u32_be("BlockRangeCount", length_of(ranges))
        .bytes("BlockRanges", bytes_of(ranges))
        .u32_be("NextBlockIndex", next_block_index)
}

/// MSG_BLK.
#[must_use]
pub fn block(
    segment_id: &[u8],
    block_index: u32,
    next_block_index: u32,
    algorithm: u32,
    block: &[u8],
    iv: &[u8],
) -> Draft {
    header(VERSION_1, kind::BLOCK, algorithm)
        .u32_be("SizeOfSegmentId", length_of(segment_id))
        .bytes("SegmentId", segment_id)
        .pad("ZeroPad")
        .u32_be("BlockIndex", block_index)
        .u32_be("NextBlockIndex", next_block_index)
        .u32_be("SizeOfBlock", length_of(block))
        .bytes("Block", block)
        .pad("ZeroPad_2")
        .u32_be("SizeOfVrfBlock", 0)
        .bytes("VrfBlock", [])
        .pad("ZeroPad_3")
        .u32_be("SizeOfIVBlock", length_of(iv))
        .bytes("IVBlock", iv)
}

/// MSG_GETSEGLIST. Each id is a field `SegmentID` with fields for size and padding around it, all of them by those names.
#[must_use]
pub fn get_segment_list(request_id: [u8; 16], segment_ids: &[&[u8]], blob: &[u8]) -> Draft {
    let mut draft = header(VERSION_2, kind::GET_SEGMENT_LIST, 0)
        .bytes("RequestID", request_id)
        .u32_be("CountOfSegmentIDs", length_of(segment_ids));
    for segment_id in segment_ids {
        draft = draft
            .u32_be("SizeOfSegmentID", length_of(segment_id))
            .bytes("SegmentID", *segment_id)
            .pad("ZeroPad");
    }
    draft
        .u32_be("SizeOfExtensibleBlob", length_of(blob))
        .bytes("ExtensibleBlob", blob)
}

/// MSG_SEGLIST.
#[must_use]
pub fn segment_list(request_id: [u8; 16], ranges: &[Range], blob: &[u8]) -> Draft {
    header(VERSION_2, kind::SEGMENT_LIST, 0)
        .bytes("RequestID", request_id)
        .u32_be("SegmentRangeCount", length_of(ranges))
        .bytes("SegmentRanges", bytes_of(ranges))
        .u32_be("SizeOfExtensibleBlob", length_of(blob))
        .bytes("ExtensibleBlob", blob)
}

/// A response as it travels: its size and then the message.
#[must_use]
pub fn framed(message: &[u8]) -> Vec<u8> {
    [length_of(message).to_be_bytes().as_slice(), message].concat()
}

fn length_of<T>(items: &[T]) -> u32 {
    u32::try_from(items.len()).unwrap_or(u32::MAX)
}

/// Ranges one behind the other, as messages have them.
#[must_use]
pub fn bytes_of(ranges: &[Range]) -> Vec<u8> {
    let numbers = ranges.iter().flat_map(|range| [range.index, range.count]);
    numbers.flat_map(u32::to_be_bytes).collect()
}

/// The message behind the size that a response starts with.
///
/// # Errors
/// [`Malformed`] where the size is missing or not that of the message.
pub fn unframed(body: &[u8]) -> Result<&[u8], Malformed> {
    let mut reader = Reader::new(body);
    let size = reader
        .u32_be("Size")
        .map_err(|error| Malformed::truncated(error, "PCCRR-2.2.2-01"))?;
    let message = body.get(reader.at()..).unwrap_or_default();
    if size as usize == message.len() {
        Ok(message)
    } else {
        Err(Malformed {
            at: 0,
            field: "Size",
            why: format!("is {size}, but {} bytes of message follow", message.len()),
            requirement: "PCCRR-2.2.2-01",
        })
    }
}

/// Reads a message of either direction. Offsets of errors count from the first byte of the message.
///
/// # Errors
/// [`Malformed`] for the first field that is not as the document has it.
pub fn read(message: &[u8]) -> Result<Message, Malformed> {
    let mut fields = Fields {
        reader: Reader::new(message),
        section: "PCCRR-2.2.3-01",
    };
    let version = fields.u32("ProtVer")?;
    let message_type = fields.u32("MsgType")?;
    let size = fields.u32("MsgSize")?;
    let algorithm = fields.u32("CryptoAlgoId")?;
    if size as usize != message.len() {
        return Err(Malformed {
            at: 8,
            field: "MsgSize",
            why: format!("is {size}, but the message has {} bytes", message.len()),
            requirement: "PCCRR-2.2.3-10",
        });
    }
    fields.section = match message_type {
        kind::NEGOTIATION_REQUEST => "PCCRR-2.2.4.1-01",
        kind::NEGOTIATION_RESPONSE => "PCCRR-2.2.5.1-01",
        kind::GET_BLOCK_LIST => "PCCRR-2.2.4.2-01",
        kind::GET_BLOCKS => "PCCRR-2.2.4.3-01",
        kind::BLOCK_LIST => "PCCRR-2.2.5.2-01",
        kind::BLOCK => "PCCRR-2.2.5.3-01",
        kind::GET_SEGMENT_LIST => "PCCRR-2.2.4.4-01",
        kind::SEGMENT_LIST => "PCCRR-2.2.5.4-01",
        other => {
            return Err(Malformed {
                at: 4,
                field: "MsgType",
                why: format!("is {other:#x}, expected 0 to 7"),
                requirement: "PCCRR-2.2.3-06",
            });
        }
    };
    let body = fields.body(message_type)?;
    if fields.reader.remaining() > 0 {
        return Err(Malformed {
            at: fields.reader.at(),
            field: "end of the message",
            why: format!(
                "{} bytes follow that belong to no field",
                fields.reader.remaining()
            ),
            requirement: fields.section,
        });
    }
    Ok(Message {
        version,
        kind: message_type,
        algorithm,
        body,
    })
}

struct Fields<'a> {
    reader: Reader<'a>,
    /// The layout that a field which is not there in full breaks.
    section: &'static str,
}

impl<'a> Fields<'a> {
    fn u32(&mut self, field: &'static str) -> Result<u32, Malformed> {
        let section = self.section;
        let read = self.reader.u32_be(field);
        read.map_err(|error| Malformed::truncated(error, section))
    }

    fn take(&mut self, count: u32, field: &'static str) -> Result<&'a [u8], Malformed> {
        let section = self.section;
        let read = self.reader.take(count as usize, field);
        read.map_err(|error| Malformed::truncated(error, section))
    }

    fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], Malformed> {
        let section = self.section;
        let read = self.reader.array(field);
        read.map_err(|error| Malformed::truncated(error, section))
    }

    /// Bytes behind their size.
    fn sized(&mut self, size: &'static str, field: &'static str) -> Result<Vec<u8>, Malformed> {
        let length = self.u32(size)?;
        Ok(self.take(length, field)?.to_vec())
    }

    fn zeros(&mut self, field: &'static str) -> Result<(), Malformed> {
        let at = self.reader.at();
        let count = at.next_multiple_of(4) - at;
        let padding = self.take(u32::try_from(count).unwrap_or(0), field)?;
        if padding.iter().all(|byte| *byte == 0) {
            return Ok(());
        }
        Err(Malformed {
            at,
            field,
            why: format!("is {padding:02x?}, expected zeros"),
            requirement: match self.section {
                "PCCRR-2.2.5.2-01" => "PCCRR-2.2.5.2-02",
                "PCCRR-2.2.5.3-01" => "PCCRR-2.2.5.3-02",
                "PCCRR-2.2.4.4-01" => "PCCRR-2.2.4.4-05",
                _ => "PCCRR-2.2.4.2-05",
            },
        })
    }

    fn segment_id(
        &mut self,
        size: &'static str,
        field: &'static str,
    ) -> Result<Vec<u8>, Malformed> {
        let id = self.sized(size, field)?;
        self.zeros("ZeroPad")?;
        Ok(id)
    }

    fn ranges(
        &mut self,
        count: &'static str,
        field: &'static str,
    ) -> Result<Vec<Range>, Malformed> {
        let count = self.u32(count)?;
        // What cannot be there is not made room for.
        let most = self.reader.remaining() / 8;
        let mut ranges = Vec::with_capacity(most.min(count as usize));
        for _ in 0..count {
            ranges.push(Range::new(self.u32(field)?, self.u32(field)?));
        }
        Ok(ranges)
    }

    fn body(&mut self, message_type: u32) -> Result<Body, Malformed> {
        Ok(match message_type {
            kind::NEGOTIATION_REQUEST | kind::NEGOTIATION_RESPONSE => Body::Negotiation {
                min: self.u32("MinSupportedProtocolVersion")?,
                max: self.u32("MaxSupportedProtocolVersion")?,
            },
            kind::GET_BLOCK_LIST => Body::GetBlockList {
                segment_id: self.segment_id("SizeOfSegmentID", "SegmentID")?,
                ranges: self.ranges("NeededBlocksRangeCount", "NeededBlockRanges")?,
            },
            kind::GET_BLOCKS => Body::GetBlocks {
                segment_id: self.segment_id("SizeOfSegmentID", "SegmentID")?,
                ranges: self.ranges("ReqBlockRangeCount", "ReqBlockRanges")?,
                data_for_vrf_block: self.sized("SizeOfDataForVrfBlock", "DataForVrfBlock")?,
            },
            kind::BLOCK_LIST => Body::BlockList {
                segment_id: self.segment_id("SizeOfSegmentId", "SegmentId")?,
                ranges: self.ranges("BlockRangeCount", "BlockRanges")?,
                next_block_index: self.u32("NextBlockIndex")?,
            },
            kind::BLOCK => {
                let segment_id = self.segment_id("SizeOfSegmentId", "SegmentId")?;
                let block_index = self.u32("BlockIndex")?;
                let next_block_index = self.u32("NextBlockIndex")?;
                let block = self.sized("SizeOfBlock", "Block")?;
                self.zeros("ZeroPad_2")?;
                let vrf_block = self.sized("SizeOfVrfBlock", "VrfBlock")?;
                self.zeros("ZeroPad_3")?;
                let iv_block = self.sized("SizeOfIVBlock", "IVBlock")?;
                Body::Block {
                    segment_id,
                    block_index,
                    next_block_index,
                    block,
                    vrf_block,
                    iv_block,
                }
            }
            kind::GET_SEGMENT_LIST => {
                let request_id = self.array("RequestID")?;
                let count = self.u32("CountOfSegmentIDs")?;
                let mut segment_ids = Vec::new();
                for _ in 0..count {
                    segment_ids.push(self.segment_id("SizeOfSegmentID", "SegmentID")?);
                }
                Body::GetSegmentList {
                    request_id,
                    segment_ids,
                    blob: self.sized("SizeOfExtensibleBlob", "ExtensibleBlob")?,
                }
            }
            _ => Body::SegmentList {
                request_id: self.array("RequestID")?,
                ranges: self.ranges("SegmentRangeCount", "SegmentRanges")?,
                blob: self.sized("SizeOfExtensibleBlob", "ExtensibleBlob")?,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: [u8; 32] = [0xab; 32];

    fn all() -> Vec<Draft> {
        let ranges = [Range::new(0, 2), Range::new(7, 1)];
        vec![
            negotiation_request(VERSION_1, VERSION_2),
            negotiation_response(VERSION_1, VERSION_2),
            get_block_list(&ID, &ranges, 1),
            get_blocks(&ID, &[Range::new(3, 1)], 2),
            block_list(&ID, &ranges, 9),
            block(&ID, 3, 4, 1, &[5; 17], &[6; 16]),
            get_segment_list([1; 16], &[&ID, &[2; 48]], &[0, 1, 3, 0]),
            segment_list([1; 16], &ranges, &[]),
        ]
    }

    #[test]
    fn every_message_reads_as_it_was_written() {
        for (number, draft) in (0_u32..).zip(all()) {
            let message = read(&draft.to_bytes()).unwrap();
            assert_eq!(message.kind, number);
        }
        let message = read(&all()[5].to_bytes()).unwrap();
        let Body::Block {
            block, iv_block, ..
        } = message.body
        else {
            panic!("{message:?}");
        };
        assert_eq!((block.len(), iv_block.len()), (17, 16));
    }

    #[test]
    fn cut_or_followed_by_more_it_is_refused_with_the_place() {
        for draft in all() {
            let length = draft.len();
            for kept in 0..length {
                let cut = u32::try_from(kept).unwrap();
                let bytes = draft.cut_to(kept);
                assert!(read(&bytes).is_err());
                // Also where its own size agrees.
                if kept >= HEADER_BYTES {
                    let error = read(&draft.clone().with_u32_be("MsgSize", cut).cut_to(kept));
                    assert!(error.unwrap_err().at <= kept);
                }
            }
            let stated = u32::try_from(length + 1).unwrap();
            let longer = draft.with_u32_be("MsgSize", stated).followed_by(&[0]);
            assert_eq!(read(&longer).unwrap_err().at, length);
        }
    }

    #[test]
    fn padding_that_is_not_zero_is_refused() {
        let draft = block(&ID, 3, 4, 0, &[5; 3], &[]).with("ZeroPad_2", [1]);
        let error = read(&draft.to_bytes()).unwrap_err();
        assert_eq!(
            (error.field, error.requirement),
            ("ZeroPad_2", "PCCRR-2.2.5.3-02")
        );
    }

    #[test]
    fn the_size_before_a_response_is_held_against_it() {
        assert_eq!(unframed(&framed(b"abc")).unwrap(), b"abc");
        assert!(unframed(&[0, 0, 0, 4, 1]).is_err());
        assert!(unframed(&[0, 0]).is_err());
    }
}
