//! MS-PCCRR 3.1: what goes into the asking side and what comes out.
//! Invariant: every question ends with exactly one `Event::Finished`, whatever peers and networks do.
//! Byte order: none.

use std::sync::Arc;

use crate::cipher::{BLOCK_LEN, BlockCipher};
use crate::content::SegmentId;
use crate::error::Rejected;
use crate::retrieval::exchanges::Key;
use crate::retrieval::{
    BlockIndex, BlockSet, CryptoAlgorithm, GetBlockList, GetBlocks, GetSegmentList, PayloadPlace,
    ProtocolVersion, Quirk, Quirks, Request, RequestBody, RequestId, Response, SegmentIds,
    VersionRange,
};
use crate::time::Duration;

/// The caller's own name for a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(pub u64);

/// The caller's own name for an address that questions go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Peer(pub u64);

/// The machine's name for an outstanding request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Exchange(pub(super) Key);

/// What can be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// Which versions do you support?
    Versions,
    /// Which of these blocks do you have?
    BlockList {
        /// The segment.
        segment: SegmentId,
        /// The blocks, at least one.
        needed: BlockSet,
    },
    /// Give me this block.
    Block {
        /// The segment.
        segment: SegmentId,
        /// The block.
        index: BlockIndex,
        /// What is to become of it.
        reading: Reading,
    },
    /// Which of these segments do you have? Only hosted caches are asked this.
    //= PCCRR-3-04
    SegmentList {
        /// The segments, at least one and no more than fit into 96 KiB.
        segments: Arc<[SegmentId]>,
    },
}

/// What is to become of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// It is decrypted and has as many bytes.
    //= PCCRR-1.5-01
    Plain {
        /// Bytes of the plain block, as content information gives them.
        length: u32,
    },
    /// It stays as it came: a hosted cache has no key to what it is offered by segment ids.
    AsReceived,
}

/// What makes the machine move.
#[derive(Debug, Clone)]
pub enum Input<'a> {
    /// Ask a peer.
    Ask {
        /// The caller's own name for the question.
        tag: Tag,
        /// Whom.
        peer: Peer,
        /// What.
        question: Question,
    },
    /// The body of the HTTP response to a request came.
    Message {
        /// Of which exchange.
        exchange: Exchange,
        /// The body, the size in front included.
        bytes: &'a [u8],
    },
    /// The same where no bytes were needed, as in a simulation.
    Response {
        /// Of which exchange.
        exchange: Exchange,
        /// The message.
        response: &'a Response<'a>,
    },
    /// A block was decrypted.
    Decrypted {
        /// Of which exchange.
        exchange: Exchange,
        /// What was odd about its padding.
        quirk: Option<Quirk>,
    },
    /// No response comes: the connection failed, or it was an HTTP error.
    Failed {
        /// Of which exchange.
        exchange: Exchange,
    },
    /// The answer is of no interest any more.
    Cancel {
        /// Of which exchange.
        exchange: Exchange,
    },
    /// The moment of `poll_timeout` has come.
    Timeout,
}

/// What the world has to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Send a request. The same exchange may send a second time, in another version.
    Send {
        /// To be told about.
        exchange: Exchange,
        /// The caller's own name for the question.
        tag: Tag,
        /// Where to.
        peer: Peer,
        /// What.
        query: Query,
    },
    /// Decrypt a block inside the message that was handed in last for the exchange, then hand in `Decrypted`.
    Decrypt(DecryptOp),
    /// Stop waiting for an answer and close the connection.
    Abort {
        /// Of which exchange; it is over.
        exchange: Exchange,
        /// From whom.
        peer: Peer,
    },
    /// Something to act on, or to tell people of.
    Event(Event),
}

/// A request to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// What is asked.
    pub question: Question,
    pub(super) version: ProtocolVersion,
    pub(super) crypto: CryptoAlgorithm,
    pub(super) versions: VersionRange,
    pub(super) request_id: RequestId,
}

