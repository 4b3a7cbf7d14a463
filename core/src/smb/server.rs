//! MS-SMB2 3.3.5.7, 3.3.5.15.7: what a file server answers to SRV_READ_HASH, as a function of what it has.
//! Invariant: an answer never exceeds what the client has room for; a refusal appends nothing.
//! Byte order: little-endian.

use super::response::write_buffer_head;
use super::{
    ContentInformationFile, Dialect, FILE_BASED_BYTES, FileBased, HASH_BASED_BYTES, HashBased,
    HashHeader, HashType, HashVersion, NtStatus, READ_HASH_REQUEST_BYTES, ReadHashRequest,
    RetrievalType, SHAREFLAG_ENABLE_HASH_V1, SHAREFLAG_ENABLE_HASH_V2,
};
use crate::content::{ContentInfo, ContentRange, Version};
use crate::wire::Reader;

/// Bytes of version 2.0 content information in front of its segments, in one chunk.
const V2_HEAD_BYTES: usize = 31 + 5;
/// Bytes of one segment in it.
const V2_SEGMENT_BYTES: usize = 4 + 32 + 32;

/// `ServerHashLevel`.
//= SMB2-3.3.1.5-01
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HashLevel {
    /// Every share has hashes.
    EnableAll,
    /// No share has.
    DisableAll,
    /// Each share decides.
    EnableShare,
}

/// A server, as far as hashes care.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerHashes {
    /// Whether the request is known at all. Windows: from 7 to Server 2012 R2 (appendix <394>).
    pub is_supported: bool,
    /// The newest family that the server speaks.
    pub newest: Dialect,
    /// Whether the branch cache feature is there.
    pub is_feature_present: bool,
    /// Which shares have hashes.
    pub level: HashLevel,
    /// Files shorter than this have none, in bytes. Windows: 65,536.
    pub file_min_bytes: u64,
}

impl Default for ServerHashes {
    fn default() -> Self {
        Self {
            is_supported: true,
            newest: Dialect::Smb3,
            is_feature_present: true,
            level: HashLevel::EnableShare,
            //= SMB2-3.3.5.15.7-02
            file_min_bytes: 65_536,
        }
    }
}

impl ServerHashes {
    const fn allows(&self, is_share_enabled: bool) -> bool {
        match self.level {
            HashLevel::EnableAll => true,
            HashLevel::DisableAll => false,
            HashLevel::EnableShare => is_share_enabled,
        }
    }

    /// The flags for `ShareFlags` of a TREE_CONNECT response.
    //= SMB2-3.3.5.7-01
    //= SMB2-3.3.5.7-02
    #[must_use]
    pub const fn share_flags(&self, connection: Dialect, is_share_enabled: bool) -> u32 {
        let is_enabled = is_share_enabled && !matches!(self.level, HashLevel::DisableAll);
        match connection {
            Dialect::Smb21 if is_enabled => SHAREFLAG_ENABLE_HASH_V1,
            Dialect::Smb3 if is_enabled => SHAREFLAG_ENABLE_HASH_V1 | SHAREFLAG_ENABLE_HASH_V2,
            _ => 0,
        }
    }
}

/// The IOCTL that a request came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadHashIoctl<'a> {
    /// The dialect of the connection.
    pub dialect: Dialect,
    /// The input buffer, `InputCount` bytes.
    pub input: &'a [u8],
    /// `MaxOutputResponse`.
    pub max_output_response: u32,
}

/// The open file that a request is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenFile<'a> {
    /// Whether the share that it was opened on has hashes.
    pub is_share_enabled: bool,
    /// Its bytes.
    pub size: u64,
    /// Its content information file, if that could be opened.
    pub content_information_file: Option<&'a [u8]>,
}

/// `OutputOffset` of the response.
//= SMB2-3.3.5.15.7-22
#[must_use]
pub const fn output_offset(input_offset: u32, input_count: u32) -> u32 {
    input_offset.saturating_add(input_count).saturating_add(7) & !7
}

