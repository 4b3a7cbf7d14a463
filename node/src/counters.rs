//! What node counts, for whoever wants to look: plain numbers that only grow.
//! Invariant: counting never waits; a reader sees each number whole, but not all of the same moment.
//! Byte order: none.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use peerdist::http_encoding::PlainReason;

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds to it.
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Relaxed);
    }

    /// What it stands at.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// Of an HTTP server.
#[derive(Debug, Default)]
#[expect(missing_docs, reason = "the names are what administrators read")]
pub struct HttpCounters {
    pub connections: Counter,
    pub connections_refused: Counter,
    pub requests: Counter,
}

/// Of a forward proxy.
#[derive(Debug, Default)]
#[expect(missing_docs, reason = "the names are what administrators read")]
pub struct ForwardCounters {
    /// Answers whose content came by content information.
    pub described: Counter,
    /// Answers that were passed on as they came.
    pub passed: Counter,
    /// Requests that were not passed on, and those whose server was not reached.
    pub refused: Counter,
    /// Answers by content information that broke off.
    pub broken_off: Counter,
    pub tunnels: Counter,
    /// Bytes of tunnels, both ways.
    pub tunnel_bytes: Counter,
    /// Bytes of answers that were passed on as they came.
    pub passed_bytes: Counter,
    pub metadata_bytes: Counter,
    /// Bytes of content, by where they came from.
    pub origin_bytes: Counter,
    pub peer_bytes: Counter,
    pub hosted_cache_bytes: Counter,
    pub store_bytes: Counter,
}

/// Of the content encoding.
#[derive(Debug, Default)]
#[expect(missing_docs, reason = "the names are what administrators read")]
pub struct ContentCounters {
    /// Answers to requests for content, of any kind.
    pub answers: Counter,
    /// Answered with content information.
    pub encoded: Counter,
    /// Bytes of that content information.
    pub encoded_bytes: Counter,
    /// Bytes of content that it stands for.
    pub described_bytes: Counter,
    /// Answered plainly, with the request to come back for the hashes.
    pub make_hash_requests: Counter,
    /// Bytes of content in those answers.
    pub make_hash_bytes: Counter,
    /// Requests for bytes that no peer had.
    pub missing_data_requests: Counter,
    /// Bytes of content in answers to those.
    pub missing_data_bytes: Counter,
    /// Answered plainly for another reason; see [`ContentCounters::plain`].
    pub plain: PlainCounters,
    /// Bytes of content in those, where their length was known.
    pub plain_bytes: Counter,
    /// Contents that were hashed to the end.
    pub hashed: Counter,
    pub hashed_bytes: Counter,
    /// Contents whose hashing did not come to its end: they changed, failed, or their client left.
    pub hash_failures: Counter,
    pub hash_cache_hits: Counter,
    pub hash_cache_misses: Counter,
    pub hash_cache_evictions: Counter,
}

/// Plain answers by their reason.
#[derive(Debug, Default)]
pub struct PlainCounters {
    by_reason: [Counter; REASONS.len()],
    other: Counter,
}

/// Reasons of ours, before the protocol is asked: the response is none that can be encoded.
pub const NOT_ELIGIBLE: &str = "not-eligible";

const REASONS: [&str; 14] = [
    NOT_ELIGIBLE,
    PlainReason::Method.name(),
    PlainReason::HttpVersion.name(),
    PlainReason::RangeUnsatisfiable.name(),
    PlainReason::Malformed.name(),
    PlainReason::NotAdvertised.name(),
    PlainReason::Refused.name(),
    PlainReason::NoVersion.name(),
    PlainReason::UnknownVersion.name(),
    PlainReason::Window.name(),
    PlainReason::NoValidator.name(),
    PlainReason::SeveralRanges.name(),
    PlainReason::Length.name(),
    PlainReason::Unavailable.name(),
];

