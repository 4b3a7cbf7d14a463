//! Keys of the block ciphers of MS-PCCRR 2.2.3 (CryptoAlgoId), as FIPS 197 defines them.
//! Invariant: a key has the length of its algorithm, is never printed and is wiped when dropped.
//! Byte order: a key is a string of bytes.

use core::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

use super::CipherError;

/// The block ciphers that a retrieval message can name, each in CBC mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BlockCipher {
    /// AES with a key of 128 bits.
    Aes128,
    /// AES with a key of 192 bits.
    Aes192,
    /// AES with a key of 256 bits.
    Aes256,
}

impl BlockCipher {
    /// All of them, the shortest key first.
    pub const ALL: [Self; 3] = [Self::Aes128, Self::Aes192, Self::Aes256];

    /// The length of a key in bytes.
    #[must_use]
    pub const fn key_len(self) -> usize {
        match self {
            Self::Aes128 => 16,
            Self::Aes192 => 24,
            Self::Aes256 => 32,
        }
    }

    /// How often the state is transformed: Nr of FIPS 197.
    pub(super) const fn rounds(self) -> usize {
        match self {
            Self::Aes128 => 10,
            Self::Aes192 => 12,
            Self::Aes256 => 14,
        }
    }
}

/// A key for AES-CBC. It can be used for any number of messages, each with its own
/// initialization vector.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct CbcKey(Material);

/// The key in its own length, so that no kernel has to ask for it again.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(super) enum Material {
    Aes128([u8; 16]),
    Aes192([u8; 24]),
    Aes256([u8; 32]),
}

impl CbcKey {
    /// The key made of exactly `bytes`.
    ///
    /// # Errors
    ///
    /// [`CipherError::KeyLength`] when `bytes` has not the length of a key of `algorithm`.
    pub fn new(algorithm: BlockCipher, bytes: &[u8]) -> Result<Self, CipherError> {
        if bytes.len() == algorithm.key_len() {
            Self::from_leading(algorithm, bytes)
        } else {
            Err(CipherError::KeyLength {
                expected: algorithm.key_len(),
                found: bytes.len(),
            })
        }
    }

    /// The key made of the first bytes of `secret`, as a segment's secret Kp serves for all
    /// algorithms.
    ///
    /// # Errors
    ///
    /// [`CipherError::KeyLength`] when `secret` is shorter than a key of `algorithm`.
    pub fn from_leading(algorithm: BlockCipher, secret: &[u8]) -> Result<Self, CipherError> {
        let material = match algorithm {
            BlockCipher::Aes128 => secret.first_chunk().map(|key| Material::Aes128(*key)),
            BlockCipher::Aes192 => secret.first_chunk().map(|key| Material::Aes192(*key)),
            BlockCipher::Aes256 => secret.first_chunk().map(|key| Material::Aes256(*key)),
        };
        material.map(Self).ok_or(CipherError::KeyLength {
            expected: algorithm.key_len(),
            found: secret.len(),
        })
    }

    /// The algorithm that the key is for.
    #[must_use]
    pub const fn algorithm(&self) -> BlockCipher {
        match self.0 {
            Material::Aes128(_) => BlockCipher::Aes128,
            Material::Aes192(_) => BlockCipher::Aes192,
            Material::Aes256(_) => BlockCipher::Aes256,
        }
    }

    pub(super) const fn material(&self) -> &Material {
        &self.0
    }
}

/// Names the algorithm only.
impl fmt::Debug for CbcKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CbcKey")
            .field(&self.algorithm())
            .finish_non_exhaustive()
    }
}
