//! MS-CCROD 2.8: what goes into the client framework and what comes out of it.
//! Invariant: every download that was started ends with exactly one `Finished`, `Failed` or `Cancelled`.
//! Byte order: none.

use super::content::WantedSegment;
use crate::content::{ContentRange, SegmentId, Version};
use crate::error::Rejected;
use crate::retrieval::client::{DecryptOp, Exchange, Peer, Query};
use crate::retrieval::{BlockIndex, BlockSet, PayloadPlace, Quirk, Quirks, Response};

/// The caller's own name for a download.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DownloadToken(pub u64);

/// The machine's name for a discovery under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DiscoveryToken(pub u64);

/// The machine's name for a range that the origin is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FetchToken(pub u64);

/// The machine's name for a block that is being verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VerifyToken(pub u64);

/// Where segments are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// At peers on the local subnet, who are discovered.
    Distributed,
    /// At this hosted cache.
    //= CCROD-2.8.3.1.1-01
    Hosted(Peer),
}

/// In which order blocks are fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// From the first on, as the document has it.
    #[default]
    Sequential,
    /// At random, so that clients who start together fetch different blocks and can share them.
    Random,
}

/// In which order blocks are delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Delivery {
    /// As they come.
    #[default]
    AsVerified,
    /// In the order of the content. Segments are begun in that order too, whatever the [`Order`] of their blocks.
    InOrder,
}

/// A download to start.
#[derive(Debug, Clone, Copy)]
pub struct Start<'a> {
    /// The caller's name for it, not in use.
    pub download: DownloadToken,
    /// The version of the content information.
    pub version: Version,
    /// What is wanted, in the order of the content.
    pub segments: &'a [WantedSegment],
    /// Where to look before the origin.
    pub mode: Mode,
    /// In which order to fetch.
    pub order: Order,
    /// In which order to deliver.
    pub delivery: Delivery,
}

/// What makes the machine move.
#[derive(Debug, Clone, Copy)]
pub enum Input<'a> {
    /// Fetch content.
    Start(Start<'a>),
    /// It is of no interest any more.
    Cancel {
        /// Which; of no effect if it is over.
        download: DownloadToken,
    },
    /// A peer has at least a part of these segments.
    Discovered {
        /// The peer.
        peer: Peer,
        /// The segments.
        segments: &'a [SegmentId],
    },
    /// A discovery ended, whether or not it found anybody.
    DiscoveryFinished {
        /// Which; of no effect if it is over.
        discovery: DiscoveryToken,
    },
    /// The body of the HTTP response to a request came. Keep it until the outputs are drained; where one of them is
    /// `Decrypt` or `Verify` for this exchange, until those of `Verified` are.
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
    /// No response comes.
    Failed {
        /// Of which exchange.
        exchange: Exchange,
    },
    /// A block was decrypted.
    Decrypted {
        /// Of which exchange.
        exchange: Exchange,
        /// What was odd about its padding.
        quirk: Option<Quirk>,
    },
    /// A block was held against its hash.
    Verified {
        /// Which.
        verify: VerifyToken,
        /// Whether they agree.
        good: bool,
    },
    /// Bytes came from the origin. Keep those of a block until the outputs of its `Verified` are drained.
    OriginArrived {
        /// Of which range; of no effect if it is over.
        fetch: FetchToken,
        /// How many of the range's bytes are there now, from its first on.
        received: u64,
    },
    /// No more bytes come from the origin for this range.
    OriginFailed {
        /// Which; of no effect if it is over.
        fetch: FetchToken,
    },
    /// The moment of `poll_timeout` has come.
    Timeout,
}

