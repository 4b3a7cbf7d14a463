//! The hash functions that content information may name (MS-PCCRC 2.3 dwHashAlgo, 2.4 bHashAlgo).
//! Invariant: a digest has exactly the length that its function gives; the bytes behind it are 0.
//! Byte order: octets as FIPS 180-4 writes them.

use core::fmt;

/// A hash function of content information.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HashAlgorithm {
    /// SHA-256: version 1, what every client supports.
    Sha256,
    /// SHA-384: version 1.
    Sha384,
    /// SHA-512: version 1.
    Sha512,
    /// The first 32 bytes of SHA-512: version 2.
    Sha512Truncated,
}

impl HashAlgorithm {
    /// All of them, in the order of their declaration.
    pub const ALL: [Self; 4] = [
        Self::Sha256,
        Self::Sha384,
        Self::Sha512,
        Self::Sha512Truncated,
    ];

    /// Bytes in a digest.
    #[must_use]
    pub const fn digest_len(self) -> usize {
        match self {
            Self::Sha256 | Self::Sha512Truncated => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// Bytes in a block of the compression function, which is also the block of HMAC.
    #[must_use]
    pub const fn block_len(self) -> usize {
        match self {
            Self::Sha256 => 64,
            Self::Sha384 | Self::Sha512 | Self::Sha512Truncated => 128,
        }
    }

    /// The usual name, in lower case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
            Self::Sha512Truncated => "sha512-truncated",
        }
    }
}

impl fmt::Display for HashAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A digest of 32, 48 or 64 bytes, held inline.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest {
    bytes: [u8; 64],
    len: u8,
}

impl Digest {
    /// The first `algorithm.digest_len()` bytes of `bytes`, which must not be fewer.
    pub(crate) fn cut(algorithm: HashAlgorithm, bytes: &[u8]) -> Self {
        let (kept, _) = bytes.split_at(algorithm.digest_len());
        let mut digest = Self::zero(algorithm);
        digest.as_mut().copy_from_slice(kept);
        digest
    }

    pub(super) fn zero(algorithm: HashAlgorithm) -> Self {
        let len = match algorithm {
            HashAlgorithm::Sha256 | HashAlgorithm::Sha512Truncated => 32,
            HashAlgorithm::Sha384 => 48,
            HashAlgorithm::Sha512 => 64,
        };
        Self {
            bytes: [0; 64],
            len,
        }
    }

    pub(super) fn as_mut(&mut self) -> &mut [u8] {
        self.bytes.split_at_mut(usize::from(self.len)).0
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.split_at(usize::from(self.len)).0
    }

    /// Takes a digest of `algorithm` from elsewhere, such as the wire.
    ///
    /// # Errors
    ///
    /// When `bytes` is not as long as a digest of `algorithm`.
    pub fn of(algorithm: HashAlgorithm, bytes: &[u8]) -> Result<Self, WrongDigestLength> {
        if bytes.len() == algorithm.digest_len() {
            Ok(Self::cut(algorithm, bytes))
        } else {
            Err(WrongDigestLength { len: bytes.len() })
        }
    }
}

impl AsRef<[u8]> for Digest {
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl TryFrom<&[u8]> for Digest {
    type Error = WrongDigestLength;

    fn try_from(bytes: &[u8]) -> Result<Self, WrongDigestLength> {
        let algorithm = match bytes.len() {
            32 => HashAlgorithm::Sha256,
            48 => HashAlgorithm::Sha384,
            64 => HashAlgorithm::Sha512,
            len => return Err(WrongDigestLength { len }),
        };
        Ok(Self::cut(algorithm, bytes))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_bytes()
            .iter()
            .try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

/// Bytes that cannot be a digest because of their number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrongDigestLength {
    /// How many bytes there were.
    pub len: usize,
}

impl fmt::Display for WrongDigestLength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} bytes are not a digest of the expected length",
            self.len
        )
    }
}

impl core::error::Error for WrongDigestLength {}
