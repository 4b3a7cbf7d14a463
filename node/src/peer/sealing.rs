//! Blocks encrypted together: those of requests that coincide go through one stream of instructions.
//! Invariant: every block that is handed in is encrypted, or its request is gone; plain bytes never come back out.
//! Byte order: none.

use std::mem::take;
use std::sync::{Arc, Mutex, PoisonError};

use peerdist::cipher::{CbcKey, EncryptJob, encrypt_many};
use peerdist::retrieval::server::EncryptOp;
use tokio::sync::oneshot;

/// Blocks of one call: as many as the widest kernel works on at a time.
const TOGETHER_MOST: usize = 16;

/// Blocks that wait, and who encrypts them: the first who came, after letting others come.
#[derive(Debug, Default)]
pub(super) struct Sealing(Mutex<Vec<Job>>);

#[derive(Debug)]
struct Job {
    key: CbcKey,
    op: EncryptOp,
    buffer: Vec<u8>,
    done: oneshot::Sender<Vec<u8>>,
}

/// Whoever leads encrypts what waits, also when its own request ends meanwhile.
struct Lead(Arc<Sealing>);

impl Drop for Lead {
    fn drop(&mut self) {
        self.0.encrypt_all();
    }
}

impl Sealing {
    /// Encrypts a plain block. Nothing comes of one that is not as long as was said.
    pub(super) async fn seal(
        self: &Arc<Self>,
        key: CbcKey,
        op: EncryptOp,
        mut buffer: Vec<u8>,
    ) -> Option<Vec<u8>> {
        if buffer.len() != op.plain_len as usize {
            return None;
        }
        buffer.resize(op.payload_len(), 0);
        let (done, sealed) = oneshot::channel();
        let job = Job {
            key,
            op,
            buffer,
            done,
        };
        let is_first = {
            let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.push(job);
            waiting.len() == 1
        };
        if is_first {
            let lead = Lead(Arc::clone(self));
            // Whatever else is ready on this thread comes first, and brings its blocks.
            tokio::task::yield_now().await;
            drop(lead);
        }
        sealed.await.ok()
    }

    fn encrypt_all(&self) {
        let mut waiting = take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        for together in waiting.chunks_mut(TOGETHER_MOST) {
            let mut jobs: Vec<EncryptJob<'_>> = together
                .iter_mut()
                // Requests that are gone need no work.
                .filter(|job| !job.done.is_closed())
                .filter_map(|job| job.op.job(&job.key, &mut job.buffer).ok())
                .collect();
            encrypt_many(&mut jobs);
        }
        for job in waiting {
            let _ = job.done.send(job.buffer);
        }
    }
}
