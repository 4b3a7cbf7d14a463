//! A responder that is judged: whoever answers MS-PCCRD probes, and what it is said to hold.
//! Invariant: probes go to the one address or the one interface that the judge was told.
//! Byte order: none.

use std::net::{IpAddr, SocketAddr};

use super::peer::Holding;

/// A responder that is judged.
#[derive(Debug, Clone)]
pub struct Responder {
    /// Where probes are sent by unicast; `None`: multicast alone.
    pub address: Option<SocketAddr>,
    /// The judge's own address at the interface that multicasts leave by.
    pub interface: IpAddr,
    /// What it holds.
    pub holdings: Vec<Holding>,
}
