//! Version 2 segments cut by content (MS-PCCRC 2.4 leaves the cut open): `docs/SEGMENTATION.md`.
//! Invariant: an equal content gives equal segments, on every machine and in every release.
//! Byte order: little-endian words.
//!
//! Whether a segment may end at a place depends on the 72 bytes before it alone, so an insertion moves the cuts around it
//! and no others. One thread hands its bytes to a [`Cutter`]; several [`scan`] pieces, and one [`Selector`] takes what they found.
//!
//! ```
//! use peerdist::content::cut::{Cutter, Selector, scan, segments};
//!
//! let content = vec![7; 300_000];
//! let mut streamed = Vec::new();
//! let mut cutter = Cutter::new();
//! for push in content.chunks(1000) {
//!     cutter.push(push, &mut |len| streamed.push(len));
//! }
//! cutter.finish(&mut |len| streamed.push(len));
//!
//! let mut apart = Vec::new();
//! let mut selector = Selector::new();
//! let (left, right) = content.split_at(200_000);
//! for (before, piece) in [(&[][..], left), (left, right)] {
//!     let mut candidates = Vec::new();
//!     scan(before, piece, &mut candidates);
//!     selector.feed(piece.len(), &candidates, &mut |len| apart.push(len));
//! }
//! selector.finish(&mut |len| apart.push(len));
//!
//! assert_eq!(streamed, [131_072, 131_072, 37_856]);
//! assert_eq!(apart, streamed);
//! assert_eq!(segments(&content), streamed);
//! ```

mod cutter;
mod engine;
mod portable;
mod selector;
#[cfg(test)]
mod tests;
#[cfg(target_arch = "x86_64")]
mod x86;

pub use cutter::Cutter;
pub use engine::{ENGINE_VARIABLE, Engine, EngineError};
pub use selector::Selector;

/// No segment but the last is shorter.
pub const MIN_SEGMENT: u32 = 16 * 1024;
/// From this length on a looser condition holds, so that most segments end soon after.
pub const NORMAL_SEGMENT: u32 = 64 * 1024;
/// No segment is longer (MS-PCCRC 2.4.1.2: 128 KiB).
pub const MAX_SEGMENT: u32 = 128 * 1024;

/// Bytes between the two words of eight bytes that a window consists of.
const GAP: usize = 64;
/// Bytes before the last one that a window reaches back.
const REACH: usize = GAP + 8 - 1;
/// Multiplies the first four bytes of each word.
const NEAR: u32 = 0x9E37_79B1;
/// Multiplies the last four bytes of each word.
const FAR: u32 = 0x27D4_EB2F;

/// Hashes from here on are a cut before `NORMAL_SEGMENT`: one in 2^16.
const STRICT: u32 = 0u32.wrapping_sub(1 << 16);
/// Hashes from here on are a cut from `NORMAL_SEGMENT` on: one in 2^15.
const LOOSE: u32 = 0u32.wrapping_sub(1 << 17);
/// Hashes from here on are candidates at all: one in 2^12.
const FALLBACK: u32 = 0u32.wrapping_sub(1 << 20);

/// A place where a segment may end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Bytes of the piece before the place: 1 to the length of the piece.
    pub at: usize,
    /// The hash of the window that ends there: the greater the better.
    pub hash: u32,
}

/// Appends the candidates in `piece`, ascending, to `out`.
///
/// `before` is what comes before the piece in the content: 71 bytes of it are enough (more are ignored), and fewer only at
/// the start of the content. Pieces can be scanned in any order and by any number of threads;
/// [`Selector::feed`] takes them in order.
pub fn scan(before: &[u8], piece: &[u8], out: &mut Vec<Candidate>) {
    scan_with(Engine::current(), before, piece, out);
}

fn scan_with(engine: &Engine, before: &[u8], piece: &[u8], out: &mut Vec<Candidate>) {
    let before = before
        .get(before.len().saturating_sub(REACH)..)
        .unwrap_or_default();
    let head = piece.get(..REACH).unwrap_or(piece);
    if !before.is_empty() {
        portable::scan_rest(&[before, head].concat(), REACH + 1 - before.len(), out);
    }
    engine.scan(piece, REACH + 1, out);
}

/// The lengths of the segments of `content`.
#[must_use]
pub fn segments(content: &[u8]) -> Vec<u32> {
    let mut lengths = Vec::new();
    let mut cutter = Cutter::new();
    cutter.push(content, &mut |len| lengths.push(len));
    cutter.finish(&mut |len| lengths.push(len));
    lengths
}
