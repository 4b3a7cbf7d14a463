//! Content information made from content, and content held against it: core's hashing on all cores.
//! Invariant: the outcome does not depend on the number of threads, nor on whether content is a file or a stream.
//! Memory: a few MiB a thread and the content information itself, whatever the content's size.

use std::fmt;
use std::iter::Peekable;
use std::marker::PhantomData;
use std::num::NonZeroUsize;

use peerdist::content::create::{CreateError, EncodedInfo, V1Builder, V2Builder};
use peerdist::content::cut::{self, Candidate, Selector};
use peerdist::content::verify::{self, Findings};
use peerdist::content::{
    BLOCK_BYTES, Block, Blocks, ContentInfo, ContentRange, HashOfData, RangeError, SecretKey,
    V1_SEGMENT_BYTES,
};
use peerdist::hash::{Digest, HashAlgorithm, digest_many};
use thiserror::Error;

pub use crate::pipeline::THREADS_MAX;
use crate::pipeline::{self, Ordered, Pace, Steps};
use crate::source::{Piece, Source, SourceError, Span};

/// Why there is no content information.
#[derive(Debug, Error)]
pub enum Error {
    /// The content could not be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The content cannot be described.
    #[error(transparent)]
    Create(#[from] CreateError),
    /// The range is not in the content.
    #[error(
        "the range {wanted} is not in the content, which has {length} bytes; expected one within 0..{length}"
    )]
    Outside {
        /// The range that was asked for.
        wanted: Wanted,
        /// The content's bytes.
        length: u64,
    },
    /// The range has no bytes.
    #[error(transparent)]
    Range(#[from] RangeError),
}

/// What kind of content information to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Version 1.0 with one of its hash algorithms.
    V1(HashAlgorithm),
    /// Version 2.0, cut by content.
    V2,
}

/// Which bytes of the content are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// Offset of the first.
    pub start: u64,
    /// Offset after the last; `None`: the content's end.
    pub end: Option<u64>,
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..", self.start)?;
        self.end.map_or(Ok(()), |end| write!(f, "{end}"))
    }
}

/// How to work.
#[derive(Clone, Copy)]
pub struct Effort<'a> {
    /// At most [`THREADS_MAX`]; `None`: as many threads as there are cores.
    pub threads: Option<NonZeroUsize>,
    /// Told how many more bytes are done, from any thread.
    pub progress: &'a (dyn Fn(u64) + Sync),
}

impl fmt::Debug for Effort<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Effort")
            .field("threads", &self.threads)
            .finish_non_exhaustive()
    }
}

impl Default for Effort<'_> {
    fn default() -> Self {
        Self {
            threads: None,
            progress: &|_| {},
        }
    }
}

impl<'a> Effort<'a> {
    const fn pace(&self) -> Pace<'a> {
        Pace {
            threads: self.threads,
            progress: self.progress,
        }
    }
}

/// Content information of a source, or of a part of it.
///
/// # Errors
/// [`enum@Error`] where it cannot be read, is empty, changes meanwhile, or does not contain the part.
pub fn create(
    source: &Source,
    format: Format,
    secret_key: &SecretKey,
    wanted: Option<Wanted>,
    effort: &Effort<'_>,
) -> Result<EncodedInfo, Error> {
    if let (Some(wanted), Some(length)) = (wanted, source.length()) {
        range_of(wanted, length)?;
    }
    let made = match format {
        Format::V1(hash) => create_v1(source, hash, secret_key, wanted, effort),
        Format::V2 => create_v2(source, secret_key, effort),
    };
    let Some(wanted) = wanted else {
        return made;
    };
    let info = match made {
        // What was read begins with the range's first segment: there is content, only not that far.
        Err(Error::Create(CreateError::Empty)) if source.length_so_far() > 0 => {
            let length = source.length_so_far();
            return Err(Error::Outside { wanted, length });
        }
        made => made?,
    };
    let bytes = info.to_vec();
    drop(info);
    let whole = ContentInfo::decode(&bytes).map_err(|_| CreateError::Empty)?;
    let range = range_of(wanted, whole.range().end())?;
    Ok(EncodedInfo::from(whole.restrict(range)?))
}

