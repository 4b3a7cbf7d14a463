//! What is kept and what gives way: facts, blocks, limits, ages (as in memory, MS-CCROD 2.8.2.4.3, 2.9).
//! Invariant: bytes of a shelf never exceed its limit; where it is full, the segment used least recently goes.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use peerdist::content::SegmentId;
use peerdist::discovery::Replies;
use peerdist::hash::{HashAlgorithm, digest};
use peerdist::retrieval::server::BlockForm;
use peerdist::retrieval::{BlockIndex, BlockRange, BlockSet};
use peerdist::store::{Put, SealedBlock};
use peerdist::time::{Duration, Instant};

use super::error::StoreError;
use super::facts::{FactsError, SegmentFacts};
use super::index::Tables;
use super::open::{Shared, Writer};
use super::packs::{FIRST_RECORD, locked};
use super::record::{Kind, PAYLOAD_MAX_BYTES, Record, span};
use super::rows::{Place, SegmentRow, number};
use super::shelves::{
    SEALED, VERIFIED, charge, come, discharge, drop_block, drop_segment_shelf, drop_shelf,
    is_there, of, shelf_of,
};
use super::statistics::Change;

/// Why a change was not made.
#[derive(Debug)]
pub(super) enum Fault {
    Store(StoreError),
    Index(redb::Error),
}

impl From<redb::Error> for Fault {
    fn from(error: redb::Error) -> Self {
        Self::Index(error)
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// What a change brings about outside the index, once it is made.
#[derive(Debug, Default)]
pub(super) struct Effects {
    pub(super) appended: u64,
    pub(super) came: Option<(SegmentId, BlockIndex)>,
    pub(super) gone: Vec<SegmentId>,
}

/// A block that is to be kept.
struct NewBlock<'a> {
    shelf: u8,
    record: Record,
    bytes: &'a [u8],
    facts: Option<Arc<SegmentFacts>>,
}

impl Shared {
    /// Changes the index and tells of it.
    pub(super) fn change<T>(
        &self,
        is_durable: bool,
        change: impl FnOnce(&mut Tables<'_>, &mut Effects) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        if !self.is_writable() {
            return Err(StoreError::ReadOnly {
                directory: self.path().to_owned(),
            });
        }
        let mut writer = locked(&self.writer);
        let mut effects = Effects::default();
        let changed = self.change_as(&mut writer, is_durable, |tables| {
            change(tables, &mut effects)
        })?;
        writer.uncommitted += effects.appended;
        writer.has_changes = true;
        drop(writer);
        for id in effects.gone {
            self.watchers.tell(&Change::Gone { id });
        }
        if let Some((id, index)) = effects.came {
            self.watchers.tell(&Change::Came { id, index });
        }
        Ok(changed)
    }

    pub(super) fn change_as<T>(
        &self,
        writer: &mut Writer,
        is_durable: bool,
        change: impl FnOnce(&mut Tables<'_>) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        self.index.write(is_durable, change).map_err(|fault| {
            let error = match fault {
                Fault::Store(error) => error,
                Fault::Index(error) => {
                    let must_reopen = matches!(error, redb::Error::Io(_) | redb::Error::PreviousIo);
                    let error = self.index_error(error);
                    if must_reopen {
                        // Back to what is on the disk; nothing before the last commit is lost by it.
                        let _ = self.index.reopen();
                        locked(&self.checked).clear();
                        writer.uncommitted = 0;
                    }
                    error
                }
            };
            if matches!(error, StoreError::DiskFull { .. }) {
                self.set_disk_full(true);
            }
            error
        })
    }

    fn set_disk_full(&self, is_full: bool) {
        if self.is_disk_full.swap(is_full, Ordering::Relaxed) != is_full {
            self.watchers.tell(if is_full {
                &Change::DiskFull
            } else {
                &Change::RoomAgain
            });
        }
    }

    /// Nothing is kept where little of the disk is left: the index must be able to grow, or reading would end too.
    fn check_room(&self, needed: u64) -> Result<(), StoreError> {
        let disk = rustix::fs::statvfs(self.path())
            .map_err(|error| self.failed("size its disk")(error.into()))?;
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        let is_full = free < self.settings.reserve_bytes.saturating_add(needed);
        self.set_disk_full(is_full);
        if is_full {
            return Err(StoreError::DiskFull {
                directory: self.path().to_owned(),
            });
        }
        Ok(())
    }

    /// A moment of use that is later than all before it.
    pub(super) fn stamp(&self, now: Instant) -> u64 {
        let mut uses = locked(&self.uses);
        uses.last = now.as_nanos().max(uses.last.saturating_add(1));
        uses.last
    }

