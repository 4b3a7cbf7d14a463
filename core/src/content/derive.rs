//! MS-PCCRC 2.2: from the server's secret key to the secret (Kp) and the public identifier (HoHoDk) of a segment.
//! Invariant: Ks and Kp never print themselves and are wiped when dropped; HoD and HoHoDk are public.
//! Byte order: none, all are byte strings of the algorithm's digest length.
//!
//! The field descriptions (2.3.1.1, 2.4.1.2) and examples give Kp as a plain hash of HoD and secret. What Windows
//! computes, and so do we, is the HMAC of the formulae in 2.2. C2 is UTF-16LE with its terminator, not ASCII.

use core::fmt;

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::secret::SecretKey;
use crate::hash::{Digest, HashAlgorithm, HmacKey, digest};

/// C2 of MS-PCCRC 2.2, as Windows has it: UTF-16LE with the terminating NUL, 30 bytes.
const C2: [u8; 30] = *b"M\0S\0_\0P\x002\0P\0_\0C\0A\0C\0H\0I\0N\0G\0\0\0";

/// HoD, the segment hash of data: public to whoever may read the content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct HashOfData(pub Digest);

impl HashOfData {
    /// HoD of a version 1 segment: the hash over the hashes of all its blocks.
    #[must_use]
    pub fn of_block_hashes(algorithm: HashAlgorithm, block_hashes: &[u8]) -> Self {
        //= PCCRC-2.2-04
        Self(digest(algorithm, block_hashes))
    }

    /// HoD from bytes of its length that were already checked to be there.
    pub(super) fn cut(algorithm: HashAlgorithm, bytes: &[u8]) -> Self {
        Self(Digest::cut(algorithm, bytes))
    }
}

/// HoHoDk, the segment's public name on the network.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SegmentId(pub Digest);

impl fmt::Debug for SegmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SegmentId({})", self.0)
    }
}

impl fmt::Display for SegmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Ks, the server secret: the hash of the [`SecretKey`], never sent anywhere.
pub struct ServerSecret {
    key: HmacKey,
    bytes: Secret,
}

impl ServerSecret {
    /// Ks = Hash(secret key).
    #[must_use]
    pub fn new(algorithm: HashAlgorithm, secret_key: &SecretKey) -> Self {
        //= PCCRC-2.2-05
        //= PCCRC-2.5-01
        let bytes = Secret::new(digest(algorithm, secret_key.expose()).as_ref());
        Self {
            key: HmacKey::new(algorithm, bytes.expose()),
            bytes,
        }
    }

    /// Kp = HMAC(Ks, HoD).
    #[must_use]
    pub fn segment_secret(&self, hash_of_data: &HashOfData) -> SegmentSecret {
        //= PCCRC-2.2-06
        //= PCCRC-2.4.1.2-06
        SegmentSecret(Secret::new(
            self.key.mac(&[hash_of_data.0.as_ref()]).as_ref(),
        ))
    }

    /// The bytes of Ks. Whoever has them can read everything this server's clients share.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.bytes.expose()
    }
}

// No structure has a field for it, and nothing prints it.
//= PCCRC-2.2-11
impl fmt::Debug for ServerSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerSecret(hidden)")
    }
}

/// Kp, the segment secret, which is also Ke, the key that blocks travel under.
#[derive(Clone, PartialEq, Eq)]
pub struct SegmentSecret(Secret);

impl SegmentSecret {
    /// Kp as content information carries it.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        Self(Secret::new(bytes))
    }

    /// HoHoDk = HMAC(Kp, HoD + C2).
    #[must_use]
    pub fn segment_id(&self, algorithm: HashAlgorithm, hash_of_data: &HashOfData) -> SegmentId {
        //= PCCRC-2.2-08
        let key = HmacKey::new(algorithm, self.0.expose());
        SegmentId(key.mac(&[hash_of_data.0.as_ref(), &C2]))
    }

    /// The bytes of Kp. Whoever has them can fetch the segment from peers and read it.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.0.expose()
    }
}

impl fmt::Debug for SegmentSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SegmentSecret(hidden)")
    }
}

/// Up to 64 secret bytes that are wiped when dropped and compared in constant time.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
struct Secret {
    bytes: [u8; 64],
    length: usize,
}

impl Secret {
    fn new(from: &[u8]) -> Self {
        let mut bytes = [0; 64];
        let mut length = 0;
        for (to, from) in bytes.iter_mut().zip(from) {
            *to = *from;
            length += 1;
        }
        Self { bytes, length }
    }

    fn expose(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.expose().ct_eq(other.expose()).into()
    }
}

impl Eq for Secret {}
