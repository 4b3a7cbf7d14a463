//! MS-PCHC 2.2.1.3, 2.2.1.4 and 3.2.5: what a client offers over TLS, and the hashes that it sends where they are wanted.
//! Invariant: hashes are held against the content information that the origin of the case gave.
//! Byte order: big-endian, but for the content information inside.

use std::collections::BTreeMap;

use crate::judge::session::Session;
use crate::judge::{Case, Outcome as Found, Stop, Tag};
use crate::targets::client::Client;
use crate::targets::client::world::cache::{CacheScript, OfferReply, Offered};
use crate::targets::client::world::secured::Certificate;
use crate::targets::client::world::{Outcome, World};
use crate::wire::content_info::{SEGMENT_V1_BYTES, Segment, Version};
use crate::wire::digest::Algorithm;
use crate::wire::hosted_cache::{self as wire, Request, code};
use crate::wire::segment_information::{self, SegmentInformation};

/// A run beside a cache that is offered version 1.0, in which there has to be an offer for the case to mean anything.
fn secured<'a>(
    session: &'a Session<'a, Client>,
    mut world: World<'a>,
    script: CacheScript,
) -> Result<(World<'a>, Outcome), Stop> {
    world.secured_cache(script, Certificate::Good)?;
    let outcome = world.run()?;
    if outcome.seen.offers.is_empty() {
        let said: String = outcome.ended.said.chars().take(300).collect();
        let why = format!(
            "the client offered nothing over TLS; it said '{}'",
            said.trim()
        );
        session.recorder.note(&why);
        return Err(Stop::Skip(why));
    }
    Ok((world, outcome))
}

/// A segment or two of the world, by id.
fn known<'w>(world: &'w World<'_>, id: &[u8]) -> Option<&'w Segment> {
    let mut segments = world.shared.holding.info.segments.iter();
    segments.find(|segment| segment.id() == id)
}

/// The ids of initial offers, and how often each was offered.
fn initial_offers(outcome: &Outcome) -> BTreeMap<Vec<u8>, usize> {
    let mut counts = BTreeMap::new();
    for offered in &outcome.seen.offers {
        if let Ok((_, Request::InitialOffer { segment_id })) = &offered.request {
            *counts.entry(segment_id.clone()).or_default() += 1;
        }
    }
    counts
}

/// The messages that are of the type of hashes, read or not.
fn informing(outcome: &Outcome) -> impl Iterator<Item = &Offered> {
    let offers = outcome.seen.offers.iter();
    offers.filter(|offered| offered.bytes.get(1..4) == Some(&[1, 0, 2]))
}

/// The hashes that came, which all have to read well.
fn informed(
    session: &Session<'_, Client>,
    outcome: &Outcome,
    requirement: &'static str,
) -> Result<Vec<SegmentInformation>, Stop> {
    let mut all = Vec::new();
    for offered in informing(outcome) {
        let (_, request) = session.reads(requirement, offered.request.clone())?;
        if let Request::SegmentInfo {
            segment_information,
            ..
        } = request
        {
            all.push(session.reads(requirement, segment_information::read(&segment_information))?);
        }
    }
    if all.is_empty() {
        let why = "the client sent no SEGMENT_INFO_MESSAGE";
        return Err(Stop::Skip(why.to_owned()));
    }
    Ok(all)
}

