//! A record as a capture: packets as they would have been on a wire of its own, for Wireshark.
//! Invariant: payloads are those recorded, in order; addresses and ports are those of the flows; checksums hold.
//! Byte order: blocks little-endian, as their magic says; what is inside packets big-endian.
//!
//! TLS is written in clear, at the ports it had; flows of commands have no packets. Connections begin with the handshake
//! of who made them and acknowledge every segment, so that a reader can follow the stream.

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
/// Of one packet; the length of an option has 16 bits.
const COMMENT_MAX_BYTES: usize = 16 << 10;
/// Payload of a packet whose payload is not kept: few packets, and a length that IP has bits for.
const LEFT_OUT_SEGMENT_BYTES: usize = 60_000;

const SYN: u8 = 0x02;
const ACK: u8 = 0x10;
const PUSH: u8 = 0x08;
const FIN: u8 = 0x01;
const TCP: u8 = 6;
const UDP: u8 = 17;

/// A packet that is to be written.
#[derive(Debug)]
struct Packet {
    at: Duration,
    /// What is kept of it.
    bytes: Vec<u8>,
    /// How long it was.
    length: usize,
    comment: String,
}

/// The capture. What happened beside the packets is a comment of the next one, or of the last.
#[must_use]
pub fn capture(record: &Record) -> Vec<u8> {
    let mut streams = vec![Stream::default(); record.flows.len()];
    let mut packets: Vec<Packet> = Vec::new();
    let mut comment = String::new();
    for event in &record.events {
        match &event.what {
            What::Note(text) => add_line(&mut comment, text),
            What::Silence(time) => {
                let text = format!("nothing came within {} ms", time.as_millis());
                add_line(&mut comment, &text);
            }
            _ => {}
        }
        let flow = event.flow.and_then(|number| record.flows.get(number));
        let stream = event.flow.and_then(|number| streams.get_mut(number));
        let (Some(flow), Some(stream)) = (flow, stream) else {
            continue;
        };
        for (bytes, length) in stream.packets(flow, &event.what) {
            packets.push(Packet {
                at: event.at,
                bytes,
                length,
                comment: std::mem::take(&mut comment),
            });
        }
    }
    let mut about = String::new();
    if record
        .flows
        .iter()
        .any(|flow| flow.transport == Transport::Tls)
    {
        add_line(
            &mut about,
            "What went over TLS is written in clear, at the ports it had.",
        );
    }
    if record.events_left_out > 0 {
        let text = format!("{} more events are not kept", record.events_left_out);
        add_line(&mut comment, &text);
    }
    match packets.last_mut() {
        Some(last) if !comment.is_empty() => add_line(&mut last.comment, &comment),
        Some(_) => {}
        None => {
            add_line(&mut about, "Nothing went over a network.");
            add_line(&mut about, &comment);
        }
    }
    let mut file = Vec::new();
    header(&mut file, &about);
    for packet in &packets {
        write_packet(&mut file, record.began, packet);
    }
    file
}

fn add_line(comment: &mut String, text: &str) {
    if comment.len() + text.len() < COMMENT_MAX_BYTES && !text.is_empty() {
        if !comment.is_empty() {
            comment.push('\n');
        }
        comment.push_str(text);
    }
}

/// The blocks before the first packet.
fn header(file: &mut Vec<u8>, about: &str) {
    let mut section = BYTE_ORDER_MAGIC.to_le_bytes().to_vec();
    section.extend_from_slice(&1_u16.to_le_bytes());
    section.extend_from_slice(&0_u16.to_le_bytes());
    // The length of what follows is not known.
    section.extend_from_slice(&u64::MAX.to_le_bytes());
    comment_option(&mut section, about);
    block(file, SECTION_HEADER, &section);
    let mut interface = LINK_RAW.to_le_bytes().to_vec();
    interface.extend_from_slice(&[0; 6]);
    block(file, INTERFACE_DESCRIPTION, &interface);
}

/// The option of a comment and the end of options, where there is one.
fn comment_option(body: &mut Vec<u8>, comment: &str) {
    if comment.is_empty() {
        return;
    }
    let length = u16::try_from(comment.len()).unwrap_or(u16::MAX);
    body.extend_from_slice(&OPTION_COMMENT.to_le_bytes());
    body.extend_from_slice(&length.to_le_bytes());
    body.extend_from_slice(comment.as_bytes());
    body.resize(body.len().next_multiple_of(4), 0);
    body.extend_from_slice(&[0; 4]);
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

fn write_packet(file: &mut Vec<u8>, began: SystemTime, packet: &Packet) {
    let since = began
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
        + packet.at;
    let microseconds = since.as_micros();
    let low = |value: u128| u32::try_from(value & 0xffff_ffff).unwrap_or(0);
    let length = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX);
    let mut body = Vec::with_capacity(packet.bytes.len() + packet.comment.len() + 40);
    for number in [
        0,
        low(microseconds >> 32),
        low(microseconds),
        length(packet.bytes.len()),
        length(packet.length),
    ] {
        body.extend_from_slice(&number.to_le_bytes());
    }
    body.extend_from_slice(&packet.bytes);
    body.resize(body.len().next_multiple_of(4), 0);
    comment_option(&mut body, &packet.comment);
    block(file, ENHANCED_PACKET, &body);
}

