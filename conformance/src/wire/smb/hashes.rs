//! `SRV_READ_HASH` and what it answers (MS-SMB2 2.2.31.2, 2.2.32.4.1 to 2.2.32.4.3).
//! Invariant: a structure is read where its fixed part is there; what its lengths promise is told beside what there is.
//! Byte order: little-endian; content information inside keeps its own.

use super::{array_at, u16_at, u32_at, u64_at};

/// Bytes of a request.
pub const REQUEST_BYTES: usize = 24;
/// Bytes of a hash based answer in front of its buffer.
pub const HASH_BASED_BYTES: usize = 16;
/// Bytes of a file based answer in front of its buffer.
pub const FILE_BASED_BYTES: usize = 24;
/// Bytes of `HASH_HEADER` in front of the name.
pub const HEADER_BYTES: usize = 36;
/// `SRV_HASH_TYPE_PEER_DIST`.
pub const PEER_DIST: u32 = 1;
/// `SRV_HASH_VER_1`.
pub const VERSION_1: u32 = 1;
/// `SRV_HASH_VER_2`.
pub const VERSION_2: u32 = 2;
/// `SRV_HASH_RETRIEVE_HASH_BASED`.
pub const HASH_BASED: u32 = 1;
/// `SRV_HASH_RETRIEVE_FILE_BASED`.
pub const FILE_BASED: u32 = 2;

/// A request for hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "fields have the names of the document")]
pub struct Request {
    pub hash_type: u32,
    pub hash_version: u32,
    pub retrieval_type: u32,
    pub length: u32,
    pub offset: u64,
}

impl Request {
    /// Reads the first 24 bytes of an input buffer. `None`: there are fewer.
    #[must_use]
    pub fn read(input: &[u8]) -> Option<Self> {
        Some(Self {
            hash_type: u32_at(input, 0)?,
            hash_version: u32_at(input, 4)?,
            retrieval_type: u32_at(input, 8)?,
            length: u32_at(input, 12)?,
            offset: u64_at(input, 16)?,
        })
    }
}

/// What a content information file begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "fields have the names of the document")]
pub struct HashHeader {
    pub hash_type: u32,
    pub hash_version: u32,
    pub source_file_change_time: u64,
    pub source_file_size: u64,
    pub hash_blob_length: u32,
    pub hash_blob_offset: u32,
    pub dirty: u16,
    pub source_file_name_length: u16,
}

impl HashHeader {
    /// Reads the fixed part. `None`: there are fewer than 36 bytes.
    #[must_use]
    pub fn read(file: &[u8]) -> Option<Self> {
        Some(Self {
            hash_type: u32_at(file, 0)?,
            hash_version: u32_at(file, 4)?,
            source_file_change_time: u64_at(file, 8)?,
            source_file_size: u64_at(file, 16)?,
            hash_blob_length: u32_at(file, 24)?,
            hash_blob_offset: u32_at(file, 28)?,
            dirty: u16_at(file, 32)?,
            source_file_name_length: u16_at(file, 34)?,
        })
    }

    /// Bytes of the header with the name.
    #[must_use]
    pub fn bytes(&self) -> usize {
        HEADER_BYTES + usize::from(self.source_file_name_length)
    }

    /// Where the file ends, by what the header says.
    #[must_use]
    pub fn end(&self) -> u64 {
        u64::from(self.hash_blob_offset) + u64::from(self.hash_blob_length)
    }
}

/// A hash based answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "fields have the names of the document")]
pub struct HashBased {
    pub offset: u64,
    pub buffer_length: u32,
    pub reserved: u32,
}

impl HashBased {
    /// Reads the fixed part. `None`: it is not there in full.
    #[must_use]
    pub fn read(output: &[u8]) -> Option<Self> {
        Some(Self {
            offset: u64_at(output, 0)?,
            buffer_length: u32_at(output, 8)?,
            reserved: u32_at(output, 12)?,
        })
    }
}

/// A file based answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "fields have the names of the document")]
pub struct FileBased {
    pub file_data_offset: u64,
    pub file_data_length: u64,
    pub buffer_length: u32,
    pub reserved: u32,
}

impl FileBased {
    /// Reads the fixed part. `None`: it is not there in full.
    #[must_use]
    pub fn read(output: &[u8]) -> Option<Self> {
        Some(Self {
            file_data_offset: u64_at(output, 0)?,
            file_data_length: u64_at(output, 8)?,
            buffer_length: u32_at(output, 16)?,
            reserved: u32_at(output, 20)?,
        })
    }
}

/// Whether bytes begin as content information does, rather than as `HASH_HEADER`.
#[must_use]
pub fn is_content_information(bytes: &[u8]) -> bool {
    matches!(array_at(bytes, 0), Some([0, 1 | 2]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structures_are_read_in_full_or_not_at_all() {
        let bytes: Vec<u8> = (1..=36).collect();
        let request = Request::read(&bytes).unwrap();
        assert_eq!(request.hash_type, 0x0403_0201);
        assert_eq!(request.length, 0x100F_0E0D);
        assert_eq!(request.offset, 0x1817_1615_1413_1211);
        let header = HashHeader::read(&bytes).unwrap();
        assert_eq!(header.source_file_size, 0x1817_1615_1413_1211);
        assert_eq!(header.hash_blob_offset, 0x201F_1E1D);
        assert_eq!((header.dirty, header.bytes()), (0x2221, 36 + 0x2423));
        assert_eq!(HashBased::read(&bytes).unwrap().reserved, 0x100F_0E0D);
        let answer = FileBased::read(&bytes).unwrap();
        assert_eq!(answer.buffer_length, 0x1413_1211);
        for end in 0..HEADER_BYTES {
            let cut = &bytes[..end];
            assert_eq!(Request::read(cut).is_some(), end >= REQUEST_BYTES);
            assert_eq!(HashHeader::read(cut), None);
            assert_eq!(HashBased::read(cut).is_some(), end >= HASH_BASED_BYTES);
            assert_eq!(FileBased::read(cut).is_some(), end >= FILE_BASED_BYTES);
        }
    }
}
