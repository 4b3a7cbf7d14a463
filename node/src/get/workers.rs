//! Blocks decrypted, held against their hashes and written, many at a time, away from the tasks that wait for sockets.
//! Invariant: nothing is written, kept or handed on that does not hash to what the content information lists.
//! Byte order: none.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use bytes::Bytes;
use peerdist::cipher::{CbcKey, decrypt_many};
use peerdist::client::{Source, VerifyToken};
use peerdist::content::ContentRange;
use peerdist::content::verify::good_blocks;
use peerdist::retrieval::client::{DecryptOp, Exchange};
use peerdist::retrieval::{BlockIndex, Quirk, block_key};

use super::cache::BlockCache;
use super::described::Described;
use crate::spare::Spare;

/// What workers need besides their work.
#[derive(Debug)]
pub(super) struct Bench {
    pub(super) described: Arc<Described>,
    /// Where good blocks are written; else they are handed back.
    pub(super) file: Option<File>,
    pub(super) cache: Option<Arc<dyn BlockCache>>,
    /// Buffers for messages; those of blocks that were written come back.
    pub(super) spare: Spare,
}

/// A block to be looked at.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) tag: Tag,
    pub(super) row: usize,
    pub(super) index: BlockIndex,
    pub(super) range: ContentRange,
    pub(super) bytes: Vec<u8>,
    /// Where in the bytes the block begins.
    pub(super) offset: usize,
    pub(super) decrypt: Option<DecryptOp>,
}

/// What the machine waits to be told.
#[derive(Debug, Clone, Copy)]
pub(super) enum Tag {
    Decrypted(Exchange),
    Verified(VerifyToken, Source),
}

/// What was found.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) tag: Tag,
    pub(super) good: bool,
    pub(super) quirk: Option<Quirk>,
    /// The good block, clipped to what is wanted, where it was not written.
    pub(super) bytes: Option<Bytes>,
}

/// Does the work.
///
/// # Errors
/// Where the file cannot be written.
pub(super) fn work(bench: &Bench, mut jobs: Vec<Job>) -> io::Result<Vec<Done>> {
    let quirks = decrypt(bench, &mut jobs);
    let good = verify(bench, &jobs);
    let mut done = Vec::with_capacity(jobs.len());
    for ((job, quirk), good) in jobs.into_iter().zip(quirks).zip(good) {
        let tag = job.tag;
        let bytes = if good { put(bench, job)? } else { None };
        done.push(Done {
            tag,
            good,
            quirk,
            bytes,
        });
    }
    Ok(done)
}

fn decrypt(bench: &Bench, jobs: &mut [Job]) -> Vec<Option<Quirk>> {
    let keys: Vec<Option<CbcKey>> = jobs
        .iter()
        .map(|job| {
            let op = job.decrypt.as_ref()?;
            block_key(op.cipher, &bench.described.secret(job.row)?).ok()
        })
        .collect();
    let mut ciphers = Vec::with_capacity(jobs.len());
    for (job, key) in jobs.iter_mut().zip(&keys) {
        if let (Some(op), Some(key)) = (&job.decrypt, key) {
            // What cannot be decrypted fails to verify.
            ciphers.extend(op.job(key, &mut job.bytes).ok());
        }
    }
    decrypt_many(&mut ciphers);
    drop(ciphers);
    let quirk = |job: &Job| job.decrypt.as_ref()?.plain(&job.bytes).ok()?.1;
    jobs.iter().map(quirk).collect()
}

fn verify(bench: &Bench, jobs: &[Job]) -> Vec<bool> {
    let mut good = vec![false; jobs.len()];
    let mut places = Vec::with_capacity(jobs.len());
    let mut blocks = Vec::with_capacity(jobs.len());
    for (place, job) in jobs.iter().enumerate() {
        if let Some(block) = bench.described.block(job.row, job.index)
            && let Some(bytes) = job.plain()
        {
            places.push(place);
            blocks.push((block, bytes));
        }
    }
    let mut places = places.into_iter();
    good_blocks(bench.described.hash(), &blocks, |_, is_good| {
        if let Some(good) = places.next().and_then(|place| good.get_mut(place)) {
            *good = is_good;
        }
    });
    good
}

impl Job {
    fn plain(&self) -> Option<&[u8]> {
        let length = usize::try_from(self.range.length).ok()?;
        self.bytes
            .get(self.offset..self.offset.checked_add(length)?)
    }
}

fn put(bench: &Bench, job: Job) -> io::Result<Option<Bytes>> {
    let described = &bench.described;
    if let Some(cache) = &bench.cache
        && let (Some(segment), Some(id)) = (described.segment(job.row), described.id(job.row))
        && let Some(bytes) = job.plain()
        && let Err(error) = cache.keep(&segment, &id, job.index, bytes)
    {
        // The content is whole without the store.
        tracing::warn!(%error, "a block was not kept");
    }
    let (wanted, skipped) = described.clip(job.range);
    let length = usize::try_from(wanted.length).unwrap_or(usize::MAX);
    match &bench.file {
        Some(file) => {
            let bytes = job
                .plain()
                .and_then(|plain| plain.get(skipped..skipped + length));
            let at = wanted.start - described.range().start;
            file.write_all_at(bytes.unwrap_or_default(), at)?;
            bench.spare.give(job.bytes);
            Ok(None)
        }
        None => {
            let start = job.offset + skipped;
            let all = Bytes::from(job.bytes);
            Ok(Some(all.slice(start..start + length)))
        }
    }
}
