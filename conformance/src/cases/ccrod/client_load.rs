//! MS-CCROD 2.8.2.3.1 and 2.8.1: much content, many servers.
//! Invariant: blocks travel in clear here, which a server may choose, so that the judge does not measure itself.
//! Byte order: none.

use crate::judge::session::Session;
use crate::judge::{Case, Outcome, Tag};
use crate::targets::client::Client;
use crate::targets::client::world::World;
use crate::targets::client::world::peer::{self, Reply};
use crate::wire::content_info::Version;

/// A peer that gives all blocks in clear.
fn in_clear() -> impl peer::PeerScript {
    peer::liar(|ask| {
        let Some((segment, index)) = ask.block() else {
            return Reply::Silence;
        };
        let plain = ask.plain(segment, index);
        Reply::Message(ask.sealed(segment, index, &plain, 0))
    })
}

fn comes_whole<'a>(
    session: &'a Session<'a, Client>,
    version: Version,
    bytes: usize,
    peers: usize,
) -> Outcome {
    let mut world = World::new(session, version, bytes);
    for _ in 0..peers {
        world.peer(in_clear())?;
    }
    let outcome = world.run()?;
    for requirement in ["CCROD-2.8.2.3.1-01", "PCCRC-2.1-05"] {
        session.is_whole(&world, &outcome, requirement)?;
    }
    Ok(())
}

pub(super) const CASES: &[Case] = &[
    Case::client(
        "ccrod-client-several-segments",
        "content of two segments of version 1.0 comes whole",
        &["CCROD-2.8.2.3.1-01", "PCCRC-2.1-05"],
        |session| comes_whole(session, Version::V1, (32 << 20) + 300_001, 1),
    )
    .tags(&[Tag::V1, Tag::Load]),
    Case::client(
        "ccrod-client-big-content",
        "20 MB of version 2.0 from four peers come whole",
        &["CCROD-2.8.2.3.1-01", "PCCRC-2.1-05"],
        |session| comes_whole(session, Version::V2, 20_000_000, 4),
    )
    .tags(&[Tag::V2, Tag::Load]),
    Case::client(
        "ccrod-client-many-servers",
        "forty peers for one segment are no trouble",
        &["CCROD-2.8.2.3.1-01", "PCCRC-2.1-05"],
        |session| comes_whole(session, Version::V1, 20 * 65_536, 40),
    )
    .tags(&[Tag::V1, Tag::Load]),
];
