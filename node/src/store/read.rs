//! Reading: blocks, facts, what there is; and what becomes of a block that is damaged.
//! Invariant: bytes that are handed out were written under the id and number that were asked for, and are unchanged.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use peerdist::content::SegmentId;
use peerdist::hash::digest;
use peerdist::retrieval::server::{BlockForm, HeldBlock, HeldSegment, SegmentHandle};
use peerdist::retrieval::{BlockIndex, BlockRange, BlockSet};
use peerdist::time::Instant;
use zeroize::Zeroizing;

use super::error::StoreError;
use super::facts::SegmentFacts;
use super::index::{IndexResult, View};
use super::keep::Fault;
use super::open::Shared;
use super::packs::locked;
use super::record::{Kind, Record};
use super::rows::{Place, SegmentRow};
use super::shelves::{SEALED, VERIFIED, drop_block, drop_shelf, shelf_of};
use super::statistics::{Change, SegmentSummary, Statistics};

/// Bytes of facts that are kept at hand: of 256 of the longest segments of version 1.0, or of thousands of version 2.0.
const FACTS_CACHED_BYTES_LIMIT: usize = 4 << 20;

/// Facts at hand, by id; with the place they were read from, and when they were used.
#[derive(Debug, Default)]
pub(super) struct FactsCache {
    facts: BTreeMap<SegmentId, (u64, Place, Arc<SegmentFacts>)>,
    by_use: BTreeMap<u64, SegmentId>,
    uses: u64,
    bytes: usize,
}

impl FactsCache {
    fn get(&mut self, id: &SegmentId, place: Place) -> Option<Arc<SegmentFacts>> {
        let (used, at, facts) = self.facts.get_mut(id)?;
        if *at != place {
            return None;
        }
        self.by_use.remove(used);
        self.uses += 1;
        *used = self.uses;
        self.by_use.insert(self.uses, *id);
        Some(Arc::clone(facts))
    }

    fn keep(&mut self, id: &SegmentId, place: Place, facts: &Arc<SegmentFacts>) {
        self.remove(id);
        self.bytes += bytes_of(facts);
        while self.bytes > FACTS_CACHED_BYTES_LIMIT
            && let Some((_, oldest)) = self.by_use.pop_first()
        {
            self.remove(&oldest);
        }
        self.uses += 1;
        self.by_use.insert(self.uses, *id);
        let kept = (self.uses, place, Arc::clone(facts));
        self.facts.insert(*id, kept);
    }

    fn remove(&mut self, id: &SegmentId) {
        if let Some((used, _, facts)) = self.facts.remove(id) {
            self.by_use.remove(&used);
            self.bytes = self.bytes.saturating_sub(bytes_of(&facts));
        }
    }
}

/// What facts take at hand, with what holds them.
const fn bytes_of(facts: &SegmentFacts) -> usize {
    const AROUND: usize = 256;
    size_of::<SegmentFacts>() + AROUND + facts.block_hashes.len()
}

/// What is at a place.
enum Found {
    Good,
    Damaged,
    /// The pack is gone, which also happens to those who are a moment late.
    Missing,
}

impl Shared {
    fn look<T>(&self, ask: impl FnOnce(&View) -> IndexResult<T>) -> Result<T, StoreError> {
        self.index
            .read(ask)
            .map_err(|error| self.index_error(error))
    }

    pub(super) fn read(
        &self,
        now: Instant,
        id: &SegmentId,
        index: BlockIndex,
        into: &mut Vec<u8>,
    ) -> Result<Option<BlockForm>, StoreError> {
        // A block that gives way meanwhile is looked for again; more often than this nothing moves.
        for _ in 0..4 {
            let Some((shelf, place, form)) = self.look(|view| place_of(view, id, index))? else {
                break;
            };
            match self.fetch(id, index, (place, form), into, false)? {
                Found::Good => {
                    self.counters.hits.fetch_add(1, Ordering::Relaxed);
                    self.touch(now, id, shelf);
                    return Ok(Some(form));
                }
                Found::Damaged | Found::Missing => self.set_aside(id, index, shelf, place, into)?,
            }
        }
        self.counters.misses.fetch_add(1, Ordering::Relaxed);
        into.clear();
        Ok(None)
    }

