//! MS-PCHC 2.2.1.3, 2.2.1.4 and 3.1.5.4: messages of version 1.0 that are malformed, each in one way.
//! Invariant: a message that is wrong is dropped; content information that is wrong brings no fetch.
//! Byte order: big-endian, content information little-endian.

use std::time::Duration;

use super::DROPPED;
use crate::judge::session::Session;
use crate::judge::{Case, Outcome, Tag};
use crate::targets::connection::Answer;
use crate::targets::hosted_cache::{HostedCache, PORT_OF_NOBODY};
use crate::targets::offering_client::Offered;
use crate::wire::content_info::Version;
use crate::wire::digest::Algorithm;
use crate::wire::draft::Draft;
use crate::wire::hosted_cache::{
    HEADER_BYTES, code, initial_offer, segment_info, segment_information,
};

/// A segment of three blocks.
const INFORMATION_OF_BYTES: usize = 2 * 65_536 + 5;
const RULE: &str = "PCHC-3.1.5.4-01";
/// After which nobody comes any more to fetch.
const SETTLING: Duration = Duration::from_millis(150);
/// The quirks of a message whose content information is wrong.
const BAD_INFORMATION: &[&str] = &[
    "hc-bad-content-information-ok",
    "hc-drop-closes",
    "hc-drop-http-error",
];

pub(super) const CASES: &[Case] = &[
    Case::hosted_cache(
        "pchc-cache-v1-version",
        "offers over HTTPS of any version but 1.0 are dropped",
        &[RULE],
        |session| {
            let offer = || initial_offer(PORT_OF_NOBODY, &session.random(32));
            for (minor, major) in [(0, 0), (0, 2), (0, 3), (1, 0), (1, 1), (255, 1), (0, 255)] {
                let wrong = offer()
                    .with("MinorVersion", [minor])
                    .with("MajorVersion", [major]);
                dropped(session, &wrong.to_bytes())?;
            }
            session.still_takes_offers(Version::V1, RULE)
        },
    )
    .quirks(DROPPED)
    .tags(&[Tag::V1, Tag::Hostile]),
    Case::hosted_cache(
        "pchc-cache-v1-type",
        "offers over HTTPS of a type that nobody knows are dropped",
        &[RULE],
        |session| {
            let offer = || initial_offer(PORT_OF_NOBODY, &session.random(32));
            for unknown in [0, 3, 4, 0x0100, 0x0200, 0xffff] {
                let wrong = offer().with_u16_be("Type", unknown);
                dropped(session, &wrong.to_bytes())?;
            }
            session.still_takes_offers(Version::V1, RULE)
        },
    )
    .quirks(DROPPED)
    .tags(&[Tag::V1, Tag::Hostile]),
    Case::hosted_cache(
        "pchc-cache-v1-cut-header",
        "INITIAL_OFFER_MESSAGE that ends inside its header, or with it, is dropped",
        &[RULE],
        |session| {
            let offer = initial_offer(PORT_OF_NOBODY, &session.random(32));
            for kept in 1..=HEADER_BYTES {
                dropped(session, &offer.cut_to(kept))?;
            }
            session.still_takes_offers(Version::V1, RULE)
        },
    )
    .quirks(DROPPED)
    .tags(&[Tag::V1, Tag::Hostile]),
    Case::hosted_cache(
        "pchc-cache-v1-id-length",
        "a segment id of a length that no hash has is dropped",
        &[RULE],
        |session| {
            for length in [1, 16, 31, 33, 47, 49, 63, 65, 128, 4_096] {
                let offer = initial_offer(PORT_OF_NOBODY, &session.random(length));
                dropped(session, &offer.to_bytes())?;
            }
            session.still_takes_offers(Version::V1, RULE)
        },
    )
    .quirks(DROPPED)
    .tags(&[Tag::V1, Tag::Hostile]),
    Case::hosted_cache(
        "pchc-cache-v1-cut-segment-info",
        "SEGMENT_INFO_MESSAGE that ends before its content tag does is dropped",
        &[RULE],
        |session| {
            let offered = session.segment_v1(20_000, Algorithm::Sha256);
            let client = session.client(Version::V1, &[&offered])?;
            let message = session.info_of(&client, &offered);
            for kept in [1, 2, 4, 8, 10, 15, 16, 17, 24, 31] {
                dropped(session, &message.cut_to(kept))?;
            }
            session.still_takes_offers(Version::V1, RULE)?;
            session.is_not_asked(&client, RULE)
        },
    )
    .quirks(DROPPED)
    .tags(&[Tag::V1, Tag::Hostile]),
    Case::hosted_cache(
        "pchc-cache-information-cut",
        "content information that ends anywhere before its end brings no fetch",
        &["PCHC-3.1.5.2-01"],
        |session| {
            let whole = |offered: &Offered| segment_information(&offered.segment);
            let length = whole(&session.segment_v1(INFORMATION_OF_BYTES, Algorithm::Sha256)).len();
            for kept in (0..length).step_by(23).chain([length - 1]) {
                brings_no_fetch(session, |draft| draft.cut_to(kept))?;
            }
            Ok(())
        },
    )
    .quirks(BAD_INFORMATION)
    .tags(&[Tag::V1, Tag::Hostile]),
    Case::hosted_cache(
        "pchc-cache-information-version",
        "content information of any version but 1.0 brings no fetch",
        &["PCHC-3.1.5.2-01"],
        |session| {
            for version in [0x0000_u16, 0x0101, 0x0001, 0x0200, 0x0300] {
                brings_no_fetch(session, |draft| {
                    draft.with("Version", version.to_le_bytes()).to_bytes()
                })?;
            }
            Ok(())
        },
    )
    .quirks(BAD_INFORMATION)
    .tags(&[Tag::V1, Tag::Hostile]),
    Case::hosted_cache(
        "pchc-cache-information-hash-algorithm",
        "content information with a hash that nobody knows, or another than its lengths say, brings no fetch",
        &["PCHC-3.1.5.2-01"],
        |session| {
            for algorithm in [0, 1, 4, 0x8004, 0x800b, 0x800d, 0x800e, 0x800f, u32::MAX] {
                brings_no_fetch(session, |draft| {
                    draft.with_u32_le("dwHashAlgo", algorithm).to_bytes()
                })?;
            }
            Ok(())
        },
    )
    .quirks(BAD_INFORMATION)
    .tags(&[Tag::V1, Tag::Hostile]),
    Case::hosted_cache(
        "pchc-cache-information-segments",
        "content information of no segment, or of several, brings no fetch",
        &["PCHC-3.1.5.2-01"],
        |session| {
            for count in [0, 2, u32::MAX] {
                brings_no_fetch(session, |draft| {
                    draft.with_u32_le("cSegments", count).to_bytes()
                })?;
            }
            Ok(())
        },
    )
    .quirks(BAD_INFORMATION)
    .tags(&[Tag::V1, Tag::Hostile]),
    Case::hosted_cache(
        "pchc-cache-information-blocks",
        "a count of block hashes that does not fit what follows brings no fetch",
        &["PCHC-3.1.5.2-01"],
        |session| {
            for count in [0, 1, 4, 512, 513, u32::MAX] {
                brings_no_fetch(session, |draft| {
                    draft.with_u32_le("cBlocks", count).to_bytes()
                })?;
            }
            Ok(())
        },
    )
    .quirks(BAD_INFORMATION)
    .tags(&[Tag::V1, Tag::Hostile]),
    Case::hosted_cache(
        "pchc-cache-information-too-many-hashes",
        "more block hashes than the segment has blocks bring no fetch",
        &["PCHC-3.1.5.2-01"],
        |session| {
            brings_no_fetch(session, |draft| {
                let hash = vec![7; 32];
                draft.with_u32_le("cBlocks", 4).followed_by(&hash)
            })
        },
    )
    .quirks(BAD_INFORMATION)
    .tags(&[Tag::V1, Tag::Hostile]),
    Case::hosted_cache(
        "pchc-cache-information-segment-length",
        "a segment of no byte, or longer than any may be, brings no fetch",
        &["PCHC-3.1.5.2-01"],
        |session| {
            for length in [0, (32 << 20) + 1, u32::MAX] {
                brings_no_fetch(session, |draft| {
                    draft
                        .with_u32_le("cbSegment", length)
                        .with_u32_le("dwReadBytesInLastSegment", length)
                        .to_bytes()
                })?;
            }
            Ok(())
        },
    )
    .quirks(BAD_INFORMATION)
    .tags(&[Tag::V1, Tag::Hostile]),
    Case::hosted_cache(
        "pchc-cache-information-block-size",
        "blocks of another size than 65536 bring no fetch",
        &["PCHC-3.1.5.2-01"],
        |session| {
            for size in [0, 1, 65_535, 131_072] {
                brings_no_fetch(session, |draft| {
                    draft.with_u32_le("cbBlockSize", size).to_bytes()
                })?;
            }
            Ok(())
        },
    )
    .quirks(BAD_INFORMATION)
    .tags(&[Tag::V1, Tag::Hostile]),
    Case::hosted_cache(
        "pchc-cache-information-surplus",
        "bytes behind the content information bring no fetch",
        &["PCHC-3.1.5.2-01"],
        |session| brings_no_fetch(session, |draft| draft.followed_by(&[0; 4])),
    )
    .quirks(BAD_INFORMATION)
    .tags(&[Tag::V1, Tag::Hostile]),
];

