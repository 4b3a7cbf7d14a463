//! HMAC (RFC 2104) with a key that is used many times.
//! Invariant: the two blocks that only depend on the key are hashed once, and wiped when the key is dropped.
//! Byte order: that of the digest.

use core::fmt;

use hmac::{Hmac, KeyInit, Mac};

use super::{Digest, HashAlgorithm};

/// A key made ready for [`HmacKey::mac`].
#[derive(Clone)]
pub struct HmacKey {
    algorithm: HashAlgorithm,
    state: State,
}

#[derive(Clone)]
enum State {
    Sha256(Hmac<sha2::Sha256>),
    Sha384(Hmac<sha2::Sha384>),
    Sha512(Hmac<sha2::Sha512>),
}

impl HmacKey {
    /// Prepares a key of any length.
    #[must_use]
    pub fn new(algorithm: HashAlgorithm, key: &[u8]) -> Self {
        let state = match algorithm {
            HashAlgorithm::Sha256 => State::Sha256(prepare(key)),
            HashAlgorithm::Sha384 => State::Sha384(prepare(key)),
            HashAlgorithm::Sha512 | HashAlgorithm::Sha512Truncated => State::Sha512(prepare(key)),
        };
        Self { algorithm, state }
    }

    /// The code over the concatenation of `parts`.
    ///
    /// For [`HashAlgorithm::Sha512Truncated`] it is HMAC-SHA-512 with only the result cut.
    #[must_use]
    pub fn mac(&self, parts: &[&[u8]]) -> Digest {
        //= PCCRC-2.2-02
        match &self.state {
            State::Sha256(state) => finish(self.algorithm, state.clone(), parts),
            State::Sha384(state) => finish(self.algorithm, state.clone(), parts),
            State::Sha512(state) => finish(self.algorithm, state.clone(), parts),
        }
    }
}

impl fmt::Debug for HmacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HmacKey({:?}, hidden)", self.algorithm)
    }
}

fn prepare<M: KeyInit>(key: &[u8]) -> M {
    let Ok(state) = M::new_from_slice(key) else {
        unreachable!("RFC 2104 takes keys of every length");
    };
    state
}

fn finish(algorithm: HashAlgorithm, mut state: impl Mac, parts: &[&[u8]]) -> Digest {
    for part in parts {
        state.update(part);
    }
    Digest::cut(algorithm, &state.finalize().into_bytes())
}
