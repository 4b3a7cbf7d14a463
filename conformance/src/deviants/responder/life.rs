//! Its life: it fetches in front of others, serves what it fetched, and is started again.
//! Invariant: it stays silent as appendix <8> of MS-PCCRD says, by what it heard when it fetched.
//! Byte order: none.

use std::collections::BTreeMap;
use std::net::{SocketAddrV4, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{fs, io};

use socket2::SockRef;

use super::answering::{fresh, random};
use super::{INSTANCE, Mistake, Running};
use crate::clock;
use crate::evidence::record::Recorder;
use crate::targets::client::{Download, How, Job};
use crate::targets::connection::{Answer, Connection};
use crate::targets::life::{Life, Serve, Serves, Serving};
use crate::targets::peer::Holding;
use crate::wire::content_info::{ContentInfo, Version};
use crate::wire::discovery::{self, GROUP_V4, Match, PORT, Prefixes};
use crate::wire::http;
use crate::wire::location;
use crate::wire::text::from_base64;

/// How long it listens for others.
const LISTENING: Duration = Duration::from_millis(400);
/// How long the origin may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// n of appendix <8>.
const ENOUGH: usize = 10;

/// What others said of something when it was fetched.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Crowd {
    peers: usize,
    /// Those that had all of it.
    with_all: usize,
}

impl Crowd {
    /// Whether the probe of that number is answered.
    pub(super) fn lets_answer(self, number: u64, mistake: Option<Mistake>) -> bool {
        let enough = match mistake {
            Some(Mistake::SilentAfterFew) => 3,
            _ => ENOUGH,
        };
        if self.peers < enough {
            return true;
        }
        if self.with_all >= enough {
            return mistake == Some(Mistake::OftenAfterCrowd) && number.is_multiple_of(2);
        }
        if mistake == Some(Mistake::MostlyAfterParts) {
            return !number.is_multiple_of(4);
        }
        let drawn = random("chance").first().copied().unwrap_or_default();
        // A third of 256.
        drawn < 85
    }
}

/// What it fetched, by the folder that it is in.
#[derive(Debug)]
struct Living {
    mistake: Option<Mistake>,
    fetched: Mutex<BTreeMap<PathBuf, (Holding, Crowd)>>,
    starts: AtomicU64,
}

/// The life of a responder that is wrong in one way, or in none.
pub(super) fn life(mistake: Option<Mistake>) -> Life {
    let living = Arc::new(Living {
        mistake,
        fetched: Mutex::default(),
        starts: AtomicU64::new(0),
    });
    Life {
        fetch: How::InProcess(Arc::clone(&living) as Arc<dyn Download>),
        serve: Serve::InProcess(living),
    }
}

impl Living {
    fn fetched(&self) -> MutexGuard<'_, BTreeMap<PathBuf, (Holding, Crowd)>> {
        self.fetched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Download for Living {
    fn download(&self, job: &Job) -> io::Result<()> {
        let versions = match job.version {
            Version::V1 => "MinContentInformation=1.0, MaxContentInformation=1.0",
            Version::V2 => "MinContentInformation=1.0, MaxContentInformation=2.0",
        };
        let coded = [
            ("Accept-Encoding", "peerdist"),
            ("X-P2P-PeerDist", "Version=1.1"),
            ("X-P2P-PeerDistEx", versions),
        ];
        let info = ContentInfo::read(&body(job, &coded)?);
        let info = info.map_err(|error| io::Error::other(error.to_string()))?;
        let crowd = heard(job, &info)?;
        let content = body(job, &[])?;
        fs::write(&job.out, &content)?;
        let holding = Holding {
            info,
            content: Some(content),
        };
        self.fetched().insert(job.store.clone(), (holding, crowd));
        Ok(())
    }
}

fn body(job: &Job, fields: &[(&str, &str)]) -> io::Result<Vec<u8>> {
    let place = location::locate(&job.url).map_err(io::Error::other)?;
    let mut connection = Connection::open(&Recorder::new(), place.address)?;
    connection.send(&http::request("GET", &place.path, &place.host, fields, &[]))?;
    match connection.response(PATIENCE) {
        Answer::Response(response) if response.status() == 200 => Ok(response.body),
        other => Err(io::Error::other(format!("the origin answers {other:?}"))),
    }
}

/// Looks for peers, and counts them.
fn heard(job: &Job, info: &ContentInfo) -> io::Result<Crowd> {
    let socket = UdpSocket::bind((job.interface, 0))?;
    SockRef::from(&socket).set_multicast_if_v4(&job.interface)?;
    let ids: Vec<Vec<u8>> = info.segments.iter().map(|segment| segment.id()).collect();
    let blocks: u32 = info.segments.iter().map(|segment| segment.blocks()).sum();
    let scopes = discovery::scopes(info.version, &ids);
    let probe = discovery::probe(&Prefixes::USUAL, info.version, &fresh(), &scopes);
    socket.send_to(&probe.to_bytes(), SocketAddrV4::new(GROUP_V4, PORT))?;
    let mut crowd = Crowd::default();
    let deadline = clock::now() + LISTENING;
    let mut buffer = vec![0; 65_536];
    loop {
        let left = deadline.saturating_duration_since(clock::now());
        if left.is_zero() {
            return Ok(crowd);
        }
        socket.set_read_timeout(Some(left))?;
        let Ok((length, _)) = socket.recv_from(&mut buffer) else {
            return Ok(crowd);
        };
        let Ok(found) = Match::read(buffer.get(..length).unwrap_or_default()) else {
            continue;
        };
        crowd.peers += 1;
        let has_all = match info.version {
            Version::V1 => found.block_counts == [format!("{blocks:08X}")],
            Version::V2 => from_base64(&found.scopes).is_some_and(|bits| bits == [0b1100_0000]),
        };
        crowd.with_all += usize::from(has_all);
    }
}

impl Serves for Living {
    fn serve(&self, store: &Path) -> io::Result<Serving> {
        let fetched = self.fetched().get(store).cloned();
        let (holding, crowd) = fetched.ok_or_else(|| io::Error::other("nothing was fetched"))?;
        let start = self.starts.fetch_add(1, Ordering::Relaxed);
        let instance = match self.mistake {
            Some(Mistake::SameInstance) => INSTANCE,
            _ => INSTANCE + start,
        };
        let running = Running::start(&[holding], self.mistake, Some(crowd), instance)?;
        Ok(Serving {
            address: Some(running.address),
            keep: Box::new(running),
        })
    }
}
