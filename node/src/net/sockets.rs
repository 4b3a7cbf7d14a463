//! The network of the machine: tokio's sockets.
//! Invariant: options that were asked for and could not be set are an error, never a socket without them.
//! Byte order: none.

use std::io;
use std::net::{IpAddr, SocketAddr};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream, UdpSocket};

use super::{Datagrams, Interface, Listener, Network, UdpOptions};

/// Connections that the system keeps waiting until they are accepted.
const BACKLOG: i32 = 1024;

/// The network of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct TokioNetwork;

impl Network for TokioNetwork {
    type TcpStream = TcpStream;
    type TcpListener = TcpListener;
    type UdpSocket = UdpSocket;

    async fn connect(&self, to: SocketAddr) -> io::Result<TcpStream> {
        let stream = TcpStream::connect(to).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    async fn listen(&self, at: SocketAddr) -> io::Result<TcpListener> {
        let socket = Socket::new(Domain::for_address(at), Type::STREAM, Some(Protocol::TCP))?;
        // A server that is started again gets its port back at once.
        socket.set_reuse_address(true)?;
        if at.is_ipv6() {
            // One family a listener, whatever the system's setting: 0.0.0.0 can be listened on beside it.
            socket.set_only_v6(true)?;
        }
        socket.set_nonblocking(true)?;
        socket.bind(&at.into())?;
        socket.listen(BACKLOG)?;
        TcpListener::from_std(socket.into())
    }

    async fn bind_udp(&self, at: SocketAddr, options: UdpOptions) -> io::Result<UdpSocket> {
        let socket = Socket::new(Domain::for_address(at), Type::DGRAM, Some(Protocol::UDP))?;
        if options.shared {
            socket.set_reuse_address(true)?;
        }
        if at.is_ipv6() {
            socket.set_only_v6(true)?;
            socket.set_multicast_loop_v6(options.multicast_loop)?;
            socket.set_multicast_hops_v6(options.multicast_ttl)?;
            if options.interface.index != 0 {
                socket.set_multicast_if_v6(options.interface.index)?;
            }
        } else {
            socket.set_multicast_loop_v4(options.multicast_loop)?;
            socket.set_multicast_ttl_v4(options.multicast_ttl)?;
            if !options.interface.v4.is_unspecified() {
                socket.set_multicast_if_v4(&options.interface.v4)?;
            }
        }
        socket.set_nonblocking(true)?;
        socket.bind(&at.into())?;
        UdpSocket::from_std(socket.into())
    }

    async fn lookup(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        if let Ok(address) = host.trim_matches(['[', ']']).parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, port)]);
        }
        Ok(tokio::net::lookup_host((host, port)).await?.collect())
    }
}

impl Listener for TcpListener {
    type Stream = TcpStream;

    async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let (stream, from) = Self::accept(self).await?;
        // A head and the start of a body go out in two writes: the second must not wait for an acknowledgement.
        let _ = stream.set_nodelay(true);
        Ok((stream, from))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Self::local_addr(self)
    }
}

impl Datagrams for UdpSocket {
    async fn send_to(&self, datagram: &[u8], to: SocketAddr) -> io::Result<usize> {
        Self::send_to(self, datagram, to).await
    }

    async fn recv_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        Self::recv_from(self, buffer).await
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Self::local_addr(self)
    }

    fn join(&self, group: IpAddr, on: Interface) -> io::Result<()> {
        match group {
            IpAddr::V4(group) => self.join_multicast_v4(group, on.v4),
            IpAddr::V6(group) => self.join_multicast_v6(&group, on.index),
        }
    }

    fn leave(&self, group: IpAddr, on: Interface) -> io::Result<()> {
        match group {
            IpAddr::V4(group) => self.leave_multicast_v4(group, on.v4),
            IpAddr::V6(group) => self.leave_multicast_v6(&group, on.index),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};
    use std::time::Duration;

    use super::*;

    async fn echo(at: SocketAddr) {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let network = TokioNetwork;
        let listener = network.listen(at).await.unwrap();
        let address = Listener::local_addr(&listener).unwrap();
        assert_ne!(address.port(), 0);
        let (mut near, (mut far, _)) =
            tokio::try_join!(network.connect(address), Listener::accept(&listener)).unwrap();
        near.write_all(b"abc").await.unwrap();
        let mut got = [0; 3];
        far.read_exact(&mut got).await.unwrap();
        assert_eq!(&got, b"abc");
    }

    #[tokio::test]
    async fn connections_carry_bytes_over_both_families() {
        echo((Ipv4Addr::LOCALHOST, 0).into()).await;
        let network = TokioNetwork;
        let v6 = (Ipv6Addr::LOCALHOST, 0).into();
        match network.listen(v6).await {
            Ok(_) => echo(v6).await,
            Err(error) => eprintln!("NOT RUN: connections over IPv6: {error}"),
        }
    }

    #[tokio::test]
    async fn addresses_in_text_are_looked_up_without_asking_anybody() {
        let network = TokioNetwork;
        let v4 = network.lookup("127.0.0.1", 80).await.unwrap();
        assert_eq!(v4, [(Ipv4Addr::LOCALHOST, 80).into()]);
        let v6 = network.lookup("[::1]", 80).await.unwrap();
        assert_eq!(v6, [(Ipv6Addr::LOCALHOST, 80).into()]);
    }

    #[tokio::test]
    async fn a_group_on_the_loopback_interface_reaches_all_who_joined_it() {
        let network = TokioNetwork;
        let group = IpAddr::V4(Ipv4Addr::new(239, 255, 255, 250));
        let interface = Interface {
            v4: Ipv4Addr::LOCALHOST,
            index: 0,
        };
        let options = UdpOptions {
            shared: true,
            interface,
            ..UdpOptions::default()
        };
        let any = (Ipv4Addr::UNSPECIFIED, 0).into();
        let one = network.bind_udp(any, options).await.unwrap();
        let port = Datagrams::local_addr(&one).unwrap().port();
        let same = (Ipv4Addr::UNSPECIFIED, port).into();
        let two = network.bind_udp(same, options).await.unwrap();
        for socket in [&one, &two] {
            if let Err(error) = socket.join(group, interface) {
                eprintln!("NOT RUN: multicast on the loopback interface: {error}");
                return;
            }
        }
        let sender = network.bind_udp(any, options).await.unwrap();
        Datagrams::send_to(&sender, b"probe", (group, port).into())
            .await
            .unwrap();
        for socket in [&one, &two] {
            let mut buffer = [0; 16];
            let received = Datagrams::recv_from(socket, &mut buffer);
            let (length, _) = tokio::time::timeout(Duration::from_secs(5), received)
                .await
                .unwrap()
                .unwrap();
            assert_eq!(&buffer[..length], b"probe");
            socket.leave(group, interface).unwrap();
        }
    }
}
