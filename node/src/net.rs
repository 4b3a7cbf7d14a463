//! The network as node sees it: a trait, so that the same servers run on real sockets and on simulated ones.
//! Invariant: nothing else in node opens a socket or looks up a name.
//! Byte order: none.

use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use tokio::io::{AsyncRead, AsyncWrite};

pub mod interfaces;
mod sockets;

pub use sockets::TokioNetwork;

/// What can be connected to, listened on, and spoken to in datagrams.
pub trait Network: Clone + Send + Sync + 'static {
    /// A connection.
    type TcpStream: AsyncRead + AsyncWrite + Unpin + Send + 'static;
    /// What accepts connections.
    type TcpListener: Listener<Stream = Self::TcpStream>;
    /// What sends and receives datagrams.
    type UdpSocket: Datagrams;

    /// Connects; without a time limit of its own.
    fn connect(&self, to: SocketAddr) -> impl Future<Output = io::Result<Self::TcpStream>> + Send;

    /// Listens; port 0 takes one that is free.
    fn listen(&self, at: SocketAddr) -> impl Future<Output = io::Result<Self::TcpListener>> + Send;

    /// Binds a socket for datagrams; port 0 takes one that is free.
    fn bind_udp(
        &self,
        at: SocketAddr,
        options: UdpOptions,
    ) -> impl Future<Output = io::Result<Self::UdpSocket>> + Send;

    /// The addresses of a host, which may be a name or an address in text.
    fn lookup(
        &self,
        host: &str,
        port: u16,
    ) -> impl Future<Output = io::Result<Vec<SocketAddr>>> + Send;
}

/// What accepts connections.
pub trait Listener: Send + Sync + 'static {
    /// A connection.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// The next connection, and from where it came.
    fn accept(&self) -> impl Future<Output = io::Result<(Self::Stream, SocketAddr)>> + Send;

    /// Where it listens.
    ///
    /// # Errors
    /// Those of the system.
    fn local_addr(&self) -> io::Result<SocketAddr>;
}

/// A network interface, as multicast names it: by an address for IPv4, by its index for IPv6.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interface {
    /// An address of it; unspecified leaves the choice to the system.
    pub v4: Ipv4Addr,
    /// Its index; 0 leaves the choice to the system.
    pub index: u32,
}

impl Default for Interface {
    fn default() -> Self {
        Self {
            v4: Ipv4Addr::UNSPECIFIED,
            index: 0,
        }
    }
}

/// How a socket for datagrams is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UdpOptions {
    /// Whether others on this machine may bind the same port, as all who listen to a multicast group do.
    pub shared: bool,
    /// Whether what is sent to a group also reaches this machine.
    pub multicast_loop: bool,
    /// Routers that a datagram to a group passes, and one: 1 stays on the local subnet.
    pub multicast_ttl: u32,
    /// The interface that datagrams to a group leave by.
    pub interface: Interface,
}

impl Default for UdpOptions {
    fn default() -> Self {
        Self {
            shared: false,
            multicast_loop: true,
            multicast_ttl: 1,
            interface: Interface::default(),
        }
    }
}

/// What sends and receives datagrams.
pub trait Datagrams: Send + Sync + 'static {
    /// Sends one datagram.
    fn send_to(
        &self,
        datagram: &[u8],
        to: SocketAddr,
    ) -> impl Future<Output = io::Result<usize>> + Send;

    /// Receives one datagram; what does not fit is lost.
    fn recv_from(
        &self,
        buffer: &mut [u8],
    ) -> impl Future<Output = io::Result<(usize, SocketAddr)>> + Send;

    /// Where it is bound.
    ///
    /// # Errors
    /// Those of the system.
    fn local_addr(&self) -> io::Result<SocketAddr>;

    /// Joins a multicast group on an interface.
    ///
    /// # Errors
    /// Those of the system.
    fn join(&self, group: IpAddr, on: Interface) -> io::Result<()>;

    /// Leaves a multicast group.
    ///
    /// # Errors
    /// Those of the system.
    fn leave(&self, group: IpAddr, on: Interface) -> io::Result<()>;
}
