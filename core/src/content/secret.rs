//! MS-PCCRC 2.5: the server's secret key, and the file by which one server hands it to another.
//! Invariant: a secret key never prints itself, is wiped when dropped, and is never empty.
//! Byte order: passphrases become bytes as UTF-16LE without a terminator.

use core::fmt;

use aes::Aes256;
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit, block_padding::Pkcs7};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::hash::{HashAlgorithm, digest};

/// The most bytes that a secret key may have: a limit of ours, the document has none.
pub const MAX_SECRET_KEY_BYTES: usize = 1 << 20;

const CHECK_BYTES: usize = 32;

/// The arbitrary bytes from which a server derives everything secret.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct SecretKey(Vec<u8>);

impl SecretKey {
    /// A secret key of these bytes.
    ///
    /// # Errors
    /// [`SecretKeyError`] for no bytes at all, or more than [`MAX_SECRET_KEY_BYTES`].
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self, SecretKeyError> {
        let key = Self(bytes.into());
        match key.0.len() {
            0 => Err(SecretKeyError::Empty),
            length if length > MAX_SECRET_KEY_BYTES => Err(SecretKeyError::TooLong { length }),
            _ => Ok(key),
        }
    }

    /// The secret key that an administrator's passphrase stands for.
    ///
    /// # Errors
    /// [`SecretKeyError`] for an empty passphrase or one that is far too long.
    pub fn from_passphrase(passphrase: &str) -> Result<Self, SecretKeyError> {
        Self::new(utf16le(passphrase).to_vec())
    }

    /// The bytes themselves. Whoever has them can derive every secret of this server.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The key file of 2.5, encrypted under a passphrase.
    ///
    /// # Errors
    /// [`KeyFileError::NoPassphrase`] for an empty passphrase.
    pub fn export(&self, passphrase: &str) -> Result<Vec<u8>, KeyFileError> {
        let key = file_key(passphrase)?;
        //= PCCRC-2.5-05
        //= PCCRC-2.5-06
        let mut plaintext = Zeroizing::new(Vec::with_capacity(CHECK_BYTES + self.0.len()));
        plaintext.extend_from_slice(digest(HashAlgorithm::Sha256, &self.0).as_ref());
        plaintext.extend_from_slice(&self.0);
        let cipher = cbc::Encryptor::<Aes256>::new((&*key).into(), &[0; 16].into());
        Ok(cipher.encrypt_padded_vec::<Pkcs7>(&plaintext))
    }

    /// Reads a key file of 2.5.
    ///
    /// # Errors
    /// [`KeyFileError`] says whether the file or, as far as that can be told, the passphrase is wrong.
    pub fn import(file: &[u8], passphrase: &str) -> Result<Self, KeyFileError> {
        let key = file_key(passphrase)?;
        if file.len() > MAX_SECRET_KEY_BYTES + 2 * CHECK_BYTES {
            return Err(KeyFileError::TooLong { length: file.len() });
        }
        if file.is_empty() || !file.len().is_multiple_of(16) {
            return Err(KeyFileError::NotWholeBlocks { length: file.len() });
        }
        let cipher = cbc::Decryptor::<Aes256>::new((&*key).into(), &[0; 16].into());
        let plaintext = cipher
            .decrypt_padded_vec::<Pkcs7>(file)
            .map(Zeroizing::new)
            .map_err(|_| KeyFileError::Padding)?;
        let Some((check, secret)) = plaintext.split_at_checked(CHECK_BYTES) else {
            return Err(KeyFileError::TooShort {
                length: plaintext.len(),
            });
        };
        if bool::from(digest(HashAlgorithm::Sha256, secret).as_ref().ct_eq(check)) {
            Self::new(secret).map_err(|_| KeyFileError::TooShort {
                length: plaintext.len(),
            })
        } else {
            Err(KeyFileError::Check)
        }
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(hidden)")
    }
}

fn utf16le(text: &str) -> Zeroizing<Vec<u8>> {
    // Room for the longest outcome at once: a vector that grows leaves copies behind that nobody wipes.
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len() * 2));
    text.encode_utf16()
        .for_each(|unit| bytes.extend_from_slice(&unit.to_le_bytes()));
    bytes
}

fn file_key(passphrase: &str) -> Result<Zeroizing<[u8; 32]>, KeyFileError> {
    //= PCCRC-2.5-03
    if passphrase.is_empty() {
        return Err(KeyFileError::NoPassphrase);
    }
    //= PCCRC-2.5-04
    let mut key = Zeroizing::new([0; 32]);
    key.copy_from_slice(digest(HashAlgorithm::Sha256, &utf16le(passphrase)).as_ref());
    Ok(key)
}

/// Bytes that cannot be a secret key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SecretKeyError {
    /// No bytes at all.
    Empty,
    /// More than [`MAX_SECRET_KEY_BYTES`].
    TooLong {
        /// How many there are.
        length: usize,
    },
}

impl fmt::Display for SecretKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the secret is empty; expected at least one byte"),
            Self::TooLong { length } => write!(
                f,
                "the secret has {length} bytes; expected at most {MAX_SECRET_KEY_BYTES}"
            ),
        }
    }
}

impl core::error::Error for SecretKeyError {}

/// A key file that cannot be written or read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each length is that of what its kind names")]
pub enum KeyFileError {
    /// An empty passphrase.
    NoPassphrase,
    /// A file that is empty or no multiple of the cipher's block.
    NotWholeBlocks { length: usize },
    /// A file longer than any key of [`MAX_SECRET_KEY_BYTES`] makes.
    TooLong { length: usize },
    /// Padding that only a wrong passphrase or a damaged file leaves behind.
    Padding,
    /// Too little inside for a hash and a secret.
    TooShort { length: usize },
    /// The hash inside is not the secret's.
    Check,
}

impl KeyFileError {
    /// The kind's stable name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::NoPassphrase => "key-file-passphrase",
            Self::NotWholeBlocks { .. } => "key-file-length",
            Self::TooLong { .. } => "key-file-length",
            Self::Padding => "key-file-padding",
            Self::TooShort { .. } => "key-file-too-short",
            Self::Check => "key-file-hash",
        }
    }
}

impl fmt::Display for KeyFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPassphrase => f.write_str("the passphrase is empty"),
            Self::NotWholeBlocks { length } => write!(
                f,
                "not a key file: {length} bytes, where a multiple of 16 above 0 is expected"
            ),
            Self::TooLong { length } => write!(
                f,
                "not a key file: {length} bytes, where at most {} are expected",
                MAX_SECRET_KEY_BYTES + 2 * CHECK_BYTES
            ),
            Self::Padding | Self::Check => {
                f.write_str("the passphrase is wrong or the key file is damaged")
            }
            Self::TooShort { length } => write!(
                f,
                "not a key file: {length} bytes inside, where a hash of {CHECK_BYTES} and a secret are expected"
            ),
        }
    }
}

impl core::error::Error for KeyFileError {}
