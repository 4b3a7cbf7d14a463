//! Tests of the messages of MS-PCCRD: what is written, what is read, what is refused and where.
//! Invariant: no bytes make a decoder panic, and what decodes also survives being written and read again.
//! Byte order: as in the messages.

mod examples;
mod hostile;
mod hostile_values;
mod mutation;
mod round_trip;
mod trace;

use super::*;
use crate::content::{SegmentId, Version};
use crate::hash::Digest;
use core::time::Duration;

pub(super) fn id(fill: u8) -> SegmentId {
    SegmentId(Digest::try_from(&[fill; 32][..]).unwrap())
}

pub(super) fn uuid(fill: u8) -> Identifier {
    Uuid([fill; 16]).into()
}

pub(super) fn probe(version: Version, ids: &[SegmentId]) -> Probe {
    Probe {
        message_id: uuid(0x11),
        version,
        ids: ids.to_vec(),
    }
}

pub(super) fn match_v1() -> ProbeMatch {
    ProbeMatch {
        message_id: uuid(0x22),
        relates_to: uuid(0x11),
        sequence: Some(AppSequence {
            instance_id: 1_218_765_447,
            message_number: 4,
        }),
        address: uuid(0x33),
        addresses: vec![
            "192.0.2.7:54321".parse().unwrap(),
            "[2001:db8::7]:54321".parse().unwrap(),
        ],
        metadata_version: Some(1),
        found: Found::V1(vec![
            BlockCount {
                id: id(0xAB),
                blocks: 42,
            },
            BlockCount {
                id: id(0xCD),
                blocks: 0,
            },
        ]),
    }
}

pub(super) fn match_v2() -> ProbeMatch {
    let mut availability = Availability::nothing_of(5);
    availability.add(0, true);
    availability.add(3, false);
    let mut ages = SegmentAges::default();
    ages.add(3, Duration::from_secs(600));
    ProbeMatch {
        metadata_version: Some(2),
        found: Found::V2 { availability, ages },
        ..match_v1()
    }
}

/// One message of each kind and version.
pub(super) fn messages() -> [Message; 4] {
    [
        Message::Probe(probe(Version::V1, &[id(0xAB), id(0xCD)])),
        Message::Probe(probe(Version::V2, &[id(0xAB), id(0xCD)])),
        Message::ProbeMatch(match_v1()),
        Message::ProbeMatch(match_v2()),
    ]
}

pub(super) fn text(message: &Message) -> String {
    String::from_utf8(message.encode()).unwrap()
}

/// The name of the fault of a text, or what it decodes to.
fn fault(text: &str) -> Result<Decoded, &'static str> {
    Message::decode(text.as_bytes()).map_err(|error| error.problem.name())
}

fn utf16(text: &str, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    "\u{FEFF}"
        .encode_utf16()
        .chain(text.encode_utf16())
        .flat_map(to_bytes)
        .collect()
}
