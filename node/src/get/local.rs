//! What is here already: blocks in the part of an earlier run, and in the store.
//! Invariant: a block counts as there once its bytes were held against the content information, and not before.
//! Byte order: none.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use peerdist::content::verify::good_blocks;
use peerdist::retrieval::{BlockIndex, BlockRange, BlockSet};

use super::cache::BlockCache;
use super::described::Described;
use super::workers::Bench;

/// Blocks that are looked at together.
const BATCH_BLOCKS: usize = 32;

struct Candidate {
    row: usize,
    index: BlockIndex,
    bytes: Vec<u8>,
    is_in_file: bool,
}

/// The blocks that are here, by segment, besides those that were found before. Those of the store are written into the
/// file, where there is one.
///
/// # Errors
/// Where the file cannot be read or written.
pub(super) fn blocks(bench: &Bench, mut have: Vec<BlockSet>) -> io::Result<Vec<BlockSet>> {
    let described = &bench.described;
    have.resize(described.len(), BlockSet::EMPTY);
    let mut batch = Vec::new();
    let in_file = bench.file.as_ref().map(File::metadata).transpose()?;
    let in_file = in_file.map_or(0, |known| known.len());
    for row in 0..described.len() {
        let Some(wanted) = described.wanted(row) else {
            break;
        };
        let in_store = bench.cache.as_ref().map(|cache| cache.verified(&wanted.id));
        let found = have.get(row).copied().unwrap_or(BlockSet::EMPTY);
        for index in wanted.blocks.difference(&found).iter() {
            let block = wanted.range_of(index);
            let (clipped, skipped) = described.clip(block);
            let is_whole = clipped == block && skipped == 0;
            let at = clipped.start - described.range().start;
            let mut bytes = Vec::new();
            let mut is_in_file = false;
            if let Some(file) = bench.file.as_ref()
                && is_whole
                && at + block.length <= in_file
                && has_data(file, at, block.length)
            {
                bytes.resize(usize::try_from(block.length).unwrap_or_default(), 0);
                is_in_file = file.read_exact_at(&mut bytes, at).is_ok();
            }
            let is_stored = in_store.is_some_and(|set| set.contains(index));
            if is_stored && !is_in_file {
                let cache = bench.cache.as_ref();
                if !cache.is_some_and(|cache| cache.read(&wanted.id, index, &mut bytes)) {
                    bytes.clear();
                }
            }
            if !bytes.is_empty() {
                batch.push(Candidate {
                    row,
                    index,
                    bytes,
                    is_in_file,
                });
            }
            if batch.len() >= BATCH_BLOCKS {
                take(bench, &mut batch, &mut have)?;
            }
        }
    }
    take(bench, &mut batch, &mut have)?;
    Ok(have)
}

/// Keeps blocks of a file that were held against the content information.
///
/// # Errors
/// Where the file cannot be read. A store that cannot keep a block is told of, and no error.
pub(super) fn keep(
    described: &Described,
    file: &File,
    cache: &dyn BlockCache,
    have: &[BlockSet],
) -> io::Result<()> {
    let mut bytes = Vec::new();
    for (row, have) in have.iter().enumerate() {
        let (Some(wanted), Some(segment)) = (described.wanted(row), described.segment(row)) else {
            break;
        };
        let kept = cache.verified(&wanted.id);
        for index in have.difference(&kept).iter() {
            let block = wanted.range_of(index);
            bytes.resize(usize::try_from(block.length).unwrap_or_default(), 0);
            file.read_exact_at(&mut bytes, block.start - described.range().start)?;
            if let Err(error) = cache.keep(&segment, &wanted.id, index, &bytes) {
                tracing::warn!(%error, "a block was not kept");
            }
        }
    }
    Ok(())
}

/// A file of an earlier run has holes wherever nothing was written.
fn has_data(file: &File, at: u64, length: u64) -> bool {
    match rustix::fs::seek(file, rustix::fs::SeekFrom::Data(at)) {
        Ok(data) => data < at + length,
        Err(rustix::io::Errno::NXIO) => false,
        Err(_) => true,
    }
}

fn take(bench: &Bench, batch: &mut Vec<Candidate>, have: &mut [BlockSet]) -> io::Result<()> {
    let described = &bench.described;
    let candidates = std::mem::take(batch);
    let known = candidates.iter().filter_map(|one| {
        let block = described.block(one.row, one.index)?;
        Some((one, (block, one.bytes.as_slice())))
    });
    let (candidates, blocks): (Vec<_>, Vec<_>) = known.unzip();
    let mut judged = Vec::with_capacity(blocks.len());
    good_blocks(described.hash(), &blocks, |_, is_good| judged.push(is_good));
    for ((one, (block, bytes)), is_good) in candidates.into_iter().zip(&blocks).zip(judged) {
        if !is_good {
            continue;
        }
        if let Some(file) = bench.file.as_ref()
            && !one.is_in_file
        {
            let range = peerdist::content::ContentRange {
                start: block.offset,
                length: block.length.into(),
            };
            let (clipped, skipped) = described.clip(range);
            let length = usize::try_from(clipped.length).unwrap_or_default();
            let part = bytes.get(skipped..skipped + length).unwrap_or_default();
            file.write_all_at(part, clipped.start - described.range().start)?;
        }
        if let Some(set) = have.get_mut(one.row) {
            set.insert(BlockRange::one(one.index));
        }
    }
    Ok(())
}
