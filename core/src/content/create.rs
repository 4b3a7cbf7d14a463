//! MS-PCCRC 2.2 to 2.4: content information made from content, or from the hashes of its parts.
//! Invariant: what comes out decodes, describes every byte that went in, and nothing is kept but a few segments and itself.
//! Byte order: that of the version written.

use core::fmt;

use super::{
    BLOCK_BYTES, CONTENT_MAX_BYTES, HashOfData, SecretKey, ServerSecret, V1_SEGMENT_BYTES,
    V2_SEGMENT_MAX_BYTES, v1, v2,
};
use crate::content::cut::Cutter;
use crate::hash::{HashAlgorithm, digest_many};

/// Bytes of content that a [`Creator`] gathers before it hashes them in one go.
const BATCH_BYTES: usize = 4 << 20;
/// Bytes in a part of an [`EncodedInfo`]: growing by parts never holds the same bytes twice.
const PART_BYTES: usize = 1 << 20;

/// Finished content information, in parts, so that its making needs no second copy of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EncodedInfo {
    parts: Vec<Vec<u8>>,
}

impl EncodedInfo {
    /// The parts, in order.
    pub fn parts(&self) -> impl Iterator<Item = &[u8]> {
        self.parts.iter().map(Vec::as_slice)
    }

    /// Bytes of all parts together.
    #[must_use]
    pub fn len(&self) -> usize {
        self.parts.iter().map(Vec::len).sum()
    }

    /// Whether there are no bytes. Content information that was created has some.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All parts as one.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        self.parts.concat()
    }

    /// Appends to the last part, or begins another where that one would have to move.
    fn push(&mut self, bytes: &[u8]) {
        match self.parts.last_mut() {
            Some(last) if last.capacity() - last.len() >= bytes.len() => {
                last.extend_from_slice(bytes);
            }
            last => {
                // The first part is small, for most content is.
                let capacity = if last.is_some() { PART_BYTES } else { 0 };
                let mut part = Vec::with_capacity(capacity.max(bytes.len()));
                part.extend_from_slice(bytes);
                self.parts.push(part);
            }
        }
    }

    fn append(&mut self, other: Self) {
        self.parts.extend(other.parts);
    }
}

impl From<Vec<u8>> for EncodedInfo {
    fn from(bytes: Vec<u8>) -> Self {
        Self { parts: vec![bytes] }
    }
}

/// Content information that cannot be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CreateError {
    /// There is no content.
    Empty,
    /// Version 1.0 has no number for this algorithm.
    UnsupportedHash(HashAlgorithm),
    /// Content longer than the version can describe.
    TooLong {
        /// The most bytes it can.
        most: u64,
    },
    /// Blocks or segments were handed over with lengths that the version does not allow.
    PartLength {
        /// The length at fault.
        found: u32,
    },
    /// The segment lengths that were asked for do not add up to the content.
    LengthsMismatch {
        /// What they add up to.
        lengths: u64,
        /// The bytes of content that came until this was certain.
        content: u64,
    },
}

impl fmt::Display for CreateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => {
                f.write_str("the content is empty: content information describes at least one byte")
            }
            Self::UnsupportedHash(hash) => write!(
                f,
                "version 1.0 cannot use {hash}; expected sha256, sha384 or sha512"
            ),
            Self::TooLong { most } => {
                write!(
                    f,
                    "the content has more than the {most} bytes that can be described"
                )
            }
            Self::PartLength { found } => {
                write!(
                    f,
                    "{found} bytes is not a length that a part at this place can have"
                )
            }
            Self::LengthsMismatch { lengths, content } => write!(
                f,
                "the segment lengths add up to {lengths} bytes, and {content} bytes of content came"
            ),
        }
    }
}

impl core::error::Error for CreateError {}

/// Makes version 1.0 from block hashes that were computed elsewhere.
#[derive(Debug)]
pub struct V1Builder {
    hash: HashAlgorithm,
    secret: ServerSecret,
    /// Offset of the segment being filled.
    offset: u64,
    segment_count: u32,
    filled: u32,
    hashes: Vec<u8>,
    descriptions: EncodedInfo,
    lists: EncodedInfo,
}

