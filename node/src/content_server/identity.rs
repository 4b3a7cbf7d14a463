//! What tells one state of a file from another.
//! Invariant: content information is made of a file only when every later write to it must show in its identity.
//! Byte order: none.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How long a file must have been left alone. Times of files advance in steps, of up to two seconds on some file
/// systems: of two writes within one step, the second does not show.
pub(super) const REST: Duration = Duration::from_secs(2);

/// Seconds and nanoseconds since 1970.
type FileTime = (i64, i64);

/// A state of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileIdentity {
    device: u64,
    inode: u64,
    length: u64,
    modified: FileTime,
    changed: FileTime,
}

impl FileIdentity {
    /// The present state of an open file.
    ///
    /// # Errors
    /// Those of the system.
    pub fn of(file: &File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        Ok(Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            length: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        })
    }

    /// Its bytes.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// When it was written to, as a header field can say it: in the past, and not before 1970.
    #[must_use]
    pub fn last_modified(&self, now: SystemTime) -> SystemTime {
        time(self.modified).min(now)
    }

    /// Whether it was left alone for so long that another write would give it another identity.
    #[must_use]
    pub fn is_rested(&self, now: SystemTime) -> bool {
        let rested = |time: SystemTime| now.duration_since(time).is_ok_and(|age| age >= REST);
        // A time of modification in the future was set by somebody; the time of change tells when.
        let modified = time(self.modified);
        rested(time(self.changed)) && (rested(modified) || modified > now)
    }

    /// The entity tag of this state: weak until it would be another after a write.
    #[must_use]
    pub fn entity_tag(&self, now: SystemTime) -> String {
        let weak = if self.is_rested(now) { "" } else { "W/" };
        let nanoseconds = |(seconds, nanoseconds): FileTime| {
            i128::from(seconds) * 1_000_000_000 + i128::from(nanoseconds)
        };
        format!(
            "{weak}\"{:x}-{:x}-{:x}\"",
            self.length,
            nanoseconds(self.modified),
            nanoseconds(self.changed)
        )
    }

    /// All of it, for a key.
    pub(super) fn bytes(&self) -> impl Iterator<Item = u8> {
        let numbers = [self.device, self.inode, self.length].map(u64::to_le_bytes);
        let times = [
            self.modified.0,
            self.modified.1,
            self.changed.0,
            self.changed.1,
        ];
        numbers
            .into_iter()
            .chain(times.map(i64::to_le_bytes))
            .flatten()
    }
}

fn time((seconds, nanoseconds): FileTime) -> SystemTime {
    let fraction = Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(0));
    let whole = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
    UNIX_EPOCH
        .checked_add(whole + fraction)
        .unwrap_or(UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn written_at(modified: FileTime, changed: FileTime) -> FileIdentity {
        FileIdentity {
            device: 1,
            inode: 2,
            length: 3,
            modified,
            changed,
        }
    }

    #[test]
    fn a_file_rests_two_seconds_after_its_last_write_whatever_its_time_was_set_to() {
        let now = UNIX_EPOCH + Duration::from_secs(1000);
        for (modified, changed, expected) in [
            ((998, 0), (998, 0), true),
            ((998, 1), (998, 1), false),
            ((5, 0), (999, 0), false),
            ((5000, 0), (998, 0), true),
            ((5000, 0), (999, 0), false),
            ((-5, 0), (0, 0), true),
            ((5000, 0), (5000, 0), false),
        ] {
            let identity = written_at(modified, changed);
            assert_eq!(
                identity.is_rested(now),
                expected,
                "{modified:?} {changed:?}"
            );
            let tag = identity.entity_tag(now);
            assert_eq!(tag.starts_with("W/"), !expected, "{tag}");
        }
    }

    #[test]
    fn every_field_is_in_the_key_and_no_field_runs_into_its_neighbour() {
        let one = written_at((1, 2), (3, 4));
        let key = |identity: FileIdentity| identity.bytes().collect::<Vec<_>>();
        assert_eq!(key(one).len(), 7 * 8);
        for other in [
            FileIdentity { device: 9, ..one },
            FileIdentity { inode: 9, ..one },
            FileIdentity { length: 9, ..one },
            FileIdentity {
                modified: (1, 9),
                ..one
            },
            FileIdentity {
                changed: (9, 4),
                ..one
            },
        ] {
            assert_ne!(key(one), key(other));
        }
    }
}
