//! MS-CCROD 2.8.2.5.3: what no peer gave comes from the content server, in ranges as long as is sensible.
//! Invariant: a range is whole blocks without a gap, all of one download.
//! Byte order: none.

use super::content::{Download, Progress};
use super::ports::{DownloadToken, Order};
use crate::content::ContentRange;
use crate::entropy::Entropy;
use crate::retrieval::{BlockIndex, BlockRange, BlockSet};

/// A range that the origin is asked for.
#[derive(Debug)]
pub(super) struct Fetch {
    pub(super) download: DownloadToken,
    pub(super) range: ContentRange,
    /// The block whose end is waited for next, and its segment.
    pub(super) next: Option<(usize, BlockIndex)>,
    /// Blocks that are being verified.
    pub(super) verifying: u32,
}

impl Fetch {
    /// The next block that is whole once `received` bytes of the range are there, and its segment.
    pub(super) fn take_arrived(
        &mut self,
        download: &Download,
        received: u64,
    ) -> Option<(usize, BlockIndex)> {
        let (segment, index) = self.next?;
        let block = download.segments.get(segment)?.wanted.range_of(index);
        if block.end() > self.range.start.saturating_add(received) {
            return None;
        }
        self.next = following(download, segment, index, self.range.end());
        self.verifying += 1;
        Some((segment, index))
    }

    /// Bytes that did not arrive yet.
    pub(super) fn outstanding(&self, download: &Download) -> u64 {
        let next = self.next.and_then(|(segment, index)| {
            let wanted = &download.segments.get(segment)?.wanted;
            Some(wanted.range_of(index).start)
        });
        next.map_or(0, |start| self.range.end().saturating_sub(start))
    }

    /// Takes the blocks that did not arrive, with their segments.
    pub(super) fn take_rest(&mut self, download: &Download) -> Vec<(usize, BlockSet)> {
        let mut rest: Vec<(usize, BlockSet)> = Vec::new();
        while let Some((segment, index)) = self.next {
            self.next = following(download, segment, index, self.range.end());
            match rest.last_mut() {
                Some((last, blocks)) if *last == segment => blocks.insert(BlockRange::one(index)),
                _ => rest.push((segment, BlockSet::from_iter([index]))),
            }
        }
        rest
    }
}

/// The block behind this one, up to where the range ends, and its segment.
fn following(
    download: &Download,
    segment: usize,
    index: BlockIndex,
    range_end: u64,
) -> Option<(usize, BlockIndex)> {
    let wanted = &download.segments.get(segment)?.wanted;
    let next = BlockIndex::new(index.get() + 1).filter(|next| next.get() < wanted.block_count());
    let (segment, index) = match next {
        Some(next) => (segment, next),
        None => (segment + 1, BlockIndex::FIRST),
    };
    let block = download.segments.get(segment)?.wanted.range_of(index);
    (block.start < range_end).then_some((segment, index))
}

/// Takes missing blocks that lie side by side, `max_bytes` at most but at least one, and none from `window_end` on.
//= CCROD-2.8.2.5.3-06
pub(super) fn take_run(
    download: &mut Download,
    max_bytes: u64,
    window_end: u64,
    order: &mut Entropy,
) -> Option<Fetch> {
    let (first_segment, first) = first_missing(download, window_end, order)?;
    let mut at = (first_segment, first);
    let mut range: Option<ContentRange> = None;
    while let Some(Progress {
        wanted, missing, ..
    }) = download.segments.get_mut(at.0)
    {
        let block = wanted.range_of(at.1);
        let start = range.map_or(block.start, |range| range.start);
        let is_next = range.is_none_or(|range| {
            range.end() == block.start
                && block.end() - start <= max_bytes
                && block.start < window_end
        });
        if !is_next || !missing.contains(at.1) {
            break;
        }
        missing.remove(at.1);
        if missing.is_empty() {
            download.with_missing.remove(&at.0);
        }
        let length = block.end() - start;
        range = Some(ContentRange { start, length });
        let Some(next) = following(download, at.0, at.1, u64::MAX) else {
            break;
        };
        at = next;
    }
    Some(Fetch {
        download: download.token,
        range: range?,
        next: Some((first_segment, first)),
        verifying: 0,
    })
}

fn first_missing(
    download: &Download,
    window_end: u64,
    order: &mut Entropy,
) -> Option<(usize, BlockIndex)> {
    let in_window = |segment: usize| {
        let progress = download.segments.get(segment)?;
        let window = download.in_window(segment, window_end);
        let blocks = progress.missing.intersection(&window);
        (!blocks.is_empty()).then_some(blocks)
    };
    let first = *download.with_missing.first()?;
    let (segment, from) = match download.order {
        Order::Sequential => (first, 0),
        Order::Random => {
            let any = order.below(download.segments.len() as u64);
            let any = usize::try_from(any).unwrap_or_default();
            let segment = download.with_missing.range(any..).next();
            let block = order.below(crate::retrieval::BLOCKS_PER_SEGMENT.into());
            let block = u32::try_from(block).unwrap_or_default();
            (segment.copied().unwrap_or(first), block)
        }
    };
    let (segment, blocks) = match in_window(segment) {
        Some(blocks) => (segment, blocks),
        None => (first, in_window(first)?),
    };
    let block = blocks.first_from(from).or_else(|| blocks.first_from(0))?;
    Some((segment, block))
}
