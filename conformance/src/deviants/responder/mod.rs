//! A responder, right or wrong in one way.
//! Invariant: it answers on the loopback interface alone, for segments that no other stage has.
//! Byte order: none.

mod answering;
mod life;
mod mistakes;
mod reading;

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, TcpListener, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

pub use mistakes::{DEVIANTS, Mistake};

use super::Stage;
use crate::clock;
use crate::targets::Targets;
use crate::targets::peer::Holding;
use crate::targets::responder::Responder;
use crate::wire::content_info::ContentInfo;
use crate::wire::digest::Algorithm;
use crate::wire::discovery::{GROUP_V4, GROUP_V6, PORT};
use answering::{State, fresh, random};
use life::Crowd;

/// How long a socket waits before it looks whether the end has come.
const LOOK: Duration = Duration::from_millis(20);
/// Bytes of the content that it holds parts of: two blocks and a short one.
const CONTENT_BYTES: usize = 2 * 65_536 + 10_001;
/// The loopback interface, as Linux numbers it.
const LOOPBACK: u32 = 1;
/// The first InstanceId.
const INSTANCE: u64 = 1_000_000_000;

/// Starts one, with what it holds.
pub(super) fn stage(mistake: Option<Mistake>) -> io::Result<Stage> {
    let holdings = holdings();
    let running = Running::start(&holdings, mistake, None, INSTANCE)?;
    let address = Some(running.address);
    let mut target = Responder::at(address, Ipv4Addr::LOCALHOST.into(), holdings);
    target.interface_v6 = running.has_v6.then_some(LOOPBACK);
    target.life = Some(life::life(mistake));
    Ok(Stage {
        targets: Targets {
            responder: Some(target),
            ..Targets::default()
        },
        _keep: Box::new(running),
    })
}

/// Contents that nobody else on this machine has: several answer the same group.
fn holdings() -> Vec<Holding> {
    let content: Vec<u8> = random("content")
        .into_iter()
        .cycle()
        .take(CONTENT_BYTES)
        .collect();
    let key = random("key");
    let part = |bytes: usize| content.get(..bytes).unwrap_or_default();
    let infos = [
        ContentInfo::v1(&content, &key, Algorithm::Sha256),
        ContentInfo::v1(part(70_000), &key, Algorithm::Sha256),
        ContentInfo::v1(part(500), &key, Algorithm::Sha256),
        ContentInfo::v2(&content, &key, 70_001),
    ];
    let held = |info| Holding {
        info,
        content: None,
    };
    infos.into_iter().map(held).collect()
}

/// One that runs, until it is dropped.
#[derive(Debug)]
struct Running {
    address: SocketAddr,
    has_v6: bool,
    ends: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
    _listener: TcpListener,
}

impl Running {
    fn start(
        holdings: &[Holding],
        mistake: Option<Mistake>,
        crowd: Option<Crowd>,
        instance: u64,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let unicast = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = unicast.local_addr()?;
        let mut sockets = vec![unicast];
        // Many run at a time and share the group: one that answers what it has not would disturb all others.
        if matches!(mistake, None | Some(Mistake::GroupForV1)) {
            sockets.push(group_v4()?);
        }
        let v6 = mistake.is_none().then(group_v6).and_then(Result::ok);
        let has_v6 = v6.is_some();
        sockets.extend(v6);
        let segments = holdings.iter().flat_map(|holding| {
            let version = holding.info.version;
            let segments = holding.info.segments.iter();
            segments.map(move |segment| (segment.id(), version, segment.blocks()))
        });
        let state = Arc::new(State {
            segments: segments.collect(),
            mistake,
            crowd,
            instance,
            listener: listener.local_addr()?,
            address: fresh(),
            begun: clock::now(),
            number: AtomicU64::new(0),
            probes: AtomicU64::new(0),
            strangers: AtomicU64::new(0),
            has_ended: AtomicBool::new(false),
            seen: Mutex::default(),
        });
        let ends = Arc::new(AtomicBool::new(false));
        let run = |(place, socket): (usize, UdpSocket)| {
            let (state, ends) = (Arc::clone(&state), Arc::clone(&ends));
            thread::spawn(move || state.run(&socket, place > 0, &ends))
        };
        Ok(Self {
            address,
            has_v6,
            threads: sockets.into_iter().enumerate().map(run).collect(),
            ends,
            _listener: listener,
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Release);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn group_v4() -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_reuse_address(true)?;
    // Bound to the group and not to any address, so that unicasts to the port are left to others.
    socket.bind(&SocketAddr::from((GROUP_V4, PORT)).into())?;
    socket.join_multicast_v4(&GROUP_V4, &Ipv4Addr::LOCALHOST)?;
    Ok(socket.into())
}

/// The group of IPv6, where the loopback interface has one.
fn group_v6() -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::IPV6, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_reuse_address(true)?;
    socket.set_only_v6(true)?;
    socket.bind(&SocketAddr::from((Ipv6Addr::UNSPECIFIED, PORT)).into())?;
    socket.join_multicast_v6(&GROUP_V6, LOOPBACK)?;
    let asker = Socket::new(Domain::IPV6, Type::DGRAM, Some(Protocol::UDP))?;
    asker.set_multicast_if_v6(LOOPBACK)?;
    let group = SocketAddr::from(SocketAddrV6::new(GROUP_V6, PORT, 0, LOOPBACK));
    asker.send_to(b"is anybody there", &group.into())?;
    // Some systems take it, and then nobody gets it.
    let socket = UdpSocket::from(socket);
    socket.set_read_timeout(Some(LOOK))?;
    socket.recv_from(&mut [0; 64])?;
    Ok(socket)
}
