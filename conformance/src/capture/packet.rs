//! From the first byte of a packet to what TCP or UDP carries in it.
//! Invariant: every length is held against the bytes that are there; a fragment is not looked into.
//! Byte order: big-endian.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

const LINK_NULL: u16 = 0;
const LINK_ETHERNET: u16 = 1;
const LINK_RAW: u16 = 101;
const LINK_LINUX_SLL: u16 = 113;
const LINK_IPV4: u16 = 228;
const LINK_IPV6: u16 = 229;
const LINK_LINUX_SLL2: u16 = 276;

const TYPE_IPV4: u16 = 0x0800;
const TYPE_IPV6: u16 = 0x86DD;
const TYPE_VLAN: [u16; 2] = [0x8100, 0x88A8];

const TCP: u8 = 6;
const UDP: u8 = 17;

/// A segment of TCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment<'a> {
    /// Its sequence number.
    pub sequence: u32,
    /// Whether it begins a connection.
    pub begins: bool,
    /// Whether it ends one.
    pub ends: bool,
    /// What it carries.
    pub payload: &'a [u8],
}

/// What is inside of IP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transported<'a> {
    /// A segment.
    Tcp(Segment<'a>),
    /// What a datagram carries.
    Udp(&'a [u8]),
}

/// What is inside of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inside<'a> {
    /// The sender.
    pub from: SocketAddr,
    /// The receiver.
    pub to: SocketAddr,
    /// What it brings.
    pub transported: Transported<'a>,
}

/// What is inside of a packet. `None`: nothing that is known, or not all of it.
#[must_use]
pub fn look_into(link: u16, bytes: &[u8], is_whole: bool) -> Option<Inside<'_>> {
    if !is_whole {
        return None;
    }
    let packet = match link {
        LINK_RAW | LINK_IPV4 | LINK_IPV6 => bytes,
        LINK_NULL => bytes.get(4..)?,
        LINK_ETHERNET => ethernet(bytes.get(12..)?)?,
        LINK_LINUX_SLL => ethernet(bytes.get(14..)?)?,
        LINK_LINUX_SLL2 => {
            let kind = u16::from_be_bytes(*bytes.first_chunk()?);
            let is_ip = kind == TYPE_IPV4 || kind == TYPE_IPV6;
            bytes.get(20..).filter(|_| is_ip)?
        }
        _ => return None,
    };
    match packet.first()? >> 4 {
        4 => ipv4(packet),
        6 => ipv6(packet),
        _ => None,
    }
}

/// From the type of a frame on.
fn ethernet(mut bytes: &[u8]) -> Option<&[u8]> {
    loop {
        let kind = u16::from_be_bytes(*bytes.first_chunk()?);
        let rest = bytes.get(2..)?;
        if TYPE_VLAN.contains(&kind) {
            bytes = rest.get(2..)?;
            continue;
        }
        return (kind == TYPE_IPV4 || kind == TYPE_IPV6).then_some(rest);
    }
}

fn ipv4(packet: &[u8]) -> Option<Inside<'_>> {
    let header = usize::from(packet.first()? & 0x0f) * 4;
    let total = usize::from(u16::from_be_bytes(*packet.get(2..)?.first_chunk()?));
    let fragment = u16::from_be_bytes(*packet.get(6..)?.first_chunk()?);
    // More fragments, or not the first.
    if fragment & 0x3fff != 0 || header < 20 {
        return None;
    }
    // Frames are padded to their least length; offloading leaves 0 for the total.
    let total = if total == 0 { packet.len() } else { total };
    let from = Ipv4Addr::from(*packet.get(12..)?.first_chunk::<4>()?);
    let to = Ipv4Addr::from(*packet.get(16..)?.first_chunk::<4>()?);
    transported(
        *packet.get(9)?,
        from.into(),
        to.into(),
        packet.get(header..total)?,
    )
}

fn ipv6(packet: &[u8]) -> Option<Inside<'_>> {
    let length = usize::from(u16::from_be_bytes(*packet.get(4..)?.first_chunk()?));
    let from = Ipv6Addr::from(*packet.get(8..)?.first_chunk::<16>()?);
    let to = Ipv6Addr::from(*packet.get(24..)?.first_chunk::<16>()?);
    let payload = packet.get(40..40 + length)?;
    transported(*packet.get(6)?, from.into(), to.into(), payload)
}

fn transported(protocol: u8, from: IpAddr, to: IpAddr, bytes: &[u8]) -> Option<Inside<'_>> {
    let port = |at: usize| Some(u16::from_be_bytes(*bytes.get(at..)?.first_chunk()?));
    let (from, to) = (
        SocketAddr::new(from, port(0)?),
        SocketAddr::new(to, port(2)?),
    );
    let transported = match protocol {
        TCP => {
            let header = usize::from(bytes.get(12)? >> 4) * 4;
            let flags = *bytes.get(13)?;
            Transported::Tcp(Segment {
                sequence: u32::from_be_bytes(*bytes.get(4..)?.first_chunk()?),
                begins: flags & 0x02 != 0,
                ends: flags & 0x05 != 0,
                payload: bytes.get(header..).filter(|_| header >= 20)?,
            })
        }
        UDP => {
            let length = usize::from(port(4)?);
            Transported::Udp(bytes.get(8..length)?)
        }
        _ => return None,
    };
    Some(Inside {
        from,
        to,
        transported,
    })
}
