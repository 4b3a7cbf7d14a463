//! MS-PCHC 3.2 and MS-PCCRR 2.2.4.4: a client with a hosted cache.
//! Invariant: whatever the cache does, there is the content or no file.
//! Byte order: big-endian.

use std::collections::{BTreeMap, BTreeSet};

use crate::judge::session::Session;
use crate::judge::{Case, Outcome as Found, Stop, Tag};
use crate::targets::client::Client;
use crate::targets::client::world::cache::{CacheScript, OfferReply, holds_nothing};
use crate::targets::client::world::peer::{self, CACHE, Reply};
use crate::targets::client::world::{Outcome, World};
use crate::wire::draft::Draft;
use crate::wire::retrieval::{self, Body, Range, VERSION_2, kind};

/// What MSG_GETSEGLIST has.
struct SegmentList {
    request_id: [u8; 16],
    segment_ids: Vec<Vec<u8>>,
    blob: Vec<u8>,
    version: u32,
}

/// The requests for lists of segments, of which there has to be one.
fn segment_lists(outcome: &Outcome) -> Result<Vec<SegmentList>, Stop> {
    let lists = outcome
        .messages()
        .filter_map(|(_, message)| match &message.body {
            Body::GetSegmentList {
                request_id,
                segment_ids,
                blob,
            } => Some(SegmentList {
                request_id: *request_id,
                segment_ids: segment_ids.clone(),
                blob: blob.clone(),
                version: message.version,
            }),
            _ => None,
        });
    let lists: Vec<_> = lists.collect();
    if lists.is_empty() {
        return Err(Stop::Skip("the client sent no MSG_GETSEGLIST".to_owned()));
    }
    Ok(lists)
}

/// Offers that are answered in an unusual way harm nothing.
fn answered<'a>(
    session: &'a Session<'a, Client>,
    offers: OfferReply,
    requirement: &'static str,
) -> Found {
    let mut world = World::segments(session, 3);
    world.cache(CacheScript::empty().answering(offers))?;
    let outcome = world.run()?;
    session.is_whole(&world, &outcome, requirement)
}

/// A cache that has everything, whose lists of segments are wrong.
fn with_lists<'a>(
    session: &'a Session<'a, Client>,
    requirement: &'static str,
    wrong: fn([u8; 16], u32) -> Draft,
) -> Found {
    let mut world = World::segments(session, 3);
    world.cache(CacheScript::of(move |ask| match &ask.message.body {
        Body::GetSegmentList {
            request_id,
            segment_ids,
            ..
        } => {
            let count = u32::try_from(segment_ids.len()).unwrap_or(0);
            Reply::Message(wrong(*request_id, count))
        }
        _ => holds_nothing(ask),
    }))?;
    let outcome = world.run()?;
    session.is_whole(&world, &outcome, requirement)
}

