//! The responder of all cases: one socket in the group of WS-Discovery, and who of the cases a probe is for.
//! Invariant: a datagram goes to the world whose segment ids are in it, however it is written, and to no other.
//! Byte order: none.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

use super::Shared;
use crate::evidence::record::{Flow, Transport};
use crate::wire::Malformed;
use crate::wire::content_info::Version;
use crate::wire::digest::Algorithm;
use crate::wire::discovery::{GROUP_V4, MatchDraft, PORT};
use crate::wire::probe::Probe;
use crate::wire::text::{from_base64, from_hex, uuid};

/// Bytes of a segment id that are looked for in datagrams.
const KNOWN_BY: usize = 12;

/// What answers a probe: datagrams, and after how long each.
pub type MatchScript = Arc<dyn Fn(&Heard, &Shared) -> Vec<(Duration, Vec<u8>)> + Send + Sync>;

/// A datagram with segment ids of a world in it.
#[derive(Debug, Clone)]
pub struct Heard {
    /// When, since the world began.
    pub at: Duration,
    /// Where it came from.
    pub from: SocketAddr,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// What it reads as.
    pub probe: Result<Probe, Malformed>,
    /// How many came before in this world.
    pub number: usize,
}

impl Heard {
    /// The MessageID.
    #[must_use]
    pub fn message_id(&self) -> &str {
        self.probe.as_ref().map_or("", |probe| &probe.message_id)
    }

    /// The ids that it lists, none where it cannot be read.
    #[must_use]
    pub fn ids(&self) -> Vec<Vec<u8>> {
        let ids = self.probe.as_ref().ok().and_then(|probe| probe.ids().ok());
        ids.unwrap_or_default()
    }

    /// A match of a peer for those segments of the probe that `holds` says.
    #[must_use]
    pub fn matched(
        &self,
        shared: &Shared,
        addresses: &str,
        holds: impl Fn(&[u8]) -> bool,
    ) -> Option<MatchDraft> {
        let version = self.probe.as_ref().ok()?.version()?;
        let ids = self.ids();
        let segments = &shared.holding.info.segments;
        let held = |id: &[u8]| {
            let known = segments.iter().find(|segment| segment.id() == id);
            known.filter(|_| holds(id))
        };
        let mut matched = match version {
            Version::V1 => {
                let found = ids
                    .iter()
                    .filter_map(|id| Some((id.clone(), held(id)?.blocks())));
                let found: Vec<_> = found.collect();
                MatchDraft::v1(shared.fresh(), self.message_id(), addresses, &found)
            }
            Version::V2 => {
                let found: Vec<bool> = ids.iter().map(|id| held(id).is_some()).collect();
                MatchDraft::v2(shared.fresh(), self.message_id(), addresses, &found)
            }
        };
        // A peer has one name, however often it answers.
        let named = Algorithm::Sha256.hash(addresses.as_bytes());
        matched.address = uuid(*named.first_chunk()?);
        Some(matched)
    }
}

/// Announces peers for everything.
pub(crate) fn honest(peers: Vec<SocketAddr>) -> MatchScript {
    Arc::new(move |heard, shared| {
        let matches = peers.iter().filter_map(|peer| {
            let matched = heard.matched(shared, &peer.to_string(), |_| true)?;
            Some((Duration::from_millis(5), matched.to_bytes()))
        });
        matches.collect()
    })
}

/// The worlds that there are.
#[derive(Default)]
struct Members {
    /// Whose a segment is, by the first bytes of its id.
    owners: BTreeMap<Vec<u8>, usize>,
    /// Who answers for a world.
    answering: BTreeMap<usize, Sender<(SocketAddr, Vec<u8>)>>,
}

struct Group {
    /// Where its matches come from; the socket itself is bound to the group.
    interface: Ipv4Addr,
    socket: UdpSocket,
    members: Mutex<Members>,
}

impl Group {
    fn members(&self) -> MutexGuard<'_, Members> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hear(&self) {
        let mut buffer = vec![0; 65_536];
        loop {
            let Ok((count, from)) = self.socket.recv_from(&mut buffer) else {
                thread::sleep(Duration::from_millis(10));
                continue;
            };
            let bytes = buffer.get(..count).unwrap_or_default();
            let parts = decoded(bytes);
            let members = self.members();
            let owner = |part: &Vec<u8>| {
                let mut windows = part.windows(KNOWN_BY);
                windows.find_map(|window| members.owners.get(window))
            };
            let owner = parts.iter().find_map(owner);
            if let Some(to) = owner.and_then(|owner| members.answering.get(owner)) {
                // One whose case is over does not hear it.
                let _ = to.send((from, bytes.to_vec()));
            }
        }
    }
}

