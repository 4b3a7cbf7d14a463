//! Judges recorded traffic: what went over the wire between others, without a packet of our own.
//! Invariant: every finding names the packet that completed the message at fault; what could not be looked at is counted.
//! Byte order: that of the capture, and big-endian inside packets.
//!
//! - [`mod@file`]: pcapng and pcap;
//! - [`packet`]: links, IP, TCP and UDP;
//! - [`stream`]: connections put together;
//! - [`exchange`]: requests and responses over HTTP, and discovery, held against the documents;
//! - [`smb`]: content information over SMB2;
//! - [`found`]: what came of it;
//! - [`REQUIREMENTS`]: what is asserted.

pub mod exchange;
pub mod file;
pub mod found;
pub mod packet;
mod requirements;
pub mod smb;
pub mod stream;

pub use requirements::REQUIREMENTS;

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde::Serialize;

use exchange::Exchanges;
use file::FileError;
use packet::{Inside, Transported};
use stream::Stream;

/// The most connections that are followed at a time.
const STREAMS_MAX: usize = 100_000;

/// Something in a capture that is not as required.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CaptureFinding {
    /// The packet that completed the message, counted from 1 as Wireshark does.
    pub packet: usize,
    /// Who sent the message.
    pub sender: String,
    /// To whom.
    pub receiver: String,
    /// The requirement that it goes against.
    pub requirement: &'static str,
    /// The name of the deviation, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quirk: Option<&'static str>,
    /// Whether it has to be otherwise, or only should.
    pub is_failure: bool,
    /// What was found.
    pub text: String,
}

/// What a capture came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct CaptureReport {
    /// Packets in the file.
    pub packets: usize,
    /// Packets that could not be looked into: fragments, links and transports that are not known, snapped packets.
    pub packets_not_looked_at: usize,
    /// Bytes of connections that are missing from the capture.
    pub bytes_missing: u64,
    /// Messages that were judged, by kind.
    pub messages: BTreeMap<&'static str, usize>,
    /// What could not be judged, by what it is.
    pub not_judged: BTreeMap<&'static str, usize>,
    /// How often each requirement was asserted.
    pub asserted: BTreeMap<&'static str, usize>,
    /// What was not as required, in the order of the packets.
    pub findings: Vec<CaptureFinding>,
    /// Findings that are not listed, for there are too many.
    pub findings_left_out: usize,
}

/// Judges a capture.
///
/// # Errors
/// [`FileError`] for what is no capture.
pub fn judge(bytes: &[u8]) -> Result<CaptureReport, FileError> {
    let mut report = CaptureReport::default();
    let mut streams: BTreeMap<(SocketAddr, SocketAddr), Stream> = BTreeMap::new();
    let mut exchanges = Exchanges::default();
    for recorded in file::packets(bytes)? {
        report.packets += 1;
        let number = report.packets;
        let Some(Inside {
            from,
            to,
            transported,
        }) = packet::look_into(recorded.link, recorded.bytes, recorded.is_whole)
        else {
            report.packets_not_looked_at += 1;
            continue;
        };
        match transported {
            Transported::Udp(payload) => exchanges.datagram(number, from, to, payload),
            Transported::Tcp(segment) => {
                if streams.len() >= STREAMS_MAX && !streams.contains_key(&(from, to)) {
                    report.packets_not_looked_at += 1;
                    continue;
                }
                let stream = streams.entry((from, to)).or_default();
                let (arrived, missing) = stream.take(&segment);
                report.bytes_missing += missing;
                if missing > 0 {
                    exchanges.gap(from, to);
                }
                exchanges.bytes(number, from, to, &arrived, segment.ends);
            }
        }
    }
    let found = exchanges.into_found();
    report.messages = found.messages;
    report.not_judged = found.not_judged;
    report.asserted = found.asserted;
    report.findings = found.findings;
    report.findings_left_out = found.findings_left_out;
    report.findings.sort_by_key(|finding| finding.packet);
    Ok(report)
}
