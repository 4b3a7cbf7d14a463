//! Messages of MS-PCHC 2.2: offers as drafts, and a reader of responses that forgives nothing.
//! Invariant: a response that reads well is its size, one code, and nothing else.
//! Byte order: big-endian, the minor version before the major one; content information inside is little-endian.

use peerdist::wire::{Reader, Truncated};

use super::Malformed;
use super::content_info::{ContentInfo, Segment, Version};
use super::draft::Draft;

/// Where offers of version 1.0 are posted to, over HTTPS.
pub const PATH_V1: &str = "/C574AC30-5794-4AEE-B1BB-6651C5315029";
/// Where offers of version 2.0 are posted to, over HTTP.
pub const PATH_V2: &str = "/0131501b-d67f-491b-9a40-c4bf27bcb4d4";
/// MessageHeader and ConnectionInformation.
pub const HEADER_BYTES: usize = 16;
/// A descriptor of BATCHED_OFFER_MESSAGE.
pub const DESCRIPTOR_BYTES: usize = 59;
/// The most descriptors that one message has.
pub const DESCRIPTORS_MAX: usize = 128;

/// Type of messages.
pub mod kind {
    /// INITIAL_OFFER_MESSAGE
    pub const INITIAL_OFFER: u16 = 1;
    /// SEGMENT_INFO_MESSAGE
    pub const SEGMENT_INFO: u16 = 2;
    /// BATCHED_OFFER_MESSAGE
    pub const BATCHED_OFFER: u16 = 3;
}

/// Response codes.
pub mod code {
    /// The cache knows enough to fetch.
    pub const OK: u8 = 0;
    /// It needs the block hashes first.
    pub const INTERESTED: u8 = 1;
}

fn header(major: u8, message_type: u16, port: u16) -> Draft {
    Draft::new()
        .u8("MinorVersion", 0)
        .u8("MajorVersion", major)
        .u16_be("Type", message_type)
        .bytes("Padding", [0; 4])
        .u16_be("Port", port)
        .bytes("ConnectionPadding", [0; 6])
}

/// INITIAL_OFFER_MESSAGE.
#[must_use]
pub fn initial_offer(port: u16, segment_id: &[u8]) -> Draft {
    header(1, kind::INITIAL_OFFER, port).bytes("Hash", segment_id)
}

/// SEGMENT_INFO_MESSAGE.
#[must_use]
pub fn segment_info(port: u16, content_tag: [u8; 16], segment_information: &[u8]) -> Draft {
    header(1, kind::SEGMENT_INFO, port)
        .bytes("ContentTag", content_tag)
        .bytes("SegmentInformation", segment_information)
}

/// BATCHED_OFFER_MESSAGE. Fields of descriptors carry the same names in each of them.
#[must_use]
pub fn batched_offer(port: u16, descriptors: &[Descriptor]) -> Draft {
    let head = header(2, kind::BATCHED_OFFER, port);
    descriptors.iter().fold(head, |draft, descriptor| {
        let tag_bytes = u16::try_from(descriptor.content_tag.len()).unwrap_or(u16::MAX);
        draft
            .u32_be("BlockSize", descriptor.block_size)
            .u32_be("SegmentSize", descriptor.segment_size)
            .u16_be("SizeOfContentTag", tag_bytes)
            .bytes("ContentTag", descriptor.content_tag.clone())
            .u8("HashAlgorithm", descriptor.hash_algorithm)
            .bytes("SegmentHoHoDk", descriptor.segment_id.clone())
    })
}

/// A segment descriptor of BATCHED_OFFER_MESSAGE.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of the document")]
pub struct Descriptor {
    pub block_size: u32,
    pub segment_size: u32,
    pub content_tag: Vec<u8>,
    pub hash_algorithm: u8,
    pub segment_id: Vec<u8>,
}

impl Descriptor {
    /// That of a segment.
    #[must_use]
    pub fn of(segment: &Segment) -> Self {
        let (hash_algorithm, block_size) = match segment.version() {
            Version::V1 => (1, 65_536),
            Version::V2 => (4, segment.length),
        };
        Self {
            block_size,
            segment_size: segment.length,
            content_tag: b"the judge's  tag".to_vec(),
            hash_algorithm,
            segment_id: segment.id(),
        }
    }
}

