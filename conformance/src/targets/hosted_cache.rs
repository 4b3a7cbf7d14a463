//! A hosted cache that is judged: whoever takes MS-PCHC offers and fetches what was offered.
//! Invariant: the judge offers only what it serves itself, under segment ids that nobody had before.
//! Byte order: that of MS-PCHC.

use std::net::SocketAddr;

/// A hosted cache that is judged.
#[derive(Debug, Clone)]
pub struct HostedCache {
    /// Where it takes offers of version 2.0 and serves blocks.
    pub http: SocketAddr,
    /// Where it takes offers of version 1.0.
    pub https: Option<SocketAddr>,
}
