//! MS-PCCRD on real sockets: probes sent and answered over multicast, by the machines of core.
//! Invariant: whatever datagrams come, memory and work are bounded, and each one that is dropped is counted.
//! Byte order: none, datagrams are decoded and encoded in core.
//!
//! ```text
//! sockets ─▶ rate, size, subnet, room ─▶ queue ─▶ one task with the machine ─▶ sockets
//! ```
//!
//! - [`ResponderService`]: answers probes for what a store has;
//! - [`Prober`]: a handle to search with, and the task behind it;
//! - [`Numbers`]: what of the responder outlives the process;
//! - [`DiscoveryLimits`]: every limit, with its name and its unit.

mod inbox;
mod limits;
mod numbers;
mod prober;
mod rate;
mod responder;
mod sockets;

pub use limits::DiscoveryLimits;
pub use numbers::Numbers;
pub use prober::{Prober, ProberOptions, Search, SearchError};
pub use responder::{ResponderOptions, ResponderService, SharedHoldings};