fn range_of(wanted: Wanted, length: u64) -> Result<ContentRange, Error> {
    let Wanted { start, end } = wanted;
    if end.is_some_and(|end| end <= start) {
        return Err(RangeError::Empty.into());
    }
    let end = end.unwrap_or(length);
    if start >= length || end > length {
        return Err(Error::Outside { wanted, length });
    }
    Ok(ContentRange {
        start,
        length: end - start,
    })
}

/// Holds content against content information.
///
/// # Errors
/// [`SourceError`] where the content cannot be read or changes meanwhile.
pub fn verify<'a>(
    source: &Source,
    info: &ContentInfo<'a>,
    effort: &Effort<'_>,
) -> Result<Findings<'a>, SourceError> {
    // A stream tells its length only at its end.
    let until = source.length().map(|_| info.segments_end());
    let span = Span {
        from: info.segments_start(),
        until,
    };
    let steps = CheckBlocks {
        hash: info.hash(),
        of: PhantomData,
    };
    let checking = Checking {
        blocks: info.blocks().peekable(),
        findings: Findings::new(info),
    };
    let Checking {
        blocks,
        mut findings,
    } = pipeline::run(source, span, &effort.pace(), &steps, checking)?;
    if let Some(length) = source.length() {
        findings.content_length = length;
    }
    blocks.for_each(|block| findings.count(block, false));
    Ok(findings)
}

/// The place of a part in the content.
#[derive(Debug, Clone, Copy)]
struct Part {
    offset: u64,
    length: u32,
}

/// Digests of the parts of a piece, in the content's order.
struct Digests {
    parts: Vec<Part>,
    digests: Vec<u8>,
}

fn hash_parts(algorithm: HashAlgorithm, piece: &Piece, parts: Vec<Part>) -> Digests {
    let (at, bytes) = piece.with_headroom();
    // The longest first: then all lanes of the processor end at nearly the same time.
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by_key(|&index| parts.get(index).map(|part| std::cmp::Reverse(part.length)));
    let slices: Vec<&[u8]> = order
        .iter()
        .filter_map(|&index| {
            let part = parts.get(index)?;
            let start = usize::try_from(part.offset - at).ok()?;
            bytes.get(start..start + part.length as usize)
        })
        .collect();
    let size = algorithm.digest_len();
    let mut sorted = vec![0; slices.len() * size];
    digest_many(algorithm, &slices, &mut sorted);
    let mut digests = vec![0; sorted.len()];
    for (&index, digest) in order.iter().zip(sorted.chunks_exact(size)) {
        if let Some(place) = digests.get_mut(index * size..(index + 1) * size) {
            place.copy_from_slice(digest);
        }
    }
    Digests { parts, digests }
}

fn create_v1(
    source: &Source,
    hash: HashAlgorithm,
    secret_key: &SecretKey,
    wanted: Option<Wanted>,
    effort: &Effort<'_>,
) -> Result<EncodedInfo, Error> {
    let segment_bytes = u64::from(V1_SEGMENT_BYTES);
    let first_segment = wanted.map_or(0, |wanted| wanted.start / segment_bytes);
    let until = wanted
        .and_then(|wanted| wanted.end)
        .map(|end| end.div_ceil(segment_bytes).saturating_mul(segment_bytes));
    let span = Span {
        from: first_segment.saturating_mul(segment_bytes),
        until,
    };
    let builder = V1Builder::new(hash, secret_key, first_segment)?;
    let blocks = BlocksOf64K(builder);
    let BlocksOf64K(builder) =
        pipeline::run(source, span, &effort.pace(), &HashBlocks(hash), blocks)?;
    Ok(builder.finish()?)
}

struct HashBlocks(HashAlgorithm);

impl Steps for HashBlocks {
    type Scan = ();
    type Parts = ();
    type Hashed = Digests;

    fn scan(&self, _: &Piece) {}

    fn hash(&self, piece: &Piece, (): ()) -> Digests {
        let block_bytes = BLOCK_BYTES as usize;
        let offsets = (0..).map(|index| piece.start + index * u64::from(BLOCK_BYTES));
        let parts = offsets
            .zip(piece.bytes().chunks(block_bytes))
            .map(|(offset, block)| Part {
                offset,
                length: u32::try_from(block.len()).unwrap_or(BLOCK_BYTES),
            })
            .collect();
        hash_parts(self.0, piece, parts)
    }
}

struct BlocksOf64K(V1Builder);

impl Ordered<HashBlocks> for BlocksOf64K {
    type Error = Error;

    fn take(&mut self, _: &Piece, (): ()) {}

