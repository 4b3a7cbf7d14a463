//! AES-CBC as blocks travel (MS-PCCRR 2.2.3), from RustCrypto and not from core.
//! Invariant: a block decrypts by the length it is known to have, so that any padding can be told from another.
//! Byte order: none.

use aes::cipher::block_padding::{NoPadding, Pkcs7};
use aes::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};

/// Bytes of an initialization vector.
pub const IV_BYTES: usize = 16;

/// CryptoAlgoId of messages.
pub mod algorithm {
    /// No encryption.
    pub const NONE: u32 = 0;
    /// AES with a key of 16 bytes.
    pub const AES_128: u32 = 1;
    /// AES with a key of 24 bytes.
    pub const AES_192: u32 = 2;
    /// AES with a key of 32 bytes.
    pub const AES_256: u32 = 3;
}

/// What stands behind the plain bytes of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Padding {
    /// As the document has it.
    Pkcs7,
    /// Zeros up to the next multiple of 16.
    Zeros,
    /// None, as the block is a multiple of 16 long.
    None,
    /// Anything else.
    Other,
}

/// A block with PKCS7 padding. `None` where there is no such algorithm, or the key or the vector is too short.
#[must_use]
pub fn encrypt(algorithm: u32, segment_secret: &[u8], iv: &[u8], plain: &[u8]) -> Option<Vec<u8>> {
    macro_rules! cbc {
        ($aes:ty, $key:literal) => {
            cbc::Encryptor::<$aes>::new_from_slices(segment_secret.get(..$key)?, iv)
                .ok()?
                .encrypt_padded_vec::<Pkcs7>(plain)
        };
    }
    Some(match algorithm {
        algorithm::NONE => plain.to_vec(),
        algorithm::AES_128 => cbc!(aes::Aes128, 16),
        algorithm::AES_192 => cbc!(aes::Aes192, 24),
        algorithm::AES_256 => cbc!(aes::Aes256, 32),
        _ => return None,
    })
}

/// The first `length` bytes of what a block decrypts to, and what stands behind them. `None` as for [`encrypt`], and
/// where the block is no whole number of 16 bytes, or shorter than that.
#[must_use]
pub fn decrypt(
    algorithm: u32,
    segment_secret: &[u8],
    iv: &[u8],
    block: &[u8],
    length: usize,
) -> Option<(Vec<u8>, Padding)> {
    macro_rules! cbc {
        ($aes:ty, $key:literal) => {
            cbc::Decryptor::<$aes>::new_from_slices(segment_secret.get(..$key)?, iv)
                .ok()?
                .decrypt_padded_vec::<NoPadding>(block)
                .ok()?
        };
    }
    let mut plain = match algorithm {
        algorithm::NONE => block.to_vec(),
        algorithm::AES_128 => cbc!(aes::Aes128, 16),
        algorithm::AES_192 => cbc!(aes::Aes192, 24),
        algorithm::AES_256 => cbc!(aes::Aes256, 32),
        _ => return None,
    };
    let behind = plain.get(length..)?;
    let by_pkcs7 = u8::try_from(IV_BYTES - length % IV_BYTES).ok()?;
    let padding = if behind.is_empty() {
        Padding::None
    } else if behind.len() == usize::from(by_pkcs7) && behind.iter().all(|byte| *byte == by_pkcs7) {
        Padding::Pkcs7
    } else if behind.len() < IV_BYTES && behind.iter().all(|byte| *byte == 0) {
        Padding::Zeros
    } else {
        Padding::Other
    };
    plain.truncate(length);
    Some((plain, padding))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encrypted_decrypts_to_itself_and_its_padding_is_named() {
        let (key, iv) = ([7; 32], [9; IV_BYTES]);
        for algorithm in [algorithm::AES_128, algorithm::AES_192, algorithm::AES_256] {
            for length in [1, 15, 16, 17, 100] {
                let plain: Vec<u8> = (0..length).collect();
                let block = encrypt(algorithm, &key, &iv, &plain).unwrap();
                assert_eq!(block.len() % IV_BYTES, 0);
                assert!(block.len() > plain.len());
                let (again, padding) = decrypt(algorithm, &key, &iv, &block, plain.len()).unwrap();
                assert_eq!((again, padding), (plain, Padding::Pkcs7));
            }
        }
        assert_eq!(encrypt(4, &key, &iv, b"a"), None);
        assert_eq!(decrypt(1, &key, &iv, &[0; 17], 16), None);
    }

    /// NIST SP 800-38A, F.2.1: the first block.
    #[test]
    fn the_published_example_of_aes_128_comes_out() {
        let key = [
            0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6, 0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf,
            0x4f, 0x3c,
        ];
        let iv: Vec<u8> = (0..16).collect();
        let plain = [
            0x6b, 0xc1, 0xbe, 0xe2, 0x2e, 0x40, 0x9f, 0x96, 0xe9, 0x3d, 0x7e, 0x11, 0x73, 0x93,
            0x17, 0x2a,
        ];
        let block = encrypt(algorithm::AES_128, &key, &iv, &plain).unwrap();
        assert_eq!(
            block[..16],
            [
                0x76, 0x49, 0xab, 0xac, 0x81, 0x19, 0xb2, 0x46, 0xce, 0xe9, 0x8e, 0x9b, 0x12, 0xe9,
                0x19, 0x7d
            ]
        );
    }
}