/// All that could be hexadecimal or base64 in a datagram, decoded: a probe that is wrong is still somebody's. So what is
/// behind the last whole group of base64 does not matter.
fn decoded(datagram: &[u8]) -> Vec<Vec<u8>> {
    let text = String::from_utf8_lossy(datagram);
    let words = text.split(|c: char| c.is_whitespace() || c == '<' || c == '>');
    let long = words.filter(|word| word.len() >= 2 * KNOWN_BY);
    let read = |word: &str| {
        let digits = word.trim_end_matches('=');
        let groups = digits.get(..digits.len() / 4 * 4).unwrap_or_default();
        [from_hex(word), from_base64(groups)]
    };
    long.flat_map(read).flatten().collect()
}

/// The socket, which every case of the process shares.
fn group(interface: Ipv4Addr) -> Result<Arc<Group>, String> {
    static GROUPS: Mutex<BTreeMap<Ipv4Addr, Arc<Group>>> = Mutex::new(BTreeMap::new());
    let mut groups = GROUPS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(group) = groups.get(&interface) {
        return Ok(Arc::clone(group));
    }
    let open = || {
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_reuse_address(true)?;
        // Bound to the group alone, what others here are sent does not come by.
        let to = if cfg!(unix) {
            GROUP_V4
        } else {
            Ipv4Addr::UNSPECIFIED
        };
        socket.bind(&SocketAddrV4::new(to, PORT).into())?;
        socket.join_multicast_v4(&GROUP_V4, &interface)?;
        // What cannot be set is as large as the system has it.
        let _ = socket.set_recv_buffer_size(4 << 20);
        Ok::<_, std::io::Error>(UdpSocket::from(socket))
    };
    let socket = open().map_err(|error| {
        format!("cannot listen to {GROUP_V4} port {PORT} at interface {interface}: {error}")
    })?;
    let group = Arc::new(Group {
        interface,
        socket,
        members: Mutex::default(),
    });
    let listening = Arc::clone(&group);
    thread::spawn(move || listening.hear());
    groups.insert(interface, Arc::clone(&group));
    Ok(group)
}

/// Who answers probes of one world, until it is dropped.
pub(crate) struct Responder {
    group: Arc<Group>,
    number: usize,
}

impl Responder {
    pub(crate) fn register(
        interface: Ipv4Addr,
        shared: Arc<Shared>,
        script: MatchScript,
    ) -> Result<Self, String> {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let group = group(interface)?;
        let (to, heard) = mpsc::channel();
        let segments = shared.holding.info.segments.iter();
        let known_by = segments.map(|segment| segment.id().into_iter().take(KNOWN_BY).collect());
        {
            let mut members = group.members();
            let known_by = known_by.map(|known: Vec<u8>| (known, number));
            members.owners.extend(known_by);
            members.answering.insert(number, to);
        }
        let answering = Arc::clone(&group);
        thread::spawn(move || {
            for (count, (from, bytes)) in heard.into_iter().enumerate() {
                answer(&answering, &shared, &script, (count, from, bytes));
            }
        });
        Ok(Self { group, number })
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        let mut members = self.group.members();
        members.owners.retain(|_, owner| *owner != self.number);
        members.answering.remove(&self.number);
    }
}

fn answer(
    group: &Arc<Group>,
    shared: &Shared,
    script: &MatchScript,
    (number, from, bytes): (usize, SocketAddr, Vec<u8>),
) {
    let flow = |local: Ipv4Addr| {
        shared.recorder.flow(Flow {
            transport: Transport::Udp,
            local: SocketAddr::from((local, PORT)),
            remote: from,
        })
    };
    flow(GROUP_V4).received(&bytes);
    let heard = Heard {
        at: shared.age(),
        from,
        probe: Probe::read(&bytes),
        bytes,
        number,
    };
    shared.seen().probes.push(heard.clone());
    let answers = script(&heard, shared);
    let sending = Arc::clone(group);
    let flow = flow(group.interface);
    thread::spawn(move || {
        let mut waited = Duration::ZERO;
        for (after, datagram) in answers {
            thread::sleep(after.saturating_sub(waited));
            waited = waited.max(after);
            flow.sent(&datagram);
            // A client that is gone needs no match.
            let _ = sending.socket.send_to(&datagram, from);
        }
    });
}