/// Appends the output of the IOCTL; its length is `OutputCount`.
///
/// # Errors
/// The status by which the request fails. Nothing is appended then.
pub fn answer_into(
    out: &mut Vec<u8>,
    server: &ServerHashes,
    ioctl: &ReadHashIoctl<'_>,
    file: &OpenFile<'_>,
) -> Result<(), NtStatus> {
    let (request, room) = judge_request(server, ioctl, file.size)?;
    //= SMB2-3.3.5.15.7-10
    //= SMB2-3.3.5.15.7-11
    if !server.allows(file.is_share_enabled) {
        return Err(NtStatus::HASH_NOT_SUPPORTED);
    }
    //= SMB2-3.3.5.15.7-12
    let bytes = file
        .content_information_file
        .ok_or(NtStatus::HASH_NOT_PRESENT)?;
    //= SMB2-3.3.5.15.7-15
    if bytes.is_empty() {
        return Err(NtStatus::HASH_NOT_PRESENT);
    }
    //= SMB2-3.3.5.15.7-16
    //= SMB2-3.3.5.15.7-17
    let end = match request.retrieval_type {
        RetrievalType::HASH_BASED => bytes.len() as u64,
        _ => file.size,
    };
    if request.offset >= end {
        return Err(NtStatus::END_OF_FILE);
    }
    //= SMB2-3.3.5.15.7-18
    //= SMB2-3.3.5.15.7-19
    //= SMB2-3.3.5.15.7-20
    //= SMB2-3.3.5.15.7-21
    let source = ContentInformationFile::decode(bytes)
        .ok()
        .filter(|source| {
            source.header.is_valid()
                && source.header.hash_type == request.hash_type
                && source.header.hash_version == request.hash_version
                && source.header.dirty == 0
        })
        .ok_or(NtStatus::HASH_NOT_PRESENT)?;
    match request.retrieval_type {
        RetrievalType::HASH_BASED => {
            hash_based(out, &request, room, bytes);
            Ok(())
        }
        _ => file_based(out, &request, room, &source, file.size),
    }
}

/// The request, and how many bytes of hashes the answer has room for.
fn judge_request(
    server: &ServerHashes,
    ioctl: &ReadHashIoctl<'_>,
    file_size: u64,
) -> Result<(ReadHashRequest, usize), NtStatus> {
    //= SMB2-2.2.31.2-01
    //= SMB2-2.2.32.4-01
    //= SMB2-3.3.5.15.7-01
    if !server.is_supported || server.newest == Dialect::Smb202 || ioctl.dialect == Dialect::Smb202
    {
        return Err(NtStatus::NOT_SUPPORTED);
    }
    //= SMB2-3.3.5.15.7-02
    if !server.is_feature_present || file_size < server.file_min_bytes {
        return Err(NtStatus::HASH_NOT_PRESENT);
    }
    //= SMB2-3.3.5.15.7-03
    if ioctl.input.len() < READ_HASH_REQUEST_BYTES {
        return Err(NtStatus::BUFFER_TOO_SMALL);
    }
    let request = ReadHashRequest::read(&mut Reader::new(ioctl.input))
        .map_err(|_| NtStatus::BUFFER_TOO_SMALL)?;
    let fixed = match request.retrieval_type {
        RetrievalType::HASH_BASED => HASH_BASED_BYTES,
        RetrievalType::FILE_BASED => FILE_BASED_BYTES,
        _ => 0,
    };
    //= SMB2-3.3.5.15.7-04
    let room = usize::try_from(ioctl.max_output_response)
        .unwrap_or(usize::MAX)
        .checked_sub(fixed)
        .ok_or(NtStatus::BUFFER_TOO_SMALL)?;
    //= SMB2-3.3.5.15.7-05
    //= SMB2-3.3.5.15.7-06
    //= SMB2-3.3.5.15.7-07
    //= SMB2-3.3.5.15.7-08
    //= SMB2-3.3.5.15.7-09
    let is_known = match (request.hash_version, request.retrieval_type) {
        (HashVersion::V1, RetrievalType::HASH_BASED) => true,
        (HashVersion::V2, RetrievalType::FILE_BASED) => server.newest == Dialect::Smb3,
        _ => false,
    };
    if is_known && request.hash_type == HashType::PEER_DIST {
        Ok((request, room))
    } else {
        Err(NtStatus::INVALID_PARAMETER)
    }
}

