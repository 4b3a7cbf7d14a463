//! MS-SMB2 2.2.32.4.2, 2.2.32.4.3: the two forms of the SRV_READ_HASH response, which the request tells apart.
//! Invariant: the buffer is exactly as long as BufferLength says; Reserved is written as 0 and never looked at.
//! Byte order: little-endian.

use super::error::{DecodeError, Problem};
use crate::wire::{Reader, Truncated};

/// Bytes of a hash based response in front of its buffer.
//= SMB2-2.2.32.4.2-01
pub const HASH_BASED_BYTES: usize = 16;
/// Bytes of a file based response in front of its buffer.
//= SMB2-2.2.32.4.3-01
pub const FILE_BASED_BYTES: usize = 24;

/// `SRV_HASH_RETRIEVE_HASH_BASED`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashBased<'a> {
    /// Where in the content information file the buffer is from.
    pub offset: u64,
    /// A portion of the content information file.
    pub buffer: &'a [u8],
}

/// `SRV_HASH_RETRIEVE_FILE_BASED`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileBased<'a> {
    /// Where in the file the data start that the hashes cover.
    pub file_data_offset: u64,
    /// How many bytes of the file they cover.
    pub file_data_length: u64,
    /// Version 2.0 content information; behind a [`super::HashHeader`] where offset 0 was asked for.
    pub buffer: &'a [u8],
}

//= SMB2-2.2.32.4.2-03
//= SMB2-2.2.32.4.3-04
fn read_buffer<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], Truncated> {
    let length = reader.u32_le("BufferLength")?;
    //= SMB2-2.2.32.4.2-05
    //= SMB2-2.2.32.4.3-06
    reader.u32_le("Reserved")?;
    reader.take(usize::try_from(length).unwrap_or(usize::MAX), "Buffer")
}

//= SMB2-2.2.32.4.2-04
//= SMB2-2.2.32.4.3-05
pub(super) fn write_buffer_head(length: usize, out: &mut Vec<u8>) {
    let length = u32::try_from(length).unwrap_or(u32::MAX);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&[0; 4]);
}

fn refuse_trailing(reader: &Reader<'_>, layout: &'static str) -> Result<(), DecodeError> {
    match reader.remaining() {
        0 => Ok(()),
        count => Err(Problem::TrailingBytes { count }.at(reader.at(), "Buffer", layout)),
    }
}

impl<'a> HashBased<'a> {
    /// Decodes IOCTL output.
    ///
    /// # Errors
    /// [`DecodeError`] for anything that is not exactly one response.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        Self::decode_with(Reader::new(bytes))
    }

    /// Decodes what the reader has left.
    ///
    /// # Errors
    /// As [`HashBased::decode`].
    pub fn decode_with(mut reader: Reader<'a>) -> Result<Self, DecodeError> {
        const LAYOUT: &str = "SMB2-2.2.32.4.2-01";
        let mut read = || {
            Ok(Self {
                offset: reader.u64_le("Offset")?,
                buffer: read_buffer(&mut reader)?,
            })
        };
        let response = read().map_err(|error| DecodeError::truncated(error, LAYOUT))?;
        refuse_trailing(&reader, LAYOUT)?;
        Ok(response)
    }

    /// Appends the response.
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.offset.to_le_bytes());
        write_buffer_head(self.buffer.len(), out);
        out.extend_from_slice(self.buffer);
    }

    /// The response.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HASH_BASED_BYTES + self.buffer.len());
        self.encode_into(&mut out);
        out
    }
}

impl<'a> FileBased<'a> {
    /// Decodes IOCTL output.
    ///
    /// # Errors
    /// [`DecodeError`] for anything that is not exactly one response.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        Self::decode_with(Reader::new(bytes))
    }

    /// Decodes what the reader has left.
    ///
    /// # Errors
    /// As [`FileBased::decode`].
    pub fn decode_with(mut reader: Reader<'a>) -> Result<Self, DecodeError> {
        const LAYOUT: &str = "SMB2-2.2.32.4.3-01";
        let mut read = || {
            Ok(Self {
                file_data_offset: reader.u64_le("FileDataOffset")?,
                file_data_length: reader.u64_le("FileDataLength")?,
                buffer: read_buffer(&mut reader)?,
            })
        };
        let response = read().map_err(|error| DecodeError::truncated(error, LAYOUT))?;
        refuse_trailing(&reader, LAYOUT)?;
        Ok(response)
    }

    /// Appends the response.
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.file_data_offset.to_le_bytes());
        out.extend_from_slice(&self.file_data_length.to_le_bytes());
        write_buffer_head(self.buffer.len(), out);
        out.extend_from_slice(self.buffer);
    }

    /// The response.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(FILE_BASED_BYTES + self.buffer.len());
        self.encode_into(&mut out);
        out
    }
}
