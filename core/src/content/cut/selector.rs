//! Which candidates become cuts: `docs/SEGMENTATION.md` section 3.
//! Invariant: every segment but the last has `MIN_SEGMENT` to `MAX_SEGMENT` bytes, and together they are the content.
//! Byte order: none.

use std::collections::VecDeque;

use super::{Candidate, LOOSE, MAX_SEGMENT, MIN_SEGMENT, NORMAL_SEGMENT, STRICT};

/// The serial half of cutting: takes the candidates of consecutive pieces, gives the lengths of segments.
///
/// It looks at candidates only, one in some thousand bytes, so one selector keeps up with many scanning threads.
#[derive(Clone, Debug, Default)]
pub struct Selector {
    /// Where the open segment starts.
    start: u64,
    /// How much was fed.
    fed: u64,
    /// Candidates that may serve when no good one comes: ascending in place, strictly descending in hash, so that the
    /// front is the best one and later ones replace it when the segment's start moves past it.
    spare: VecDeque<(u64, u32)>,
}

impl Selector {
    /// A selector at the start of a content.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next `len` bytes of content and the candidates found in them, in ascending order, `at` counted from the
    /// start of these bytes. Calls `emit` with the length of each segment that is now certain.
    pub fn feed(&mut self, len: usize, candidates: &[Candidate], emit: &mut dyn FnMut(u32)) {
        let piece = self.fed;
        self.fed += len as u64;
        for candidate in candidates {
            let at = piece + candidate.at as u64;
            self.settle(at.saturating_sub(1), emit);
            self.consider(at, candidate.hash, emit);
        }
        self.settle(self.fed, emit);
    }

    /// How many of the next bytes cannot hold a cut: they may be fed without their candidates.
    #[must_use]
    pub fn idle(&self) -> usize {
        let first = self.start + u64::from(MIN_SEGMENT) - 1;
        usize::try_from(first.saturating_sub(self.fed)).unwrap_or(usize::MAX)
    }

    /// Ends the content: what is left is the last segment. The selector is then new again.
    pub fn finish(&mut self, emit: &mut dyn FnMut(u32)) {
        self.cut(self.fed, emit);
        *self = Self::new();
    }

    /// Cuts what has grown to the longest segment, given that all candidates up to `seen` were considered.
    fn settle(&mut self, seen: u64, emit: &mut dyn FnMut(u32)) {
        while seen.saturating_sub(self.start) >= u64::from(MAX_SEGMENT) {
            let forced = self.start + u64::from(MAX_SEGMENT);
            let at = self.spare.front().map_or(forced, |&(at, _)| at);
            self.cut(at, emit);
            // What is left in `spare` needs no second look: none was good enough at a greater length.
            let first = self.start + u64::from(MIN_SEGMENT);
            while self.spare.pop_front_if(|(at, _)| *at < first).is_some() {}
        }
    }

    fn consider(&mut self, at: u64, hash: u32, emit: &mut dyn FnMut(u32)) {
        let len = at.saturating_sub(self.start);
        if len < u64::from(MIN_SEGMENT) {
            return;
        }
        let wanted = if len < u64::from(NORMAL_SEGMENT) {
            STRICT
        } else {
            LOOSE
        };
        if hash >= wanted {
            self.spare.clear();
            self.cut(at, emit);
        } else {
            while self
                .spare
                .pop_back_if(|(_, other)| *other <= hash)
                .is_some()
            {}
            self.spare.push_back((at, hash));
        }
    }

    fn cut(&mut self, at: u64, emit: &mut dyn FnMut(u32)) {
        if let Ok(len @ 1..) = u32::try_from(at - self.start) {
            emit(len);
        }
        self.start = at;
    }
}
