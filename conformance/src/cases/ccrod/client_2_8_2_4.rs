//! MS-CCROD 2.8.2.4 and 2.8.2.5: what follows from each answer of a server.
//! Invariant: what holds for hosted caches and for peers alike is asked of both.
//! Byte order: none.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::judge::session::Session;
use crate::judge::{Case, Outcome as Found, Stop, Tag};
use crate::targets::client::Client;
use crate::targets::client::expect::Wanted;
use crate::targets::client::world::cache::CacheScript;
use crate::targets::client::world::peer::{self, CACHE, PeerScript, Reply};
use crate::targets::client::world::{Outcome, World};
use crate::wire::content_info::BLOCK_BYTES;
use crate::wire::retrieval::{self, Range};

/// How long a server takes for a block where others are to be asked meanwhile.
const PAUSE: Duration = Duration::from_millis(80);

/// How long a client may look for a segment before it has looked.
const PROBING: Duration = Duration::from_secs(1);

/// Who is asked.
#[derive(Debug, Clone, Copy)]
enum Server {
    Cache,
    Peer,
}

impl Server {
    /// A download of so many blocks of one segment, with this as the only server.
    fn downloads<'a>(
        self,
        session: &'a Session<'a, Client>,
        blocks: usize,
        script: impl PeerScript,
    ) -> Result<(World<'a>, Outcome), Stop> {
        let mut world = World::blocks(session, blocks);
        match self {
            Self::Cache => {
                world.cache(CacheScript::of(script))?;
            }
            Self::Peer => {
                world.peer(script)?;
            }
        }
        let outcome = world.run()?;
        if outcome.count_at(self.number()) == 0 {
            return Err(Stop::Skip("the client did not ask the server".to_owned()));
        }
        Ok((world, outcome))
    }

    const fn number(self) -> usize {
        match self {
            Self::Cache => CACHE,
            Self::Peer => 0,
        }
    }
}

/// A list of the first five blocks, whatever was asked for.
fn lists_five() -> impl PeerScript {
    peer::lister(|_, id, _| Reply::Message(retrieval::block_list(id, &[Range::new(0, 5)], 0)))
}

/// A server whose lists end in an error.
fn lists_fail() -> impl PeerScript {
    peer::lister(|_, _, _| Reply::Status(500))
}

/// A server that takes a while for each block.
fn slow() -> impl PeerScript {
    peer::liar(|ask| Reply::Later(PAUSE, Box::new(peer::honest(ask))))
}

/// A server that gave all it has of a segment is not asked for it again.
fn each_block_once<'a>(
    session: &'a Session<'a, Client>,
    server: Server,
    requirement: &'static str,
) -> Found {
    let (world, outcome) = server.downloads(session, 6, peer::honest)?;
    let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
    for wanted in session.some_blocks(&outcome)? {
        for index in wanted
            .ranges
            .iter()
            .flat_map(|range| range.indexes().take(513))
        {
            *counts.entry(index).or_default() += 1;
        }
    }
    let twice = counts.iter().find(|(_, count)| **count > 1);
    if let Some((index, count)) = twice {
        let found = format!("block {index} was asked for {count} times, and came each time");
        session.holds(false, requirement, found)?;
    }
    session.equal(requirement, "blocks asked for", &counts.len(), &6)?;
    session.is_whole(&world, &outcome, requirement)
}

/// What is in no list is not asked for; it comes from the content server, and nothing else does.
fn within_its_list<'a>(
    session: &'a Session<'a, Client>,
    [recorded, idle_inside, missing]: [&'static str; 3],
) -> Found {
    let (world, outcome) = Server::Cache.downloads(session, 8, lists_five())?;
    session.some_lists(&outcome)?;
    for wanted in session.some_blocks(&outcome)? {
        let index = wanted.index().unwrap_or(u32::MAX);
        let found = format!("block {index} was asked for, and blocks 0 to 4 were listed");
        session.holds(index < 5, recorded, &found)?;
        session.holds(index < 5, idle_inside, &found)?;
    }
    session.is_whole(&world, &outcome, missing)?;
    let listed = outcome.given(&(0..5 * BLOCK_BYTES as u64));
    session.holds(
        listed == 0,
        missing,
        format_args!("{listed} bytes came from the content server that the cache had"),
    )
}

