//! Replay of the vectors of MS-PCCRD: probes and matches, as a reader of datagrams understands them.
//! Invariant: a message written again need not be the same text, but it must mean the same.
//! Byte order: none.

use peerdist::content::{SegmentId, Version};
use peerdist::discovery::{Availability, Found, Message, Probe, ProbeMatch, SegmentAges};
use peerdist::retrieval;
use serde_yaml::{Mapping, Value};

use super::blob::shown_blob;
use super::message::{self, Given, Offsets, Read, Refusal, list, mapping, shown_bytes};
use super::{Group, Test, no_replay};

pub(super) fn replay(kind: &str, group: &Group, test: &Test) -> Result<(), String> {
    match kind {
        "message" => message::replay(group, test, Offsets::WhereStated, decode),
        _ => Err(no_replay("MS-PCCRD", kind)),
    }
}

fn decode(given: &Given) -> Result<Result<Read, Refusal>, String> {
    let decoded = match Message::decode(&given.bytes) {
        Ok(decoded) => decoded,
        Err(error) => {
            return Ok(Err(Refusal {
                error: error.problem.name(),
                at: error.at,
            }));
        }
    };
    let again = Message::decode(&decoded.message.encode())
        .map_err(|error| format!("the message written again: {error}"))?;
    if again.message != decoded.message {
        let (found, expected) = (again.message, decoded.message);
        return Err(format!(
            "the message written again: expected {expected:?}, found {found:?}"
        ));
    }
    let (name, direction, fields) = match &decoded.message {
        Message::Probe(probe) => ("Probe", "request", of_probe(probe)),
        Message::ProbeMatch(found) => ("ProbeMatches", "response", of_match(found, given)?),
    };
    if given.direction != direction {
        return Err(format!("a {name} is no {}", given.direction));
    }
    Ok(Ok(Read {
        name: name.to_owned(),
        fields,
        quirks: decoded.quirks.iter().map(|quirk| quirk.name()).collect(),
        encoded: None,
    }))
}

fn of_version(version: Version) -> Value {
    match version {
        Version::V1 => 1.into(),
        Version::V2 => 2.into(),
    }
}

fn of_ids<'a>(ids: impl Iterator<Item = &'a SegmentId>) -> Value {
    list(ids.map(|id| shown_bytes(id.0.as_bytes())))
}

fn of_probe(probe: &Probe) -> Mapping {
    mapping([
        ("version", of_version(probe.version)),
        ("MessageID", probe.message_id.as_str().into()),
        ("segment_ids", of_ids(probe.ids.iter())),
    ])
}

fn of_match(found: &ProbeMatch, given: &Given) -> Result<Mapping, String> {
    let addresses = found.addresses.iter().map(ToString::to_string);
    let mut fields = mapping([
        ("version", of_version(found.found.version())),
        ("MessageID", found.message_id.as_str().into()),
        ("RelatesTo", found.relates_to.as_str().into()),
        ("Address", found.address.as_str().into()),
        ("XAddrs", list(addresses)),
    ]);
    if let Some(sequence) = &found.sequence {
        fields.extend(mapping([
            ("InstanceId", sequence.instance_id.into()),
            ("MessageNumber", sequence.message_number.into()),
        ]));
    }
    if let Some(version) = found.metadata_version {
        fields.insert("MetadataVersion".into(), version.into());
    }
    match &found.found {
        Found::V1(counts) => fields.extend(mapping([
            ("segment_ids", of_ids(counts.iter().map(|count| &count.id))),
            ("BlockCount", list(counts.iter().map(|count| count.blocks))),
        ])),
        Found::V2 { availability, ages } => {
            let segments = given.segments.ok_or("input of the vector: no segments")?;
            fields.insert(
                "availability".into(),
                list((0..segments).map(|index| word(availability, index))),
            );
            fields.extend(of_ages(ages)?);
        }
    }
    Ok(fields)
}

fn word(availability: &Availability, index: usize) -> &'static str {
    match (availability.has(index), availability.is_complete(index)) {
        (false, _) => "none",
        (true, false) => "part",
        (true, true) => "complete",
    }
}

/// The ages, which discovery and retrieval must read alike.
fn of_ages(ages: &SegmentAges) -> Result<Mapping, String> {
    let blob = ages.as_blob();
    let expected: Vec<_> = retrieval::SegmentAges::decode(blob)
        .into_iter()
        .flat_map(|ages| ages.iter().map(|age| (age.index, age.age)))
        .collect();
    let found: Vec<_> = ages.iter().collect();
    super::same("ages read in discovery", &expected, &found)?;
    Ok(shown_blob(blob))
}