impl Query {
    /// The message.
    #[must_use]
    pub fn request(&self) -> Request<'_> {
        let body = match &self.question {
            //= PCCRR-3.1.4.1-02
            Question::Versions => RequestBody::Negotiation(self.versions),
            //= PCCRR-3.1.4.2-01
            Question::BlockList { segment, needed } => RequestBody::BlockList(GetBlockList {
                segment: *segment,
                needed: (*needed).into(),
            }),
            //= PCCRR-3.1.4.3-01
            //= PCCRR-3.1.4.3-03
            Question::Block { segment, index, .. } => RequestBody::Blocks(GetBlocks {
                segment: *segment,
                requested: BlockSet::from_iter([*index]).into(),
                verification: &[],
            }),
            //= PCCRR-3.1.4.4-02
            //= PCCRR-2.2.4.4-07
            Question::SegmentList { segments } => RequestBody::SegmentList(GetSegmentList {
                request_id: self.request_id,
                segments: SegmentIds::of(segments),
                blob: &[],
            }),
        };
        Request {
            version: self.version,
            crypto: self.crypto,
            body,
        }
    }

    /// Appends the message to `out`.
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        self.request().encode_into(out);
    }
}

/// A block to decrypt, inside the message that brought it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecryptOp {
    /// Of which exchange.
    pub exchange: Exchange,
    /// The caller's own name for the question.
    pub tag: Tag,
    /// Of which segment, for its key.
    pub segment: SegmentId,
    /// Which block.
    pub index: BlockIndex,
    /// With what.
    pub cipher: BlockCipher,
    /// The vector it was encrypted with.
    pub iv: [u8; BLOCK_LEN],
    /// Where in the message it is.
    pub place: PayloadPlace,
    /// Bytes of the plain block.
    pub plain_len: u32,
}

/// What came of a question, and what else is worth telling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The question is settled; the exchange is over.
    Finished {
        /// Which exchange it was.
        exchange: Exchange,
        /// The caller's own name for the question.
        tag: Tag,
        /// Who was asked.
        peer: Peer,
        /// What came of it.
        outcome: Outcome,
    },
    /// A message was discarded.
    Rejected {
        /// Of which exchange it claimed to be.
        exchange: Exchange,
        /// Whose it was; unknown where the exchange is over.
        peer: Option<Peer>,
        /// Why.
        rejected: Rejected,
    },
    /// The blob of a segment list was dropped; the list itself is good.
    BlobDropped {
        /// Whose it was.
        peer: Peer,
        /// Why.
        rejected: Rejected,
    },
    /// A message was accepted although something is odd about it.
    Lenient {
        /// Whose it was.
        peer: Peer,
        /// What.
        quirks: Quirks,
    },
}

/// What came of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The highest version of both, and all that the peer supports.
    Versions {
        /// To speak with it.
        selected: ProtocolVersion,
        /// As it said.
        of_peer: VersionRange,
    },
    /// The peer has these of the blocks asked about, possibly none.
    BlockList {
        /// The segment.
        segment: SegmentId,
        /// The blocks.
        available: BlockSet,
        /// The peer's hint where it has more, 0 where not.
        next: u32,
    },
    /// A block came.
    Block(ReceivedBlock),
    /// The peer does not have the block, or too much to do.
    NoBlock {
        /// The segment.
        segment: SegmentId,
        /// The block.
        index: BlockIndex,
        /// The peer's hint which one it has, 0 where none.
        next: u32,
    },
    /// The peer has these of the segments asked about, at least in part; possibly none.
    SegmentList {
        /// The segments asked about.
        asked: Arc<[SegmentId]>,
        /// Which of them are there.
        available: Vec<AvailableSegment>,
    },
    /// The peer does not know segment lists: ask it for blocks.
    Unsupported {
        /// What it does know.
        of_peer: VersionRange,
    },
    /// There is no version in common; no use to ask this peer for anything.
    Incompatible {
        /// What it supports.
        of_peer: VersionRange,
    },
    /// The answer was discarded.
    Rejected,
    /// No answer came in time.
    TimedOut,
    /// The world could not bring an answer.
    Failed,
    /// The caller lost interest.
    Cancelled,
}

/// A block inside the message that was handed in last for its exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReceivedBlock {
    /// The segment.
    pub segment: SegmentId,
    /// The block.
    pub index: BlockIndex,
    /// The peer's hint which one it has next, 0 where none.
    pub next: u32,
    /// Where in the message it is: its plain bytes alone, unless it was to stay as it came.
    pub place: PayloadPlace,
    /// What it travelled under.
    pub crypto: CryptoAlgorithm,
    /// The vector that goes with it.
    pub iv: Option<[u8; BLOCK_LEN]>,
}

/// A segment that a peer has, at least in part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AvailableSegment {
    /// Which of those asked about.
    pub index: u32,
    /// For how long the peer has it, if it said so.
    pub age: Option<Duration>,
}
