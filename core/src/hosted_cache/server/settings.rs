//! What a hosted cache may be set to: whom it asks, and how much one client can make it fetch.
//! Invariant: every table of the machine has its bound here.
//! Byte order: none.

/// Limits and choices of a [`super::Server`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerSettings {
    /// Whether version 1.0 takes requests of authenticated clients only. Version 2.0 has no authentication.
    pub authenticate_clients: bool,
    /// Whether to fetch by a list of some hashes, which nothing holds against HoD until the others are known.
    pub accept_partial_hashes: bool,
    /// Segments that are fetched from one client at the same time.
    pub segments_in_flight_per_client: u32,
    /// Segments that are fetched at the same time.
    pub segments_in_flight_total: u32,
    /// Bytes that are fetched from one client at the same time. One segment may always be.
    pub bytes_in_flight_per_client: u64,
    /// Bytes that are fetched at the same time. One segment may always be.
    pub bytes_in_flight_total: u64,
    /// Segments of one client that wait to be fetched.
    pub segments_queued_per_client: usize,
    /// Segments that wait to be fetched.
    pub segments_queued_total: usize,
    /// Segments that the cache knows of: held, waiting or on their way.
    pub segments_known_max: usize,
    /// Further clients that are remembered for a segment, to be asked for what the one before did not have.
    pub sources_per_segment_max: usize,
    /// How long a fetch may take, in milliseconds.
    pub fetch_timeout_ms: u64,
    /// Content tags besides the well-known ones that are counted by themselves. Windows counts none.
    pub tags_counted_max: usize,
}

impl Default for ServerSettings {
    /// The document leaves all of it open but the tags.
    fn default() -> Self {
        Self {
            authenticate_clients: false,
            accept_partial_hashes: true,
            segments_in_flight_per_client: 4,
            segments_in_flight_total: 64,
            bytes_in_flight_per_client: 64 << 20,
            bytes_in_flight_total: 512 << 20,
            // Of 512 MiB in segments of version 2.0: who offers a file that it has whole offers all of it at once.
            segments_queued_per_client: 8_192,
            segments_queued_total: 65_536,
            segments_known_max: 1 << 20,
            sources_per_segment_max: 4,
            fetch_timeout_ms: 300_000,
            tags_counted_max: 16,
        }
    }
}
