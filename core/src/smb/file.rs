//! MS-SMB2 2.2.32.4.1: the content information file, a HASH_HEADER and content information behind it.
//! Invariant: content information never overlaps the header and lies inside the file.
//! Byte order: little-endian.

use super::error::{DecodeError, Problem};
use super::{HashType, HashVersion};
use crate::wire::{Reader, Truncated};

/// Bytes of a header in front of the file name.
pub const HASH_HEADER_BYTES: usize = 36;

const LAYOUT: &str = "SMB2-2.2.32.4.1-02";

/// `HASH_HEADER`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashHeader<'a> {
    /// What the hashes are for.
    pub hash_type: HashType,
    /// Which version of content information.
    pub hash_version: HashVersion,
    /// When the source file was changed last: 100 ns since 1601-01-01 UTC.
    //= SMB2-2.2.32.4.1-06
    pub source_file_change_time: u64,
    /// Bytes of the source file.
    //= SMB2-2.2.32.4.1-07
    pub source_file_size: u64,
    /// Bytes of the content information; 0 where a server sends version 2.0.
    //= SMB2-2.2.32.4.1-08
    pub hash_blob_length: u32,
    /// Where the content information starts, from the header's first byte.
    pub hash_blob_offset: u32,
    /// Not 0 while the file is being written.
    //= SMB2-2.2.32.4.1-09
    pub dirty: u16,
    /// The source file's name, UTF-16LE by custom. Nothing is read from it.
    //= SMB2-2.2.32.4.1-10
    pub source_file_name: &'a [u8],
}

impl<'a> HashHeader<'a> {
    //= SMB2-2.2.32.4.1-02
    fn read(reader: &mut Reader<'a>) -> Result<Self, Truncated> {
        let hash_type = HashType(reader.u32_le("HashType")?);
        reader.means(|| hash_type);
        let hash_version = HashVersion(reader.u32_le("HashVersion")?);
        reader.means(|| hash_version);
        let source_file_change_time = reader.u64_le("SourceFileChangeTime")?;
        let source_file_size = reader.u64_le("SourceFileSize")?;
        let hash_blob_length = reader.u32_le("HashBlobLength")?;
        let hash_blob_offset = reader.u32_le("HashBlobOffset")?;
        let dirty = reader.u16_le("Dirty")?;
        let name_length = reader.u16_le("SourceFileNameLength")?;
        Ok(Self {
            hash_type,
            hash_version,
            source_file_change_time,
            source_file_size,
            hash_blob_length,
            hash_blob_offset,
            dirty,
            source_file_name: reader.take(usize::from(name_length), "SourceFileName")?,
        })
    }

    /// Its bytes, the name's included.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        HASH_HEADER_BYTES + self.source_file_name.len()
    }

    /// Appends the header. A name of more than 65,535 bytes is cut.
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.hash_type.0.to_le_bytes());
        out.extend_from_slice(&self.hash_version.0.to_le_bytes());
        out.extend_from_slice(&self.source_file_change_time.to_le_bytes());
        out.extend_from_slice(&self.source_file_size.to_le_bytes());
        out.extend_from_slice(&self.hash_blob_length.to_le_bytes());
        out.extend_from_slice(&self.hash_blob_offset.to_le_bytes());
        out.extend_from_slice(&self.dirty.to_le_bytes());
        let length = u16::try_from(self.source_file_name.len()).unwrap_or(u16::MAX);
        out.extend_from_slice(&length.to_le_bytes());
        let name = self.source_file_name.get(..usize::from(length));
        out.extend_from_slice(name.unwrap_or_default());
    }

    /// The header.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.encoded_len());
        self.encode_into(&mut out);
        out
    }

    /// Whether its numbers are those of a header that a server may hand out.
    //= SMB2-2.2.32.4.1-04
    //= SMB2-2.2.32.4.1-05
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.hash_type == HashType::PEER_DIST
            && matches!(self.hash_version, HashVersion::V1 | HashVersion::V2)
    }
}

/// A content information file, or the buffer of a file based response from offset 0, which looks alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContentInformationFile<'a> {
    /// What stands in front.
    pub header: HashHeader<'a>,
    /// The content information, not looked at yet: see [`crate::content::ContentInfo`].
    pub content_information: &'a [u8],
}

impl<'a> ContentInformationFile<'a> {
    /// Decodes a whole file.
    ///
    /// # Errors
    /// [`DecodeError`] for anything that does not start with a header, or that the header does not fit. Bytes behind the
    /// content information are left alone.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        Self::decode_with(Reader::new(bytes))
    }

    /// Decodes what the reader has left, from its first byte.
    ///
    /// # Errors
    /// As [`ContentInformationFile::decode`].
    //= SMB2-2.2.32.4.1-01
    //= SMB2-2.2.32.4.1-03
    pub fn decode_with(mut reader: Reader<'a>) -> Result<Self, DecodeError> {
        let start = reader.at();
        reader.open("HASH_HEADER", None);
        let header =
            HashHeader::read(&mut reader).map_err(|error| DecodeError::truncated(error, LAYOUT))?;
        reader.close();
        let least = header.encoded_len();
        let most = least + reader.remaining();
        let found = header.hash_blob_offset;
        let gap = usize::try_from(found)
            .ok()
            .filter(|at| *at <= most)
            .and_then(|at| at.checked_sub(least));
        let Some(gap) = gap else {
            let problem = Problem::BlobOffset { found, least, most };
            return Err(problem.at(start + 28, "HashBlobOffset", "SMB2-2.2.32.4.1-03"));
        };
        let in_layout = |error| DecodeError::truncated(error, LAYOUT);
        if gap > 0 {
            reader.take(gap, "gap").map_err(in_layout)?;
        }
        let left = reader.remaining();
        let found = header.hash_blob_length;
        let length = match (found, header.hash_version) {
            // What a server sends of version 2.0 does not tell its length.
            (0, HashVersion::V2) => left,
            _ => usize::try_from(found).unwrap_or(usize::MAX),
        };
        if length > left {
            let problem = Problem::BlobLength { found, most: left };
            return Err(problem.at(start + 24, "HashBlobLength", "SMB2-2.2.32.4.1-08"));
        }
        let content_information = reader
            .take(length, "ContentInformation")
            .map_err(in_layout)?;
        Ok(Self {
            header,
            content_information,
        })
    }

    /// Appends the file: header, and content information where the header says; the gap between is filled with zeros.
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        let start = out.len();
        self.header.encode_into(out);
        let at = usize::try_from(self.header.hash_blob_offset).unwrap_or(usize::MAX);
        let gap = at.saturating_sub(out.len() - start);
        out.extend(core::iter::repeat_n(0, gap));
        out.extend_from_slice(self.content_information);
    }

    /// The file.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode_into(&mut out);
        out
    }
}