    /// As [`Shared::read`], but `None` also where the bytes are not in memory, or not yet known to be good.
    pub(super) fn read_at_hand(
        &self,
        now: Instant,
        id: &SegmentId,
        index: BlockIndex,
        into: &mut Vec<u8>,
    ) -> Result<Option<BlockForm>, StoreError> {
        let Some((shelf, place, form)) = self.look(|view| place_of(view, id, index))? else {
            return Ok(None);
        };
        let pack = locked(&self.checked)
            .contains(&place)
            .then(|| self.packs.get(place.pack));
        let Some(Ok(pack)) = pack else {
            return Ok(None);
        };
        into.resize(place.length as usize, 0);
        let header = pack.read_at_hand(place.at, into);
        let record = header.and_then(|header| Record::decode(&header, &pack.mark));
        let is_it = |record: Record| is_it(&record, id, index, (place, form), into);
        if !record.is_some_and(is_it) {
            return Ok(None);
        }
        self.counters.hits.fetch_add(1, Ordering::Relaxed);
        self.touch(now, id, shelf);
        Ok(Some(form))
    }

    /// Reads a record and holds it against all that is known of it.
    fn fetch(
        &self,
        id: &SegmentId,
        index: BlockIndex,
        (place, form): (Place, BlockForm),
        into: &mut Vec<u8>,
        is_thorough: bool,
    ) -> Result<Found, StoreError> {
        let Some(record) = self.record_with(place, into)? else {
            return Ok(Found::Missing);
        };
        if !is_it(&record, id, index, (place, form), into) {
            return Ok(Found::Damaged);
        }
        if !is_thorough && locked(&self.checked).contains(&place) {
            return Ok(Found::Good);
        }
        if digest(record.hash, into) != record.digest {
            return Ok(Found::Damaged);
        }
        let mut checked = locked(&self.checked);
        if checked.len() >= self.settings.checked_limit {
            // Beginning anew costs one digest a block, and nothing has to be counted.
            checked.clear();
        }
        checked.insert(place);
        Ok(Found::Good)
    }

