//! An index made anew from packs, whose records describe themselves.
//! Invariant: a block comes back only under a header that this store wrote; its bytes are held against it when read.

use std::collections::BTreeMap;
use std::sync::Arc;

use peerdist::retrieval::BlockRange;
use peerdist::time::Instant;

use super::error::StoreError;
use super::facts::SegmentFacts;
use super::index::Tables;
use super::keep::{Fault, SEALED, VERIFIED, charge, come, drop_block, number, of, shelf_of};
use super::open::Shared;
use super::packs::{FIRST_RECORD, Pack};
use super::record::{ALIGNMENT, HEADER_SPAN, Kind, Record, span};
use super::rows::{FACTS, Place, SegmentRow};

/// Records that are taken up in one transaction.
const BATCH: usize = 4096;

impl Shared {
    /// Takes up what is in packs, facts first, and tells how many blocks there are.
    pub(super) fn rebuild(&self, on_disk: &BTreeMap<u32, u64>) -> Result<u64, StoreError> {
        let mut blocks = 0;
        let last = on_disk.keys().next_back().copied().unwrap_or(0);
        self.change(false, |tables, _| {
            // Nothing is appended to packs whose end nobody is sure of.
            tables.totals.next_pack = last;
            Ok(())
        })?;
        for wants_facts in [true, false] {
            for (number, length) in on_disk {
                let Ok(pack) = self.packs.get(*number) else {
                    // Its first bytes are damaged, and with them what its records are told by.
                    self.packs
                        .remove(*number)
                        .map_err(self.failed("remove a damaged pack"))?;
                    continue;
                };
                blocks += self.take_up(*number, &pack, *length, wants_facts)?;
            }
        }
        self.change(false, |tables, effects| {
            // Facts whose segment has no block are not worth keeping.
            self.make_room(tables, effects, VERIFIED, 0)?;
            self.make_room(tables, effects, SEALED, 0)
        })?;
        Ok(blocks)
    }

    fn take_up(
        &self,
        number: u32,
        pack: &Arc<Pack>,
        length: u64,
        wants_facts: bool,
    ) -> Result<u64, StoreError> {
        let mut scan = Scan {
            pack,
            at: FIRST_RECORD,
            length: u32::try_from(length).unwrap_or(u32::MAX),
        };
        let mut taken = 0;
        loop {
            let batch: Vec<_> = scan.by_ref().take(BATCH).collect();
            let is_end = batch.len() < BATCH;
            taken += self.change(false, |tables, _| {
                // So that it is known, even where nothing in it is of use.
                let end = scan.at.max(FIRST_RECORD);
                let (_, _, live) = tables.pack(number)?.unwrap_or_default();
                tables.set_pack(number, (pack.shelf, end, live))?;
                let mut taken = 0;
                for (at, record) in batch {
                    let place = Place {
                        pack: number,
                        at,
                        length: record.length,
                    };
                    let is_facts = record.kind == Kind::Facts;
                    if is_facts && wants_facts {
                        self.take_facts(tables, place, &record)?;
                    } else if !is_facts && !wants_facts {
                        taken += take_block(tables, place, &record)?;
                    }
                }
                Ok(taken)
            })?;
            if is_end {
                return Ok(taken);
            }
        }
    }

    fn take_facts(
        &self,
        tables: &mut Tables<'_>,
        place: Place,
        record: &Record,
    ) -> Result<(), Fault> {
        let Some(facts) = self.read_facts(place, &record.id)? else {
            return Ok(());
        };
        let mut row = row_of(tables, record)?;
        if let Some(old) = row.facts {
            // Facts only ever grow, so the richer ones are the later ones.
            let known = self.read_facts(old, &record.id)?;
            if known.is_some_and(|known| richness(&known) >= richness(&facts)) {
                return Ok(());
            }
            tables.bury(old)?;
            let weight = u64::from(span(old.length));
            of(&mut row.shelves, VERIFIED).bytes -= weight;
            *of(&mut tables.totals.bytes, VERIFIED) -= weight;
        }
        arrive(tables, &mut row, VERIFIED, record)?;
        tables.set_place(place, (row.handle, VERIFIED, FACTS))?;
        charge(tables, &mut row, VERIFIED, u64::from(span(place.length)));
        row.facts = Some(place);
        row.is_proven = facts.secret.is_some();
        tables.set_segment(&record.id, &row)?;
        Ok(())
    }
}

