//! What the store has of the beginning of content, handed on to a reader while it is looked at.
//! Invariant: nothing is handed on that was not verified; it ends before the first block that is not there or not good.
//! Byte order: none.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use peerdist::content::verify::good_blocks;
use peerdist::retrieval::{BlockIndex, BlockRange, BlockSet};
use tokio_util::sync::CancellationToken;

use super::error::GetError;
use super::report::{Observer, Progress, Shares};
use super::stream::{Piece, Stream};
use super::workers::Bench;
use crate::world::offload;

/// Blocks that are looked at together, before any of them is handed on.
const BATCH_BLOCKS: usize = 32;

/// What was handed on.
#[derive(Debug, Default)]
pub(super) struct HeadStart {
    /// Its blocks, by segment.
    pub(super) have: Vec<BlockSet>,
    /// The first block that was not: its segment, and its number there.
    pub(super) until: (usize, u32),
}

/// Hands on what there is, no further ahead of the reader than so many bytes.
///
/// # Errors
/// [`GetError::Stopped`] and [`GetError::ReaderWentAway`].
pub(super) async fn hand_on(
    bench: &Arc<Bench>,
    stream: &Stream,
    ahead_bytes_most: u64,
    observer: &mut dyn Observer,
    stop: &CancellationToken,
) -> Result<HeadStart, GetError> {
    let mut start = HeadStart {
        have: vec![BlockSet::EMPTY; bench.described.len()],
        until: (0, 0),
    };
    let mut progress = Progress {
        shares: Shares::default(),
        length: Some(bench.described.range().length),
    };
    loop {
        let (looking, from) = (Arc::clone(bench), start.until);
        let looked = offload(move || batch(&looking, from)).await;
        let looked = looked.map_err(|error| GetError::Write {
            what: "the content".into(),
            source: io::Error::other(error),
        })?;
        let is_over = looked.len() < BATCH_BLOCKS;
        for (row, index, bytes) in looked {
            progress.shares.local_cache += bytes.len() as u64;
            observer.progress(&progress);
            stream.push(Piece::Bytes(bytes));
            start.until = (row, index.get() + 1);
            if let Some(have) = start.have.get_mut(row) {
                have.insert(BlockRange::one(index));
            }
        }
        if is_over {
            return Ok(start);
        }
        while stream.backlog.bytes() >= ahead_bytes_most || stop.is_cancelled() {
            tokio::select! {
                biased;
                () = stop.cancelled() => return Err(GetError::Stopped),
                () = stream.backlog.shrunk() => {}
            }
            if stream.has_ended() {
                return Err(GetError::ReaderWentAway);
            }
        }
    }
}

/// The next blocks, verified and clipped to what is wanted; fewer than asked for where one is not there or not good.
fn batch(bench: &Bench, from: (usize, u32)) -> Vec<(usize, BlockIndex, Bytes)> {
    let (described, Some(cache)) = (&bench.described, &bench.cache) else {
        return Vec::new();
    };
    let mut found = Vec::with_capacity(BATCH_BLOCKS);
    'all: for row in from.0..described.len() {
        let Some(wanted) = described.wanted(row) else {
            break;
        };
        let is_there = cache.verified(&wanted.id);
        let first = if row == from.0 { from.1 } else { 0 };
        for index in wanted.blocks.iter().skip_while(|index| index.get() < first) {
            let mut bytes = Vec::new();
            if found.len() >= BATCH_BLOCKS
                || !is_there.contains(index)
                || !cache.read(&wanted.id, index, &mut bytes)
            {
                break 'all;
            }
            found.push((row, index, bytes));
        }
    }
    let blocks: Vec<_> = found
        .iter()
        .map_while(|(row, index, bytes)| Some((described.block(*row, *index)?, bytes.as_slice())))
        .collect();
    let mut judged = Vec::with_capacity(blocks.len());
    good_blocks(described.hash(), &blocks, |_, is_good| judged.push(is_good));
    drop(blocks);
    let good = found.into_iter().zip(judged);
    good.take_while(|(_, is_good)| *is_good)
        .map_while(|((row, index, bytes), _)| {
            let block = described.wanted(row)?.range_of(index);
            let (clipped, skipped) = described.clip(block);
            let length = usize::try_from(clipped.length).ok()?;
            let bytes = Bytes::from(bytes).slice(skipped..skipped + length);
            Some((row, index, bytes))
        })
        .collect()
}