    /// The header at a place, and the bytes behind it in `into`; `None` where there is none.
    pub(super) fn record_with(
        &self,
        place: Place,
        into: &mut Vec<u8>,
    ) -> Result<Option<Record>, StoreError> {
        into.resize(place.length as usize, 0);
        let read = self.packs.get(place.pack).and_then(|pack| {
            let header = pack.read(place.at, into)?;
            Ok(Record::decode(&header, &pack.mark))
        });
        match read {
            Ok(record) => Ok(record),
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::UnexpectedEof) =>
            {
                Ok(None)
            }
            // A pack whose first bytes are damaged, or a place that the disk cannot read any more.
            Err(error) if error.kind() == ErrorKind::Other || is_bad_sector(&error) => Ok(None),
            Err(error) => Err(self.failed("read a pack")(error)),
        }
    }

    pub(super) fn record_at(&self, place: Place) -> Result<Option<Record>, StoreError> {
        let mut none = Vec::new();
        self.record_with(Place { length: 0, ..place }, &mut none)
    }

    /// Drops a block that is not what it should be, unless it only moved or went meanwhile.
    fn set_aside(
        &self,
        id: &SegmentId,
        index: BlockIndex,
        shelf: u8,
        place: Place,
        bytes: &[u8],
    ) -> Result<(), StoreError> {
        if !self.is_writable() {
            let is_still_there = self.look(|view| place_of(view, id, index))?;
            if is_still_there.is_some_and(|(_, at, _)| at == place) {
                return Err(self.failed("read a block of it")(std::io::Error::other(
                    "the block is damaged, and cannot be set aside here",
                )));
            }
            return Ok(());
        }
        let is_damaged = self.change(false, |tables, _| {
            let Some(mut row) = tables.segment(id)? else {
                return Ok(false);
            };
            let found = tables.block(row.handle, shelf, index)?;
            if found.map(|(at, _)| at) != Some(place) {
                return Ok(false);
            }
            drop_block(tables, &mut row, shelf, index)?;
            tables.set_segment(id, &row)?;
            Ok::<_, Fault>(true)
        })?;
        if is_damaged {
            self.counters.quarantined.fetch_add(1, Ordering::Relaxed);
            let name = format!("{id}-{index}-{:08}-{}", place.pack, place.at);
            // What cannot be kept for later is dropped all the same.
            let limit = self.settings.quarantine_limit;
            let _ = self.directory.set_block_aside(&name, bytes, limit);
            self.watchers.tell(&Change::Damaged { id: *id, index });
        }
        Ok(())
    }

    fn touch(&self, now: Instant, id: &SegmentId, shelf: u8) {
        let mut uses = locked(&self.uses);
        uses.last = now.as_nanos().max(uses.last.saturating_add(1));
        let last = uses.last;
        let has_room = uses.stamps.len() < self.settings.uses_limit;
        if has_room || uses.stamps.contains_key(&(*id, shelf)) {
            uses.stamps.insert((*id, shelf), last);
        }
    }

    /// What is known of a segment.
    pub(super) fn facts(&self, id: &SegmentId) -> Result<Option<Arc<SegmentFacts>>, StoreError> {
        for _ in 0..4 {
            let row = self.look(|view| view.segment(id))?;
            let Some(place) = row.and_then(|row| row.facts) else {
                return Ok(None);
            };
            if let Some(facts) = self.read_facts(place, id)? {
                return Ok(Some(facts));
            }
            if self
                .look(|view| view.segment(id))?
                .and_then(|row| row.facts)
                != Some(place)
            {
                continue;
            }
            // Without its facts nothing of it can be verified or served.
            self.counters.quarantined.fetch_add(1, Ordering::Relaxed);
            self.change(false, |tables, effects| {
                if let Some(mut row) = tables.segment(id)?
                    && row.facts == Some(place)
                {
                    let handle = row.handle;
                    drop_shelf(tables, handle, &mut row, VERIFIED)?;
                    tables.set_segment(id, &row)?;
                    effects.gone.push(*id);
                }
                Ok::<_, Fault>(())
            })?;
        }
        Ok(None)
    }

    /// The facts at a place; `None` where they are damaged or gone.
    pub(super) fn read_facts(
        &self,
        place: Place,
        id: &SegmentId,
    ) -> Result<Option<Arc<SegmentFacts>>, StoreError> {
        if let Some(facts) = locked(&self.facts_cache).get(id, place) {
            return Ok(Some(facts));
        }
        let mut payload = Zeroizing::new(Vec::new());
        let Some(record) = self.record_with(place, &mut payload)? else {
            return Ok(None);
        };
        let is_it = record.kind == Kind::Facts
            && record.id == *id
            && record.length == place.length
            && record.crc == crc32fast::hash(&payload)
            && record.digest == digest(record.hash, &payload);
        let decoded = SegmentFacts::decode(&payload);
        let Some(facts) = decoded
            .ok()
            .filter(|facts| is_it && facts.check(id).is_ok())
        else {
            return Ok(None);
        };
        let facts = Arc::new(facts);
        locked(&self.facts_cache).keep(id, place, &facts);
        Ok(Some(facts))
    }

    pub(super) fn verified_blocks(&self, id: &SegmentId) -> Result<BlockSet, StoreError> {
        let row = self.look(|view| view.segment(id))?;
        Ok(row.map_or(BlockSet::EMPTY, |row| served(&row, VERIFIED)))
    }

    pub(super) fn held_segment(&self, id: &SegmentId) -> Result<Option<HeldSegment>, StoreError> {
        let Some(row) = self.look(|view| view.segment(id))? else {
            return Ok(None);
        };
        let mut blocks = BlockSet::EMPTY;
        let mut since = u64::MAX;
        for shelf in [VERIFIED, SEALED] {
            let on = served(&row, shelf);
            if !on.is_empty() {
                on.ranges().for_each(|range| blocks.insert(range));
                since = since.min(shelf_of(&row, shelf).since);
            }
        }
        Ok((!blocks.is_empty()).then_some(HeldSegment {
            handle: SegmentHandle(row.handle),
            blocks,
            since: Instant::from_nanos(since),
        }))
    }

    pub(super) fn held_block(
        &self,
        segment: SegmentHandle,
        index: BlockIndex,
    ) -> Result<Option<HeldBlock>, StoreError> {
        let place = self.look(|view| match view.id_of(segment.0)? {
            Some(id) => place_of(view, &id, index),
            None => Ok(None),
        })?;
        Ok(place.map(|(_, place, form)| HeldBlock {
            length: place.length,
            form,
        }))
    }

    pub(super) fn verify(&self, id: &SegmentId) -> Result<(BlockSet, BlockSet), StoreError> {
        let (mut good, mut damaged) = (BlockSet::EMPTY, BlockSet::EMPTY);
        let Some(row) = self.look(|view| view.segment(id))? else {
            return Ok((good, damaged));
        };
        let facts = self.facts(id)?;
        let mut bytes = Vec::new();
        for shelf in [VERIFIED, SEALED] {
            for index in shelf_of(&row, shelf).blocks.iter() {
                let Some(found) = self.look(|view| view.block(row.handle, shelf, index))? else {
                    // It went with damaged facts, or gave way meanwhile.
                    if facts.is_none() && shelf == VERIFIED {
                        damaged.insert(BlockRange::one(index));
                    }
                    continue;
                };
                let is_good =
                    matches!(self.fetch(id, index, found, &mut bytes, true)?, Found::Good);
                let hash = facts.as_ref().and_then(|facts| {
                    let hash = facts.block_hash(index)?;
                    (shelf == VERIFIED).then_some((facts.hash, hash))
                });
                let fits = hash.is_none_or(|(algorithm, hash)| digest(algorithm, &bytes) == hash);
                if is_good && fits {
                    good.insert(BlockRange::one(index));
                } else {
                    self.set_aside(id, index, shelf, found.0, &bytes)?;
                    damaged.insert(BlockRange::one(index));
                }
            }
        }
        Ok((good, damaged))
    }

    pub(super) fn list(
        &self,
        after: Option<&SegmentId>,
        most: usize,
    ) -> Result<Vec<SegmentSummary>, StoreError> {
        let rows = self.look(|view| view.segments(after, most))?;
        rows.iter().map(|(id, row)| self.summary(id, row)).collect()
    }

    pub(super) fn inspect(&self, id: &SegmentId) -> Result<Option<SegmentSummary>, StoreError> {
        let row = self.look(|view| view.segment(id))?;
        row.map(|row| self.summary(id, &row)).transpose()
    }

    fn summary(&self, id: &SegmentId, row: &SegmentRow) -> Result<SegmentSummary, StoreError> {
        let facts = match row.facts {
            Some(place) => self.read_facts(place, id)?,
            None => None,
        };
        let [verified, sealed] = row.shelves;
        let on = [verified, sealed].into_iter().filter(|on| on.is_there);
        Ok(SegmentSummary {
            id: *id,
            version: facts.as_ref().map(|facts| facts.version),
            length: facts.as_ref().map(|facts| facts.length),
            is_proven: row.is_proven,
            replies: row.replies,
            verified: verified.blocks,
            sealed: sealed.blocks,
            bytes: verified.bytes + sealed.bytes,
            since: on.clone().map(|on| on.since).min().unwrap_or_default(),
            used: on.map(|on| on.used).max().unwrap_or_default(),
        })
    }

    pub(super) fn statistics(&self) -> Result<Statistics, StoreError> {
        let totals = self.look(|view| view.totals())?;
        let counters = &self.counters;
        let [verified_bytes, sealed_bytes] = totals.bytes;
        let [verified_segments, sealed_segments] = totals.segments;
        let [verified_blocks, sealed_blocks] = totals.blocks;
        Ok(Statistics {
            verified_bytes,
            sealed_bytes,
            verified_bytes_limit: self.limit(VERIFIED),
            sealed_bytes_limit: self.limit(SEALED),
            verified_segments,
            sealed_segments,
            verified_blocks,
            sealed_blocks,
            hits: counters.hits.load(Ordering::Relaxed),
            misses: counters.misses.load(Ordering::Relaxed),
            evictions: counters.evictions.load(Ordering::Relaxed),
            expired: counters.expired.load(Ordering::Relaxed),
            quarantined: counters.quarantined.load(Ordering::Relaxed),
            commits: counters.commits.load(Ordering::Relaxed),
            is_disk_full: self.is_disk_full.load(Ordering::Relaxed),
        })
    }
}

