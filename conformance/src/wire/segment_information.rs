//! SegmentInformation of MS-PCHC 2.2.1.4: content information of version 1.0 of one segment, taken apart field by field.
//! Invariant: what was copied from elsewhere is kept as the bytes that it is, so that it can be held against the original.
//! Byte order: little-endian, unlike the message around it.

use peerdist::wire::{Reader, Truncated};

use super::Malformed;
use super::content_info::Segment;
use super::digest::Algorithm;

/// What SEGMENT_INFO_MESSAGE says of a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentInformation {
    /// The hash that dwHashAlgo names.
    pub algorithm: Algorithm,
    /// dwOffsetInFirstSegment.
    pub offset_in_first_segment: u32,
    /// dwReadBytesInLastSegment.
    pub read_bytes_in_last_segment: u32,
    /// ullOffsetInContent.
    pub offset_in_content: u64,
    /// cbSegment.
    pub length: u32,
    /// cbBlockSize.
    pub block_size: u32,
    /// SegmentHashOfData.
    pub hash_of_data: Vec<u8>,
    /// SegmentSecret.
    pub secret: Vec<u8>,
    /// BlockHashes, one after the other.
    pub block_hashes: Vec<u8>,
}

impl SegmentInformation {
    /// HoHoDk.
    #[must_use]
    pub fn id(&self) -> Vec<u8> {
        self.algorithm.segment_id(&self.secret, &self.hash_of_data)
    }

    /// The first field of the description that is not that of a segment: its name, what it is and what it is there.
    #[must_use]
    pub fn differs_from(&self, segment: &Segment) -> Option<(&'static str, String, String)> {
        let number = |name, found: u64, expected: u64| {
            (found != expected).then(|| (name, found.to_string(), expected.to_string()))
        };
        let bytes = |name, found: &[u8], expected: &[u8]| {
            let told = |bytes| format!("{bytes:02x?}");
            (found != expected).then(|| (name, told(found), told(expected)))
        };
        number("ullOffsetInContent", self.offset_in_content, segment.offset)
            .or_else(|| number("cbSegment", self.length.into(), segment.length.into()))
            .or_else(|| number("cbBlockSize", self.block_size.into(), 65_536))
            .or_else(|| {
                bytes(
                    "SegmentHashOfData",
                    &self.hash_of_data,
                    &segment.hash_of_data,
                )
            })
            .or_else(|| bytes("SegmentSecret", &self.secret, &segment.secret))
    }
}

/// Reads SegmentInformation.
///
/// # Errors
/// [`Malformed`] for the first field that is not as the document has it. Whether the values are those of the segment is
/// not asked here.
pub fn read(bytes: &[u8]) -> Result<SegmentInformation, Malformed> {
    let mut reader = Reader::new(bytes);
    let cut = |error: Truncated| Malformed::truncated(error, "PCHC-2.2.1.4-02");
    let wrong = |at, field, why, requirement| {
        Err(Malformed {
            at,
            field,
            why,
            requirement,
        })
    };
    let version = reader.u16_le("Version").map_err(cut)?;
    if version != 0x0100 {
        let why = format!("is {version:#06x}, expected 0x0100, which is version 1.0");
        return wrong(0, "Version", why, "PCHC-2.2.1.4-04");
    }
    let algorithm = match reader.u32_le("dwHashAlgo").map_err(cut)? {
        0x800C => Algorithm::Sha256,
        0x800D => Algorithm::Sha384,
        0x800E => Algorithm::Sha512,
        other => {
            let why = format!("is {other:#x}, which is no hash of version 1.0");
            return wrong(2, "dwHashAlgo", why, "PCHC-2.2.1.4-04");
        }
    };
    let offset_in_first_segment = reader.u32_le("dwOffsetInFirstSegment").map_err(cut)?;
    let read_bytes_in_last_segment = reader.u32_le("dwReadBytesInLastSegment").map_err(cut)?;
    let count = reader.u32_le("cSegments").map_err(cut)?;
    if count != 1 {
        let why = format!("is {count}, expected 1");
        return wrong(14, "cSegments", why, "PCHC-2.2.1.4-07");
    }
    let offset_in_content = reader.u64_le("ullOffsetInContent").map_err(cut)?;
    let length = reader.u32_le("cbSegment").map_err(cut)?;
    let block_size = reader.u32_le("cbBlockSize").map_err(cut)?;
    let digest = algorithm.len();
    let hash_of_data = reader.take(digest, "SegmentHashOfData").map_err(cut)?;
    let secret = reader.take(digest, "SegmentSecret").map_err(cut)?;
    let at = reader.at();
    let blocks = reader.u32_le("cBlocks").map_err(cut)? as usize;
    let listed = reader.remaining();
    if blocks.checked_mul(digest) != Some(listed) {
        let why = format!("is {blocks}, and {listed} bytes of hashes follow");
        return wrong(at, "cBlocks", why, "PCHC-2.2.1.4-02");
    }
    let block_hashes = reader.take(listed, "BlockHashes").map_err(cut)?;
    Ok(SegmentInformation {
        algorithm,
        offset_in_first_segment,
        read_bytes_in_last_segment,
        offset_in_content,
        length,
        block_size,
        hash_of_data: hash_of_data.to_vec(),
        secret: secret.to_vec(),
        block_hashes: block_hashes.to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::content_info::ContentInfo;
    use crate::wire::hosted_cache;

    #[test]
    fn what_was_written_of_a_segment_reads_as_that_segment_and_cut_anywhere_not_at_all() {
        for algorithm in [Algorithm::Sha256, Algorithm::Sha384, Algorithm::Sha512] {
            let info = ContentInfo::v1(&[7; 150_000], b"key", algorithm);
            let segment = &info.segments[0];
            let draft = hosted_cache::segment_information(segment);
            let found = read(&draft.to_bytes()).unwrap();
            assert_eq!(found.id(), segment.id());
            assert_eq!(found.differs_from(segment), None);
            assert_eq!(found.block_hashes, segment.block_hashes.concat());
            for kept in 0..draft.len() {
                assert!(read(&draft.cut_to(kept)).is_err(), "{kept}");
            }
            assert!(read(&draft.followed_by(&[0])).is_err());
        }
    }

    #[test]
    fn what_differs_is_named() {
        let info = ContentInfo::v1(&[7; 150_000], b"key", Algorithm::Sha256);
        let segment = &info.segments[0];
        let draft = hosted_cache::segment_information(segment);
        for field in ["ullOffsetInContent", "SegmentHashOfData", "SegmentSecret"] {
            let length = if field == "ullOffsetInContent" { 8 } else { 32 };
            let found = read(&draft.clone().with(field, vec![1; length]).to_bytes()).unwrap();
            let (named, ..) = found.differs_from(segment).unwrap();
            assert_eq!(named, field);
        }
        let two = draft.with_u32_le("cSegments", 2).to_bytes();
        assert_eq!(read(&two).unwrap_err().requirement, "PCHC-2.2.1.4-07");
    }
}
