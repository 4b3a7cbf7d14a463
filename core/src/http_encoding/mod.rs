//! MS-PCCRTP: the content coding `peerdist` of HTTP and its two header fields, negotiation for either side.
//! Invariant: whatever is unclear, malformed or unknown ends in the plain body, never in content information.
//! Byte order: none, header fields are text; a header field's value is bytes, for HTTP promises no more.
//!
//! Nothing here knows an HTTP library: the world adds the header fields of a message one by one and gets back what
//! they mean, and it writes the fields that it is told to write.
//!
//! ```text
//! server: RequestFields ──decide──▶ Decision ──fields──▶ header fields of the response
//! client: Ask ──fields──▶ header fields of the request;   ResponseFields ──Ask::understand──▶ Meaning
//! ```
//!
//! The document describes no state (3.1.1, 3.2.1); what a client has to remember is in [`HashRequests`].

mod client;
mod coding;
mod error;
mod fields;
mod hash_requests;
mod list;
mod parameters;
mod parameters_ex;
mod quirk;
mod range;
mod server;
mod version;

pub use client::{Ask, Asked, ClientSettings, Meaning, ResponseFields};
pub use coding::{AcceptEncoding, ContentEncoding};
pub use error::{DecodeError, Fault, Problem};
pub use fields::{Field, FieldValue};
pub use hash_requests::{
    ContentToken, Event, HashAnswer, HashRequestSettings, HashRequests, Input, Output,
};
pub use parameters::PeerDist;
pub use parameters_ex::PeerDistEx;
pub use quirk::{Quirk, Quirks};
pub use range::Delivery;
pub use server::{
    Answer, Availability, Decision, HttpVersion, PlainReason, Request, RequestFields, Resource,
    ServerSettings,
};
pub use version::VersionNumber;

/// The coding's name, as it is written; names of codings compare without case.
//= PCCRTP-2.2-01
pub const CODING: &str = "peerdist";
/// The header field with the version of the coding, the length behind it and the request for missing data.
//= PCCRTP-2.2-02
pub const PEERDIST: &str = "X-P2P-PeerDist";
/// The header field with versions of content information and the requests for hashes.
pub const PEERDIST_EX: &str = "X-P2P-PeerDistEx";
