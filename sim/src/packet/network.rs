//! Node's network on turmoil's sockets, as one host sees it.
//! Invariant: what is sent leaves over the host's links and comes over the receiver's; groups end at the site.
//! Byte order: little-endian before each datagram: its arrival (u64).

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::{Buf, BufMut, BytesMut};
use peerdist_node::net::{Datagrams, Interface, Listener, Network, UdpOptions};
use turmoil::net::{TcpListener, TcpStream, UdpSocket};

use super::stream::ShapedStream;
use super::trace::Event;
use super::wires::{Wires, instant_of, now};

/// The longest datagram of IPv4, and what stands before it.
const DATAGRAM_BYTES_MOST: usize = 65_507 + 8;
/// Bytes of datagrams that wait for a reader; what comes then is dropped, as systems do.
const WAITING_BYTES_MOST: usize = 1 << 20;

/// The network as a host sees it.
#[derive(Debug, Clone)]
pub(super) struct HostNetwork {
    pub(super) wires: Wires,
    pub(super) address: IpAddr,
}

impl HostNetwork {
    /// turmoil binds all addresses of a host or none, and a host has one.
    fn at(&self, at: SocketAddr) -> io::Result<SocketAddr> {
        if !at.ip().is_unspecified() && at.ip() != self.address {
            let why = format!("{} has no address {}", self.address, at.ip());
            return Err(io::Error::new(io::ErrorKind::AddrNotAvailable, why));
        }
        if at.is_ipv6() {
            let why = format!("{} speaks IPv4 alone", self.address);
            return Err(io::Error::new(io::ErrorKind::AddrNotAvailable, why));
        }
        Ok(SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), at.port()))
    }
}

impl Network for HostNetwork {
    type TcpStream = ShapedStream;
    type TcpListener = ShapedListener;
    type UdpSocket = ShapedDatagrams;

    async fn connect(&self, to: SocketAddr) -> io::Result<ShapedStream> {
        while let Some(until) = self.wires.blocked_until(self.address, to.ip()) {
            tokio::time::sleep_until(instant_of(until)).await;
        }
        let connected = TcpStream::connect(to).await;
        let answered = now() + self.wires.round_trip(self.address, to.ip());
        tokio::time::sleep_until(instant_of(answered)).await;
        let stream = connected?;
        let from = stream.local_addr()?;
        self.wires.note(Event::Connected { from, to });
        ShapedStream::new(stream, &self.wires)
    }

    async fn listen(&self, at: SocketAddr) -> io::Result<ShapedListener> {
        Ok(ShapedListener {
            inner: TcpListener::bind(self.at(at)?).await?,
            wires: self.wires.clone(),
            asked: at.ip(),
        })
    }

    async fn bind_udp(&self, at: SocketAddr, options: UdpOptions) -> io::Result<ShapedDatagrams> {
        Ok(ShapedDatagrams {
            inner: UdpSocket::bind(self.at(at)?).await?,
            network: self.clone(),
            hears_itself: options.multicast_loop,
            groups: Mutex::default(),
            waiting: Mutex::default(),
        })
    }

    async fn lookup(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        match host.trim_matches(['[', ']']).parse() {
            Ok(address) => Ok(vec![SocketAddr::new(address, port)]),
            Err(_) => Err(io::Error::new(
                io::ErrorKind::NotFound,
                format!("no host is called {host}; hosts here are known by their addresses"),
            )),
        }
    }
}

/// Accepts connections.
pub(super) struct ShapedListener {
    inner: TcpListener,
    wires: Wires,
    asked: IpAddr,
}

impl Listener for ShapedListener {
    type Stream = ShapedStream;

    async fn accept(&self) -> io::Result<(ShapedStream, SocketAddr)> {
        let (stream, from) = self.inner.accept().await?;
        Ok((ShapedStream::accepted(stream, &self.wires)?, from))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        let port = self.inner.local_addr()?.port();
        Ok(SocketAddr::new(self.asked, port))
    }
}

/// Sends and receives datagrams.
#[derive(Debug)]
pub(super) struct ShapedDatagrams {
    inner: UdpSocket,
    network: HostNetwork,
    hears_itself: bool,
    groups: Mutex<Vec<SocketAddr>>,
    waiting: Mutex<Waiting>,
}

