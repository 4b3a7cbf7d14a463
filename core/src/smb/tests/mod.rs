//! The structures of SRV_READ_HASH, and the server that answers with them.

mod answers;
mod structures;

use super::server::*;
use super::*;
use crate::content::create::Creator;
use crate::content::{ContentInfo, SecretKey, Version};
use crate::hash::HashAlgorithm;
use crate::wire::{Reader, Trace};
use proptest::prelude::*;

fn header(version: HashVersion, blob: &[u8]) -> HashHeader<'static> {
    HashHeader {
        hash_type: HashType::PEER_DIST,
        hash_version: version,
        source_file_change_time: 0x01DB_0000_1234_5678,
        source_file_size: 300_000,
        hash_blob_length: u32::try_from(blob.len()).unwrap(),
        hash_blob_offset: 48,
        dirty: 0,
        source_file_name: b"a\0.\0b\0",
    }
}

fn content() -> Vec<u8> {
    (0..300_000u32)
        .map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0])
        .collect()
}

fn v1_blob() -> Vec<u8> {
    let secret = SecretKey::new(*b"secret").unwrap();
    let mut creator = Creator::v1(HashAlgorithm::Sha256, &secret).unwrap();
    creator.update(&content()).unwrap();
    creator.finish().unwrap().to_vec()
}

/// Thirty segments of 10,000 bytes.
fn v2_blob() -> Vec<u8> {
    let secret = SecretKey::new(*b"secret").unwrap();
    let mut creator = Creator::v2_with_lengths(&secret, &[10_000; 30]).unwrap();
    creator.update(&content()).unwrap();
    creator.finish().unwrap().to_vec()
}

fn file(version: HashVersion) -> Vec<u8> {
    let blob = match version {
        HashVersion::V1 => v1_blob(),
        _ => v2_blob(),
    };
    ContentInformationFile {
        header: header(version, &blob),
        content_information: &blob,
    }
    .encode()
}

fn ask(request: ReadHashRequest, room: u32, bytes: Option<&[u8]>) -> Result<Vec<u8>, NtStatus> {
    answer(&ServerHashes::default(), request, room, bytes)
}

fn answer(
    server: &ServerHashes,
    request: ReadHashRequest,
    max_output_response: u32,
    content_information_file: Option<&[u8]>,
) -> Result<Vec<u8>, NtStatus> {
    let mut out = b"before".to_vec();
    let input = request.encode();
    let ioctl = ReadHashIoctl {
        dialect: Dialect::Smb3,
        input: &input,
        max_output_response,
    };
    let file = OpenFile {
        is_share_enabled: true,
        size: 300_000,
        content_information_file,
    };
    let result = answer_into(&mut out, server, &ioctl, &file);
    let answer = out.split_off(6);
    assert_eq!(out, b"before");
    assert!(result.is_ok() || answer.is_empty());
    assert!(answer.len() as u64 <= u64::from(max_output_response));
    result.map(|()| answer)
}
