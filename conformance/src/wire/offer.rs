//! Offers of MS-PCHC 2.2.1 as a hosted cache reads them, and its answers.
//! Invariant: an offer that reads well has no byte too few or too many; padding may be anything.
//! Byte order: big-endian, but for the version, whose minor byte stands first.

use peerdist::wire::{Reader, Truncated};

use super::Malformed;
use super::draft::Draft;

/// Where offers of version 1.0 are posted to, over HTTPS.
pub const PATH_1: &str = "/C574AC30-5794-4AEE-B1BB-6651C5315029";
/// Where offers of version 2.0 are posted to, over HTTP.
pub const PATH_2: &str = "/0131501b-d67f-491b-9a40-c4bf27bcb4d4";
/// Type of BATCHED_OFFER_MESSAGE.
pub const BATCHED: u16 = 3;

/// A segment that is offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Descriptor {
    /// BlockSize.
    pub block_size: u32,
    /// SegmentSize.
    pub segment_size: u32,
    /// ContentTag.
    pub content_tag: Vec<u8>,
    /// HashAlgorithm.
    pub hash_algorithm: u8,
    /// SegmentHoHoDk.
    pub segment_id: Vec<u8>,
}

/// BATCHED_OFFER_MESSAGE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// MinorVersion and MajorVersion.
    pub version: [u8; 2],
    /// Type.
    pub kind: u16,
    /// Port.
    pub port: u16,
    /// What is offered.
    pub segments: Vec<Descriptor>,
}

/// Reads BATCHED_OFFER_MESSAGE.
///
/// # Errors
/// [`Malformed`] for the first field that is not as the document has it.
pub fn read(bytes: &[u8]) -> Result<Offer, Malformed> {
    let mut reader = Reader::new(bytes);
    let of_header = |error: Truncated| Malformed::truncated(error, "PCHC-2.2.1-01");
    let version = reader.array("Version").map_err(of_header)?;
    let kind: [u8; 2] = reader.array("Type").map_err(of_header)?;
    let kind = u16::from_be_bytes(kind);
    reader.take(4, "Padding").map_err(of_header)?;
    let port: [u8; 2] = reader.array("Port").map_err(of_header)?;
    reader.take(6, "Padding").map_err(of_header)?;
    if kind != BATCHED {
        return Err(Malformed {
            at: 2,
            field: "Type",
            why: format!("is {kind}, expected 3, which is what version 2.0 has"),
            requirement: "PCHC-2.2.1.5-01",
        });
    }
    let cut = |error: Truncated| Malformed::truncated(error, "PCHC-2.2.1.5-03");
    let mut segments = Vec::new();
    while reader.remaining() > 0 {
        let block_size = reader.u32_be("BlockSize").map_err(cut)?;
        let segment_size = reader.u32_be("SegmentSize").map_err(cut)?;
        let size: [u8; 2] = reader.array("SizeOfContentTag").map_err(cut)?;
        let size = usize::from(u16::from_be_bytes(size));
        let content_tag = reader.take(size, "ContentTag").map_err(cut)?.to_vec();
        let hash_algorithm = reader.u8("HashAlgorithm").map_err(cut)?;
        let segment_id = reader.take(32, "SegmentHoHoDk").map_err(cut)?.to_vec();
        segments.push(Descriptor {
            block_size,
            segment_size,
            content_tag,
            hash_algorithm,
            segment_id,
        });
    }
    Ok(Offer {
        version,
        kind,
        port: u16::from_be_bytes(port),
        segments,
    })
}

/// BATCHED_OFFER_MESSAGE as a message. Each descriptor is a row of fields by the names of the document.
#[must_use]
pub fn batched(port: u16, segments: &[Descriptor]) -> Draft {
    let mut draft = Draft::new()
        .bytes("Version", [0, 2])
        .u16_be("Type", BATCHED)
        .bytes("Padding", [0; 4])
        .u16_be("Port", port)
        .bytes("Padding_2", [0; 6]);
    for segment in segments {
        let size = u16::try_from(segment.content_tag.len()).unwrap_or(u16::MAX);
        draft = draft
            .u32_be("BlockSize", segment.block_size)
            .u32_be("SegmentSize", segment.segment_size)
            .u16_be("SizeOfContentTag", size)
            .bytes("ContentTag", segment.content_tag.clone())
            .u8("HashAlgorithm", segment.hash_algorithm)
            .bytes("SegmentHoHoDk", segment.segment_id.clone());
    }
    draft
}

/// An answer as it travels: its size and the code.
#[must_use]
pub const fn response(code: u8) -> [u8; 5] {
    [0, 0, 0, 1, code]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offer_that_was_written_reads_as_itself_and_no_prefix_of_it_does() {
        let segment = Descriptor {
            block_size: 65_536,
            segment_size: 100_000,
            content_tag: vec![7; 16],
            hash_algorithm: 1,
            segment_id: vec![9; 32],
        };
        let bytes = batched(8_080, &[segment.clone(), segment.clone()]).to_bytes();
        assert_eq!(bytes.len(), 16 + 2 * 59);
        let offer = read(&bytes).unwrap();
        assert_eq!((offer.version, offer.port), ([0, 2], 8_080));
        assert_eq!(offer.segments, [segment.clone(), segment]);
        for kept in (0..bytes.len()).filter(|kept| !matches!(kept, 16 | 75)) {
            assert!(read(&bytes[..kept]).is_err(), "{kept}");
        }
    }
}
