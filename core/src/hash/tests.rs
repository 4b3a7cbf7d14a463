//! Every kernel that this processor can run, held against the sha2 crate.
//! Invariant: a kernel that cannot run here is named on stderr; nothing is skipped in silence.
//! Byte order: none.

use super::*;

#[test]
fn kernels_agree_with_sha2() {
    use sha2::Digest as _;
    let data = vec![7u8; 1000];
    for e in Engine::available() {
        eprintln!("{e}");
        let digest = |a: HashAlgorithm, d: &[u8]| {
            let ins = vec![d; 5];
            let mut out = vec![0; 5 * a.digest_len()];
            e.digest_many(a, &ins, &mut out);
            for c in out.chunks(a.digest_len()) {
                assert_eq!(c, &out[..a.digest_len()]);
            }
            Digest::of(a, &out[..a.digest_len()]).unwrap()
        };
        for len in 0..1000 {
            assert_eq!(
                digest(HashAlgorithm::Sha256, &data[..len]).as_ref(),
                &sha2::Sha256::digest(&data[..len])[..]
            );
            assert_eq!(
                digest(HashAlgorithm::Sha512, &data[..len]).as_ref(),
                &sha2::Sha512::digest(&data[..len])[..]
            );
            assert_eq!(
                digest(HashAlgorithm::Sha384, &data[..len]).as_ref(),
                &sha2::Sha384::digest(&data[..len])[..]
            );
        }
    }
}
