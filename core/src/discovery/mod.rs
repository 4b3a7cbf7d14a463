//! MS-PCCRD: discovery, who on the local subnet has which segments; WS-Discovery probes and matches over UDP.
//! Invariant: a message that was decoded is sound; what a datagram may make a reader do is bounded by the limits below.
//! Byte order: big-endian inside the base64 of version 2.0; all the rest is text.
//!
//! ```text
//! client ──Start──▶ Prober ──Multicast(Probe)──▶ every Responder ──random wait──▶ Send(ProbeMatch) ──▶ Prober ──▶ Match
//! ```
//!
//! Messages are typed on the way in and out of the roles, so that a simulation need not write XML; on a network they
//! are [`Message::decode`]d from and `encode`d to datagrams. Written are exactly the prefixes that readers of plain
//! text look for; read is any prefix, by its namespace.

mod ages;
mod base64;
mod encoding;
mod envelope;
mod error;
mod identifier;
mod probe;
mod probe_match;
mod prober;
mod quirk;
mod responder;
mod scopes;
mod sequence;
mod subnet;
mod suppression;
mod types;
mod value;
mod xaddrs;
mod xml;

pub use ages::SegmentAges;
pub use envelope::AppSequence;
pub use error::{DecodeError, Problem};
pub use identifier::{Identifier, Uuid};
pub use probe::Probe;
pub use probe_match::{BlockCount, Found, ProbeMatch};
pub use prober::{
    MAX_SUBNETS, Match, Offered, ProbeToken, Prober, ProberEvent, ProberInput, ProberOutput,
    ProberSettings, Wanted,
};
pub use quirk::{Quirk, Quirks};
pub use responder::{
    Held, Holdings, Responder, ResponderEvent, ResponderInput, ResponderOutput, ResponderSettings,
};
pub use scopes::Availability;
pub use sequence::{Persisted, Start};
pub use subnet::Subnet;
pub use suppression::{Replies, Suppression};

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::wire::Trace;
use encoding::Document;

/// The UDP port of WS-Discovery.
pub const PORT: u16 = 3702;
//= PCCRD-2.1-01
/// Where probes go over IPv4.
pub const MULTICAST_V4: SocketAddr =
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(239, 255, 255, 250)), PORT);
/// Where probes go over IPv6, on each link.
pub const MULTICAST_V6: SocketAddr = SocketAddr::new(
    IpAddr::V6(Ipv6Addr::new(0xFF02, 0, 0, 0, 0, 0, 0, 0xC)),
    PORT,
);

/// Bytes in a message, at most: what a datagram over IPv4 can carry.
pub const MAX_MESSAGE_BYTES: usize = 65_507;
/// Elements inside each other, at most. The messages need 6.
pub const MAX_DEPTH: usize = 16;
/// Elements in a message, at most. The messages need 17.
pub const MAX_ELEMENTS: usize = 256;
/// Attributes of one element with its declarations of namespaces, at most. The messages need 4.
pub const MAX_ATTRIBUTES: usize = 32;
/// Prefixes declared at a time, at most. The messages need 4.
pub const MAX_NAMESPACES: usize = 32;
/// Segments in a probe or a match, at most: a version 2.0 probe counts them in one byte.
pub const MAX_IDS: usize = 255;
/// Addresses in a match, at most.
pub const MAX_ADDRESSES: usize = 32;
/// Bytes in the identifier of a message or a sender, at most. A `urn:uuid:` has 45.
pub const MAX_IDENTIFIER_BYTES: usize = 256;

/// A message of this protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// Who has these segments?
    Probe(Probe),
    /// I have some of them.
    ProbeMatch(ProbeMatch),
}

/// A message, and what a reader had to be lenient about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// The message.
    pub message: Message,
    /// What is peculiar about it.
    pub quirks: Quirks,
}

impl Message {
    /// Decodes a datagram of either kind and version.
    ///
    /// # Errors
    /// [`DecodeError`] for anything else; see [`DecodeError::is_foreign`] for messages that are good, but for others.
    pub fn decode(datagram: &[u8]) -> Result<Decoded, DecodeError> {
        Self::decode_with(datagram, None)
    }

    /// Decodes a datagram and tells `trace` of every field, at its place in the datagram.
    ///
    /// # Errors
    /// As [`Message::decode`]; the trace then has what was read up to there.
    pub fn decode_traced(datagram: &[u8], trace: &Trace) -> Result<Decoded, DecodeError> {
        Self::decode_with(datagram, Some(trace))
    }

    fn decode_with(datagram: &[u8], trace: Option<&Trace>) -> Result<Decoded, DecodeError> {
        envelope::decode(&Document::new(datagram, trace)?)
    }

    /// Appends the message to `out`.
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        match self {
            Self::Probe(probe) => probe.encode_into(out),
            Self::ProbeMatch(found) => found.encode_into(out),
        }
    }

    /// The message as a datagram.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode_into(&mut out);
        out
    }
}

#[cfg(test)]
mod tests;
