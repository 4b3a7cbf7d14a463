//! MS-CCROD 2.8 and appendix: what of the client framework can be set.
//! Invariant: settings are checked once, when the machine is made; every table has its limit here.
//! Byte order: none.

use core::ops::RangeInclusive;

use crate::error::ApiMisuse;
use crate::retrieval::client::ClientSettings;
use crate::time::Duration;

/// What the client framework is told once. The defaults are those of Windows where it has any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// How peers are asked, the request timer and the limit of all requests outstanding included.
    pub retrieval: ClientSettings,
    /// How long a segment may take to come from peers, in milliseconds; then the origin is asked for the rest.
    pub download_timer_ms: u32,
    /// How long it is remembered that nobody has a segment, in milliseconds.
    pub server_list_timer_ms: u32,
    /// How long it is remembered that a peer has a segment, in milliseconds.
    pub server_entry_timer_ms: u32,
    /// For how many segments it is remembered who has them.
    pub server_lists_limit: u32,
    /// How many peers are remembered to have a segment, and are asked for it at a time.
    pub servers_per_list: u32,
    /// How many segments of version 2.0 a hosted cache is asked about at a time before it is asked for their blocks,
    /// at most 1400. It is not asked about fewer than two.
    pub segments_per_list: u32,
    /// How many times a peer may fail to tell which blocks it has.
    pub block_list_failures: u32,
    /// How many discoveries start in a period.
    pub discoveries_per_period: u32,
    /// The period, in milliseconds.
    pub discovery_period_ms: u32,
    /// How long a discovery is waited for, in milliseconds, should the world never say that it ended.
    pub discovery_limit_ms: u32,
    /// How many segments one discovery looks for.
    pub segments_per_discovery: u32,
    /// How many downloads there are at a time.
    pub downloads_limit: u32,
    /// How many segments a download has.
    pub segments_per_download: u32,
    /// How many segments are fetched from peers at a time, of all downloads.
    pub segments_in_flight: u32,
    /// How many requests are outstanding at one peer, for all segments together.
    pub requests_per_server: u32,
    /// How many requests are outstanding at one peer for one segment. The document has one.
    pub requests_per_server_and_segment: u32,
    /// How many peers are remembered to have sent a block that was not what it should be.
    pub liars_limit: u32,
    /// How long they are remembered, in milliseconds.
    pub liar_memory_ms: u32,
    /// How many ranges are outstanding at the origin.
    pub origin_ranges_limit: u32,
    /// How many bytes one such range has; at least a block is asked for.
    pub origin_range_max_bytes: u64,
    /// How many bytes of a download are asked of the origin at a time; at least a block is. What waits is looked for at
    /// peers again. The document has no such limit.
    pub origin_backlog_bytes: u64,
    /// How long nothing of a download is asked of the origin, in milliseconds, so that peers may have it first.
    pub origin_delay_ms: u32,
    /// How long what may not be asked of the origin yet waits before it is looked for at peers again, in milliseconds.
    pub look_again_ms: u32,
    /// How long the origin may take from one block to the next, in milliseconds.
    pub origin_timer_ms: u32,
    /// How long after a failure the origin is asked again, in milliseconds.
    pub origin_retry_ms: u32,
    /// How many times in a row the origin may fail before the download does.
    pub origin_failures_limit: u32,
    /// How many blocks of the origin may be other than the content information says before the download fails.
    pub origin_bad_blocks_limit: u32,
    /// How far ahead of what was delivered blocks are fetched, in bytes, where they are delivered in order.
    pub ahead_bytes_limit: u64,
}

impl Settings {
    /// The time that the document gives for `server_entry_timer_ms`; Windows keeps entries for longer.
    pub const SERVER_ENTRY_TIMER_OF_TEXT_MS: u32 = 15_000;
    /// Servers of a segment that Windows lets an administrator set.
    pub const SERVERS_PER_LIST: RangeInclusive<u32> = 1..=16_384;
    /// Failures of a block list that Windows lets an administrator set.
    pub const BLOCK_LIST_FAILURES: RangeInclusive<u32> = 1..=100;
    /// The most segments that one `MSG_GETSEGLIST` of 96 KiB names, were their ids the longest there are.
    pub const SEGMENTS_PER_LIST_MAX: u32 = 1_400;
    /// The longest download timer, in milliseconds; the shortest is 0.
    pub const DOWNLOAD_TIMER_MAX_MS: u32 = 4_294_967_294;

    pub(super) fn check(&self) -> Result<(), ApiMisuse> {
        if self.download_timer_ms > Self::DOWNLOAD_TIMER_MAX_MS {
            return Err(ApiMisuse("download_timer_ms is above 4294967294"));
        }
        if !Self::SERVERS_PER_LIST.contains(&self.servers_per_list) {
            return Err(ApiMisuse("servers_per_list is not between 1 and 16384"));
        }
        if !Self::BLOCK_LIST_FAILURES.contains(&self.block_list_failures) {
            return Err(ApiMisuse("block_list_failures is not between 1 and 100"));
        }
        if self.segments_per_list > Self::SEGMENTS_PER_LIST_MAX {
            return Err(ApiMisuse("segments_per_list is above 1400"));
        }
        let limits = [
            self.server_lists_limit,
            self.segments_per_discovery,
            self.discovery_period_ms,
            self.downloads_limit,
            self.segments_per_download,
            self.segments_in_flight,
            self.requests_per_server,
            self.requests_per_server_and_segment,
            self.origin_ranges_limit,
        ];
        if limits.contains(&0) {
            return Err(ApiMisuse("a limit is 0: nothing could be fetched"));
        }
        // A timer of no length that starts itself again would never let the machine come to rest.
        if self.origin_retry_ms == 0 || self.origin_timer_ms == 0 || self.look_again_ms == 0 {
            return Err(ApiMisuse("a timer of the origin is 0"));
        }
        Ok(())
    }
}

pub(super) const fn millis(milliseconds: u32) -> Duration {
    Duration::from_millis(milliseconds as u64)
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            retrieval: ClientSettings::default(),
            //= CCROD-2.8.1.2.2-02
            download_timer_ms: 5_000,
            //= CCROD-2.8.1.2.2-05
            server_list_timer_ms: 15_000,
            //= CCROD-2.8.1.2.2-07
            server_entry_timer_ms: 60_000,
            server_lists_limit: 1024,
            //= CCROD-2.8.2.5.1-01
            servers_per_list: 16,
            segments_per_list: 128,
            //= CCROD-2.8.2.5.6-02
            block_list_failures: 3,
            discoveries_per_period: 64,
            discovery_period_ms: 1_000,
            discovery_limit_ms: 2_000,
            segments_per_discovery: 32,
            downloads_limit: 64,
            segments_per_download: 1 << 20,
            segments_in_flight: 64,
            requests_per_server: 32,
            requests_per_server_and_segment: 1,
            liars_limit: 256,
            liar_memory_ms: 600_000,
            origin_ranges_limit: 4,
            origin_range_max_bytes: 8 << 20,
            origin_backlog_bytes: u64::MAX,
            origin_delay_ms: 0,
            look_again_ms: 1_000,
            origin_timer_ms: 30_000,
            origin_retry_ms: 1_000,
            origin_failures_limit: 5,
            origin_bad_blocks_limit: 3,
            ahead_bytes_limit: 64 << 20,
        }
    }
}
