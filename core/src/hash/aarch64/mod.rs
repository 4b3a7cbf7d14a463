//! FIPS 180-4: SHA-256 and SHA-512 with the SHA instructions of ARMv8 and ARMv8.2.
//! Invariant: an instruction beyond the baseline runs only behind a token that detection made.
//! Byte order: messages are big-endian, and reversed on load: little-endian processors only.

mod sha256;
mod sha512;
#[cfg(test)]
mod tests;

use std::arch::is_aarch64_feature_detected;

use super::lanes::{DigestSlots, LaneMajor, drive};

/// The engine of these kernels, and the kernels themselves.
pub(super) const NAME: &str = "aarch64";

/// What the kernels' way of loading and storing words takes for granted.
const LITTLE_ENDIAN: bool = cfg!(target_endian = "little");

/// Proof that this processor has the SHA-256 instructions (`FEAT_SHA256`).
#[derive(Clone, Copy, Debug)]
pub(super) struct Sha256Instructions(());

impl Sha256Instructions {
    /// The only way to the token.
    pub(super) fn detect() -> Option<Self> {
        (LITTLE_ENDIAN && is_aarch64_feature_detected!("sha2")).then_some(Self(()))
    }

    /// SHA-256 of every input, up to four of them in flight.
    pub(super) fn sha256_many(self, iv: &[u32; 8], inputs: &[&[u8]], out: DigestSlots<'_>) {
        let mut states = LaneMajor([[0; 8]; sha256::LANES]);
        drive(iv, inputs, out, &mut states, |states, runs| {
            #[expect(unsafe_code, reason = "runs instructions beyond the baseline")]
            // SAFETY: `self` exists, so detection saw the feature `sha2`, all that is asked for.
            unsafe {
                sha256::compress(&mut states.0, runs);
            }
        });
    }
}

/// Proof that this processor has the SHA-512 instructions (`FEAT_SHA512`, in Rust within `sha3`).
#[derive(Clone, Copy, Debug)]
pub(super) struct Sha512Instructions(());

impl Sha512Instructions {
    /// The only way to the token.
    pub(super) fn detect() -> Option<Self> {
        (LITTLE_ENDIAN && is_aarch64_feature_detected!("sha3")).then_some(Self(()))
    }

    /// The SHA-512 family of every input, up to two of them in flight: `iv` tells which.
    pub(super) fn sha512_many(self, iv: &[u64; 8], inputs: &[&[u8]], out: DigestSlots<'_>) {
        let mut states = LaneMajor([[0; 8]; sha512::LANES]);
        drive(iv, inputs, out, &mut states, |states, runs| {
            #[expect(unsafe_code, reason = "runs instructions beyond the baseline")]
            // SAFETY: `self` exists, so detection saw the feature `sha3`, all that is asked for.
            unsafe {
                sha512::compress(&mut states.0, runs);
            }
        });
    }
}
