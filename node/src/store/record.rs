//! Records, of which packs consist: a header that says whose bytes follow, and the bytes.
//! Invariant: a header that decodes was written by this store, for its pack's mark is random and never leaves the store.
//! Byte order: little-endian.

use peerdist::cipher::BLOCK_LEN;
use peerdist::content::SegmentId;
use peerdist::hash::{Digest, HashAlgorithm};
use peerdist::retrieval::server::BlockForm;
use peerdist::retrieval::{BlockIndex, CryptoAlgorithm};
use peerdist::wire::{Reader, Truncated, Writer};

use super::facts::{algorithm_number, algorithm_of};

/// Bytes of a header.
pub(super) const HEADER_BYTES: usize = 192;
pub(super) const HEADER_SPAN: u32 = 192;
/// Records begin at multiples of this, so that a scan that lost its way finds the next.
pub(super) const ALIGNMENT: u32 = 64;
/// The most bytes behind a header: more than any block, sealed or not, and any facts.
pub(super) const PAYLOAD_MAX_BYTES: u32 = 256 << 10;
const CHECKED_BYTES: usize = HEADER_BYTES - 4;

/// Sixteen random bytes in front of every record of a pack. Content cannot hold them by design, only by chance.
pub(super) type Mark = [u8; 16];

/// Whose bytes follow a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The facts of a segment.
    Facts,
    /// A block that was verified.
    Plain(BlockIndex),
    /// A block that nobody here can verify.
    Sealed {
        index: BlockIndex,
        crypto: CryptoAlgorithm,
        iv: [u8; BLOCK_LEN],
    },
}

impl Kind {
    pub(super) const fn form(self) -> Option<BlockForm> {
        match self {
            Self::Facts => None,
            Self::Plain(_) => Some(BlockForm::Plain),
            Self::Sealed { crypto, iv, .. } => Some(BlockForm::Sealed { crypto, iv }),
        }
    }
}

/// A header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) kind: Kind,
    pub(super) id: SegmentId,
    /// When the segment came, in nanoseconds since 1970.
    pub(super) since: u64,
    /// Bytes that follow.
    pub(super) length: u32,
    /// Their CRC-32, which every reading compares.
    pub(super) crc: u32,
    /// By what `digest` was made.
    pub(super) hash: HashAlgorithm,
    /// Their digest, which the first reading compares: in the content's own algorithm.
    pub(super) digest: Digest,
}

/// Bytes from the start of a record to that of the next.
pub(super) const fn span(length: u32) -> u32 {
    // Longer than any record: what is about to be refused for its length must not overflow first.
    let length = if length > PAYLOAD_MAX_BYTES {
        1 << 30
    } else {
        length
    };
    (HEADER_SPAN + length).next_multiple_of(ALIGNMENT)
}

impl Record {
    pub(super) fn encode(&self, mark: &Mark) -> Vec<u8> {
        let (kind, index, crypto, iv) = match self.kind {
            Kind::Facts => (1, 0, 0, [0; BLOCK_LEN]),
            Kind::Plain(index) => (2, index.get(), 0, [0; BLOCK_LEN]),
            Kind::Sealed { index, crypto, iv } => (3, index.get(), crypto.0, iv),
        };
        let mut writer = Writer::new();
        writer
            .bytes(mark)
            .u8(kind)
            .u8(algorithm_number(self.hash))
            .u8(u8::try_from(self.id.0.as_bytes().len()).unwrap_or(0))
            .u8(0)
            .u32_le(self.length)
            .u64_le(self.since)
            .u32_le(index)
            .u32_le(crypto)
            .bytes(&iv)
            .u32_le(self.crc)
            .bytes(&padded(self.id.0.as_bytes()))
            .bytes(&padded(self.digest.as_bytes()));
        let mut bytes = writer.finish();
        let crc = crc32fast::hash(&bytes);
        bytes.extend_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// `None` for bytes that are no header of this pack.
    pub(super) fn decode(bytes: &[u8], mark: &Mark) -> Option<Self> {
        let (checked, crc) = bytes.split_at_checked(CHECKED_BYTES)?;
        if !checked.starts_with(mark)
            || crc.get(..4)? != crc32fast::hash(checked).to_le_bytes().as_slice()
        {
            return None;
        }
        Self::fields(&mut Reader::new(checked)).ok().flatten()
    }

    fn fields(reader: &mut Reader<'_>) -> Result<Option<Self>, Truncated> {
        reader.take(16, "Mark")?;
        let [kind, algorithm, id_len, _] = reader.array("Kind")?;
        let length = u32::from_le_bytes(reader.array("Length")?);
        let since = u64::from_le_bytes(reader.array("Since")?);
        let index = BlockIndex::new(u32::from_le_bytes(reader.array("Index")?));
        let crypto = CryptoAlgorithm(u32::from_le_bytes(reader.array("Crypto")?));
        let iv = reader.array("Vector")?;
        let crc = u32::from_le_bytes(reader.array("Crc")?);
        let id: [u8; 64] = reader.array("Id")?;
        let digest: [u8; 64] = reader.array("Digest")?;
        let made = || {
            let hash = algorithm_of(algorithm)?;
            let index = index?;
            let kind = match kind {
                1 => Kind::Facts,
                2 => Kind::Plain(index),
                3 => Kind::Sealed { index, crypto, iv },
                _ => return None,
            };
            Some(Self {
                kind,
                id: SegmentId(Digest::try_from(id.get(..usize::from(id_len))?).ok()?),
                since,
                length: Some(length).filter(|length| *length <= PAYLOAD_MAX_BYTES)?,
                crc,
                hash,
                digest: Digest::of(hash, digest.get(..hash.digest_len())?).ok()?,
            })
        };
        Ok(made())
    }
}

fn padded(bytes: &[u8]) -> [u8; 64] {
    let mut padded = [0; 64];
    padded
        .iter_mut()
        .zip(bytes)
        .for_each(|(to, from)| *to = *from);
    padded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        Record {
            kind: Kind::Sealed {
                index: BlockIndex::new(511).unwrap(),
                crypto: CryptoAlgorithm::AES_256,
                iv: [3; 16],
            },
            id: SegmentId(Digest::try_from(&[7; 48][..]).unwrap()),
            since: u64::MAX,
            length: 65_536,
            crc: 99,
            hash: HashAlgorithm::Sha256,
            digest: Digest::try_from(&[9; 32][..]).unwrap(),
        }
    }

    #[test]
    fn a_header_survives_a_round_trip_and_has_its_length() {
        let bytes = record().encode(&[5; 16]);
        assert_eq!(bytes.len(), HEADER_BYTES);
        assert_eq!(Record::decode(&bytes, &[5; 16]), Some(record()));
    }

    #[test]
    fn a_header_with_any_bit_flipped_or_of_another_pack_is_none() {
        let bytes = record().encode(&[5; 16]);
        assert_eq!(Record::decode(&bytes, &[6; 16]), None);
        for at in 0..HEADER_BYTES * 8 {
            let mut flipped = bytes.clone();
            flipped[at / 8] ^= 1 << (at % 8);
            assert_eq!(Record::decode(&flipped, &[5; 16]), None, "bit {at}");
        }
        for length in 0..HEADER_BYTES {
            assert_eq!(Record::decode(&bytes[..length], &[5; 16]), None);
        }
    }
}
