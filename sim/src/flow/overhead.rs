//! Bytes and times around the messages: heads of HTTP, the opening of connections.
//! Invariant: every constant says where it comes from.
//! Unit: bytes.

/// A request for content: method, path, host, what is accepted of content information.
pub(super) const CONTENT_REQUEST: u64 = 260;
/// The head of the answer with content information or content.
pub(super) const CONTENT_RESPONSE: u64 = 330;
/// The head of a request of the retrieval protocol: `POST /116B50EB-ECE2-41ac-8429-9F9E963361B7/`, host and length.
pub(super) const RETRIEVAL_REQUEST: u64 = 130;
/// The head of its answer.
pub(super) const RETRIEVAL_RESPONSE: u64 = 90;
/// From one report of what came from the origin to the next.
pub(super) const ORIGIN_STEP: u64 = 64 << 10;