    pub(super) fn describe(
        &self,
        now: Instant,
        id: &SegmentId,
        facts: &SegmentFacts,
    ) -> Result<(), StoreError> {
        let wrong = |source| StoreError::Facts { id: *id, source };
        facts.check(id).map_err(wrong)?;
        if let Some(known) = self.facts(id)?
            && known.joined(facts).is_ok_and(|joined| joined == *known)
        {
            return Ok(());
        }
        self.check_room(u64::from(PAYLOAD_MAX_BYTES))?;
        let stamp = self.stamp(now);
        self.change(false, |tables, effects| {
            let mut row = match tables.segment(id)? {
                Some(row) => row,
                None => tables.new_segment(id)?,
            };
            let known = match row.facts {
                Some(place) => self.read_facts(place, id)?,
                None => None,
            };
            let joined = match known.as_deref().map(|known| (known.joined(facts), known)) {
                Some((Ok(joined), known)) => {
                    if joined == *known {
                        return Ok(());
                    }
                    if joined.hashes_are_proven() && !known.hashes_are_proven() {
                        self.drop_disproven(tables, &mut row, &joined)?;
                    }
                    joined
                }
                // What was believed before anything tied it to the id gives way to what is known now.
                Some((Err(_), known)) if known.secret.is_none() && facts.secret.is_some() => {
                    let handle = row.handle;
                    drop_shelf(tables, handle, &mut row, VERIFIED)?;
                    facts.clone()
                }
                Some((Err(source), _)) => return Err(wrong(source).into()),
                None => facts.clone(),
            };
            self.append_facts(tables, effects, id, &mut row, (&joined, now, stamp))?;
            Ok(())
        })
    }

    pub(super) fn note_replies(&self, id: &SegmentId, replies: Replies) -> Result<(), StoreError> {
        self.change(false, |tables, _| {
            if let Some(mut row) = tables.segment(id)?
                && row.replies != replies
            {
                row.replies = replies;
                tables.set_segment(id, &row)?;
            }
            Ok(())
        })
    }

    /// Makes room for facts, and writes them in place of those there were.
    fn append_facts(
        &self,
        tables: &mut Tables<'_>,
        effects: &mut Effects,
        id: &SegmentId,
        row: &mut SegmentRow,
        (facts, now, stamp): (&SegmentFacts, Instant, u64),
    ) -> Result<(), Fault> {
        if let Some(old) = row.facts.take() {
            discharge(tables, row, VERIFIED, u64::from(span(old.length)));
            tables.bury(old)?;
        }
        let payload = facts.encode(true);
        let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
        let weight = u64::from(span(length));
        if weight > self.limit(VERIFIED) {
            return Err(self.too_small().into());
        }
        come(tables, row, VERIFIED, (now, stamp))?;
        tables.set_segment(id, row)?;
        self.make_room(tables, effects, VERIFIED, weight)?;
        // It may have given way itself.
        if let Some(left) = tables.segment(id)? {
            *row = left;
        } else {
            *row = tables.new_segment(id)?;
        }
        come(tables, row, VERIFIED, (now, stamp))?;
        let record = Record {
            kind: Kind::Facts,
            id: *id,
            since: shelf_of(row, VERIFIED).since,
            length,
            crc: crc32fast::hash(&payload),
            hash: HashAlgorithm::Sha256,
            digest: digest(HashAlgorithm::Sha256, &payload),
        };
        let place = self.append(tables, effects, VERIFIED, (&record, &payload))?;
        tables.set_place(place, (row.handle, VERIFIED, super::rows::FACTS))?;
        charge(tables, row, VERIFIED, weight);
        row.facts = Some(place);
        row.is_proven = facts.secret.is_some();
        tables.set_segment(id, row)?;
        Ok(())
    }

    fn too_small(&self) -> StoreError {
        StoreError::Refused(format!(
            "the store {} is smaller than what there is to know of one segment; give it more space",
            self.path().display()
        ))
    }

    /// Drops verified blocks whose digest is not the one that is proven now.
    fn drop_disproven(
        &self,
        tables: &mut Tables<'_>,
        row: &mut SegmentRow,
        facts: &SegmentFacts,
    ) -> Result<(), Fault> {
        for index in shelf_of(row, VERIFIED).blocks.iter() {
            let Some((place, _)) = tables.block(row.handle, VERIFIED, index)? else {
                continue;
            };
            let digest = self.record_at(place)?.map(|record| record.digest);
            if digest.is_none() || digest != facts.block_hash(index) {
                drop_block(tables, row, VERIFIED, index)?;
            }
        }
        Ok(())
    }