/// What the world has to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Find out who has segments: `Discovered` for each peer, then `DiscoveryFinished`.
    Discover {
        /// To be told about.
        discovery: DiscoveryToken,
        /// The version of the content information.
        version: Version,
        /// What to look for.
        segments: Vec<Sought>,
    },
    /// Nobody waits for a discovery any more.
    CancelDiscovery {
        /// Which.
        discovery: DiscoveryToken,
    },
    /// Send a request to a peer. The same exchange may send a second time, in another version.
    Send {
        /// To be told about.
        exchange: Exchange,
        /// Where to.
        peer: Peer,
        /// What.
        query: Query,
    },
    /// Decrypt a block inside the message that was handed in last for the exchange, then hand in `Decrypted`.
    Decrypt {
        /// For which download.
        download: DownloadToken,
        /// The segment's place among those wanted.
        segment: usize,
        /// What to do.
        op: DecryptOp,
    },
    /// Stop waiting for an answer and close the connection.
    Abort {
        /// Of which exchange; it is over.
        exchange: Exchange,
        /// From whom.
        peer: Peer,
    },
    /// Hold a block against its hash, then hand in `Verified`.
    Verify(VerifyOp),
    /// Put a block into the content cache: it is good and may be served to others.
    Store(BlockOp),
    /// Give a block to the application. It was stored before and has not been delivered yet.
    Deliver(BlockOp),
    /// Ask the content server for bytes of the content: `OriginArrived` as they come, or `OriginFailed`.
    FetchOrigin {
        /// To be told about.
        fetch: FetchToken,
        /// For which download.
        download: DownloadToken,
        /// Which bytes: whole blocks.
        range: ContentRange,
    },
    /// Stop waiting for bytes of the content server.
    AbortOrigin {
        /// Which range; it is over.
        fetch: FetchToken,
    },
    /// No more blocks of a segment will come: tell others that it is here.
    Share(Shared),
    /// The same in hosted cache mode where the origin had to give blocks: offer the segment to the hosted cache.
    Offer(Shared),
    /// Something to act on, or to tell people of.
    Event(Event),
}

/// A segment to look for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sought {
    /// Its id.
    pub id: SegmentId,
    /// How many blocks it has: who has as many has all of it.
    pub blocks: u32,
}

/// A block of a download.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockOp {
    /// The download.
    pub download: DownloadToken,
    /// The segment's place among those wanted.
    pub segment: usize,
    /// The segment.
    pub id: SegmentId,
    /// The block.
    pub index: BlockIndex,
    /// Its place in the content.
    pub range: ContentRange,
}

/// A block to verify.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerifyOp {
    /// To be told about.
    pub verify: VerifyToken,
    /// Which block it should be.
    pub block: BlockOp,
    /// Where its bytes are.
    pub source: Source,
}

/// Where the bytes of a block are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Inside a message of a peer, decrypted.
    Peer {
        /// The exchange that the message came in.
        exchange: Exchange,
        /// The peer.
        peer: Peer,
        /// Where in the message.
        place: PayloadPlace,
    },
    /// Among the bytes of the origin.
    Origin {
        /// Of which range.
        fetch: FetchToken,
    },
}

/// A segment of which blocks were fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shared {
    /// By which download.
    pub download: DownloadToken,
    /// The segment's place among those wanted.
    pub segment: usize,
    /// The segment.
    pub id: SegmentId,
    /// The blocks that were fetched.
    pub blocks: BlockSet,
    /// How many of them the origin gave.
    pub from_origin: u32,
    /// Whether they are all that the segment has.
    pub is_complete: bool,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// All blocks were delivered.
    Finished {
        /// Which download.
        download: DownloadToken,
        /// What it cost.
        tally: Tally,
    },
    /// The content cannot be had.
    Failed {
        /// Which download.
        download: DownloadToken,
        /// Why.
        why: Failure,
    },
    /// The caller lost interest.
    Cancelled {
        /// Which download.
        download: DownloadToken,
    },
    /// No more blocks of a segment come from peers.
    //= CCROD-2.8.2.4.1-06
    //= CCROD-2.8.2.5.3-05
    SessionEnded {
        /// Of which download.
        download: DownloadToken,
        /// The segment's place among those wanted.
        segment: usize,
        /// What is missing and comes from the origin.
        missing: BlockSet,
        /// Why.
        why: SessionEnd,
    },
    /// A peer sent a block that is not what it should be. It is not asked for anything for some time.
    Lied {
        /// The peer.
        peer: Peer,
        /// The block.
        block: BlockOp,
    },
    /// A message of a peer was discarded.
    Rejected {
        /// Of which exchange it claimed to be.
        exchange: Exchange,
        /// Whose it was; unknown where the exchange is over.
        peer: Option<Peer>,
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

/// Where the bytes of a download came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Bytes that peers gave.
    pub from_peers: u64,
    /// Bytes that the origin gave.
    pub from_origin: u64,
}

/// Why content cannot be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The origin failed too many times in a row.
    OriginUnreachable,
    /// What the origin has is not what the content information describes.
    OriginDiffers,
}

/// Why no more blocks of a segment come from peers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionEnd {
    /// All are there.
    Complete,
    /// The download timer ended.
    TimedOut,
    /// Nobody has the segment.
    NobodyFound,
    /// It was found out a short time ago that nobody has it.
    KnownToBeNowhere,
    /// Too many discoveries were started of late.
    TooManyDiscoveries,
    /// Those who have some of it have no more to give.
    ServersExhausted,
}
