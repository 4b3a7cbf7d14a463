//! Replay of the vectors of MS-PCHC: messages to and from a hosted cache, decoded and written again.
//! Invariant: bad content information is no reason to refuse a message, but it is reported.
//! Byte order: none.

use peerdist::hash::HashAlgorithm;
use peerdist::hosted_cache::{
    DecodeError, Quirk, Request, Response, SegmentDescriptor, SegmentInfo,
};
use serde_yaml::{Mapping, Value};

use super::message::{self, Given, Offsets, Read, Refusal, list, mapping, shown_bytes};
use super::{Group, Test, no_replay};

pub(super) fn replay(kind: &str, group: &Group, test: &Test) -> Result<(), String> {
    match kind {
        "message" => message::replay(group, test, Offsets::Always, decode),
        _ => Err(no_replay("MS-PCHC", kind)),
    }
}

fn decode(given: &Given) -> Result<Result<Read, Refusal>, String> {
    let read = match given.direction.as_str() {
        "request" => Request::decode(&given.bytes).map(|found| of_request(&found)),
        "response" => Response::decode(&given.bytes).map(|found| of_response(&found)),
        other => return Err(format!("direction {other} of the vector")),
    };
    Ok(read.map_err(|error: DecodeError| Refusal {
        error: error.problem.name(),
        at: error.at,
    }))
}

fn of_response(found: &Response) -> Read {
    Read {
        name: "RESPONSE".to_owned(),
        fields: mapping([("ResponseCode", found.code.0.into())]),
        quirks: Vec::new(),
        encoded: Some(found.encode()),
    }
}

fn of_request(found: &Request<'_>) -> Read {
    let message_type = found.message_type();
    let version = mapping([
        ("major", found.version().major().into()),
        ("minor", 0.into()),
    ]);
    let mut fields = mapping([
        ("Version", version.into()),
        ("Type", message_type.0.into()),
        ("Port", found.port().into()),
    ]);
    let mut quirks = Vec::new();
    match found {
        Request::InitialOffer(offer) => {
            fields.insert("Hash".into(), shown_bytes(offer.segment.0.as_bytes()));
        }
        Request::SegmentInfo(info) => {
            fields.extend(mapping([
                ("ContentTag", shown_bytes(&info.content_tag.0)),
                ("SegmentInformation", shown_bytes(info.segment_information)),
            ]));
            quirks = quirks_of(info);
        }
        Request::BatchedOffer(offer) => {
            fields.insert(
                "SegmentDescriptors".into(),
                list(offer.descriptors().map(|one| of_descriptor(&one))),
            );
        }
    }
    Read {
        name: message_type.name().unwrap_or("no name").to_owned(),
        fields,
        quirks,
        encoded: Some(found.encode()),
    }
}

fn quirks_of(info: &SegmentInfo<'_>) -> Vec<&'static str> {
    match info.segment() {
        Ok(segment) => segment.quirks.iter().map(Quirk::name).collect(),
        Err(_) => vec![Quirk::BadContentInformationOk.name()],
    }
}

fn of_descriptor(one: &SegmentDescriptor) -> Mapping {
    let key = one.key();
    let algorithm: Value = match key.algorithm {
        HashAlgorithm::Sha256 => 1.into(),
        HashAlgorithm::Sha512Truncated => 4.into(),
        other => format!("{other}").into(),
    };
    mapping([
        ("BlockSize", one.block_size.into()),
        ("SegmentSize", one.segment_size.into()),
        ("ContentTag", shown_bytes(&one.content_tag.0)),
        ("HashAlgorithm", algorithm),
        ("SegmentHoHoDk", shown_bytes(key.id.0.as_bytes())),
    ])
}
