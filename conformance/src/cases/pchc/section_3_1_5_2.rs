//! MS-PCHC 3.1.5.2: SEGMENT_INFO_MESSAGE, whatever the segment in it.
//! Invariant: a segment counts as fetched when the cache serves all of its blocks as they are.
//! Byte order: content information is little-endian.

use super::SEGMENT_BYTES;
use crate::judge::session::Session;
use crate::judge::{Case, Outcome, Tag};
use crate::targets::hosted_cache::HostedCache;
use crate::targets::offering_client::Offered;
use crate::wire::content_info::Version;
use crate::wire::digest::Algorithm;
use crate::wire::draft::Draft;
use crate::wire::hosted_cache::{code, initial_offer, segment_info, segment_information};

/// The length of all segments of version 1.0 but the last of a content.
const WHOLE_SEGMENT: u64 = 32 << 20;

pub(super) const CASES: &[Case] = &[
    Case::hosted_cache(
        "pchc-cache-segment-info",
        "SEGMENT_INFO_MESSAGE without an offer before it is OK; its blocks are fetched and served",
        &[
            "PCHC-3.1.5.2-01",
            "PCHC-3.1.5.2-02",
            "PCHC-3.1.5.2-03",
            "PCHC-3.1.5.2-04",
        ],
        |session| {
            let offered = session.segment_v1(SEGMENT_BYTES, Algorithm::Sha256);
            let client = session.client(Version::V1, &[&offered])?;
            session.inform(&client, &offered, "PCHC-3.1.5.2-01")?;
            session.is_fetched(&client, &offered, &[0], "PCHC-3.1.5.2-03")?;
            session.is_fetched(&client, &offered, &[0, 1, 2, 3], "PCHC-3.1.5.2-02")?;
            session.is_served(&offered, "PCHC-3.1.5.2-04")
        },
    )
    .tags(&[Tag::V1]),
    Case::hosted_cache(
        "pchc-cache-segment-info-after-offer",
        "the sequence of the document: an offer, INTERESTED, the hashes, OK, and the blocks are fetched",
        &["PCHC-3.1.5.2-01", "PCHC-3.1.5.1-07", "PCHC-3.1.5.2-04"],
        |session| {
            let offered = session.segment_v1(SEGMENT_BYTES, Algorithm::Sha256);
            let client = session.client(Version::V1, &[&offered])?;
            let offer = initial_offer(client.port(), &offered.segment.id());
            session.offer_brings(Version::V1, &offer, code::INTERESTED, "PCHC-3.1.5.1-07")?;
            session.inform(&client, &offered, "PCHC-3.1.5.2-01")?;
            session.is_served(&offered, "PCHC-3.1.5.2-04")
        },
    )
    .tags(&[Tag::V1]),
    Case::hosted_cache(
        "pchc-cache-segment-info-again",
        "the same SEGMENT_INFO_MESSAGE again is OK, and what is served stays right",
        &["PCHC-3.1.5.2-01", "PCHC-3.1.5.2-04"],
        |session| {
            let offered = session.segment_v1(SEGMENT_BYTES, Algorithm::Sha256);
            let client = session.client(Version::V1, &[&offered])?;
            session.inform(&client, &offered, "PCHC-3.1.5.2-01")?;
            session.is_served(&offered, "PCHC-3.1.5.2-04")?;
            session.inform(&client, &offered, "PCHC-3.1.5.2-01")?;
            client.settles(session.settings.silence, session.settings.answer);
            session.is_served(&offered, "PCHC-3.1.5.2-04")
        },
    )
    .tags(&[Tag::V1]),
    Case::hosted_cache(
        "pchc-cache-sha-384",
        "a segment with SHA-384 is fetched and served under its id of 48 bytes",
        &["PCHC-3.1.5.2-02", "PCHC-3.1.5.2-04"],
        |session| {
            let offered = session.segment_v1(SEGMENT_BYTES, Algorithm::Sha384);
            comes_through(session, &offered, segment_information(&offered.segment))
        },
    )
    .tags(&[Tag::V1]),
    Case::hosted_cache(
        "pchc-cache-sha-512",
        "a segment with SHA-512 is fetched and served under its id of 64 bytes",
        &["PCHC-3.1.5.2-02", "PCHC-3.1.5.2-04"],
        |session| {
            let offered = session.segment_v1(SEGMENT_BYTES, Algorithm::Sha512);
            comes_through(session, &offered, segment_information(&offered.segment))
        },
    )
    .tags(&[Tag::V1]),
    Case::hosted_cache(
        "pchc-cache-read-bytes-zero",
        "a dwReadBytesInLastSegment of 0, as Microsoft's client writes it, means the whole segment",
        &["PCHC-3.1.5.2-02", "PCHC-3.1.5.2-04"],
        |session| {
            let offered = session.segment_v1(SEGMENT_BYTES, Algorithm::Sha256);
            let information = segment_information(&offered.segment);
            let information = information.with_u32_le("dwReadBytesInLastSegment", 0);
            comes_through(session, &offered, information)
        },
    )
    .tags(&[Tag::V1]),
    Case::hosted_cache(
        "pchc-cache-later-segment",
        "a segment that is not the first of its content keeps its offset, and is fetched as any",
        &["PCHC-3.1.5.2-02", "PCHC-3.1.5.2-04"],
        |session| {
            let mut offered = session.segment_v1(SEGMENT_BYTES, Algorithm::Sha256);
            offered.segment.offset = 5 * WHOLE_SEGMENT;
            comes_through(session, &offered, segment_information(&offered.segment))
        },
    )
    .tags(&[Tag::V1]),
    Case::hosted_cache(
        "pchc-cache-far-segment",
        "a segment far behind 4 GiB is fetched as any",
        &["PCHC-3.1.5.2-02", "PCHC-3.1.5.2-04"],
        |session| {
            let mut offered = session.segment_v1(70_000, Algorithm::Sha256);
            offered.segment.offset = 4_096 * WHOLE_SEGMENT;
            comes_through(session, &offered, segment_information(&offered.segment))
        },
    )
    .tags(&[Tag::V1]),
    Case::hosted_cache(
        "pchc-cache-one-byte-segment",
        "segments of one byte, one block and a block and a byte are fetched",
        &["PCHC-3.1.5.2-02", "PCHC-3.1.5.2-04"],
        |session| {
            for length in [1, 65_536, 65_537] {
                let offered = session.segment_v1(length, Algorithm::Sha256);
                comes_through(session, &offered, segment_information(&offered.segment))?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::V1]),
    Case::hosted_cache(
        "pchc-cache-many-blocks",
        "a segment of forty blocks is fetched in full",
        &["PCHC-3.1.5.2-02", "PCHC-3.1.5.2-04"],
        |session| {
            let offered = session.segment_v1(40 * 65_536 - 7, Algorithm::Sha256);
            comes_through(session, &offered, segment_information(&offered.segment))
        },
    )
    .tags(&[Tag::V1, Tag::Load]),
    Case::hosted_cache(
        "pchc-cache-several-segments-of-a-client",
        "several segments that one client offers one after another are all fetched",
        &["PCHC-3.1.5.2-02", "PCHC-3.1.5.2-04"],
        |session| {
            let segments: Vec<Offered> = (0..6)
                .map(|_| session.segment_v1(66_000, Algorithm::Sha256))
                .collect();
            let all: Vec<&Offered> = segments.iter().collect();
            let client = session.client(Version::V1, &all)?;
            for offered in &segments {
                session.inform(&client, offered, "PCHC-3.1.5.2-02")?;
            }
            for offered in &segments {
                session.is_served(offered, "PCHC-3.1.5.2-04")?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::V1]),
    Case::hosted_cache(
        "pchc-cache-offers-at-once",
        "offers that several clients make on connections held open at once are all fetched",
        &["PCHC-3.1.5.2-01", "PCHC-3.1.5.2-04"],
        |session| {
            let mut open = Vec::new();
            for _ in 0..5 {
                let offered = session.segment_v1(66_000, Algorithm::Sha256);
                let client = session.client(Version::V1, &[&offered])?;
                let mut connection = session.open(Version::V1)?;
                let message = session.info_of(&client, &offered).to_bytes();
                session.send(&mut connection, &session.target.request(Version::V1, &message))?;
                open.push((offered, client, connection));
            }
            for (_, _, connection) in &mut open {
                let answer = connection.response(session.settings.answer);
                let found = session.code_of(answer, "PCHC-3.1.5.2-01")?;
                session.is_code(found, code::OK, "PCHC-3.1.5.2-01")?;
            }
            for (offered, _, _) in &open {
                session.is_served(offered, "PCHC-3.1.5.2-04")?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::V1, Tag::Load]),
    Case::hosted_cache(
        "pchc-cache-any-content-tag",
        "whatever the content tag, the segment is fetched",
        &["PCHC-3.1.5.2-01", "PCHC-3.1.5.2-04"],
        |session| {
            for tag in [[0; 16], [0xff; 16], *b"WinINet\0\0\0\0\0\0\0\0\0"] {
                let offered = session.segment_v1(30_000, Algorithm::Sha256);
                let client = session.client(Version::V1, &[&offered])?;
                let information = segment_information(&offered.segment).to_bytes();
                let message = segment_info(client.port(), tag, &information);
                session.offer_brings(Version::V1, &message, code::OK, "PCHC-3.1.5.2-01")?;
                session.is_served(&offered, "PCHC-3.1.5.2-04")?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::V1]),
];

/// A segment described so is fetched in full, and served.
fn comes_through(
    session: &Session<'_, HostedCache>,
    offered: &Offered,
    information: Draft,
) -> Outcome {
    let client = session.client(Version::V1, &[offered])?;
    let message = segment_info(
        client.port(),
        session.random_array(),
        &information.to_bytes(),
    );
    session.offer_brings(Version::V1, &message, code::OK, "PCHC-3.1.5.2-02")?;
    session.is_fetched(&client, offered, &offered.blocks, "PCHC-3.1.5.2-02")?;
    session.is_served(offered, "PCHC-3.1.5.2-04")
}
