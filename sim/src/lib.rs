//! The PeerDist core on simulated networks: the same seed gives the same answer, on every machine.
//!
//! Layout:
//!
//! - [`packet`]: the packet engine, which runs the servers and the client of node, as they ship, on simulated hosts.

pub mod packet;