/// Datagrams that are still on their way, by the moment at which they go on.
#[derive(Debug, Default)]
struct Waiting {
    by_moment: BTreeMap<(u64, u64), Arriving>,
    bytes: usize,
    count: u64,
}

#[derive(Debug)]
struct Arriving {
    from: SocketAddr,
    bytes: Vec<u8>,
    /// Whether it has passed the last link.
    is_there: bool,
}

impl Waiting {
    fn put(&mut self, moment: u64, arriving: Arriving) {
        self.count += 1;
        self.bytes += arriving.bytes.len();
        self.by_moment.insert((moment, self.count), arriving);
    }

    fn take_due(&mut self, now: u64) -> Option<(u64, Arriving)> {
        let first = self.by_moment.first_entry()?;
        let moment = first.key().0;
        if moment > now {
            return None;
        }
        let arriving = first.remove();
        self.bytes -= arriving.bytes.len();
        Some((moment, arriving))
    }

    fn next(&self) -> Option<u64> {
        self.by_moment.keys().next().map(|(moment, _)| *moment)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ShapedDatagrams {
    /// The next datagram that is there.
    fn due(&self) -> Option<Arriving> {
        let mut waiting = locked(&self.waiting);
        while let Some((moment, mut arriving)) = waiting.take_due(now()) {
            if arriving.is_there {
                return Some(arriving);
            }
            let bytes = arriving.bytes.len() as u64;
            let HostNetwork { wires, address } = &self.network;
            let there = wires.receive(*address, arriving.from.ip(), moment, bytes);
            arriving.is_there = true;
            waiting.put(there, arriving);
        }
        None
    }

    fn keep(&self, mut datagram: &[u8], from: SocketAddr) {
        let mut waiting = locked(&self.waiting);
        if let Ok(arrives) = datagram.try_get_u64_le()
            && waiting.bytes + datagram.len() <= WAITING_BYTES_MOST
        {
            let arriving = Arriving {
                from,
                bytes: datagram.to_vec(),
                is_there: false,
            };
            waiting.put(arrives, arriving);
        }
    }
}

impl Datagrams for ShapedDatagrams {
    async fn send_to(&self, datagram: &[u8], to: SocketAddr) -> io::Result<usize> {
        if datagram.len() + 8 > DATAGRAM_BYTES_MOST {
            let why = format!("a datagram has no room for {} bytes", datagram.len());
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
        let HostNetwork { wires, address } = &self.network;
        let from = SocketAddr::new(*address, self.inner.local_addr()?.port());
        let bytes = datagram.len() as u64;
        for (to, arrives) in wires.datagram(from, to, bytes, self.hears_itself) {
            let mut framed = BytesMut::with_capacity(8 + datagram.len());
            framed.put_u64_le(arrives);
            framed.put_slice(datagram);
            self.inner.send_to(&framed, to).await?;
        }
        Ok(datagram.len())
    }

    async fn recv_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        let mut framed = vec![0; DATAGRAM_BYTES_MOST];
        loop {
            if let Some(arriving) = self.due() {
                let some = arriving.bytes.len().min(buffer.len());
                if let (Some(to), Some(bytes)) =
                    (buffer.get_mut(..some), arriving.bytes.get(..some))
                {
                    to.copy_from_slice(bytes);
                }
                return Ok((some, arriving.from));
            }
            let next = locked(&self.waiting).next();
            let due = async {
                match next {
                    Some(moment) => tokio::time::sleep_until(instant_of(moment)).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                received = self.inner.recv_from(&mut framed) => {
                    let (length, from) = received?;
                    self.keep(framed.get(..length).unwrap_or_default(), from);
                }
                () = due => {}
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }

    fn join(&self, group: IpAddr, _: Interface) -> io::Result<()> {
        let group = SocketAddr::new(group, self.inner.local_addr()?.port());
        self.network.wires.join(self.network.address, group);
        locked(&self.groups).push(group);
        Ok(())
    }

    fn leave(&self, group: IpAddr, _: Interface) -> io::Result<()> {
        let group = SocketAddr::new(group, self.inner.local_addr()?.port());
        self.network.wires.leave(self.network.address, group);
        Ok(())
    }
}

impl Drop for ShapedDatagrams {
    fn drop(&mut self) {
        for group in locked(&self.groups).iter() {
            self.network.wires.leave(self.network.address, *group);
        }
    }
}
