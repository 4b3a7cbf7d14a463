//! MS-PCCRR 2.2.5.3, 3.2.5.3, 3.1.5.3: what the world does to the bytes of a block on the word of the machines.
//! Invariant: the key is the start of the segment's secret, and neither machine ever sees it or a byte of the block.
//! Byte order: none.

use core::ops::RangeInclusive;

use super::client::DecryptOp;
use super::server::EncryptOp;
use super::{CryptoAlgorithm, Quirk};
use crate::cipher::{
    BlockCipher, CbcKey, CipherError, DecryptJob, EncryptJob, padded_len, unpad_to,
};
use crate::content::SegmentSecret;

/// The key under which blocks of a segment travel.
///
/// # Errors
/// [`CipherError`] where the secret is shorter than the key, which no segment's is.
//= PCCRR-2.2.3-16
pub fn block_key(cipher: BlockCipher, secret: &SegmentSecret) -> Result<CbcKey, CipherError> {
    CbcKey::from_leading(cipher, secret.expose())
}

/// Bytes of a block of `plain_len` bytes as it travels.
//= PCCRR-2.2.3-17
//= PCCRR-2.2.5.3-06
#[must_use]
pub const fn payload_len(crypto: CryptoAlgorithm, plain_len: usize) -> usize {
    match crypto.cipher() {
        Some(_) => padded_len(plain_len),
        None => plain_len,
    }
}

/// How long a block of `plain_len` bytes may be as it travels: peers pad in full, in part, or not at all.
//= PCCRR-2.2.3-17
//= PCCRR-2.2.5.3-06
#[must_use]
pub const fn payload_lengths(crypto: CryptoAlgorithm, plain_len: usize) -> RangeInclusive<usize> {
    plain_len..=payload_len(crypto, plain_len)
}

/// Where in a received message the bytes of its block are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PayloadPlace {
    /// Offset from the first byte of the message, the size in front counted.
    pub offset: usize,
    /// Bytes, padding of the cipher included.
    pub length: usize,
}

impl PayloadPlace {
    /// The bytes.
    #[must_use]
    pub fn of<'a>(&self, message: &'a [u8]) -> Option<&'a [u8]> {
        message.get(self.offset..self.offset.checked_add(self.length)?)
    }

    fn of_mut<'a>(&self, message: &'a mut [u8]) -> Option<&'a mut [u8]> {
        message.get_mut(self.offset..self.offset.checked_add(self.length)?)
    }
}

impl EncryptOp {
    /// Bytes of the block as it will travel: so long is the buffer for [`EncryptOp::job`].
    #[must_use]
    pub const fn payload_len(&self) -> usize {
        padded_len(self.plain_len as usize)
    }

    /// The work to do in a buffer that starts with the plain block: alone or together with that of other blocks.
    ///
    /// # Errors
    /// [`CipherError`] where the buffer is not as long as [`EncryptOp::payload_len`].
    //= PCCRR-3.2.5.3-11
    pub fn job<'a>(
        &self,
        key: &'a CbcKey,
        buffer: &'a mut [u8],
    ) -> Result<EncryptJob<'a>, CipherError> {
        EncryptJob::new(key, self.iv, buffer, self.plain_len as usize)
    }
}

impl DecryptOp {
    /// The work to do inside the message that brought the block.
    ///
    /// # Errors
    /// [`CipherError`] where it is not that message.
    //= PCCRR-3.1.5.3-03
    pub fn job<'a>(
        &self,
        key: &'a CbcKey,
        message: &'a mut [u8],
    ) -> Result<DecryptJob<'a>, CipherError> {
        let found = message.len();
        let payload = self
            .place
            .of_mut(message)
            .ok_or(CipherError::PartialBlock { found })?;
        DecryptJob::new(key, self.iv, payload)
    }

    /// The plain block inside the message, once the work is done, and what is odd about its padding.
    ///
    /// # Errors
    /// [`CipherError`] where it is not that message.
    pub fn plain<'a>(&self, message: &'a [u8]) -> Result<(&'a [u8], Option<Quirk>), CipherError> {
        let plain_len = self.plain_len as usize;
        let payload = self.place.of(message).ok_or(CipherError::TooShort {
            expected: plain_len,
            found: message.len(),
        })?;
        let (plain, padding) = unpad_to(payload, plain_len)?;
        Ok((plain, Quirk::of_padding(padding)))
    }
}
