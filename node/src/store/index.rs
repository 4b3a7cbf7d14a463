//! The index: which block is where, in a redb database that is read where it lies.
//! Invariant: what the index on the disk names was on the disk before; commits in between live in memory alone.
//! Byte order: little-endian in rows; keys are redb's.

use std::fmt;
use std::fs::{self, File};
use std::os::unix::fs::OpenOptionsExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

use peerdist::content::SegmentId;
use peerdist::retrieval::BlockIndex;
use peerdist::retrieval::server::BlockForm;
use redb::backends::FileBackend;
use redb::{
    Database, Durability, ReadOnlyDatabase, ReadTransaction, ReadableDatabase, ReadableTable,
    StorageError, Table, TableDefinition, WriteTransaction,
};

use super::rows::{
    Place, SegmentRow, ShelfRow, Totals, decode_block, decode_id, encode_block, number,
};

/// What redb says when something fails.
pub(super) type IndexResult<T> = Result<T, redb::Error>;

/// Segments by their ids.
const SEGMENTS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("segments");
/// Ids by the store's own names for segments.
const HANDLES: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("handles");
/// Blocks by segment, shelf and number.
const BLOCKS: TableDefinition<'_, (u64, u8, u16), &[u8]> = TableDefinition::new("blocks");
/// Records by pack and offset: whose they are, on which shelf, which block (or `FACTS`), how long.
const PLACES: TableDefinition<'_, (u32, u32), (u64, u8, u16, u32)> = TableDefinition::new("places");
/// Segments of a shelf by when they were used.
const USES: TableDefinition<'_, (u8, u64, u64), ()> = TableDefinition::new("uses");
/// Segments of a shelf by when they came.
const AGES: TableDefinition<'_, (u8, u64, u64), ()> = TableDefinition::new("ages");
/// Packs: their shelf, their end, and how much of them is in use.
const PACKS: TableDefinition<'_, u32, (u8, u32, u32)> = TableDefinition::new("packs");
/// Records that are to be wiped, and how long they are.
const DEAD: TableDefinition<'_, (u32, u32), u32> = TableDefinition::new("dead");
const TOTALS: TableDefinition<'_, (), &[u8]> = TableDefinition::new("totals");

/// A record in use: where, whose, on which shelf, which, how long.
pub(super) type InUse = (u32, u64, u8, u16, u32);

enum Base {
    Writable(Database),
    ReadOnly(ReadOnlyDatabase),
    /// It failed and could not be opened again.
    Gone,
}

/// The database.
pub(super) struct Index {
    path: PathBuf,
    cache_bytes: usize,
    base: RwLock<Base>,
}

impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Index({})", self.path.display())
    }
}

impl Index {
    /// Opens the index, or makes an empty one where the file is missing or empty.
    pub(super) fn open(path: &Path, cache_bytes: usize, is_writable: bool) -> IndexResult<Self> {
        Ok(Self {
            path: path.to_owned(),
            cache_bytes,
            base: RwLock::new(open_base(path, cache_bytes, is_writable)?),
        })
    }

    /// After an error of the disk redb wants to be opened again. What was not on the disk is lost.
    pub(super) fn reopen(&self) -> IndexResult<()> {
        let mut base = self.base.write().unwrap_or_else(PoisonError::into_inner);
        *base = Base::Gone;
        *base = open_base(&self.path, self.cache_bytes, true)?;
        Ok(())
    }

    pub(super) fn read<T>(&self, ask: impl FnOnce(&View) -> IndexResult<T>) -> IndexResult<T> {
        let base = self.base.read().unwrap_or_else(PoisonError::into_inner);
        guarded(|| {
            let transaction = match &*base {
                Base::Writable(base) => base.begin_read()?,
                Base::ReadOnly(base) => base.begin_read()?,
                Base::Gone => return Err(redb::Error::DatabaseClosed),
            };
            ask(&View(transaction))
        })
    }

    /// Changes all or nothing. Only a durable change, and all before it, is on the disk when this returns.
    pub(super) fn write<T, E: From<redb::Error>>(
        &self,
        is_durable: bool,
        change: impl FnOnce(&mut Tables<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let base = self.base.read().unwrap_or_else(PoisonError::into_inner);
        let Base::Writable(base) = &*base else {
            return Err(redb::Error::DatabaseClosed.into());
        };
        let transaction = guarded(|| {
            let mut transaction = base.begin_write()?;
            transaction.set_durability(if is_durable {
                Durability::Immediate
            } else {
                Durability::None
            })?;
            Ok(transaction)
        })?;
        let changed = {
            let mut tables = guarded(|| Tables::open(&transaction))?;
            let changed = catch_unwind(AssertUnwindSafe(|| {
                let changed = change(&mut tables)?;
                tables.write_totals().map_err(redb::Error::from)?;
                Ok(changed)
            }));
            changed.unwrap_or_else(|_| Err(panicked().into()))
        };
        match changed {
            Ok(changed) => {
                guarded(|| Ok(transaction.commit()?))?;
                Ok(changed)
            }
            Err(error) => {
                // What cannot be taken back is found when the database is opened again.
                let _ = guarded(|| Ok(transaction.abort()?));
                Err(error)
            }
        }
    }
}

/// redb trusts the pages that it checked when it opened the file; a damaged one behind its back may make it panic.
fn guarded<T>(work: impl FnOnce() -> IndexResult<T>) -> IndexResult<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(panicked()))
}