/// SegmentInformation of one segment, as a draft of its own: dwReadBytesInLastSegment is the segment's length.
#[must_use]
pub fn segment_information(segment: &Segment) -> Draft {
    let info = ContentInfo {
        version: Version::V1,
        algorithm: segment.algorithm,
        offset_in_first_segment: 0,
        read_bytes_in_last_segment: segment.length,
        index_of_first_segment: 0,
        length_of_range: 0,
        segments: vec![segment.clone()],
    };
    info.draft()
}

/// Reads a response: the code in it.
///
/// # Errors
/// [`Malformed`] for the first field that is not as the document has it.
pub fn read_response(body: &[u8]) -> Result<u8, Malformed> {
    let mut reader = Reader::new(body);
    let size = reader
        .u32_be("Size")
        .map_err(|error| Malformed::truncated(error, "PCHC-2.2.2.1-01"))?;
    if size != 1 || body.len() != 5 {
        return Err(Malformed {
            at: 0,
            field: "Size",
            why: format!(
                "is {size} and {} bytes follow, expected 1 and one byte",
                reader.remaining()
            ),
            requirement: "PCHC-2.2.2.1-01",
        });
    }
    let found = reader
        .u8("ResponseCode")
        .map_err(|error| Malformed::truncated(error, "PCHC-2.2.2.2-01"))?;
    if found > code::INTERESTED {
        return Err(Malformed {
            at: 4,
            field: "ResponseCode",
            why: format!("is {found}, expected 0 (OK) or 1 (INTERESTED)"),
            requirement: "PCHC-2.2.2.2-01",
        });
    }
    Ok(found)
}

/// A response as it travels.
#[must_use]
pub const fn response(found: u8) -> [u8; 5] {
    [0, 0, 0, 1, found]
}

/// What a cache reads in a request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of the document")]
pub enum Request {
    InitialOffer {
        segment_id: Vec<u8>,
    },
    SegmentInfo {
        content_tag: [u8; 16],
        segment_information: Vec<u8>,
    },
    BatchedOffer {
        descriptors: Vec<Descriptor>,
    },
}

/// Reads a request: the port in it, and what follows.
///
/// # Errors
/// [`Malformed`] for the first field that is not as the document has it. Content information inside is not looked at.
pub fn read_request(bytes: &[u8]) -> Result<(u16, Request), Malformed> {
    let mut fields = Fields {
        reader: Reader::new(bytes),
    };
    let Header {
        version: [minor, major],
        kind,
        port,
    } = fields.header()?;
    if minor != 0 || !matches!(major, 1 | 2) {
        let why = format!("is {minor:02x} {major:02x}, expected 00 01 or 00 02");
        return Err(malformed(0, "Version", why, "PCHC-2.2.1.1-02"));
    }
    let is_known = matches!((major, kind), (1, 1 | 2) | (2, 3));
    if !is_known {
        let why = format!("is {kind} in version {major}.0");
        return Err(malformed(2, "Type", why, "PCHC-2.2.1.1-04"));
    }
    let request = match kind {
        kind::INITIAL_OFFER => {
            let segment_id = fields.rest("Hash")?;
            if !matches!(segment_id.len(), 32 | 48 | 64) {
                let why = format!("has {} bytes, expected 32, 48 or 64", segment_id.len());
                return Err(malformed(HEADER_BYTES, "Hash", why, "PCHC-2.2.1.3-02"));
            }
            Request::InitialOffer { segment_id }
        }
        kind::SEGMENT_INFO => Request::SegmentInfo {
            content_tag: fields.array("ContentTag")?,
            segment_information: fields.rest("SegmentInformation")?,
        },
        _ => Request::BatchedOffer {
            descriptors: fields.right_descriptors()?,
        },
    };
    Ok((port, request))
}

/// A BATCHED_OFFER_MESSAGE whose fields are there, right or not: cases assert of each what it has to be.
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

