//! MS-PCCRTP 3.1.5: what a client makes of what the origin answers.
//! Invariant: whatever the origin sends, there is the content or no file.
//! Byte order: none.

use std::time::Duration;

use crate::judge::session::Session;
use crate::judge::{Case, Outcome, Stop, Tag};
use crate::targets::client::Client;
use crate::targets::client::world::{World, peer};

pub(super) const CASES: &[Case] = &[
    Case::client(
        "pccrtp-client-plain-answer",
        "an origin that does not know the coding gives the content all the same",
        &["PCCRTP-2.1-01"],
        |session| {
            let mut world = World::blocks(session, 3);
            world.origin.codes = false;
            let outcome = world.run()?;
            session.is_whole(&world, &outcome, "PCCRTP-2.1-01")
        },
    ),
    Case::client(
        "pccrtp-client-plain-breaks-off",
        "a plain answer that breaks off is no whole file",
        &["PCCRTP-2.1-01"],
        |session| {
            let mut world = World::blocks(session, 3);
            world.origin.codes = false;
            world.origin.breaks_after = Some(70_000);
            let outcome = world.run()?;
            session.is_never_wrong(&world, &outcome, "PCCRTP-2.1-01")
        },
    )
    .tags(&[Tag::Hostile]),
    Case::client(
        "pccrtp-client-hash-request",
        "to MakeHashRequest=true comes a request with HashRequest=true",
        &["PCCRTP-3.1.5.1-03", "PCCRTP-2.2-13"],
        |session| {
            let mut world = World::segments(session, 2);
            world.origin.makes_hash_request = true;
            let outcome = world.run()?;
            session.is_whole(&world, &outcome, "PCCRTP-3.1.5.1-03")?;
            let requests = outcome.seen.origin.iter();
            let with_hash = requests.filter_map(|asked| {
                Some((asked, asked.parameter("X-P2P-PeerDistEx", "HashRequest")?))
            });
            let with_hash: Vec<_> = with_hash.collect();
            session.holds(
                !with_hash.is_empty(),
                "PCCRTP-3.1.5.1-03",
                "there is no HashRequest",
            )?;
            for (asked, value) in with_hash {
                let found = format!(
                    "HashRequest={value}, Accept-Encoding {:?}",
                    asked.head.get("Accept-Encoding")
                );
                let is_good = value.eq_ignore_ascii_case("true") && asked.takes_coding();
                session.holds(is_good, "PCCRTP-2.2-13", found)?;
            }
            Ok(())
        },
    ),
    Case::client(
        "pccrtp-client-closes-gracefully",
        "a connection that the origin wants closed is closed by FIN",
        &["PCCRTP-3.1.5.1-02"],
        |session| {
            let mut world = World::blocks(session, 2);
            world.origin.closes = true;
            world.peer(peer::honest)?;
            let outcome = world.run()?;
            let coded = outcome.seen.origin.iter().filter(|asked| asked.was_coded);
            let ends: Vec<bool> = coded.filter_map(|asked| asked.is_reset).collect();
            if ends.is_empty() {
                return Err(Stop::Inconclusive("the client did not close".to_owned()));
            }
            session.holds(
                !ends.contains(&true),
                "PCCRTP-3.1.5.1-02",
                "the connection was reset",
            )
        },
    ),
    Case::client(
        "pccrtp-client-information-1",
        "content comes out of content information of version 1.0",
        &["PCCRC-2.1-05"],
        |session| {
            let mut world = World::blocks(session, 6);
            world.peer(peer::honest)?;
            let outcome = world.run()?;
            session.is_whole(&world, &outcome, "PCCRC-2.1-05")
        },
    )
    .tags(&[Tag::V1]),
    Case::client(
        "pccrtp-client-information-2",
        "content comes out of content information of version 2.0",
        &["PCCRC-2.1-05"],
        |session| {
            let mut world = World::segments(session, 6);
            world.peer(peer::honest)?;
            let outcome = world.run()?;
            session.is_whole(&world, &outcome, "PCCRC-2.1-05")
        },
    )
    .tags(&[Tag::V2]),
    Case::client(
        "pccrtp-client-broken-information",
        "what is no content information is never taken for the content",
        &["PCCRC-2.1-05"],
        |session| {
            let world = World::blocks(session, 3);
            let info = world.shared.holding.info.draft().to_bytes();
            let half = info.get(..info.len() / 2).unwrap_or_default().to_vec();
            with_information(session, world, half)
        },
    )
    .tags(&[Tag::Hostile, Tag::V1]),
    Case::client(
        "pccrtp-client-huge-information",
        "content information that announces four thousand million segments harms nobody",
        &["PCCRC-2.1-05"],
        |session| {
            let world = World::blocks(session, 3);
            let draft = world.shared.holding.info.draft();
            with_information(
                session,
                world,
                draft.with_u32_le("cSegments", u32::MAX).to_bytes(),
            )
        },
    )
    .tags(&[Tag::Hostile, Tag::V1]),
    Case::client(
        "pccrtp-client-information-of-other-length",
        "content information that is not as long as ContentLength makes no wrong file",
        &["PCCRC-2.1-05"],
        |session| {
            let mut world = World::segments(session, 3);
            world.origin.length = Some(77);
            world.peer(peer::honest)?;
            let outcome = world.run()?;
            session.is_never_wrong(&world, &outcome, "PCCRC-2.1-05")
        },
    )
    .tags(&[Tag::Hostile, Tag::V2]),
    Case::client(
        "pccrtp-client-slow-origin",
        "an origin that takes its time is waited for",
        &["PCCRTP-2.1-01"],
        |session| {
            let mut world = World::blocks(session, 2);
            world.origin.delay = Duration::from_millis(1_500);
            let outcome = world.run()?;
            session.is_whole(&world, &outcome, "PCCRTP-2.1-01")
        },
    ),
    Case::client(
        "pccrtp-client-missing-data-breaks-off",
        "missing data that break off are never taken for whole",
        &["PCCRC-2.1-05"],
        |session| {
            let mut world = World::blocks(session, 3);
            world.origin.breaks_after = Some(50_000);
            let outcome = world.run()?;
            session.is_never_wrong(&world, &outcome, "PCCRC-2.1-05")
        },
    )
    .tags(&[Tag::Hostile]),
];

fn with_information<'a>(
    session: &'a Session<'a, Client>,
    mut world: World<'a>,
    info: Vec<u8>,
) -> Outcome {
    world.origin.info = Some(info);
    world.peer(peer::honest)?;
    let outcome = world.run()?;
    session.is_never_wrong(&world, &outcome, "PCCRC-2.1-05")
}
