//! What some bytes look like, judged by the few places where a protocol's messages always have the same.
//! Invariant: nothing here decides whether a message is valid; it only says which decoders are worth asking.
//! Byte order: that of each protocol.

use super::Protocol;
use crate::retrieval::{MessageType, TRANSPORT_HEADER_BYTES};

/// Whether the first bytes are such as the protocol's messages have. The table is in the head of the module above.
pub(super) fn fits(protocol: Protocol, bytes: &[u8]) -> bool {
    match protocol {
        Protocol::Pccrc => is_content_information(bytes),
        Protocol::Pccrd => is_xml(bytes),
        Protocol::Pccrtp => is_http(bytes),
        Protocol::Pccrr => request_signs(bytes).max(response_signs(bytes)) >= 2,
        Protocol::Pchc => is_hosted_cache_response(bytes) || is_hosted_cache_request(bytes),
        Protocol::Smb => hash_structure(bytes).is_some(),
    }
}

pub(super) fn is_content_information(bytes: &[u8]) -> bool {
    // An offer to a hosted cache starts with the same versions, but its type, that follows, starts with 0.
    matches!(bytes, [0, 1 | 2]) || matches!(bytes, [0, 1 | 2, hash, ..] if *hash != 0)
}

fn is_xml(bytes: &[u8]) -> bool {
    let text = match bytes {
        [0xFE, 0xFF, ..] | [0xFF, 0xFE, ..] => return true,
        [0xEF, 0xBB, 0xBF, text @ ..] | text => text,
    };
    text.trim_ascii_start().starts_with(b"<")
}

fn is_http(bytes: &[u8]) -> bool {
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or(bytes);
    is_start_line(line) || field_name(line).is_some()
}

/// Whether a line is the first of a request or of a response.
pub(super) fn is_start_line(line: &[u8]) -> bool {
    let line = line.trim_ascii_end();
    let has_version = |word: &[u8]| {
        matches!(word, [b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
            if major.is_ascii_digit() && minor.is_ascii_digit())
    };
    let mut words = line.split(|byte| *byte == b' ');
    words.next().is_some_and(has_version) || words.next_back().is_some_and(has_version)
}

/// The name of the header field that a line starts with.
pub(super) fn field_name(line: &[u8]) -> Option<&[u8]> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let name = line.get(..colon)?;
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    (!name.is_empty() && name.iter().all(is_name)).then_some(name)
}

fn u32_be(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..)?.first_chunk()?;
    Some(u32::from_be_bytes(*four))
}

fn u32_le(bytes: &[u8], at: usize) -> Option<u32> {
    u32_be(bytes, at).map(u32::swap_bytes)
}

fn has_length(claimed: Option<u32>, found: Option<usize>) -> bool {
    claimed.map(usize::try_from).and_then(Result::ok) == found && found.is_some()
}

fn is_version(number: Option<u32>) -> bool {
    matches!(number, Some(1 | 2))
}

fn request_signs(bytes: &[u8]) -> u32 {
    let is_type = matches!(
        u32_be(bytes, 4).map(MessageType),
        Some(
            MessageType::NEGO_REQ
                | MessageType::GETBLKLIST
                | MessageType::GETBLKS
                | MessageType::GETSEGLIST
        )
    );
    u32::from(is_version(u32_be(bytes, 0)))
        + u32::from(is_type)
        + u32::from(has_length(u32_be(bytes, 8), Some(bytes.len())))
}

fn response_signs(bytes: &[u8]) -> u32 {
    let is_type = matches!(
        u32_be(bytes, 8).map(MessageType),
        Some(
            MessageType::NEGO_RESP | MessageType::BLKLIST | MessageType::BLK | MessageType::SEGLIST
        )
    );
    let rest = bytes.len().checked_sub(TRANSPORT_HEADER_BYTES);
    u32::from(is_version(u32_be(bytes, 4)))
        + u32::from(is_type)
        + u32::from(has_length(u32_be(bytes, 0), rest))
        + u32::from(has_length(u32_be(bytes, 12), rest))
}

/// Whether a message of retrieval is rather a response than a request.
pub(super) fn is_response(bytes: &[u8]) -> bool {
    response_signs(bytes) > request_signs(bytes)
}

/// Whether a message of the hosted cache is a response. A request has at least 16 bytes.
pub(super) fn is_hosted_cache_response(bytes: &[u8]) -> bool {
    bytes.len() <= 8 && bytes.starts_with(&[0, 0, 0, 1])
}

fn is_hosted_cache_request(bytes: &[u8]) -> bool {
    matches!(bytes, [0, 1 | 2, 0, 1..=3, ..])
}

/// The structures of SRV_READ_HASH.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HashStructure {
    Request,
    File,
    HashBased,
    FileBased,
}

/// Which structure of SRV_READ_HASH the bytes look like.
pub(super) fn hash_structure(bytes: &[u8]) -> Option<HashStructure> {
    let length = bytes.len();
    let is_of_type =
        u32_le(bytes, 0) == Some(1) && matches!(u32_le(bytes, 4), Some(1 | 2)) && length > 8;
    let has_retrieval = matches!(u32_le(bytes, 8), Some(1 | 2));
    if is_of_type && has_retrieval && length <= 28 {
        Some(HashStructure::Request)
    } else if has_length(u32_le(bytes, 8), length.checked_sub(16)) {
        Some(HashStructure::HashBased)
    } else if has_length(u32_le(bytes, 16), length.checked_sub(24)) {
        Some(HashStructure::FileBased)
    } else {
        is_of_type.then_some(HashStructure::File)
    }
}