pub(super) const CASES: &[Case] = &[
    Case::client(
        "pchc-client-asks-the-cache",
        "what the hosted cache has comes from there, and nobody else is looked for",
        &[
            "CCROD-2.8.2.2.2-02",
            "CCROD-2.8.3.1.1-01",
            "PCHC-2.1-06",
            "PCHC-2.1-08",
        ],
        |session| {
            for mut world in [World::segments(session, 5), World::blocks(session, 6)] {
                world.cache(CacheScript::full())?;
                let outcome = world.run()?;
                session.is_whole(&world, &outcome, "CCROD-2.8.2.2.2-02")?;
                let count = outcome.count_at(CACHE);
                session.holds(count > 0, "CCROD-2.8.3.1.1-01", "the cache was not asked")?;
                // The port that the cache was given is none of those that are usual.
                session.holds(count > 0, "PCHC-2.1-06", "the cache was not asked")?;
                session.holds(count > 0, "PCHC-2.1-08", "the cache was not asked")?;
                session.came_from_peers(&world, &outcome, "CCROD-2.8.2.2.2-02")?;
            }
            Ok(())
        },
    ),
    Case::client(
        "pchc-client-ipv6-cache",
        "a hosted cache at an address of IPv6 gives blocks, is offered others, and fetches them",
        &["PCHC-2.1-08", "PCHC-1.5-01", "PCHC-3.2.1-02"],
        |session| {
            let mut world = World::segments(session, 4).over_ipv6()?;
            world.cache(CacheScript::full())?;
            let outcome = world.run()?;
            session.is_whole(&world, &outcome, "PCHC-2.1-08")?;
            session.came_from_peers(&world, &outcome, "PCHC-2.1-08")?;
            let mut world = World::segments(session, 3).over_ipv6()?;
            world.cache(CacheScript::empty())?;
            let outcome = world.run()?;
            session.is_whole(&world, &outcome, "PCHC-2.1-08")?;
            let offers = outcome.seen.offers.iter();
            let fetched: Vec<_> = offers.flat_map(|offered| &offered.fetched).collect();
            for (_, result) in &fetched {
                let found = result.clone().err().unwrap_or_default();
                for requirement in ["PCHC-1.5-01", "PCHC-3.2.1-02"] {
                    session.holds(result.is_ok(), requirement, &found)?;
                }
            }
            let found = "nothing was offered, or the client ended before anything could be fetched";
            session.holds(!fetched.is_empty(), "PCHC-3.2.1-02", found)
        },
    )
    .tags(&[Tag::V2, Tag::Ipv6]),
    Case::client(
        "pchc-client-offers-new",
        "what came from the content server is offered to the cache",
        &["PCHC-3.2.4-01"],
        |session| {
            let mut world = World::segments(session, 4);
            world.cache(CacheScript::empty())?;
            let outcome = world.run()?;
            session.is_whole(&world, &outcome, "PCHC-3.2.4-01")?;
            let found = "nothing was offered";
            session.holds(!outcome.seen.offers.is_empty(), "PCHC-3.2.4-01", found)
        },
    )
    .tags(&[Tag::V2]),
    Case::client(
        "pchc-client-offers-nothing-old",
        "what came from the cache is not offered to it",
        &["PCHC-3.2.4-03"],
        |session| {
            let mut world = World::segments(session, 4);
            let old: BTreeSet<Vec<u8>> = world.ids().into_iter().take(2).collect();
            let held = old.clone();
            world.cache(CacheScript::of(move |ask| match &ask.message.body {
                Body::GetBlocks { segment_id, .. } if !held.contains(segment_id) => holds_nothing(ask),
                Body::GetBlockList { segment_id, .. } if !held.contains(segment_id) => holds_nothing(ask),
                Body::GetSegmentList { request_id, segment_ids, .. } => {
                    let places = (0..).zip(segment_ids).filter(|(_, id)| held.contains(*id));
                    let ranges: Vec<Range> = places.map(|(place, _)| Range::new(place, 1)).collect();
                    Reply::Message(retrieval::segment_list(*request_id, &ranges, &[]))
                }
                _ => peer::honest(ask),
            }))?;
            let outcome = world.run()?;
            session.is_whole(&world, &outcome, "PCHC-3.2.4-03")?;
            let offers = outcome.seen.offers.iter().filter_map(|offered| offered.offer.as_ref().ok());
            let offered: BTreeSet<Vec<u8>> = offers
                .flat_map(|offer| offer.segments.iter().map(|one| one.segment_id.clone()))
                .collect();
            let again = offered.intersection(&old).count();
            session.equal("PCHC-3.2.4-03", "segments of the cache that it was offered", &again, &0)
        },
    )
    .tags(&[Tag::V2]),
    Case::client(
        "pchc-client-answered-offer",
        "an offer that was answered is over, and the next ones go on",
        &["PCHC-3.2.5.4-01"],
        |session| {
            let mut world = World::segments(session, 300);
            world.cache(CacheScript::empty())?;
            let outcome = world.run()?;
            let offers = outcome.seen.offers.iter().filter_map(|offered| offered.offer.as_ref().ok());
            let mut counts: BTreeMap<Vec<u8>, usize> = BTreeMap::new();
            for one in offers.flat_map(|offer| &offer.segments) {
                *counts.entry(one.segment_id.clone()).or_default() += 1;
            }
            if counts.is_empty() {
                return Err(Stop::Skip("the client offered nothing".to_owned()));
            }
            let again = counts.values().filter(|count| **count > 1).count();
            session.equal("PCHC-3.2.5.4-01", "segments that were offered again", &again, &0)?;
            let count = world.ids().len();
            session.equal("PCHC-3.2.5.4-01", "segments that were offered", &counts.len(), &count)
        },
    )
    .tags(&[Tag::V2, Tag::Load]),
    Case::client(
        "pchc-client-offer-unanswered",
        "where an offer is not answered the content is there all the same",
        &["PCHC-3.2.5.5-01"],
        |session| answered(session, OfferReply::Close, "PCHC-3.2.5.5-01"),
    )
    .tags(&[Tag::V2, Tag::Hostile]),
    Case::client(
        "pchc-client-offer-expires",
        "an offer that is never answered is given up",
        &["PCHC-3.2.2-03", "PCHC-3.2.6-01"],
        |session| {
            let mut world = World::segments(session, 2);
            world.cache(CacheScript::empty().answering(OfferReply::Silence))?;
            let outcome = world.run()?;
            if outcome.seen.offers.is_empty() {
                return Err(Stop::Skip("the client offered nothing".to_owned()));
            }
            // The client has ended, or it would be said here.
            session.is_whole(&world, &outcome, "PCHC-3.2.6-01")?;
            session.is_whole(&world, &outcome, "PCHC-3.2.2-03")
        },
    )
    .tags(&[Tag::V2, Tag::Hostile, Tag::Timer]),
    Case::client(
        "pchc-client-offer-answered-by-other-code",
        "a code that a batched offer cannot have is dropped",
        &["PCHC-3.2.5.5-01"],
        |session| answered(session, OfferReply::Body(vec![0, 0, 0, 1, 9]), "PCHC-3.2.5.5-01"),
    )
    .tags(&[Tag::V2, Tag::Hostile]),
    Case::client(
        "pchc-client-offer-answered-by-anything",
        "an answer that is no response of the protocol is dropped",
        &["PCHC-3.2.5.5-01"],
        |session| answered(session, OfferReply::Body(vec![0xff; 70_000]), "PCHC-3.2.5.5-01"),
    )
    .tags(&[Tag::V2, Tag::Hostile]),
    Case::client(
        "pchc-client-offer-unauthorized",
        "a client that cannot log in at the cache has the content all the same",
        &["PCHC-2.1-10"],
        |session| answered(session, OfferReply::Status(401), "PCHC-2.1-10"),
    )
    .tags(&[Tag::V2]),
    Case::client(
        "pchc-client-lying-cache",
        "blocks of a hosted cache are verified as those of peers are",
        &["PCCRC-2.2-13"],
        |session| {
            let mut world = World::segments(session, 3);
            let liar = peer::liar(|ask| {
                let Some((segment, index)) = ask.block() else {
                    return Reply::Silence;
                };
                let mut plain = ask.plain(segment, index);
                plain.reverse();
                Reply::Message(ask.sealed(segment, index, &plain, 1))
            });
            world.cache(CacheScript::of(liar))?;
            let outcome = world.run()?;
            session.is_whole(&world, &outcome, "PCCRC-2.2-13")
        },
    )
    .tags(&[Tag::V2, Tag::Hostile]),
    Case::client(
        "pchc-client-cache-without-answers",
        "a hosted cache that closes every connection costs nothing but time",
        &["CCROD-2.8.2.4.4-02"],
        |session| {
            let mut world = World::blocks(session, 3);
            world.cache(CacheScript::of(|_| Reply::Close).answering(OfferReply::Close))?;
            let outcome = world.run()?;
            session.is_whole(&world, &outcome, "CCROD-2.8.2.4.4-02")
        },
    )
    .tags(&[Tag::V1, Tag::Hostile]),
    Case::client(
        "pchc-client-list-first",
        "for more than three blocks the cache is asked for a list, and for fewer it is not",
        &["CCROD-2.8.2.2.2-03"],
        |session| {
            let mut world = World::blocks(session, 8);
            world.cache(CacheScript::full())?;
            let many = world.run()?;
            session.is_whole(&world, &many, "CCROD-2.8.2.2.2-03")?;
            let found = "8 blocks were fetched without a list";
            session.holds(!many.lists().is_empty(), "CCROD-2.8.2.2.2-03", found)?;
            let mut world = World::blocks(session, 2);
            world.cache(CacheScript::full())?;
            let few = world.run()?;
            let lists = few.lists().len();
            session.equal("CCROD-2.8.2.2.2-03", "lists for 2 blocks", &lists, &0)
        },
    )
    .tags(&[Tag::V1]),
    Case::client(
        "pccrr-client-segment-list",
        "lists of segments are asked for in version 2.0, with the ids and no blob that nobody reads",
        &["PCCRR-2.2.3-08", "PCCRR-2.2.4.4-01", "PCCRR-2.2.4.4-03", "PCCRR-2.2.4.4-04", "PCCRR-2.2.4.4-05", "PCCRR-2.2.4.4-07", "PCCRR-3.1.4.4-02"],
        |session| {
            let mut world = World::segments(session, 9);
            world.cache(CacheScript::full())?;
            let outcome = world.run()?;
            let of_content = world.ids();
            for request in &outcome.seen.requests {
                if request.bytes.get(4..8) == Some(&[0, 0, 0, 6]) {
                    // The judge's reader refuses what is cut, counted wrongly or padded with anything.
                    for requirement in ["PCCRR-2.2.4.4-01", "PCCRR-2.2.4.4-03", "PCCRR-2.2.4.4-05"] {
                        session.reads(requirement, request.message.clone())?;
                    }
                }
            }
            for list in segment_lists(&outcome)? {
                let (ids, blob) = (list.segment_ids, list.blob);
                let version = list.version;
                session.equal("PCCRR-2.2.3-08", "ProtVer", &version, &VERSION_2)?;
                let all_known = !ids.is_empty() && ids.iter().all(|id| of_content.contains(id));
                session.holds(all_known, "PCCRR-3.1.4.4-02", "an id is none of the content")?;
                let of_32 = ids.iter().all(|id| id.len() == 32);
                session.holds(of_32, "PCCRR-2.2.4.4-04", "an id has not 32 bytes")?;
                let is_good = blob.is_empty() || blob.starts_with(&[0, 1]);
                session.holds(is_good, "PCCRR-2.2.4.4-07", format_args!("the blob is {blob:02x?}"))?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::V2]),
    Case::client(
        "pccrr-client-request-ids",
        "every list of segments is asked for under an id of its own",
        &["PCCRR-3.1.4.4-01", "PCCRR-2.2.4.4-02"],
        |session| {
            let mut world = World::segments(session, 300);
            world.cache(CacheScript::full())?;
            let outcome = world.run()?;
            let lists = segment_lists(&outcome)?;
            if lists.len() < 2 {
                return Err(Stop::Skip("the client sent a single MSG_GETSEGLIST".to_owned()));
            }
            let ids: BTreeSet<[u8; 16]> = lists.iter().map(|list| list.request_id).collect();
            session.equal("PCCRR-2.2.4.4-02", "request ids", &ids.len(), &lists.len())?;
            session.equal("PCCRR-3.1.4.4-01", "request ids", &ids.len(), &lists.len())
        },
    )
    .tags(&[Tag::V2, Tag::Load]),
    Case::client(
        "pccrr-client-segment-list-of-other-request",
        "a list of segments under another request id harms nobody",
        &["PCCRR-3.1.5.4-02"],
        |session| {
            with_lists(session, "PCCRR-3.1.5.4-02", |_, count| {
                retrieval::segment_list([0x5a; 16], &[Range::new(0, count)], &[])
            })
        },
    )
    .tags(&[Tag::V2, Tag::Hostile]),
    Case::client(
        "pccrr-client-segment-list-past-the-end",
        "a list of segments that names more than were asked for harms nobody",
        &["PCCRR-3.1.5.4-03"],
        |session| {
            with_lists(session, "PCCRR-3.1.5.4-03", |id, count| {
                retrieval::segment_list(id, &[Range::new(0, count + 9), Range::new(7, u32::MAX)], &[])
            })
        },
    )
    .tags(&[Tag::V2, Tag::Hostile]),
    Case::client(
        "pccrr-client-segment-list-cut",
        "a list of segments with fewer ranges than it counts harms nobody",
        &["PCCRR-3.1.5.4-01"],
        |session| {
            with_lists(session, "PCCRR-3.1.5.4-01", |id, count| {
                let list = retrieval::segment_list(id, &[Range::new(0, count)], &[]);
                list.with_u32_be("SegmentRangeCount", 9)
            })
        },
    )
    .tags(&[Tag::V2, Tag::Hostile]),
    Case::client(
        "pccrr-client-windows-7-cache",
        "a hosted cache that does not know lists of segments gives its blocks all the same",
        &["PCCRR-2.2.4.4-09"],
        |session| {
            let mut world = World::segments(session, 4);
            world.cache(CacheScript::of(|ask| match ask.message.kind {
                kind::GET_SEGMENT_LIST => Reply::Message(retrieval::negotiation_response(1, 1)),
                _ => peer::honest(ask),
            }))?;
            let outcome = world.run()?;
            session.is_whole(&world, &outcome, "PCCRR-2.2.4.4-09")
        },
    )
    .tags(&[Tag::V2]),
];
