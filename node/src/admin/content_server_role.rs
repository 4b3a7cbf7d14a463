//! A content server, for administrators.
//! Invariant: every number is one of its counters or a sum of them.
//! Byte order: none.

use std::sync::Arc;

use super::counter_set as set;
use super::metrics::Metrics;
use super::status::{Cache, Status};
use super::{HttpRole, Role};
use crate::content_server::ContentInfos;
use crate::counters::HttpCounters;

/// Reasons that do not speak of the coding at all: the request was not of a client that knows it, or for nothing that
/// could be coded.
const UNAWARE: [&str; 4] = ["not-eligible", "not-advertised", "method", "http-version"];

/// A content server.
#[derive(Debug)]
pub struct ContentServerRole {
    infos: Arc<ContentInfos>,
    http: HttpRole,
}

impl ContentServerRole {
    /// Of its content information and what its HTTP server counts.
    #[must_use]
    pub const fn new(infos: Arc<ContentInfos>, http: Arc<HttpCounters>) -> Self {
        Self {
            infos,
            http: HttpRole::new(http),
        }
    }
}

impl Role for ContentServerRole {
    fn name(&self) -> &'static str {
        "content server"
    }

    fn metrics(&self, into: &mut Metrics) {
        let counters = self.infos.counters();
        let (described, missing, unhashed, plain) = (
            counters.described_bytes.get(),
            counters.missing_data_bytes.get(),
            counters.make_hash_bytes.get(),
            counters.plain_bytes.get(),
        );
        let mut aware = counters.encoded.get();
        aware += counters.make_hash_requests.get() + counters.missing_data_requests.get();
        for (why, count) in counters.plain.all() {
            if !UNAWARE.contains(&why) {
                aware += count;
            }
            into.set_labelled(&set::PLAIN_ANSWERS, vec![("reason", why.to_owned())], count);
        }
        let kept = self.infos.kept();
        for (metric, value) in [
            (&set::ANSWERS, counters.answers.get()),
            (&set::AWARE_REQUESTS, aware),
            (&set::HASH_RETRIEVALS, counters.encoded.get()),
            (&set::HASH_BYTES, counters.encoded_bytes.get()),
            (&set::DESCRIBED_BYTES, described),
            (&set::CLIENT_CACHE_MISS_BYTES, missing),
            (&set::SERVER_CACHE_MISS_BYTES, unhashed),
            (&set::PLAIN_BYTES, plain),
            // What is described and then found missing would have been sent once.
            (
                &set::PROJECTED_BYTES,
                described.max(missing) + unhashed + plain,
            ),
            (&set::HASH_GENERATIONS, counters.hashed.get()),
            (&set::HASHED_BYTES, counters.hashed_bytes.get()),
            (&set::HASH_FAILURES, counters.hash_failures.get()),
            (&set::HASH_CACHE_HITS, counters.hash_cache_hits.get()),
            (&set::HASH_CACHE_MISSES, counters.hash_cache_misses.get()),
            (
                &set::HASH_CACHE_EVICTIONS,
                counters.hash_cache_evictions.get(),
            ),
            (&set::PUBLISHED_CONTENTS, kept.entries),
            (&set::HASH_CACHE_BYTES, kept.bytes),
            (&set::HASH_CACHE_LIMIT, kept.bytes_limit),
        ] {
            into.set(metric, value);
        }
        let misses = [
            ("hashes-not-made-yet", &counters.make_hash_requests),
            ("not-in-the-branch", &counters.missing_data_requests),
        ];
        for (why, counter) in misses {
            let labels = vec![("reason", why.to_owned())];
            into.set_labelled(&set::PLAIN_ANSWERS, labels, counter.get());
        }
        self.http.metrics(into);
    }

    fn status(&self, status: &mut Status) {
        status
            .content_server_configuration
            .content_server_is_enabled = true;
        let kept = self.infos.kept();
        status.hash_cache = Some(Cache {
            cache_file_directory_path: kept.directory.map(|path| path.display().to_string()),
            max_cache_size_as_number_of_bytes: kept.bytes_limit,
            current_size_on_disk_as_number_of_bytes: Some(kept.bytes),
            current_active_cache_size: kept.bytes,
            ..Cache::default()
        });
    }
}
