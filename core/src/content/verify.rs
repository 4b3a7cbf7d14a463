//! MS-PCCRC 2.2 and 4.1: content held against its content information.
//! Invariant: a block counts as good only when its bytes hash to what is listed for it.
//! Byte order: none.

use core::iter::Peekable;

use super::{Block, Blocks, ContentInfo};
use crate::hash::{HashAlgorithm, digest_many};

/// Bytes of content that a [`Verifier`] gathers before it hashes them in one go.
const BATCH_BYTES: u64 = 4 << 20;

/// Whether `data` is the block that content information describes.
#[must_use]
pub fn block_is_good(hash: HashAlgorithm, block: &Block<'_>, data: &[u8]) -> bool {
    let mut good = false;
    good_blocks(hash, &[(*block, data)], |_, is_good| good = is_good);
    good
}

/// Tells of each pair of block and data whether they agree. Many at once hash several times faster than one by one.
pub fn good_blocks<'a>(
    hash: HashAlgorithm,
    blocks: &[(Block<'a>, &[u8])],
    mut tell: impl FnMut(&Block<'a>, bool),
) {
    let data: Vec<&[u8]> = blocks.iter().map(|(_, data)| *data).collect();
    let mut digests = vec![0; data.len() * hash.digest_len()];
    digest_many(hash, &data, &mut digests);
    //= PCCRC-2.2-13
    //= PCCRC-4.1.2-01
    //= PCCRC-4.1.3-01
    for ((block, data), digest) in blocks.iter().zip(digests.chunks_exact(hash.digest_len())) {
        tell(
            block,
            data.len() as u64 == u64::from(block.length) && digest == block.hash,
        );
    }
}

/// The segments whose listed block hashes do not hash to their HoD, by index.
pub fn segments_at_odds(info: &ContentInfo<'_>) -> impl Iterator<Item = u64> {
    info.segments()
        .filter(|segment| segment.hashes_agree() == Some(false))
        .map(|s| s.index)
}

/// What verification found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Findings<'a> {
    /// Blocks whose hash is listed, whole or cut short.
    pub blocks: u64,
    /// Those that do not agree, in order. A block that the content ends before or within is one of them.
    pub differing: Vec<Block<'a>>,
    /// Segments whose listed block hashes do not hash to their HoD: the content information contradicts itself.
    pub segments_at_odds: Vec<u64>,
    /// The content's bytes.
    pub content_length: u64,
    /// The bytes it must at least have, or exactly, where [`Findings::length_is_exact`].
    pub described_length: u64,
    /// Whether the content information tells where the content ends.
    pub length_is_exact: bool,
}

impl Findings<'_> {
    /// Findings for content of which nothing was looked at yet.
    #[must_use]
    pub fn new(info: &ContentInfo<'_>) -> Self {
        Self {
            blocks: 0,
            differing: Vec::new(),
            segments_at_odds: segments_at_odds(info).collect(),
            content_length: 0,
            described_length: info
                .content_length()
                .unwrap_or_else(|| info.blocks().last().map_or(0, |block| block.end())),
            length_is_exact: info.content_length().is_some(),
        }
    }

    /// Whether the content is too short, or too long where that can be told.
    #[must_use]
    pub const fn length_is_wrong(&self) -> bool {
        self.content_length < self.described_length
            || (self.length_is_exact && self.content_length != self.described_length)
    }

    /// Whether everything agrees.
    #[must_use]
    pub const fn is_good(&self) -> bool {
        self.differing.is_empty() && self.segments_at_odds.is_empty() && !self.length_is_wrong()
    }
}

/// Holds content that arrives in order, in pieces of any size, against its content information.
#[derive(Debug)]
pub struct Verifier<'a> {
    hash: HashAlgorithm,
    blocks: Peekable<Blocks<'a>>,
    findings: Findings<'a>,
    /// The offset in the content at which `pending` starts.
    pending_at: u64,
    pending: Vec<u8>,
}

impl<'a> Verifier<'a> {
    /// Begins at the content's first byte, whatever the range.
    #[must_use]
    pub fn new(info: &ContentInfo<'a>) -> Self {
        Self {
            hash: info.hash(),
            blocks: info.blocks().peekable(),
            findings: Findings {
                differing: Vec::new(),
                ..Findings::new(info)
            },
            pending_at: 0,
            pending: Vec::new(),
        }
    }

    /// Takes the next piece of the content.
    pub fn update(&mut self, data: &[u8]) {
        for piece in data.chunks(1 << 20) {
            self.findings.content_length += piece.len() as u64;
            self.pending.extend_from_slice(piece);
            if self.pending.len() as u64 >= BATCH_BYTES {
                self.check_pending();
            }
        }
    }

    fn check_pending(&mut self) {
        let end = self.pending_at + self.pending.len() as u64;
        let mut batch = Vec::new();
        while let Some(block) = self.blocks.next_if(|block| block.end() <= end) {
            let data = within(&self.pending, self.pending_at, &block);
            batch.push((block, data));
        }
        let findings = &mut self.findings;
        good_blocks(self.hash, &batch, |block, is_good| {
            findings.count(*block, is_good);
        });
        drop(batch);
        let keep_from = self
            .blocks
            .peek()
            .map_or(end, |block| block.offset.clamp(self.pending_at, end));
        let done = usize::try_from(keep_from - self.pending_at).unwrap_or(usize::MAX);
        self.pending.drain(..done.min(self.pending.len()));
        self.pending_at = keep_from;
    }

    /// What was found. Blocks that the content ended before are among the differing ones.
    #[must_use]
    pub fn finish(mut self) -> Findings<'a> {
        self.check_pending();
        for block in self.blocks {
            self.findings.count(block, false);
        }
        self.findings
    }
}

impl<'a> Findings<'a> {
    /// Counts one block.
    pub fn count(&mut self, block: Block<'a>, is_good: bool) {
        self.blocks += 1;
        if !is_good {
            self.differing.push(block);
        }
    }
}

/// The bytes of `block` in a buffer that starts at offset `at` of the content; empty where they are not all there.
#[must_use]
pub fn within<'b>(buffer: &'b [u8], at: u64, block: &Block<'_>) -> &'b [u8] {
    let place = |offset: u64| usize::try_from(offset.checked_sub(at)?).ok();
    place(block.offset)
        .zip(place(block.end()))
        .and_then(|(start, end)| buffer.get(start..end))
        .unwrap_or_default()
}