fn panicked() -> redb::Error {
    redb::Error::Corrupted("reading it failed in a way that a sound index does not".to_owned())
}

fn open_base(path: &Path, cache_bytes: usize, is_writable: bool) -> IndexResult<Base> {
    guarded(|| {
        let mut builder = Database::builder();
        builder.set_cache_size(cache_bytes);
        if !is_writable {
            return Ok(Base::ReadOnly(builder.open_read_only(path)?));
        }
        // Every page is held against its checksum once, for later it is trusted.
        builder.set_check_integrity_on_open(true);
        // A new one gets its name when it is one: whoever is ended before leaves nothing that looks damaged.
        let is_new = !path.exists();
        let made = path.with_added_extension("new");
        let at = if is_new { &made } else { path };
        let mut options = File::options();
        let options = options.read(true).write(true).create(true).mode(0o600);
        let file = options.truncate(is_new).open(at)?;
        let base = builder.create_with_backend(FileBackend::new(file)?)?;
        // A table that was never opened for writing cannot be opened for reading.
        let transaction = base.begin_write()?;
        drop(Tables::open(&transaction)?);
        transaction.commit()?;
        if is_new {
            fs::rename(&made, path)?;
            if let Some(directory) = path.parent() {
                File::open(directory)?.sync_all()?;
            }
        }
        Ok(Base::Writable(base))
    })
}

/// The index at one moment.
pub(super) struct View(ReadTransaction);

impl View {
    pub(super) fn segment(&self, id: &SegmentId) -> IndexResult<Option<SegmentRow>> {
        let table = self.0.open_table(SEGMENTS)?;
        decoded(
            table
                .get(id.0.as_bytes())?
                .map(|row| SegmentRow::decode(row.value())),
        )
    }

    pub(super) fn id_of(&self, handle: u64) -> IndexResult<Option<SegmentId>> {
        let table = self.0.open_table(HANDLES)?;
        decoded(table.get(handle)?.map(|row| decode_id(row.value())))
    }

    pub(super) fn block(
        &self,
        handle: u64,
        shelf: u8,
        index: BlockIndex,
    ) -> IndexResult<Option<(Place, BlockForm)>> {
        let table = self.0.open_table(BLOCKS)?;
        let row = table.get((handle, shelf, number(index)))?;
        decoded(row.map(|row| decode_block(row.value())))
    }

    pub(super) fn totals(&self) -> IndexResult<Totals> {
        let table = self.0.open_table(TOTALS)?;
        Ok(decoded(table.get(())?.map(|row| Totals::decode(row.value())))?.unwrap_or_default())
    }

    /// Segments behind `after` in the order of their ids, at most so many.
    pub(super) fn segments(
        &self,
        after: Option<&SegmentId>,
        most: usize,
    ) -> IndexResult<Vec<(SegmentId, SegmentRow)>> {
        let table = self.0.open_table(SEGMENTS)?;
        let from: &[u8] = after.map_or(&[], |id| id.0.as_bytes());
        let mut segments = Vec::new();
        for row in table.range(from..)? {
            let (key, value) = row?;
            if after.is_some() && key.value() == from {
                continue;
            }
            if segments.len() >= most {
                break;
            }
            let row = decoded(Some(decode_id(key.value())))?;
            segments.extend(row.zip(decoded(Some(SegmentRow::decode(value.value())))?));
        }
        Ok(segments)
    }

    pub(super) fn packs(&self) -> IndexResult<Vec<(u32, u8, u32, u32)>> {
        let table = self.0.open_table(PACKS)?;
        let mut packs = Vec::new();
        for row in table.iter()? {
            let (number, row) = row?;
            let (shelf, end, live) = row.value();
            packs.push((number.value(), shelf, end, live));
        }
        Ok(packs)
    }
}