impl V1Builder {
    /// Begins with the content's segment `first_segment`.
    ///
    /// # Errors
    /// [`CreateError::UnsupportedHash`] for an algorithm that version 1.0 does not have.
    pub fn new(
        hash: HashAlgorithm,
        secret_key: &SecretKey,
        first_segment: u64,
    ) -> Result<Self, CreateError> {
        v1::algorithm_number(hash).ok_or(CreateError::UnsupportedHash(hash))?;
        let offset = first_segment
            .checked_mul(u64::from(V1_SEGMENT_BYTES))
            .filter(|offset| *offset < CONTENT_MAX_BYTES)
            .ok_or(CreateError::TooLong {
                most: CONTENT_MAX_BYTES,
            })?;
        Ok(Self {
            hash,
            secret: ServerSecret::new(hash, secret_key),
            offset,
            segment_count: 0,
            filled: 0,
            hashes: Vec::new(),
            descriptions: EncodedInfo::default(),
            lists: EncodedInfo::default(),
        })
    }

    /// Takes the next block: its length and hash. Only the content's last may be shorter than 64 KiB.
    ///
    /// # Errors
    /// [`CreateError::PartLength`] for a block too long, empty, or after a short one; [`CreateError::TooLong`].
    pub fn push_block(&mut self, length: u32, hash: &[u8]) -> Result<(), CreateError> {
        //= PCCRC-2.1-02
        let after_short = !self.filled.is_multiple_of(BLOCK_BYTES);
        if length == 0 || length > BLOCK_BYTES || after_short {
            return Err(CreateError::PartLength { found: length });
        }
        //= PCCRC-2.1-01
        if self.filled == V1_SEGMENT_BYTES {
            self.close_segment()?;
        }
        if self.hashes.is_empty() {
            self.hashes
                .reserve_exact(hash.len() * (V1_SEGMENT_BYTES / BLOCK_BYTES) as usize);
        }
        self.hashes.extend_from_slice(hash);
        self.filled += length;
        Ok(())
    }

    fn close_segment(&mut self) -> Result<(), CreateError> {
        let most = CreateError::TooLong {
            most: CONTENT_MAX_BYTES,
        };
        self.segment_count = self.segment_count.checked_add(1).ok_or(most)?;
        let end = self
            .offset
            .checked_add(u64::from(self.filled))
            .ok_or(most)?;
        if end > CONTENT_MAX_BYTES {
            return Err(most);
        }
        let hash_of_data = HashOfData::of_block_hashes(self.hash, &self.hashes);
        self.descriptions.push(&v1::description(
            self.offset,
            self.filled,
            hash_of_data.0.as_bytes(),
            self.secret.segment_secret(&hash_of_data).expose(),
        ));
        self.lists
            .push(&self.filled.div_ceil(BLOCK_BYTES).to_le_bytes());
        self.lists.push(&self.hashes);
        self.hashes.clear();
        self.offset = end;
        self.filled = 0;
        Ok(())
    }

    /// The content information of all that was pushed.
    ///
    /// # Errors
    /// [`CreateError::Empty`] where nothing was.
    pub fn finish(mut self) -> Result<EncodedInfo, CreateError> {
        if self.filled > 0 {
            self.close_segment()?;
        }
        if self.segment_count == 0 {
            return Err(CreateError::Empty);
        }
        let mut info = EncodedInfo::default();
        info.push(&v1::header(self.hash, 0, 0, self.segment_count));
        info.append(self.descriptions);
        info.append(self.lists);
        Ok(info)
    }
}

/// Makes version 2.0 from segment hashes that were computed elsewhere.
#[derive(Debug)]
pub struct V2Builder {
    secret: ServerSecret,
    count: u64,
    length: u64,
    chunks: EncodedInfo,
    /// The chunk being filled.
    chunk: EncodedInfo,
}

impl V2Builder {
    /// Begins with the content's first segment.
    #[must_use]
    pub fn new(secret_key: &SecretKey) -> Self {
        Self {
            secret: ServerSecret::new(HashAlgorithm::Sha512Truncated, secret_key),
            count: 0,
            length: 0,
            chunks: EncodedInfo::default(),
            chunk: EncodedInfo::default(),
        }
    }

