//! MS-CCROD 2.8.2: who is asked for what.
//! Invariant: none of this depends on the order in which a client fetches.
//! Byte order: none.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::judge::{Case, Stop, Tag};
use crate::targets::client::world::World;
use crate::targets::client::world::peer::{self, Reply};
use crate::wire::retrieval::{self, Body, Range, kind};

pub(super) const CASES: &[Case] = &[
    Case::client(
        "ccrod-client-no-peers",
        "where no peer has anything all comes from the content server",
        &["CCROD-2.8.2.5.2-01", "CCROD-2.8.2.5.3-06"],
        |session| {
            for mut world in [World::blocks(session, 5), World::segments(session, 5)] {
                let outcome = world.run()?;
                for requirement in ["CCROD-2.8.2.5.2-01", "CCROD-2.8.2.5.3-06"] {
                    session.is_whole(&world, &outcome, requirement)?;
                }
            }
            Ok(())
        },
    ),
    Case::client(
        "ccrod-client-all-from-peers",
        "what peers have does not come from the content server",
        &["CCROD-2.8.2.5.3-01", "CCROD-2.8.2.5.5-01"],
        |session| {
            for mut world in [World::blocks(session, 6), World::segments(session, 6)] {
                world.peer(peer::honest)?;
                let outcome = world.run()?;
                session.asked_peer(&outcome, 0)?;
                session.is_whole(&world, &outcome, "CCROD-2.8.2.5.5-01")?;
                session.came_from_peers(&world, &outcome, "CCROD-2.8.2.5.3-01")?;
            }
            Ok(())
        },
    ),
    Case::client(
        "ccrod-client-server-down",
        "where the content server gives nothing but content information, peers that have all are enough",
        &["CCROD-2.8.2.5.3-01"],
        |session| {
            let mut world = World::segments(session, 6);
            world.origin.refuses = true;
            world.peer(peer::honest)?;
            let outcome = world.run()?;
            session.is_whole(&world, &outcome, "CCROD-2.8.2.5.3-01")
        },
    )
    .tags(&[Tag::V2]),
    Case::client(
        "ccrod-client-nobody-has-it",
        "where nobody gives the content there is no file, and the client says so",
        &["CCROD-2.8.2.5.3-06"],
        |session| {
            let mut world = World::blocks(session, 2);
            world.origin.refuses = true;
            let outcome = world.run()?;
            session.is_never_wrong(&world, &outcome, "CCROD-2.8.2.5.3-06")
        },
    )
    .tags(&[Tag::Hostile]),
    Case::client(
        "ccrod-client-list-first",
        "of more than three blocks a server is asked for its list before it is asked for any",
        &["CCROD-2.8.2.5.1-04"],
        |session| {
            let mut world = World::blocks(session, 8);
            world.peer(peer::honest)?;
            let outcome = world.run()?;
            session.asked_peer(&outcome, 0)?;
            let first = outcome.messages().next().map(|(_, message)| message.kind);
            let name = first.map(retrieval::name_of).unwrap_or_default();
            let is_list = first == Some(kind::GET_BLOCK_LIST);
            session.holds(is_list, "CCROD-2.8.2.5.1-04", format_args!("the first request is {name}"))
        },
    )
    .tags(&[Tag::V1]),
    Case::client(
        "ccrod-client-no-list-for-few",
        "of three blocks and fewer they are asked for at once",
        &["CCROD-2.8.2.5.1-03"],
        |session| {
            let mut world = World::blocks(session, 2);
            world.peer(peer::honest)?;
            let outcome = world.run()?;
            session.asked_peer(&outcome, 0)?;
            let first = outcome.messages().next().map(|(_, message)| message.kind);
            let name = first.map(retrieval::name_of).unwrap_or_default();
            let is_block = first == Some(kind::GET_BLOCKS);
            session.holds(is_block, "CCROD-2.8.2.5.1-03", format_args!("the first request is {name}"))
        },
    )
    .tags(&[Tag::V1]),
    Case::client(
        "ccrod-client-one-list-a-server",
        "each server is asked once for its list of a segment",
        &["CCROD-2.8.2.3.2-05"],
        |session| {
            let mut world = World::blocks(session, 12);
            world.peer(peer::honest)?;
            world.peer(peer::honest)?;
            let outcome = world.run()?;
            let mut counts: BTreeMap<(usize, Vec<u8>), usize> = BTreeMap::new();
            for wanted in session.some_lists(&outcome)? {
                let server = (wanted.request.peer, wanted.segment_id.to_vec());
                *counts.entry(server).or_default() += 1;
            }
            let most = counts.values().max().copied().unwrap_or(0);
            session.equal("CCROD-2.8.2.3.2-05", "lists asked of one server", &most, &1)
        },
    )
    .tags(&[Tag::V1]),
    Case::client(
        "ccrod-client-listed-blocks",
        "servers are asked for blocks that they listed, and together they give all",
        &["CCROD-2.8.2.5.3-04", "CCROD-2.8.2.5.4-01"],
        |session| {
            let mut world = World::blocks(session, 8);
            for half in 0..2_u32 {
                world.peer(move |ask: &peer::Ask<'_>| match &ask.message.body {
                    Body::GetBlockList { segment_id, .. } => {
                        let ranges = [Range::new(4 * half, 4)];
                        Reply::Message(retrieval::block_list(segment_id, &ranges, 0))
                    }
                    _ => peer::honest(ask),
                })?;
            }
            let outcome = world.run()?;
            session.some_lists(&outcome)?;
            for wanted in outcome.blocks() {
                let half = u32::try_from(wanted.request.peer).unwrap_or(0);
                let index = wanted.index().unwrap_or(u32::MAX);
                let is_listed = index / 4 == half;
                let found = format!("peer {half} was asked for block {index}");
                session.holds(is_listed, "CCROD-2.8.2.5.3-04", &found)?;
                session.holds(is_listed, "CCROD-2.8.2.5.4-01", &found)?;
            }
            session.is_whole(&world, &outcome, "CCROD-2.8.2.5.3-04")?;
            session.came_from_peers(&world, &outcome, "CCROD-2.8.2.5.3-04")
        },
    )
    .tags(&[Tag::V1]),
    Case::client(
        "ccrod-client-part-from-origin",
        "blocks that no server listed come from the content server, and they alone",
        &["CCROD-2.8.2.5.3-06", "CCROD-2.8.2.5.3-05"],
        |session| {
            let mut world = World::blocks(session, 8);
            world.peer(peer::lister(|_, id, _| {
                Reply::Message(retrieval::block_list(id, &[Range::new(0, 5)], 0))
            }))?;
            let outcome = world.run()?;
            session.some_lists(&outcome)?;
            session.is_whole(&world, &outcome, "CCROD-2.8.2.5.3-06")?;
            let listed = outcome.given(&(0..5 * 65_536));
            session.holds(
                listed == 0,
                "CCROD-2.8.2.5.3-05",
                format_args!("{listed} bytes came from the origin that the peer had"),
            )
        },
    )
    .tags(&[Tag::V1]),
    Case::client(
        "ccrod-client-failed-server",
        "a server whose request failed is left alone, and its blocks come from elsewhere",
        &["CCROD-2.8.2.5.6-03", "CCROD-2.8.2.5.6-01"],
        |session| {
            let mut world = World::blocks(session, 16);
            world.peer(peer::liar(|_| Reply::Status(500)))?;
            world.peer(peer::liar(|ask| {
                Reply::Later(Duration::from_millis(60), Box::new(peer::honest(ask)))
            }))?;
            let outcome = world.run()?;
            session.is_whole(&world, &outcome, "CCROD-2.8.2.5.6-03")?;
            session.left_alone(&outcome, 0, "CCROD-2.8.2.5.6-03")?;
            session.left_alone(&outcome, 0, "CCROD-2.8.2.5.6-01")
        },
    )
    .tags(&[Tag::V1, Tag::Hostile]),
    Case::client(
        "ccrod-client-dead-peer",
        "a peer that is not there any more costs nothing but time",
        &["CCROD-2.8.2.5.6-03"],
        |session| {
            let mut world = World::segments(session, 4);
            world.announce(|heard, shared| {
                let matched = heard.matched(shared, "127.0.0.1:1", |_| true);
                matched.map(|one| (Duration::ZERO, one.to_bytes())).into_iter().collect()
            });
            let outcome = world.run()?;
            session.is_whole(&world, &outcome, "CCROD-2.8.2.5.6-03")
        },
    )
    .tags(&[Tag::V2, Tag::Hostile]),
    Case::client(
        "ccrod-client-peers-that-vanish",
        "peers that vanish in the middle leave the rest to others",
        &["CCROD-2.8.2.5.6-03"],
        |session| {
            let mut world = World::blocks(session, 10);
            for _ in 0..3 {
                world.peer(|ask: &peer::Ask<'_>| match ask.number {
                    0..4 => peer::honest(ask),
                    _ => Reply::Close,
                })?;
            }
            let outcome = world.run()?;
            session.is_whole(&world, &outcome, "CCROD-2.8.2.5.6-03")
        },
    )
    .tags(&[Tag::V1, Tag::Hostile]),
    Case::client(
        "ccrod-client-lists-fail",
        "where no server gives a list the content comes from the content server",
        &["CCROD-2.8.2.5.6-02"],
        |session| {
            let mut world = World::blocks(session, 6);
            world.peer(peer::lister(|_, _, _| Reply::Status(500)))?;
            let outcome = world.run()?;
            session.some_lists(&outcome)?;
            session.is_whole(&world, &outcome, "CCROD-2.8.2.5.6-02")?;
            session.came_from_origin(&world, &outcome, "CCROD-2.8.2.5.6-02")
        },
    )
    .tags(&[Tag::V1, Tag::Hostile]),
    Case::client(
        "ccrod-client-all-silent",
        "where all peers are silent the content comes from the content server",
        &["CCROD-2.8.2.5.6-01"],
        |session| {
            let mut world = World::blocks(session, 2);
            for _ in 0..3 {
                world.peer(|_: &peer::Ask<'_>| Reply::Silence)?;
            }
            let outcome = world.run()?;
            session.asked_peer(&outcome, 0)?;
            session.is_whole(&world, &outcome, "CCROD-2.8.2.5.6-01")
        },
    )
    .tags(&[Tag::V1, Tag::Hostile, Tag::Timer]),
    Case::client(
        "ccrod-client-shares-load",
        "several free servers are asked side by side",
        &["CCROD-2.8.2.5.3-04"],
        |session| {
            let mut world = World::blocks(session, 40);
            for _ in 0..3 {
                world.peer(peer::liar(|ask| {
                    Reply::Later(Duration::from_millis(8), Box::new(peer::honest(ask)))
                }))?;
            }
            let outcome = world.run()?;
            if outcome.blocks().is_empty() {
                return Err(Stop::Skip("the client asked no peer for blocks".to_owned()));
            }
            for peer in 0..3 {
                let count = outcome.blocks().iter().filter(|w| w.request.peer == peer).count();
                let found = format!("peer {peer} of 3 was asked for {count} of 40 blocks");
                session.holds(count > 0, "CCROD-2.8.2.5.3-04", found)?;
            }
            session.is_whole(&world, &outcome, "CCROD-2.8.2.5.3-04")
        },
    )
    .tags(&[Tag::V1]),
];