fn dropped(session: &Session<'_, HostedCache>, message: &[u8]) -> Outcome {
    let answer = session.post_offer(Version::V1, message, session.settings.silence)?;
    session.brings_nothing(&answer, RULE)
}

/// Content information that is wrong in one way: the message may be answered OK, or dropped, and nothing is fetched.
fn brings_no_fetch(
    session: &Session<'_, HostedCache>,
    wrong: impl FnOnce(Draft) -> Vec<u8>,
) -> Outcome {
    let offered = session.segment_v1(INFORMATION_OF_BYTES, Algorithm::Sha256);
    let client = session.client(Version::V1, &[&offered])?;
    let information = wrong(segment_information(&offered.segment));
    let message = segment_info(client.port(), session.random_array(), &information);
    let answer = session.post_offer(Version::V1, &message.to_bytes(), session.settings.silence)?;
    let is_answered = matches!(&answer, Answer::Response(response) if response.status() == 200);
    if is_answered {
        let found = session.code_of(answer, "PCHC-3.1.5.2-01")?;
        session.is_code(found, code::OK, "PCHC-3.1.5.2-01")?;
    } else {
        session.brings_nothing(&answer, "PCHC-3.1.5.2-01")?;
    }
    client.settles(SETTLING, session.settings.answer);
    let count = client.asked().len();
    session.holds(
        count == 0,
        "PCHC-3.1.5.2-01",
        format_args!("the client was asked {count} times, expected never"),
    )?;
    if is_answered {
        session.quirk(
            "hc-bad-content-information-ok",
            "PCHC-3.1.5.2-01",
            "content information that is malformed is answered OK",
        )?;
    }
    Ok(())
}
