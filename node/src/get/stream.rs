//! Content handed on in its order.
//! Invariant: what was handed on was verified, and never comes twice.
//! Byte order: none.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use bytes::Bytes;
use peerdist::content::verify::block_is_good;
use peerdist::retrieval::BlockIndex;
use sha2::{Digest as _, Sha256};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;

use super::error::GetError;
use super::workers::Bench;

/// What is to be handed on next.
#[derive(Debug)]
pub(super) enum Piece {
    Bytes(Bytes),
    /// A block of the store.
    Local(usize, BlockIndex),
}

/// What waits to be handed on.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    bytes: AtomicU64,
    shrunk: Notify,
    /// Nothing of it will be handed on any more.
    has_ended: AtomicBool,
}

impl Backlog {
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Relaxed)
    }

    /// Waits until less of it is left, or it has ended.
    pub(super) async fn shrunk(&self) {
        self.shrunk.notified().await;
    }
}

/// The task that hands pieces on.
#[derive(Debug)]
pub(super) struct Stream {
    pieces: mpsc::UnboundedSender<Piece>,
    pub(super) backlog: Arc<Backlog>,
    task: JoinHandle<Result<Sha256, GetError>>,
}

impl Stream {
    pub(super) fn start(to: mpsc::Sender<Bytes>, bench: Option<Arc<Bench>>, hashes: bool) -> Self {
        let (pieces, from) = mpsc::unbounded_channel();
        let backlog = Arc::new(Backlog::default());
        let waits = Arc::clone(&backlog);
        let task = tokio::spawn(async move {
            let handed_on = hand_on(from, to, &waits, bench, hashes).await;
            waits.has_ended.store(true, Relaxed);
            waits.shrunk.notify_one();
            handed_on
        });
        Self {
            pieces,
            backlog,
            task,
        }
    }

    pub(super) fn push(&self, piece: Piece) {
        if let Piece::Bytes(bytes) = &piece {
            self.backlog.bytes.fetch_add(bytes.len() as u64, Relaxed);
        }
        // A task that ended tells why when it is asked.
        let _ = self.pieces.send(piece);
    }

    pub(super) fn has_ended(&self) -> bool {
        self.backlog.has_ended.load(Relaxed) || self.task.is_finished()
    }

    /// Waits until everything was handed on.
    pub(super) async fn finish(self) -> Result<Sha256, GetError> {
        drop(self.pieces);
        self.task.await.unwrap_or(Err(GetError::ReaderWentAway))
    }
}

async fn hand_on(
    mut from: mpsc::UnboundedReceiver<Piece>,
    to: mpsc::Sender<Bytes>,
    backlog: &Backlog,
    bench: Option<Arc<Bench>>,
    hashes: bool,
) -> Result<Sha256, GetError> {
    let mut hash = Sha256::new();
    while let Some(piece) = from.recv().await {
        let (bytes, weight) = match piece {
            Piece::Bytes(bytes) => {
                let weight = bytes.len() as u64;
                (bytes, weight)
            }
            Piece::Local(row, index) => {
                let local = bench.as_ref().and_then(|bench| local(bench, row, index));
                (local.ok_or_else(lost)?, 0)
            }
        };
        if hashes {
            hash.update(&bytes);
        }
        to.send(bytes).await.map_err(|_| GetError::ReaderWentAway)?;
        backlog.bytes.fetch_sub(weight, Relaxed);
        backlog.shrunk.notify_one();
    }
    Ok(hash)
}

fn lost() -> GetError {
    GetError::Write {
        what: "the content".into(),
        source: std::io::Error::other("the store lost a block meanwhile; try again"),
    }
}

fn local(bench: &Bench, row: usize, index: BlockIndex) -> Option<Bytes> {
    let block = bench.described.block(row, index)?;
    let mut bytes = Vec::new();
    let id = bench.described.id(row)?;
    let is_there = bench.cache.as_ref()?.read(&id, index, &mut bytes);
    if !is_there || !block_is_good(bench.described.hash(), &block, &bytes) {
        return None;
    }
    let range = bench.described.wanted(row)?.range_of(index);
    let (clipped, skipped) = bench.described.clip(range);
    let length = usize::try_from(clipped.length).ok()?;
    Some(Bytes::from(bytes).slice(skipped..skipped + length))
}
