//! MS-PCHC 3.1.5.1: INITIAL_OFFER_MESSAGE.
//! Invariant: OK is said only of segments whose hashes are all known, and what is missing of them is fetched.
//! Byte order: big-endian.

use super::SEGMENT_BYTES;
use crate::judge::{Case, Tag};
use crate::targets::hosted_cache::PORT_OF_NOBODY;
use crate::targets::offering_client::Offered;
use crate::wire::content_info::Version;
use crate::wire::digest::Algorithm;
use crate::wire::hosted_cache::{code, initial_offer, segment_info, segment_information};

pub(super) const CASES: &[Case] = &[
    Case::hosted_cache(
        "pchc-cache-unknown-segment",
        "the cache is interested in a segment of which it knows nothing, as often as it is offered",
        &["PCHC-3.1.5.1-07", "PCHC-3.1.5.1-01"],
        |session| {
            let offer = initial_offer(PORT_OF_NOBODY, &session.random(32));
            session.offer(Version::V1, &offer, "PCHC-3.1.5.1-01")?;
            for _ in 0..2 {
                session.offer_brings(Version::V1, &offer, code::INTERESTED, "PCHC-3.1.5.1-07")?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::V1]),
    Case::hosted_cache(
        "pchc-cache-unknown-segment-48-and-64",
        "segment ids of 48 and 64 bytes are offered as those of 32",
        &["PCHC-3.1.5.1-01", "PCHC-3.1.5.1-07"],
        |session| {
            for length in [48, 64] {
                let offer = initial_offer(PORT_OF_NOBODY, &session.random(length));
                let found = session.offer(Version::V1, &offer, "PCHC-3.1.5.1-01")?;
                session.is_code(found, code::INTERESTED, "PCHC-3.1.5.1-07")?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::V1]),
    Case::hosted_cache(
        "pchc-cache-initial-offer-fetches-nothing",
        "an offer of an unknown segment brings no fetch: without hashes nothing could be verified",
        &["PCHC-3.1.5.1-07"],
        |session| {
            let offered = session.segment_v1(SEGMENT_BYTES, Algorithm::Sha256);
            let client = session.client(Version::V1, &[&offered])?;
            let offer = initial_offer(client.port(), &offered.segment.id());
            session.offer_brings(Version::V1, &offer, code::INTERESTED, "PCHC-3.1.5.1-07")?;
            client.settles(session.settings.silence, session.settings.answer);
            let served = session.serves_nothing_wrong(&offered, "PCHC-3.1.5.1-07")?;
            session.equal("PCHC-3.1.5.1-07", "blocks served", &served, &Vec::new())
        },
    )
    .tags(&[Tag::V1]),
    Case::hosted_cache(
        "pchc-cache-known-segment",
        "the cache says OK to a segment of which it has all hashes",
        &["PCHC-3.1.5.1-02"],
        |session| {
            let offered = session.segment_v1(SEGMENT_BYTES, Algorithm::Sha256);
            let client = session.client(Version::V1, &[&offered])?;
            session.inform(&client, &offered, "PCHC-3.1.5.1-02")?;
            session.is_served(&offered, "PCHC-3.1.5.1-02")?;
            let offer = initial_offer(client.port(), &offered.segment.id());
            session.offer_brings(Version::V1, &offer, code::OK, "PCHC-3.1.5.1-02")
        },
    )
    .tags(&[Tag::V1]),
    Case::hosted_cache(
        "pchc-cache-missing-blocks-of-another",
        "blocks that the first client had not are fetched from the next that offers the segment, at its port",
        &["PCHC-3.1.5.1-03", "PCHC-3.1.5.1-04", "PCHC-3.1.5.1-06", "PCHC-3.1.5.1-05"],
        |session| {
            let offered = session.segment_v1(SEGMENT_BYTES, Algorithm::Sha256);
            let part = offered.clone().only([0, 2]);
            let first = session.client(Version::V1, &[&part])?;
            session.inform(&first, &part, "PCHC-3.1.5.1-03")?;
            session.is_served(&part, "PCHC-3.1.5.1-03")?;
            first.settles(session.settings.silence, session.settings.answer);
            drop(first);
            let second = session.client(Version::V1, &[&offered])?;
            let offer = initial_offer(second.port(), &offered.segment.id());
            session.offer_brings(Version::V1, &offer, code::OK, "PCHC-3.1.5.1-03")?;
            session.is_fetched(&second, &offered, &[1, 3], "PCHC-3.1.5.1-04")?;
            session.is_served(&offered, "PCHC-3.1.5.1-06")?;
            // The offer brought an id alone: hashes and secret can only be those of before.
            session.is_served(&offered, "PCHC-3.1.5.1-05")
        },
    )
    .tags(&[Tag::V1]),
    Case::hosted_cache(
        "pchc-cache-partial-hashes",
        "a segment of which some hashes came stays interesting, until all of them come",
        &["PCHC-3.1.5.1-07", "PCHC-3.1.5.1-02"],
        |session| {
            let offered = session.segment_v1(SEGMENT_BYTES, Algorithm::Sha256);
            let part = offered.clone().only([0, 1]);
            let client = session.client(Version::V1, &[&part])?;
            let mut listed = part.segment.clone();
            listed.block_hashes.truncate(2);
            let information = segment_information(&listed).to_bytes();
            let message = segment_info(client.port(), session.random_array(), &information);
            // Whether so few hashes are of use is left to the cache; a segment that they do not describe they are not.
            session.post_offer(Version::V1, &message.to_bytes(), session.settings.answer)?;
            client.settles(session.settings.silence, session.settings.answer);
            let offer = initial_offer(client.port(), &offered.segment.id());
            session.offer_brings(Version::V1, &offer, code::INTERESTED, "PCHC-3.1.5.1-07")?;
            let second = session.client(Version::V1, &[&offered])?;
            session.inform(&second, &offered, "PCHC-3.1.5.1-02")?;
            session.is_served(&offered, "PCHC-3.1.5.1-02")?;
            let offer = initial_offer(second.port(), &offered.segment.id());
            session.offer_brings(Version::V1, &offer, code::OK, "PCHC-3.1.5.1-02")
        },
    )
    .tags(&[Tag::V1]),
    Case::hosted_cache(
        "pchc-cache-known-segments-of-other-hashes",
        "segments with SHA-384 and SHA-512 are known by their ids of 48 and 64 bytes",
        &["PCHC-3.1.5.1-02"],
        |session| {
            for algorithm in [Algorithm::Sha384, Algorithm::Sha512] {
                let offered: Offered = session.segment_v1(70_000, algorithm);
                let client = session.client(Version::V1, &[&offered])?;
                session.inform(&client, &offered, "PCHC-3.1.5.1-02")?;
                session.is_served(&offered, "PCHC-3.1.5.1-02")?;
                let offer = initial_offer(client.port(), &offered.segment.id());
                session.offer_brings(Version::V1, &offer, code::OK, "PCHC-3.1.5.1-02")?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::V1]),
];
