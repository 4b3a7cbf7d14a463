//! The hashes of MS-PCCRC, from RustCrypto and not from core.
//! Invariant: a digest is as long as its algorithm says; version 2.0 cuts results and never what is inside HMAC.
//! Byte order: none.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256, Sha384, Sha512};

/// The constant of MS-PCCRC 2.2: UTF-16LE with its terminating zero, which is what products hash.
const P2P_CACHING: &str = "MS_P2P_CACHING\0";

/// A hash function of content information.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Algorithm {
    /// SHA-256, version 1.0.
    Sha256,
    /// SHA-384, version 1.0.
    Sha384,
    /// SHA-512, version 1.0.
    Sha512,
    /// The first 32 bytes of SHA-512, version 2.0.
    Sha512Truncated,
}

impl Algorithm {
    /// Bytes of a digest.
    #[must_use]
    pub const fn len(self) -> usize {
        match self {
            Self::Sha256 | Self::Sha512Truncated => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// Never: a digest has bytes.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        false
    }

    /// The hash of some bytes.
    #[must_use]
    pub fn hash(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => Sha256::digest(bytes).to_vec(),
            Self::Sha384 => Sha384::digest(bytes).to_vec(),
            Self::Sha512 => Sha512::digest(bytes).to_vec(),
            Self::Sha512Truncated => cut(Sha512::digest(bytes).to_vec()),
        }
    }

    /// HMAC with it.
    #[must_use]
    pub fn hmac(self, key: &[u8], message: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => keyed::<Hmac<Sha256>>(key, message),
            Self::Sha384 => keyed::<Hmac<Sha384>>(key, message),
            Self::Sha512 => keyed::<Hmac<Sha512>>(key, message),
            Self::Sha512Truncated => cut(keyed::<Hmac<Sha512>>(key, message)),
        }
    }

    /// Kp of a segment: HMAC over HoD with the hash of the server's secret key.
    #[must_use]
    pub fn segment_secret(self, secret_key: &[u8], hash_of_data: &[u8]) -> Vec<u8> {
        self.hmac(&self.hash(secret_key), hash_of_data)
    }

    /// HoHoDk of a segment: what it is asked for by.
    #[must_use]
    pub fn segment_id(self, segment_secret: &[u8], hash_of_data: &[u8]) -> Vec<u8> {
        let constant = P2P_CACHING.encode_utf16().flat_map(u16::to_le_bytes);
        let message: Vec<u8> = hash_of_data.iter().copied().chain(constant).collect();
        self.hmac(segment_secret, &message)
    }
}

fn cut(mut digest: Vec<u8>) -> Vec<u8> {
    digest.truncate(Algorithm::Sha512Truncated.len());
    digest
}

fn keyed<M: Mac + KeyInit>(key: &[u8], message: &[u8]) -> Vec<u8> {
    // HMAC takes keys of any length, so that this cannot fail.
    <M as KeyInit>::new_from_slice(key)
        .map(|mac| mac.chain_update(message).finalize().into_bytes().to_vec())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len() / 2)
            .map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap())
            .collect()
    }

    /// Of a file on a Windows server.
    const SECRET_KEY: &str = "2a3d73eb435e9f2b8a344267e7467a3c7385c6e055e2b4d30dfec7c38b0ed72c";

    #[test]
    fn what_a_windows_server_made_is_made_here() {
        for (algorithm, hash_of_data, secret, id) in [
            (
                Algorithm::Sha256,
                "d8d976354a4872e925761803f458d9daaa67f8e31c630fb74e6a312ef8a25aba",
                "11afc0d7949243f94f9c1fab35d9fd1e331fcf7811a2e01d3587b38d770a29e2",
                "491b217dbee2b5f12ca79b015e06f4bbe64f9745bad7867aef17de59927edce9",
            ),
            (
                Algorithm::Sha512Truncated,
                "e0d0c358e2684b62330d32b5f1978724a0d0a52bdc5e781fae71ff57a8be3dd4",
                "58037ed404116bb616d9b14116088520c47cdc50abcea3fae188a98ea22df3c0",
                "3371bbeaddb62353adcef970a06fdf65001e0421f4c7108276b0c37a9f9ec10f",
            ),
        ] {
            let hash_of_data = hex(hash_of_data);
            let made = algorithm.segment_secret(&hex(SECRET_KEY), &hash_of_data);
            assert_eq!(made, hex(secret));
            assert_eq!(algorithm.segment_id(&made, &hash_of_data), hex(id));
        }
        let lists = "73c18ab8549110f8e90e71bbc3ab2aa8c44d13f4929499255b660f24ec77800b\
                     974bdd65567fdeeccdafe457a9503b4548f66ed3b188dcfda0ac382b09711acc";
        assert_eq!(
            Algorithm::Sha256.hash(&hex(lists)),
            hex("d8d976354a4872e925761803f458d9daaa67f8e31c630fb74e6a312ef8a25aba")
        );
    }
}
