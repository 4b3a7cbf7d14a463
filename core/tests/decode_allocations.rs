//! Decoding content information allocates nothing, whatever the bytes claim.
#![expect(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a test that cannot go on should stop where it stands"
)]
#![expect(unsafe_code, reason = "an allocator that counts is an unsafe trait")]

#[path = "allocations/counting.rs"]
mod counting;

use counting::allocations_of as allocated_by;
use peerdist::content::create::Creator;
use peerdist::content::{ContentInfo, SecretKey};
use peerdist::hash::HashAlgorithm;

fn samples() -> Vec<Vec<u8>> {
    let secret = SecretKey::new(*b"secret").unwrap();
    let content: Vec<u8> = (0..300_000u32)
        .map(|n| n.wrapping_mul(2_654_435_761) as u8)
        .collect();
    let mut v1 = Creator::v1(HashAlgorithm::Sha256, &secret).unwrap();
    v1.update(&content).unwrap();
    let mut v2 = Creator::v2(&secret);
    v2.update(&content).unwrap();
    vec![v1.finish().unwrap().to_vec(), v2.finish().unwrap().to_vec()]
}

#[test]
fn decoding_allocates_nothing_for_good_bytes_truncated_bytes_and_lies() {
    // The engine that hashes is chosen, and allocates, once.
    let _ = peerdist::hash::Engine::current();
    for mut bytes in samples() {
        assert_eq!(
            allocated_by(|| assert!(ContentInfo::decode(&bytes).is_ok())),
            0
        );
        let walk = || assert!(ContentInfo::decode(&bytes).unwrap().blocks().count() > 0);
        assert_eq!(allocated_by(walk), 0);
        for end in 0..bytes.len() {
            let cut = &bytes[..end];
            assert_eq!(
                allocated_by(|| assert!(ContentInfo::decode(cut).is_err())),
                0,
                "{end}"
            );
        }
        for at in 0..bytes.len() {
            let good = bytes[at];
            for lie in [0x00, 0x01, 0x7f, 0x80, 0xff] {
                bytes[at] = lie;
                let decode = || {
                    let _ = ContentInfo::decode(&bytes).map(|info| info.blocks().count());
                };
                assert_eq!(allocated_by(decode), 0, "byte {at} as {lie}");
            }
            bytes[at] = good;
        }
    }
}
