//! Every limit of HTTP in node, with its name and its unit.
//! Invariant: there is no limit elsewhere in this folder.
//! Byte order: none.

use std::time::Duration;

/// What a server puts up with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerLimits {
    /// Connections at a time; one more takes the place of the one that waits longest without a request.
    pub connections_most: usize,
    /// Connections of one address (of one /64 for IPv6) at a time; one more is refused.
    pub connections_by_address_most: usize,
    /// From accepting a connection to the end of its TLS handshake.
    pub tls_handshake_ms: u64,
    /// From the first byte of a request to the end of its head.
    pub head_ms: u64,
    /// Bytes of a request's head, at least 8,192.
    pub head_bytes_most: usize,
    /// Header fields of a request.
    pub head_fields_most: usize,
    /// Bytes of a request's body.
    pub body_bytes_most: usize,
    /// How long a connection may stay open without a request.
    pub idle_ms: u64,
    /// From the head of a request to the head of its answer.
    pub answer_head_ms: u64,
    /// From the head of a request to the last byte of its answer.
    pub request_ms: u64,
    /// In each `progress_ms` in which the other side keeps us waiting, at least `progress_bytes_least` must pass.
    pub progress_ms: u64,
    /// See `progress_ms`.
    pub progress_bytes_least: u64,
    /// How long requests may go on when the server stops.
    pub stop_ms: u64,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            connections_most: 4_096,
            connections_by_address_most: 1_024,
            tls_handshake_ms: 10_000,
            head_ms: 10_000,
            head_bytes_most: 32 << 10,
            head_fields_most: 100,
            body_bytes_most: 1 << 20,
            idle_ms: 60_000,
            answer_head_ms: 120_000,
            request_ms: 12 * 3_600_000,
            progress_ms: 30_000,
            progress_bytes_least: 4_096,
            stop_ms: 10_000,
        }
    }
}

/// What a client puts up with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientLimits {
    /// Connections to one host at a time.
    pub connections_by_host_most: usize,
    /// How long a request waits for one of them.
    pub connection_wait_ms: u64,
    /// Hosts that are remembered; those without a connection are forgotten first.
    pub hosts_most: usize,
    /// How long an unused connection is kept.
    pub idle_ms: u64,
    /// Looking up, connecting and the TLS handshake together.
    pub connect_ms: u64,
    /// From sending a request to the head of its response.
    pub head_ms: u64,
    /// Bytes of a response's head, at least 8,192.
    pub head_bytes_most: usize,
    /// Header fields of a response.
    pub head_fields_most: usize,
    /// In each `progress_ms` in which the server keeps us waiting, at least `progress_bytes_least` must come.
    pub progress_ms: u64,
    /// See `progress_ms`.
    pub progress_bytes_least: u64,
}

impl Default for ClientLimits {
    fn default() -> Self {
        Self {
            connections_by_host_most: 256,
            connection_wait_ms: 10_000,
            hosts_most: 1_024,
            idle_ms: 30_000,
            connect_ms: 10_000,
            head_ms: 60_000,
            head_bytes_most: 64 << 10,
            head_fields_most: 200,
            progress_ms: 30_000,
            progress_bytes_least: 1,
        }
    }
}

pub(crate) const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}
