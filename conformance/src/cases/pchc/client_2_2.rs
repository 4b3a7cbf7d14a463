//! MS-PCHC 2.1 and 2.2: the offers of a client, as they travel.
//! Invariant: what is said of offers is asserted of every one that came.
//! Byte order: big-endian.

use std::collections::BTreeSet;

use crate::judge::session::Session;
use crate::judge::{Case, Stop, Tag};
use crate::targets::client::Client;
use crate::targets::client::world::cache::CacheScript;
use crate::targets::client::world::{Outcome, World};
use crate::wire::content_info::Version;
use crate::wire::hosted_cache::{Descriptor, Offer, PATH_V2, kind};

/// A run beside a hosted cache that has nothing, and the offers that it brings.
fn offers<'a>(
    session: &'a Session<'a, Client>,
    mut world: World<'a>,
    requirement: &'static str,
) -> Result<(World<'a>, Outcome, Vec<Offer>), Stop> {
    world.cache(CacheScript::empty())?;
    let outcome = world.run()?;
    if outcome.seen.offers.is_empty() {
        return Err(Stop::Skip("the client offered nothing".to_owned()));
    }
    let mut offers = Vec::new();
    for offered in &outcome.seen.offers {
        offers.push(session.reads(requirement, offered.offer.clone())?);
    }
    Ok((world, outcome, offers))
}

/// What descriptors are held against.
const DESCRIBED: &[&str] = &[
    "PCHC-2.2.1.5-03",
    "PCHC-2.2.1.5-04",
    "PCHC-2.2.1.5-05",
    "PCHC-2.2.1.5-07",
    "PCHC-2.2.1.5-08",
];

/// Descriptors as the content has them.
fn described<'a>(
    session: &'a Session<'a, Client>,
    world: World<'a>,
    algorithm: u8,
) -> crate::judge::Outcome {
    let (world, _, offers) = offers(session, world, "PCHC-2.2.1.5-03")?;
    let segments = &world.shared.holding.info.segments;
    for offered in all(&offers) {
        let segment = segments
            .iter()
            .find(|segment| segment.id() == offered.segment_id);
        let Some(segment) = segment else {
            let found = "a segment id is offered that the content has not";
            return session.holds(false, "PCHC-2.2.1.5-08", found);
        };
        session.equal(
            "PCHC-2.2.1.5-08",
            "bytes of SegmentHoHoDk",
            &offered.segment_id.len(),
            &32,
        )?;
        session.equal(
            "PCHC-2.2.1.5-05",
            "SegmentSize",
            &offered.segment_size,
            &segment.length,
        )?;
        let found = format!("BlockSize is {}", offered.block_size);
        let is_good = match world.version() {
            Version::V1 => offered.block_size == 65_536,
            Version::V2 => offered.block_size >= segment.length,
        };
        session.holds(is_good, "PCHC-2.2.1.5-04", found)?;
        session.equal(
            "PCHC-2.2.1.5-07",
            "HashAlgorithm",
            &offered.hash_algorithm,
            &algorithm,
        )?;
    }
    Ok(())
}

fn all(offers: &[Offer]) -> Vec<Descriptor> {
    offers
        .iter()
        .flat_map(|offer| offer.segments.clone())
        .collect()
}

