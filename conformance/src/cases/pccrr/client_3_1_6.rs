//! MS-PCCRR 3.1.2, 3.1.4 to 3.1.6: the request timer, which begins with a request and ends with its answer.
//! Invariant: times are told from when the request came to when the client went elsewhere.
//! Byte order: none.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::judge::session::Session;
use crate::judge::{Case, Outcome as Found, Stop, Tag};
use crate::targets::client::Client;
use crate::targets::client::world::cache::CacheScript;
use crate::targets::client::world::peer::{self, Ask, Reply};
use crate::targets::client::world::{Outcome, World};
use crate::wire::retrieval::{self, Body, VERSION_1, VERSION_2, kind};

/// How long after a request that is not answered the client has gone elsewhere, with a timer that is not the usual one.
const GIVEN_UP: Duration = Duration::from_secs(7);
/// Just before the end of the request timer.
const LATE: Duration = Duration::from_millis(1_400);
/// For how long answers are late: two exchanges, one after the other, and no more.
const SLOW: Duration = Duration::from_millis(2_700);

/// Answers honestly, but late those messages that `is_late` picks, until some time after the first of them.
fn late(is_late: fn(u32) -> bool) -> impl Fn(&Ask<'_>) -> Reply + Send + Sync + 'static {
    move |ask: &Ask<'_>| {
        let seen = ask.shared.seen();
        let mut others = seen.requests.iter().filter(|request| {
            let message = request.message.as_ref();
            message.is_ok_and(|message| is_late(message.kind))
        });
        let first = others.next().map_or(Duration::ZERO, |first| first.at);
        drop(seen);
        if is_late(ask.message.kind) && ask.shared.age() < first + SLOW {
            return Reply::Later(LATE, Box::new(peer::honest(ask)));
        }
        peer::honest(ask)
    }
}

/// How long the last request came after the first, of those of a type.
fn span(outcome: &Outcome, is_meant: fn(u32) -> bool) -> Duration {
    let meant = outcome.messages().filter(|(_, m)| is_meant(m.kind));
    let times: Vec<Duration> = meant.map(|(request, _)| request.at).collect();
    let ends = times.iter().max().zip(times.iter().min());
    ends.map_or(Duration::ZERO, |(last, first)| last.saturating_sub(*first))
}

/// Asserts that no request was sent again that had been answered, and that all came from who answered.
fn ended_by_answers(
    session: &Session<'_, Client>,
    world: &World<'_>,
    outcome: &Outcome,
    requirements: &[&'static str],
) -> Found {
    let mut counts: BTreeMap<&[u8], usize> = BTreeMap::new();
    for request in &outcome.seen.requests {
        *counts.entry(request.bytes.as_slice()).or_default() += 1;
    }
    let again = counts.values().filter(|count| **count > 1).count();
    for requirement in requirements {
        session.is_whole(world, outcome, requirement)?;
        session.came_from_peers(world, outcome, requirement)?;
        let what = "requests that were sent again although they were answered";
        session.equal(requirement, what, &again, &0)?;
    }
    Ok(())
}

/// Asserts that requests of a type that are not answered are given up: the client goes on, or tries again, and in the end
/// has the content from elsewhere.
fn is_given_up(
    session: &Session<'_, Client>,
    world: &World<'_>,
    outcome: &Outcome,
    message_type: u32,
    requirement: &'static str,
) -> Found {
    let mut meant = outcome.messages().filter(|(_, m)| m.kind == message_type);
    let Some((first, _)) = meant.next() else {
        let name = retrieval::name_of(message_type);
        return Err(Stop::Skip(format!("the client sent no {name}")));
    };
    session.is_whole(world, outcome, requirement)?;
    let at_origin = outcome.missing().map(|asked| asked.at);
    let at_servers = outcome.seen.requests.iter().map(|request| request.at);
    let mut times: Vec<Duration> = at_origin
        .chain(at_servers)
        .filter(|at| *at >= first.at)
        .collect();
    times.sort();
    // Between one request and the next, whatever it is for, lies no more than a timer.
    let gaps = times.iter().zip(times.iter().skip(1));
    let waited = gaps
        .map(|(before, after)| after.saturating_sub(*before))
        .max();
    let Some(waited) = waited else {
        return Err(Stop::Inconclusive(
            "the content came from nowhere".to_owned(),
        ));
    };
    let found = format!("an answer was waited for {waited:?}");
    session.holds(waited < GIVEN_UP, requirement, found)
}

/// Answers the first request for a block by negotiation, and requests to negotiate as the case says.
fn negotiating(reply: fn(&Ask<'_>) -> Reply) -> impl Fn(&Ask<'_>) -> Reply + Send + Sync + 'static {
    move |ask: &Ask<'_>| match ask.message.kind {
        kind::NEGOTIATION_REQUEST => reply(ask),
        _ if ask.number == 0 => {
            Reply::Message(retrieval::negotiation_response(VERSION_1, VERSION_2))
        }
        _ => peer::honest(ask),
    }
}

