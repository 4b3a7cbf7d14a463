//! MS-PCHC 3.1 on real sockets and disks: offers come in, blocks are fetched, and whoever asks for them is served.
//! Invariant: blocks are fetched from the address that offered them alone; what nobody verified is never kept as verified.
//! Byte order: none, messages are decoded and encoded in core.
//!
//! ```text
//! POST ─▶ service ─┬▶ desk (the machine, and its word done in order) ─▶ answer
//!                  │    ├▶ keeping: hashes and blocks in the store
//!                  │    └▶ fetching: blocks from the client that offered them
//!                  └▶ retrieval, as a peer serves it
//! ```
//!
//! - One task has the machine and does what it says one thing after another: hashes are stored before a fetch needs
//!   them, and nothing is forgotten that was stored again meanwhile.
//! - Fetches run beside it, each with a retrieval client of its own.
//! - What the store gives up on its own account the machine is told; at start it is told what the store holds.
//! - TLS carries version 1.0, plain HTTP version 2.0 and the retrieval protocol.

pub mod certificate;
mod changes;
mod desk;
mod fetching;
mod keeping;
mod options;
mod restoring;
mod role;
mod service;
mod session;

pub use desk::HostedCacheStatus;
pub use options::{FetchLimits, HostedCacheOptions};
pub use role::{HostedCache, StartError};
pub use service::{Authenticated, HostedBody, HostedCacheService};