/// Asserts that hashes are those of the content information, and of segments of it.
fn is_original(
    session: &Session<'_, Client>,
    world: &World<'_>,
    found: &SegmentInformation,
) -> Found {
    let segments = &world.shared.holding.info.segments;
    let same = |segment: &&Segment| segment.hash_of_data == found.hash_of_data;
    // By HoD, for the secret may be what is wrong.
    let Some(segment) = segments.iter().find(same) else {
        let told = "SegmentHashOfData is that of no segment of the content";
        return session.holds(false, "PCHC-2.2.1.4-08", told);
    };
    session.equal(
        "PCHC-2.2.1.4-04",
        "the hash that dwHashAlgo names",
        &found.algorithm,
        &segment.algorithm,
    )?;
    session.equal(
        "PCHC-2.2.1.4-05",
        "dwOffsetInFirstSegment",
        &found.offset_in_first_segment,
        &0,
    )?;
    let differs = found.differs_from(segment);
    let (field, is, was) = differs.clone().unwrap_or_default();
    session.holds(
        differs.is_none(),
        "PCHC-2.2.1.4-08",
        format_args!("{field} is {is}, in the content information {was}"),
    )?;
    let listed = found.block_hashes.len() / segment.algorithm.len();
    let count = segment.block_hashes.len();
    let differs = segment
        .block_hashes
        .iter()
        .zip(found.block_hashes.chunks(segment.algorithm.len()))
        .position(|(was, is)| was != is);
    let told = match differs {
        Some(at) => format!("the hash of block {at} is not that of the content information"),
        None => format!("{listed} hashes of blocks, in the content information {count}"),
    };
    let is_copied = found.block_hashes == segment.block_hashes.concat();
    session.holds(is_copied, "PCHC-2.2.1.4-09", told)
}

/// dwReadBytesInLastSegment is the length of the segment, or 0, as products have it.
fn read_bytes(session: &Session<'_, Client>, found: &SegmentInformation) -> Found {
    let (is, length) = (found.read_bytes_in_last_segment, found.length);
    let told = format!("dwReadBytesInLastSegment is {is}, the segment has {length} bytes");
    if is == 0 {
        return session.quirk("hc-read-bytes-zero", "PCHC-2.2.1.4-06", told);
    }
    session.holds(is == length, "PCHC-2.2.1.4-06", told)
}

/// Offers of version 1.0 that are answered in an unusual way harm nothing, and bring no hashes.
fn answered<'a>(
    session: &'a Session<'a, Client>,
    reply: OfferReply,
    requirement: &'static str,
) -> Found {
    let world = World::blocks(session, 2);
    let script = CacheScript::empty().answering(reply);
    let (world, outcome) = secured(session, world, script)?;
    session.is_whole(&world, &outcome, requirement)?;
    let hashes = informing(&outcome).count();
    session.equal(
        requirement,
        "messages with hashes that nobody asked for",
        &hashes,
        &0,
    )
}

/// Two segments of version 1.0: one that is full, and a short one.
fn two_segments<'a>(session: &'a Session<'a, Client>) -> World<'a> {
    let full = usize::try_from(SEGMENT_V1_BYTES).unwrap_or(usize::MAX);
    World::new(session, Version::V1, full + 150_001)
}