/// The tables while they are changed.
pub(super) struct Tables<'t> {
    segments: Table<'t, &'static [u8], &'static [u8]>,
    handles: Table<'t, u64, &'static [u8]>,
    blocks: Table<'t, (u64, u8, u16), &'static [u8]>,
    places: Table<'t, (u32, u32), (u64, u8, u16, u32)>,
    uses: Table<'t, (u8, u64, u64), ()>,
    ages: Table<'t, (u8, u64, u64), ()>,
    packs: Table<'t, u32, (u8, u32, u32)>,
    dead: Table<'t, (u32, u32), u32>,
    totals_table: Table<'t, (), &'static [u8]>,
    written_totals: Totals,
    pub(super) totals: Totals,
}

impl<'t> Tables<'t> {
    fn open(transaction: &'t WriteTransaction) -> IndexResult<Self> {
        let totals_table = transaction.open_table(TOTALS)?;
        let totals = totals_table.get(())?.map(|row| Totals::decode(row.value()));
        let totals = decoded(totals)?.unwrap_or_default();
        Ok(Self {
            segments: transaction.open_table(SEGMENTS)?,
            handles: transaction.open_table(HANDLES)?,
            blocks: transaction.open_table(BLOCKS)?,
            places: transaction.open_table(PLACES)?,
            uses: transaction.open_table(USES)?,
            ages: transaction.open_table(AGES)?,
            packs: transaction.open_table(PACKS)?,
            dead: transaction.open_table(DEAD)?,
            totals_table,
            written_totals: totals,
            totals,
        })
    }

    fn write_totals(&mut self) -> Result<(), StorageError> {
        if self.totals != self.written_totals {
            self.totals_table
                .insert((), self.totals.encode().as_slice())?;
        }
        Ok(())
    }

    pub(super) fn segment(&self, id: &SegmentId) -> IndexResult<Option<SegmentRow>> {
        let row = self.segments.get(id.0.as_bytes())?;
        decoded(row.map(|row| SegmentRow::decode(row.value())))
    }

    pub(super) fn id_of(&self, handle: u64) -> IndexResult<Option<SegmentId>> {
        let row = self.handles.get(handle)?;
        decoded(row.map(|row| decode_id(row.value())))
    }

    /// Writes what is known of a segment; one of which nothing is there goes.
    pub(super) fn set_segment(&mut self, id: &SegmentId, row: &SegmentRow) -> IndexResult<()> {
        let key = id.0.as_bytes();
        if row.shelves.iter().any(|shelf| shelf.is_there) {
            self.segments.insert(key, row.encode().as_slice())?;
        } else {
            self.segments.remove(key)?;
            self.handles.remove(row.handle)?;
        }
        Ok(())
    }

    /// A row for a segment that was not known.
    pub(super) fn new_segment(&mut self, id: &SegmentId) -> IndexResult<SegmentRow> {
        let handle = self.totals.next_handle;
        self.totals.next_handle += 1;
        self.handles.insert(handle, id.0.as_bytes())?;
        Ok(SegmentRow {
            handle,
            ..SegmentRow::default()
        })
    }

    pub(super) fn block(
        &self,
        handle: u64,
        shelf: u8,
        index: BlockIndex,
    ) -> IndexResult<Option<(Place, BlockForm)>> {
        let row = self.blocks.get((handle, shelf, number(index)))?;
        decoded(row.map(|row| decode_block(row.value())))
    }

    pub(super) fn set_block(
        &mut self,
        handle: u64,
        shelf: u8,
        index: BlockIndex,
        (place, form): (Place, BlockForm),
    ) -> IndexResult<()> {
        let row = encode_block(place, form);
        self.blocks
            .insert((handle, shelf, number(index)), row.as_slice())?;
        Ok(())
    }

    pub(super) fn remove_block(
        &mut self,
        handle: u64,
        shelf: u8,
        index: BlockIndex,
    ) -> IndexResult<()> {
        self.blocks.remove((handle, shelf, number(index)))?;
        Ok(())
    }

    /// Notes when a segment of a shelf was used, and when it came.
    pub(super) fn set_moments(
        &mut self,
        shelf: u8,
        handle: u64,
        row: &mut ShelfRow,
        used: u64,
    ) -> IndexResult<()> {
        if row.is_there {
            self.uses.remove((shelf, row.used, handle))?;
        }
        row.used = used;
        self.totals.stamp = self.totals.stamp.max(used);
        self.uses.insert((shelf, used, handle), ())?;
        if !row.is_there {
            self.ages.insert((shelf, row.since, handle), ())?;
        }
        Ok(())
    }

    pub(super) fn remove_moments(
        &mut self,
        shelf: u8,
        handle: u64,
        row: &ShelfRow,
    ) -> IndexResult<()> {
        self.uses.remove((shelf, row.used, handle))?;
        self.ages.remove((shelf, row.since, handle))?;
        Ok(())
    }

