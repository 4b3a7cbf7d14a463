//! A record as a capture: packets as they would have been on a wire of its own, for Wireshark.
//! Invariant: payloads are those recorded, in order; addresses and ports are those of the flows; checksums hold.
//! Byte order: blocks little-endian, as their magic says; what is inside packets big-endian.
//!
//! TLS is written in clear, at the ports it had; flows of commands have no packets. Connections begin with a handshake
//! and acknowledge every segment, so that a reader can follow the stream.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, SystemTime};

use super::record::{Flow, Record, Transport, What};

/// Bytes of payload in a packet.
const SEGMENT_BYTES: usize = 1_400;
/// LINKTYPE_RAW: packets begin with the header of IP.
const LINK_RAW: u16 = 101;
const SECTION_HEADER: u32 = 0x0A0D_0D0A;
const INTERFACE_DESCRIPTION: u32 = 1;
const ENHANCED_PACKET: u32 = 6;
const BYTE_ORDER_MAGIC: u32 = 0x1A2B_3C4D;
const OPTION_COMMENT: u16 = 1;

const SYN: u8 = 0x02;
const ACK: u8 = 0x10;
const PUSH: u8 = 0x08;
const FIN: u8 = 0x01;
const TCP: u8 = 6;
const UDP: u8 = 17;

/// The capture, with notes as comments of the packets that follow them.
#[must_use]
pub fn capture(record: &Record) -> Vec<u8> {
    let mut file = Vec::new();
    let mut section = BYTE_ORDER_MAGIC.to_le_bytes().to_vec();
    section.extend_from_slice(&1_u16.to_le_bytes());
    section.extend_from_slice(&0_u16.to_le_bytes());
    // The length of what follows is not known.
    section.extend_from_slice(&u64::MAX.to_le_bytes());
    block(&mut file, SECTION_HEADER, &section);
    let mut interface = LINK_RAW.to_le_bytes().to_vec();
    interface.extend_from_slice(&[0; 6]);
    block(&mut file, INTERFACE_DESCRIPTION, &interface);
    let mut streams = vec![Stream::default(); record.flows.len()];
    let mut comment = String::new();
    for event in &record.events {
        if let What::Note(text) = &event.what {
            if !comment.is_empty() {
                comment.push('\n');
            }
            comment.push_str(text);
            continue;
        }
        let of_flow = event.flow.and_then(|number| {
            let flow = record.flows.get(number)?;
            Some((flow, streams.get_mut(number)?))
        });
        let Some((flow, stream)) = of_flow else {
            continue;
        };
        for packet in stream.packets(flow, &event.what) {
            write_packet(&mut file, record.began, event.at, &packet, &comment);
            comment.clear();
        }
    }
    file
}

fn block(file: &mut Vec<u8>, kind: u32, body: &[u8]) {
    let padded = body.len().next_multiple_of(4);
    let length = u32::try_from(padded + 12).unwrap_or(u32::MAX);
    file.extend_from_slice(&kind.to_le_bytes());
    file.extend_from_slice(&length.to_le_bytes());
    file.extend_from_slice(body);
    file.resize(file.len() + padded - body.len(), 0);
    file.extend_from_slice(&length.to_le_bytes());
}

fn write_packet(file: &mut Vec<u8>, began: SystemTime, at: Duration, packet: &[u8], comment: &str) {
    let since = began
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
        + at;
    let microseconds = since.as_micros();
    let length = u32::try_from(packet.len()).unwrap_or(u32::MAX);
    let low = |value: u128| u32::try_from(value & 0xffff_ffff).unwrap_or(0);
    let mut body = Vec::with_capacity(packet.len() + 32);
    for number in [
        0,
        low(microseconds >> 32),
        low(microseconds),
        length,
        length,
    ] {
        body.extend_from_slice(&number.to_le_bytes());
    }
    body.extend_from_slice(packet);
    body.resize(body.len().next_multiple_of(4), 0);
    if !comment.is_empty() {
        let text: String = comment.chars().take(1_000).collect();
        let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
        body.extend_from_slice(&OPTION_COMMENT.to_le_bytes());
        body.extend_from_slice(&length.to_le_bytes());
        body.extend_from_slice(text.as_bytes());
        body.resize(body.len().next_multiple_of(4), 0);
        body.extend_from_slice(&[0; 4]);
    }
    block(file, ENHANCED_PACKET, &body);
}

/// What both ends of a connection have sent so far.
#[derive(Debug, Clone, Default)]
struct Stream {
    is_open: bool,
    sent: u32,
    received: u32,
}

impl Stream {
    fn packets(&mut self, flow: &Flow, what: &What) -> Vec<Vec<u8>> {
        match flow.transport {
            Transport::Command => Vec::new(),
            Transport::Udp => match what {
                What::Sent(bytes) => vec![datagram(flow.local, flow.remote, bytes)],
                What::Received(bytes) => vec![datagram(flow.remote, flow.local, bytes)],
                _ => Vec::new(),
            },
            Transport::Tcp | Transport::Tls => self.segments(flow, what),
        }
    }

