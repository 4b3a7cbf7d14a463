//! A socket of the judge for datagrams: what goes out and comes in is recorded, a flow for each other address.
//! Invariant: no call waits past its deadline; multicasts leave by the interface that was named and go no further.
//! Byte order: none.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, Socket, Type};

use crate::clock;
use crate::evidence::record::{Flow, FlowRecorder, Recorder, Transport, What};

/// More than any datagram has.
const BUFFER_BYTES: usize = 65_536;

/// A datagram that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Datagram {
    /// Who sent it.
    pub from: SocketAddr,
    /// When it came.
    pub at: Instant,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// A socket that asks.
#[derive(Debug)]
pub struct Asker {
    socket: UdpSocket,
    local: SocketAddr,
    recorder: Recorder,
    flows: Mutex<BTreeMap<SocketAddr, FlowRecorder>>,
}

impl Asker {
    /// At a free port of an address of this machine, or of any where `to` is of another family.
    ///
    /// # Errors
    /// That of the system.
    pub fn open(
        recorder: &Recorder,
        interface: IpAddr,
        to: SocketAddr,
        interface_v6: u32,
    ) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(to), Type::DGRAM, Some(Protocol::UDP))?;
        let own: IpAddr = match (interface, to) {
            (IpAddr::V4(own), SocketAddr::V4(_)) => {
                socket.set_multicast_loop_v4(true)?;
                socket.set_multicast_ttl_v4(1)?;
                socket.set_multicast_if_v4(&own)?;
                own.into()
            }
            (_, SocketAddr::V4(_)) => std::net::Ipv4Addr::UNSPECIFIED.into(),
            (own, SocketAddr::V6(_)) => {
                socket.set_only_v6(true)?;
                socket.set_multicast_loop_v6(true)?;
                socket.set_multicast_hops_v6(1)?;
                socket.set_multicast_if_v6(interface_v6)?;
                match own {
                    IpAddr::V6(own) if !own.is_unicast_link_local() => own.into(),
                    _ => Ipv6Addr::UNSPECIFIED.into(),
                }
            }
        };
        socket.bind(&SocketAddr::new(own, 0).into())?;
        let socket = UdpSocket::from(socket);
        Ok(Self {
            local: socket.local_addr()?,
            socket,
            recorder: recorder.clone(),
            flows: Mutex::default(),
        })
    }

    /// Its own address.
    #[must_use]
    pub const fn local(&self) -> SocketAddr {
        self.local
    }

    fn flow(&self, remote: SocketAddr) -> FlowRecorder {
        let mut flows = self.flows.lock().unwrap_or_else(PoisonError::into_inner);
        let flow = flows.entry(remote).or_insert_with(|| {
            self.recorder.flow(Flow {
                transport: Transport::Udp,
                local: self.local,
                remote,
            })
        });
        flow.clone()
    }

    /// Sends a datagram.
    ///
    /// # Errors
    /// That of the system.
    pub fn send(&self, bytes: &[u8], to: SocketAddr) -> io::Result<()> {
        self.flow(to).sent(bytes);
        // What the system says of an earlier datagram, as that nobody took it, says nothing of this one.
        let sent = match self.socket.send_to(bytes, to) {
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
                self.socket.send_to(bytes, to)
            }
            other => other,
        };
        sent.map(|_| ())
    }

    /// Waits for a datagram until `deadline`.
    pub fn next(&self, deadline: Instant) -> Option<Datagram> {
        let mut buffer = vec![0; BUFFER_BYTES];
        loop {
            let left = deadline.saturating_duration_since(clock::now());
            if left.is_zero() || self.socket.set_read_timeout(Some(left)).is_err() {
                return None;
            }
            match self.socket.recv_from(&mut buffer) {
                Ok((length, from)) => {
                    let at = clock::now();
                    buffer.truncate(length);
                    self.flow(from).received(&buffer);
                    return Some(Datagram {
                        from,
                        at,
                        bytes: buffer,
                    });
                }
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    return None;
                }
                // Such as the word that nobody took what was sent: what is awaited may come all the same.
                Err(_) => std::thread::sleep(Duration::from_millis(1)),
            }
        }
    }

    /// Records that nothing came in a time.
    pub fn silent(&self, waited: Duration) {
        let flows = self.flows.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flow) = flows.values().next() {
            flow.add(What::Silence(waited));
        }
    }
}
