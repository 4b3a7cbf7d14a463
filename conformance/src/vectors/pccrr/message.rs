//! Replay of retrieval messages: decoded, compared field by field, and written again.
//! Invariant: a field is shown under its name in the document, which differs between requests and responses.
//! Byte order: none.

use peerdist::retrieval::{
    BlockRange, CryptoAlgorithm, DecodeError, MessageType, ProtocolVersion, Request, RequestBody,
    Response, ResponseBody, SegmentRange, VersionRange,
};
use serde_yaml::{Mapping, Value};

use crate::vectors::blob::shown_blob;
use crate::vectors::message::{self, Given, Offsets, Read, Refusal, list, mapping, shown_bytes};
use crate::vectors::{Group, Test};

pub(super) fn replay(group: &Group, test: &Test) -> Result<(), String> {
    message::replay(group, test, Offsets::Always, decode)
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

fn of_request(found: &Request<'_>) -> Read {
    let encoded = found.encode();
    let message_type = found.body.message_type();
    let mut fields = head(found.version, message_type, encoded.len(), found.crypto);
    match &found.body {
        RequestBody::Negotiation(versions) => fields.extend(of_versions(versions)),
        RequestBody::BlockList(body) => fields.extend(mapping([
            ("SegmentID", shown_bytes(body.segment.0.as_bytes())),
            ("NeededBlockRanges", of_ranges(body.needed.iter())),
        ])),
        RequestBody::Blocks(body) => fields.extend(mapping([
            ("SegmentID", shown_bytes(body.segment.0.as_bytes())),
            ("ReqBlockRanges", of_ranges(body.requested.iter())),
            ("DataForVrfBlock", shown_bytes(body.verification)),
        ])),
        RequestBody::SegmentList(body) => {
            let ids = body.segments.iter();
            fields.extend(mapping([
                ("RequestID", shown_bytes(&body.request_id)),
                (
                    "SegmentIDs",
                    list(ids.map(|id| shown_bytes(id.0.as_bytes()))),
                ),
                ("ExtensibleBlob", shown_bytes(body.blob)),
            ]));
            fields.extend(of_blob(body.blob));
        }
    }
    Read {
        name: name_of(message_type),
        fields,
        quirks: found.quirks().iter().map(|quirk| quirk.name()).collect(),
        encoded: Some(encoded),
    }
}

fn of_response(found: &Response<'_>) -> Read {
    let message_type = found.body.message_type();
    let mut fields = head(
        found.version,
        message_type,
        found.message_len(),
        found.crypto,
    );
    match &found.body {
        ResponseBody::Negotiation(versions) => fields.extend(of_versions(versions)),
        ResponseBody::BlockList(body) => fields.extend(mapping([
            ("SegmentId", shown_bytes(body.segment.0.as_bytes())),
            ("BlockRanges", of_ranges(body.available.iter())),
            ("NextBlockIndex", body.next.into()),
        ])),
        ResponseBody::Block(body) => fields.extend(mapping([
            ("SegmentId", shown_bytes(body.segment.0.as_bytes())),
            ("BlockIndex", body.index.into()),
            ("NextBlockIndex", body.next.into()),
            ("Block", shown_bytes(body.payload)),
            ("VrfBlock", shown_bytes(body.verification)),
            ("IVBlock", shown_bytes(body.iv)),
        ])),
        ResponseBody::SegmentList(body) => {
            let ranges = body
                .available
                .iter()
                .map(|range: SegmentRange| of_range(range.first(), range.count()));
            fields.extend(mapping([
                ("RequestID", shown_bytes(&body.request_id)),
                ("SegmentRanges", list(ranges)),
                ("ExtensibleBlob", shown_bytes(body.blob)),
            ]));
            fields.extend(of_blob(body.blob));
        }
    }
    Read {
        name: name_of(message_type),
        fields,
        quirks: found.quirks().iter().map(|quirk| quirk.name()).collect(),
        encoded: Some(found.encode()),
    }
}

fn name_of(message_type: MessageType) -> String {
    message_type.name().unwrap_or("no name").to_owned()
}

fn head(
    version: ProtocolVersion,
    message_type: MessageType,
    size: usize,
    crypto: CryptoAlgorithm,
) -> Mapping {
    mapping([
        ("ProtVer", of_version(version)),
        ("MsgType", message_type.0.into()),
        ("MsgSize", size.into()),
        ("CryptoAlgoId", crypto.0.into()),
    ])
}

fn of_version(version: ProtocolVersion) -> Value {
    mapping([
        ("major", version.major.into()),
        ("minor", version.minor.into()),
    ])
    .into()
}

fn of_versions(versions: &VersionRange) -> Mapping {
    mapping([
        ("MinSupportedProtocolVersion", of_version(versions.lowest)),
        ("MaxSupportedProtocolVersion", of_version(versions.highest)),
    ])
}

fn of_range(index: u32, count: u32) -> Value {
    mapping([("Index", index.into()), ("Count", count.into())]).into()
}

fn of_ranges(ranges: impl Iterator<Item = BlockRange>) -> Value {
    list(ranges.map(|range| of_range(range.first().get(), range.count())))
}

/// What is in a blob. One that is empty is none at all.
fn of_blob(blob: &[u8]) -> Mapping {
    if blob.is_empty() {
        Mapping::new()
    } else {
        shown_blob(blob)
    }
}