    fn segments(&mut self, flow: &Flow, what: &What) -> Vec<Vec<u8>> {
        let (here, there) = (flow.local, flow.remote);
        let mut packets = Vec::new();
        if !self.is_open {
            self.is_open = true;
            let (client, server) = match what {
                What::OpenedByOther => (there, here),
                _ => (here, there),
            };
            packets.push(segment(client, server, 0, 0, SYN, &[]));
            packets.push(segment(server, client, 0, 1, SYN | ACK, &[]));
            packets.push(segment(client, server, 1, 1, ACK, &[]));
            (self.sent, self.received) = (1, 1);
        }
        match what {
            What::Sent(bytes) => {
                for part in bytes.chunks(SEGMENT_BYTES) {
                    let flags = ACK | PUSH;
                    packets.push(segment(here, there, self.sent, self.received, flags, part));
                    self.sent = advanced(self.sent, part.len());
                    packets.push(segment(there, here, self.received, self.sent, ACK, &[]));
                }
            }
            What::Received(bytes) => {
                for part in bytes.chunks(SEGMENT_BYTES) {
                    let flags = ACK | PUSH;
                    packets.push(segment(there, here, self.received, self.sent, flags, part));
                    self.received = advanced(self.received, part.len());
                    packets.push(segment(here, there, self.sent, self.received, ACK, &[]));
                }
            }
            // A reader sees from the gap that bytes are missing.
            What::LeftOut { sent: true, bytes } => self.sent = advanced(self.sent, *bytes),
            What::LeftOut { sent: false, bytes } => {
                self.received = advanced(self.received, *bytes);
            }
            What::Closed => {
                packets.push(segment(
                    here,
                    there,
                    self.sent,
                    self.received,
                    FIN | ACK,
                    &[],
                ));
                self.sent = advanced(self.sent, 1);
            }
            What::ClosedByOther => {
                packets.push(segment(
                    there,
                    here,
                    self.received,
                    self.sent,
                    FIN | ACK,
                    &[],
                ));
                self.received = advanced(self.received, 1);
            }
            What::Opened | What::OpenedByOther | What::Silence(_) | What::Note(_) => {}
        }
        packets
    }
}

fn advanced(number: u32, bytes: usize) -> u32 {
    number.wrapping_add(u32::try_from(bytes).unwrap_or(u32::MAX))
}

fn segment(
    from: SocketAddr,
    to: SocketAddr,
    sequence: u32,
    acknowledged: u32,
    flags: u8,
    payload: &[u8],
) -> Vec<u8> {
    let mut segment = Vec::with_capacity(20 + payload.len());
    segment.extend_from_slice(&from.port().to_be_bytes());
    segment.extend_from_slice(&to.port().to_be_bytes());
    segment.extend_from_slice(&sequence.to_be_bytes());
    segment.extend_from_slice(&acknowledged.to_be_bytes());
    segment.extend_from_slice(&[5 << 4, flags]);
    segment.extend_from_slice(&[0xff, 0xff, 0, 0, 0, 0]);
    segment.extend_from_slice(payload);
    packet(from, to, TCP, segment, 16)
}

fn datagram(from: SocketAddr, to: SocketAddr, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len() + 8).unwrap_or(u16::MAX);
    let mut datagram = Vec::with_capacity(8 + payload.len());
    datagram.extend_from_slice(&from.port().to_be_bytes());
    datagram.extend_from_slice(&to.port().to_be_bytes());
    datagram.extend_from_slice(&length.to_be_bytes());
    datagram.extend_from_slice(&[0, 0]);
    datagram.extend_from_slice(payload);
    packet(from, to, UDP, datagram, 6)
}

/// A packet of IP around what is transported, whose own checksum stands at `checksum_at`.
fn packet(
    from: SocketAddr,
    to: SocketAddr,
    protocol: u8,
    mut inside: Vec<u8>,
    checksum_at: usize,
) -> Vec<u8> {
    let length = inside.len();
    let mut pseudo = Vec::with_capacity(40);
    match (from.ip(), to.ip()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            pseudo.extend_from_slice(&from.octets());
            pseudo.extend_from_slice(&to.octets());
            pseudo.extend_from_slice(&[0, protocol]);
            pseudo.extend_from_slice(&u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes());
        }
        (from, to) => {
            pseudo.extend_from_slice(&octets_v6(from));
            pseudo.extend_from_slice(&octets_v6(to));
            pseudo.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
            pseudo.extend_from_slice(&[0, 0, 0, protocol]);
        }
    }
    let sum = checksum(&[&pseudo, &inside]);
    if let Some(place) = inside.get_mut(checksum_at..checksum_at + 2) {
        place.copy_from_slice(&sum.to_be_bytes());
    }
    let mut packet = match (from.ip(), to.ip()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            let total = u16::try_from(length + 20).unwrap_or(u16::MAX);
            let mut header = vec![0x45, 0];
            header.extend_from_slice(&total.to_be_bytes());
            header.extend_from_slice(&[0, 0, 0x40, 0, 64, protocol, 0, 0]);
            header.extend_from_slice(&from.octets());
            header.extend_from_slice(&to.octets());
            let sum = checksum(&[&header]);
            if let Some(place) = header.get_mut(10..12) {
                place.copy_from_slice(&sum.to_be_bytes());
            }
            header
        }
        (from, to) => {
            let mut header = vec![0x60, 0, 0, 0];
            let length = u16::try_from(length).unwrap_or(u16::MAX);
            header.extend_from_slice(&length.to_be_bytes());
            header.extend_from_slice(&[protocol, 64]);
            header.extend_from_slice(&octets_v6(from));
            header.extend_from_slice(&octets_v6(to));
            header
        }
    };
    packet.extend_from_slice(&inside);
    packet
}