    /// Takes the next segment: its length and HoD.
    ///
    /// # Errors
    /// [`CreateError::PartLength`] for no bytes or more than 128 KiB, [`CreateError::TooLong`] past 2^63.
    pub fn push_segment(
        &mut self,
        length: u32,
        hash_of_data: &HashOfData,
    ) -> Result<(), CreateError> {
        //= PCCRC-2.4.1.2-04
        if length == 0 || length > V2_SEGMENT_MAX_BYTES {
            return Err(CreateError::PartLength { found: length });
        }
        self.length = self
            .length
            .checked_add(u64::from(length))
            .filter(|length| *length <= CONTENT_MAX_BYTES)
            .ok_or(CreateError::TooLong {
                most: CONTENT_MAX_BYTES,
            })?;
        self.chunk.push(&v2::description(
            length,
            hash_of_data.0.as_bytes(),
            self.secret.segment_secret(hash_of_data).expose(),
        ));
        self.count += 1;
        if self.count.is_multiple_of(v2::CHUNK_MAX_SEGMENTS) {
            self.close_chunk(v2::CHUNK_MAX_SEGMENTS);
        }
        Ok(())
    }

    fn close_chunk(&mut self, count: u64) {
        self.chunks.push(&v2::chunk(count));
        self.chunks.append(core::mem::take(&mut self.chunk));
    }

    /// The content information of all that was pushed.
    ///
    /// # Errors
    /// [`CreateError::Empty`] where nothing was.
    pub fn finish(mut self) -> Result<EncodedInfo, CreateError> {
        if self.count == 0 {
            return Err(CreateError::Empty);
        }
        if !self.chunk.is_empty() {
            self.close_chunk((self.count - 1) % v2::CHUNK_MAX_SEGMENTS + 1);
        }
        let mut info = EncodedInfo::default();
        info.push(&v2::header(0, 0, 0, 0));
        info.append(self.chunks);
        Ok(info)
    }
}

/// Where a [`Creator`] ends the segments of version 2.0.
#[derive(Debug)]
enum Cutting {
    ByContent(Cutter),
    /// At lengths given in advance, kept last first.
    AtLengths {
        left: Vec<u32>,
        cut_to: u64,
        fed: u64,
        sum: u64,
    },
}

#[derive(Debug)]
enum Builder {
    V1(V1Builder),
    V2(V2Builder, Cutting),
}

/// Makes content information from content that arrives in pieces of any size.
///
/// ```
/// use peerdist::content::{ContentInfo, SecretKey, create::Creator};
///
/// let secret = SecretKey::from_passphrase("no more secrets")?;
/// let mut creator = Creator::v2(&secret);
/// creator.update(b"some content")?;
/// creator.update(b", and more of it")?;
/// let bytes = creator.finish()?.to_vec();
/// assert_eq!(ContentInfo::decode(&bytes)?.range().length, 28);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Creator {
    builder: Builder,
    /// Content that was not hashed yet.
    pending: Vec<u8>,
    /// Segments at the front of `pending` whose ends are known (version 2.0).
    cut: Vec<u32>,
}

impl Creator {
    /// A creator of version 1.0.
    ///
    /// # Errors
    /// [`CreateError::UnsupportedHash`] for an algorithm that version 1.0 does not have.
    pub fn v1(hash: HashAlgorithm, secret_key: &SecretKey) -> Result<Self, CreateError> {
        V1Builder::new(hash, secret_key, 0).map(|builder| Self::with(Builder::V1(builder)))
    }

    /// A creator of version 2.0 that cuts by content.
    #[must_use]
    pub fn v2(secret_key: &SecretKey) -> Self {
        let cutting = Cutting::ByContent(Cutter::new());
        Self::with(Builder::V2(V2Builder::new(secret_key), cutting))
    }

    /// A creator of version 2.0 whose segments have these lengths, which must add up to the content.
    ///
    /// # Errors
    /// [`CreateError::PartLength`] for a length of 0 or above 128 KiB.
    pub fn v2_with_lengths(secret_key: &SecretKey, lengths: &[u32]) -> Result<Self, CreateError> {
        if let Some(&found) = lengths
            .iter()
            .find(|&&length| length == 0 || length > V2_SEGMENT_MAX_BYTES)
        {
            return Err(CreateError::PartLength { found });
        }
        let left = lengths.iter().rev().copied().collect();
        let sum = lengths.iter().copied().map(u64::from).sum();
        let cutting = Cutting::AtLengths {
            left,
            cut_to: 0,
            fed: 0,
            sum,
        };
        Ok(Self::with(Builder::V2(V2Builder::new(secret_key), cutting)))
    }

