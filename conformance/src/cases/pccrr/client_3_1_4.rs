//! MS-PCCRR 3.1.4: which requests a client sends for what it wants.
//! Invariant: none of this depends on what peers answer wrongly.
//! Byte order: big-endian.

use crate::judge::session::Session;
use crate::judge::{Case, Outcome, Tag};
use crate::targets::client::Client;
use crate::targets::client::world::peer::{Ask, Reply};
use crate::targets::client::world::{World, peer};
use crate::wire::cipher::algorithm;

pub(super) const CASES: &[Case] = &[
    Case::client(
        "pccrr-client-simple-download",
        "three blocks are fetched without a list",
        &["PCCRR-3.1.4.3-04", "PCCRR-1.3-01"],
        |session| {
            let mut world = World::blocks(session, 3);
            world.peer(peer::honest)?;
            let outcome = world.run()?;
            session.some_blocks(&outcome)?;
            let lists = outcome.lists().len();
            session.equal("PCCRR-3.1.4.3-04", "requests for lists", &lists, &0)?;
            session.is_whole(&world, &outcome, "PCCRR-1.3-01")
        },
    )
    .tags(&[Tag::V1]),
    Case::client(
        "pccrr-client-list-of-wanted",
        "a list is asked for with the id of the segment and the blocks that are wanted",
        &["PCCRR-3.1.4.2-01"],
        |session| {
            let mut world = World::blocks(session, 9);
            world.peer(peer::honest)?;
            let outcome = world.run()?;
            let ids = world.ids();
            for wanted in session.some_lists(&outcome)? {
                let is_known = ids.iter().any(|id| id == wanted.segment_id);
                session.holds(
                    is_known,
                    "PCCRR-3.1.4.2-01",
                    "the segment is none of the content",
                )?;
                let blocks: Vec<u32> = wanted
                    .ranges
                    .iter()
                    .flat_map(|r| r.indexes().take(513))
                    .collect();
                let found = format!("blocks {blocks:?} of 9");
                let is_wanted = !blocks.is_empty() && blocks.iter().all(|index| *index < 9);
                session.holds(is_wanted, "PCCRR-3.1.4.2-01", found)?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::V1]),
    Case::client(
        "pccrr-client-each-block",
        "every block is asked for by its segment and index, and comes from the peer",
        &["PCCRR-3.1.4.3-01"],
        |session| {
            let mut world = World::blocks(session, 7);
            world.peer(peer::honest)?;
            let outcome = world.run()?;
            let mut asked: Vec<u32> = session
                .some_blocks(&outcome)?
                .iter()
                .filter_map(|w| w.index())
                .collect();
            asked.sort_unstable();
            asked.dedup();
            session.equal(
                "PCCRR-3.1.4.3-01",
                "the blocks asked for",
                &asked,
                &(0..7).collect(),
            )?;
            session.is_whole(&world, &outcome, "PCCRR-3.1.4.3-01")?;
            session.came_from_peers(&world, &outcome, "PCCRR-3.1.4.3-01")
        },
    )
    .tags(&[Tag::V1]),
    Case::client(
        "pccrr-client-aes-128",
        "a block that comes with AES-128 is decrypted",
        &["PCCRR-3.1.5.3-03", "PCCRR-2.2.3-16", "PCCRR-2.2.3-17"],
        |session| answered_with(session, algorithm::AES_128),
    )
    .tags(&[Tag::V1]),
    Case::client(
        "pccrr-client-aes-192",
        "a block that comes with AES-192 is decrypted, whatever was asked for",
        &["PCCRR-3.1.5.3-03", "PCCRR-2.2.3-16", "PCCRR-2.2.3-17"],
        |session| answered_with(session, algorithm::AES_192),
    )
    .tags(&[Tag::V1]),
    Case::client(
        "pccrr-client-aes-256",
        "a block that comes with AES-256 is decrypted, whatever was asked for",
        &["PCCRR-3.1.5.3-03", "PCCRR-2.2.3-16", "PCCRR-2.2.3-17"],
        |session| answered_with(session, algorithm::AES_256),
    )
    .tags(&[Tag::V1]),
];

/// Every block comes encrypted so, full ones and the short one at the end.
fn answered_with<'a>(session: &'a Session<'a, Client>, used: u32) -> Outcome {
    let mut world = World::blocks(session, 3);
    world.peer(peer::liar(move |ask: &Ask<'_>| {
        let Some((segment, index)) = ask.block() else {
            return Reply::Silence;
        };
        let plain = ask.plain(segment, index);
        Reply::Message(ask.sealed(segment, index, &plain, used))
    }))?;
    let outcome = world.run()?;
    session.asked_peer(&outcome, 0)?;
    for requirement in ["PCCRR-2.2.3-16", "PCCRR-2.2.3-17", "PCCRR-3.1.5.3-03"] {
        session.is_whole(&world, &outcome, requirement)?;
        session.came_from_peers(&world, &outcome, requirement)?;
    }
    Ok(())
}
