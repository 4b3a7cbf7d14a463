//! A store being opened and closed: index and packs brought into agreement, or the index made anew.
//! Invariant: when a store is open, every record that the index names lies below the end of a pack that is there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use peerdist::content::SegmentId;

use super::directory::Directory;
use super::error::StoreError;
use super::index::{Index, IndexResult};
use super::keep::Fault;
use super::packs::Packs;
use super::read::FactsCache;
use super::rows::Place;
use super::settings::StoreSettings;
use super::statistics::{Counters, Watchers};

const INDEX_FILE: &str = "index.redb";
/// Says that the index was found damaged while it was in use.
const DAMAGED_FILE: &str = "index.redb.damaged";
const PACKS: &str = "packs";

/// What all handles to a store share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) settings: StoreSettings,
    /// In bytes: of what was verified, of what is sealed.
    pub(super) limits: [u64; 2],
    pub(super) index: Index,
    pub(super) packs: Packs,
    pub(super) writer: Mutex<Writer>,
    pub(super) uses: Mutex<Uses>,
    /// Records that were held against their digest.
    pub(super) checked: Mutex<BTreeSet<Place>>,
    pub(super) facts_cache: Mutex<FactsCache>,
    pub(super) counters: Counters,
    pub(super) watchers: Watchers,
    pub(super) is_disk_full: AtomicBool,
    pub(super) notes: Vec<String>,
    // The last to go: it holds the lock.
    pub(super) directory: Directory,
}

/// Whoever holds this changes the store.
#[derive(Debug, Default)]
pub(super) struct Writer {
    /// Whether there are changes that are not on the disk.
    pub(super) has_changes: bool,
    /// Bytes that were appended since the last commit.
    pub(super) uncommitted: u64,
}

/// Segments that were read and whose last use is not written down.
#[derive(Debug, Default)]
pub(super) struct Uses {
    pub(super) stamps: BTreeMap<(SegmentId, u8), u64>,
    pub(super) last: u64,
}

impl Shared {
    pub(super) fn open(path: &Path, settings: &StoreSettings) -> Result<Self, StoreError> {
        let directory = Directory::open(path)?;
        let failed = |what| StoreError::io(path, what);
        let is_writable = directory.is_writable;
        let packs = Packs::open(directory.at(PACKS), is_writable, settings.punch_holes)
            .map_err(failed("open its packs"))?;
        let limit = |space: super::Space| space.bytes(path).map_err(failed("size its disk"));
        let limits = [
            limit(settings.verified.space)?,
            limit(settings.sealed.space)?,
        ];
        let mut notes = Vec::new();
        let (index, is_new) = open_index(&directory, settings, &mut notes)?;
        let mut shared = Self {
            settings: *settings,
            limits,
            index,
            packs,
            writer: Mutex::default(),
            uses: Mutex::default(),
            checked: Mutex::default(),
            facts_cache: Mutex::default(),
            counters: Counters::default(),
            watchers: Watchers::default(),
            is_disk_full: AtomicBool::new(false),
            notes: Vec::new(),
            directory,
        };
        if is_writable {
            let on_disk = shared.packs.list().map_err(failed("list its packs"))?;
            if is_new && !on_disk.is_empty() {
                let count = shared.rebuild(&on_disk)?;
                notes.push(format!(
                    "the index of the store {} was made anew from its packs: {count} blocks",
                    path.display()
                ));
            } else {
                shared.agree_with(&on_disk, &mut notes)?;
            }
            shared.flush()?;
            let _ = fs::remove_file(shared.directory.at(DAMAGED_FILE));
        }
        let totals = shared.index.read(|view| view.totals());
        let totals = totals.map_err(|error| shared.index_error(error))?;
        super::packs::locked(&shared.uses).last = totals.stamp;
        shared.notes = notes;
        Ok(shared)
    }

    pub(super) fn path(&self) -> &Path {
        &self.directory.path
    }

    pub(super) const fn is_writable(&self) -> bool {
        self.directory.is_writable
    }

    pub(super) fn failed(&self, what: &'static str) -> impl FnOnce(std::io::Error) -> StoreError {
        StoreError::io(self.path(), what)
    }

    /// What redb says, in our words. Damage is remembered, so that the index is made anew the next time.
    pub(super) fn index_error(&self, error: redb::Error) -> StoreError {
        match error {
            redb::Error::Io(source) => self.failed("use its index")(source),
            redb::Error::PreviousIo | redb::Error::DatabaseClosed => {
                self.failed("use its index")(std::io::Error::other("the disk failed before"))
            }
            other => {
                if self.is_writable() {
                    let _ = fs::write(self.directory.at(DAMAGED_FILE), b"");
                }
                StoreError::Index {
                    directory: self.path().to_owned(),
                    why: other.to_string(),
                }
            }
        }
    }