pub(super) const CASES: &[Case] = &[
    Case::client(
        "pchc-client-secured-post",
        "over TLS offers of version 1.0 are posted to the path of version 1.0, and none of version 2.0",
        &["PCHC-1.7-01", "PCHC-2.1-01"],
        |session| {
            let world = World::blocks(session, 2);
            let (_, outcome) = secured(session, world, CacheScript::empty())?;
            for offered in &outcome.seen.offers {
                let found = format!("the request is '{}'", offered.head.start);
                let is_post = offered.head.request().is_some_and(|(method, path)| {
                    method == "POST" && path.eq_ignore_ascii_case(wire::PATH_V1)
                });
                session.holds(is_post, "PCHC-2.1-01", found)?;
                let found = "an offer of version 1.0 came in clear";
                session.holds(offered.is_tls, "PCHC-1.7-01", found)?;
                let version = offered.bytes.get(..2).unwrap_or_default();
                let found = format!("Version is {version:02x?} over TLS, expected [00, 01]");
                session.holds(version == [0, 1], "PCHC-1.7-01", found)?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::V1]),
    Case::client(
        "pchc-client-initial-offer",
        "a segment is offered by its id in INITIAL_OFFER_MESSAGE of version 1.0",
        &[
            "PCHC-2.2.1.3-02",
            "PCHC-2.2.1.3-01",
            "PCHC-2.2.1-01",
            "PCHC-2.2.1.1-01",
            "PCHC-2.2.1.1-02",
            "PCHC-2.2.1.1-03",
            "PCHC-2.2.1.1-04",
            "PCHC-3.2.4-01",
        ],
        |session| {
            for algorithm in [Algorithm::Sha256, Algorithm::Sha512] {
                let world = World::with(session, Version::V1, 150_001, algorithm);
                let script = CacheScript::empty().answering(OfferReply::Known);
                let (world, outcome) = secured(session, world, script)?;
                for offered in &outcome.seen.offers {
                    // The judge's reader refuses other versions, types that version 1.0 has not, and what is cut.
                    let (_, request) = session.reads("PCHC-2.2.1-01", offered.request.clone())?;
                    for requirement in ["PCHC-2.2.1.1-01", "PCHC-2.2.1.1-02", "PCHC-2.2.1.1-03"] {
                        session.reads(requirement, offered.request.clone())?;
                    }
                    let segment_id = match &request {
                        Request::InitialOffer { segment_id } => segment_id.as_slice(),
                        _ => &[],
                    };
                    let found = "a segment is offered by another message than INITIAL_OFFER_MESSAGE";
                    let is_initial = matches!(request, Request::InitialOffer { .. });
                    session.holds(is_initial, "PCHC-2.2.1.3-01", found)?;
                    session.holds(is_initial, "PCHC-2.2.1.1-04", found)?;
                    let found = format!("the id offered is none of the content: {segment_id:02x?}");
                    let is_known = known(&world, segment_id).is_some();
                    session.holds(is_known, "PCHC-2.2.1.3-02", found)?;
                }
                let offered = initial_offers(&outcome).len();
                session.equal("PCHC-3.2.4-01", "segments offered", &offered, &1)?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::V1]),
    Case::client(
        "pchc-client-secured-serves-offered",
        "at the port of an offer of version 1.0 the client serves what it offered",
        &["PCHC-2.2.1.2-01", "PCHC-1.5-01", "PCHC-3.2.1-02"],
        |session| {
            for reply in [OfferReply::Fetch, OfferReply::Known] {
                let world = World::blocks(session, 3);
                let script = CacheScript::empty().answering(reply);
                let (_, outcome) = secured(session, world, script)?;
                session.served_what_it_offered(&outcome)?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::V1]),
    Case::client(
        "pchc-client-interested",
        "a cache that is interested is sent the hashes of that segment",
        &["PCHC-3.2.5.1-02"],
        |session| {
            let world = World::blocks(session, 3);
            let (world, outcome) = secured(session, world, CacheScript::empty())?;
            let mut wanted = initial_offers(&outcome);
            for offered in informing(&outcome) {
                let (_, request) = session.reads("PCHC-3.2.5.1-02", offered.request.clone())?;
                let found = "the hashes, with the segment secret, came in clear";
                session.holds(offered.is_tls, "PCHC-3.2.5.1-02", found)?;
                if let Request::SegmentInfo { segment_information, .. } = request {
                    let info = segment_information::read(&segment_information);
                    let id = session.reads("PCHC-3.2.5.1-02", info)?.id();
                    let found = "hashes of a segment came that had not been offered";
                    let was_offered = wanted.remove(&id).is_some();
                    session.holds(was_offered, "PCHC-3.2.5.1-02", found)?;
                }
            }
            let found = format!("{} offers were answered by INTERESTED, and no hashes came", wanted.len());
            session.holds(wanted.is_empty(), "PCHC-3.2.5.1-02", found)?;
            session.is_whole(&world, &outcome, "PCHC-3.2.5.1-02")
        },
    )
    .tags(&[Tag::V1]),
    Case::client(
        "pchc-client-not-interested",
        "a cache that has the hashes is not sent them",
        &["PCHC-3.2.5.1-02"],
        |session| answered(session, OfferReply::Known, "PCHC-3.2.5.1-02"),
    )
    .tags(&[Tag::V1]),
    Case::client(
        "pchc-client-segment-information",
        "what the cache is sent of a segment is its content tag and the content information of it",
        &[
            "PCHC-2.2.1.4-01",
            "PCHC-2.2.1.4-02",
            "PCHC-2.2.1.4-04",
            "PCHC-2.2.1.4-05",
            "PCHC-2.2.1.4-06",
            "PCHC-2.2.1.4-07",
            "PCHC-2.2.1.4-08",
            "PCHC-2.2.1.4-09",
            "PCHC-3.2.1-03",
        ],
        |session| {
            let world = World::blocks(session, 3);
            let (world, outcome) = secured(session, world, CacheScript::empty())?;
            let initial: usize = initial_offers(&outcome).values().sum();
            let others = outcome.seen.offers.len() - initial - informing(&outcome).count();
            let found = "messages that are neither INITIAL_OFFER_MESSAGE nor SEGMENT_INFO_MESSAGE";
            session.equal("PCHC-2.2.1.4-01", found, &others, &0)?;
            // The judge's reader wants 16 bytes of tag, and one segment behind them.
            for requirement in ["PCHC-2.2.1.4-01", "PCHC-2.2.1.4-07", "PCHC-3.2.1-03"] {
                informed(session, &outcome, requirement)?;
            }
            for found in informed(session, &outcome, "PCHC-2.2.1.4-02")? {
                is_original(session, &world, &found)?;
                read_bytes(session, &found)?;
            }
            Ok(())
        },
    )
    .quirks(&["hc-read-bytes-zero"])
    .tags(&[Tag::V1]),
    Case::client(
        "pchc-client-information-of-sha-384",
        "the hash that the content information names is the one that the cache is told",
        &["PCHC-2.2.1.4-04", "PCHC-2.2.1.4-05", "PCHC-2.2.1.4-08", "PCHC-2.2.1.4-09"],
        |session| {
            let world = World::with(session, Version::V1, 200_003, Algorithm::Sha384);
            let (world, outcome) = secured(session, world, CacheScript::empty())?;
            for found in informed(session, &outcome, "PCHC-2.2.1.4-04")? {
                is_original(session, &world, &found)?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::V1]),
    Case::client(
        "pchc-client-information-of-later-segment",
        "each segment is offered by itself, and the second one keeps its place in the content",
        &[
            "PCHC-2.2.1.4-08",
            "PCHC-2.2.1.3-02",
            "PCHC-2.2.1.4-04",
            "PCHC-2.2.1.4-05",
            "PCHC-2.2.1.4-07",
            "PCHC-2.2.1.4-09",
            "PCHC-3.2.5.1-02",
        ],
        |session| {
            let (world, outcome) = secured(session, two_segments(session), CacheScript::empty())?;
            let offered: Vec<Vec<u8>> = initial_offers(&outcome).into_keys().collect();
            let mut expected = world.ids();
            expected.sort();
            let found = format!("{} ids were offered, not one for each of 2 segments", offered.len());
            session.holds(offered == expected, "PCHC-2.2.1.3-02", found)?;
            let all = informed(session, &outcome, "PCHC-2.2.1.4-07")?;
            for found in &all {
                is_original(session, &world, found)?;
            }
            let mut informed: Vec<Vec<u8>> = all.iter().map(SegmentInformation::id).collect();
            informed.sort();
            let found = format!("hashes came of {} segments, INTERESTED was said of 2", informed.len());
            session.holds(informed == expected, "PCHC-3.2.5.1-02", found)
        },
    )
    .tags(&[Tag::V1, Tag::Load]),
    Case::client(
        "pchc-client-answered-initial-offer",
        "an offer of version 1.0 that was answered is over, and the next one goes on",
        &["PCHC-3.2.5.1-01"],
        |session| {
            let script = CacheScript::empty().answering(OfferReply::Known);
            let (world, outcome) = secured(session, two_segments(session), script)?;
            let counts = initial_offers(&outcome);
            let again = counts.values().filter(|count| **count > 1).count();
            session.equal("PCHC-3.2.5.1-01", "answered offers that came again", &again, &0)?;
            let count = world.ids().len();
            session.equal("PCHC-3.2.5.1-01", "segments that were offered", &counts.len(), &count)
        },
    )
    .tags(&[Tag::V1, Tag::Load]),
    Case::client(
        "pchc-client-answered-hashes",
        "hashes that were answered are not sent again",
        &["PCHC-3.2.5.2-01"],
        |session| {
            let world = World::blocks(session, 3);
            let (_, outcome) = secured(session, world, CacheScript::empty())?;
            let all = informed(session, &outcome, "PCHC-3.2.5.2-01")?;
            let count = all.len();
            session.equal("PCHC-3.2.5.2-01", "messages with the hashes of a segment", &count, &1)
        },
    )
    .tags(&[Tag::V1]),
    Case::client(
        "pchc-client-interested-in-hashes",
        "a cache that is interested in what it was just told is not told again",
        &["PCHC-3.2.5.5-01"],
        |session| {
            let interested = OfferReply::Body(wire::response(code::INTERESTED).to_vec());
            let world = World::blocks(session, 2);
            let script = CacheScript::empty().answering(interested);
            let (world, outcome) = secured(session, world, script)?;
            session.is_whole(&world, &outcome, "PCHC-3.2.5.5-01")?;
            let count = informing(&outcome).count();
            let found = format!("the hashes were sent {count} times");
            session.holds(count <= 1, "PCHC-3.2.5.5-01", found)
        },
    )
    .tags(&[Tag::V1, Tag::Hostile]),
    Case::client(
        "pchc-client-initial-offer-answered-by-other-code",
        "a code that there is not is dropped, and no hashes are sent",
        &["PCHC-3.2.5.5-01"],
        |session| {
            let unknown = OfferReply::Body(vec![0, 0, 0, 1, 9]);
            answered(session, unknown, "PCHC-3.2.5.5-01")
        },
    )
    .tags(&[Tag::V1, Tag::Hostile]),
    Case::client(
        "pchc-client-initial-offer-unanswered",
        "where an offer of version 1.0 is not answered the content is there all the same",
        &["PCHC-3.2.5.5-01"],
        |session| answered(session, OfferReply::Close, "PCHC-3.2.5.5-01"),
    )
    .tags(&[Tag::V1, Tag::Hostile]),
    Case::client(
        "pchc-client-secured-unauthorized",
        "a client that cannot log in at a cache of version 1.0 has the content all the same",
        &["PCHC-2.1-10"],
        |session| answered(session, OfferReply::Status(401), "PCHC-2.1-10"),
    )
    .tags(&[Tag::V1]),
    Case::client(
        "pchc-client-certificate",
        "a cache is offered something at its name and port, and only if the root that was given vouches for it",
        &["PCHC-3.2.3-01"],
        |session| {
            let world = World::blocks(session, 2);
            secured(session, world, CacheScript::empty())?;
            for (certificate, whose) in [
                (Certificate::OfOtherRoot, "of another root"),
                (Certificate::OfOtherName, "of somebody else"),
            ] {
                let mut world = World::blocks(session, 2);
                world.secured_cache(CacheScript::empty(), certificate)?;
                let outcome = world.run()?;
                let count = outcome.seen.offers.len();
                let found = format!("{count} offers came to a cache with a certificate {whose}");
                session.holds(count == 0, "PCHC-3.2.3-01", found)?;
                session.is_whole(&world, &outcome, "PCHC-3.2.3-01")?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::V1, Tag::Hostile]),
    Case::client(
        "pchc-client-ipv6-secured-cache",
        "a cache of version 1.0 at an address of IPv6 is offered what one at an address of IPv4 is",
        &["PCHC-3.2.3-01"],
        |session| {
            secured(session, World::blocks(session, 2), CacheScript::empty())?;
            let mut world = World::blocks(session, 2).over_ipv6()?;
            world.secured_cache(CacheScript::empty(), Certificate::Good)?;
            let outcome = world.run()?;
            session.is_whole(&world, &outcome, "PCHC-3.2.3-01")?;
            let found = "nothing was offered over IPv6";
            session.holds(!initial_offers(&outcome).is_empty(), "PCHC-3.2.3-01", found)
        },
    )
    .tags(&[Tag::V1, Tag::Ipv6]),
];
