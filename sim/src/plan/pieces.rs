//! What a content is made of: pieces of streams of noise. A later version has pieces of the earlier one between its own.
//! Invariant: the same piece of the same stream is the same bytes, in whatever content and wherever in it.
//! Unit: bytes.

use std::sync::OnceLock;

use peerdist::content::cut::Cutter;

use crate::chance::Chance;
use crate::scenario::Edits;

/// Bytes that are made at a time.
const CHUNK_BYTES: u64 = 1 << 20;

/// A part of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) stream: u64,
    pub(super) start: u64,
    pub(super) length: u64,
}

/// The bytes of a content.
#[derive(Debug, Clone)]
pub(super) struct Pieces(Vec<Piece>);

/// The first version of a content, and where its segments of version 2.0 begin.
#[derive(Debug)]
pub(super) struct First {
    pub(super) stream: u64,
    size: u64,
    cut: OnceLock<Vec<u32>>,
}

impl First {
    pub(super) const fn new(stream: u64, size: u64) -> Self {
        Self {
            stream,
            size,
            cut: OnceLock::new(),
        }
    }

    pub(super) fn pieces(&self) -> Pieces {
        Pieces(vec![Piece {
            stream: self.stream,
            start: 0,
            length: self.size,
        }])
    }

    /// The lengths of its segments.
    pub(super) fn cut(&self) -> &[u32] {
        self.cut.get_or_init(|| self.pieces().cut())
    }

    /// Where its segments begin.
    pub(super) fn starts(&self) -> Vec<u64> {
        let mut at = 0;
        let lengths = self.cut().iter();
        lengths
            .map(|length| {
                let start = at;
                at += u64::from(*length);
                start
            })
            .collect()
    }
}

impl Pieces {
    pub(super) fn size(&self) -> u64 {
        self.0.iter().map(|piece| piece.length).sum()
    }

    /// The pieces of a part of it, as few as possible.
    pub(super) fn part(&self, from: u64, length: u64) -> Vec<Piece> {
        let mut part: Vec<Piece> = Vec::new();
        let mut at = 0;
        for piece in &self.0 {
            let (begins, ends) = (at.max(from), (at + piece.length).min(from + length));
            if begins < ends {
                let next = Piece {
                    stream: piece.stream,
                    start: piece.start + (begins - at),
                    length: ends - begins,
                };
                match part.last_mut() {
                    Some(last)
                        if last.stream == next.stream && last.start + last.length == next.start =>
                    {
                        last.length += next.length;
                    }
                    _ => part.push(next),
                }
            }
            at += piece.length;
        }
        part
    }

    /// A later version, whose own bytes come from a stream of its own: one edit in each of so many parts of it.
    pub(super) fn edited(&self, edits: &Edits, stream: u64, chance: &mut Chance) -> Self {
        let size = self.size();
        let places = u64::from(edits.places).min(size.max(1));
        let mut pieces = Vec::new();
        let (mut kept, mut own) = (0, 0);
        for place in 0..places {
            let share = |all: u64| {
                let to = |place: u64| u128::from(all) * u128::from(place) / u128::from(places);
                (to(place), to(place + 1))
            };
            let (from, until) = share(size);
            let (from, until) = (narrow(from), narrow(until));
            let (before, after) = share(edits.changed.of_all(size));
            let changed = narrow(after - before).min(until - from);
            let gone = (changed + edits.removed.0).min(until - from);
            let at = from + chance.below(until - from - gone + 1);
            pieces.extend(self.part(kept, at - kept));
            let new = changed + edits.inserted.0;
            if new > 0 {
                pieces.push(Piece {
                    stream,
                    start: own,
                    length: new,
                });
            }
            own += new;
            kept = at + gone;
        }
        pieces.extend(self.part(kept, size - kept));
        Self(pieces)
    }

    /// All of its bytes, one piece after the other, some at a time.
    pub(super) fn for_each(&self, mut take: impl FnMut(&[u8])) {
        let mut chunk = Vec::new();
        for piece in &self.0 {
            let mut done = 0;
            while done < piece.length {
                let length = (piece.length - done).min(CHUNK_BYTES);
                chunk.resize(usize::try_from(length).unwrap_or(0), 0);
                fill(&mut chunk, piece.stream, piece.start + done);
                take(&chunk);
                done += length;
            }
        }
    }