    fn collect(&mut self, hashed: Digests) -> Result<(), Error> {
        let size = hashed
            .digests
            .len()
            .checked_div(hashed.parts.len())
            .unwrap_or(1)
            .max(1);
        for (part, digest) in hashed.parts.iter().zip(hashed.digests.chunks_exact(size)) {
            self.0.push_block(part.length, digest)?;
        }
        Ok(())
    }
}

fn create_v2(
    source: &Source,
    secret_key: &SecretKey,
    effort: &Effort<'_>,
) -> Result<EncodedInfo, Error> {
    let segments = SegmentsByContent {
        selector: Selector::new(),
        cut_to: 0,
        builder: V2Builder::new(secret_key),
    };
    let span = Span {
        from: 0,
        until: None,
    };
    let segments = pipeline::run(source, span, &effort.pace(), &HashSegments, segments)?;
    Ok(segments.builder.finish()?)
}

struct HashSegments;

impl Steps for HashSegments {
    type Scan = Vec<Candidate>;
    type Parts = Vec<Part>;
    type Hashed = Digests;

    fn scan(&self, piece: &Piece) -> Vec<Candidate> {
        let mut candidates = Vec::new();
        cut::scan(piece.before(), piece.bytes(), &mut candidates);
        candidates
    }

    fn hash(&self, piece: &Piece, parts: Vec<Part>) -> Digests {
        hash_parts(HashAlgorithm::Sha512Truncated, piece, parts)
    }
}

struct SegmentsByContent {
    selector: Selector,
    /// Where the last segment that was cut ends.
    cut_to: u64,
    builder: V2Builder,
}

impl Ordered<HashSegments> for SegmentsByContent {
    type Error = Error;

    fn take(&mut self, piece: &Piece, candidates: Vec<Candidate>) -> Vec<Part> {
        let mut parts = Vec::new();
        let cut_to = &mut self.cut_to;
        let mut cut = |length| {
            parts.push(Part {
                offset: *cut_to,
                length,
            });
            *cut_to += u64::from(length);
        };
        self.selector
            .feed(piece.bytes().len(), &candidates, &mut cut);
        if piece.is_last {
            self.selector.finish(&mut cut);
        }
        parts
    }

    fn collect(&mut self, hashed: Digests) -> Result<(), Error> {
        let algorithm = HashAlgorithm::Sha512Truncated;
        let digests = hashed.digests.chunks_exact(algorithm.digest_len());
        for (part, digest) in hashed.parts.iter().zip(digests) {
            let Ok(digest) = Digest::of(algorithm, digest) else {
                continue;
            };
            self.builder
                .push_segment(part.length, &HashOfData(digest))?;
        }
        Ok(())
    }
}

/// Blocks that end in one piece, and whether they agree.
type Checked<'a> = (u64, Vec<(Block<'a>, bool)>);

struct CheckBlocks<'a> {
    hash: HashAlgorithm,
    of: PhantomData<ContentInfo<'a>>,
}

impl<'a> Steps for CheckBlocks<'a> {
    type Scan = ();
    type Parts = Vec<Block<'a>>;
    type Hashed = Checked<'a>;

    fn scan(&self, _: &Piece) {}

    fn hash(&self, piece: &Piece, blocks: Vec<Block<'a>>) -> Checked<'a> {
        let (at, bytes) = piece.with_headroom();
        let pairs: Vec<_> = blocks
            .into_iter()
            .map(|block| (block, verify::within(bytes, at, &block)))
            .collect();
        let mut checked = Vec::with_capacity(pairs.len());
        verify::good_blocks(self.hash, &pairs, |block, good| {
            checked.push((*block, good));
        });
        (piece.end(), checked)
    }
}

struct Checking<'a> {
    blocks: Peekable<Blocks<'a>>,
    findings: Findings<'a>,
}

impl<'a> Ordered<CheckBlocks<'a>> for Checking<'a> {
    type Error = SourceError;

    fn take(&mut self, piece: &Piece, (): ()) -> Vec<Block<'a>> {
        std::iter::from_fn(|| self.blocks.next_if(|block| block.end() <= piece.end())).collect()
    }

    fn collect(&mut self, (end, checked): Checked<'a>) -> Result<(), SourceError> {
        self.findings.content_length = end;
        checked
            .into_iter()
            .for_each(|(block, good)| self.findings.count(block, good));
        Ok(())
    }
}