    pub(super) fn put_verified(
        &self,
        now: Instant,
        id: &SegmentId,
        index: BlockIndex,
        bytes: &[u8],
    ) -> Result<Put, StoreError> {
        let Some(facts) = self.facts(id)? else {
            return Err(StoreError::NotDescribed { id: *id });
        };
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let digest = digest(facts.hash, bytes);
        if facts.block_length(index) != Some(length)
            || facts.block_hash(index).is_some_and(|hash| hash != digest)
        {
            return Err(StoreError::WrongBlock { id: *id, index });
        }
        let record = Record {
            kind: Kind::Plain(index),
            id: *id,
            since: 0,
            length,
            crc: crc32fast::hash(bytes),
            hash: facts.hash,
            digest,
        };
        let block = NewBlock {
            shelf: VERIFIED,
            record,
            bytes,
            facts: Some(facts),
        };
        self.put(now, id, index, block)
    }

    pub(super) fn put_sealed(
        &self,
        now: Instant,
        id: &SegmentId,
        index: BlockIndex,
        block: &SealedBlock,
    ) -> Result<Put, StoreError> {
        let length = u32::try_from(block.bytes.len()).unwrap_or(u32::MAX);
        if length == 0 || length > PAYLOAD_MAX_BYTES {
            return Ok(Put::TooLarge);
        }
        let record = Record {
            kind: Kind::Sealed {
                index,
                crypto: block.crypto,
                iv: block.iv,
            },
            id: *id,
            since: 0,
            length,
            crc: crc32fast::hash(&block.bytes),
            hash: HashAlgorithm::Sha256,
            digest: digest(HashAlgorithm::Sha256, &block.bytes),
        };
        let block = NewBlock {
            shelf: SEALED,
            record,
            bytes: &block.bytes,
            facts: None,
        };
        self.put(now, id, index, block)
    }

    fn put(
        &self,
        now: Instant,
        id: &SegmentId,
        index: BlockIndex,
        block: NewBlock<'_>,
    ) -> Result<Put, StoreError> {
        let known = self.index.read(|view| view.segment(id));
        let known = known.map_err(|error| self.index_error(error))?;
        if known.is_some_and(|row| is_there(&row, block.shelf, index)) {
            return Ok(Put::AlreadyThere);
        }
        let weight = u64::from(span(block.record.length));
        self.check_room(weight)?;
        let stamp = self.stamp(now);
        let put = self.change(false, |tables, effects| {
            self.put_block(tables, effects, (now, stamp), index, &block)
        })?;
        if locked(&self.writer).uncommitted >= self.settings.commit_bytes_limit {
            // Whoever writes faster than the disk waits for it.
            self.flush()?;
        }
        Ok(put)
    }

    fn put_block(
        &self,
        tables: &mut Tables<'_>,
        effects: &mut Effects,
        (now, stamp): (Instant, u64),
        index: BlockIndex,
        block: &NewBlock<'_>,
    ) -> Result<Put, Fault> {
        let (id, shelf) = (&block.record.id, block.shelf);
        let mut row = tables.segment(id)?;
        if row.is_some_and(|row| is_there(&row, shelf, index)) {
            return Ok(Put::AlreadyThere);
        }
        let facts = block.facts.as_deref();
        let facts_weight = facts.map_or(0, |facts| {
            u64::from(span(
                u32::try_from(facts.encode(true).len()).unwrap_or(u32::MAX),
            ))
        });
        let weight = u64::from(span(block.record.length));
        if weight + facts_weight > self.limit(shelf) {
            return Ok(Put::TooLarge);
        }
        // The segment itself is the last to go: what came of it before is worth no less than this block.
        if let Some(row) = &mut row
            && shelf_of(row, shelf).is_there
        {
            come(tables, row, shelf, (now, stamp))?;
            tables.set_segment(id, row)?;
        }
        let has_facts = row.is_some_and(|row| row.facts.is_some());
        let needed = weight + if has_facts { 0 } else { facts_weight };
        self.make_room(tables, effects, shelf, needed)?;
        let mut row = match tables.segment(id)? {
            Some(row) => row,
            None => tables.new_segment(id)?,
        };
        if let Some(facts) = facts
            && row.facts.is_none()
        {
            self.make_room(tables, effects, shelf, weight + facts_weight)?;
            self.append_facts(tables, effects, id, &mut row, (facts, now, stamp))?;
        }
        come(tables, &mut row, shelf, (now, stamp))?;
        if shelf == VERIFIED && shelf_of(&row, SEALED).blocks.contains(index) {
            // What is known to be good takes the place of what only may be.
            drop_block(tables, &mut row, SEALED, index)?;
        }
        let record = Record {
            since: shelf_of(&row, shelf).since,
            ..block.record
        };
        let place = self.append(tables, effects, shelf, (&record, block.bytes))?;
        tables.set_place(place, (row.handle, shelf, number(index)))?;
        let form = record.kind.form().unwrap_or(BlockForm::Plain);
        tables.set_block(row.handle, shelf, index, (place, form))?;
        charge(tables, &mut row, shelf, weight);
        if let Some(shelf) = row.shelves.get_mut(usize::from(shelf)) {
            shelf.blocks.insert(BlockRange::one(index));
        }
        *of(&mut tables.totals.blocks, shelf) += 1;
        tables.set_segment(id, &row)?;
        effects.came = Some((*id, index));
        Ok(Put::Kept)
    }

