//! The PeerDist (BranchCache) protocols as pure functions and state machines.
//!
//! # The law
//!
//! Every role is one state machine with three calls, and nothing else makes it move:
//!
//! ```text
//! fn handle(&mut self, now: Instant, input: Input<'_>) -> Result<(), ApiMisuse>;
//! fn poll_output(&mut self) -> Option<Output>;      // drain to None after every handle
//! fn poll_timeout(&self) -> Option<Instant>;        // when to hand in Input::Timeout at the latest
//! ```
//!
//! Time is handed in ([`time`]), randomness is a seeded stream handed in at construction ([`entropy`]), bytes of
//! blocks do not pass through: outputs carry a token for what is to be stored, verified or encrypted, and the world
//! answers with it. Bytes from a peer are never an error ([`error::Rejected`]). No I/O, no clock, no threads, no async.
//!
//! # Layout
//!
//! - [`cipher`]: AES-CBC of many blocks at once, by the fastest kernel of the processor;
//! - [`client`]: MS-CCROD 2.8, content fetched from peers or a hosted cache, and the rest from the origin;
//! - [`content`]: MS-PCCRC, content information, secrets, cutting by content;
//! - [`decode`]: any of their messages as an annotated tree, for people;
//! - [`discovery`]: MS-PCCRD, who on the local subnet has which segments: prober and responder;
//! - [`hash`]: digests of many inputs at once, by the fastest kernel of the processor;
//! - [`hosted_cache`]: MS-PCHC, what clients offer to the cache of their branch;
//! - [`http_encoding`]: MS-PCCRTP, the content coding of HTTP, negotiation for either side;
//! - [`retrieval`]: MS-PCCRR, messages, the peer that asks and the peer that answers;
//! - [`smb`]: MS-SMB2 SRV_READ_HASH, content information from file servers;
//! - [`store`]: what keeps blocks, and a bounded store in memory;
//! - [`wire`]: bytes at named offsets;
//! - [`entropy`], [`error`], [`time`]: what the machines share.
#![cfg_attr(not(test), warn(clippy::indexing_slicing))]

pub mod cipher;
pub mod client;
pub mod content;
pub mod decode;
pub mod discovery;
pub mod entropy;
pub mod error;
pub mod hash;
pub mod hosted_cache;
pub mod http_encoding;
mod quirk;
pub mod retrieval;
pub mod smb;
pub mod store;
pub mod time;
pub mod wire;
