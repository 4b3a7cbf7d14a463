//! MS-PCCRC 2.2: hashes, secrets and what is not in content information.
//! Invariant: what is expected is made by RustCrypto from the content and the secret key.
//! Byte order: none.

use super::{BLOCK, SECRET_KEY};
use crate::judge::session::Session;
use crate::judge::{Case, Outcome, Tag};
use crate::targets::content_info::ContentInfoMaker;
use crate::wire::content_info::{ContentInfo, Version};
use crate::wire::described::Described;
use crate::wire::digest::Algorithm;

const KP: &str = "PCCRC-2.2-06";
const KS: &str = "PCCRC-2.2-05";

pub(super) const CASES: &[Case] = &[
    Case::content_info(
        "pccrc-maker-v1-hash-known",
        "the hash of version 1.0 is SHA-256, SHA-384 or SHA-512, and block hashes are made with it",
        &["PCCRC-2.2-01", "PCCRC-2.2-03"],
        |session| {
            let content = session.random(2 * BLOCK + 5);
            let info = session.info(&content, SECRET_KEY, Version::V1, "PCCRC-2.2-01")?;
            let found = info.algorithm;
            let is_listed = found != Algorithm::Sha512Truncated;
            session.holds(is_listed, "PCCRC-2.2-01", format_args!("the hash is {found:?}"))?;
            let described = Described::whole(&content, None);
            session.describes(&info, &described, "PCCRC-2.2-03")
        },
    )
    .tags(&[Tag::V1]),
    Case::content_info(
        "pccrc-maker-v1-hash-of-data",
        "HoD of version 1.0 is the hash of all block hashes, not of the bytes",
        &["PCCRC-2.2-04"],
        |session| {
            let content = session.random(3 * BLOCK + 77);
            let info = session.info(&content, SECRET_KEY, Version::V1, "PCCRC-2.2-04")?;
            for segment in &info.segments {
                let expected = segment.algorithm.hash(&segment.block_hashes.concat());
                let is_so = segment.hash_of_data == expected;
                let of_bytes = segment.hash_of_data == segment.algorithm.hash(&content);
                let found = if of_bytes { "HoD is the hash of the bytes" } else { "HoD is another value" };
                session.holds(is_so, "PCCRC-2.2-04", found)?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::V1]),
    Case::content_info(
        "pccrc-maker-v1-server-secret",
        "Ks of version 1.0 is the hash of the secret key",
        &[KS],
        |session| is_derived(session, Version::V1, KS, SECRET_KEY),
    )
    .tags(&[Tag::V1]),
    Case::content_info(
        "pccrc-maker-v1-segment-secret",
        "the segment secret of version 1.0 is HMAC of HoD with Ks, not a hash of both",
        &[KP, "PCCRC-2.2-02"],
        |session| {
            is_derived(session, Version::V1, KP, SECRET_KEY)?;
            is_derived(session, Version::V1, "PCCRC-2.2-02", b"another secret key")
        },
    )
    .tags(&[Tag::V1]),
    Case::content_info(
        "pccrc-maker-v2-server-secret",
        "Ks of version 2.0 is the first 32 bytes of SHA-512 of the secret key",
        &[KS],
        |session| is_derived(session, Version::V2, KS, SECRET_KEY),
    )
    .tags(&[Tag::V2]),
    Case::content_info(
        "pccrc-maker-v2-segment-secret",
        "the segment secret of version 2.0 is HMAC-SHA-512 of HoD with Ks, cut to 32 bytes at the end",
        &[KP, "PCCRC-2.2-02", "PCCRC-2.2-14"],
        |session| {
            is_derived(session, Version::V2, KP, SECRET_KEY)?;
            is_derived(session, Version::V2, "PCCRC-2.2-02", b"another secret key")?;
            is_derived(session, Version::V2, "PCCRC-2.2-14", b"a third")
        },
    )
    .tags(&[Tag::V2]),
    Case::content_info(
        "pccrc-maker-v2-hash-of-data",
        "HoD of version 2.0 is the hash of the bytes of the segment",
        &["PCCRC-2.2-14"],
        |session| {
            let content = session.random(200_000);
            let info = session.info(&content, SECRET_KEY, Version::V2, "PCCRC-2.2-14")?;
            let described = Described::whole(&content, None);
            session.describes(&info, &described, "PCCRC-2.2-14")
        },
    )
    .tags(&[Tag::V2]),
    Case::content_info(
        "pccrc-maker-v2-hash-truncated",
        "the hash of version 2.0 is the first half of SHA-512",
        &["PCCRC-2.2-01"],
        |session| {
            let content = session.random(1_000);
            let info = session.info(&content, SECRET_KEY, Version::V2, "PCCRC-2.2-01")?;
            for segment in &info.segments {
                let start = usize::try_from(segment.offset).unwrap_or(usize::MAX);
                let end = start.saturating_add(segment.length as usize);
                let bytes = content.get(start..end).unwrap_or_default();
                let found = &segment.hash_of_data;
                let whole = Algorithm::Sha512.hash(bytes);
                let told = if *found == Algorithm::Sha256.hash(bytes) {
                    "HoD is SHA-256"
                } else if whole.ends_with(found) {
                    "HoD is the second half of SHA-512"
                } else {
                    "HoD is another value"
                };
                session.holds(whole.starts_with(found), "PCCRC-2.2-01", told)?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::V2]),
    Case::content_info(
        "pccrc-maker-secret-lengths",
        "secret keys of any length are hashed as they are",
        &[KS, KP],
        |session| {
            for length in [1, 7, 16, 31, 32, 33, 63, 64, 65, 127, 128, 129, 300] {
                let secret_key = session.random(length);
                is_derived(session, Version::V1, KS, &secret_key)?;
                is_derived(session, Version::V2, KP, &secret_key)?;
            }
            Ok(())
        },
    ),
    Case::content_info(
        "pccrc-maker-secret-zeros",
        "zeros at either end of a secret key belong to it",
        &[KS, "PCCRC-2.5-01"],
        |session| {
            for secret_key in [[0; 32].as_slice(), &[0, 1, 0], b"key\0", b"\0key", b"\r\n key \n"] {
                is_derived(session, Version::V1, KS, secret_key)?;
                is_derived(session, Version::V2, "PCCRC-2.5-01", secret_key)?;
            }
            Ok(())
        },
    ),
    Case::content_info(
        "pccrc-maker-v1-server-secret-not-in-it",
        "neither the secret key nor its hash is in content information 1.0",
        &["PCCRC-2.2-11"],
        |session| keeps_secret(session, Version::V1),
    )
    .tags(&[Tag::V1]),
    Case::content_info(
        "pccrc-maker-v2-server-secret-not-in-it",
        "neither the secret key nor its hash is in content information 2.0",
        &["PCCRC-2.2-11"],
        |session| keeps_secret(session, Version::V2),
    )
    .tags(&[Tag::V2]),
    Case::content_info(
        "pccrc-maker-v1-segment-id-not-in-it",
        "content information has HoD, the segment secret and block hashes, and no segment id",
        &["PCCRC-2.2-10"],
        |session| {
            for version in [Version::V1, Version::V2] {
                let content = session.random(BLOCK + 9);
                let bytes = session.made(&content, SECRET_KEY, version, "PCCRC-2.2-10")?;
                let info = session.reads("PCCRC-2.2-10", ContentInfo::read(&bytes))?;
                for segment in &info.segments {
                    let secret = segment.algorithm.segment_secret(SECRET_KEY, &segment.hash_of_data);
                    let id = segment.algorithm.segment_id(&secret, &segment.hash_of_data);
                    let mut places = bytes.windows(id.len());
                    let is_in = places.any(|place| place == id);
                    session.holds(!is_in, "PCCRC-2.2-10", "HoHoDk is in the content information")?;
                }
            }
            Ok(())
        },
    ),
    Case::content_info(
        "pccrc-maker-same-again",
        "the same content and secret key bring the same content information",
        &[KP],
        |session| {
            let content = session.random(300_000);
            for version in [Version::V1, Version::V2] {
                let first = session.made(&content, SECRET_KEY, version, KP)?;
                let second = session.made(&content, SECRET_KEY, version, KP)?;
                let found = "the second time brought other bytes than the first";
                session.holds(first == second, KP, found)?;
            }
            Ok(())
        },
    ),
    Case::content_info(
        "pccrc-maker-other-secret",
        "another secret key brings other segment secrets and the same hashes",
        &[KP, "PCCRC-2.2-04"],
        |session| {
            let content = session.random(2 * BLOCK);
            let first = session.info(&content, SECRET_KEY, Version::V1, KP)?;
            let second = session.info(&content, b"more secrets", Version::V1, KP)?;
            for (one, other) in first.segments.iter().zip(&second.segments) {
                session.holds(one.secret != other.secret, KP, "the segment secret is the same")?;
                let is_same = one.hash_of_data == other.hash_of_data;
                session.holds(is_same, "PCCRC-2.2-04", "HoD is another")?;
            }
            Ok(())
        },
    ),
];

/// Asserts that segment secrets are those of the secret key.
fn is_derived(
    session: &Session<'_, ContentInfoMaker>,
    version: Version,
    requirement: &'static str,
    secret_key: &[u8],
) -> Outcome {
    let content = session.random(1_001);
    let info = session.info(&content, secret_key, version, requirement)?;
    let described = Described::whole(&content, Some(secret_key));
    session.describes(&info, &described, requirement)
}

fn keeps_secret(session: &Session<'_, ContentInfoMaker>, version: Version) -> Outcome {
    let requirement = "PCCRC-2.2-11";
    let content = session.random(BLOCK + 1);
    let secret_key = session.random(32);
    let bytes = session.made(&content, &secret_key, version, requirement)?;
    let algorithms = [
        Algorithm::Sha256,
        Algorithm::Sha384,
        Algorithm::Sha512,
        Algorithm::Sha512Truncated,
    ];
    let mut secrets: Vec<Vec<u8>> = algorithms.iter().map(|one| one.hash(&secret_key)).collect();
    secrets.push(secret_key);
    for secret in secrets {
        let mut places = bytes.windows(secret.len());
        let is_in = places.any(|place| place == secret);
        let found = format!("{} bytes of the server's secret are in it", secret.len());
        session.holds(!is_in, requirement, found)?;
    }
    Ok(())
}
