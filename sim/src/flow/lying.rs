//! What a host claims that says it has everything.
//! Invariant: all segments of all contents, each whole, and nothing else.
//! Byte order: none.

use std::collections::BTreeMap;

use peerdist::client::WantedSegment;
use peerdist::content::{SegmentId, Version};
use peerdist::discovery::{self, Held, Replies};
use peerdist::retrieval::server::{BlockForm, HeldBlock, HeldSegment, Holdings, SegmentHandle};
use peerdist::retrieval::{BlockIndex, BlockSet};
use peerdist::time::Instant;

use crate::plan::Plan;

/// No store has such names: what was promised is not taken for something else once the host is honest again.
const CLAIMED: u64 = 1 << 63;

/// Everything there is.
#[derive(Debug, Default, Clone)]
pub(super) struct Claims {
    segments: Vec<(WantedSegment, Version)>,
    places: BTreeMap<SegmentId, usize>,
}

impl Claims {
    pub(super) fn of(plan: &Plan) -> Self {
        let mut claims = Self::default();
        let layouts = plan.contents.iter();
        let layouts = layouts.flat_map(|content| [content.layout(1), content.layout(2)]);
        for layout in layouts.flatten() {
            for segment in &layout.segments {
                claims.places.insert(segment.id, claims.segments.len());
                claims.segments.push((*segment, layout.version));
            }
        }
        claims
    }

    fn find(&self, id: &SegmentId) -> Option<(u64, &(WantedSegment, Version))> {
        let place = *self.places.get(id)?;
        Some((place as u64 | CLAIMED, self.segments.get(place)?))
    }
}

impl Holdings for Claims {
    fn segment(&self, id: &SegmentId) -> Option<HeldSegment> {
        self.find(id).map(|(place, (segment, _))| HeldSegment {
            handle: SegmentHandle(place),
            blocks: BlockSet::first_blocks(segment.block_count()),
            since: Instant::ZERO,
        })
    }

    fn block(&self, segment: SegmentHandle, index: BlockIndex) -> Option<HeldBlock> {
        let place = usize::try_from(segment.0 & !CLAIMED).ok()?;
        let (segment, _) = self.segments.get(place)?;
        (index.get() < segment.block_count()).then(|| HeldBlock {
            length: u32::try_from(segment.range_of(index).length).unwrap_or(u32::MAX),
            form: BlockForm::Plain,
        })
    }
}

impl discovery::Holdings for Claims {
    fn held(&self, id: &SegmentId) -> Option<Held> {
        self.find(id).map(|(_, (segment, version))| Held {
            version: *version,
            blocks: segment.block_count(),
            is_complete: true,
            age: None,
            replies: Replies::default(),
        })
    }
}
