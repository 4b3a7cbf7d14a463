//! Known answers: the examples of FIPS 180-4 as NIST publishes them, and of RFC 4231 for HMAC.
//! Invariant: the expected bytes are those documents', never made by this crate.
//! Byte order: none.

use super::{Engine, HashAlgorithm, HmacKey, digest};

const EXAMPLES: [(HashAlgorithm, &str, &str); 9] = [
    (
        HashAlgorithm::Sha256,
        "",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    ),
    (
        HashAlgorithm::Sha256,
        "abc",
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    ),
    (
        HashAlgorithm::Sha256,
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
    ),
    (
        HashAlgorithm::Sha384,
        "",
        "38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da274edebfe76f65fbd51ad2f14898b95b",
    ),
    (
        HashAlgorithm::Sha384,
        "abc",
        "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
    ),
    (
        HashAlgorithm::Sha384,
        "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
        "09330c33f71147e83d192fc782cd1b4753111b173b3b05d22fa08086e3b0f712fcc7c71a557e2db966c3e9fa91746039",
    ),
    (
        HashAlgorithm::Sha512,
        "",
        "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e",
    ),
    (
        HashAlgorithm::Sha512,
        "abc",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
    ),
    (
        HashAlgorithm::Sha512,
        "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
        "8e959b75dae313da8cf4f72814fc143f8f7779c6eb9f7fa17299aeadb6889018501d289e4900f7e4331b99dec4b5433ac7d329eeb6dd26545e96e55b874be909",
    ),
];

/// A million times the letter a.
const MILLION: [(HashAlgorithm, &str); 3] = [
    (
        HashAlgorithm::Sha256,
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
    ),
    (
        HashAlgorithm::Sha384,
        "9d0e1809716474cb086e834e310a4a1ced149e9c00f248527972cec5704c2a5b07b8b3dc38ecc4ebae97ddd87f3d8985",
    ),
    (
        HashAlgorithm::Sha512,
        "e718483d0ce769644e2e42c7bc15b4638e1f98b13b2044285632a803afa973ebde0ff244877ea60a4cb0432ce577c31beb009c5c2c49aa2e4eadb217ad8cc09b",
    ),
];

/// RFC 4231, test cases 1, 2 and 6: key, data, HMAC-SHA-256, -384, -512.
const KEYED: [(&[u8], &str, [&str; 3]); 3] = [
    (
        &[0x0b; 20],
        "Hi There",
        [
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
            "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59cfaea9ea9076ede7f4af152e8b2fa9cb6",
            "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cdedaa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854",
        ],
    ),
    (
        b"Jefe",
        "what do ya want for nothing?",
        [
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649",
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
        ],
    ),
    (
        &[0xaa; 131],
        "Test Using Larger Than Block-Size Key - Hash Key First",
        [
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            "4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c60c2ef6ab4030fe8296248df163f44952",
            "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f3526b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598",
        ],
    ),
];

#[test]
fn every_engine_gives_the_answers_of_nist() {
    for engine in Engine::available() {
        for (algorithm, message, expected) in EXAMPLES {
            let ours = engine.digest(algorithm, message.as_bytes());
            assert_eq!(
                ours.to_string(),
                expected,
                "{engine}: {algorithm} of {message:?}"
            );
        }
        let million = vec![b'a'; 1_000_000];
        for (algorithm, expected) in MILLION {
            let ours = engine.digest(algorithm, &million);
            assert_eq!(
                ours.to_string(),
                expected,
                "{engine}: {algorithm} of a million letters"
            );
        }
    }
}

#[test]
fn the_truncated_digest_is_the_start_of_sha_512() {
    let whole = digest(HashAlgorithm::Sha512, b"abc");
    let cut = digest(HashAlgorithm::Sha512Truncated, b"abc");
    assert_eq!(cut.as_ref(), &whole.as_ref()[..32]);
}

#[test]
fn hmac_gives_the_answers_of_rfc_4231() {
    for (key, data, [sha256, sha384, sha512]) in KEYED {
        let of = |algorithm| {
            HmacKey::new(algorithm, key)
                .mac(&[data.as_bytes()])
                .to_string()
        };
        assert_eq!(of(HashAlgorithm::Sha256), sha256);
        assert_eq!(of(HashAlgorithm::Sha384), sha384);
        assert_eq!(of(HashAlgorithm::Sha512), sha512);
        assert_eq!(of(HashAlgorithm::Sha512Truncated), sha512[..64]);
    }
}
