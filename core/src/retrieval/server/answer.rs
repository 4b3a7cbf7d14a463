//! MS-PCCRR 2.2.5, 3.2.5: answers as the world sends them: a head, the bytes of a block if there are any, a tail.
//! Invariant: head and tail fit around exactly `payload_len` bytes that were never here.
//! Byte order: big-endian.

use crate::cipher::BLOCK_LEN;
use crate::content::SegmentId;
use crate::retrieval::fields::{MessageWriter, padding};
use crate::retrieval::header::{MESSAGE_MIN_BYTES, RESPONSE_MAX_BYTES, TRANSPORT_HEADER_BYTES};
use crate::retrieval::response::{block_head_len, padded};
use crate::retrieval::{BlockIndex, CryptoAlgorithm, MessageType, Response};

/// What goes back as the body of the HTTP response, under status 200.
//= PCCRR-1.3-02
//= PCCRR-3.2.1-05
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Versions, a block list, or the word that a block is not there.
    Message(Response<'static>),
    /// A block, whose bytes the world has ready.
    Block(BlockFrame),
    /// A segment list, written already.
    SegmentList(Vec<u8>),
}

/// A block message without the bytes of the block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockFrame {
    /// The segment.
    pub segment: SegmentId,
    /// The block.
    pub index: BlockIndex,
    /// The first block behind it that is there, 0 where there is none.
    pub next: u32,
    /// What the bytes are encrypted with.
    pub crypto: CryptoAlgorithm,
    /// The vector that goes with it.
    pub iv: Option<[u8; BLOCK_LEN]>,
    /// How many bytes they are, padding of the cipher included.
    pub payload_len: u32,
}

impl BlockFrame {
    fn tail_len(&self) -> usize {
        let iv_len = self.iv.map_or(0, |_| BLOCK_LEN);
        padding(self.payload_len as usize) + 4 + 4 + iv_len
    }

    /// Bytes of the message, without the size in front.
    fn message_len(&self) -> usize {
        MESSAGE_MIN_BYTES
            + block_head_len(&self.segment)
            + self.payload_len as usize
            + self.tail_len()
    }

    /// Whether a response may be as long.
    //= PCCRR-2.2.3-12
    pub(super) fn fits(&self) -> bool {
        padded(self.payload_len as usize) <= RESPONSE_MAX_BYTES
            && self.message_len() <= RESPONSE_MAX_BYTES
    }

    //= PCCRR-5.1-02
    //= PCCRR-5.1-03
    fn encode_head_into(&self, out: &mut Vec<u8>) {
        let version = MessageType::BLK.version();
        let mut writer = MessageWriter::response(out, version, MessageType::BLK, self.crypto);
        writer
            .segment_id(&self.segment)
            .u32(self.index.get())
            .u32(self.next)
            .u32(self.payload_len);
        writer.finish(self.payload_len as usize + self.tail_len());
    }

    fn encode_tail_into(&self, out: &mut Vec<u8>) {
        out.resize(out.len() + padding(self.payload_len as usize), 0);
        //= PCCRR-2.2.5.3-08
        out.extend_from_slice(&0u32.to_be_bytes());
        //= PCCRR-2.2.5.3-09
        match &self.iv {
            Some(iv) => {
                out.extend_from_slice(&16u32.to_be_bytes());
                out.extend_from_slice(iv);
            }
            None => out.extend_from_slice(&0u32.to_be_bytes()),
        }
    }
}

impl Answer {
    /// Appends what stands in front of the block's bytes: everything, where there are none.
    pub fn encode_head_into(&self, out: &mut Vec<u8>) {
        match self {
            Self::Message(response) => response.encode_into(out),
            Self::Block(frame) => frame.encode_head_into(out),
            Self::SegmentList(message) => out.extend_from_slice(message),
        }
    }

    /// Bytes of a block that belong between head and tail.
    #[must_use]
    pub const fn payload_len(&self) -> usize {
        match self {
            Self::Block(frame) => frame.payload_len as usize,
            Self::Message(_) | Self::SegmentList(_) => 0,
        }
    }

    /// Appends what stands behind the block's bytes.
    pub fn encode_tail_into(&self, out: &mut Vec<u8>) {
        if let Self::Block(frame) = self {
            frame.encode_tail_into(out);
        }
    }

    /// Bytes of all three together: the length of the HTTP body.
    #[must_use]
    pub fn body_len(&self) -> usize {
        match self {
            Self::Message(response) => TRANSPORT_HEADER_BYTES + response.message_len(),
            Self::Block(frame) => TRANSPORT_HEADER_BYTES + frame.message_len(),
            Self::SegmentList(message) => message.len(),
        }
    }

    /// The type of the message.
    #[must_use]
    pub const fn message_type(&self) -> MessageType {
        match self {
            Self::Message(response) => response.body.message_type(),
            Self::Block(_) => MessageType::BLK,
            Self::SegmentList(_) => MessageType::SEGLIST,
        }
    }
}
