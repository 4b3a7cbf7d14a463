//! A store shared by the process that owns it with others on the machine, over the Unix socket `DIR/control.sock`.
//! Invariant: one request, one answer, both of limited length; whoever is silent or talks nonsense is hung up on.
//! Byte order: little-endian.
//!
//! The socket is its owner's alone (0600, in a directory of 0700), and whoever may open it may read the store's files
//! as well: nothing is kept from him, the secrets of segments neither.

mod client;
mod wire;

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use peerdist::content::SegmentId;
use peerdist::discovery::Replies;
use peerdist::store::Put;
use peerdist::wire::{Reader, Writer};

pub use client::RemoteStore;

use super::packs::locked;
use super::{LIST_PAGE, Store, StoreError, wall_clock};
use wire::{Malformed, Op, Wire};

const SOCKET: &str = "control.sock";
/// Processes that are served at the same time.
const CONNECTIONS_LIMIT: usize = 16;
/// How long a process may be silent, or not take its answer.
const SILENCE_LIMIT: Duration = Duration::from_secs(30);

/// Serves a store to other processes until it is dropped.
#[derive(Debug)]
pub struct ControlServer {
    path: PathBuf,
    shared: Arc<Serving>,
    listener: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Serving {
    store: Store,
    is_over: AtomicBool,
    connections: Mutex<Vec<(JoinHandle<()>, UnixStream)>>,
}

impl ControlServer {
    /// Begins to serve a store that this process owns.
    ///
    /// # Errors
    /// Where the socket cannot be made.
    pub fn start(store: Store) -> Result<Self, StoreError> {
        let path = store.directory().join(SOCKET);
        let directory = store.directory().to_owned();
        let failed = |what| StoreError::io(&directory, what);
        // One of a process that ended without removing it: the store is ours, so nobody serves it.
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(failed("remove an old socket")(error));
            }
            _ => {}
        }
        let listener = UnixListener::bind(&path).map_err(failed("make its socket"))?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600))
            .map_err(failed("make its socket"))?;
        let shared = Arc::new(Serving {
            store,
            is_over: AtomicBool::new(false),
            connections: Mutex::default(),
        });
        let serving = Arc::clone(&shared);
        let listener = std::thread::Builder::new()
            .name("store control".to_owned())
            .spawn(move || serving.listen(&listener))
            .map_err(failed("start its thread"))?;
        Ok(Self {
            path,
            shared,
            listener: Some(listener),
        })
    }
}

impl Drop for ControlServer {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Release);
        // Wakes the one who listens.
        let _ = UnixStream::connect(&self.path);
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
        let connections = std::mem::take(&mut *locked(&self.shared.connections));
        for (thread, stream) in connections {
            let _ = stream.shutdown(std::net::Shutdown::Both);
            let _ = thread.join();
        }
        let _ = fs::remove_file(&self.path);
    }
}

impl Serving {
    fn listen(self: &Arc<Self>, listener: &UnixListener) {
        loop {
            let accepted = listener.accept();
            if self.is_over.load(Ordering::Acquire) {
                return;
            }
            match accepted {
                // Whom there is no room for is hung up on, and may come again.
                Ok((stream, _)) => drop(self.take(stream)),
                // Too many open files, as a rule: it passes, and must not keep a core busy.
                Err(_) => std::thread::sleep(Duration::from_millis(100)),
            }
        }
    }

    fn take(self: &Arc<Self>, stream: UnixStream) -> io::Result<()> {
        let mut connections = locked(&self.connections);
        connections.retain(|(thread, _)| !thread.is_finished());
        if connections.len() >= CONNECTIONS_LIMIT {
            return Ok(());
        }
        stream.set_read_timeout(Some(SILENCE_LIMIT))?;
        stream.set_write_timeout(Some(SILENCE_LIMIT))?;
        let other = stream.try_clone()?;
        let serving = Arc::clone(self);
        let thread = std::thread::Builder::new()
            .name("store control".to_owned())
            .spawn(move || {
                // Nonsense, silence and goodbyes end the connection alike; the other handle to it does not keep it up.
                let _ = serving.serve(&stream);
                let _ = stream.shutdown(std::net::Shutdown::Both);
            })?;
        connections.push((thread, other));
        Ok(())
    }

