//! Digests and keyed digests (FIPS 180-4, RFC 2104) of one input or of many independent ones.
//! Invariant: every engine gives the same bytes for the same input; only their speed differs.
//! Byte order: digests are the big-endian octets of FIPS 180-4.
//!
//! The layout follows the instruction sets: [`portable`] is the reference, one folder per
//! architecture holds what is faster, and [`engine`] alone decides which of them runs.

#[cfg(target_arch = "aarch64")]
mod aarch64;
mod constants;
mod digest;
mod engine;
mod hmac;
mod lanes;
mod portable;
mod rounds;
#[cfg(target_arch = "x86_64")]
mod x86;

#[cfg(test)]
mod tests;

pub use digest::{Digest, HashAlgorithm, WrongDigestLength};
pub use engine::{ENGINE_VARIABLE, Engine, EngineAlreadyChosen, EngineError};
pub use hmac::HmacKey;

/// The digest of one input, by the engine in use.
#[must_use]
pub fn digest(algorithm: HashAlgorithm, data: &[u8]) -> Digest {
    Engine::current().digest(algorithm, data)
}

/// The digests of many independent inputs of any lengths, by the engine in use.
///
/// `out` takes them one after another, `algorithm.digest_len()` bytes each, in the order of the
/// inputs. Nothing is allocated. The more inputs come in one call, the better the lanes of the
/// processor are filled.
///
/// # Panics
///
/// When `out.len()` is not `inputs.len() * algorithm.digest_len()`.
pub fn digest_many(algorithm: HashAlgorithm, inputs: &[&[u8]], out: &mut [u8]) {
    Engine::current().digest_many(algorithm, inputs, out);
}
