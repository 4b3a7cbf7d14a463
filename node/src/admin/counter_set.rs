//! The names of all numbers: those of Windows' counter sets `BranchCache` and `BranchCache Kernel Mode` where one fits.
//! Invariant: a number under a name of Windows counts what Windows counts under it.
//! Byte order: none.

use super::metrics::{Kind, Metric};

macro_rules! metrics {
    ($($name:ident $kind:ident $metric:literal $windows:literal $help:literal)*) => {
        $(
            #[doc = $help]
            pub const $name: Metric = Metric {
                name: $metric,
                help: $help,
                kind: Kind::$kind,
                windows: $windows,
            };
        )*

        /// Every name there is.
        pub const ALL: &[Metric] = &[$($name),*];
    };
}

metrics! {
    BYTES_FROM_CACHE Counter "peerdist_retrieval_bytes_from_cache_total" r"BranchCache\Retrieval: Bytes from cache"
        "Bytes of content that came from the local cache, from peers or from a hosted cache"
    BYTES_FROM_SERVER Counter "peerdist_retrieval_bytes_from_server_total" r"BranchCache\Retrieval: Bytes from server"
        "Bytes of content that no cache had and the server sent; of a hosted cache, bytes that clients sent"
    BYTES_SERVED Counter "peerdist_retrieval_bytes_served_total" r"BranchCache\Retrieval: Bytes served"
        "Bytes of blocks that went out to others"
    AVERAGE_BRANCH_RATE Gauge "peerdist_retrieval_average_branch_rate_bytes_per_second" r"BranchCache\Retrieval: Average branch rate"
        "How fast blocks come from peers; of a hosted cache, how fast they go to clients"
    ATTEMPTED_DISCOVERIES Counter "peerdist_discovery_attempted_discoveries_total" r"BranchCache\Discovery: Attempted discoveries"
        "Searches for segments that were sent; of a server, that came"
    SUCCESSFUL_DISCOVERIES Counter "peerdist_discovery_successful_discoveries_total" r"BranchCache\Discovery: Successful discoveries"
        "Searches that somebody answered; of a server, that it answered"
    DISCOVERY_TIME Gauge "peerdist_discovery_weighted_average_discovery_time_seconds" r"BranchCache\Discovery: Weighted average discovery time"
        "How long a search takes until its first answer"
    COMPLETE_SEGMENTS Gauge "peerdist_local_cache_complete_file_segments" r"BranchCache\Local Cache: Cache complete file segments"
        "Segments of which every block is there and verified"
    PARTIAL_SEGMENTS Gauge "peerdist_local_cache_partial_file_segments" r"BranchCache\Local Cache: Cache partial file segments"
        "Segments of which blocks are missing or not verified"
    OFFERS_MADE Counter "peerdist_hosted_cache_client_file_segment_offers_made_total" r"BranchCache\Hosted Cache: Client file segment offers made"
        "Segments that clients offered to the hosted cache"
    HOSTED_OFFERS Counter "peerdist_hosted_cache_offered_segments_total" ""
        "Segments that clients offered, by what became of them"
    HOSTED_FETCHES Counter "peerdist_hosted_cache_fetches_total" ""
        "Offered segments that were fetched, by how it ended"
    HOSTED_BLOCKS Counter "peerdist_hosted_cache_fetched_blocks_total" ""
        "Blocks that clients sent, by what became of them"
    HOSTED_FAILED Counter "peerdist_hosted_cache_failed_requests_total" ""
        "Requests of the hosted cache protocol that were for nothing, by their reason"
    HOSTED_STORE_FAILURES Counter "peerdist_hosted_cache_store_failures_total" ""
        "Changes that the store did not make"
    OFFERS_QUEUE Gauge "peerdist_hosted_cache_segment_offers_queue_size" r"BranchCache\Hosted Cache: Segment offers queue size"
        "Offered segments that wait to be fetched"
    PUBLISHED_CONTENTS Gauge "peerdist_publication_cache_published_contents" r"BranchCache\Publication Cache: Published contents"
        "Contents whose content information is kept"
    HTTP_BYTES_FROM_CACHE Counter "peerdist_http_bytes_from_cache_total" r"BranchCache\HTTP: Bytes from cache"
        "Of the bytes from caches, those of downloads over HTTP"
    HTTP_BYTES_FROM_SERVER Counter "peerdist_http_bytes_from_server_total" r"BranchCache\HTTP: Bytes from server"
        "Of the bytes from servers, those of downloads over HTTP"

    HASH_BYTES Counter "peerdist_content_server_hash_bytes_total" r"BranchCache Kernel Mode\Hash Bytes"
        "Bytes of content information that went to clients"
    CLIENT_CACHE_MISS_BYTES Counter "peerdist_content_server_client_cache_miss_bytes_total" r"BranchCache Kernel Mode\Client Cache Miss Bytes"
        "Bytes of content that were sent because the client did not find them in the branch"
    SERVER_CACHE_MISS_BYTES Counter "peerdist_content_server_server_cache_miss_bytes_total" r"BranchCache Kernel Mode\Server Cache Miss Bytes"
        "Bytes of content that were sent because there was no content information yet"
    PROJECTED_BYTES Counter "peerdist_content_server_projected_server_bytes_without_caching_total" r"BranchCache Kernel Mode\Projected Server Bytes Without Caching"
        "Bytes that the server would have sent if no client had asked for content information"
    AWARE_REQUESTS Counter "peerdist_content_server_branchcache_aware_http_requests_total" r"BranchCache Kernel Mode\BranchCache aware HTTP Requests"
        "Requests of clients that can use content information"
    HASH_GENERATIONS Counter "peerdist_content_server_total_hash_generations_accepted_total" r"BranchCache Kernel Mode\Total Hash Generations Accepted"
        "Contents whose hashes were made"
    HASH_RETRIEVALS Counter "peerdist_content_server_total_hash_retrievals_accepted_total" r"BranchCache Kernel Mode\Total Hash Retrievals Accepted"
        "Answers with content information"

    ANSWERS Counter "peerdist_content_server_answers_total" ""
        "Answers to requests for content, of any kind"
    PLAIN_ANSWERS Counter "peerdist_content_server_plain_answers_total" ""
        "Answers without content information, by their reason"
    PLAIN_BYTES Counter "peerdist_content_server_plain_bytes_total" ""
        "Bytes of content that were sent plainly for any other reason than a miss"
    DESCRIBED_BYTES Counter "peerdist_content_server_described_bytes_total" ""
        "Bytes of content that content information was sent for, instead of them"
    HASHED_BYTES Counter "peerdist_content_server_hashed_bytes_total" ""
        "Bytes of content that were hashed"
    HASH_FAILURES Counter "peerdist_content_server_hash_failures_total" ""
        "Contents whose hashing did not come to its end"
    HASH_CACHE_HITS Counter "peerdist_content_server_hash_cache_hits_total" ""
        "Content information that was kept already when it was asked for"
    HASH_CACHE_MISSES Counter "peerdist_content_server_hash_cache_misses_total" ""
        "Content information that had to be made when it was asked for"
    HASH_CACHE_EVICTIONS Counter "peerdist_content_server_hash_cache_evictions_total" ""
        "Content information that gave way to other"
    HASH_CACHE_BYTES Gauge "peerdist_content_server_hash_cache_bytes" ""
        "Bytes of content information on disk"
    HASH_CACHE_LIMIT Gauge "peerdist_content_server_hash_cache_limit_bytes" ""
        "The most bytes of content information on disk"

    CONNECTIONS Counter "peerdist_http_connections_total" ""
        "Connections that were accepted"
    CONNECTIONS_REFUSED Counter "peerdist_http_connections_refused_total" ""
        "Connections that were refused, for there were too many"
    REQUESTS Counter "peerdist_http_requests_total" ""
        "Requests over HTTP"

    DISCOVERY_DATAGRAMS Counter "peerdist_discovery_datagrams_total" ""
        "Datagrams that came, whatever became of them"
    DISCOVERY_DROPPED Counter "peerdist_discovery_dropped_total" ""
        "Datagrams that counted for nothing, by their reason"
    DISCOVERY_UNANSWERED Counter "peerdist_discovery_unanswered_total" ""
        "Probes that were understood and not answered, by their reason"
    DISCOVERY_SOCKET_ERRORS Counter "peerdist_discovery_socket_errors_total" ""
        "Errors of the sockets of discovery"

    RETRIEVAL_REQUESTS Counter "peerdist_retrieval_requests_total" ""
        "Requests for blocks and lists"
    RETRIEVAL_ANSWERS Counter "peerdist_retrieval_answers_total" ""
        "Messages that went back, those without a block too"
    RETRIEVAL_BLOCKS Counter "peerdist_retrieval_blocks_served_total" ""
        "Blocks that went out"
    RETRIEVAL_FAILED Counter "peerdist_retrieval_failed_total" ""
        "Requests that did not get what they asked for, by their reason"

    FORWARD_REQUESTS Counter "peerdist_forward_proxy_requests_total" ""
        "Requests of programs, by what became of them"
    FORWARD_BYTES Counter "peerdist_forward_proxy_bytes_total" ""
        "Bytes of answers to programs, by where they came from; of tunnels, both ways"
    FORWARD_BROKEN_OFF Counter "peerdist_forward_proxy_broken_off_total" ""
        "Answers by content information that broke off"

    STORE_BYTES Gauge "peerdist_local_cache_bytes" ""
        "Bytes of blocks, by their form"
    STORE_LIMIT Gauge "peerdist_local_cache_limit_bytes" ""
        "The most bytes of blocks, by their form"
    STORE_SEGMENTS Gauge "peerdist_local_cache_segments" ""
        "Segments with blocks, by their form"
    STORE_BLOCKS Gauge "peerdist_local_cache_blocks" ""
        "Blocks, by their form"
    STORE_READS Counter "peerdist_local_cache_reads_total" ""
        "Blocks that were asked of the store, by whether they were there"
    STORE_GONE Counter "peerdist_local_cache_segments_gone_total" ""
        "Segments that went, by their reason"
    STORE_QUARANTINED Counter "peerdist_local_cache_quarantined_blocks_total" ""
        "Blocks that were damaged and set aside"
    STORE_COMMITS Counter "peerdist_local_cache_commits_total" ""
        "Commits that went to the disk"
    STORE_DISK_FULL Gauge "peerdist_local_cache_disk_full" ""
        "1 where the disk is too full to keep anything"

    UPTIME Gauge "peerdist_uptime_seconds" ""
        "How long this process runs"
    BUILD Gauge "peerdist_build_info" ""
        "1, with the version and the command as labels"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_ones_that_prometheus_takes_and_counters_end_in_total() {
        for metric in ALL {
            let name = metric.name;
            let is_good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            assert!(
                name.starts_with("peerdist_") && name.chars().all(is_good),
                "{name}"
            );
            let is_counter = metric.kind == Kind::Counter;
            assert_eq!(name.ends_with("_total"), is_counter, "{name}");
            let same = ALL.iter().filter(|other| other.name == name);
            assert_eq!(same.count(), 1, "{name}");
        }
    }
}
