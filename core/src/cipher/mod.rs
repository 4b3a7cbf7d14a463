//! AES-CBC of one or many independent blocks in place (MS-PCCRR 2.2.3; FIPS 197; SP 800-38A 6.2).
//! Invariant: every engine gives the same bytes for the same input; only their speed differs.
//! Byte order: keys, initialization vectors and messages are strings of bytes.
//!
//! Encryption in CBC mode is serial within a message, so one message leaves most of a processor
//! idle. [`encrypt_many`] works on up to sixteen messages in one stream of instructions, each with
//! its own key, and gives a lane to the next message as soon as one ends. Decryption is parallel
//! within a message.
//!
//! ```
//! use peerdist::cipher::{self, BlockCipher, CbcKey, EncryptJob, Padding};
//!
//! let secret = [7; 32];
//! let key = CbcKey::from_leading(BlockCipher::Aes128, &secret)?;
//! let block = b"what a client asked for";
//!
//! let mut buffer = vec![0; cipher::padded_len(block.len())];
//! buffer[..block.len()].copy_from_slice(block);
//! cipher::encrypt_many(&mut [EncryptJob::new(&key, [1; 16], &mut buffer, block.len())?]);
//!
//! cipher::decrypt(&key, [1; 16], &mut buffer)?;
//! let (plaintext, padding) = cipher::unpad_to(&buffer, block.len())?;
//! assert_eq!((plaintext, padding), (&block[..], Padding::Pkcs7));
//! # Ok::<(), cipher::CipherError>(())
//! ```

mod engine;
mod error;
mod job;
mod key;
mod padding;
mod portable;
#[cfg(target_arch = "x86_64")]
#[expect(
    unsafe_code,
    reason = "the instructions that make AES fast are reached by intrinsics"
)]
mod x86;

#[cfg(test)]
mod tests;

pub use engine::{ENGINE_VARIABLE, Engine, EngineAlreadyChosen, EngineError};
pub use error::CipherError;
pub use job::{DecryptJob, EncryptJob};
pub use key::{BlockCipher, CbcKey};
pub use padding::{Padding, padded_len, unpad_to};

/// The length of an AES block and of an initialization vector, in bytes.
pub const BLOCK_LEN: usize = 16;

/// Encrypts many independent messages in place, by the engine in use.
///
/// The messages may differ in length, key and algorithm. The more come in one call, the better
/// the lanes of the processor are filled; messages of one algorithm share lanes. Nothing is
/// allocated.
pub fn encrypt_many(jobs: &mut [EncryptJob<'_>]) {
    Engine::current().encrypt_many(jobs);
}

/// Decrypts many independent messages in place, by the engine in use. Nothing is allocated.
pub fn decrypt_many(jobs: &mut [DecryptJob<'_>]) {
    Engine::current().decrypt_many(jobs);
}

/// Encrypts one message in place. `buffer` holds `plaintext_len` bytes of plaintext and room for
/// its padding, which is written here.
///
/// # Errors
///
/// [`CipherError::BufferLength`] when `buffer.len()` is not [`padded_len`]`(plaintext_len)`.
pub fn encrypt(
    key: &CbcKey,
    iv: [u8; BLOCK_LEN],
    buffer: &mut [u8],
    plaintext_len: usize,
) -> Result<(), CipherError> {
    encrypt_many(&mut [EncryptJob::new(key, iv, buffer, plaintext_len)?]);
    Ok(())
}

/// Decrypts one message in place and leaves its padding: see [`unpad_to`].
///
/// # Errors
///
/// [`CipherError::PartialBlock`] when `buffer.len()` is not a multiple of 16.
pub fn decrypt(key: &CbcKey, iv: [u8; BLOCK_LEN], buffer: &mut [u8]) -> Result<(), CipherError> {
    decrypt_many(&mut [DecryptJob::new(key, iv, buffer)?]);
    Ok(())
}
