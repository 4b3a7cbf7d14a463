//! Every limit of discovery in node, with its name and its unit.
//! Invariant: there is no limit elsewhere in this folder; those of the protocol are settings of core's machines.
//! Byte order: none.

use peerdist::discovery::{MAX_ADDRESSES, MAX_MESSAGE_BYTES, MAX_SUBNETS};

/// What sockets of discovery put up with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiscoveryLimits {
    /// Bytes of a datagram; longer ones are dropped.
    pub datagram_bytes_most: usize,
    /// Datagrams of all senders in a second; more are dropped unread.
    pub datagrams_per_second_most: u32,
    /// Datagrams of one sender (of one /64 for IPv6) in a second.
    pub datagrams_of_sender_per_second_most: u32,
    /// Bytes of datagrams that may wait to be read.
    pub waiting_bytes_most: usize,
    /// Datagrams that may wait to be read.
    pub waiting_datagrams_most: usize,
    /// Searches that wait until the machine has room for their probe.
    pub waiting_searches_most: usize,
    /// Interfaces that are listened on.
    pub interfaces_most: usize,
    /// Addresses that a match names.
    pub addresses_most: usize,
    /// Pause after an error of a socket, so that one that stays does not keep a processor busy.
    pub socket_error_pause_ms: u64,
}

impl Default for DiscoveryLimits {
    fn default() -> Self {
        Self {
            datagram_bytes_most: MAX_MESSAGE_BYTES,
            datagrams_per_second_most: 2_000,
            datagrams_of_sender_per_second_most: 500,
            waiting_bytes_most: 1 << 20,
            waiting_datagrams_most: 256,
            waiting_searches_most: 1_024,
            interfaces_most: MAX_SUBNETS / 2,
            addresses_most: MAX_ADDRESSES,
            socket_error_pause_ms: 100,
        }
    }
}