    /// The lengths of its segments of version 2.0.
    pub(super) fn cut(&self) -> Vec<u32> {
        let mut lengths = Vec::new();
        let mut cutter = Cutter::new();
        self.for_each(|bytes| cutter.push(bytes, &mut |length| lengths.push(length)));
        cutter.finish(&mut |length| lengths.push(length));
        lengths
    }
}

fn narrow(number: u128) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// The bytes of a stream from one of them on.
fn fill(bytes: &mut [u8], stream: u64, start: u64) {
    let skipped = usize::try_from(start % 8).unwrap_or(0);
    if skipped == 0 {
        return noise(bytes, stream, start / 8);
    }
    let mut word = [0; 8];
    noise(&mut word, stream, start / 8);
    let first = (8 - skipped).min(bytes.len());
    let (head, rest) = bytes.split_at_mut(first);
    head.copy_from_slice(word.get(skipped..skipped + first).unwrap_or_default());
    noise(rest, stream, start / 8 + 1);
}

/// The bytes of a stream from a word of it on: SplitMix64 (Steele, Lea and Flood, OOPSLA 2014) over a counter.
fn noise(bytes: &mut [u8], stream: u64, words: u64) {
    const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
    let stream = stream.wrapping_mul(0xd134_2543_de82_ef95);
    for (word, at) in bytes.chunks_mut(8).zip(words..) {
        let mut mixed = stream.wrapping_add(at.wrapping_add(1).wrapping_mul(GOLDEN));
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        let bytes = mixed.to_le_bytes();
        word.copy_from_slice(bytes.get(..word.len()).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::units::{Bytes, Part};

    fn bytes(pieces: &Pieces) -> Vec<u8> {
        let mut all = Vec::new();
        pieces.for_each(|bytes| all.extend_from_slice(bytes));
        all
    }

    #[test]
    fn a_stream_is_the_same_from_wherever_it_is_read() {
        let mut whole = vec![0; 100];
        fill(&mut whole, 5, 0);
        for start in 0..40 {
            let mut part = vec![0; 33];
            fill(&mut part, 5, start as u64);
            assert_eq!(part, whole[start..start + 33]);
        }
    }

    #[test]
    fn an_edit_changes_what_it_says_and_nothing_else() {
        let first = First::new(3, 1_000_000).pieces();
        let before = bytes(&first);
        let edits = Edits {
            places: 10,
            changed: Part(20_000),
            ..Edits::default()
        };
        let changed = first.edited(&edits, 9, &mut Chance::new(1, "edits", &[]));
        let after = bytes(&changed);
        assert_eq!(after.len(), before.len());
        let others = before
            .iter()
            .zip(&after)
            .filter(|(one, other)| one != other);
        // Two of a hundred, and of those one in 256 is as before by chance.
        let others = others.count();
        assert!((19_800..=20_000).contains(&others), "{others}");

        let edits = Edits {
            places: 3,
            inserted: Bytes(7),
            removed: Bytes(2),
            ..Edits::default()
        };
        let moved = first.edited(&edits, 9, &mut Chance::new(1, "edits", &[]));
        let after = bytes(&moved);
        assert_eq!(after.len(), before.len() + 3 * 5);
        assert_eq!(after.last(), before.last());
        let again = first.edited(&edits, 9, &mut Chance::new(1, "edits", &[]));
        assert_eq!(after, bytes(&again));
    }

    #[test]
    fn parts_are_as_few_pieces_as_possible() {
        let first = First::new(3, 1_000).pieces();
        let edits = Edits {
            inserted: Bytes(10),
            ..Edits::default()
        };
        let edited = first.edited(&edits, 9, &mut Chance::new(1, "edits", &[]));
        assert_eq!(edited.size(), 1_010);
        assert_eq!(edited.part(0, 1_010).len(), 3);
        let whole = Piece {
            stream: 3,
            start: 10,
            length: 100,
        };
        assert_eq!(first.part(10, 100), [whole]);
    }
}