/// Reads a BATCHED_OFFER_MESSAGE, and looks at no more of it than has to be right for it to be one.
///
/// # Errors
/// [`Malformed`] where it is of another type, or has a byte too few or too many.
pub fn read_offer(bytes: &[u8]) -> Result<Offer, Malformed> {
    let mut fields = Fields {
        reader: Reader::new(bytes),
    };
    let Header {
        version,
        kind,
        port,
    } = fields.header()?;
    if kind != kind::BATCHED_OFFER {
        let why = format!("is {kind}, expected 3, which is what version 2.0 has");
        return Err(malformed(2, "Type", why, "PCHC-2.2.1.5-01"));
    }
    let mut segments = Vec::new();
    while fields.reader.remaining() > 0 {
        segments.push(fields.descriptor()?);
    }
    Ok(Offer {
        version,
        kind,
        port,
        segments,
    })
}

fn malformed(at: usize, field: &'static str, why: String, requirement: &'static str) -> Malformed {
    Malformed {
        at,
        field,
        why,
        requirement,
    }
}

/// MessageHeader and ConnectionInformation, whose padding may be anything.
struct Header {
    version: [u8; 2],
    kind: u16,
    port: u16,
}

struct Fields<'a> {
    reader: Reader<'a>,
}

impl Fields<'_> {
    fn header(&mut self) -> Result<Header, Malformed> {
        let version = self.array("Version")?;
        let kind = u16::from_be_bytes(self.array("Type")?);
        self.array::<4>("Padding")?;
        let port = u16::from_be_bytes(self.array("Port")?);
        self.array::<6>("Padding")?;
        Ok(Header {
            version,
            kind,
            port,
        })
    }

    fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], Malformed> {
        let read = self.reader.array(field);
        read.map_err(|error| Malformed::truncated(error, "PCHC-2.2.1-01"))
    }

    fn rest(&mut self, field: &'static str) -> Result<Vec<u8>, Malformed> {
        let count = self.reader.remaining();
        let read = self.reader.take(count, field);
        read.map(<[u8]>::to_vec)
            .map_err(|error| Malformed::truncated(error, "PCHC-2.2.1-01"))
    }

    /// A descriptor whose content tag may have any size.
    fn descriptor(&mut self) -> Result<Descriptor, Malformed> {
        let reader = &mut self.reader;
        let cut = |error: Truncated| Malformed::truncated(error, "PCHC-2.2.1.5-03");
        let block_size = reader.u32_be("BlockSize").map_err(cut)?;
        let segment_size = reader.u32_be("SegmentSize").map_err(cut)?;
        let tag_bytes = reader.array("SizeOfContentTag").map_err(cut)?;
        let tag_bytes = usize::from(u16::from_be_bytes(tag_bytes));
        Ok(Descriptor {
            block_size,
            segment_size,
            content_tag: reader.take(tag_bytes, "ContentTag").map_err(cut)?.to_vec(),
            hash_algorithm: reader.u8("HashAlgorithm").map_err(cut)?,
            segment_id: reader.take(32, "SegmentHoHoDk").map_err(cut)?.to_vec(),
        })
    }

    /// Descriptors as the document has them.
    fn right_descriptors(&mut self) -> Result<Vec<Descriptor>, Malformed> {
        let length = self.reader.remaining();
        if length == 0 || !length.is_multiple_of(DESCRIPTOR_BYTES) {
            let why = format!("{length} bytes are no whole number of descriptors");
            return Err(malformed(
                HEADER_BYTES,
                "SegmentDescriptor",
                why,
                "PCHC-2.2.1.5-03",
            ));
        }
        if length / DESCRIPTOR_BYTES > DESCRIPTORS_MAX {
            let why = format!("{} of them, at most 128", length / DESCRIPTOR_BYTES);
            return Err(malformed(
                HEADER_BYTES,
                "SegmentDescriptor",
                why,
                "PCHC-2.2.1.5-02",
            ));
        }
        let mut descriptors = Vec::new();
        while self.reader.remaining() > 0 {
            let start = self.reader.at();
            let descriptor = self.descriptor()?;
            let tag_bytes = descriptor.content_tag.len();
            if tag_bytes != 16 {
                let (at, why) = (start + 8, format!("is {tag_bytes}, expected 16"));
                return Err(malformed(at, "SizeOfContentTag", why, "PCHC-2.2.1.5-06"));
            }
            if !matches!(descriptor.hash_algorithm, 1 | 4) {
                let why = format!("is {}, expected 1 or 4", descriptor.hash_algorithm);
                let at = start + 26;
                return Err(malformed(at, "HashAlgorithm", why, "PCHC-2.2.1.5-07"));
            }
            descriptors.push(descriptor);
        }
        Ok(descriptors)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_read_as_they_were_written_and_cut_anywhere_not_at_all() {
        let segment = &ContentInfo::v2(&[7; 100], b"key", 100).segments[0];
        let offer = batched_offer(80, &[Descriptor::of(segment)]);
        assert_eq!(offer.len(), HEADER_BYTES + DESCRIPTOR_BYTES);
        let (port, request) = read_request(&offer.to_bytes()).unwrap();
        let descriptors = vec![Descriptor::of(segment)];
        assert_eq!((port, request), (80, Request::BatchedOffer { descriptors }));
        for kept in 0..offer.len() {
            assert!(read_request(&offer.cut_to(kept)).is_err(), "{kept}");
        }
        assert!(read_request(&offer.followed_by(&[0])).is_err());
        let initial = initial_offer(1, &[9; 48]);
        assert!(read_request(&initial.to_bytes()).is_ok());
        assert!(read_request(&initial.cut_to(47)).is_err());
    }

    #[test]
    fn an_offer_that_was_written_reads_as_itself_and_no_prefix_of_it_does() {
        let segment = Descriptor {
            block_size: 65_536,
            segment_size: 100_000,
            content_tag: vec![7; 16],
            hash_algorithm: 1,
            segment_id: vec![9; 32],
        };
        let bytes = batched_offer(8_080, &[segment.clone(), segment.clone()]).to_bytes();
        assert_eq!(bytes.len(), 16 + 2 * 59);
        let offer = read_offer(&bytes).unwrap();
        assert_eq!((offer.version, offer.port), ([0, 2], 8_080));
        assert_eq!(offer.segments, [segment.clone(), segment]);
        for kept in (0..bytes.len()).filter(|kept| !matches!(kept, 16 | 75)) {
            assert!(read_offer(&bytes[..kept]).is_err(), "{kept}");
        }
    }

    #[test]
    fn an_offer_with_wrong_fields_is_read_and_is_no_right_request() {
        let right = Descriptor::of(&ContentInfo::v2(&[7; 100], b"key", 100).segments[0]);
        let short_tag = Descriptor {
            content_tag: vec![1; 4],
            ..right.clone()
        };
        let algorithm_2 = Descriptor {
            hash_algorithm: 2,
            ..right.clone()
        };
        for (descriptor, requirement) in [
            (short_tag, "PCHC-2.2.1.5-03"),
            (algorithm_2, "PCHC-2.2.1.5-07"),
        ] {
            let bytes = batched_offer(80, std::slice::from_ref(&descriptor)).to_bytes();
            assert_eq!(read_offer(&bytes).unwrap().segments, [descriptor]);
            assert_eq!(read_request(&bytes).unwrap_err().requirement, requirement);
        }
        let of_type_1 = batched_offer(80, std::slice::from_ref(&right)).with_u16_be("Type", 1);
        assert!(read_offer(&of_type_1.to_bytes()).is_err());
        let many = vec![right; DESCRIPTORS_MAX + 1];
        let bytes = batched_offer(80, &many).to_bytes();
        assert_eq!(read_offer(&bytes).unwrap().segments, many);
        assert!(read_request(&bytes).is_err());
    }

    #[test]
    fn responses_are_five_bytes_with_one_of_two_codes() {
        assert_eq!(read_response(&response(code::INTERESTED)).unwrap(), 1);
        for wrong in [
            &[][..],
            &[0, 0, 0, 1],
            &[0, 0, 0, 5, 0],
            &[1, 0, 0, 0, 0],
            &[0, 0, 0, 1, 2],
            &[0, 0, 0, 1, 0, 0],
        ] {
            assert!(read_response(wrong).is_err(), "{wrong:?}");
        }
    }
}