fn richness(facts: &SegmentFacts) -> (bool, u32) {
    (facts.secret.is_some(), facts.hashed.len())
}

fn row_of(tables: &mut Tables<'_>, record: &Record) -> Result<SegmentRow, Fault> {
    Ok(match tables.segment(&record.id)? {
        Some(row) => row,
        None => tables.new_segment(&record.id)?,
    })
}

fn arrive(
    tables: &mut Tables<'_>,
    row: &mut SegmentRow,
    shelf: u8,
    record: &Record,
) -> Result<(), Fault> {
    // When it was used last is not in the packs: when it came has to do.
    let moment = (Instant::from_nanos(record.since), record.since);
    Ok(come(tables, row, shelf, moment)?)
}

fn take_block(tables: &mut Tables<'_>, place: Place, record: &Record) -> Result<u64, Fault> {
    let (shelf, index) = match record.kind {
        Kind::Facts => return Ok(0),
        Kind::Plain(index) => (VERIFIED, index),
        Kind::Sealed { index, .. } => (SEALED, index),
    };
    let Some(form) = record.kind.form() else {
        return Ok(0);
    };
    let mut row = match tables.segment(&record.id)? {
        Some(row) if shelf == SEALED || row.facts.is_some() => row,
        None if shelf == SEALED => tables.new_segment(&record.id)?,
        // A verified block without facts can neither be served nor verified.
        _ => return Ok(0),
    };
    if shelf == SEALED && shelf_of(&row, VERIFIED).blocks.contains(index) {
        return Ok(0);
    }
    // A later record of the same block was written after the earlier one went.
    if shelf_of(&row, shelf).blocks.contains(index) {
        if shelf_of(&row, shelf).blocks.len() == 1 {
            // Dropping its only block would drop the segment; the two were the same block anyway.
            return Ok(0);
        }
        drop_block(tables, &mut row, shelf, index)?;
    }
    if shelf == VERIFIED && shelf_of(&row, SEALED).blocks.contains(index) {
        drop_block(tables, &mut row, SEALED, index)?;
    }
    arrive(tables, &mut row, shelf, record)?;
    tables.set_place(place, (row.handle, shelf, number(index)))?;
    tables.set_block(row.handle, shelf, index, (place, form))?;
    charge(tables, &mut row, shelf, u64::from(span(place.length)));
    of(&mut row.shelves, shelf)
        .blocks
        .insert(BlockRange::one(index));
    *of(&mut tables.totals.blocks, shelf) += 1;
    tables.set_segment(&record.id, &row)?;
    Ok(1)
}

/// The records of a pack, however much between them is damaged or gone.
struct Scan<'a> {
    pack: &'a Pack,
    at: u32,
    length: u32,
}

impl Iterator for Scan<'_> {
    type Item = (u32, Record);

    fn next(&mut self) -> Option<(u32, Record)> {
        loop {
            let at = self.at;
            if at.checked_add(HEADER_SPAN)? > self.length {
                return None;
            }
            let header = self.pack.read(at, &mut []).ok();
            let record = header.and_then(|header| Record::decode(&header, &self.pack.mark));
            if let Some(record) = record {
                let end = at.checked_add(span(record.length))?;
                self.at = end;
                let bytes_end = u64::from(at) + u64::from(HEADER_SPAN) + u64::from(record.length);
                if bytes_end <= u64::from(self.length) {
                    return Some((at, record));
                }
                continue;
            }
            self.at = self.pack.next_data(at + ALIGNMENT)?;
        }
    }
}
