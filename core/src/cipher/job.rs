//! Messages to encrypt or decrypt in place (NIST SP 800-38A 6.2; MS-PCCRR 2.2.5.3).
//! Invariant: the buffer of a job is whole 16-byte blocks, padding included, and runs once.
//! Byte order: a buffer is a string of bytes.

use core::{fmt, mem};

use super::{BLOCK_LEN, BlockCipher, CbcKey, CipherError, padded_len};

/// A plaintext to encrypt in place.
///
/// A run takes the buffer out of the job, so a job that has run is empty: running it again does
/// nothing.
pub struct EncryptJob<'a>(Job<'a>);

impl<'a> EncryptJob<'a> {
    /// A job over a buffer that holds `plaintext_len` bytes of plaintext and room for its padding.
    /// The padding is written here.
    ///
    /// # Errors
    ///
    /// [`CipherError::BufferLength`] when `buffer.len()` is not [`padded_len`]`(plaintext_len)`;
    /// the buffer is then as it was.
    pub fn new(
        key: &'a CbcKey,
        iv: [u8; BLOCK_LEN],
        buffer: &'a mut [u8],
        plaintext_len: usize,
    ) -> Result<Self, CipherError> {
        let expected = padded_len(plaintext_len);
        let found = buffer.len();
        match buffer.get_mut(plaintext_len..) {
            Some(room) if found == expected => {
                // 1 to 16, so the lowest byte of the length is the length.
                let [count, ..] = room.len().to_le_bytes();
                room.fill(count);
                Ok(Self(Job { key, iv, buffer }))
            }
            _ => Err(CipherError::BufferLength { expected, found }),
        }
    }

    /// A job over a buffer that is encrypted as it stands, without padding.
    ///
    /// # Errors
    ///
    /// [`CipherError::PartialBlock`] when `buffer.len()` is not a multiple of 16.
    pub fn unpadded(
        key: &'a CbcKey,
        iv: [u8; BLOCK_LEN],
        buffer: &'a mut [u8],
    ) -> Result<Self, CipherError> {
        Job::whole_blocks(key, iv, buffer).map(Self)
    }

    pub(super) fn inner(&mut self) -> &mut Job<'a> {
        &mut self.0
    }
}

/// A ciphertext to decrypt in place. The plaintext stands in its buffer afterwards, followed by
/// whatever padding the sender chose: see [`unpad_to`](super::unpad_to).
///
/// A run takes the buffer out of the job, so a job that has run is empty: running it again does
/// nothing.
pub struct DecryptJob<'a>(Job<'a>);

impl<'a> DecryptJob<'a> {
    /// A job over a buffer that holds the ciphertext.
    ///
    /// # Errors
    ///
    /// [`CipherError::PartialBlock`] when `buffer.len()` is not a multiple of 16.
    pub fn new(
        key: &'a CbcKey,
        iv: [u8; BLOCK_LEN],
        buffer: &'a mut [u8],
    ) -> Result<Self, CipherError> {
        Job::whole_blocks(key, iv, buffer).map(Self)
    }

    pub(super) fn inner(&mut self) -> &mut Job<'a> {
        &mut self.0
    }
}

/// What both directions have in common, and what a kernel sees.
pub(super) struct Job<'a> {
    key: &'a CbcKey,
    iv: [u8; BLOCK_LEN],
    buffer: &'a mut [u8],
}

impl<'a> Job<'a> {
    fn whole_blocks(
        key: &'a CbcKey,
        iv: [u8; BLOCK_LEN],
        buffer: &'a mut [u8],
    ) -> Result<Self, CipherError> {
        if buffer.len().is_multiple_of(BLOCK_LEN) {
            Ok(Self { key, iv, buffer })
        } else {
            Err(CipherError::PartialBlock {
                found: buffer.len(),
            })
        }
    }

    pub(super) const fn algorithm(&self) -> BlockCipher {
        self.key.algorithm()
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    pub(super) const fn key(&self) -> &'a CbcKey {
        self.key
    }

    pub(super) const fn iv(&self) -> &[u8; BLOCK_LEN] {
        &self.iv
    }

    /// Takes the blocks of the message; a message that has run has none.
    pub(super) fn take_blocks(&mut self) -> &'a mut [[u8; BLOCK_LEN]] {
        mem::take(&mut self.buffer).as_chunks_mut().0
    }
}

impl fmt::Debug for EncryptJob<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.describe(f, "EncryptJob")
    }
}

impl fmt::Debug for DecryptJob<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.describe(f, "DecryptJob")
    }
}

impl Job<'_> {
    /// Says which algorithm and how much, never what.
    fn describe(&self, f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
        f.debug_struct(name)
            .field("algorithm", &self.algorithm())
            .field("len", &self.buffer.len())
            .finish_non_exhaustive()
    }
}