pub(super) const CASES: &[Case] = &[
    Case::client(
        "pchc-client-post",
        "offers are posted over HTTP to the path of version 2.0",
        &["PCHC-2.1-01", "PCHC-1.7-01"],
        |session| {
            let mut world = World::segments(session, 2);
            world.cache(CacheScript::empty())?;
            let outcome = world.run()?;
            if outcome.seen.offers.is_empty() {
                return Err(Stop::Skip("the client offered nothing".to_owned()));
            }
            for offered in &outcome.seen.offers {
                let found = format!("the request is '{}'", offered.head.start);
                let is_post = offered.head.request().is_some_and(|(method, path)| {
                    method == "POST" && path.eq_ignore_ascii_case(PATH_V2)
                });
                session.holds(is_post, "PCHC-2.1-01", &found)?;
                session.holds(is_post, "PCHC-1.7-01", found)?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::V2]),
    Case::client(
        "pchc-client-header",
        "an offer over HTTP is of version 2.0, minor version first, and of type 3",
        &[
            "PCHC-2.2.1.1-02",
            "PCHC-2.2.1.1-03",
            "PCHC-2.2.1.1-04",
            "PCHC-2.2.1.1-01",
            "PCHC-2.2.1.5-01",
            "PCHC-2.2.1-01",
        ],
        |session| {
            let world = World::segments(session, 2);
            let (_, _, offers) = offers(session, world, "PCHC-2.2.1.5-01")?;
            for offer in offers {
                session.equal("PCHC-2.2.1.1-02", "Version", &offer.version, &[0, 2])?;
                session.equal("PCHC-2.2.1.1-01", "Version", &offer.version, &[0, 2])?;
                session.equal(
                    "PCHC-2.2.1.1-03",
                    "MinorVersion",
                    &offer.version.first(),
                    &Some(&0),
                )?;
                session.equal("PCHC-2.2.1.1-04", "Type", &offer.kind, &kind::BATCHED_OFFER)?;
                session.holds(
                    !offer.segments.is_empty(),
                    "PCHC-2.2.1-01",
                    "the offer has no body",
                )?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::V2]),
    Case::client(
        "pchc-client-descriptors-1",
        "a segment of version 1.0 is offered with its size, blocks of 65,536 bytes and SHA-256",
        DESCRIBED,
        |session| described(session, World::blocks(session, 3), 1),
    )
    .tags(&[Tag::V1]),
    Case::client(
        "pchc-client-descriptors-2",
        "a segment of version 2.0 is offered with its size and truncated SHA-512",
        DESCRIBED,
        |session| described(session, World::segments(session, 3), 4),
    )
    .tags(&[Tag::V2]),
    Case::client(
        "pchc-client-tag",
        "the content tag has 16 bytes",
        &["PCHC-2.2.1.5-06", "PCHC-3.2.1-03"],
        |session| {
            let world = World::segments(session, 3);
            let (_, _, offers) = offers(session, world, "PCHC-3.2.1-03")?;
            for offered in all(&offers) {
                let length = offered.content_tag.len();
                session.equal("PCHC-2.2.1.5-06", "SizeOfContentTag", &length, &16)?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::V2]),
    Case::client(
        "pchc-client-one-tag",
        "all that one client offers has one content tag",
        &["PCHC-3.2.1-04"],
        |session| {
            let world = World::segments(session, 3);
            let (_, _, offers) = offers(session, world, "PCHC-3.2.1-04")?;
            let tags: BTreeSet<Vec<u8>> = all(&offers)
                .into_iter()
                .map(|one| one.content_tag)
                .collect();
            session.equal("PCHC-3.2.1-04", "content tags", &tags.len(), &1)
        },
    )
    .tags(&[Tag::V2]),
    Case::client(
        "pchc-client-at-most-128",
        "of 300 segments no offer has more than 128",
        &["PCHC-2.2.1.5-02"],
        |session| {
            let world = World::segments(session, 300);
            let (_, _, offers) = offers(session, world, "PCHC-2.2.1.5-02")?;
            for offer in offers {
                let count = offer.segments.len();
                session.holds(
                    count <= 128,
                    "PCHC-2.2.1.5-02",
                    format_args!("{count} descriptors"),
                )?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::V2, Tag::Load]),
    Case::client(
        "pchc-client-serves-offered",
        "at the port of an offer the client serves what it offered",
        &["PCHC-2.2.1.2-01", "PCHC-1.5-01", "PCHC-3.2.1-02"],
        |session| {
            for world in [World::segments(session, 3), World::blocks(session, 3)] {
                let (_, outcome, _) = offers(session, world, "PCHC-1.5-01")?;
                session.served_what_it_offered(&outcome)?;
            }
            Ok(())
        },
    ),
];
