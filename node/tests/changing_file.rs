//! A file that is changed between its opening and the end of reading: nobody gets the hash of a mixture.
//!
//! What is done between [`Source::open`] and [`create`] is, to the reader, done while it reads; and what progress is
//! told of happens after a piece was read and before the last one was.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails where it stands"
)]

use std::fs::{self, File};
use std::io::Write;
use std::num::NonZeroUsize;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Once;
use std::time::{Duration, SystemTime};

use peerdist::content::{ContentInfo, SecretKey};
use peerdist::hash::HashAlgorithm;
use peerdist_node::content_info::{Effort, Format, create, verify};
use peerdist_node::source::Source;

const LENGTH: u64 = 6 << 20;
const FORMATS: [Format; 2] = [Format::V1(HashAlgorithm::Sha256), Format::V2];

/// Old enough that writing to it gives it another time, however coarse the clock of the file system is.
fn old_file(directory: &Path) -> std::path::PathBuf {
    let path = directory.join("content");
    let file = File::create(&path).unwrap();
    file.set_len(LENGTH).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000))
        .unwrap();
    path
}

fn overwrite(path: &Path) {
    let file = File::options().write(true).open(path).unwrap();
    file.write_all_at(b"other", LENGTH - 5).unwrap();
}

fn grow(path: &Path) {
    let mut file = File::options().append(true).open(path).unwrap();
    file.write_all(b"more").unwrap();
}

fn shrink(path: &Path) {
    let file = File::options().write(true).open(path).unwrap();
    file.set_len(1).unwrap();
}

type Change = fn(&Path);

fn changes() -> [(Change, &'static str); 3] {
    [
        (overwrite, "it was written to"),
        (grow, "it had 6291456 bytes and now has 6291460"),
        (shrink, "it had 6291456 bytes and shrank"),
    ]
}

fn key() -> SecretKey {
    SecretKey::new(*b"k").unwrap()
}

#[test]
fn a_file_that_changes_after_it_was_opened_gives_nothing() {
    let directory = tempfile::tempdir().unwrap();
    for (change, how) in changes() {
        for format in FORMATS {
            for threads in [1, 3] {
                let path = old_file(directory.path());
                let source = Source::open(&path).unwrap();
                change(&path);
                let effort = Effort {
                    threads: NonZeroUsize::new(threads),
                    ..Effort::default()
                };
                let why = create(&source, format, &key(), None, &effort)
                    .unwrap_err()
                    .to_string();
                assert!(why.contains("changed while it was read"), "{why}");
                assert!(why.contains(how), "{why}");
            }
        }
    }
}

#[test]
fn a_file_that_changes_between_two_pieces_gives_nothing() {
    let directory = tempfile::tempdir().unwrap();
    for (change, _) in changes() {
        for threads in [1, 3] {
            let path = old_file(directory.path());
            let source = Source::open(&path).unwrap();
            let once = Once::new();
            let effort = Effort {
                threads: NonZeroUsize::new(threads),
                progress: &|_| once.call_once(|| change(&path)),
            };
            let why = create(&source, Format::V2, &key(), None, &effort)
                .unwrap_err()
                .to_string();
            assert!(once.is_completed());
            assert!(why.contains("changed while it was read"), "{why}");
        }
    }
}

#[test]
fn a_file_that_changes_is_not_verified_either() {
    let directory = tempfile::tempdir().unwrap();
    let path = old_file(directory.path());
    let source = Source::open(&path).unwrap();
    let info = create(&source, Format::V2, &key(), None, &Effort::default()).unwrap();
    let info = info.to_vec();
    let info = ContentInfo::decode(&info).unwrap();
    for (change, how) in changes() {
        let path = old_file(directory.path());
        let source = Source::open(&path).unwrap();
        change(&path);
        let why = verify(&source, &info, &Effort::default())
            .unwrap_err()
            .to_string();
        assert!(why.contains(how), "{why}");
    }
}

#[test]
fn a_file_that_another_replaces_or_that_is_removed_is_read_as_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let made = |source: &Source| {
        create(source, Format::V2, &key(), None, &Effort::default())
            .unwrap()
            .to_vec()
    };
    let expected = made(&Source::open(&old_file(directory.path())).unwrap());
    let path = old_file(directory.path());
    let source = Source::open(&path).unwrap();
    fs::write(directory.path().join("other"), "other").unwrap();
    fs::rename(directory.path().join("other"), &path).unwrap();
    assert!(made(&source) == expected);
    let path = old_file(directory.path());
    let source = Source::open(&path).unwrap();
    fs::remove_file(&path).unwrap();
    assert!(made(&source) == expected);
}

#[test]
fn directories_and_missing_files_are_no_content() {
    let directory = tempfile::tempdir().unwrap();
    let why = |path: &Path| Source::open(path).unwrap_err().to_string();
    assert!(why(directory.path()).ends_with("is a directory; expected a file"));
    let missing = directory.path().join("missing");
    assert!(why(&missing).contains("No such file"), "{}", why(&missing));
}

#[test]
fn a_file_that_the_system_makes_as_it_is_read_is_read_to_its_end() {
    let path = Path::new("/proc/self/maps");
    if !path.exists() {
        eprintln!("NOT RUN: a file that claims to have no bytes; there is no {path:?}");
        return;
    }
    let source = Source::open(path).unwrap();
    assert_eq!(source.length(), None);
    create(&source, Format::V2, &key(), None, &Effort::default()).unwrap();
}

#[test]
fn a_file_that_cannot_be_read_says_where() {
    // Its first page is never mapped, so reading it fails for everybody.
    let path = Path::new("/proc/self/mem");
    if !path.exists() {
        eprintln!("NOT RUN: a file whose reading fails; there is no {path:?}");
        return;
    }
    let source = Source::open(path).unwrap();
    let why = create(&source, Format::V2, &key(), None, &Effort::default())
        .unwrap_err()
        .to_string();
    assert!(
        why.starts_with("cannot read /proc/self/mem at byte 0: "),
        "{why}"
    );
}
