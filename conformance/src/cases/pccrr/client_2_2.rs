//! MS-PCCRR 2.1 and 2.2: the requests of a client, as they travel.
//! Invariant: what is said of requests is asserted of every one that came.
//! Byte order: big-endian.

use crate::judge::session::Session;
use crate::judge::{Case, Outcome as Found, Stop, Tag};
use crate::targets::client::Client;
use crate::targets::client::world::{Outcome, World, peer};
use crate::wire::cipher::algorithm;
use crate::wire::content_info::{ContentInfo, Version};
use crate::wire::digest::Algorithm;
use crate::wire::retrieval::{self, Body, VERSION_1, kind};

/// A run in which blocks and lists are asked for at one good peer.
fn requests<'a>(session: &'a Session<'a, Client>) -> Result<(World<'a>, Outcome), Stop> {
    let mut world = World::blocks(session, 6);
    world.peer(peer::honest)?;
    let outcome = world.run()?;
    session.asked_peer(&outcome, 0)?;
    Ok((world, outcome))
}

pub(super) const CASES: &[Case] = &[
    Case::client(
        "pccrr-client-post",
        "messages are posted to the path of the peer that discovery gave, one a request",
        &["PCCRR-2.1.1-01", "PCCRR-2.1.1-02", "PCCRR-2.1.1-04"],
        |session| {
            let (_, outcome) = requests(session)?;
            for request in &outcome.seen.requests {
                let start = &request.head.start;
                let is_good = request.head.request() == Some(("POST", retrieval::PATH))
                    && start.ends_with("HTTP/1.1");
                session.holds(
                    is_good,
                    "PCCRR-2.1.1-01",
                    format_args!("the request is '{start}'"),
                )?;
                session.holds(
                    is_good,
                    "PCCRR-2.1.1-04",
                    format_args!("the request is '{start}'"),
                )?;
                session.reads("PCCRR-2.1.1-02", request.message.clone())?;
            }
            Ok(())
        },
    ),
    Case::client(
        "pccrr-client-layout",
        "every request reads well to its last byte, with its length in MsgSize and zeros for padding",
        &[
            "PCCRR-2.2.4-01",
            "PCCRR-2.2.3-10",
            "PCCRR-2.2.4.2-01",
            "PCCRR-2.2.4.2-05",
            "PCCRR-2.2.4.3-01",
            "PCCRR-2.2.4.3-02",
            "PCCRR-2.2-02",
            "PCCRR-2.2.3-11",
        ],
        |session| {
            let (_, outcome) = requests(session)?;
            for request in &outcome.seen.requests {
                let message = session.reads("PCCRR-2.2.4-01", request.message.clone())?;
                let length = request.bytes.len();
                let found = format!("a request of {length} bytes");
                let is_good = (16..=retrieval::REQUEST_MAX_BYTES).contains(&length);
                for requirement in ["PCCRR-2.2-02", "PCCRR-2.2.3-11", "PCCRR-2.2.3-10"] {
                    session.holds(is_good, requirement, &found)?;
                }
                // The judge's reader refuses every other layout.
                let requirements: &[&'static str] = match message.kind {
                    kind::GET_BLOCK_LIST => &["PCCRR-2.2.4.2-01", "PCCRR-2.2.4.2-05"],
                    kind::GET_BLOCKS => &["PCCRR-2.2.4.3-01", "PCCRR-2.2.4.3-02"],
                    _ => &[],
                };
                for requirement in requirements {
                    session.reads(requirement, retrieval::read(&request.bytes))?;
                }
            }
            Ok(())
        },
    ),
    Case::client(
        "pccrr-client-version",
        "requests that version 1.0 defines carry ProtVer 1.0",
        &["PCCRR-2.2.3-07", "PCCRR-2.2.3-05", "PCCRR-1.7-01"],
        |session| {
            let (_, outcome) = requests(session)?;
            for (_, message) in outcome.messages() {
                if message.kind == kind::GET_SEGMENT_LIST {
                    continue;
                }
                let field = format!("ProtVer of {}", retrieval::name_of(message.kind));
                for requirement in ["PCCRR-1.7-01", "PCCRR-2.2.3-05", "PCCRR-2.2.3-07"] {
                    session.equal(requirement, &field, &message.version, &VERSION_1)?;
                }
            }
            Ok(())
        },
    ),
    Case::client(
        "pccrr-client-request-types",
        "only requests travel as requests",
        &["PCCRR-2.2.3-02"],
        |session| {
            let (_, outcome) = requests(session)?;
            for (_, message) in outcome.messages() {
                let is_request = matches!(
                    message.kind,
                    kind::NEGOTIATION_REQUEST
                        | kind::GET_BLOCK_LIST
                        | kind::GET_BLOCKS
                        | kind::GET_SEGMENT_LIST
                );
                session.holds(
                    is_request,
                    "PCCRR-2.2.3-02",
                    retrieval::name_of(message.kind),
                )?;
            }
            Ok(())
        },
    ),
    Case::client(
        "pccrr-client-algorithm",
        "requests for blocks prefer AES-128, and name no algorithm that there is not",
        &["PCCRR-2.2.3-13", "PCCRR-2.2.3-15"],
        |session| {
            let (_, outcome) = requests(session)?;
            for wanted in session.some_blocks(&outcome)? {
                let found = format!("CryptoAlgoId is {}", wanted.message.algorithm);
                let is_known = wanted.message.algorithm <= algorithm::AES_256;
                session.holds(is_known, "PCCRR-2.2.3-15", &found)?;
                let is_preferred = wanted.message.algorithm == algorithm::AES_128;
                session.holds(is_preferred, "PCCRR-2.2.3-13", &found)?;
            }
            Ok(())
        },
    ),
    Case::client(
        "pccrr-client-one-block",
        "a request for blocks names one range of one block",
        &[
            "PCCRR-2.2.4.3-04",
            "PCCRR-2.2.4.3-03",
            "PCCRR-2.2.3-09",
            "PCCRR-3.1.4.3-03",
        ],
        |session| {
            let (_, outcome) = requests(session)?;
            for wanted in session.some_blocks(&outcome)? {
                let found = format!("the ranges are {:?}", wanted.ranges);
                let count = wanted.ranges.len();
                session.holds((1..=256).contains(&count), "PCCRR-2.2.4.3-03", &found)?;
                let is_one = matches!(wanted.ranges, [range] if range.count == 1);
                for requirement in ["PCCRR-2.2.3-09", "PCCRR-3.1.4.3-03", "PCCRR-2.2.4.3-04"] {
                    if is_one {
                        session.holds(true, requirement, &found)?;
                    } else {
                        session.quirk("rr-many-blocks-requested", requirement, &found)?;
                    }
                }
            }
            Ok(())
        },
    )
    .quirks(&["rr-many-blocks-requested"])
    .tags(&[Tag::V1]),
    Case::client(
        "pccrr-client-block-0-of-v2-segment",
        "a version 2.0 segment is asked for as block 0 with a count of 1",
        &["PCCRR-2.2.4.3-06"],
        |session| {
            let mut world = World::segments(session, 5);
            world.peer(peer::honest)?;
            let outcome = world.run()?;
            for wanted in session.some_blocks(&outcome)? {
                let is_good =
                    matches!(wanted.ranges, [range] if range.index == 0 && range.count == 1);
                let found = format_args!("the ranges are {:?}", wanted.ranges).to_string();
                session.holds(is_good, "PCCRR-2.2.4.3-06", found)?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::V2]),
    Case::client(
        "pccrr-client-vrf-data",
        "requests for blocks carry no data for verification",
        &["PCCRR-2.2.4.3-05"],
        |session| {
            let (_, outcome) = requests(session)?;
            session.some_blocks(&outcome)?;
            for (_, message) in outcome.messages() {
                if let Body::GetBlocks {
                    data_for_vrf_block, ..
                } = &message.body
                {
                    let length = data_for_vrf_block.len();
                    session.equal("PCCRR-2.2.4.3-05", "SizeOfDataForVrfBlock", &length, &0)?;
                }
            }
            Ok(())
        },
    ),
    Case::client(
        "pccrr-client-no-key",
        "no request carries the segment secret or a part of it that is a key",
        &["PCCRR-5.1-03", "PCCRC-2.2-07"],
        |session| {
            let (world, outcome) = requests(session)?;
            let segments = &world.shared.holding.info.segments;
            for request in &outcome.seen.requests {
                let carries = segments.iter().any(|segment| {
                    let key = segment.secret.get(..16).unwrap_or_default();
                    request.bytes.windows(16).any(|part| part == key)
                });
                session.holds(!carries, "PCCRC-2.2-07", "a request carries the key")?;
                session.holds(!carries, "PCCRR-5.1-03", "a request carries the key")?;
            }
            Ok(())
        },
    ),
    Case::client(
        "pccrr-client-ranges",
        "lists are asked for with 1 to 256 ranges inside the segment, none of them empty",
        &[
            "PCCRR-2.2.4.2-06",
            "PCCRR-2.2.1.1-02",
            "PCCRR-2.2.1.1-03",
            "PCCRR-2.2.4.2-07",
        ],
        |session| {
            let (_, outcome) = requests(session)?;
            for wanted in session.some_lists(&outcome)? {
                let found = format!("the ranges are {:?}", wanted.ranges);
                session.holds(
                    (1..=256).contains(&wanted.ranges.len()),
                    "PCCRR-2.2.4.2-06",
                    &found,
                )?;
                for range in wanted.ranges {
                    session.holds(range.count > 0, "PCCRR-2.2.1.1-02", &found)?;
                    let end = u64::from(range.index) + u64::from(range.count);
                    session.holds(end <= 512, "PCCRR-2.2.1.1-03", &found)?;
                    // What was asked for has six blocks.
                    session.holds(range.index < 6, "PCCRR-2.2.4.2-07", &found)?;
                }
            }
            Ok(())
        },
    )
    .tags(&[Tag::V1]),
    Case::client(
        "pccrr-client-ranges-joined",
        "ranges are sorted, apart and joined, as Windows sends them",
        &["PCCRR-2.2.4.2-08"],
        |session| {
            let (_, outcome) = requests(session)?;
            for wanted in session.some_lists(&outcome)? {
                let apart = wanted.ranges.windows(2).all(|two| match two {
                    [before, after] => before.index.saturating_add(before.count) < after.index,
                    _ => true,
                });
                if apart {
                    session.holds(true, "PCCRR-2.2.4.2-08", "")?;
                } else {
                    let found = format!("the ranges are {:?}", wanted.ranges);
                    session.quirk("rr-ranges-not-normalised", "PCCRR-2.2.4.2-08", found)?;
                }
            }
            Ok(())
        },
    )
    .quirks(&["rr-ranges-not-normalised"])
    .tags(&[Tag::V1]),
    Case::client(
        "pccrr-client-id-of-32-bytes",
        "segments of SHA-256 are asked for by ids of 32 bytes",
        &["PCCRR-2.2.4.2-04", "PCCRR-2.2.4.2-02"],
        |session| ids_of(session, Algorithm::Sha256, "PCCRR-2.2.4.2-04"),
    )
    .tags(&[Tag::V1]),
    Case::client(
        "pccrr-client-id-of-48-bytes",
        "segments of SHA-384 are asked for by ids of 48 bytes",
        &["PCCRR-2.2.4.2-03", "PCCRR-2.2.4.2-02"],
        |session| ids_of(session, Algorithm::Sha384, "PCCRR-2.2.4.2-03"),
    )
    .tags(&[Tag::V1]),
    Case::client(
        "pccrr-client-id-of-64-bytes",
        "segments of SHA-512 are asked for by ids of 64 bytes",
        &["PCCRR-2.2.4.2-03", "PCCRR-2.2.4.2-02"],
        |session| ids_of(session, Algorithm::Sha512, "PCCRR-2.2.4.2-03"),
    )
    .tags(&[Tag::V1]),
    Case::client(
        "pccrr-client-no-segment-list-to-peers",
        "peers are not asked for lists of segments",
        &["PCCRR-3-04"],
        |session| {
            let mut of_v2 = World::segments(session, 12);
            of_v2.peer(peer::honest)?;
            for outcome in [requests(session)?.1, of_v2.run()?] {
                for (_, message) in outcome.messages() {
                    let is_list = message.kind == kind::GET_SEGMENT_LIST;
                    session.holds(!is_list, "PCCRR-3-04", "a peer was sent MSG_GETSEGLIST")?;
                }
            }
            Ok(())
        },
    ),
];

fn ids_of<'a>(
    session: &'a Session<'a, Client>,
    algorithm: Algorithm,
    requirement: &'static str,
) -> Found {
    let mut world = World::with(session, Version::V1, 5 * 65_536, algorithm);
    world.peer(peer::honest)?;
    let outcome = world.run()?;
    session.is_whole(&world, &outcome, requirement)?;
    let info: &ContentInfo = &world.shared.holding.info;
    for wanted in session.some_blocks(&outcome)? {
        let is_known = info
            .segments
            .iter()
            .any(|segment| segment.id() == wanted.segment_id);
        session.holds(
            is_known,
            requirement,
            "a segment was asked for that the content has not",
        )?;
        let length = wanted.segment_id.len();
        session.equal(
            "PCCRR-2.2.4.2-02",
            "SizeOfSegmentID",
            &length,
            &algorithm.len(),
        )?;
    }
    Ok(())
}
