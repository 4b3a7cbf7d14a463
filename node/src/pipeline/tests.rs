//! The pipeline with steps that only note what they saw, on content made to be awkward.

use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicUsize;
use std::sync::mpsc;
use std::time::Duration;

use super::*;
use crate::source::{HEADROOM_BYTES, PIECE_BYTES};

const P: usize = PIECE_BYTES;
const H: usize = HEADROOM_BYTES;
/// Far longer than any of these tests takes: a test that hangs fails instead.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug)]
struct Stopped(String);

impl From<SourceError> for Stopped {
    fn from(error: SourceError) -> Self {
        Self(error.to_string())
    }
}

/// What a step does beside noting.
#[derive(Clone, Copy, PartialEq)]
enum Mischief {
    None,
    PanicInScan(u64),
    PanicInHash(u64),
    PanicInTake(u64),
    FailInCollect(u64),
    /// The first pieces take longest, so later ones overtake them.
    Dawdle,
}

struct Note(Mischief);

struct Noted {
    index: u64,
    start: u64,
    before: Vec<u8>,
    bytes: Vec<u8>,
    is_last: bool,
}

impl Steps for Note {
    type Scan = usize;
    type Parts = u64;
    type Hashed = Noted;

    fn scan(&self, piece: &Piece) -> usize {
        assert!(self.0 != Mischief::PanicInScan(piece.index), "on purpose");
        piece.bytes().len()
    }

    fn hash(&self, piece: &Piece, taken: u64) -> Noted {
        assert!(self.0 != Mischief::PanicInHash(piece.index), "on purpose");
        assert_eq!(taken, piece.index);
        if self.0 == Mischief::Dawdle && piece.index.is_multiple_of(2) {
            std::thread::sleep(Duration::from_millis(20));
        }
        let (at, all) = piece.with_headroom();
        assert_eq!(at + all.len() as u64, piece.end());
        Noted {
            index: piece.index,
            start: piece.start,
            before: piece.before().to_vec(),
            bytes: piece.bytes().to_vec(),
            is_last: piece.is_last,
        }
    }
}

struct InOrder {
    mischief: Mischief,
    taken: u64,
    noted: Vec<Noted>,
}

impl Ordered<Note> for InOrder {
    type Error = Stopped;

    fn take(&mut self, piece: &Piece, scan: usize) -> u64 {
        assert!(
            self.mischief != Mischief::PanicInTake(piece.index),
            "on purpose"
        );
        assert_eq!(scan, piece.bytes().len());
        assert_eq!(self.taken, piece.index, "taken out of order");
        self.taken += 1;
        piece.index
    }

    fn collect(&mut self, noted: Noted) -> Result<(), Stopped> {
        assert_eq!(
            self.noted.len() as u64,
            noted.index,
            "collected out of order"
        );
        if self.mischief == Mischief::FailInCollect(noted.index) {
            return Err(Stopped(format!("piece {}", noted.index)));
        }
        self.noted.push(noted);
        Ok(())
    }
}

fn content(length: usize) -> Vec<u8> {
    let words = (1..=length.div_ceil(8) as u64).map(|at| at.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mut bytes: Vec<u8> = words.flat_map(u64::to_le_bytes).collect();
    bytes.truncate(length);
    bytes
}

fn sparse(length: usize) -> Source {
    let file = tempfile::NamedTempFile::new().unwrap();
    file.as_file().set_len(length as u64).unwrap();
    Source::open(file.path()).unwrap()
}

/// A reader that gives few bytes at a time.
struct Drops {
    bytes: io::Cursor<Vec<u8>>,
    at_once: usize,
}

impl Read for Drops {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(self.at_once);
        self.bytes.read(&mut buffer[..most])
    }
}

fn stream(bytes: &[u8], at_once: usize) -> Source {
    let bytes = io::Cursor::new(bytes.to_vec());
    Source::stream("test", Drops { bytes, at_once })
}

fn file(bytes: &[u8]) -> Source {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    io::Write::write_all(&mut file, bytes).unwrap();
    Source::open(file.path()).unwrap()
}

fn go(
    source: &Source,
    span: Span,
    threads: usize,
    mischief: Mischief,
) -> Result<Vec<Noted>, Stopped> {
    let progressed = AtomicU64::new(0);
    let progress = |bytes| {
        progressed.fetch_add(bytes, Ordering::Relaxed);
    };
    let pace = Pace {
        threads: NonZeroUsize::new(threads),
        progress: &progress,
    };
    let in_order = InOrder {
        mischief,
        taken: 0,
        noted: Vec::new(),
    };
    let noted = run(source, span, &pace, &Note(mischief), in_order)?.noted;
    let total: usize = noted.iter().map(|noted| noted.bytes.len()).sum();
    assert_eq!(progressed.into_inner(), total as u64);
    Ok(noted)
}

