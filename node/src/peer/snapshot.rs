//! What a request is about, looked up before the machine is locked, so that nobody waits for another's look into a store.
//! Invariant: what was not looked up is asked of the cache itself: the machine never sees less than there is.
//! Byte order: none.

use peerdist::content::SegmentId;
use peerdist::retrieval::server::{HeldBlock, HeldSegment, Holdings, SegmentHandle};
use peerdist::retrieval::{BlockIndex, Request, RequestBody};

/// Answers for one message.
pub(super) struct Snapshot<'a, C> {
    cache: &'a C,
    segments: Vec<(SegmentId, Option<HeldSegment>)>,
    block: Option<(SegmentHandle, BlockIndex, Option<HeldBlock>)>,
}

impl<'a, C: Holdings> Snapshot<'a, C> {
    pub(super) fn of(cache: &'a C, message: &[u8]) -> Self {
        let mut snapshot = Self {
            cache,
            segments: Vec::new(),
            block: None,
        };
        // What is no request needs nothing from the cache.
        let Ok(request) = Request::decode(message) else {
            return snapshot;
        };
        match &request.body {
            RequestBody::Blocks(body) => {
                let held = snapshot.look(body.segment);
                if let (Some(held), Some(index)) = (held, body.requested.smallest()) {
                    let block = cache.block(held.handle, index);
                    snapshot.block = Some((held.handle, index, block));
                }
            }
            RequestBody::BlockList(body) => {
                snapshot.look(body.segment);
            }
            RequestBody::SegmentList(body) => {
                for id in body.segments.iter() {
                    snapshot.look(id);
                }
                snapshot.segments.sort_by_key(|(id, _)| *id);
            }
            RequestBody::Negotiation(_) => {}
        }
        snapshot
    }

    fn look(&mut self, id: SegmentId) -> Option<HeldSegment> {
        let held = self.cache.segment(&id);
        self.segments.push((id, held));
        held
    }
}

impl<C: Holdings> Holdings for Snapshot<'_, C> {
    fn segment(&self, id: &SegmentId) -> Option<HeldSegment> {
        let found = self.segments.binary_search_by_key(id, |(id, _)| *id);
        match found.ok().and_then(|at| self.segments.get(at)) {
            Some((_, held)) => *held,
            None => self.cache.segment(id),
        }
    }

    fn block(&self, segment: SegmentHandle, index: BlockIndex) -> Option<HeldBlock> {
        match &self.block {
            Some((handle, of, block)) if (*handle, *of) == (segment, index) => *block,
            _ => self.cache.block(segment, index),
        }
    }
}
