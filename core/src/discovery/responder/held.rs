//! MS-PCCRD 3.2.1, 3.2.4.1: the segments that a peer has, and what a match says of them.
//! Invariant: a segment of no blocks is not there; version 1.0 content is not looked for with version 2.0 probes.
//! Byte order: none.

use core::time::Duration;
use std::collections::BTreeMap;

use crate::content::{SegmentId, Version};
use crate::discovery::ages::SegmentAges;
use crate::discovery::probe_match::{BlockCount, Found};
use crate::discovery::scopes::Availability;
use crate::discovery::suppression::Replies;
use crate::time::Instant;

/// What a peer has of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// The version of the content information that the segment comes from.
    pub version: Version,
    /// How many of its blocks; with 0 it counts as not there.
    pub blocks: u32,
    /// Whether it is all of them.
    pub is_complete: bool,
    /// How long ago it came.
    pub age: Option<Duration>,
    /// How often it was offered when it was fetched, see [`ProberEvent::Finished`](crate::discovery::ProberEvent::Finished).
    pub replies: Replies,
}

//= PCCRD-3.2.1-01
//= PCCRD-3.2.3-01
//= PCCRD-3.2.6.1-01
/// The segments that a peer has at this moment: the store, asked when a probe comes and again when it is answered.
pub trait Holdings: core::fmt::Debug {
    /// What there is of a segment.
    fn held(&self, id: &SegmentId) -> Option<Held>;
}

impl Holdings for BTreeMap<SegmentId, Held> {
    fn held(&self, id: &SegmentId) -> Option<Held> {
        self.get(id).copied()
    }
}

/// An answer that waits for its time.
#[derive(Debug)]
pub(super) struct Answer {
    pub at: Instant,
    pub version: Version,
    pub ids: Vec<SegmentId>,
}

/// What is held of a probe, with the places of the segments in it.
pub(super) fn held_of<'a>(
    version: Version,
    ids: &'a [SegmentId],
    holdings: &'a dyn Holdings,
) -> impl Iterator<Item = (u8, SegmentId, Held)> {
    // Segments of version 1.0 content are looked for with version 1.0 probes only.
    let answers = move |held: &Held| version == Version::V1 || held.version == Version::V2;
    (0..u8::MAX).zip(ids).filter_map(move |(index, id)| {
        let held = holdings.held(id)?;
        (held.blocks > 0 && answers(&held)).then_some((index, *id, held))
    })
}

/// What a match says, and how many segments it names.
pub(super) fn found(answer: &Answer, holdings: &dyn Holdings) -> (Found, usize) {
    let held = held_of(answer.version, &answer.ids, holdings);
    match answer.version {
        //= PCCRD-2.2.3.3-02
        //= PCCRD-3.2.4.1-04
        Version::V1 => {
            let counts: Vec<_> = held
                .map(|(_, id, held)| BlockCount {
                    id,
                    blocks: held.blocks,
                })
                .collect();
            let segments = counts.len();
            (Found::V1(counts), segments)
        }
        Version::V2 => {
            let mut availability = Availability::nothing_of(answer.ids.len());
            let mut ages = SegmentAges::default();
            let mut segments = 0;
            for (index, _, held) in held {
                availability.add(index.into(), held.is_complete);
                if let Some(age) = held.age {
                    ages.add(index, age);
                }
                segments += 1;
            }
            (Found::V2 { availability, ages }, segments)
        }
    }
}