pub(super) const CASES: &[Case] = &[
    Case::client(
        "ccrod-client-cache-gives-all",
        "blocks that the hosted cache gives are kept: the content is made of them",
        &["CCROD-2.8.2.4.1-01", "CCROD-2.8.2.4.3-01"],
        |session| {
            let (world, outcome) = Server::Cache.downloads(session, 6, peer::honest)?;
            session.some_blocks(&outcome)?;
            session.is_whole(&world, &outcome, "CCROD-2.8.2.4.1-01")?;
            session.came_from_peers(&world, &outcome, "CCROD-2.8.2.4.3-01")
        },
    )
    .tags(&[Tag::V1]),
    Case::client(
        "ccrod-client-cache-lists-some",
        "the hosted cache is asked for what it listed, the content server for the rest",
        &[
            "CCROD-2.8.2.4.2-01",
            "CCROD-2.8.2.4.1-04",
            "CCROD-2.8.2.4.1-06",
        ],
        |session| {
            within_its_list(
                session,
                [
                    "CCROD-2.8.2.4.2-01",
                    "CCROD-2.8.2.4.1-04",
                    "CCROD-2.8.2.4.1-06",
                ],
            )
        },
    )
    .tags(&[Tag::V1]),
    Case::client(
        "ccrod-client-cache-list-leads-to-blocks",
        "a server whose list has come is asked for all that it listed",
        &["CCROD-2.8.2.4.2-02", "CCROD-2.8.2.5.4-02"],
        |session| {
            for (server, requirement) in [
                (Server::Cache, "CCROD-2.8.2.4.2-02"),
                (Server::Peer, "CCROD-2.8.2.5.4-02"),
            ] {
                let (_, outcome) = server.downloads(session, 8, lists_five())?;
                session.some_lists(&outcome)?;
                // In which order is the client's choice.
                let blocks = outcome.blocks();
                let asked: BTreeSet<u32> = blocks.iter().filter_map(Wanted::index).collect();
                let listed: BTreeSet<u32> = (0..5).collect();
                session.equal(requirement, "blocks asked for", &asked, &listed)?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::V1]),
    Case::client(
        "ccrod-client-cache-few",
        "of three blocks and fewer the hosted cache is asked for blocks at once",
        &["CCROD-2.8.2.4.1-03"],
        |session| {
            let (world, outcome) = Server::Cache.downloads(session, 3, peer::honest)?;
            session.equal("CCROD-2.8.2.4.1-03", "lists asked for", &outcome.lists().len(), &0)?;
            session.some_blocks(&outcome)?;
            session.is_whole(&world, &outcome, "CCROD-2.8.2.4.1-03")
        },
    )
    .tags(&[Tag::V1]),
    Case::client(
        "ccrod-client-each-block-once",
        "a server that gave all it has is complete, and is asked for nothing again",
        &["CCROD-2.8.2.4.3-02", "CCROD-2.8.2.5.5-02"],
        |session| {
            each_block_once(session, Server::Cache, "CCROD-2.8.2.4.3-02")?;
            each_block_once(session, Server::Peer, "CCROD-2.8.2.5.5-02")
        },
    )
    .tags(&[Tag::V1]),
    Case::client(
        "ccrod-client-cache-list-fails",
        "a hosted cache whose list fails is not asked for blocks of the segment",
        &["CCROD-2.8.2.4.4-01"],
        |session| {
            let (world, outcome) = Server::Cache.downloads(session, 6, lists_fail())?;
            session.some_lists(&outcome)?;
            let asked = outcome.blocks().len();
            session.equal("CCROD-2.8.2.4.4-01", "blocks asked for", &asked, &0)?;
            session.is_whole(&world, &outcome, "CCROD-2.8.2.4.4-01")
        },
    )
    .tags(&[Tag::V1, Tag::Hostile]),
    Case::client(
        "ccrod-client-goes-on-after-failure",
        "after a server failed the others are asked for the rest, and the content server for nothing",
        &["CCROD-2.8.2.5.6-04", "CCROD-2.8.2.5.5-03"],
        |session| {
            let mut world = World::blocks(session, 12);
            world.peer(peer::liar(|_| Reply::Status(500)))?;
            world.peer(peer::lister(|_, _, _| Reply::Close))?;
            world.peer(slow())?;
            let outcome = world.run()?;
            session.asked_peer(&outcome, 0)?;
            session.is_whole(&world, &outcome, "CCROD-2.8.2.5.5-03")?;
            session.came_from_peers(&world, &outcome, "CCROD-2.8.2.5.6-04")
        },
    )
    .tags(&[Tag::V1, Tag::Hostile]),
    Case::client(
        "ccrod-client-empty-list-is-not-refilled",
        "a segment that nobody had is not looked for again at once",
        &["CCROD-2.8.2.3.2-02"],
        |session| {
            let mut world = World::blocks(session, 4);
            // Long enough to look for it again, were it looked for again.
            world.origin.delay = Duration::from_secs(3);
            let outcome = world.run()?;
            session.is_whole(&world, &outcome, "CCROD-2.8.2.3.2-02")?;
            let mut probes: Vec<_> = outcome.seen.probes.iter().map(|heard| heard.at).collect();
            probes.sort_unstable();
            let first = probes
                .first()
                .copied()
                .ok_or_else(|| Stop::Skip("the client sent no probe".to_owned()))?;
            // A probe may be repeated for as long as its own timer runs.
            let later = probes.iter().filter(|at| **at > first + PROBING);
            session.equal("CCROD-2.8.2.3.2-02", "probes after the first ended", &later.count(), &0)
        },
    )
    .tags(&[Tag::V1]),
];
