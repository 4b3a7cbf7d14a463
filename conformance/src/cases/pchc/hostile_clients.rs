//! MS-PCHC 3.1.5 with clients that offer and do not keep their word.
//! Invariant: what is served afterwards agrees with the hashes of the content, whoever brought it.
//! Byte order: that of the messages.

use std::time::Duration;

use super::SEGMENT_BYTES;
use crate::judge::session::Session;
use crate::judge::{Case, Outcome, Stop, Tag};
use crate::targets::hosted_cache::{HostedCache, PORT_OF_NOBODY};
use crate::targets::offering_client::{Offered, Serves};
use crate::wire::content_info::{ContentInfo, Version};
use crate::wire::digest::Algorithm;
use crate::wire::hosted_cache::{
    Descriptor, batched_offer, code, initial_offer, segment_info, segment_information,
};
use crate::wire::retrieval::Range;

/// Between pieces of what comes slowly.
const PAUSE: Duration = Duration::from_millis(15);

pub(super) const CASES: &[Case] = &[
    Case::hosted_cache(
        "pchc-cache-wrong-blocks",
        "blocks that are not what the hashes say are not served",
        &["PCCRC-2.2-13", "PCCRC-4.1.2-01"],
        |session| {
            let offered = brings_wrong(session, Serves::WrongBytes, "PCCRC-2.2-13")?;
            session
                .serves_nothing_wrong(&offered, "PCCRC-4.1.2-01")
                .map(drop)
        },
    )
    .tags(&[Tag::V1, Tag::Hostile]),
    Case::hosted_cache(
        "pchc-cache-wrong-blocks-of-other-hashes",
        "with SHA-384 and SHA-512, too, wrong blocks are not served",
        &["PCCRC-2.2-13"],
        |session| {
            for algorithm in [Algorithm::Sha384, Algorithm::Sha512] {
                let offered = session.segment_v1(SEGMENT_BYTES, algorithm);
                fetches_from(session, &offered, Serves::WrongBytes, "PCCRC-2.2-13")?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::V1, Tag::Hostile]),
    Case::hosted_cache(
        "pchc-cache-other-blocks",
        "good blocks of the same segment in the place of others are not served there",
        &["PCCRC-2.2-13"],
        |session| brings_wrong(session, Serves::OtherBlocks, "PCCRC-2.2-13").map(drop),
    )
    .tags(&[Tag::V1, Tag::Hostile]),
    Case::hosted_cache(
        "pchc-cache-blocks-under-other-index",
        "a block that comes under another index than was asked for is not served wrongly",
        &["PCCRC-2.2-13"],
        |session| brings_wrong(session, Serves::OtherIndex, "PCCRC-2.2-13").map(drop),
    )
    .tags(&[Tag::V1, Tag::Hostile]),
    Case::hosted_cache(
        "pchc-cache-blocks-of-other-segment",
        "a block that comes under another segment id is discarded",
        &["PCCRR-3.1.5.3-01"],
        |session| {
            let offered = session.segment_v2(40_000);
            let client = session.client(Version::V2, &[&offered])?;
            let client = client.that_serves(Serves::OtherSegment);
            session.offer_batch(&client, &[&offered], "PCCRR-3.1.5.3-01")?;
            session.is_fetched(&client, &offered, &[0], "PCCRR-3.1.5.3-01")?;
            client.settles(session.settings.silence, session.settings.answer);
            let served = session.serves_nothing_wrong(&offered, "PCCRR-3.1.5.3-01")?;
            session.equal("PCCRR-3.1.5.3-01", "blocks served", &served, &Vec::new())
        },
    )
    .tags(&[Tag::V2, Tag::Hostile]),
    Case::hosted_cache(
        "pchc-cache-wrong-then-honest",
        "after a client that lied an honest one is asked, and the segment is served",
        &["PCCRC-2.2-13", "PCHC-3.1.5.2-02", "PCHC-3.1.5.2-04"],
        |session| {
            let offered = brings_wrong(session, Serves::WrongBytes, "PCCRC-2.2-13")?;
            let honest = session.client(Version::V1, &[&offered])?;
            session.inform(&honest, &offered, "PCHC-3.1.5.2-02")?;
            session.is_served(&offered, "PCHC-3.1.5.2-04")
        },
    )
    .tags(&[Tag::V1, Tag::Hostile]),
    Case::hosted_cache(
        "pchc-cache-hashes-at-odds-with-the-segment",
        "block hashes that do not hash to HoD prove nothing: blocks that fit them are not served",
        &["PCCRC-2.2-12"],
        |session| {
            let offered = session.segment_v1(SEGMENT_BYTES, Algorithm::Sha256);
            let forged = forged(session, &offered);
            let client = session.client(Version::V1, &[&forged])?;
            let message = session.info_of(&client, &forged).to_bytes();
            // Whether it is answered is the matter of another case.
            session.post_offer(Version::V1, &message, session.settings.answer)?;
            client.settles(session.settings.silence, session.settings.answer);
            session
                .serves_nothing_wrong(&offered, "PCCRC-2.2-12")
                .map(drop)
        },
    )
    .tags(&[Tag::V1, Tag::Hostile]),
    Case::hosted_cache(
        "pchc-cache-hashes-at-odds-then-honest",
        "after a list of hashes that was forged the right one is taken, and the segment is served",
        &["PCCRC-2.2-12", "PCHC-3.1.5.2-04"],
        |session| {
            let offered = session.segment_v1(SEGMENT_BYTES, Algorithm::Sha256);
            let forged = forged(session, &offered);
            let liar = session.client(Version::V1, &[&forged])?;
            let message = session.info_of(&liar, &forged).to_bytes();
            session.post_offer(Version::V1, &message, session.settings.answer)?;
            liar.settles(session.settings.silence, session.settings.answer);
            let offer = initial_offer(liar.port(), &offered.segment.id());
            session.offer_brings(Version::V1, &offer, code::INTERESTED, "PCCRC-2.2-12")?;
            let honest = session.client(Version::V1, &[&offered])?;
            session.inform(&honest, &offered, "PCHC-3.1.5.2-04")?;
            session.is_served(&offered, "PCHC-3.1.5.2-04")
        },
    )
    .tags(&[Tag::V1, Tag::Hostile]),
    Case::hosted_cache(
        "pchc-cache-forged-part-of-hashes",
        "some forged hashes, too few to be held against HoD, do not keep the right ones out",
        &["PCCRC-2.2-12", "PCHC-3.1.5.2-04"],
        |session| {
            let offered = session.segment_v1(SEGMENT_BYTES, Algorithm::Sha256);
            let mut forged = forged(session, &offered).only([0, 1]);
            let liar = session.client(Version::V1, &[&forged])?;
            forged.segment.block_hashes.truncate(2);
            let information = segment_information(&forged.segment).to_bytes();
            let message = segment_info(liar.port(), session.random_array(), &information);
            session.post_offer(Version::V1, &message.to_bytes(), session.settings.answer)?;
            liar.settles(session.settings.silence, session.settings.answer);
            let honest = session.client(Version::V1, &[&offered])?;
            session.inform(&honest, &offered, "PCHC-3.1.5.2-04")?;
            session.is_fetched(&honest, &offered, &[0, 1, 2, 3], "PCHC-3.1.5.2-04")?;
            honest.settles(session.settings.silence, session.settings.answer);
            session.is_served(&offered, "PCCRC-2.2-12")
        },
    )
    .tags(&[Tag::V1, Tag::Hostile]),
    Case::hosted_cache(
        "pchc-cache-silent-client",
        "while a client that offered says nothing, others are served and fetched from",
        &["PCHC-3.1.5.3-03", "PCHC-3.1.1-02"],
        |session| others_are_served(session, Serves::Silently),
    )
    .tags(&[Tag::V2, Tag::Hostile]),
    Case::hosted_cache(
        "pchc-cache-closing-client",
        "a client that closes upon each request harms no other",
        &["PCHC-3.1.5.3-03", "PCHC-3.1.1-02"],
        |session| others_are_served(session, Serves::Closing),
    )
    .tags(&[Tag::V2, Tag::Hostile]),
    Case::hosted_cache(
        "pchc-cache-client-of-404",
        "a client that answers 404 harms no other",
        &["PCHC-3.1.5.3-03", "PCHC-3.1.1-02"],
        |session| others_are_served(session, Serves::NotFound),
    )
    .tags(&[Tag::V2, Tag::Hostile]),
    Case::hosted_cache(
        "pchc-cache-client-without-http",
        "a client that answers what is no HTTP harms no other",
        &["PCHC-3.1.5.3-03", "PCHC-3.1.1-02"],
        |session| others_are_served(session, Serves::NoHttp),
    )
    .tags(&[Tag::V2, Tag::Hostile]),
    Case::hosted_cache(
        "pchc-cache-client-of-half-messages",
        "a client whose messages end in their middle harms no other",
        &["PCHC-3.1.5.3-03", "PCHC-3.1.1-02"],
        |session| others_are_served(session, Serves::CutMessages),
    )
    .tags(&[Tag::V2, Tag::Hostile]),
    Case::hosted_cache(
        "pchc-cache-client-of-long-messages",
        "a client whose messages are longer than any may be harms no other",
        &["PCHC-3.1.5.3-03", "PCHC-3.1.1-02"],
        |session| others_are_served(session, Serves::TooLong),
    )
    .tags(&[Tag::V2, Tag::Hostile]),
    Case::hosted_cache(
        "pchc-cache-client-of-other-version",
        "a client that speaks no version of retrieval that the cache knows harms no other",
        &["PCHC-3.1.5.3-03", "PCHC-3.1.1-02"],
        |session| others_are_served(session, Serves::OtherVersion),
    )
    .tags(&[Tag::V2, Tag::Hostile]),
    Case::hosted_cache(
        "pchc-cache-client-without-blocks",
        "empty blocks are no blocks: they are neither listed nor served",
        &["PCCRR-3.1.5.3-04"],
        |session| {
            let (v1, v2) = (
                session.segment_v1(SEGMENT_BYTES, Algorithm::Sha256),
                session.segment_v2(40_000),
            );
            let first = session.client(Version::V1, &[&v1])?;
            let second = session.client(Version::V2, &[&v2])?;
            let (first, second) = (
                first.that_serves(Serves::ListsAlone),
                second.that_serves(Serves::ListsAlone),
            );
            session.inform(&first, &v1, "PCCRR-3.1.5.3-04")?;
            session.offer_batch(&second, &[&v2], "PCCRR-3.1.5.3-04")?;
            session.is_fetched(&second, &v2, &[0], "PCCRR-3.1.5.3-04")?;
            for (client, offered) in [(&first, &v1), (&second, &v2)] {
                client.settles(session.settings.silence, session.settings.answer);
                let cache = session.target.peer();
                let all = [Range::new(0, offered.segment.blocks())];
                let peer = session.beside(&cache);
                let listed = peer.ask_for_list(&offered.segment.id(), &all, "PCCRR-3.1.5.3-04")?;
                let listed = listed.indexes();
                session.equal("PCCRR-3.1.5.3-04", "blocks listed", &listed, &Vec::new())?;
                let served = session.serves_nothing_wrong(offered, "PCCRR-3.1.5.3-04")?;
                session.equal("PCCRR-3.1.5.3-04", "blocks served", &served, &Vec::new())?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::V1, Tag::V2, Tag::Hostile]),
    Case::hosted_cache(
        "pchc-cache-slow-client",
        "blocks that come slowly, but in time, are taken",
        &["PCHC-3.1.5.3-05"],
        |session| {
            let offered = session.segment_v2(100_000);
            let client = session.client(Version::V2, &[&offered])?;
            let client = client.that_serves(Serves::Slowly(PAUSE));
            session.offer_batch(&client, &[&offered], "PCHC-3.1.5.3-05")?;
            session.is_served(&offered, "PCHC-3.1.5.3-05")
        },
    )
    .tags(&[Tag::V2]),
    Case::hosted_cache(
        "pchc-cache-port-of-nobody",
        "offers of ports at which nobody listens, and of port 0, harm no other",
        &["PCHC-3.1.5.3-03", "PCHC-3.1.5.3-05"],
        |session| {
            for port in [0, PORT_OF_NOBODY, u16::MAX] {
                let offered = session.segment_v2(10_000);
                let message = batched_offer(port, &[Descriptor::of(&offered.segment)]);
                // Port 0 is none; whether such an offer is answered is left to the cache.
                let answer = session.post_offer(
                    Version::V2,
                    &message.to_bytes(),
                    session.settings.answer,
                )?;
                if port != 0 {
                    session.code_of(answer, "PCHC-3.1.5.3-03")?;
                }
            }
            let good = session.segment_v2(30_000);
            let client = session.client(Version::V2, &[&good])?;
            session.offer_batch(&client, &[&good], "PCHC-3.1.5.3-03")?;
            session.is_served(&good, "PCHC-3.1.5.3-05")
        },
    )
    .tags(&[Tag::V2, Tag::Hostile]),
    Case::hosted_cache(
        "pchc-cache-many-offers-of-nothing",
        "thousands of segments that nobody has keep an honest client's from being fetched no longer than it waits",
        &["PCHC-3.1.5.3-03", "PCHC-3.1.5.3-05"],
        |session| {
            for _ in 0..20 {
                let unknown: Vec<_> = (0..100).map(|_| session.unknown_descriptor()).collect();
                let message = batched_offer(PORT_OF_NOBODY, &unknown);
                session.offer_brings(Version::V2, &message, code::OK, "PCHC-3.1.5.3-03")?;
            }
            let good = session.segment_v2(30_000);
            let client = session.client(Version::V2, &[&good])?;
            session.offer_batch(&client, &[&good], "PCHC-3.1.5.3-03")?;
            session.is_served(&good, "PCHC-3.1.5.3-05")
        },
    )
    .tags(&[Tag::V2, Tag::Hostile, Tag::Load, Tag::Alone]),
];

/// Has a new segment fetched from a client that serves so, and nothing wrong served of it.
fn brings_wrong(
    session: &Session<'_, HostedCache>,
    serves: Serves,
    requirement: &'static str,
) -> Result<Offered, Stop> {
    let offered = session.segment_v1(SEGMENT_BYTES, Algorithm::Sha256);
    fetches_from(session, &offered, serves, requirement)?;
    Ok(offered)
}

fn fetches_from(
    session: &Session<'_, HostedCache>,
    offered: &Offered,
    serves: Serves,
    requirement: &'static str,
) -> Outcome {
    let client = session.client(Version::V1, &[offered])?.that_serves(serves);
    session.inform(&client, offered, requirement)?;
    session.is_fetched(&client, offered, &[0], requirement)?;
    client.settles(session.settings.silence, session.settings.answer);
    session.serves_nothing_wrong(offered, requirement).map(drop)
}

/// The same segment, by HoD and secret and so by id, with hashes and bytes of another content.
fn forged(session: &Session<'_, HostedCache>, offered: &Offered) -> Offered {
    let bytes = session.random(offered.bytes.len());
    let other = ContentInfo::v1(&bytes, &[1], offered.segment.algorithm);
    let mut forged = Offered {
        bytes,
        ..offered.clone()
    };
    if let Some(other) = other.segments.into_iter().next() {
        forged.segment.block_hashes = other.block_hashes;
    }
    forged
}

/// While and after a client is asked that serves so, another is fetched from and its segment served.
fn others_are_served(session: &Session<'_, HostedCache>, serves: Serves) -> Outcome {
    let (bad, good) = (session.segment_v2(30_000), session.segment_v2(40_000));
    let useless = session.client(Version::V2, &[&bad])?.that_serves(serves);
    session.offer_batch(&useless, &[&bad], "PCHC-3.1.5.3-03")?;
    let is_asked = useless.is_asked_within(session.settings.answer, |asked| !asked.is_empty());
    session.holds(
        is_asked,
        "PCHC-3.1.5.3-03",
        "the client that offered was never asked",
    )?;
    let honest = session.client(Version::V2, &[&good])?;
    session.offer_batch(&honest, &[&good], "PCHC-3.1.5.3-03")?;
    session.is_served(&good, "PCHC-3.1.1-02")?;
    let served = session.serves_nothing_wrong(&bad, "PCHC-3.1.1-02")?;
    session.equal("PCHC-3.1.1-02", "blocks served", &served, &Vec::new())
}
