//! Disks that are full or cannot be written to: a small file system in memory, which only root can have.

use std::path::Path;
use std::process::Command;

use peerdist_node::store::{Store, StoreError, StoreSettings};

use crate::segments::{Whole, settings, v2};

struct Mounted(tempfile::TempDir);

impl Mounted {
    /// `None` where none can be had, said loudly.
    fn new(test: &str) -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let made = Self::mount(
            &["-t", "tmpfs", "-o", "size=16m", "tmpfs"],
            directory.path(),
        );
        if let Err(why) = made {
            eprintln!("NOT RUN: {test}: cannot mount a small file system: {why}");
            return None;
        }
        Some(Self(directory))
    }

    fn mount(args: &[&str], on: &Path) -> Result<(), String> {
        let ended = Command::new("mount").args(args).arg(on).output();
        let ended = ended.map_err(|error| error.to_string())?;
        if ended.status.success() {
            return Ok(());
        }
        Err(String::from_utf8_lossy(&ended.stderr).trim().to_owned())
    }

    fn remount(&self, options: &str) -> Result<(), String> {
        Self::mount(&["-o", &format!("remount,{options}")], self.0.path())
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).output();
    }
}

fn fill(store: &Store, kept: &mut Vec<Whole>) -> StoreError {
    for number in 0..1_000 {
        let one = v2(number, 100_000);
        let done = store
            .describe(crate::segments::now(), &one.id, &one.facts)
            .and_then(|()| {
                let block = one.block(0);
                store.put_verified(
                    crate::segments::now(),
                    &one.id,
                    crate::segments::at(0),
                    block,
                )
            });
        match done {
            Ok(_) => kept.push(one),
            Err(error) => return error,
        }
    }
    panic!("the disk never became full");
}

#[test]
fn a_full_disk_ends_keeping_and_not_serving_and_room_begins_it_again() {
    let Some(disk) = Mounted::new("a_full_disk_ends_keeping") else {
        return;
    };
    // With a reserve that is kept, and without one, where the index itself meets the end of the disk.
    for reserve_bytes in [2 << 20, 0] {
        let path = disk.0.path().join("store");
        let limits = StoreSettings {
            reserve_bytes,
            commit_interval_ms: 5,
            ..settings(1 << 30, 1 << 20)
        };
        let store = Store::open(&path, &limits).unwrap();
        let mut kept = Vec::new();
        let error = fill(&store, &mut kept);
        assert!(matches!(error, StoreError::DiskFull { .. }), "{error}");
        assert!(error.to_string().contains("is full"), "{error}");
        assert!(store.statistics().unwrap().is_disk_full);
        let served = kept.iter().filter(|one| one.reads(&store, 0)).count();
        if reserve_bytes > 0 {
            assert_eq!(served, kept.len());
            store.flush().unwrap();
        } else {
            assert!(served > kept.len() / 2, "{served} of {}", kept.len());
        }
        for one in &kept[..kept.len() / 2] {
            // Where not even forgetting can be written down, there is no way without more room.
            let _ = store.forget(&one.id);
            let _ = store.flush();
        }
        disk.remount("size=32m").unwrap();
        let last = v2(5_000, 90_000);
        last.put(&store, 0);
        store.flush().unwrap();
        assert!(last.reads(&store, 0));
        assert!(!store.statistics().unwrap().is_disk_full);
        drop(store);
        let store = Store::open(&path, &limits).unwrap();
        assert!(last.reads(&store, 0));
        assert_eq!(store.statistics().unwrap().quarantined, 0);
        drop(store);
        std::fs::remove_dir_all(&path).unwrap();
        disk.remount("size=16m").unwrap();
    }
}

#[test]
fn a_disk_that_cannot_be_written_to_is_served_from_and_nothing_is_kept() {
    let Some(disk) = Mounted::new("a_disk_that_cannot_be_written_to") else {
        return;
    };
    let path = disk.0.path().join("store");
    let limits = settings(1 << 30, 1 << 20);
    let one = v2(1, 50_000);
    one.put(&Store::open(&path, &limits).unwrap(), 0);
    disk.remount("ro").unwrap();
    let store = Store::open(&path, &limits).unwrap();
    assert!(store.is_read_only());
    assert!(one.reads(&store, 0));
    let two = v2(2, 50_000);
    let put = store.describe(crate::segments::now(), &two.id, &two.facts);
    assert!(matches!(put, Err(StoreError::ReadOnly { .. })), "{put:?}");
    let missing = Store::open(&disk.0.path().join("other"), &limits).unwrap_err();
    assert!(matches!(missing, StoreError::ReadOnly { .. }), "{missing}");
    drop(store);
    disk.remount("rw").unwrap();
}