    fn serve(&self, mut stream: &UnixStream) -> io::Result<()> {
        while !self.is_over.load(Ordering::Acquire) {
            let request = wire::receive(&mut stream)?;
            let answer = match self.answer(&request) {
                Ok(answer) => [&[0], answer.as_slice()].concat(),
                Err(Answerless::Error(error)) => [&[1], error.to_string().as_bytes()].concat(),
                Err(Answerless::Malformed) => return Err(ErrorKind::InvalidData.into()),
            };
            wire::send(&mut stream, &answer)?;
        }
        Ok(())
    }

    fn answer(&self, request: &[u8]) -> Result<Vec<u8>, Answerless> {
        let store = &self.store;
        let mut reader = Reader::new(request);
        let mut writer = Writer::new();
        let op = Op::read(&mut reader)?;
        let now = wall_clock();
        if matches!(op, Op::Statistics | Op::Flush | Op::ForgetAll) {
            wire::end(&reader)?;
        }
        match op {
            Op::List => {
                let after = Option::<SegmentId>::read(&mut reader)?;
                wire::end(&reader)?;
                let page = store.list(after.as_ref(), LIST_PAGE)?;
                writer.u32_le(u32::try_from(page.len()).unwrap_or(0));
                page.iter().for_each(|summary| summary.write(&mut writer));
            }
            Op::Statistics => store.statistics()?.write(&mut writer),
            Op::Flush => store.flush()?,
            Op::ForgetAll => {
                let count = store.forget_all()?;
                writer.u64_le(count);
            }
            Op::Inspect | Op::Facts | Op::Verify | Op::Forget => {
                let id = SegmentId::read(&mut reader)?;
                wire::end(&reader)?;
                match op {
                    Op::Inspect => store.inspect(&id)?.write(&mut writer),
                    Op::Facts => {
                        if let Some(facts) = store.facts(&id)? {
                            writer.bytes(&facts.encode(true));
                        }
                    }
                    Op::Verify => {
                        let (good, damaged) = store.verify(&id)?;
                        good.write(&mut writer);
                        damaged.write(&mut writer);
                    }
                    _ => store.forget(&id)?,
                }
            }
            Op::Describe => {
                let id = SegmentId::read(&mut reader)?;
                let facts = wire::facts(&mut reader)?;
                store.describe(now, &id, &facts)?;
            }
            Op::NoteReplies => {
                let id = SegmentId::read(&mut reader)?;
                let replies = Replies::read(&mut reader)?;
                wire::end(&reader)?;
                store.note_replies(&id, replies)?;
            }
            Op::Put => {
                let id = SegmentId::read(&mut reader)?;
                let index = wire::index(&mut reader)?;
                let bytes = wire::rest(&mut reader)?;
                writer.u8(match store.put_verified(now, &id, index, bytes)? {
                    Put::Kept => 0,
                    Put::AlreadyThere => 1,
                    Put::TooLarge => 2,
                });
            }
            Op::Read => {
                let id = SegmentId::read(&mut reader)?;
                let index = wire::index(&mut reader)?;
                wire::end(&reader)?;
                let mut bytes = Vec::new();
                let form = store.read(now, &id, index, &mut bytes)?;
                form.write(&mut writer);
                writer.bytes(&bytes);
            }
        }
        Ok(writer.finish())
    }
}

/// Why there is no answer to a request.
enum Answerless {
    Error(StoreError),
    Malformed,
}

impl From<StoreError> for Answerless {
    fn from(error: StoreError) -> Self {
        Self::Error(error)
    }
}

impl From<Malformed> for Answerless {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}