    pub(super) fn least_used(&self, shelf: u8) -> IndexResult<Option<u64>> {
        first_of(&self.uses, shelf).map(|first| first.map(|(_, handle)| handle))
    }

    /// When the oldest segment of a shelf came, and which it is.
    pub(super) fn oldest(&self, shelf: u8) -> IndexResult<Option<(u64, u64)>> {
        first_of(&self.ages, shelf)
    }

    pub(super) fn pack(&self, pack: u32) -> IndexResult<Option<(u8, u32, u32)>> {
        Ok(self.packs.get(pack)?.map(|row| row.value()))
    }

    pub(super) fn set_pack(&mut self, pack: u32, row: (u8, u32, u32)) -> IndexResult<()> {
        self.packs.insert(pack, row)?;
        Ok(())
    }

    pub(super) fn remove_pack(&mut self, pack: u32) -> IndexResult<()> {
        self.packs.remove(pack)?;
        Ok(())
    }

    /// Packs with nothing in use, and those with the least in use of what they have.
    pub(super) fn packs_in_use(&self) -> IndexResult<Vec<(u32, u32, u32)>> {
        let mut packs = Vec::new();
        for row in self.packs.iter()? {
            let (number, row) = row?;
            let (_, end, live) = row.value();
            packs.push((number.value(), end, live));
        }
        Ok(packs)
    }

    pub(super) fn set_place(
        &mut self,
        place: Place,
        (handle, shelf, what): (u64, u8, u16),
    ) -> IndexResult<()> {
        let span = super::record::span(place.length);
        self.places
            .insert((place.pack, place.at), (handle, shelf, what, span))?;
        let row = self.pack(place.pack)?;
        let (of, end, live) = row.unwrap_or((shelf, 0, 0));
        self.set_pack(place.pack, (of, end.max(place.at + span), live + span))
    }

    /// Takes a record out of use; it is wiped when that is on the disk.
    pub(super) fn bury(&mut self, place: Place) -> IndexResult<()> {
        let span = super::record::span(place.length);
        self.places.remove((place.pack, place.at))?;
        self.dead.insert((place.pack, place.at), span)?;
        if let Some((shelf, end, live)) = self.pack(place.pack)? {
            self.set_pack(place.pack, (shelf, end, live.saturating_sub(span)))?;
        }
        Ok(())
    }

    /// The records of a pack that are in use: where, whose, on which shelf, which, how long.
    pub(super) fn places_of(&self, pack: u32) -> IndexResult<Vec<InUse>> {
        let mut places = Vec::new();
        for row in self.places.range((pack, 0)..=(pack, u32::MAX))? {
            let (key, row) = row?;
            let (handle, shelf, what, span) = row.value();
            places.push((key.value().1, handle, shelf, what, span));
        }
        Ok(places)
    }

    /// The bytes around a record that nobody uses.
    pub(super) fn gap_around(&self, pack: u32, at: u32, span: u32) -> IndexResult<(u32, u32)> {
        let before = self.places.range((pack, 0)..(pack, at))?.next_back();
        let start = before
            .transpose()?
            .map_or(super::packs::FIRST_RECORD, |(key, row)| {
                key.value().1 + row.value().3
            });
        let after = self.places.range((pack, at)..=(pack, u32::MAX))?.next();
        let end = after.transpose()?.map(|(key, _)| key.value().1);
        let end = match end {
            Some(end) => end,
            None => self.pack(pack)?.map_or(at + span, |(_, end, _)| end),
        };
        Ok((start, end))
    }

    pub(super) fn dead(&self, most: usize) -> IndexResult<Vec<(u32, u32, u32)>> {
        let mut dead = Vec::new();
        for row in self.dead.iter()?.take(most) {
            let (key, span) = row?;
            let (pack, at) = key.value();
            dead.push((pack, at, span.value()));
        }
        Ok(dead)
    }

    pub(super) fn remove_dead(&mut self, pack: u32, at: u32) -> IndexResult<()> {
        self.dead.remove((pack, at))?;
        Ok(())
    }
}

fn first_of(table: &Table<'_, (u8, u64, u64), ()>, shelf: u8) -> IndexResult<Option<(u64, u64)>> {
    let mut range = table.range((shelf, 0, 0)..=(shelf, u64::MAX, u64::MAX))?;
    let first = range.next().transpose()?;
    Ok(first.map(|(key, _)| {
        let (_, moment, handle) = key.value();
        (moment, handle)
    }))
}

/// A row that cannot be read means that the index is damaged.
fn decoded<T>(row: Option<Option<T>>) -> IndexResult<Option<T>> {
    match row {
        Some(None) => Err(redb::Error::Corrupted("a row cannot be read".to_owned())),
        Some(row) => Ok(row),
        None => Ok(None),
    }
}
