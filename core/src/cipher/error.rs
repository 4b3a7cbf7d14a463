//! What can be wrong about what a caller hands to the cipher (MS-PCCRR 2.2.3, 2.2.5.3).
//! Invariant: every error names the length that was needed and the one that came.
//! No error carries bytes of a key or of a plaintext.

use core::fmt;

/// A length that AES-CBC cannot work with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CipherError {
    /// The key has not the length that its algorithm wants.
    KeyLength {
        /// What the algorithm wants, in bytes.
        expected: usize,
        /// What came.
        found: usize,
    },
    /// The buffer to encrypt in is not exactly as long as the padded plaintext.
    BufferLength {
        /// The plaintext with its PKCS7 padding, in bytes.
        expected: usize,
        /// What came.
        found: usize,
    },
    /// A ciphertext that does not consist of whole 16-byte blocks.
    PartialBlock {
        /// The length of the ciphertext.
        found: usize,
    },
    /// A decrypted block that is shorter than the plaintext has to be.
    TooShort {
        /// The length of the plaintext.
        expected: usize,
        /// What came.
        found: usize,
    },
}

impl fmt::Display for CipherError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::KeyLength { expected, found } => {
                write!(f, "a key of {expected} bytes is needed, not one of {found}")
            }
            Self::BufferLength { expected, found } => write!(
                f,
                "the plaintext and its padding take {expected} bytes, the buffer has {found}"
            ),
            Self::PartialBlock { found } => {
                write!(
                    f,
                    "a ciphertext of {found} bytes does not consist of whole 16-byte blocks"
                )
            }
            Self::TooShort { expected, found } => {
                write!(
                    f,
                    "{expected} bytes of plaintext were expected, {found} were decrypted"
                )
            }
        }
    }
}

impl core::error::Error for CipherError {}
