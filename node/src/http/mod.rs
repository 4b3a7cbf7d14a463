//! HTTP/1.1 as every server and client of node speaks it: hyper, with all limits that the network must meet.
//! Invariant: whatever comes, a connection ends within a time that is named, and takes memory that is bounded.
//! Byte order: none.
//!
//! - [`server`]: connections accepted, bounded and served by a tower service;
//! - [`client`]: requests to servers over a bounded pool of connections;
//! - [`tunnel`]: bytes carried both ways once a request became a tunnel;
//! - [`tls`]: certificates and roots from files;
//! - [`limits`]: every limit, with its name and its unit.

mod answer;
pub mod client;
mod connections;
pub(crate) mod hop_by_hop;
pub mod limits;
mod paced;
mod paced_body;
mod pool;
pub mod server;
pub mod tls;
pub mod tunnel;
mod witness;

pub use answer::RequestBody;
pub use paced_body::{Paced as PacedBody, TooSlow};

/// An error of a body or a service, whatever its type.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
