//! Replay of the vectors of MS-SMB2: the structures of SRV_READ_HASH, decoded and written again, and its server's rule.
//! Invariant: which structure it is, is told by the group, for nothing inside does.
//! Byte order: none.

mod read_hash;

use peerdist::smb::{ContentInformationFile, DecodeError, FileBased, HashBased, ReadHashRequest};
use serde_yaml::Mapping;

use super::message::{self, Given, Offsets, Parameters, Read, Refusal, mapping, shown_bytes};
use super::{Group, Test, no_replay, typed};

pub(super) fn replay(kind: &str, group: &Group, test: &Test) -> Result<(), String> {
    match kind {
        "message" => {
            let Parameters { message, .. } = typed("parameters", &group.parameters)?;
            message::replay(group, test, Offsets::Always, |given| {
                decode(&message, given)
            })
        }
        "read_hash" => read_hash::replay(group, test),
        _ => Err(no_replay("MS-SMB2", kind)),
    }
}

fn decode(name: &str, given: &Given) -> Result<Result<Read, Refusal>, String> {
    let bytes = &given.bytes;
    let read = |(fields, encoded): (Mapping, Vec<u8>)| Read {
        name: name.to_owned(),
        fields,
        quirks: Vec::new(),
        encoded: Some(encoded),
    };
    let decoded = match (given.direction.as_str(), name) {
        ("request", "SRV_READ_HASH") => ReadHashRequest::decode(bytes).map(of_request),
        ("file", "HASH_HEADER") => ContentInformationFile::decode(bytes).map(of_file),
        ("response", "SRV_HASH_RETRIEVE_HASH_BASED") => HashBased::decode(bytes).map(of_hash_based),
        ("response", "SRV_HASH_RETRIEVE_FILE_BASED") => FileBased::decode(bytes).map(of_file_based),
        (direction, name) => return Err(format!("there is no {name} as a {direction}")),
    };
    Ok(decoded.map(read).map_err(|error: DecodeError| Refusal {
        error: error.problem.name(),
        at: error.at,
    }))
}

fn of_request(found: ReadHashRequest) -> (Mapping, Vec<u8>) {
    let fields = mapping([
        ("HashType", found.hash_type.0.into()),
        ("HashVersion", found.hash_version.0.into()),
        ("HashRetrievalType", found.retrieval_type.0.into()),
        ("Length", found.length.into()),
        ("Offset", found.offset.into()),
    ]);
    (fields, found.encode())
}

fn of_file(found: ContentInformationFile<'_>) -> (Mapping, Vec<u8>) {
    let header = &found.header;
    let fields = mapping([
        ("HashType", header.hash_type.0.into()),
        ("HashVersion", header.hash_version.0.into()),
        (
            "SourceFileChangeTime",
            header.source_file_change_time.into(),
        ),
        ("SourceFileSize", header.source_file_size.into()),
        ("HashBlobLength", header.hash_blob_length.into()),
        ("HashBlobOffset", header.hash_blob_offset.into()),
        ("Dirty", header.dirty.into()),
        ("SourceFileName", shown_bytes(header.source_file_name)),
        ("ContentInformation", shown_bytes(found.content_information)),
    ]);
    (fields, found.encode())
}

fn of_hash_based(found: HashBased<'_>) -> (Mapping, Vec<u8>) {
    let fields = mapping([
        ("Offset", found.offset.into()),
        ("BufferLength", found.buffer.len().into()),
        ("Buffer", shown_bytes(found.buffer)),
    ]);
    (fields, found.encode())
}

fn of_file_based(found: FileBased<'_>) -> (Mapping, Vec<u8>) {
    let fields = mapping([
        ("FileDataOffset", found.file_data_offset.into()),
        ("FileDataLength", found.file_data_length.into()),
        ("BufferLength", found.buffer.len().into()),
        ("Buffer", shown_bytes(found.buffer)),
    ]);
    (fields, found.encode())
}
