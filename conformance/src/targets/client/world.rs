//! The world of a case: an origin, peers, a responder and a hosted cache, each as honest as the case wants it.
//! Invariant: content is new in every world, so that no store and no other case has it; all is gone with the world.
//! Byte order: that of each document.

pub mod cache;
pub mod listener;
pub mod origin;
pub mod peer;
pub mod responder;
pub mod secured;

use std::fs;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use sha2::{Digest, Sha256};

use super::{Cache, Client, Ended, How, Job, TlsCache};
use crate::clock;
use crate::evidence::record::Recorder;
use crate::judge::Stop;
use crate::judge::session::Session;
use crate::targets::command;
use crate::targets::folder::Folder;
use crate::targets::peer::Holding;
use crate::wire::content_info::{BLOCK_BYTES, ContentInfo, Segment, Version};
use crate::wire::digest::Algorithm;
use cache::{CacheScript, Offered};
use listener::Listener;
use origin::{Asked, OriginScript};
use peer::{PeerScript, Requested};
use responder::{Heard, MatchScript, Responder};
use secured::{Certificate, Secured};

/// How long a client may take.
pub const PATIENCE: Duration = Duration::from_secs(40);
/// Bytes of segments of version 2.0.
pub const SEGMENT_BYTES: usize = 50_000;

/// What the judge saw of a client.
#[derive(Debug, Default)]
pub struct Seen {
    /// Requests at the origin.
    pub origin: Vec<Asked>,
    /// Requests at peers and at the hosted cache, by the number of the peer.
    pub requests: Vec<Requested>,
    /// Datagrams that were probes for this content.
    pub probes: Vec<Heard>,
    /// Offers at the hosted cache.
    pub offers: Vec<Offered>,
}

/// What all of a world share.
#[derive(Debug)]
pub struct Shared {
    /// What is downloaded.
    pub holding: Holding,
    /// What was seen.
    pub seen: Mutex<Seen>,
    /// Where all that happens is kept.
    pub recorder: Recorder,
    /// When the world began.
    pub began: Instant,
    /// The number of the next initialization vector.
    vectors: AtomicU64,
}

impl Shared {
    /// What a world begins with.
    pub(crate) fn new(holding: Holding, recorder: Recorder) -> Arc<Self> {
        Arc::new(Self {
            holding,
            seen: Mutex::default(),
            recorder,
            began: clock::now(),
            vectors: AtomicU64::new(1),
        })
    }

    /// What was seen, to be added to.
    pub fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How old the world is.
    #[must_use]
    pub fn age(&self) -> Duration {
        clock::now().saturating_duration_since(self.began)
    }

    /// The content.
    #[must_use]
    pub fn content(&self) -> &[u8] {
        self.holding.content.as_deref().unwrap_or_default()
    }

    /// Sixteen bytes that were not used before.
    #[must_use]
    pub fn fresh(&self) -> [u8; 16] {
        let number = self.vectors.fetch_add(1, Ordering::Relaxed);
        let digest = Sha256::digest(number.to_le_bytes());
        let mut fresh = [0; 16];
        for (byte, drawn) in fresh.iter_mut().zip(digest) {
            *byte = drawn;
        }
        fresh
    }
}

/// The world of a case.
pub struct World<'a> {
    session: &'a Session<'a, Client>,
    /// What all of it share.
    pub shared: Arc<Shared>,
    /// How the origin behaves.
    pub origin: OriginScript,
    /// Where the client may keep what it fetched, if that is to outlive the world.
    pub store: Option<PathBuf>,
    /// Where all of it listens.
    address: IpAddr,
    matches: Option<MatchScript>,
    peers: Vec<(Listener, bool)>,
    cache: Option<Listener>,
    /// The same over TLS.
    secured: Option<(Listener, Secured)>,
}

impl std::fmt::Debug for World<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World").finish_non_exhaustive()
    }
}

/// What came of a download.
#[derive(Debug)]
pub struct Outcome {
    /// How the client ended.
    pub ended: Ended,
    /// The file that came out, if one did.
    pub file: Option<Vec<u8>>,
    /// What was seen.
    pub seen: Seen,
}

