//! MS-SMB2 2.2.31.2: the SRV_READ_HASH request, 24 bytes of IOCTL input.
//! Invariant: none beyond the layout; the server judges the numbers.
//! Byte order: little-endian.

use super::error::{DecodeError, Problem};
use super::{HashType, HashVersion, RetrievalType};
use crate::wire::{Reader, Truncated};

/// Bytes of the request.
//= SMB2-2.2.31.2-02
pub const READ_HASH_REQUEST_BYTES: usize = 24;

const LAYOUT: &str = "SMB2-2.2.31.2-02";

/// Give me content information of the open file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadHashRequest {
    /// What the hashes are for.
    pub hash_type: HashType,
    /// Which version of content information.
    pub hash_version: HashVersion,
    /// What `offset` and `length` count.
    pub retrieval_type: RetrievalType,
    /// Hash based: the most bytes of the content information file. File based: bytes of the file itself.
    pub length: u32,
    /// Hash based: where in the content information file. File based: where in the file itself.
    pub offset: u64,
}

impl ReadHashRequest {
    /// Version 1.0: bytes of the content information file.
    //= SMB2-2.2.31.2-03
    //= SMB2-2.2.31.2-06
    #[must_use]
    pub const fn hash_based(offset: u64, length: u32) -> Self {
        Self {
            hash_type: HashType::PEER_DIST,
            hash_version: HashVersion::V1,
            retrieval_type: RetrievalType::HASH_BASED,
            length,
            offset,
        }
    }

    /// Version 2.0: content information of a part of the file.
    //= SMB2-2.2.31.2-04
    //= SMB2-2.2.31.2-05
    //= SMB2-2.2.31.2-07
    #[must_use]
    pub const fn file_based(offset: u64, length: u32) -> Self {
        Self {
            hash_type: HashType::PEER_DIST,
            hash_version: HashVersion::V2,
            retrieval_type: RetrievalType::FILE_BASED,
            length,
            offset,
        }
    }

    /// Decodes IOCTL input.
    ///
    /// # Errors
    /// [`DecodeError`] for anything that is not exactly one request.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        Self::decode_with(Reader::new(bytes))
    }

    /// Decodes what the reader has left.
    ///
    /// # Errors
    /// As [`ReadHashRequest::decode`].
    pub fn decode_with(mut reader: Reader<'_>) -> Result<Self, DecodeError> {
        let request =
            Self::read(&mut reader).map_err(|error| DecodeError::truncated(error, LAYOUT))?;
        match reader.remaining() {
            0 => Ok(request),
            count => Err(Problem::TrailingBytes { count }.at(reader.at(), "Offset", LAYOUT)),
        }
    }

    //= SMB2-2.2-01
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Truncated> {
        let hash_type = HashType(reader.u32_le("HashType")?);
        reader.means(|| hash_type);
        let hash_version = HashVersion(reader.u32_le("HashVersion")?);
        reader.means(|| hash_version);
        let retrieval_type = RetrievalType(reader.u32_le("HashRetrievalType")?);
        reader.means(|| retrieval_type);
        Ok(Self {
            hash_type,
            hash_version,
            retrieval_type,
            length: reader.u32_le("Length")?,
            offset: reader.u64_le("Offset")?,
        })
    }

    /// Appends the request.
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        let numbers = [
            self.hash_type.0,
            self.hash_version.0,
            self.retrieval_type.0,
            self.length,
        ];
        for number in numbers {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(&self.offset.to_le_bytes());
    }

    /// The request.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(READ_HASH_REQUEST_BYTES);
        self.encode_into(&mut out);
        out
    }
}