/// Whether the pieces are those of `bytes`, which starts at `from` in the content.
fn assert_pieces(noted: &[Noted], bytes: &[u8], from: u64, what: &str) {
    let mut at = 0;
    for piece in noted {
        assert_eq!(piece.start, from + at as u64, "{what}");
        let end = at + piece.bytes.len();
        assert!(piece.bytes == bytes[at..end], "{what}: other bytes");
        let before = &bytes[at - at.min(H)..at];
        assert!(piece.before == before, "{what}: other bytes before");
        at = end;
    }
    assert_eq!(at, bytes.len(), "{what}");
    let (last, earlier) = noted.split_last().expect("at least one piece");
    assert!(last.is_last, "{what}: nobody is told of the end");
    assert!(earlier.iter().all(|piece| !piece.is_last), "{what}");
}

/// Runs `test` on its own thread and fails if it does not end.
fn must_end<T: Send + 'static>(what: &str, test: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, ended) = mpsc::channel();
    std::thread::spawn(move || done.send(test()));
    ended
        .recv_timeout(PATIENCE)
        .unwrap_or_else(|error| panic!("{what}: {error}"))
}

const WHOLE: Span = Span {
    from: 0,
    until: None,
};

#[test]
fn every_byte_comes_once_and_in_order_around_every_boundary() {
    let lengths = [
        0,
        1,
        H - 1,
        H,
        H + 1,
        P - 1,
        P,
        P + 1,
        P + H,
        2 * P - 1,
        2 * P,
        2 * P + 1,
        5 * P + 7,
    ];
    let all = content(5 * P + 7);
    for length in lengths {
        let bytes = all[..length].to_vec();
        for threads in 1..=4 {
            let bytes = bytes.clone();
            must_end(&format!("{length} bytes, {threads} threads"), move || {
                let what = format!("{length} bytes, {threads} threads");
                for source in [file(&bytes), stream(&bytes, 1 << 20)] {
                    let noted = go(&source, WHOLE, threads, Mischief::None).unwrap();
                    assert_pieces(&noted, &bytes, 0, &what);
                }
            });
        }
    }
}

#[test]
fn a_span_is_read_alone_wherever_it_starts_and_ends() {
    let length = 3 * P;
    let bytes = content(length);
    let places = [0, 1, P - 1, P, P + 1, length - 1, length];
    for from in places {
        for until in places.into_iter().filter(|until| *until >= from) {
            for threads in [1, 3] {
                let bytes = bytes.clone();
                must_end(&format!("{from}..{until}, {threads} threads"), move || {
                    let what = format!("{from}..{until}, {threads} threads");
                    let span = Span {
                        from: from as u64,
                        until: Some(until as u64),
                    };
                    for source in [file(&bytes), stream(&bytes, usize::MAX)] {
                        let noted = go(&source, span, threads, Mischief::None).unwrap();
                        assert_pieces(&noted, &bytes[from..until], span.from, &what);
                    }
                });
            }
        }
    }
}

#[test]
fn a_span_past_the_end_has_one_piece_without_bytes() {
    for length in [0, 1, P, P + 1] {
        for threads in 1..=4 {
            must_end(&format!("{length} bytes"), move || {
                let span = Span {
                    from: 9 * P as u64,
                    until: Some(10 * P as u64),
                };
                for source in [file(&content(length)), stream(&content(length), P)] {
                    let noted = go(&source, span, threads, Mischief::None).unwrap();
                    assert_eq!(noted.len(), 1);
                    assert!(noted[0].bytes.is_empty() && noted[0].is_last);
                    assert_eq!(source.length_so_far(), length as u64);
                }
            });
        }
    }
}

#[test]
fn a_reader_that_gives_a_byte_at_a_time_is_read_whole() {
    let bytes = content(P + 3);
    let noted = go(&stream(&bytes, 1), WHOLE, 2, Mischief::None).unwrap();
    assert_pieces(&noted, &bytes, 0, "a byte at a time");
}

#[test]
fn pieces_that_overtake_slow_ones_wait_for_them() {
    let bytes = content(7 * P);
    let noted = go(&file(&bytes), WHOLE, 4, Mischief::Dawdle).unwrap();
    assert_pieces(&noted, &bytes, 0, "slow even pieces");
}

