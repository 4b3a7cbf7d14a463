//! Segments that come to a shelf and go from it, and what that does to the index.
//! Invariant: what a segment weighs, how many blocks it has, and what all add up to change together.

use peerdist::retrieval::BlockIndex;
use peerdist::time::Instant;

use super::index::{IndexResult, Tables};
use super::keep::{Effects, Fault};
use super::record::span;
use super::rows::{SegmentRow, ShelfRow};

/// The shelf of what was verified, and that of what nobody here can verify.
pub(super) const VERIFIED: u8 = 0;
pub(super) const SEALED: u8 = 1;
/// The number that belongs to a shelf.
pub(super) fn of<T>(numbers: &mut [T; 2], shelf: u8) -> &mut T {
    let [verified, sealed] = numbers;
    if shelf == VERIFIED { verified } else { sealed }
}

pub(super) const fn shelf_of(row: &SegmentRow, shelf: u8) -> ShelfRow {
    let [verified, sealed] = row.shelves;
    if shelf == VERIFIED { verified } else { sealed }
}

/// Whether a block stands in the way of one that is to be kept.
pub(super) fn is_there(row: &SegmentRow, shelf: u8, index: BlockIndex) -> bool {
    shelf_of(row, VERIFIED).blocks.contains(index) && (shelf == VERIFIED || row.is_proven)
        || shelf_of(row, shelf).blocks.contains(index)
}

/// Puts a segment on a shelf, or notes that it is used there.
pub(super) fn come(
    tables: &mut Tables<'_>,
    row: &mut SegmentRow,
    shelf: u8,
    (now, stamp): (Instant, u64),
) -> IndexResult<()> {
    let handle = row.handle;
    let on = of(&mut row.shelves, shelf);
    if !on.is_there {
        on.since = now.as_nanos();
        *of(&mut tables.totals.segments, shelf) += 1;
    }
    tables.set_moments(shelf, handle, on, stamp)?;
    on.is_there = true;
    Ok(())
}

pub(super) fn charge(tables: &mut Tables<'_>, row: &mut SegmentRow, shelf: u8, weight: u64) {
    of(&mut row.shelves, shelf).bytes += weight;
    *of(&mut tables.totals.bytes, shelf) += weight;
}

pub(super) fn discharge(tables: &mut Tables<'_>, row: &mut SegmentRow, shelf: u8, weight: u64) {
    for bytes in [
        &mut of(&mut row.shelves, shelf).bytes,
        of(&mut tables.totals.bytes, shelf),
    ] {
        *bytes = bytes.saturating_sub(weight);
    }
}

/// Drops a block, and with its last block the segment from the shelf.
pub(super) fn drop_block(
    tables: &mut Tables<'_>,
    row: &mut SegmentRow,
    shelf: u8,
    index: BlockIndex,
) -> IndexResult<()> {
    let Some((place, _)) = tables.block(row.handle, shelf, index)? else {
        return Ok(());
    };
    tables.remove_block(row.handle, shelf, index)?;
    tables.bury(place)?;
    discharge(tables, row, shelf, u64::from(span(place.length)));
    let on = of(&mut row.shelves, shelf);
    on.blocks.remove(index);
    let is_empty = on.blocks.is_empty();
    let blocks = of(&mut tables.totals.blocks, shelf);
    *blocks = blocks.saturating_sub(1);
    if is_empty {
        let handle = row.handle;
        drop_shelf(tables, handle, row, shelf)?;
    }
    Ok(())
}

/// Drops all of a segment that is on a shelf.
pub(super) fn drop_shelf(
    tables: &mut Tables<'_>,
    handle: u64,
    row: &mut SegmentRow,
    shelf: u8,
) -> IndexResult<()> {
    let on = shelf_of(row, shelf);
    if !on.is_there {
        return Ok(());
    }
    for index in on.blocks.iter() {
        if let Some((place, _)) = tables.block(handle, shelf, index)? {
            tables.remove_block(handle, shelf, index)?;
            tables.bury(place)?;
        }
    }
    if shelf == VERIFIED {
        if let Some(facts) = row.facts.take() {
            tables.bury(facts)?;
        }
        row.is_proven = false;
    }
    tables.remove_moments(shelf, handle, &on)?;
    let totals = &mut tables.totals;
    for (total, gone) in [
        (of(&mut totals.bytes, shelf), on.bytes),
        (of(&mut totals.blocks, shelf), u64::from(on.blocks.len())),
        (of(&mut totals.segments, shelf), 1),
    ] {
        *total = total.saturating_sub(gone);
    }
    *of(&mut row.shelves, shelf) = ShelfRow::default();
    Ok(())
}

pub(super) fn drop_segment_shelf(
    tables: &mut Tables<'_>,
    effects: &mut Effects,
    handle: u64,
    shelf: u8,
) -> Result<(), Fault> {
    let known = match tables.id_of(handle)? {
        Some(id) => tables.segment(&id)?.map(|row| (id, row)),
        None => None,
    };
    let Some((id, mut row)) = known else {
        let why = "a segment that is named is not there".to_owned();
        return Err(redb::Error::Corrupted(why).into());
    };
    drop_shelf(tables, handle, &mut row, shelf)?;
    tables.set_segment(&id, &row)?;
    effects.gone.push(id);
    Ok(())
}