impl PlainCounters {
    /// Counts one.
    pub fn add(&self, reason: &str) {
        let known = REASONS.iter().position(|name| *name == reason);
        let counter = known.and_then(|index| self.by_reason.get(index));
        counter.unwrap_or(&self.other).add(1);
    }

    /// Every reason with its count.
    pub fn all(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let known = REASONS.iter().zip(&self.by_reason);
        known
            .map(|(name, counter)| (*name, counter.get()))
            .chain([("other", self.other.get())])
    }

    /// All of them together.
    #[must_use]
    pub fn sum(&self) -> u64 {
        self.all().map(|(_, count)| count).sum()
    }
}

/// Of discovery, by the side that searches and the side that answers.
#[derive(Debug, Default)]
#[expect(missing_docs, reason = "the names are what administrators read")]
pub struct DiscoveryCounters {
    /// Datagrams that came, whatever became of them.
    pub datagrams: Counter,
    /// Probes that were read and understood.
    pub probes: Counter,
    /// Matches that were sent.
    pub answers: Counter,
    pub suppressed: Counter,
    pub nothing_held: Counter,
    pub no_address: Counter,
    /// Probes that were sent, one for each interface and family.
    pub probes_sent: Counter,
    /// Matches that answered a search.
    pub matches: Counter,
    pub repeated: Counter,
    /// Datagrams that are no message of the protocol, or one that counts for nothing.
    pub rejected: Counter,
    /// Dropped unread: their sender, or all together, were too fast.
    pub dropped_rate: Counter,
    /// Dropped: too much waited already.
    pub dropped_full: Counter,
    pub dropped_too_long: Counter,
    /// Dropped unread: not from the local subnet, or from this process.
    pub dropped_foreign: Counter,
    pub socket_errors: Counter,
    pub numbers_not_kept: Counter,
}

/// Of the side of retrieval that answers.
#[derive(Debug, Default)]
#[expect(missing_docs, reason = "the names are what administrators read")]
pub struct RetrievalCounters {
    pub requests: Counter,
    /// Messages that went back, those without a block too.
    pub answers: Counter,
    pub block_lists: Counter,
    /// Blocks that went out, and their bytes as they travel.
    pub blocks: Counter,
    pub block_bytes: Counter,
    /// Blocks that were told of and could not be loaded, or have no key.
    pub blocks_lost: Counter,
    pub rejected: Counter,
    pub lenient: Counter,
    /// Requests that got an empty answer, for too many clients were being served.
    pub turned_away: Counter,
    /// Answers that took longer than the upload timer.
    pub timed_out: Counter,
}

/// Of a hosted cache.
#[derive(Debug, Default)]
#[expect(missing_docs, reason = "the names are what administrators read")]
pub struct HostedCacheCounters {
    /// Requests of the protocol, whatever became of them.
    pub requests: Counter,
    /// Requests that are no message, or one of the other version.
    pub rejected: Counter,
    pub unauthorized: Counter,
    /// Requests that got no answer of the protocol, for too many waited already.
    pub turned_away: Counter,
    pub bad_content_information: Counter,
    /// Segments that were offered, by what became of them.
    pub offered_held: Counter,
    pub offered_queued: Counter,
    pub offered_next_source: Counter,
    pub offered_asked_for_hashes: Counter,
    pub offered_skipped: Counter,
    pub fetches: Counter,
    /// Fetches that brought nothing, those that took too long among them.
    pub fetches_failed: Counter,
    pub fetches_timed_out: Counter,
    /// Blocks that agree with their hash and are kept, and their bytes.
    pub blocks_verified: Counter,
    pub blocks_verified_bytes: Counter,
    /// Blocks that nobody here can verify, kept apart as they came, and their bytes.
    pub blocks_sealed: Counter,
    pub blocks_sealed_bytes: Counter,
    /// Blocks that do not agree with their hash.
    pub blocks_wrong: Counter,
    /// Blocks that came and were not kept: no room, longer than was offered, or not encrypted.
    pub blocks_not_kept: Counter,
    /// Changes that the store did not make.
    pub store_failures: Counter,
}
