//! A peer on real sockets: it says what it has (MS-PCCRD) and hands it out (MS-PCCRR), by the machines of core.
//! Invariant: a plain block is never sent unless the settings say so, and no secret ever is.
//! Byte order: none, messages are decoded and encoded in core.
//!
//! ```text
//! POST ─▶ desk (machine, under a short lock) ─▶ load ─▶ sealing, many blocks at once ─▶ desk ─▶ body
//! ```
//!
//! - [`Peer`]: all of it together, over a store;
//! - [`RetrievalService`]: the retrieval server alone, as a tower service; a hosted cache needs the same;
//! - [`Cache`]: what a store must do for it.

mod body;
mod cache;
mod desk;
mod role;
mod sealing;
mod service;
mod snapshot;
mod warm;

pub use body::RetrievalBody;
pub use cache::{Cache, Discoverable};
pub use desk::RetrievalOptions;
pub use role::{Peer, PeerOptions, http_limits};
pub use service::RetrievalService;