/// What both ends of a connection have sent so far.
#[derive(Debug, Clone, Default)]
struct Stream {
    is_open: bool,
    is_finished: bool,
    sent: u32,
    received: u32,
}

impl Stream {
    /// What is kept of each packet, and how long it was.
    fn packets(&mut self, flow: &Flow, what: &What) -> Vec<(Vec<u8>, usize)> {
        let whole = |packet: Vec<u8>| {
            let length = packet.len();
            (packet, length)
        };
        match flow.transport {
            Transport::Command => Vec::new(),
            Transport::Udp => match what {
                What::Sent(bytes) => vec![whole(datagram(flow.local, flow.remote, bytes))],
                What::Received(bytes) => vec![whole(datagram(flow.remote, flow.local, bytes))],
                _ => Vec::new(),
            },
            Transport::Tcp | Transport::Tls => self.segments(flow, what),
        }
    }

    fn segments(&mut self, flow: &Flow, what: &What) -> Vec<(Vec<u8>, usize)> {
        let mut packets = Vec::new();
        let mut segment = |from, to, sequence, acknowledged, flags, payload: &[u8]| {
            let packet = segment(from, to, sequence, acknowledged, flags, payload);
            let length = packet.len();
            packets.push((packet, length));
        };
        let (here, there) = (flow.local, flow.remote);
        if !self.is_open {
            self.is_open = true;
            let (caller, called) = match what {
                What::Accepted => (there, here),
                _ => (here, there),
            };
            segment(caller, called, 0, 0, SYN, &[]);
            segment(called, caller, 0, 1, SYN | ACK, &[]);
            segment(caller, called, 1, 1, ACK, &[]);
            (self.sent, self.received) = (1, 1);
        }
        match what {
            What::Sent(bytes) => {
                for part in bytes.chunks(SEGMENT_BYTES) {
                    segment(here, there, self.sent, self.received, ACK | PUSH, part);
                    self.sent = advanced(self.sent, part.len());
                    segment(there, here, self.received, self.sent, ACK, &[]);
                }
            }
            What::Received(bytes) => {
                for part in bytes.chunks(SEGMENT_BYTES) {
                    segment(there, here, self.received, self.sent, ACK | PUSH, part);
                    self.received = advanced(self.received, part.len());
                    segment(here, there, self.sent, self.received, ACK, &[]);
                }
            }
            What::LeftOut { sent, bytes } => return self.left_out(flow, *sent, *bytes, packets),
            What::Finished | What::Closed if !self.is_finished => {
                self.is_finished = true;
                segment(here, there, self.sent, self.received, FIN | ACK, &[]);
                self.sent = advanced(self.sent, 1);
                segment(there, here, self.received, self.sent, ACK, &[]);
            }
            What::ClosedByOther => {
                segment(there, here, self.received, self.sent, FIN | ACK, &[]);
                self.received = advanced(self.received, 1);
                segment(here, there, self.sent, self.received, ACK, &[]);
            }
            What::Opened
            | What::Accepted
            | What::Finished
            | What::Closed
            | What::Silence(_)
            | What::Note(_) => {}
        }
        packets
    }

