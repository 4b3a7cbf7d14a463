//! What brings changes to the disk, and what gives space back afterwards.
//! Invariant: packs before the index, the index before anything is wiped, and nothing is wiped that an index on the disk names.

use std::sync::atomic::Ordering;

use peerdist::retrieval::BlockIndex;

use super::error::StoreError;
use super::index::Tables;
use super::keep::{Effects, Fault};
use super::open::{Shared, Writer};
use super::packs::locked;

/// Records that are wiped in one go.
const WIPE_BATCH: usize = 4096;

impl Shared {
    /// Brings packs and then the index to the disk, and then wipes what went.
    pub(super) fn flush(&self) -> Result<(), StoreError> {
        self.flush_beyond(self.settings.uses_limit / 2)
    }

    /// The same for the last time: what was read since counts too, though nothing else changed.
    pub(super) fn close(&self) -> Result<(), StoreError> {
        self.flush_beyond(0)
    }

    /// Uses alone are worth a commit where there are more than so many.
    fn flush_beyond(&self, few_uses: usize) -> Result<(), StoreError> {
        if !self.is_writable() {
            return Ok(());
        }
        // Most of it without holding anybody up.
        self.packs.sync().map_err(self.failed("write its packs"))?;
        let mut writer = locked(&self.writer);
        if !writer.has_changes && locked(&self.uses).stamps.len() <= few_uses {
            return Ok(());
        }
        self.packs.sync().map_err(self.failed("write its packs"))?;
        self.change_as(&mut writer, true, |tables| self.write_uses(tables))?;
        writer.has_changes = false;
        writer.uncommitted = 0;
        self.counters.commits.fetch_add(1, Ordering::Relaxed);
        self.wipe_dead(&mut writer)
    }

    /// Wipes records that the index on the disk does not name any more, and gives packs up that are worth it.
    fn wipe_dead(&self, writer: &mut Writer) -> Result<(), StoreError> {
        let mut wiped = WIPE_BATCH;
        while wiped == WIPE_BATCH {
            // What this changes reaches the disk with the next commit; doing it twice does no harm.
            wiped = self.change_as(writer, false, |tables| {
                let dead = tables.dead(WIPE_BATCH)?;
                for (pack, at, span) in &dead {
                    let gap = tables.gap_around(*pack, *at, *span)?;
                    self.packs
                        .wipe(*pack, (*at, *span), gap)
                        .map_err(self.failed("wipe what went"))?;
                    tables.remove_dead(*pack, *at)?;
                }
                Ok(dead.len())
            })?;
        }
        // Only now, for what is moved here must not be wiped before that is on the disk.
        let is_moved = self.change_as(writer, false, |tables| {
            let mut is_moved = false;
            for (pack, end, live) in tables.packs_in_use()? {
                if tables.totals.current.contains(&pack) {
                    continue;
                }
                if live == 0 {
                    self.packs
                        .remove(pack)
                        .map_err(self.failed("remove a pack"))?;
                    tables.remove_pack(pack)?;
                } else if !self.packs.can_punch() && live < end / 2 {
                    self.compact(tables, pack)?;
                    is_moved = true;
                }
            }
            Ok(is_moved)
        })?;
        writer.has_changes |= is_moved;
        Ok(())
    }

    /// Moves what is left of a pack behind all others of its shelf.
    fn compact(&self, tables: &mut Tables<'_>, pack: u32) -> Result<(), Fault> {
        let mut effects = Effects::default();
        for (at, handle, shelf, what, _) in tables.places_of(pack)? {
            let Some(id) = tables.id_of(handle)? else {
                continue;
            };
            let Some(mut row) = tables.segment(&id)? else {
                continue;
            };
            let index = BlockIndex::new(what.into());
            let place = match index {
                Some(index) => tables.block(handle, shelf, index)?.map(|(place, _)| place),
                None => row.facts,
            };
            let Some(place) = place.filter(|place| (place.pack, place.at) == (pack, at)) else {
                continue;
            };
            let mut payload = Vec::new();
            let record = self.record_with(place, &mut payload)?;
            let Some(record) = record.filter(|record| record.crc == crc32fast::hash(&payload))
            else {
                // Found damaged when it is read.
                continue;
            };
            let moved = self.append(tables, &mut effects, shelf, (&record, &payload))?;
            tables.bury(place)?;
            tables.set_place(moved, (handle, shelf, what))?;
            match (index, record.kind.form()) {
                (Some(index), Some(form)) => {
                    tables.set_block(handle, shelf, index, (moved, form))?;
                }
                _ => row.facts = Some(moved),
            }
            tables.set_segment(&id, &row)?;
            zeroize::Zeroize::zeroize(&mut payload);
        }
        Ok(())
    }
}