//= SMB2-3.3.5.15.7-13
//= SMB2-3.3.5.15.7-14
//= SMB2-3.3.5.15.7-26
//= SMB2-2.2.32.4.2-02
//= SMB2-2.2.32.4.2-06
fn hash_based(out: &mut Vec<u8>, request: &ReadHashRequest, room: usize, bytes: &[u8]) {
    let wanted = usize::try_from(request.length).unwrap_or(usize::MAX);
    let from = usize::try_from(request.offset).unwrap_or(usize::MAX);
    let rest = bytes.get(from..).unwrap_or_default();
    let (buffer, _) = rest.split_at(rest.len().min(wanted).min(room));
    HashBased {
        offset: request.offset,
        buffer,
    }
    .encode_into(out);
}

//= SMB2-3.3.5.15.7-27
//= SMB2-3.3.5.15.7-28
fn file_based(
    out: &mut Vec<u8>,
    request: &ReadHashRequest,
    room: usize,
    source: &ContentInformationFile<'_>,
    file_size: u64,
) -> Result<(), NtStatus> {
    let info = ContentInfo::decode(source.content_information)
        .ok()
        .filter(|info| info.version() == Version::V2)
        .ok_or(NtStatus::HASH_NOT_PRESENT)?;
    //= SMB2-3.3.5.15.7-24
    let header = (request.offset == 0).then_some(HashHeader {
        hash_blob_length: 0,
        ..source.header
    });
    let header_room = header.map_or(0, |header| {
        // As in the file, content information starts where the header says.
        usize::try_from(header.hash_blob_offset).unwrap_or(usize::MAX)
    });
    let fits = room
        .saturating_sub(header_room)
        .saturating_sub(V2_HEAD_BYTES)
        / V2_SEGMENT_BYTES;
    let wanted_end = request
        .offset
        .saturating_add(u64::from(request.length.max(1)))
        .min(file_size);
    let covering = info
        .segments()
        .filter(|segment| request.offset < segment.end() && segment.offset < wanted_end);
    let mut range: Option<ContentRange> = None;
    //= SMB2-2.2.32.4.3-02
    //= SMB2-2.2.32.4.3-03
    for segment in covering.take(fits) {
        let start = range.map_or(segment.offset, |range| range.start);
        let length = segment.end() - start;
        range = Some(ContentRange { start, length });
    }
    let Some(range) = range else {
        // Either no segment covers the offset, or there is no room for the one that does.
        return Err(match fits {
            0 => NtStatus::BUFFER_TOO_SMALL,
            _ => NtStatus::HASH_NOT_PRESENT,
        });
    };
    if request.offset < range.start {
        return Err(NtStatus::HASH_NOT_PRESENT);
    }
    //= SMB2-2.2.32.4.3-07
    let portion = info
        .restrict(range)
        .map_err(|_| NtStatus::HASH_NOT_PRESENT)?;
    match header {
        None => FileBased {
            file_data_offset: range.start,
            file_data_length: range.length,
            buffer: &portion,
        }
        .encode_into(out),
        Some(header) => {
            out.extend_from_slice(&range.start.to_le_bytes());
            out.extend_from_slice(&range.length.to_le_bytes());
            write_buffer_head(header_room + portion.len(), out);
            ContentInformationFile {
                header,
                content_information: &portion,
            }
            .encode_into(out);
        }
    }
    Ok(())
}
