//! Padding of an encrypted block (MS-PCCRR 2.2.5.3 names none; RFC 5652 6.3 is what is written).
//! Invariant: what is written is PKCS7; what is read is cut by the length known from elsewhere.
//! Byte order: none.

use super::{BLOCK_LEN, CipherError};

/// The length of a plaintext of `plaintext_len` bytes with its PKCS7 padding: the next multiple
/// of 16 that is greater.
///
/// A length that no buffer in memory can have gives [`usize::MAX`].
#[must_use]
pub const fn padded_len(plaintext_len: usize) -> usize {
    (plaintext_len | (BLOCK_LEN - 1)).saturating_add(1)
}

/// How the sender filled up the last 16 bytes of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Padding {
    /// 1 to 16 bytes that all hold their number (RFC 5652 6.3).
    Pkcs7,
    /// 1 to 16 bytes of zero.
    Zero,
    /// Nothing follows the plaintext.
    None,
    /// Something else follows.
    Other,
}

impl Padding {
    /// What the bytes behind a plaintext are.
    #[must_use]
    pub fn of(surplus: &[u8]) -> Self {
        if surplus.is_empty() {
            return Self::None;
        }
        if surplus.len() > BLOCK_LEN {
            return Self::Other;
        }
        if surplus
            .iter()
            .all(|&byte| usize::from(byte) == surplus.len())
        {
            Self::Pkcs7
        } else if surplus.iter().all(|&byte| byte == 0) {
            Self::Zero
        } else {
            Self::Other
        }
    }
}

/// Cuts a decrypted block to the length that its plaintext is known to have, and says how it was
/// padded.
///
/// The padding decides nothing: a reader that knows the length of a block need not trust it.
///
/// # Errors
///
/// [`CipherError::TooShort`] when fewer than `plaintext_len` bytes were decrypted.
pub fn unpad_to(decrypted: &[u8], plaintext_len: usize) -> Result<(&[u8], Padding), CipherError> {
    let (plaintext, surplus) =
        decrypted
            .split_at_checked(plaintext_len)
            .ok_or(CipherError::TooShort {
                expected: plaintext_len,
                found: decrypted.len(),
            })?;
    Ok((plaintext, Padding::of(surplus)))
}
