//! A store of blocks on disk, for administrators.
//! Invariant: facts of a segment are shown, never its secret; going through all segments is bounded and not often.
//! Byte order: none.

use std::sync::{Mutex, PoisonError};

use peerdist::content::{BLOCK_BYTES, SegmentId, Version};
use peerdist::hash::Digest;

use super::counter_set as set;
use super::metrics::Metrics;
use super::status::{Cache, Status};
use super::{Role, SegmentRow};
use crate::activity::now_ms;
use crate::store::{LIST_PAGE, SegmentSummary, Statistics, Store};

/// How old the count of complete segments may be, for it goes through the whole store.
const COUNT_AGE_MS: u64 = 10_000;
/// With more segments than these nobody counts which are complete.
const COUNTED_SEGMENTS_MOST: u64 = 50_000;

/// A store.
#[derive(Debug)]
pub struct StoreRole {
    store: Store,
    counted: Mutex<Option<Counted>>,
}

#[derive(Debug, Clone, Copy)]
struct Counted {
    at_ms: u64,
    complete: u64,
    partial: u64,
}

impl StoreRole {
    /// Of a store that is open here.
    #[must_use]
    pub const fn new(store: Store) -> Self {
        Self {
            store,
            counted: Mutex::new(None),
        }
    }

    fn counted(&self, statistics: &Statistics) -> Option<Counted> {
        if statistics.verified_segments + statistics.sealed_segments > COUNTED_SEGMENTS_MOST {
            return None;
        }
        // One counts, others wait for it rather than count too.
        let mut kept = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let now = now_ms();
        if let Some(counted) = *kept
            && now.saturating_sub(counted.at_ms) < COUNT_AGE_MS
        {
            return Some(counted);
        }
        let mut counted = Counted {
            at_ms: now,
            complete: 0,
            partial: 0,
        };
        let mut after = None;
        loop {
            let page = self.store.list(after.as_ref(), LIST_PAGE).ok()?;
            let Some(last) = page.last() else { break };
            after = Some(last.id);
            for segment in &page {
                let verified = segment.verified.len();
                if blocks_of(segment).is_some_and(|blocks| verified >= blocks) {
                    counted.complete += 1;
                } else {
                    counted.partial += 1;
                }
            }
        }
        *kept = Some(counted);
        Some(counted)
    }
}

/// Blocks of a whole segment: in version 2 it is one.
fn blocks_of(segment: &SegmentSummary) -> Option<u32> {
    let length = segment.length?;
    match segment.version? {
        Version::V1 => Some(length.div_ceil(BLOCK_BYTES)),
        Version::V2 => Some(1),
    }
}

fn row(segment: &SegmentSummary) -> SegmentRow {
    SegmentRow {
        id: segment.id.to_string(),
        version: segment.version.map(|version| match version {
            Version::V1 => 1,
            Version::V2 => 2,
        }),
        length: segment.length,
        verified_blocks: segment.verified.len(),
        sealed_blocks: segment.sealed.len(),
        blocks: blocks_of(segment),
        bytes: segment.bytes,
        since_ms: segment.since / 1_000_000,
        used_ms: segment.used / 1_000_000,
    }
}

fn segment_id(hex: &str) -> Option<SegmentId> {
    let (pairs, rest) = hex.as_bytes().as_chunks::<2>();
    if !rest.is_empty() || pairs.len() > 64 {
        return None;
    }
    let byte = |pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let bytes: Option<Vec<u8>> = pairs.iter().map(|pair| byte(pair)).collect();
    Digest::try_from(bytes?.as_slice()).ok().map(SegmentId)
}

impl Role for StoreRole {
    fn name(&self) -> &'static str {
        "store"
    }

    fn metrics(&self, into: &mut Metrics) {
        let Ok(statistics) = self.store.statistics() else {
            return;
        };
        let forms = [
            (
                "verified",
                statistics.verified_bytes,
                statistics.verified_bytes_limit,
                statistics.verified_segments,
                statistics.verified_blocks,
            ),
            (
                "sealed",
                statistics.sealed_bytes,
                statistics.sealed_bytes_limit,
                statistics.sealed_segments,
                statistics.sealed_blocks,
            ),
        ];
        for (form, bytes, limit, segments, blocks) in forms {
            let labels = || vec![("form", form.to_owned())];
            into.set_labelled(&set::STORE_BYTES, labels(), bytes);
            into.set_labelled(&set::STORE_LIMIT, labels(), limit);
            into.set_labelled(&set::STORE_SEGMENTS, labels(), segments);
            into.set_labelled(&set::STORE_BLOCKS, labels(), blocks);
        }
        for (result, count) in [("hit", statistics.hits), ("miss", statistics.misses)] {
            into.set_labelled(
                &set::STORE_READS,
                vec![("result", result.to_owned())],
                count,
            );
        }
        for (reason, count) in [
            ("evicted", statistics.evictions),
            ("expired", statistics.expired),
        ] {
            into.set_labelled(&set::STORE_GONE, vec![("reason", reason.to_owned())], count);
        }
        into.set(&set::STORE_QUARANTINED, statistics.quarantined);
        into.set(&set::STORE_COMMITS, statistics.commits);
        into.set(&set::STORE_DISK_FULL, u64::from(statistics.is_disk_full));
        if let Some(counted) = self.counted(&statistics) {
            into.set(&set::COMPLETE_SEGMENTS, counted.complete);
            into.set(&set::PARTIAL_SEGMENTS, counted.partial);
        }
    }

    fn status(&self, status: &mut Status) {
        let Ok(statistics) = self.store.statistics() else {
            return;
        };
        status.data_cache = Some(Cache {
            cache_file_directory_path: Some(self.store.directory().display().to_string()),
            max_cache_size_as_number_of_bytes: statistics
                .verified_bytes_limit
                .saturating_add(statistics.sealed_bytes_limit),
            current_active_cache_size: statistics.verified_bytes + statistics.sealed_bytes,
            ..Cache::default()
        });
    }

    fn segments(
        &self,
        after: Option<&str>,
        most: usize,
    ) -> Option<Result<Vec<SegmentRow>, String>> {
        let after = match after {
            None => None,
            Some(hex) => match segment_id(hex) {
                Some(id) => Some(id),
                None => return Some(Err("after is no segment id in hexadecimal".to_owned())),
            },
        };
        let page = self.store.list(after.as_ref(), most);
        let rows = page.map(|page| page.iter().map(row).collect());
        Some(rows.map_err(|error| error.to_string()))
    }
}