/// Bytes that nobody ever had.
pub(crate) fn content(seed: &[u8], length: usize) -> Vec<u8> {
    let now = clock::today().duration_since(SystemTime::UNIX_EPOCH);
    let digest = Sha256::new()
        .chain_update(seed)
        .chain_update(now.unwrap_or_default().as_nanos().to_le_bytes())
        .chain_update(std::process::id().to_le_bytes())
        .finalize();
    let mut state = digest
        .first_chunk()
        .map_or(1, |bytes| u64::from_le_bytes(*bytes));
    let mut bytes = Vec::with_capacity(length + 8);
    // SplitMix64: fast, and nobody's secret depends on it.
    while bytes.len() < length {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        bytes.extend_from_slice(&(mixed ^ mixed >> 31).to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

impl<'a> World<'a> {
    /// One with content of so many bytes, described in a version. It has an honest origin and nobody else.
    #[must_use]
    pub fn new(session: &'a Session<'a, Client>, version: Version, bytes: usize) -> Self {
        Self::with(session, version, bytes, Algorithm::Sha256)
    }

    /// One whose content information of version 1.0 has that hash.
    #[must_use]
    pub fn with(
        session: &'a Session<'a, Client>,
        version: Version,
        bytes: usize,
        algorithm: Algorithm,
    ) -> Self {
        let content = content(&session.random(32), bytes);
        let key = session.random(32);
        let info = match version {
            Version::V1 => ContentInfo::v1(&content, &key, algorithm),
            Version::V2 => ContentInfo::v2(&content, &key, SEGMENT_BYTES),
        };
        let holding = Holding {
            info,
            content: Some(content),
        };
        let shared = Shared::new(holding, session.recorder.clone());
        Self {
            session,
            shared,
            origin: OriginScript::default(),
            store: None,
            address: session.target.address(),
            matches: None,
            peers: Vec::new(),
            cache: None,
            secured: None,
        }
    }

    /// One of version 1.0 with so many blocks, of which the last is short and odd.
    #[must_use]
    pub fn blocks(session: &'a Session<'a, Client>, blocks: usize) -> Self {
        Self::new(session, Version::V1, blocks * BLOCK_BYTES - 12_345)
    }

    /// One of version 2.0 with so many segments, of which the last is short and odd.
    #[must_use]
    pub fn segments(session: &'a Session<'a, Client>, segments: usize) -> Self {
        Self::new(session, Version::V2, segments * SEGMENT_BYTES - 12_345)
    }

    /// The same, where origin, peers and hosted cache listen at the loopback address of IPv6. Probes go over IPv4 still.
    ///
    /// # Errors
    /// [`Stop::Skip`] where there is no such address, or the client is judged at another interface.
    pub fn over_ipv6(mut self) -> Result<Self, Stop> {
        self.address = IpAddr::V6(Ipv6Addr::LOCALHOST);
        if !self.session.target.interface.is_loopback() {
            let why = "needs a client that is judged at the loopback interface";
            return Err(Stop::Skip(why.to_owned()));
        }
        match TcpListener::bind((self.address, 0)) {
            Ok(_) => Ok(self),
            Err(error) => Err(Stop::Skip(format!(
                "the loopback interface has no IPv6: {error}"
            ))),
        }
    }

    /// Its version.
    #[must_use]
    pub fn version(&self) -> Version {
        self.shared.holding.info.version
    }

    /// The ids of its segments.
    #[must_use]
    pub fn ids(&self) -> Vec<Vec<u8>> {
        let segments = &self.shared.holding.info.segments;
        segments.iter().map(Segment::id).collect()
    }

    /// Starts a peer that answers so; the responder announces it.
    ///
    /// # Errors
    /// [`Stop::Inconclusive`] where no port is free.
    pub fn peer(&mut self, script: impl PeerScript) -> Result<SocketAddr, Stop> {
        self.start_peer(script, true)
    }

    /// Starts a peer that the responder announces only as the case says.
    ///
    /// # Errors
    /// [`Stop::Inconclusive`] where no port is free.
    pub fn hidden_peer(&mut self, script: impl PeerScript) -> Result<SocketAddr, Stop> {
        self.start_peer(script, false)
    }

    fn start_peer(
        &mut self,
        script: impl PeerScript,
        is_announced: bool,
    ) -> Result<SocketAddr, Stop> {
        let number = self.peers.len();
        let listener = peer::start(
            self.address,
            Arc::clone(&self.shared),
            number,
            Arc::new(script),
        )
        .map_err(|error| Stop::Inconclusive(format!("a peer could not be started: {error}")))?;
        let address = listener.address;
        self.peers.push((listener, is_announced));
        Ok(address)
    }

    /// Has the responder announce peers otherwise than honestly.
    pub fn announce(
        &mut self,
        script: impl Fn(&Heard, &Shared) -> Vec<(Duration, Vec<u8>)> + Send + Sync + 'static,
    ) {
        self.matches = Some(Arc::new(script));
    }

    /// Starts a hosted cache.
    ///
    /// # Errors
    /// [`Stop::Inconclusive`] where no port is free.
    pub fn cache(&mut self, script: CacheScript) -> Result<SocketAddr, Stop> {
        let listener = cache::start(self.address, Arc::clone(&self.shared), script)
            .map_err(|error| Stop::Inconclusive(format!("no hosted cache: {error}")))?;
        let address = listener.address;
        self.cache = Some(listener);
        Ok(address)
    }

    /// Starts a hosted cache that gives blocks in clear and takes offers over TLS alone, as one of version 1.0 does.
    ///
    /// # Errors
    /// [`Stop::Inconclusive`] where no port is free, [`Stop::Unsupported`] where the client cannot be told of such a
    /// cache.
    pub fn secured_cache(
        &mut self,
        script: CacheScript,
        certificate: Certificate,
    ) -> Result<(), Stop> {
        self.how_secured()?;
        let address = self.address;
        let failed = |error| Stop::Inconclusive(format!("no hosted cache over TLS: {error}"));
        let secured = Secured::new(address, certificate).map_err(failed)?;
        let (shared, config) = (Arc::clone(&self.shared), Arc::clone(&secured.config));
        let listener = cache::start_tls(address, shared, script.clone(), config).map_err(failed)?;
        self.secured = Some((listener, secured));
        self.cache(script)?;
        Ok(())
    }

    fn how_secured(&self) -> Result<&'a How, Stop> {
        let how = self.session.target.secured.as_ref();
        let how = how.ok_or("needs a command for a hosted cache that is offered version 1.0");
        let how = how.and_then(|how| match how.takes("cacert") {
            true => Ok(how),
            false => Err("the command for version 1.0 has no {cacert}, the root to be trusted"),
        });
        how.map_err(|why| Stop::Unsupported(why.to_owned()))
    }

    /// Runs the client to its end.
    ///
    /// # Errors
    /// [`Stop::Inconclusive`] where it cannot be started, [`Stop::Unsupported`] where it says so, [`Stop::Skip`] where
    /// it has no such mode.
    pub fn run(&mut self) -> Result<Outcome, Stop> {
        let target = self.session.target;
        let how = match (&self.cache, &self.secured) {
            (None, _) => &target.distributed,
            (Some(_), Some(_)) => self.how_secured()?,
            (Some(_), None) => target
                .hosted
                .as_ref()
                .ok_or_else(|| Stop::Skip("needs a command for a hosted cache".to_owned()))?,
        };
        let origin = origin::start(self.address, Arc::clone(&self.shared), self.origin.clone())
            .map_err(|error| Stop::Inconclusive(format!("no origin: {error}")))?;
        let announced = self.peers.iter().filter(|(_, is_announced)| *is_announced);
        let announced: Vec<SocketAddr> = announced.map(|(peer, _)| peer.address).collect();
        let script = self
            .matches
            .clone()
            .unwrap_or_else(|| responder::honest(announced));
        let _responder = Responder::register(target.interface, Arc::clone(&self.shared), script)
            .map_err(Stop::Inconclusive)?;
        let folder = Folder::new()
            .map_err(|error| Stop::Inconclusive(format!("no folder for the file: {error}")))?;
        let roots = folder.path().join("root.pem");
        if let Some((_, secured)) = &self.secured {
            fs::write(&roots, &secured.root)
                .map_err(|error| Stop::Inconclusive(format!("no file for the root: {error}")))?;
        }
        let hosted = self.cache.as_ref().map(|cache| Cache {
            clear: cache.address,
            tls: self.secured.as_ref().map(|(listener, _)| TlsCache {
                address: listener.address,
                roots,
            }),
        });
        let job = Job {
            url: format!("http://{}/content.bin", origin.address),
            out: folder.path().join("content.bin"),
            version: self.version(),
            hosted,
            interface: target.interface,
            store: self
                .store
                .clone()
                .unwrap_or_else(|| folder.path().join("store")),
        };
        let ended = how.run(&job, PATIENCE).map_err(|error| {
            Stop::Inconclusive(format!("the client could not be started: {error}"))
        })?;
        let flow = self.session.recorder.command();
        flow.received(ended.said.as_bytes());
        self.session.recorder.note(format!(
            "the client ended with status {:?} after {:?}",
            ended.status, ended.took
        ));
        if ended.status == Some(command::UNSUPPORTED) {
            return Err(Stop::Unsupported(ended.said.trim().to_owned()));
        }
        let file = fs::read(&job.out).ok();
        // What it closed with its end is noted by those at the other end.
        drop(origin);
        let seen = std::mem::take(&mut *self.shared.seen());
        Ok(Outcome { ended, file, seen })
    }
}
