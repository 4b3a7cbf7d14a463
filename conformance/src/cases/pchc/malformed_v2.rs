//! MS-PCHC 2.2.1.5 and 3.1.5.4: batches that are malformed, each in one way.
//! Invariant: a batch with one wrong descriptor is wrong: nothing of it is fetched.
//! Byte order: big-endian.

use super::DROPPED;
use crate::judge::session::Session;
use crate::judge::{Case, Outcome, Tag};
use crate::targets::hosted_cache::HostedCache;
use crate::wire::content_info::Version;
use crate::wire::draft::Draft;
use crate::wire::hosted_cache::{
    DESCRIPTOR_BYTES, DESCRIPTORS_MAX, Descriptor, HEADER_BYTES, batched_offer,
};

const RULE: &str = "PCHC-3.1.5.4-01";

pub(super) const CASES: &[Case] = &[
    Case::hosted_cache(
        "pchc-cache-v2-version",
        "offers over HTTP of any version but 2.0 are dropped",
        &[RULE],
        |session| {
            let versions = [(0, 0), (0, 1), (0, 3), (2, 0), (1, 2), (255, 2), (0, 255)];
            all_dropped(session, versions, |offer, (minor, major)| {
                let wrong = offer.with("MinorVersion", [minor]);
                wrong.with("MajorVersion", [major]).to_bytes()
            })
        },
    )
    .quirks(DROPPED)
    .tags(&[Tag::V2, Tag::Hostile]),
    Case::hosted_cache(
        "pchc-cache-v2-type",
        "offers over HTTP of a type that nobody knows are dropped",
        &[RULE],
        |session| {
            all_dropped(session, [0, 1, 2, 4, 0x0300, 0xffff], |offer, unknown| {
                offer.with_u16_be("Type", unknown).to_bytes()
            })
        },
    )
    .quirks(DROPPED)
    .tags(&[Tag::V2, Tag::Hostile]),
    Case::hosted_cache(
        "pchc-cache-v2-cut-header",
        "a batch that ends inside its header is dropped",
        &[RULE],
        |session| {
            all_dropped(session, 1..HEADER_BYTES, |offer, kept| offer.cut_to(kept))
        },
    )
    .quirks(DROPPED)
    .tags(&[Tag::V2, Tag::Hostile]),
    Case::hosted_cache(
        "pchc-cache-v2-no-descriptor",
        "a batch without a descriptor is dropped",
        &[RULE],
        |session| all_dropped(session, [HEADER_BYTES], |offer, kept| offer.cut_to(kept)),
    )
    .quirks(DROPPED)
    .tags(&[Tag::V2, Tag::Hostile]),
    Case::hosted_cache(
        "pchc-cache-v2-cut-descriptor",
        "a batch that ends inside its descriptor is dropped",
        &[RULE],
        |session| {
            let kept = (1..DESCRIPTOR_BYTES).map(|count| HEADER_BYTES + count);
            all_dropped(session, kept, |offer, kept| offer.cut_to(kept))
        },
    )
    .quirks(DROPPED)
    .tags(&[Tag::V2, Tag::Hostile]),
    Case::hosted_cache(
        "pchc-cache-v2-surplus",
        "a batch with bytes behind its descriptor that are no other is dropped",
        &[RULE],
        |session| {
            let counts = [1, 4, 16, DESCRIPTOR_BYTES - 1];
            all_dropped(session, counts, |offer, count| offer.followed_by(&vec![0; count]))
        },
    )
    .quirks(DROPPED)
    .tags(&[Tag::V2, Tag::Hostile]),
    Case::hosted_cache(
        "pchc-cache-v2-129-descriptors",
        "a batch of more than 128 segments is dropped, and none of them is fetched",
        &[RULE],
        |session| {
            for more in [1, 72] {
                let offered = session.segment_v2(10_000);
                let client = session.client(Version::V2, &[&offered])?;
                let mut descriptors = vec![Descriptor::of(&offered.segment)];
                while descriptors.len() < DESCRIPTORS_MAX + more {
                    descriptors.push(session.unknown_descriptor());
                }
                let message = batched_offer(client.port(), &descriptors).to_bytes();
                session.is_dropped(Version::V2, &message, RULE)?;
                session.is_not_asked(&client, RULE)?;
            }
            Ok(())
        },
    )
    .quirks(DROPPED)
    .tags(&[Tag::V2, Tag::Hostile]),
    Case::hosted_cache(
        "pchc-cache-v2-size-of-content-tag",
        "a SizeOfContentTag other than 16 is malformed, also where the tag is so long",
        &[RULE],
        |session| {
            all_dropped(session, [0, 15, 17, 0x1000, 0xffff], |offer, size| {
                offer.with_u16_be("SizeOfContentTag", size).to_bytes()
            })?;
            all_dropped(session, [0_u8, 8, 15, 17, 32], |offer, size| {
                offer
                    .with_u16_be("SizeOfContentTag", u16::from(size))
                    .with("ContentTag", vec![1; usize::from(size)])
                    .to_bytes()
            })
        },
    )
    .quirks(DROPPED)
    .tags(&[Tag::V2, Tag::Hostile]),
    Case::hosted_cache(
        "pchc-cache-v2-hash-algorithm",
        "a HashAlgorithm other than 1 and 4 is malformed",
        &[RULE],
        |session| {
            all_dropped(session, [0_u8, 2, 3, 5, 0x40, 0xff], |offer, algorithm| {
                offer.with("HashAlgorithm", [algorithm]).to_bytes()
            })
        },
    )
    .quirks(DROPPED)
    .tags(&[Tag::V2, Tag::Hostile]),
    Case::hosted_cache(
        "pchc-cache-v2-id-length",
        "ids of 48 and 64 bytes do not fit a batch: with one of them it is malformed",
        &[RULE],
        |session| {
            let random = session.random(64);
            all_dropped(session, [31, 33, 48, 64], |offer, length| {
                let id = random.get(..length).unwrap_or_default();
                offer.with("SegmentHoHoDk", id).to_bytes()
            })
        },
    )
    .quirks(DROPPED)
    .tags(&[Tag::V2, Tag::Hostile]),
    Case::hosted_cache(
        "pchc-cache-v2-second-descriptor-wrong",
        "a batch whose second descriptor is wrong is malformed, and the first segment is not fetched",
        &[RULE],
        |session| {
            let other = session.unknown_descriptor();
            all_dropped(session, [0_u8, 1, 2], |offer, wrong| {
                let mut second = other.clone();
                match wrong {
                    0 => second.hash_algorithm = 9,
                    1 => second.content_tag.truncate(8),
                    _ => second.segment_id.truncate(20),
                }
                let second = batched_offer(0, &[second]).to_bytes();
                offer.followed_by(second.get(HEADER_BYTES..).unwrap_or_default())
            })
        },
    )
    .quirks(DROPPED)
    .tags(&[Tag::V2, Tag::Hostile]),
];

/// Each of these offers of a segment that a client has is dropped, and the client is never asked.
fn all_dropped<W>(
    session: &Session<'_, HostedCache>,
    ways: impl IntoIterator<Item = W>,
    wrong: impl Fn(Draft, W) -> Vec<u8>,
) -> Outcome {
    let offered = session.segment_v2(10_000);
    let client = session.client(Version::V2, &[&offered])?;
    for way in ways {
        let offer = batched_offer(client.port(), &[Descriptor::of(&offered.segment)]);
        let message = wrong(offer, way);
        let answer = session.post_offer(Version::V2, &message, session.settings.silence)?;
        session.brings_nothing(&answer, RULE)?;
    }
    session.still_takes_offers(Version::V2, RULE)?;
    session.is_not_asked(&client, RULE)
}
