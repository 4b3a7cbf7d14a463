//! What goes into a hosted cache and what comes out of it.
//! Invariant: no block passes through; hashes stay in the message that brought them and are pointed at.
//! Byte order: none.

use core::net::SocketAddr;
use core::ops::Range;

use crate::content::{HashOfData, SegmentSecret};
use crate::error::Rejected;
use crate::hosted_cache::{BlockSet, ContentTag, Quirks, ResponseCode, SegmentKey, Version};

/// A request, by whatever number the caller gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestToken(pub u64);

/// A fetch, by the number that the machine gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FetchToken(pub u64);

/// What happened.
#[derive(Debug, Clone)]
pub enum Input<'a> {
    /// A request was posted to one of the two paths. Its bytes are needed until the outputs are drained.
    Request {
        /// To be named in the answer.
        request: RequestToken,
        /// The other end of the connection.
        from: SocketAddr,
        /// The version that scheme and path stand for: see [`crate::hosted_cache::route`].
        version: Version,
        /// What was odd about the path.
        quirks: Quirks,
        /// Whether the client authenticated itself.
        is_authenticated: bool,
        /// The body.
        message: &'a [u8],
    },
    /// A fetch is over, and these blocks of it were stored: verified where their hashes are known, else as ciphertext.
    Fetched {
        /// That of [`Fetch`].
        token: FetchToken,
        /// No other blocks than were wanted.
        stored: BlockSet,
    },
    /// A fetch is over, and nothing came of it.
    FetchFailed {
        /// That of [`Fetch`].
        token: FetchToken,
    },
    /// The answer to [`Output::Recheck`].
    Rechecked {
        /// The segment.
        key: SegmentKey,
        /// The blocks that were to be looked at.
        checked: BlockSet,
        /// Those of them that agree with the hashes kept now. They are stored as verified blocks from here on.
        good: BlockSet,
    },
    /// The store gave up blocks, to have room or because they were old.
    Evicted {
        /// The segment.
        key: SegmentKey,
        /// The blocks that are gone.
        blocks: BlockSet,
    },
    /// At start: the store has this from an earlier life.
    Restored {
        /// The segment.
        key: SegmentKey,
        /// Its bytes.
        length: u32,
        /// Whether the hashes are those of all blocks and hash to HoD.
        is_proven: bool,
        /// The blocks whose hash is kept.
        hashed: BlockSet,
        /// The blocks held that agree with their hash.
        verified: BlockSet,
        /// The blocks held as ciphertext.
        unverified: BlockSet,
    },
    /// The time of `poll_timeout` has come.
    Timeout,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Answer a request with HTTP status 200 and a [`crate::hosted_cache::Response`].
    Respond {
        /// Which.
        request: RequestToken,
        /// With what.
        code: ResponseCode,
    },
    /// Answer a request with HTTP status 401: the client has to authenticate itself.
    Unauthorized {
        /// Which.
        request: RequestToken,
    },
    /// Answer a request with no message: close the connection or send an empty HTTP error.
    Drop {
        /// Which.
        request: RequestToken,
    },
    /// Store hashes and secret of a segment, before any [`Fetch`] that comes after.
    KeepHashes(KeepHashes),
    /// Fetch blocks.
    Fetch(Fetch),
    /// End a fetch that took too long. Nothing more of it is to be stored.
    Abandon {
        /// That of [`Fetch`].
        token: FetchToken,
    },
    /// Hold blocks that are stored against the hashes kept now, decrypting those that are ciphertext.
    Recheck {
        /// The segment.
        key: SegmentKey,
        /// Which blocks.
        blocks: BlockSet,
    },
    /// Remove blocks from the store.
    Discard {
        /// The segment.
        key: SegmentKey,
        /// Which blocks.
        blocks: BlockSet,
        /// Only what is stored as ciphertext; the verified blocks of that number stay.
        only_ciphertext: bool,
    },
    /// Remove hashes and secret of a segment that has no block left.
    Forget {
        /// The segment.
        key: SegmentKey,
    },
    /// For logs and counters.
    Event(Event),
}

/// Hashes to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeepHashes {
    /// The request that brought them.
    pub request: RequestToken,
    /// The segment.
    pub key: SegmentKey,
    /// Its bytes.
    pub length: u32,
    /// HoD.
    pub hash_of_data: HashOfData,
    /// Kp.
    pub secret: SegmentSecret,
    /// Where in the message the list of hashes lies.
    pub list: Range<usize>,
    /// The block of the first hash in the list.
    pub first_block: u32,
    /// The blocks whose hashes are to be taken from the list.
    pub blocks: BlockSet,
    /// Whether all hashes stored before are to go: these are proven, and those were not.
    pub replaces: bool,
}

/// Blocks to be fetched by the retrieval protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetch {
    /// To be named when it is over.
    pub token: FetchToken,
    /// The client that offered them, where it serves them.
    pub from: SocketAddr,
    /// The segment.
    pub key: SegmentKey,
    /// Its bytes, as far as offers tell.
    pub segment_length: u32,
    /// The blocks that are missing. The client need not have them all.
    pub blocks: BlockSet,
    /// Whether hashes and secret are stored. If so, only blocks that agree are stored; else ciphertext is stored as it
    /// comes, with its initialization vector and algorithm.
    pub hashes_are_known: bool,
}

/// What is worth telling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A message was dropped.
    Rejected(Rejected),
    /// A message was answered OK, but its content information is no use.
    BadContentInformation {
        /// Who sent it.
        from: SocketAddr,
        /// Whose content it would have been.
        tag: ContentTag,
        /// What was wrong.
        why: Rejected,
    },
    /// A request was odd, but accepted.
    Quirks {
        /// Which.
        request: RequestToken,
        /// How.
        quirks: Quirks,
    },
    /// A segment was offered.
    Offered {
        /// By whom, with the port of the offer.
        from: SocketAddr,
        /// The segment.
        key: SegmentKey,
        /// Whose content it is, where the message tells.
        tag: Option<ContentTag>,
        /// What becomes of it.
        decision: Decision,
    },
    /// A fetch is over.
    Fetched {
        /// The client it was from.
        from: SocketAddr,
        /// The segment.
        key: SegmentKey,
        /// The blocks that came.
        stored: BlockSet,
        /// The blocks that did not.
        missing: BlockSet,
    },
    /// A fetch came to nothing.
    FetchFailed {
        /// The client it was from.
        from: SocketAddr,
        /// The segment.
        key: SegmentKey,
        /// Whether it took too long.
        timed_out: bool,
    },
}

/// What becomes of an offered segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Nothing is missing.
    Held,
    /// It waits to be fetched from this client, or is fetched at once.
    Queued,
    /// It is being fetched from another client; this one is asked next, for what is missing then.
    NextSource,
    /// The block hashes are needed first.
    AskedForHashes,
    /// It is not fetched.
    Skipped(Skip),
}

/// Why a segment is not fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Skip {
    /// The offer gives port 0.
    NoPort,
    /// No segment of its algorithm has that many bytes.
    ImpossibleSize,
    /// Too few hashes, and only complete lists are wanted.
    HashesIncomplete,
    /// Two incomplete lists of hashes give the segment different lengths; the first one counts.
    LengthsDiffer,
    /// This client has too many segments waiting.
    ClientQueueFull,
    /// Too many segments are waiting.
    QueueFull,
    /// Enough clients are remembered for this segment.
    SourcesEnough,
    /// The cache knows as many segments as it may.
    TooManySegments,
}
