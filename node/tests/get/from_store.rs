//! Content that is in the store already, handed to a reader while it is looked at.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use peerdist::content::{ContentInfo, Segment, SegmentId, Version};
use peerdist::retrieval::{BlockIndex, BlockSet};
use peerdist_node::get::{BlockCache, BlocksInMemory, Destination};
use peerdist_node::http::BoxError;
use tokio::sync::mpsc;
use tokio::time::Duration;

use crate::room::{Desk, Origin, Temper, aside, content, get, info_of};

const LENGTH: usize = 8_000_003;

/// Counts blocks that are read, and reads one that is not what it was.
#[derive(Debug, Default)]
struct Counted {
    blocks: BlocksInMemory,
    read: AtomicUsize,
    bad: Option<(SegmentId, BlockIndex)>,
}

impl BlockCache for Counted {
    fn verified(&self, id: &SegmentId) -> BlockSet {
        self.blocks.verified(id)
    }

    fn read(&self, id: &SegmentId, index: BlockIndex, into: &mut Vec<u8>) -> bool {
        self.read.fetch_add(1, Relaxed);
        let is_there = self.blocks.read(id, index, into);
        if self.bad == Some((*id, index)) {
            into[7] ^= 1;
        }
        is_there
    }

    fn keep(
        &self,
        segment: &Segment<'_>,
        id: &SegmentId,
        index: BlockIndex,
        bytes: &[u8],
    ) -> Result<(), BoxError> {
        self.blocks.keep(segment, id, index, bytes)
    }

    fn flush(&self) -> Result<(), BoxError> {
        Ok(())
    }
}

/// A store that has all of it, and how many blocks that is.
async fn full(origin: &Origin, info: &[u8], bytes: &[u8]) -> (Counted, usize) {
    let desk = Desk::new();
    let mut request = desk.request(origin, &[]);
    let kept = Arc::new(Counted::default());
    request.cache = Some(Arc::<Counted>::clone(&kept));
    get(request).await.unwrap();
    desk.assert_is(bytes);
    let info = ContentInfo::decode(info).unwrap();
    let blocks = info
        .segments()
        .map(|segment| segment.block_count())
        .sum::<u32>();
    (Arc::into_inner(kept).unwrap(), blocks as usize)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_has_the_beginning_before_the_rest_is_looked_at() {
    for version in [Version::V1, Version::V2] {
        let bytes = content(LENGTH, 41);
        let origin = Origin::start(Temper::good(version, &bytes)).await;
        let (cache, blocks) = full(&origin, &info_of(version, &bytes), &bytes).await;
        let cache = Arc::new(cache);
        cache.read.store(0, Relaxed);
        let (to, mut from) = mpsc::channel(1);
        let mut request = Desk::new().request(&origin, &[]);
        request.destination = Destination::Stream(to);
        request.cache = Some(Arc::<Counted>::clone(&cache));
        request.settings.of_v1.ahead_bytes_limit = 1 << 16;
        let getting = aside(request);
        let mut got = from.recv().await.unwrap().to_vec();
        // A reader that takes no more, holds up the looking too.
        tokio::time::sleep(Duration::from_millis(300)).await;
        let read = cache.read.load(Relaxed);
        assert!(read <= blocks / 2, "{read} of {blocks}");
        while let Some(bytes) = from.recv().await {
            got.extend(bytes);
        }
        assert!(got == bytes, "{version:?}");
        let report = getting.await.unwrap().unwrap();
        assert_eq!(report.shares.local_cache, LENGTH as u64);
        assert_eq!(cache.read.load(Relaxed), blocks, "each of them once");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_that_the_store_spoilt_comes_from_the_origin_in_its_place() {
    for version in [Version::V1, Version::V2] {
        let bytes = content(LENGTH, 42);
        let origin = Origin::start(Temper::good(version, &bytes)).await;
        let info = info_of(version, &bytes);
        let (mut cache, _) = full(&origin, &info, &bytes).await;
        let info = ContentInfo::decode(&info).unwrap();
        let blocks = info.segments().flat_map(|segment| {
            let id = segment.id();
            segment
                .blocks()
                .enumerate()
                .map(move |(index, block)| (id, index, u64::from(block.length)))
                .collect::<Vec<_>>()
        });
        let (id, index, length) = blocks.into_iter().nth(50).unwrap();
        let index = BlockIndex::new(u32::try_from(index).unwrap()).unwrap();
        cache.bad = Some((id, index));
        let (to, mut from) = mpsc::channel(16);
        let mut request = Desk::new().request(&origin, &[]);
        request.destination = Destination::Stream(to);
        request.cache = Some(Arc::new(cache));
        let getting = aside(request);
        let mut got = Vec::new();
        while let Some(bytes) = from.recv().await {
            got.extend(bytes);
        }
        assert!(got == bytes, "{version:?}");
        let report = getting.await.unwrap().unwrap();
        assert_eq!(report.shares.origin, length, "{version:?}");
        assert_eq!(report.shares.local_cache, LENGTH as u64 - length);
    }
}