    const fn with(builder: Builder) -> Self {
        Self {
            builder,
            pending: Vec::new(),
            cut: Vec::new(),
        }
    }

    /// Takes the next piece of the content.
    ///
    /// # Errors
    /// [`CreateError::TooLong`] or [`CreateError::LengthsMismatch`] as soon as it is certain.
    pub fn update(&mut self, mut data: &[u8]) -> Result<(), CreateError> {
        while !data.is_empty() {
            let room = BATCH_BYTES.saturating_sub(self.pending.len()).max(1);
            let (now, later) = data.split_at(room.min(data.len()));
            self.pending.extend_from_slice(now);
            if let Builder::V2(_, cutting) = &mut self.builder {
                cutting.feed(now, &mut self.cut)?;
            }
            if self.pending.len() >= BATCH_BYTES {
                self.hash_pending(false)?;
            }
            data = later;
        }
        Ok(())
    }

    /// The content information of all that came.
    ///
    /// # Errors
    /// [`CreateError::Empty`] where nothing came, and what [`Creator::update`] can say.
    pub fn finish(mut self) -> Result<EncodedInfo, CreateError> {
        if let Builder::V2(_, cutting) = &mut self.builder {
            cutting.finish(&mut self.cut)?;
        }
        self.hash_pending(true)?;
        match self.builder {
            Builder::V1(builder) => builder.finish(),
            Builder::V2(builder, _) => builder.finish(),
        }
    }

    /// Hashes the parts of `pending` that are complete and keeps the rest.
    fn hash_pending(&mut self, is_end: bool) -> Result<(), CreateError> {
        let (algorithm, parts): (_, Vec<&[u8]>) = match &self.builder {
            Builder::V1(builder) => {
                let blocks = self.pending.chunks(BLOCK_BYTES as usize);
                let is_whole = |block: &&[u8]| is_end || block.len() == BLOCK_BYTES as usize;
                (builder.hash, blocks.filter(is_whole).collect())
            }
            Builder::V2(..) => {
                let mut rest = self.pending.as_slice();
                let segments = self.cut.drain(..).map_while(|length| {
                    let (segment, after) = rest.split_at_checked(length as usize)?;
                    rest = after;
                    Some(segment)
                });
                (HashAlgorithm::Sha512Truncated, segments.collect())
            }
        };
        let mut digests = vec![0; parts.len() * algorithm.digest_len()];
        digest_many(algorithm, &parts, &mut digests);
        let mut hashed = 0;
        for (part, digest) in parts
            .iter()
            .zip(digests.chunks_exact(algorithm.digest_len()))
        {
            hashed += part.len();
            let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
            match &mut self.builder {
                Builder::V1(builder) => builder.push_block(length, digest)?,
                Builder::V2(builder, _) => {
                    builder.push_segment(length, &HashOfData::cut(algorithm, digest))?;
                }
            }
        }
        self.pending.drain(..hashed);
        Ok(())
    }
}

impl Cutting {
    fn feed(&mut self, data: &[u8], cut: &mut Vec<u32>) -> Result<(), CreateError> {
        match self {
            Self::ByContent(cutter) => {
                cutter.push(data, &mut |length| cut.push(length));
                Ok(())
            }
            Self::AtLengths {
                left,
                cut_to,
                fed,
                sum,
            } => {
                *fed += data.len() as u64;
                if *fed > *sum {
                    return Err(CreateError::LengthsMismatch {
                        lengths: *sum,
                        content: *fed,
                    });
                }
                while let Some(next) = left.pop_if(|next| *cut_to + u64::from(*next) <= *fed) {
                    *cut_to += u64::from(next);
                    cut.push(next);
                }
                Ok(())
            }
        }
    }

    fn finish(&mut self, cut: &mut Vec<u32>) -> Result<(), CreateError> {
        match self {
            Self::ByContent(cutter) => {
                cutter.finish(&mut |length| cut.push(length));
                Ok(())
            }
            Self::AtLengths { left, .. } if left.is_empty() => Ok(()),
            Self::AtLengths { fed, sum, .. } => Err(CreateError::LengthsMismatch {
                lengths: *sum,
                content: *fed,
            }),
        }
    }
}