pub(super) const CASES: &[Case] = &[
    Case::client(
        "pccrr-client-request-timer",
        "a peer that says nothing is waited for 2 seconds, and then its block is fetched elsewhere",
        &["PCCRR-3.1.2-03", "PCCRR-3.1.2-02", "PCCRR-3.1.4.3-02", "PCCRR-3.1.6.1-01"],
        |session| {
            let mut world = World::blocks(session, 1);
            world.peer(peer::liar(|_| Reply::Silence))?;
            let outcome = world.run()?;
            session.asked_peer(&outcome, 0)?;
            session.is_whole(&world, &outcome, "PCCRR-3.1.6.1-01")?;
            let asked = outcome.seen.requests.first().map(|request| request.at);
            let elsewhere = outcome.missing().map(|asked| asked.at).min();
            let (Some(asked), Some(elsewhere)) = (asked, elsewhere) else {
                return Err(Stop::Inconclusive("the block came from nowhere".to_owned()));
            };
            let waited = elsewhere.saturating_sub(asked);
            let found = format!("the peer was waited for {waited:?}");
            for requirement in ["PCCRR-3.1.2-02", "PCCRR-3.1.4.3-02"] {
                session.holds(waited < GIVEN_UP, requirement, &found)?;
            }
            if waited < Duration::from_millis(1_000) {
                return Err(Stop::Skip(
                    "the client fetches a block at several places at once".to_owned(),
                ));
            }
            let is_default =
                (Duration::from_millis(1_700)..Duration::from_millis(4_500)).contains(&waited);
            session.holds(is_default, "PCCRR-3.1.2-03", found)
        },
    )
    .tags(&[Tag::V1, Tag::Timer, Tag::Hostile]),
    Case::client(
        "pccrr-client-slow-answer",
        "an answer that takes 1.2 seconds is waited for",
        &["PCCRR-3.1.2-03"],
        |session| {
            let mut world = World::blocks(session, 1);
            world.peer(peer::liar(|ask| {
                Reply::Later(Duration::from_millis(1_200), Box::new(peer::honest(ask)))
            }))?;
            let outcome = world.run()?;
            session.asked_peer(&outcome, 0)?;
            session.is_whole(&world, &outcome, "PCCRR-3.1.2-03")?;
            session.came_from_peers(&world, &outcome, "PCCRR-3.1.2-03")
        },
    )
    .tags(&[Tag::V1, Tag::Timer]),
    Case::client(
        "pccrr-client-silent-beside-good",
        "beside a peer that says nothing, one that answers gives the content",
        &["PCCRR-3.1.6.1-01"],
        |session| {
            let mut world = World::blocks(session, 6);
            world.peer(|_: &Ask<'_>| Reply::Silence)?;
            world.peer(peer::honest)?;
            let outcome = world.run()?;
            session.is_whole(&world, &outcome, "PCCRR-3.1.6.1-01")?;
            let took = outcome.ended.took;
            let is_soon = took < Duration::from_secs(15);
            session.holds(
                is_soon,
                "PCCRR-3.1.6.1-01",
                format_args!("it took {took:?}"),
            )
        },
    )
    .tags(&[Tag::V1, Tag::Timer, Tag::Hostile]),
    Case::client(
        "pccrr-client-drip",
        "an answer that comes a byte at a time is given up",
        &["PCCRR-3.1.2-02"],
        |session| {
            let mut world = World::blocks(session, 1);
            world.peer(peer::liar(|_| Reply::Drip))?;
            let outcome = world.run()?;
            session.asked_peer(&outcome, 0)?;
            session.is_whole(&world, &outcome, "PCCRR-3.1.2-02")
        },
    )
    .tags(&[Tag::V1, Tag::Timer, Tag::Hostile]),
    Case::client(
        "pccrr-client-list-timer",
        "a peer that says nothing to a request for a list is given up",
        &["PCCRR-3.1.4.2-02"],
        |session| {
            let mut world = World::blocks(session, 6);
            world.peer(peer::lister(|_, _, _| Reply::Silence))?;
            let outcome = world.run()?;
            session.asked_peer(&outcome, 0)?;
            is_given_up(session, &world, &outcome, kind::GET_BLOCK_LIST, "PCCRR-3.1.4.2-02")
        },
    )
    .tags(&[Tag::V1, Tag::Timer, Tag::Hostile]),
    Case::client(
        "pccrr-client-segment-list-timer",
        "a hosted cache that says nothing to a request for a list of segments is given up",
        &["PCCRR-3.1.4.4-03"],
        |session| {
            let mut world = World::segments(session, 3);
            world.cache(CacheScript::of(|ask| match ask.message.kind {
                kind::GET_SEGMENT_LIST => Reply::Silence,
                _ => peer::honest(ask),
            }))?;
            let outcome = world.run()?;
            is_given_up(session, &world, &outcome, kind::GET_SEGMENT_LIST, "PCCRR-3.1.4.4-03")
        },
    )
    .tags(&[Tag::V2, Tag::Timer, Tag::Hostile]),
    Case::client(
        "pccrr-client-block-ends-timer",
        "a block that comes late, but in time, ends its request: the next may take as long",
        &["PCCRR-3.1.5.3-02"],
        |session| {
            let is_block = |kind| kind == kind::GET_BLOCKS;
            let mut world = World::blocks(session, 12);
            world.peer(late(is_block))?;
            let outcome = world.run()?;
            session.asked_peer(&outcome, 0)?;
            ended_by_answers(session, &world, &outcome, &["PCCRR-3.1.5.3-02"])?;
            // Who asks for everything at once has no request that follows on another.
            if span(&outcome, is_block) < LATE {
                return Err(Stop::Skip("the client asks for all blocks at once".to_owned()));
            }
            Ok(())
        },
    )
    .tags(&[Tag::V1, Tag::Timer]),
    Case::client(
        "pccrr-client-list-ends-timer",
        "a list that comes late, but in time, ends its request: the block behind it may take as long",
        &["PCCRR-3.1.5.2-04"],
        |session| {
            let mut world = World::blocks(session, 5);
            world.peer(late(|kind| matches!(kind, kind::GET_BLOCK_LIST | kind::GET_BLOCKS)))?;
            let outcome = world.run()?;
            session.asked_peer(&outcome, 0)?;
            session.some_lists(&outcome)?;
            ended_by_answers(session, &world, &outcome, &["PCCRR-3.1.5.2-04"])
        },
    )
    .tags(&[Tag::V1, Tag::Timer]),
    Case::client(
        "pccrr-client-segment-list-ends-timer",
        "a list of segments that comes late, but in time, ends its request: the block behind it may take as long",
        &["PCCRR-3.1.5.4-04"],
        |session| {
            let mut world = World::segments(session, 3);
            world.cache(CacheScript::of(late(|kind| {
                matches!(kind, kind::GET_SEGMENT_LIST | kind::GET_BLOCKS)
            })))?;
            let outcome = world.run()?;
            let mut lists = outcome.messages().filter(|(_, m)| m.kind == kind::GET_SEGMENT_LIST);
            if lists.next().is_none() {
                return Err(Stop::Skip("the client sent no MSG_GETSEGLIST".to_owned()));
            }
            ended_by_answers(session, &world, &outcome, &["PCCRR-3.1.5.4-04"])
        },
    )
    .tags(&[Tag::V2, Tag::Timer]),
    Case::client(
        "pccrr-client-negotiation-request",
        "a client that negotiates names the lowest and the highest version that it has, the one it speaks among them",
        &["PCCRR-3.1.4.1-02"],
        |session| {
            let mut world = World::blocks(session, 2);
            world.peer(negotiating(peer::honest))?;
            let outcome = world.run()?;
            session.asked_peer(&outcome, 0)?;
            let mut count = 0;
            for (_, message) in outcome.messages() {
                let Body::Negotiation { min, max } = message.body else {
                    continue;
                };
                count += 1;
                // The major version stands in the lower half.
                let (lowest, highest) = (min & 0xffff, max & 0xffff);
                let found = format!("the versions are {min:#010x} to {max:#010x}");
                let is_range = lowest >= 1 && lowest <= highest;
                session.holds(is_range, "PCCRR-3.1.4.1-02", &found)?;
                // Requests for blocks are of version 1.0, which is what it speaks.
                let is_spoken = (lowest..=highest).contains(&1);
                session.holds(is_spoken, "PCCRR-3.1.4.1-02", found)?;
            }
            if count == 0 {
                return Err(Stop::Skip("the client does not negotiate".to_owned()));
            }
            session.is_whole(&world, &outcome, "PCCRR-3.1.4.1-02")
        },
    )
    .tags(&[Tag::V1]),
    Case::client(
        "pccrr-client-negotiation-timer",
        "a peer that says nothing to a request to negotiate is given up",
        &["PCCRR-3.1.4.1-03"],
        |session| {
            let mut world = World::blocks(session, 1);
            world.peer(negotiating(|_| Reply::Silence))?;
            let outcome = world.run()?;
            session.asked_peer(&outcome, 0)?;
            is_given_up(session, &world, &outcome, kind::NEGOTIATION_REQUEST, "PCCRR-3.1.4.1-03")
        },
    )
    .tags(&[Tag::V1, Tag::Timer, Tag::Hostile]),
];