#[test]
fn a_reader_that_is_interrupted_is_read_on() {
    struct Interrupted(bool, io::Cursor<Vec<u8>>);
    impl Read for Interrupted {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0 = !self.0;
            if self.0 {
                Err(io::ErrorKind::Interrupted.into())
            } else {
                self.1.read(buffer)
            }
        }
    }
    let bytes = content(P + 1);
    let source = Source::stream("test", Interrupted(false, io::Cursor::new(bytes.clone())));
    let noted = go(&source, WHOLE, 3, Mischief::None).unwrap();
    assert_pieces(&noted, &bytes, 0, "interrupted");
}

#[test]
fn a_reader_that_waits_between_pieces_is_waited_for() {
    struct Slow(io::Cursor<Vec<u8>>);
    impl Read for Slow {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.0.position().is_multiple_of(P as u64) {
                std::thread::sleep(Duration::from_millis(30));
            }
            self.0.read(buffer)
        }
    }
    let bytes = content(4 * P);
    let expected = bytes.clone();
    let noted = must_end("a slow reader", move || {
        go(
            &Source::stream("test", Slow(io::Cursor::new(bytes))),
            WHOLE,
            4,
            Mischief::None,
        )
        .unwrap()
    });
    assert_pieces(&noted, &expected, 0, "a slow reader");
}

#[test]
fn a_reader_that_fails_stops_all_and_says_where() {
    struct Failing(usize);
    impl Read for Failing {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.0 == 0 {
                return Err(io::Error::other("no more of this"));
            }
            let count = buffer.len().min(self.0);
            buffer[..count].fill(7);
            self.0 -= count;
            Ok(count)
        }
    }
    for good in [0, 1, P, 2 * P + 5] {
        for threads in 1..=4 {
            let error = must_end("a failing reader", move || {
                go(
                    &Source::stream("it", Failing(good)),
                    WHOLE,
                    threads,
                    Mischief::None,
                )
                .err()
            });
            let Stopped(why) = error.expect("an error");
            assert_eq!(
                why,
                format!("cannot read it at byte {good}: no more of this")
            );
        }
    }
}

#[test]
fn an_error_in_one_thread_stops_all_and_is_the_one_that_is_told() {
    for threads in 1..=4 {
        for piece in [0, 1, 4, 6] {
            let error = must_end("an error in collecting", move || {
                let source = sparse(7 * P);
                go(&source, WHOLE, threads, Mischief::FailInCollect(piece)).err()
            });
            assert_eq!(error.expect("an error").0, format!("piece {piece}"));
        }
    }
}

#[test]
fn a_panic_in_one_thread_ends_all_and_is_passed_on() {
    let each: [fn(u64) -> Mischief; 3] = [
        Mischief::PanicInScan,
        Mischief::PanicInHash,
        Mischief::PanicInTake,
    ];
    for threads in 1..=4 {
        for mischief in each {
            for piece in [0, 2, 5] {
                let panicked = must_end("a panic", move || {
                    let source = sparse(6 * P);
                    let run = || go(&source, WHOLE, threads, mischief(piece)).is_ok();
                    catch_unwind(AssertUnwindSafe(run)).is_err()
                });
                assert!(panicked, "{threads} threads, piece {piece}");
            }
        }
    }
}

#[test]
fn a_file_is_not_read_further_than_the_piece_that_failed() {
    let pieces = 2_000;
    let scanned = AtomicUsize::new(0);
    struct Count<'a>(&'a AtomicUsize);
    impl Steps for Count<'_> {
        type Scan = ();
        type Parts = ();
        type Hashed = ();
        fn scan(&self, _: &Piece) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
        fn hash(&self, _: &Piece, (): ()) {}
    }
    struct Fail;
    impl Ordered<Count<'_>> for Fail {
        type Error = Stopped;
        fn take(&mut self, _: &Piece, (): ()) {}
        fn collect(&mut self, (): ()) -> Result<(), Stopped> {
            Err(Stopped("at once".to_owned()))
        }
    }
    let pace = Pace {
        threads: NonZeroUsize::new(4),
        progress: &|_| {},
    };
    let source = sparse(pieces * P);
    assert!(run(&source, WHOLE, &pace, &Count(&scanned), Fail).is_err());
    // Each thread has one in hand, and takes more for as long as the first is kept from saying so.
    let scanned = scanned.into_inner();
    assert!(scanned < pieces / 4, "{scanned} of {pieces} pieces");
}

#[test]
fn more_threads_than_anybody_has_are_not_started() {
    let source = stream(&[], 1);
    let asked = NonZeroUsize::new(usize::MAX);
    assert_eq!(threads_for(&source, WHOLE, asked), THREADS_MAX as u64);
    let file = file(&content(P + 1));
    assert_eq!(threads_for(&file, WHOLE, asked), 2);
}