/// Where a block is that may be served: the verified one, or else the sealed one.
fn place_of(
    view: &View,
    id: &SegmentId,
    index: BlockIndex,
) -> IndexResult<Option<(u8, Place, BlockForm)>> {
    let Some(row) = view.segment(id)? else {
        return Ok(None);
    };
    for shelf in [VERIFIED, SEALED] {
        if served(&row, shelf).contains(index)
            && let Some((place, form)) = view.block(row.handle, shelf, index)?
        {
            return Ok(Some((shelf, place, form)));
        }
    }
    Ok(None)
}

/// Whether a record is the block that was looked for, and its bytes those that were written.
fn is_it(
    record: &Record,
    id: &SegmentId,
    index: BlockIndex,
    (place, form): (Place, BlockForm),
    bytes: &[u8],
) -> bool {
    let number = match record.kind {
        Kind::Plain(number) | Kind::Sealed { index: number, .. } => Some(number),
        Kind::Facts => None,
    };
    record.id == *id
        && number == Some(index)
        && record.kind.form() == Some(form)
        && record.length == place.length
        && crc32fast::hash(bytes) == record.crc
}

/// Blocks of a shelf that may be served: those verified only where something ties them to the id.
fn served(row: &SegmentRow, shelf: u8) -> BlockSet {
    if shelf == VERIFIED && !row.is_proven {
        return BlockSet::EMPTY;
    }
    shelf_of(row, shelf).blocks
}

fn is_bad_sector(error: &std::io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error())
}
