//! What goes into a client of a hosted cache and what comes out of it.
//! Invariant: messages come out as what they say; content information stays with the caller, who is asked for it by token.
//! Byte order: none.

use crate::content::ContentInfo;
use crate::error::Rejected;
use crate::hosted_cache::{
    BatchedOffer, ContentTag, InitialOffer, ReadBytes, SegmentDescriptor, SegmentKey, Version,
    encode_segment_info_into,
};

/// A content, by whatever number the caller gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentToken(pub u64);

/// A request, by the number that the machine gave it. It stays the same when the request is sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// A segment that may be offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offerable {
    /// The content it is of.
    pub content: ContentToken,
    /// Which segment of the content it is.
    pub index: u64,
    /// Its public name.
    pub key: SegmentKey,
    /// Its bytes.
    pub length: u32,
    /// Whose content it is.
    pub tag: ContentTag,
}

/// What happened.
#[derive(Debug, Clone, Copy)]
pub enum Input<'a> {
    /// Blocks of a segment came from the content server, and this client serves them to others.
    NewBlocks {
        /// Of which segment.
        segment: Offerable,
        /// How many that were not told of before.
        count: u32,
        /// Whether no more are to come.
        is_complete: bool,
    },
    /// Nothing more is to come for now: a batch that waits is sent.
    Flush,
    /// The caller cannot serve this content any longer: what was not sent yet is not offered.
    Withdrawn {
        /// Which.
        content: ContentToken,
    },
    /// An HTTP response came.
    Response {
        /// To which request.
        request: RequestId,
        /// The HTTP status.
        status: u16,
        /// The body.
        body: &'a [u8],
    },
    /// A request could not be sent, or its connection broke.
    Unreachable {
        /// Which.
        request: RequestId,
    },
    /// The time of `poll_timeout` has come.
    Timeout,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Post a request to the hosted cache.
    Send(Send),
    /// Nobody waits for the answer to a request any longer.
    Cancel {
        /// Which.
        request: RequestId,
    },
    /// For logs and counters.
    Event(Event),
}

/// A request to be posted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Send {
    /// To be named with the response.
    pub request: RequestId,
    /// The version, and so the scheme and path.
    pub version: Version,
    /// Whether the transport is to authenticate itself by SPNEGO (RFC 4559).
    pub with_authentication: bool,
    /// What to send.
    pub message: Message,
}

/// What a request says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// `INITIAL_OFFER_MESSAGE`.
    InitialOffer(InitialOffer),
    /// `SEGMENT_INFO_MESSAGE`, made from the content information that the caller has.
    SegmentInfo {
        /// The port on which this client serves blocks.
        port: u16,
        /// The segment.
        segment: Offerable,
    },
    /// `BATCHED_OFFER_MESSAGE`.
    BatchedOffer {
        /// The port on which this client serves blocks.
        port: u16,
        /// The segments, 128 at most.
        descriptors: Vec<SegmentDescriptor>,
    },
}

impl Message {
    /// Appends the message. Tells whether there is one: `SEGMENT_INFO_MESSAGE` needs the content's information, the
    /// others do not look at it.
    pub fn encode_into(
        &self,
        out: &mut Vec<u8>,
        info: Option<&ContentInfo<'_>>,
        read_bytes: ReadBytes,
    ) -> bool {
        match self {
            Self::InitialOffer(offer) => {
                offer.encode_into(out);
                true
            }
            Self::SegmentInfo { port, segment } => info.is_some_and(|info| {
                encode_segment_info_into(out, *port, segment.tag, info, segment.index, read_bytes)
            }),
            Self::BatchedOffer { port, descriptors } => {
                let offer = BatchedOffer::new(*port, descriptors);
                offer.map(|offer| offer.encode_into(out)).is_some()
            }
        }
    }
}

/// The segments of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Offered {
    /// Version 1.0: one.
    One(Offerable),
    /// Version 2.0: up to 128.
    Batch(Vec<Offerable>),
}

impl Offered {
    /// The segments.
    #[must_use]
    pub fn segments(&self) -> &[Offerable] {
        match self {
            Self::One(segment) => core::slice::from_ref(segment),
            Self::Batch(segments) => segments,
        }
    }
}

/// What is worth telling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The hosted cache knows of the segments now.
    Offered {
        /// The request that was answered OK.
        request: RequestId,
        /// Of which segments.
        segments: Offered,
        /// Whether it took the block hashes too.
        with_hashes: bool,
    },
    /// A request was refused. Its segments are offered again only when more of them is new.
    Refused {
        /// The request.
        request: RequestId,
        /// Of which segments.
        segments: Offered,
        /// How.
        why: Refusal,
    },
    /// No answer came in time. Its segments are offered again only when more of them is new.
    TimedOut {
        /// The request.
        request: RequestId,
        /// Of which segments.
        segments: Offered,
    },
    /// A response was dropped.
    Rejected(Rejected),
    /// A segment cannot be offered.
    NotOffered {
        /// Which.
        segment: Offerable,
        /// Why.
        why: NotOffered,
    },
}

/// How a request was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// With an HTTP status other than 200. With 401 authentication was tried, or is not to be (version 2.0).
    Status(u16),
    /// With an answer that is none.
    BadResponse,
    /// Not at all: the hosted cache could not be reached.
    Unreachable,
}

/// Why a segment cannot be offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotOffered {
    /// The version spoken has no offers of its hash algorithm.
    Algorithm,
    /// Too many segments are looked after.
    TooManySegments,
    /// The hosted cache asked for hashes of a content that was withdrawn.
    Withdrawn,
}