    /// Removes packs that no index knows, cuts what stands behind the end of those it knows, and drops records of
    /// packs that are missing or too short.
    fn agree_with(
        &self,
        on_disk: &BTreeMap<u32, u64>,
        notes: &mut Vec<String>,
    ) -> Result<(), StoreError> {
        let known = self.index.read(|view| view.packs());
        let known = known.map_err(|error| self.index_error(error))?;
        for number in on_disk.keys() {
            if !known.iter().any(|(known, ..)| known == number) {
                self.packs
                    .remove(*number)
                    .map_err(self.failed("remove a pack that nothing is known of"))?;
            }
        }
        let mut lost = 0;
        for (number, _, end, _) in known {
            let length = on_disk.get(&number).copied().unwrap_or(0);
            if length > u64::from(end) {
                self.packs
                    .truncate(number, end)
                    .map_err(self.failed("cut a pack"))?;
            }
            // The last record may end before its padding does.
            let is_whole = length + u64::from(super::record::ALIGNMENT) > u64::from(end)
                && self.packs.get(number).is_ok();
            if !is_whole {
                let length = self.packs.get(number).map_or(0, |_| length);
                lost += self.drop_records_behind(number, length)?;
            }
        }
        if lost > 0 {
            notes.push(format!(
                "{lost} records of the store {} are gone: its packs are missing or cut short",
                self.path().display()
            ));
        }
        Ok(())
    }

    fn drop_records_behind(&self, pack: u32, length: u64) -> Result<u64, StoreError> {
        self.change(false, |tables, effects| {
            let mut lost = 0;
            for (at, handle, shelf, what, span) in tables.places_of(pack)? {
                let end = u64::from(at) + u64::from(span);
                if end < length + u64::from(super::record::ALIGNMENT) {
                    continue;
                }
                lost += 1;
                let Some(id) = tables.id_of(handle)? else {
                    continue;
                };
                if let Some(mut row) = tables.segment(&id)? {
                    if what == super::rows::FACTS {
                        // Without its facts nothing verified of the segment can be served.
                        super::shelves::drop_shelf(tables, handle, &mut row, 0)?;
                    } else if let Some(index) = peerdist::retrieval::BlockIndex::new(what.into()) {
                        super::shelves::drop_block(tables, &mut row, shelf, index)?;
                    }
                    tables.set_segment(&id, &row)?;
                    effects.gone.push(id);
                }
            }
            // Nothing is appended to it again.
            for current in &mut tables.totals.current {
                if *current == pack {
                    *current = 0;
                }
            }
            Ok::<_, Fault>(lost)
        })
    }
}

fn open_index(
    directory: &Directory,
    settings: &StoreSettings,
    notes: &mut Vec<String>,
) -> Result<(Index, bool), StoreError> {
    let path = directory.at(INDEX_FILE);
    let failed = |what| StoreError::io(&directory.path, what);
    let cache = settings.index_cache_bytes_limit;
    let open = || Index::open(&path, cache, directory.is_writable);
    let why = if directory.at(DAMAGED_FILE).exists() && directory.is_writable {
        "it was found damaged while it was in use".to_owned()
    } else {
        let is_new = fs::metadata(&path).map_or(true, |known| known.len() == 0);
        match open().and_then(|index| sound(index).map(|index| (index, is_new))) {
            Ok(opened) => return Ok(opened),
            // An error of the disk is no damage, and a new index would not help.
            Err(redb::Error::Io(error)) if !is_damage(&error) => {
                return Err(failed("open its index")(error));
            }
            Err(error) => error.to_string(),
        }
    };
    if !directory.is_writable {
        return Err(StoreError::Index {
            directory: directory.path.clone(),
            why,
        });
    }
    if path.exists() {
        let aside = directory
            .set_index_aside(&path)
            .map_err(failed("set its damaged index aside"))?;
        notes.push(format!(
            "the index of the store {} was damaged ({why}) and is set aside as {}",
            directory.path.display(),
            aside.display()
        ));
    }
    match open() {
        Ok(index) => Ok((index, true)),
        Err(redb::Error::Io(error)) => Err(failed("make its index")(error)),
        Err(error) => Err(StoreError::Index {
            directory: directory.path.clone(),
            why: error.to_string(),
        }),
    }
}

/// The first look at an index finds what opening it did not.
fn sound(index: Index) -> IndexResult<Index> {
    index.read(|view| view.totals())?;
    Ok(index)
}

/// A file that ends too early or is no index at all comes as an error of reading.
fn is_damage(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        std::io::ErrorKind::UnexpectedEof | std::io::ErrorKind::InvalidData
    )
}

impl Drop for Shared {
    fn drop(&mut self) {
        // Nobody is left to be told; what was flushed before is on the disk.
        let _ = self.close();
    }
}
