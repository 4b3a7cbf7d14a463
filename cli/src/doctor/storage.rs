//! Directories that can be written to, disks that keep what they are told to, stores that are whole.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, SystemTime};

use peerdist_node::store::{StoreError, StoreHandle, StoreSettings, wall_clock};

use super::Findings;
use crate::operations::config::Setting;
use crate::serving::default_cache_directory;

const SPACE_BYTES_WARN: u64 = 1 << 30;
const SPACE_BYTES_BAD: u64 = 64 << 20;
const SYNC_SLOW: Duration = Duration::from_millis(500);
const TRIAL_BYTES: usize = 1 << 20;
/// Files count as settled two seconds after their last change: a disk whose clock is further off breaks that.
const CLOCKS_APART: Duration = Duration::from_secs(2);

pub(super) fn check(findings: &mut Findings, settings: &[Setting]) {
    let of = |key: &'static str| {
        let chosen = settings.iter().filter(move |setting| setting.key == key);
        chosen.flat_map(|setting| &setting.values)
    };
    for root in of("root") {
        let check = format!("root {root}");
        match fs::read_dir(root) {
            Ok(_) => findings.good(&check, "it can be read"),
            Err(error) => {
                let advice = "make it, or let the user of the service read it";
                findings.bad(&check, error, advice);
            }
        }
    }
    let mut caches: Vec<String> = of("cache-dir").cloned().collect();
    let stores: Vec<&String> = of("store").collect();
    if caches.is_empty()
        && stores.is_empty()
        && let Ok(directory) = default_cache_directory()
    {
        caches.push(directory.display().to_string());
    }
    for directory in &caches {
        disk(
            findings,
            &format!("cache-dir {directory}"),
            Path::new(directory),
        );
    }
    for directory in stores {
        disk(
            findings,
            &format!("store {directory}"),
            Path::new(directory),
        );
        store(
            findings,
            &format!("store {directory}"),
            Path::new(directory),
        );
    }
}

/// The directory, or the nearest one above it that is there.
fn existing(directory: &Path) -> &Path {
    let mut all = directory.ancestors();
    let found = all.find(|path| path.is_dir() && !path.as_os_str().is_empty());
    found.unwrap_or(Path::new("."))
}

fn disk(findings: &mut Findings, check: &str, directory: &Path) {
    let there = existing(directory);
    match rustix::fs::statvfs(there) {
        Ok(statistics) => {
            let free = statistics.f_bavail.saturating_mul(statistics.f_frsize);
            let found = format!("{} MiB of its disk are free", free >> 20);
            let advice = "make room, or set the limits of the cache lower";
            match free {
                ..SPACE_BYTES_BAD => findings.bad(check, found, advice),
                SPACE_BYTES_BAD..SPACE_BYTES_WARN => findings.warn(check, found, advice),
                _ => findings.good(check, found),
            }
        }
        Err(error) => findings.warn(check, error, "how much room there is cannot be told"),
    }
    match trial(there) {
        Ok((took, apart)) => {
            let found = format!(
                "a mebibyte was written and synced in {} ms",
                took.as_millis()
            );
            match took > SYNC_SLOW {
                true => findings.warn(
                    check,
                    found,
                    "a slow disk holds up what is kept; a faster one helps",
                ),
                false => findings.good(check, found),
            }
            if apart > CLOCKS_APART {
                let found = format_args!(
                    "its clock is {} s from that of the machine",
                    apart.as_secs()
                );
                let advice = "keep the clocks of file server and machine by the same source: changes of files are \
                              known by their times";
                findings.bad(check, found, advice);
            }
        }
        Err(error) => {
            let advice = format!(
                "let the user of the service write below {}",
                there.display()
            );
            findings.bad(check, format_args!("cannot write to it: {error}"), &advice);
        }
    }
}

/// How long it takes until a file is on the disk, and how far the disk's clock is from ours.
fn trial(directory: &Path) -> std::io::Result<(Duration, Duration)> {
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    let begun = wall_clock().as_nanos();
    file.write_all(&vec![0x5a; TRIAL_BYTES])?;
    file.as_file().sync_all()?;
    let ended = wall_clock().as_nanos();
    let written = file.as_file().metadata()?.modified()?;
    let since = written.duration_since(SystemTime::UNIX_EPOCH);
    let written = since.unwrap_or_default();
    let apart = written.abs_diff(Duration::from_nanos(begun));
    let took = Duration::from_nanos(ended.saturating_sub(begun));
    Ok((took, apart.saturating_sub(took)))
}

fn store(findings: &mut Findings, check: &str, directory: &Path) {
    if !directory.join("format").exists() {
        return findings.good(check, "there is none yet; it is made at the first start");
    }
    let opened = StoreHandle::open(directory, &StoreSettings::default());
    let store = match opened {
        Ok(store) => store,
        Err(error @ StoreError::InUse { .. }) => {
            return findings.warn(check, error, "ask again when it does not run");
        }
        Err(error) => {
            let advice =
                "'peerdist cache verify' looks closer; a store may be removed, it is filled anew";
            return findings.bad(check, error, advice);
        }
    };
    if let StoreHandle::Owned(owned) = &store {
        for note in owned.opening_notes() {
            findings.warn(check, note, "");
        }
    }
    match store.statistics() {
        Ok(statistics) if statistics.is_disk_full => {
            let advice = "make room on its disk: nothing more is kept";
            findings.bad(check, "its disk is full", advice);
        }
        Ok(statistics) if statistics.quarantined > 0 => {
            let found = format_args!("{} damaged blocks were set aside", statistics.quarantined);
            let advice = "look at the disk ('smartctl -a'), and run 'peerdist cache verify'";
            findings.warn(check, found, advice);
        }
        Ok(statistics) => {
            let blocks = statistics.verified_blocks + statistics.sealed_blocks;
            let count = crate::print::count(blocks, "block");
            findings.good(check, format_args!("it can be opened and has {count}"));
        }
        Err(error) => findings.bad(check, error, "run 'peerdist cache verify'"),
    }
}
