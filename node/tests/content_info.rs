//! Content information of files and streams, held against core's one-thread way of making it.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails where it stands"
)]

use std::io::{self, Read, Write};
use std::num::NonZeroUsize;
use std::sync::LazyLock;

use peerdist::content::create::Creator;
use peerdist::content::{ContentInfo, ContentRange, SecretKey};
use peerdist::hash::HashAlgorithm;
use peerdist_node::content_info::{Effort, Error, Format, Wanted, create, verify};
use peerdist_node::source::Source;

const PIECE: usize = 2 << 20;
const HEADROOM: usize = 128 << 10;
const BLOCK: usize = 64 << 10;
const SEGMENT: usize = 32 << 20;

const FORMATS: [Format; 4] = [
    Format::V1(HashAlgorithm::Sha256),
    Format::V1(HashAlgorithm::Sha384),
    Format::V1(HashAlgorithm::Sha512),
    Format::V2,
];

/// Bytes with as many cuts as random ones have.
static BYTES: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let words = (1..=(SEGMENT as u64 + 2 * PIECE as u64) / 8).map(|at| {
        let at = at.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (at ^ at >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9)
    });
    words.flat_map(u64::to_be_bytes).collect()
});

fn key() -> SecretKey {
    SecretKey::new(*b"a key for tests").unwrap()
}

fn file(bytes: &[u8]) -> Source {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    Source::open(file.path()).unwrap()
}

fn stream(bytes: &'static [u8]) -> Source {
    Source::stream("test", bytes)
}

fn effort(threads: usize) -> Effort<'static> {
    Effort {
        threads: NonZeroUsize::new(threads),
        ..Effort::default()
    }
}

fn by_core(format: Format, bytes: &[u8]) -> Vec<u8> {
    let mut creator = match format {
        Format::V1(hash) => Creator::v1(hash, &key()).unwrap(),
        Format::V2 => Creator::v2(&key()),
    };
    creator.update(bytes).unwrap();
    creator.finish().unwrap().to_vec()
}

fn made(source: &Source, format: Format, wanted: Option<Wanted>, threads: usize) -> Vec<u8> {
    create(source, format, &key(), wanted, &effort(threads))
        .unwrap()
        .to_vec()
}