    /// Bytes that are not kept: headers of packets that were longer, as a capture that was told to keep no more has them.
    fn left_out(
        &mut self,
        flow: &Flow,
        is_sent: bool,
        mut bytes: usize,
        mut packets: Vec<(Vec<u8>, usize)>,
    ) -> Vec<(Vec<u8>, usize)> {
        let (from, to) = match is_sent {
            true => (flow.local, flow.remote),
            false => (flow.remote, flow.local),
        };
        let (sequence, other) = match is_sent {
            true => (&mut self.sent, self.received),
            false => (&mut self.received, self.sent),
        };
        while bytes > 0 {
            let count = bytes.min(LEFT_OUT_SEGMENT_BYTES);
            let payload = vec![0; count];
            let mut packet = segment(from, to, *sequence, other, ACK | PUSH, &payload);
            let length = packet.len();
            packet.truncate(length - count);
            packets.push((packet, length));
            *sequence = advanced(*sequence, count);
            let acknowledged = segment(to, from, other, *sequence, ACK, &[]);
            let length = acknowledged.len();
            packets.push((acknowledged, length));
            bytes -= count;
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
        flow.sent(&[7; 2_000]);
        flow.received(b"answer");
        flow.add(What::Closed);
        let blocks = blocks(&capture(&recorder.record()));
        assert_eq!(
            (blocks[0].0, blocks[1].0),
            (SECTION_HEADER, INTERFACE_DESCRIPTION)
        );
        // A handshake, two segments and one with their acknowledgements, and the end with its own.
        assert_eq!(blocks.len(), 2 + 3 + 4 + 2 + 2);
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
        assert!(comment.windows(6).any(|six| six == b"a note"));
    }

    /// Packets with the length they had, and their comments.
    fn packets(record: &Record) -> Vec<(Vec<u8>, usize, String)> {
        let all = blocks(&capture(record));
        let packets = all.iter().filter(|(kind, _)| *kind == ENHANCED_PACKET);
        let read = packets.map(|(_, body)| {
            let word = |at: usize| u32::from_le_bytes(body[at..at + 4].try_into().unwrap());
            let (kept, length) = (word(12) as usize, word(16) as usize);
            let options = &body[20 + kept.next_multiple_of(4)..];
            let comment = match options {
                [] => Vec::new(),
                [1, 0, low, high, rest @ ..] => {
                    rest[..usize::from(u16::from_le_bytes([*low, *high]))].to_vec()
                }
                other => panic!("{other:?}"),
            };
            let comment = String::from_utf8(comment).unwrap();
            (body[20..20 + kept].to_vec(), length, comment)
        });
        read.collect()
    }

    fn connection(recorder: &Recorder) -> crate::evidence::record::FlowRecorder {
        recorder.flow(Flow {
            transport: Transport::Tcp,
            local: "10.0.0.1:80".parse().unwrap(),
            remote: "10.0.0.2:1000".parse().unwrap(),
        })
    }

    #[test]
    fn who_made_a_connection_begins_it() {
        for (begun, port) in [(What::Opened, 80_u16), (What::Accepted, 1000)] {
            let recorder = Recorder::new();
            connection(&recorder).add(begun);
            let packets = packets(&recorder.record());
            assert_eq!(packets.len(), 3);
            assert_eq!(packets[0].0[20..22], port.to_be_bytes());
            assert_eq!(packets[0].0[33], SYN);
        }
    }

    #[test]
    fn bytes_that_are_not_kept_leave_no_gap() {
        let recorder = Recorder::new();
        let flow = connection(&recorder);
        flow.add(What::LeftOut {
            sent: true,
            bytes: 100_000,
        });
        flow.sent(b"behind");
        let packets = packets(&recorder.record());
        let sequence =
            |packet: &[u8]| u32::from_be_bytes(packet[24..28].try_into().unwrap()) as usize;
        let from_here = packets[3..].iter().filter(|packet| packet.0[21] == 80);
        let mut expected = 1;
        for (bytes, length, _) in from_here {
            assert_eq!(sequence(bytes), expected);
            let total = u16::from_be_bytes([bytes[2], bytes[3]]);
            assert_eq!(usize::from(total), *length);
            expected += length - 40;
        }
        assert_eq!(expected, 1 + 100_000 + 6);
        assert_eq!(packets[3].0.len(), 40);
    }

    #[test]
    fn all_notes_are_comments_and_the_last_ones_of_the_last_packet() {
        let recorder = Recorder::new();
        recorder.note("alone");
        let about = blocks(&capture(&recorder.record())).swap_remove(0).1;
        assert!(about.windows(5).any(|five| five == b"alone"));
        let flow = connection(&recorder);
        recorder.note("first");
        flow.sent(b"1");
        flow.add(What::Silence(Duration::from_millis(400)));
        recorder.note("last");
        let packets = packets(&recorder.record());
        let comments: Vec<_> = packets.iter().map(|packet| packet.2.as_str()).collect();
        assert_eq!(comments[0], "alone\nfirst");
        assert_eq!(
            *comments.last().unwrap(),
            "nothing came within 400 ms\nlast"
        );
        // As many as a packet has room for.
        for _ in 0..40 {
            recorder.note("ö".repeat(1_000));
        }
        assert!(packets.len() < 16);
        let record = recorder.record();
        assert!(self::packets(&record).last().unwrap().2.len() <= COMMENT_MAX_BYTES);
    }

    #[test]
    fn an_end_is_said_once_and_acknowledged() {
        let recorder = Recorder::new();
        let flow = connection(&recorder);
        flow.add(What::Opened);
        flow.add(What::Finished);
        flow.received(b"answer");
        flow.add(What::Closed);
        let packets = packets(&recorder.record());
        let ends = packets.iter().filter(|packet| packet.0[33] & FIN != 0);
        assert_eq!((ends.count(), packets.len()), (1, 3 + 2 + 2));
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
