//! RFC 9110 9.3.6 and 7.8: a connection that carries bytes both ways, once its request was answered so.
//! Invariant: a tunnel counts as a connection until it ends, and ends with its server, at an end of bytes, or idle.
//! Byte order: none.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::connections::Place;
use super::limits::ms;

/// Bytes that wait in a tunnel, each way.
const BUFFER_BYTES: usize = 32 << 10;

/// Among the connections of a server, the place of one that may become a tunnel; stands in a request's extensions.
#[derive(Debug, Clone)]
pub struct Seat(Arc<Taken>);

#[derive(Debug)]
struct Taken {
    place: Arc<Place>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Seat {
    pub(super) fn new(place: &Arc<Place>, tasks: &TaskTracker, stop: &CancellationToken) -> Self {
        Self(Arc::new(Taken {
            place: Arc::clone(place),
            tasks: tasks.clone(),
            stop: stop.clone(),
        }))
    }

    /// Carries bytes between the client, whose answer is on its way, and `there`, until one side ends, nothing moved
    /// for `idle_ms`, or the server stops. `carried` hears of bytes, either way.
    pub fn tunnel<T>(
        self,
        here: OnUpgrade,
        there: impl Future<Output = io::Result<T>> + Send + 'static,
        idle_ms: u64,
        carried: impl Fn(u64) + Send + Sync + 'static,
    ) where
        T: AsyncRead + AsyncWrite + Send + 'static,
    {
        let tasks = self.0.tasks.clone();
        tasks.spawn(async move {
            let Taken { place, stop, .. } = &*self.0;
            let carrying = async {
                let here = here.await.map_err(io::Error::other)?;
                place.phase.tunnel();
                let there = there.await?;
                join(TokioIo::new(here), there, idle_ms, &carried).await
            };
            let ended = tokio::select! {
                biased;
                () = place.end.cancelled() => return,
                () = stop.cancelled() => return,
                ended = carrying => ended,
            };
            if let Err(error) = ended {
                tracing::debug!(%error, "a tunnel ended with an error");
            }
        });
    }
}

async fn join(
    here: impl AsyncRead + AsyncWrite,
    there: impl AsyncRead + AsyncWrite,
    idle_ms: u64,
    carried: &(impl Fn(u64) + Sync),
) -> io::Result<()> {
    let moved = AtomicU64::new(0);
    let (here_reads, here_writes) = tokio::io::split(here);
    let (there_reads, there_writes) = tokio::io::split(there);
    let both = async {
        tokio::try_join!(
            carry(here_reads, there_writes, &moved, carried),
            carry(there_reads, here_writes, &moved, carried),
        )
    };
    let idle = async {
        loop {
            let before = moved.load(Relaxed);
            tokio::time::sleep(ms(idle_ms)).await;
            if moved.load(Relaxed) == before {
                return;
            }
        }
    };
    tokio::select! {
        biased;
        ended = both => ended.map(|_| ()),
        () = idle => Err(io::ErrorKind::TimedOut.into()),
    }
}

async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    moved: &AtomicU64,
    carried: &(impl Fn(u64) + Sync),
) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let read = from.read(&mut buffer).await?;
        if read == 0 {
            return to.shutdown().await;
        }
        to.write_all(buffer.get(..read).unwrap_or_default()).await?;
        moved.fetch_add(read as u64, Relaxed);
        carried(read as u64);
    }
}
