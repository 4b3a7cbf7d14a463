//! What tasks and workers tell the driver.
//! Invariant: as many are on their way as the client framework let begin.
//! Byte order: none.

use std::io;
use std::net::SocketAddr;

use peerdist::client::{DiscoveryToken, FetchToken};
use peerdist::content::SegmentId;
use peerdist::discovery::Replies;
use peerdist::retrieval::client::Exchange;

use super::workers::Done;

#[derive(Debug)]
pub(super) enum Happening {
    Message {
        exchange: Exchange,
        bytes: Vec<u8>,
    },
    NoMessage {
        exchange: Exchange,
    },
    Found {
        peer: SocketAddr,
        segments: Vec<SegmentId>,
        /// How often each of them was offered up to now.
        replies: Vec<(SegmentId, Replies)>,
    },
    SearchEnded {
        discovery: DiscoveryToken,
    },
    OriginBlock {
        fetch: FetchToken,
        start: u64,
        received: u64,
        /// Whether it is the last of its range.
        is_last: bool,
        bytes: Vec<u8>,
    },
    OriginFailed {
        fetch: FetchToken,
        why: String,
    },
    OriginChanged,
    OriginWithoutRanges,
    Worked(io::Result<Vec<Done>>),
}
