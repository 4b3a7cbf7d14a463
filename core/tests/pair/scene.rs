//! The content of a world, and who has what of it on disk.
//! Invariant: a disk holds whatever was written to it, right or wrong.
//! Byte order: none.

use std::collections::BTreeMap;

use peerdist::client::WantedSegment;
use peerdist::content::{SegmentId, SegmentSecret, Version};
use peerdist::hash::Digest;
use peerdist::retrieval::server::{BlockForm, HeldBlock, HeldSegment, Holdings, SegmentHandle};
use peerdist::retrieval::{BlockIndex, BlockSet};
use peerdist::time::Instant;

use crate::faults::Faults;

pub(crate) struct Scene {
    pub(crate) version: Version,
    pub(crate) bytes: Vec<u8>,
    pub(crate) segments: Vec<WantedSegment>,
    pub(crate) secrets: Vec<SegmentSecret>,
}

impl Scene {
    pub(crate) fn new(faults: &mut Faults) -> Self {
        let version = if faults.chance(500) {
            Version::V1
        } else {
            Version::V2
        };
        let count = 1 + faults.index(12);
        let (mut bytes, mut segments, mut secrets) = (Vec::new(), Vec::new(), Vec::new());
        for number in 0..count {
            let block_size = 40u32;
            let length = match version {
                Version::V1 => 1 + u32::try_from(faults.below(u64::from(block_size) * 30)).unwrap(),
                Version::V2 => 20 + u32::try_from(faults.below(100)).unwrap(),
            };
            let block_size = if version == Version::V1 {
                block_size
            } else {
                length
            };
            let mut id = faults.seed();
            id[0] = u8::try_from(number).unwrap();
            segments.push(WantedSegment {
                id: SegmentId(Digest::try_from(&id[..]).unwrap()),
                offset: bytes.len() as u64,
                length,
                block_size,
                blocks: BlockSet::first_blocks(length.div_ceil(block_size)),
            });
            secrets.push(SegmentSecret::new(&faults.seed()));
            bytes.extend((0..length).map(|_| u8::try_from(faults.below(256)).unwrap()));
        }
        Self {
            version,
            bytes,
            segments,
            secrets,
        }
    }

    pub(crate) fn segment_of(&self, id: &SegmentId) -> usize {
        self.segments.iter().position(|it| it.id == *id).unwrap()
    }

    /// The bytes of a block, as they should be.
    pub(crate) fn block(&self, segment: usize, index: BlockIndex) -> &[u8] {
        let range = self.segments[segment].range_of(index);
        let start = usize::try_from(range.start).unwrap();
        &self.bytes[start..start + usize::try_from(range.length).unwrap()]
    }
}

#[derive(Default)]
pub(crate) struct Disk {
    ids: BTreeMap<SegmentId, usize>,
    blocks: BTreeMap<(usize, u32), Vec<u8>>,
}

impl Disk {
    pub(crate) fn write(&mut self, id: SegmentId, segment: usize, index: BlockIndex, bytes: &[u8]) {
        self.ids.insert(id, segment);
        self.blocks.insert((segment, index.get()), bytes.to_vec());
    }

    pub(crate) fn read(&self, segment: usize, index: BlockIndex) -> Option<&Vec<u8>> {
        self.blocks.get(&(segment, index.get()))
    }

    pub(crate) fn has(&self, segment: usize) -> BlockSet {
        let blocks = self.blocks.range((segment, 0)..(segment + 1, 0));
        blocks
            .filter_map(|((_, index), _)| BlockIndex::new(*index))
            .collect()
    }

    pub(crate) fn segments(&self) -> impl Iterator<Item = &SegmentId> {
        self.ids.keys()
    }
}

impl Holdings for Disk {
    fn segment(&self, id: &SegmentId) -> Option<HeldSegment> {
        let segment = *self.ids.get(id)?;
        Some(HeldSegment {
            handle: SegmentHandle(segment as u64),
            blocks: self.has(segment),
            since: Instant::ZERO,
        })
    }

    fn block(&self, segment: SegmentHandle, index: BlockIndex) -> Option<HeldBlock> {
        let bytes = self.read(usize::try_from(segment.0).unwrap(), index)?;
        Some(HeldBlock {
            length: u32::try_from(bytes.len()).unwrap(),
            form: BlockForm::Plain,
        })
    }
}
