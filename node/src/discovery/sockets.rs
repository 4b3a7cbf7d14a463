//! The sockets of discovery: which there are for the interfaces that were chosen.
//! Invariant: at least one; a family that cannot be had is told, and an error only where there is no other.
//! Byte order: none.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use peerdist::discovery::{MULTICAST_V4, MULTICAST_V6, Subnet};

use crate::net::interfaces::LocalInterface;
use crate::net::{Datagrams, Interface, Network, UdpOptions};

/// The group of a family, at a port.
fn group(is_ipv4: bool, port: u16) -> SocketAddr {
    let group = if is_ipv4 { MULTICAST_V4 } else { MULTICAST_V6 };
    SocketAddr::new(group.ip(), port)
}

fn unspecified(is_ipv4: bool) -> IpAddr {
    match is_ipv4 {
        true => Ipv4Addr::UNSPECIFIED.into(),
        false => Ipv6Addr::UNSPECIFIED.into(),
    }
}

pub(super) fn subnets(interfaces: &[LocalInterface]) -> Vec<Subnet> {
    interfaces
        .iter()
        .flat_map(LocalInterface::subnets)
        .collect()
}

/// Sockets that hear what is sent to the groups: one of each family, a member on every interface.
pub(super) struct Listening<S> {
    pub(super) v4: Option<Arc<S>>,
    pub(super) v6: Option<Arc<S>>,
}

impl<S> Listening<S> {
    pub(super) const fn for_family_of(&self, address: SocketAddr) -> Option<&Arc<S>> {
        match address {
            SocketAddr::V4(_) => self.v4.as_ref(),
            SocketAddr::V6(_) => self.v6.as_ref(),
        }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<S>> {
        self.v4.iter().chain(&self.v6)
    }
}

pub(super) async fn listen<N: Network>(
    network: &N,
    interfaces: &[LocalInterface],
    port: u16,
) -> io::Result<Listening<N::UdpSocket>> {
    let mut first_error = None;
    let mut sockets = [None, None];
    for (is_ipv4, place) in [true, false].into_iter().zip(&mut sockets) {
        match listen_to_family(network, interfaces, port, is_ipv4).await {
            Ok(socket) => *place = socket.map(Arc::new),
            Err(error) => {
                tracing::warn!(is_ipv4, %error, "cannot listen for probes");
                first_error.get_or_insert(error);
            }
        }
    }
    let [v4, v6] = sockets;
    match (&v4, &v6, first_error) {
        (None, None, error) => Err(error.unwrap_or_else(no_interface)),
        _ => Ok(Listening { v4, v6 }),
    }
}

fn no_interface() -> io::Error {
    let why = "there is no interface with an address: none to search or to answer on";
    io::Error::new(io::ErrorKind::AddrNotAvailable, why)
}

async fn listen_to_family<N: Network>(
    network: &N,
    interfaces: &[LocalInterface],
    port: u16,
    is_ipv4: bool,
) -> io::Result<Option<N::UdpSocket>> {
    let speaking = interfaces.iter().filter(|one| one.speaks(is_ipv4));
    let members: Vec<_> = speaking.collect();
    if members.is_empty() {
        return Ok(None);
    }
    let options = UdpOptions {
        shared: true,
        ..UdpOptions::default()
    };
    let at = SocketAddr::new(unspecified(is_ipv4), port);
    let socket = network.bind_udp(at, options).await?;
    let group = group(is_ipv4, port).ip();
    let mut has_joined = false;
    let mut last_error = None;
    for member in members {
        match socket.join(group, member.interface) {
            Ok(()) => has_joined = true,
            Err(error) => {
                tracing::warn!(addresses = ?member.addresses, %error, "cannot join {group}");
                last_error = Some(error);
            }
        }
    }
    match last_error {
        Some(error) if !has_joined => Err(error),
        _ => Ok(Some(socket)),
    }
}

/// A socket that probes go out from, and where to.
pub(super) struct Asking<S> {
    pub(super) socket: Arc<S>,
    pub(super) group: SocketAddr,
}

/// One for each interface and family, for a socket sends to groups over one interface only.
pub(super) async fn ask<N: Network>(
    network: &N,
    interfaces: &[LocalInterface],
    port: u16,
) -> io::Result<Vec<Asking<N::UdpSocket>>> {
    let mut asking = Vec::new();
    let mut first_error = None;
    for local in interfaces {
        for is_ipv4 in [true, false] {
            if !local.speaks(is_ipv4) {
                continue;
            }
            match ask_over(network, local.interface, is_ipv4).await {
                Ok(socket) => asking.push(Asking {
                    socket: Arc::new(socket),
                    group: group(is_ipv4, port),
                }),
                Err(error) => {
                    tracing::warn!(addresses = ?local.addresses, is_ipv4, %error, "cannot send probes");
                    first_error.get_or_insert(error);
                }
            }
        }
    }
    match asking.is_empty() {
        true => Err(first_error.unwrap_or_else(no_interface)),
        false => Ok(asking),
    }
}

async fn ask_over<N: Network>(
    network: &N,
    interface: Interface,
    is_ipv4: bool,
) -> io::Result<N::UdpSocket> {
    let options = UdpOptions {
        interface,
        ..UdpOptions::default()
    };
    let at = SocketAddr::new(unspecified(is_ipv4), 0);
    network.bind_udp(at, options).await
}
