//! Bytes around the messages: the heads of HTTP, as the packet engine counts them, which runs the programs themselves.
//! Invariant: `sim/tests/engines.rs` holds them against the packet engine.
//! Unit: bytes.

/// A request for content from who knows nothing of content information.
pub(super) const PLAIN_REQUEST: u64 = 98;
/// The head of the answer with the whole content.
pub(super) const PLAIN_RESPONSE: u64 = 226;
/// A request for content from who takes content information instead.
pub(super) const INFO_REQUEST: u64 = 199;
/// The head of the answer with content information.
pub(super) const INFO_RESPONSE: u64 = 336;
/// A request for a range of content; its numbers have more digits or fewer.
pub(super) const RANGE_REQUEST: u64 = 215;
/// The head of the answer with a range.
pub(super) const RANGE_RESPONSE: u64 = 279;
/// The head of a request of the retrieval protocol, or of an offer.
pub(super) const RETRIEVAL_REQUEST: u64 = 136;
/// The head of its answer.
pub(super) const RETRIEVAL_RESPONSE: u64 = 119;
/// From one report of what came from the origin to the next.
pub(super) const ORIGIN_STEP: u64 = 64 << 10;