fn octets_v6(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    }
}

/// The checksum of the Internet over parts, each of an even length but the last.
fn checksum(parts: &[&[u8]]) -> u16 {
    let mut sum = 0_u32;
    for part in parts {
        for pair in part.chunks(2) {
            let word = match pair {
                [high, low] => u16::from_be_bytes([*high, *low]),
                [high] => u16::from_be_bytes([*high, 0]),
                _ => 0,
            };
            sum = sum.wrapping_add(u32::from(word));
        }
    }
    while sum >> 16 != 0 {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::record::Recorder;

    fn blocks(file: &[u8]) -> Vec<(u32, Vec<u8>)> {
        let mut blocks = Vec::new();
        let mut at = 0;
        while at < file.len() {
            let word = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap());
            let length = word(at + 4) as usize;
            assert_eq!(word(at + length - 4) as usize, length);
            blocks.push((word(at), file[at + 8..at + length - 4].to_vec()));
            at += length;
        }
        blocks
    }

    #[test]
    fn a_connection_becomes_packets_whose_checksums_hold() {
        let recorder = Recorder::new();
        let flow = recorder.flow(Flow {
            transport: Transport::Tcp,
            local: "10.0.0.1:1000".parse().unwrap(),
            remote: "10.0.0.2:80".parse().unwrap(),
        });
        recorder.note("a note");
        recorder.note("and another");
        flow.sent(&[7; 2_000]);
        flow.received(b"answer");
        flow.add(What::Closed);
        let blocks = blocks(&capture(&recorder.record()));
        assert_eq!(
            (blocks[0].0, blocks[1].0),
            (SECTION_HEADER, INTERFACE_DESCRIPTION)
        );
        // A handshake, two segments and one with their acknowledgements, and the end.
        assert_eq!(blocks.len(), 2 + 3 + 4 + 2 + 1);
        let mut payload = 0;
        for (kind, body) in &blocks[2..] {
            assert_eq!(*kind, ENHANCED_PACKET);
            let length = u32::from_le_bytes(body[12..16].try_into().unwrap()) as usize;
            let packet = &body[20..20 + length];
            assert_eq!(checksum(&[&packet[..20]]), 0);
            let tcp = &packet[20..];
            let length = u16::try_from(tcp.len()).unwrap().to_be_bytes();
            let pseudo = [&packet[12..20], &[0, TCP], &length].concat();
            assert_eq!(checksum(&[&pseudo, tcp]), 0);
            payload += tcp.len() - 20;
        }
        assert_eq!(payload, 2_006);
        let comment = &blocks[2].1;
        let notes = b"a note\nand another";
        assert!(comment.windows(notes.len()).any(|part| part == notes));
    }

    #[test]
    fn who_made_a_connection_sends_its_first_packet() {
        for (opened, port) in [(What::Opened, 1_000), (What::OpenedByOther, 80)] {
            let recorder = Recorder::new();
            let flow = recorder.flow(Flow {
                transport: Transport::Tcp,
                local: "10.0.0.1:1000".parse().unwrap(),
                remote: "10.0.0.2:80".parse().unwrap(),
            });
            flow.add(opened);
            let blocks = blocks(&capture(&recorder.record()));
            // Behind 20 bytes of the block and 20 of IP stands the port of the sender.
            assert_eq!(blocks[2].1[40..42], u16::to_be_bytes(port));
        }
    }

    #[test]
    fn datagrams_of_either_family_become_packets() {
        for (local, remote) in [
            ("10.0.0.1:1000", "239.255.255.250:3702"),
            ("[fe80::1]:1000", "[ff02::c]:3702"),
        ] {
            let recorder = Recorder::new();
            let flow = recorder.flow(Flow {
                transport: Transport::Udp,
                local: local.parse().unwrap(),
                remote: remote.parse().unwrap(),
            });
            flow.sent(b"<probe/>");
            let blocks = blocks(&capture(&recorder.record()));
            assert_eq!(blocks.len(), 3);
            assert!(blocks[2].1.windows(8).any(|eight| eight == b"<probe/>"));
        }
    }
}
