//! MS-PCHC 2.2.1.5: BATCHED_OFFER_MESSAGE, up to 128 segments by their ids alone.
//! Invariant: a batch has 1 to 128 descriptors of 59 bytes each, all of them with a known hash algorithm.
//! Byte order: big-endian.

use super::error::{DecodeError, Problem};
use super::request::{MessageType, write_head};
use super::{ContentTag, SegmentKey, Version};
use crate::content::{BLOCK_BYTES, SegmentId, V1_SEGMENT_BYTES, V2_SEGMENT_MAX_BYTES};
use crate::hash::{Digest, HashAlgorithm};
use crate::wire::Reader;

/// The most segments in one message.
//= PCHC-2.2.1.5-02
pub const BATCH_MAX_SEGMENTS: usize = 128;
/// Bytes of one descriptor.
//= PCHC-2.2.1.5-03
pub const DESCRIPTOR_BYTES: usize = 59;

/// `SegmentDescriptor`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentDescriptor {
    /// `BlockSize`: of no consequence, for the algorithm tells which blocks a segment has.
    pub block_size: u32,
    /// `SegmentSize`: bytes of the segment.
    pub segment_size: u32,
    /// `ContentTag`.
    pub content_tag: ContentTag,
    key: SegmentKey,
}

const fn number_of(algorithm: HashAlgorithm) -> Option<u8> {
    match algorithm {
        HashAlgorithm::Sha256 => Some(1),
        HashAlgorithm::Sha512Truncated => Some(4),
        HashAlgorithm::Sha384 | HashAlgorithm::Sha512 => None,
    }
}

impl SegmentDescriptor {
    /// The descriptor of a segment; `None` where its algorithm cannot be offered in version 2.0.
    #[must_use]
    pub const fn new(key: SegmentKey, segment_size: u32, content_tag: ContentTag) -> Option<Self> {
        //= PCHC-2.2.1.5-07
        if number_of(key.algorithm).is_none() {
            return None;
        }
        //= PCHC-2.2.1.5-04
        let block_size = match key.algorithm {
            HashAlgorithm::Sha512Truncated => segment_size,
            _ => BLOCK_BYTES,
        };
        Some(Self {
            block_size,
            segment_size,
            content_tag,
            key,
        })
    }

    /// The segment.
    #[must_use]
    pub const fn key(&self) -> SegmentKey {
        self.key
    }

    /// Whether a segment of its algorithm can have that many bytes.
    #[must_use]
    pub const fn size_is_possible(&self) -> bool {
        let most = match self.key.algorithm {
            HashAlgorithm::Sha512Truncated => V2_SEGMENT_MAX_BYTES,
            _ => V1_SEGMENT_BYTES,
        };
        0 < self.segment_size && self.segment_size <= most
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let block_size = reader.u32_be("BlockSize")?;
        //= PCHC-2.2.1.5-05
        let segment_size = reader.u32_be("SegmentSize")?;
        let at = reader.at();
        let found = reader.u16_be("SizeOfContentTag")?;
        //= PCHC-2.2.1.5-06
        if usize::from(found) != ContentTag::BYTES {
            return Err(Problem::ContentTagSize { found }.at(at, "SizeOfContentTag"));
        }
        let content_tag = ContentTag(reader.array("ContentTag")?);
        reader.means(|| content_tag);
        let at = reader.at();
        let found = reader.u8("HashAlgorithm")?;
        //= PCHC-2.2.1.5-07
        let algorithm = match found {
            1 => HashAlgorithm::Sha256,
            4 => HashAlgorithm::Sha512Truncated,
            _ => return Err(Problem::UnknownHash { found }.at(at, "HashAlgorithm")),
        };
        reader.means(|| algorithm);
        //= PCHC-2.2.1.5-08
        let id = SegmentId(Digest::cut(
            algorithm,
            &reader.array::<32>("SegmentHoHoDk")?,
        ));
        Ok(Self {
            block_size,
            segment_size,
            content_tag,
            key: SegmentKey { algorithm, id },
        })
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.block_size.to_be_bytes());
        out.extend_from_slice(&self.segment_size.to_be_bytes());
        out.extend_from_slice(&[0, 16]);
        out.extend_from_slice(&self.content_tag.0);
        out.push(number_of(self.key.algorithm).unwrap_or_default());
        out.extend_from_slice(self.key.id.0.as_bytes());
    }
}

/// `BATCHED_OFFER_MESSAGE`.
#[derive(Debug, Clone, Copy)]
pub struct BatchedOffer<'a> {
    /// The port on which the client serves what it offers.
    pub port: u16,
    descriptors: Listed<'a>,
}

#[derive(Debug, Clone, Copy)]
enum Listed<'a> {
    Wire(&'a [[u8; DESCRIPTOR_BYTES]]),
    Made(&'a [SegmentDescriptor]),
}

impl<'a> BatchedOffer<'a> {
    /// A batch of these segments; `None` where they are none or more than 128.
    #[must_use]
    pub const fn new(port: u16, descriptors: &'a [SegmentDescriptor]) -> Option<Self> {
        if descriptors.is_empty() || descriptors.len() > BATCH_MAX_SEGMENTS {
            return None;
        }
        Some(Self {
            port,
            descriptors: Listed::Made(descriptors),
        })
    }

    /// The segments, in the order of the message.
    #[must_use]
    pub const fn descriptors(&self) -> Descriptors<'a> {
        Descriptors(self.descriptors)
    }

    /// Decodes what follows header and connection information.
    pub(super) fn read(port: u16, reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let most = BATCH_MAX_SEGMENTS * DESCRIPTOR_BYTES;
        match reader.remaining() {
            0 => Err(Problem::NoSegments.at(reader.at(), "SegmentDescriptor")),
            all if all > most => {
                let problem = Problem::TooManySegments { bytes: all - most };
                Err(problem.at(reader.at() + most, "SegmentDescriptor"))
            }
            all => {
                let (wire, _) = reader
                    .untraced()
                    .take(all, "SegmentDescriptor")?
                    .as_chunks();
                for index in 0.. {
                    if reader.remaining() == 0 {
                        break;
                    }
                    reader.open("SegmentDescriptor", Some(index));
                    SegmentDescriptor::read(reader)?;
                    reader.close();
                }
                Ok(Self {
                    port,
                    descriptors: Listed::Wire(wire),
                })
            }
        }
    }

    /// Appends the message.
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        write_head(out, Version::V2, MessageType::BATCHED_OFFER, self.port);
        self.descriptors().for_each(|one| one.write(out));
    }

    /// The message.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode_into(&mut out);
        out
    }
}

impl PartialEq for BatchedOffer<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.port == other.port && self.descriptors().eq(other.descriptors())
    }
}

impl Eq for BatchedOffer<'_> {}

/// Iterator over the segments of a [`BatchedOffer`].
#[derive(Debug, Clone)]
pub struct Descriptors<'a>(Listed<'a>);

impl Iterator for Descriptors<'_> {
    type Item = SegmentDescriptor;

    fn next(&mut self) -> Option<SegmentDescriptor> {
        match &mut self.0 {
            Listed::Wire(wire) => {
                let (first, rest) = wire.split_first()?;
                *wire = rest;
                // Each was read once already, so that this cannot fail.
                SegmentDescriptor::read(&mut Reader::new(first)).ok()
            }
            Listed::Made(made) => {
                let (first, rest) = made.split_first()?;
                *made = rest;
                Some(*first)
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = match self.0 {
            Listed::Wire(wire) => wire.len(),
            Listed::Made(made) => made.len(),
        };
        (left, Some(left))
    }
}

impl ExactSizeIterator for Descriptors<'_> {}