#[test]
fn files_and_streams_on_any_number_of_threads_agree_with_core() {
    let lengths = [
        1,
        BLOCK - 1,
        BLOCK,
        BLOCK + 1,
        PIECE - 1,
        PIECE,
        PIECE + 1,
        PIECE + HEADROOM - 1,
        PIECE + HEADROOM + 1,
        2 * PIECE,
        3 * PIECE + 777,
    ];
    for format in FORMATS {
        for length in lengths {
            let bytes = &BYTES[..length];
            let expected = by_core(format, bytes);
            for threads in 1..=4 {
                for source in [file(bytes), stream(bytes)] {
                    let info = made(&source, format, None, threads);
                    assert!(
                        info == expected,
                        "{format:?}, {length} bytes, {threads} threads, {source:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn content_without_any_cut_and_content_with_nothing_else_agree_with_core() {
    static ZEROS: [u8; 5 << 20] = [0; 5 << 20];
    let expected = by_core(Format::V2, &ZEROS);
    for threads in 1..=4 {
        assert!(made(&file(&ZEROS), Format::V2, None, threads) == expected);
        assert!(made(&stream(&ZEROS), Format::V2, None, threads) == expected);
    }
}

#[test]
fn ranges_are_what_core_restricts_the_whole_to() {
    let bytes = &BYTES[..];
    let length = bytes.len() as u64;
    let segment = SEGMENT as u64;
    let ranges = [
        (0, 1),
        (0, segment),
        (1, segment + 1),
        (segment - 1, segment),
        (segment - 1, segment + 1),
        (segment, length),
        (segment + 1, length - 1),
        (0, length),
    ];
    let mut on_disk = tempfile::NamedTempFile::new().unwrap();
    on_disk.write_all(bytes).unwrap();
    for format in [Format::V1(HashAlgorithm::Sha256), Format::V2] {
        let whole = by_core(format, bytes);
        let whole = ContentInfo::decode(&whole).unwrap();
        for (start, end) in ranges {
            let range = ContentRange {
                start,
                length: end - start,
            };
            let expected = whole.restrict(range).unwrap();
            let end = Some(end);
            for source in [Source::open(on_disk.path()).unwrap(), stream(bytes)] {
                let info = made(&source, format, Some(Wanted { start, end }), 2);
                assert!(info == expected, "{format:?}, {range:?}, {source:?}");
            }
        }
    }
}

#[test]
fn a_range_outside_the_content_is_refused_with_the_contents_length() {
    for format in [Format::V1(HashAlgorithm::Sha384), Format::V2] {
        for (start, end) in [
            (0, Some(1001)),
            (1000, None),
            (1000, Some(1001)),
            (64 << 20, None),
            (1 << 62, Some(1 << 63)),
        ] {
            let wanted = Wanted { start, end };
            for source in [file(&BYTES[..1000]), stream(&BYTES[..1000])] {
                let error = create(&source, format, &key(), Some(wanted), &effort(2)).unwrap_err();
                let is_outside = matches!(error, Error::Outside { length: 1000, .. });
                assert!(is_outside, "{format:?} {wanted:?} {source:?}: {error:?}");
            }
        }
        for (start, end) in [(5, 5), (5, 4), (2000, 2000)] {
            let end = Some(end);
            let wanted = Some(Wanted { start, end });
            let error = create(&file(&BYTES[..1000]), format, &key(), wanted, &effort(2));
            assert!(matches!(error.unwrap_err(), Error::Range(_)));
        }
    }
}

#[test]
fn content_without_bytes_is_refused_and_does_not_hang() {
    for format in FORMATS {
        for threads in 1..=4 {
            for wanted in [
                None,
                Some(Wanted {
                    start: 0,
                    end: None,
                }),
            ] {
                for source in [file(&[]), stream(&[])] {
                    let effort = effort(threads);
                    let error = create(&source, format, &key(), wanted, &effort).unwrap_err();
                    assert!(matches!(error, Error::Create(_)), "{error:?}");
                }
            }
        }
    }
}

#[test]
fn verification_names_the_blocks_that_differ_and_no_others() {
    let length = 2 * PIECE + 5;
    let good = &BYTES[..length];
    for format in [Format::V1(HashAlgorithm::Sha512), Format::V2] {
        let info = by_core(format, good);
        let info = ContentInfo::decode(&info).unwrap();
        for threads in 1..=4 {
            for source in [file(good), stream(good)] {
                let findings = verify(&source, &info, &effort(threads)).unwrap();
                assert!(findings.is_good(), "{findings:?}");
                assert_eq!(findings.content_length, length as u64);
                assert_eq!(findings.blocks, info.blocks().count() as u64);
            }
        }
        for at in [0, BLOCK, PIECE - 1, PIECE, 2 * PIECE - HEADROOM, length - 1] {
            let mut bad = good.to_vec();
            bad[at] ^= 1;
            let bad: &'static [u8] = bad.leak();
            for source in [file(bad), stream(bad)] {
                let findings = verify(&source, &info, &effort(3)).unwrap();
                let [block] = findings.differing.as_slice() else {
                    panic!("byte {at}: {:?}", findings.differing);
                };
                assert!((block.offset..block.end()).contains(&(at as u64)));
                assert!(!findings.is_good() && !findings.length_is_wrong());
            }
        }
    }
}

#[test]
fn verification_of_content_that_is_too_short_or_too_long_tells_by_how_much() {
    let length = PIECE + 3 * BLOCK;
    for format in [Format::V1(HashAlgorithm::Sha256), Format::V2] {
        let info = by_core(format, &BYTES[..length]);
        let info = ContentInfo::decode(&info).unwrap();
        for has in [
            0,
            1,
            BLOCK,
            PIECE,
            length - 1,
            length + 1,
            length + 2 * PIECE,
        ] {
            for source in [file(&BYTES[..has]), stream(&BYTES[..has])] {
                let findings = verify(&source, &info, &effort(2)).unwrap();
                assert!(findings.length_is_wrong() && !findings.is_good());
                assert_eq!(findings.content_length, has as u64);
                assert_eq!(findings.described_length, length as u64);
                let expected = info.blocks().filter(|block| block.end() > has as u64);
                assert_eq!(findings.differing.len(), expected.count(), "{has} bytes");
            }
        }
    }
}

#[test]
fn verification_of_a_part_looks_at_that_part_alone() {
    let bytes = &BYTES[..];
    for format in [Format::V1(HashAlgorithm::Sha256), Format::V2] {
        let range = Wanted {
            start: SEGMENT as u64 + 70_000,
            end: Some(SEGMENT as u64 + 300_000),
        };
        let info = made(&file(bytes), format, Some(range), 2);
        let info = ContentInfo::decode(&info).unwrap();
        let mut elsewhere = bytes.to_vec();
        elsewhere[..SEGMENT - (1 << 20)].fill(0);
        let elsewhere: &'static [u8] = elsewhere.leak();
        for source in [
            file(bytes),
            stream(bytes),
            file(elsewhere),
            stream(elsewhere),
        ] {
            let findings = verify(&source, &info, &effort(2)).unwrap();
            assert!(findings.is_good(), "{findings:?}");
        }
        let mut within = bytes.to_vec();
        within[SEGMENT + 100_000] ^= 0x80;
        let findings_of_file = verify(&file(&within), &info, &effort(2)).unwrap();
        assert_eq!(findings_of_file.differing.len(), 1);
        // Content that ends before the part has none of its blocks.
        for source in [file(&bytes[..1000]), stream(&bytes[..1000])] {
            let findings = verify(&source, &info, &effort(2)).unwrap();
            assert_eq!(findings.differing.len() as u64, findings.blocks);
            assert_eq!(findings.content_length, 1000);
        }
    }
}

#[test]
fn progress_adds_up_to_the_content() {
    let total = std::sync::atomic::AtomicU64::new(0);
    let add = |bytes| {
        total.fetch_add(bytes, std::sync::atomic::Ordering::Relaxed);
    };
    let effort = Effort {
        threads: NonZeroUsize::new(3),
        progress: &add,
    };
    let length = 3 * PIECE + 1;
    create(&file(&BYTES[..length]), Format::V2, &key(), None, &effort).unwrap();
    assert_eq!(total.into_inner(), length as u64);
}

#[test]
fn a_reader_that_fails_leaves_no_content_information() {
    struct Failing(u64);
    impl Read for Failing {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0 += 1;
            if self.0 > 5 {
                return Err(io::Error::from_raw_os_error(5));
            }
            buffer.fill(1);
            Ok(buffer.len())
        }
    }
    for format in FORMATS {
        let source = Source::stream("the tape", Failing(0));
        let error = create(&source, format, &key(), None, &effort(3)).unwrap_err();
        let why = error.to_string();
        assert!(why.starts_with("cannot read the tape at byte "), "{why}");
    }
}
