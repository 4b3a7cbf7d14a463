//! MS-PCCRR 3.1.2 and 3.1.6: the request timer.
//! Invariant: times are told from when the request came to when the client went elsewhere.
//! Byte order: none.

use std::time::Duration;

use crate::judge::{Case, Stop, Tag};
use crate::targets::client::world::World;
use crate::targets::client::world::peer::{self, Reply};

pub(super) const CASES: &[Case] = &[
    Case::client(
        "pccrr-client-request-timer",
        "a peer that says nothing is waited for 2 seconds, and then its block is fetched elsewhere",
        &["PCCRR-3.1.2-03", "PCCRR-3.1.2-02", "PCCRR-3.1.6.1-01"],
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
            session.holds(waited < Duration::from_secs(7), "PCCRR-3.1.2-02", &found)?;
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
            world.peer(|_: &peer::Ask<'_>| Reply::Silence)?;
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
];