    pub(super) fn limit(&self, shelf: u8) -> u64 {
        self.limits.get(usize::from(shelf)).copied().unwrap_or(0)
    }

    /// Writes a record behind all others of its shelf.
    pub(super) fn append(
        &self,
        tables: &mut Tables<'_>,
        effects: &mut Effects,
        shelf: u8,
        (record, payload): (&Record, &[u8]),
    ) -> Result<Place, Fault> {
        let current = *of(&mut tables.totals.current, shelf);
        let room = self.settings.pack_bytes_limit;
        let span = span(record.length);
        let open = match tables.pack(current)? {
            Some((_, end, _)) if end.saturating_add(span) <= room => Some((current, end)),
            _ => None,
        };
        let (pack, at) = match open {
            Some(open) => open,
            None => {
                tables.totals.next_pack += 1;
                let number = tables.totals.next_pack;
                self.packs
                    .create(number, shelf)
                    .map_err(self.failed("make a pack"))?;
                tables.set_pack(number, (shelf, FIRST_RECORD, 0))?;
                *of(&mut tables.totals.current, shelf) = number;
                (number, FIRST_RECORD)
            }
        };
        self.packs
            .append((pack, at), record, payload)
            .map_err(self.failed("write a block"))?;
        effects.appended += u64::from(span);
        Ok(Place {
            pack,
            at,
            length: record.length,
        })
    }

    /// Drops segments of a shelf, those used least recently first, until so many bytes fit.
    pub(super) fn make_room(
        &self,
        tables: &mut Tables<'_>,
        effects: &mut Effects,
        shelf: u8,
        weight: u64,
    ) -> Result<(), Fault> {
        let is_full = |tables: &mut Tables<'_>| {
            *of(&mut tables.totals.bytes, shelf) > self.limit(shelf).saturating_sub(weight)
        };
        if is_full(tables) {
            self.write_uses(tables)?;
        }
        while is_full(tables) {
            let Some(handle) = tables.least_used(shelf)? else {
                break;
            };
            drop_segment_shelf(tables, effects, handle, shelf)?;
            self.counters.evictions.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Writes down which segments were used since it was done last.
    pub(super) fn write_uses(&self, tables: &mut Tables<'_>) -> Result<(), Fault> {
        let stamps = std::mem::take(&mut locked(&self.uses).stamps);
        for ((id, shelf), stamp) in stamps {
            let Some(mut row) = tables.segment(&id)? else {
                continue;
            };
            let handle = row.handle;
            if let Some(shelf_row) = row.shelves.get_mut(usize::from(shelf))
                && shelf_row.is_there
                && shelf_row.used < stamp
            {
                tables.set_moments(shelf, handle, shelf_row, stamp)?;
                tables.set_segment(&id, &row)?;
            }
        }
        Ok(())
    }

    pub(super) fn forget(
        &self,
        id: &SegmentId,
        part: Option<(&BlockSet, bool)>,
    ) -> Result<(), StoreError> {
        self.change(false, |tables, effects| {
            let Some(mut row) = tables.segment(id)? else {
                return Ok(());
            };
            let handle = row.handle;
            match part {
                None => {
                    drop_shelf(tables, handle, &mut row, VERIFIED)?;
                    drop_shelf(tables, handle, &mut row, SEALED)?;
                    effects.gone.push(*id);
                }
                Some((blocks, only_sealed)) => {
                    for index in blocks.iter() {
                        drop_block(tables, &mut row, SEALED, index)?;
                        if !only_sealed {
                            drop_block(tables, &mut row, VERIFIED, index)?;
                        }
                    }
                }
            }
            tables.set_segment(id, &row)?;
            Ok(())
        })
    }

    pub(super) fn expire(&self, now: Instant) -> Result<u64, StoreError> {
        let ages = [self.settings.verified, self.settings.sealed].map(|keep| keep.age_limit_ms);
        self.change(false, |tables, effects| {
            let mut count = 0;
            for (shelf, age) in [VERIFIED, SEALED].into_iter().zip(ages) {
                while let Some((since, handle)) = tables.oldest(shelf)? {
                    if Instant::from_nanos(since) + Duration::from_millis(age) > now {
                        break;
                    }
                    drop_segment_shelf(tables, effects, handle, shelf)?;
                    count += 1;
                }
            }
            self.counters.expired.fetch_add(count, Ordering::Relaxed);
            Ok(count)
        })
    }
}

impl From<FactsError> for Fault {
    fn from(error: FactsError) -> Self {
        Self::Store(StoreError::Refused(error.to_string()))
    }
}
