use std::collections::BTreeMap;

use super::*;
use crate::retrieval::server::{BlockForm, HeldBlock, HeldSegment, Holdings, SegmentHandle};
use crate::time::Instant;

/// A content cache with nothing but numbers.
#[derive(Default)]
pub(super) struct Cache {
    pub(super) segments: BTreeMap<SegmentId, HeldSegment>,
    pub(super) length: u32,
    pub(super) sealed: Option<CryptoAlgorithm>,
    /// Blocks that the list names and the store cannot find.
    pub(super) is_torn: bool,
}

impl Cache {
    pub(super) fn with(segments: &[(SegmentId, &[(u32, u32)])]) -> Self {
        let mut cache = Self {
            length: 65_536,
            ..Self::default()
        };
        for (segment, ranges) in segments {
            cache.hold(*segment, ranges, Instant::ZERO);
        }
        cache
    }

    pub(super) fn hold(&mut self, segment: SegmentId, ranges: &[(u32, u32)], since: Instant) {
        let held = HeldSegment {
            handle: SegmentHandle(self.segments.len() as u64),
            blocks: set(ranges),
            since,
        };
        self.segments.insert(segment, held);
    }
}

impl Holdings for Cache {
    fn segment(&self, id: &SegmentId) -> Option<HeldSegment> {
        self.segments.get(id).copied()
    }

    fn block(&self, _: SegmentHandle, _: BlockIndex) -> Option<HeldBlock> {
        let form = match self.sealed {
            Some(crypto) => BlockForm::Sealed {
                crypto,
                iv: [3; 16],
            },
            None => BlockForm::Plain,
        };
        (!self.is_torn).then_some(HeldBlock {
            length: self.length,
            form,
        })
    }
}
