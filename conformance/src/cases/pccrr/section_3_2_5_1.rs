//! MS-PCCRR 3.2.5.1: negotiation, and versions in 3.1.5.1.
//! Invariant: a version says which answer comes; it never keeps one from coming.
//! Byte order: big-endian.

use crate::judge::session::Session;
use crate::judge::{Case, Outcome, Tag};
use crate::targets::peer::Peer;
use crate::wire::cipher::algorithm;
use crate::wire::content_info::Version;
use crate::wire::retrieval::{
    Body, Range, VERSION_1, VERSION_2, get_block_list, get_blocks, get_segment_list, kind,
    negotiation_request,
};

/// Version 9.0, which nobody supports.
const VERSION_9: u32 = 9;
/// Version 1.7.
const VERSION_1_7: u32 = 0x0007_0001;

pub(super) const CASES: &[Case] = &[
    Case::peer(
        "pccrr-peer-negotiation",
        "a negotiation request is answered with the versions that the peer supports",
        &["PCCRR-3.2.5.1-01", "PCCRR-3-02", "PCCRR-2.2.5.1-01"],
        |session| {
            let answered = session.ask(&negotiation_request(VERSION_1, VERSION_2), "PCCRR-3-02")?;
            session.is_kind(
                answered.message.kind,
                kind::NEGOTIATION_RESPONSE,
                "PCCRR-3-02",
            )?;
            let Body::Negotiation { min, max } = answered.message.body else {
                return Ok(());
            };
            session.equal(
                "PCCRR-2.2.5.1-01",
                "bytes of the message",
                &answered.bytes.len(),
                &24,
            )?;
            let (lowest, highest) = (min & 0xffff, max & 0xffff);
            let found = format_args!("versions {min:#010x} to {max:#010x}");
            session.holds(
                (1..=2).contains(&lowest) && (lowest..=2).contains(&highest),
                "PCCRR-3.2.5.1-01",
                found,
            )
        },
    ),
    Case::peer(
        "pccrr-peer-negotiation-same-answer",
        "what a peer supports does not depend on what the client does",
        &["PCCRR-3.2.5.1-01", "PCCRR-3.2.5.1-03"],
        |session| {
            let mut seen = Vec::new();
            for (min, max) in [
                (VERSION_1, VERSION_1),
                (VERSION_2, VERSION_2),
                (VERSION_9, VERSION_9),
                (VERSION_2, VERSION_1),
                (0, u32::MAX),
            ] {
                let answered = session.ask(&negotiation_request(min, max), "PCCRR-3.2.5.1-03")?;
                session.is_kind(
                    answered.message.kind,
                    kind::NEGOTIATION_RESPONSE,
                    "PCCRR-3.2.5.1-03",
                )?;
                seen.push(answered.message.body);
            }
            let same = seen.windows(2).all(|two| two.first() == two.last());
            session.holds(
                same,
                "PCCRR-3.2.5.1-01",
                format_args!("the answers are {seen:?}"),
            )
        },
    ),
    Case::peer(
        "pccrr-peer-version-of-list-request",
        "MSG_GETBLKLIST of a version that is not supported is answered by negotiation",
        &["PCCRR-3.2.5.2-01", "PCCRR-2.2.5.1-02", "PCCRR-3-03"],
        |session| {
            let request =
                get_block_list(&session.random(32), &[Range::new(0, 1)], algorithm::AES_128);
            is_negotiation(
                session,
                &request.with_u32_be("ProtVer", VERSION_9),
                "PCCRR-3.2.5.2-01",
            )?;
            session.holds(true, "PCCRR-2.2.5.1-02", "")?;
            session.holds(true, "PCCRR-3-03", "")
        },
    ),
    Case::peer(
        "pccrr-peer-version-of-block-request",
        "MSG_GETBLKS of a version that is not supported is answered by negotiation",
        &["PCCRR-3.2.5.3-01"],
        |session| {
            let request = get_blocks(&session.random(32), &[Range::new(0, 1)], algorithm::AES_128);
            is_negotiation(
                session,
                &request.with_u32_be("ProtVer", VERSION_9),
                "PCCRR-3.2.5.3-01",
            )
        },
    ),
    Case::peer(
        "pccrr-peer-version-of-segment-list-request",
        "MSG_GETSEGLIST of a version that is not supported is answered by negotiation",
        &["PCCRR-3.2.5.4-01"],
        |session| {
            let id = session.random(32);
            let request = get_segment_list(session.random_array(), &[&id], &[]);
            is_negotiation(
                session,
                &request.with_u32_be("ProtVer", VERSION_9),
                "PCCRR-3.2.5.4-01",
            )
        },
    )
    .tags(&[Tag::V2]),
    Case::peer(
        "pccrr-peer-version-zero",
        "a request of version 0.0 is answered by negotiation",
        &["PCCRR-3.2.5.3-01"],
        |session| {
            let request = get_blocks(&session.random(32), &[Range::new(0, 1)], algorithm::AES_128);
            is_negotiation(
                session,
                &request.with_u32_be("ProtVer", 0),
                "PCCRR-3.2.5.3-01",
            )
        },
    )
    .tags(&[Tag::Hostile]),
    Case::peer(
        "pccrr-peer-version-other-minor",
        "minor versions keep nobody from being served",
        &["PCCRR-3.1.5.1-06", "PCCRR-3.2.5.2-02", "PCCRR-3.2.5.3-02"],
        |session| {
            let id = session.random(32);
            let list = get_block_list(&id, &[Range::new(0, 1)], algorithm::AES_128);
            let answered = session.ask(
                &list.with_u32_be("ProtVer", VERSION_1_7),
                "PCCRR-3.2.5.2-02",
            )?;
            session.is_kind(answered.message.kind, kind::BLOCK_LIST, "PCCRR-3.2.5.2-02")?;
            let blocks = get_blocks(&id, &[Range::new(0, 1)], algorithm::AES_128);
            let answered = session.ask(
                &blocks.with_u32_be("ProtVer", VERSION_1_7),
                "PCCRR-3.2.5.3-02",
            )?;
            session.is_kind(answered.message.kind, kind::BLOCK, "PCCRR-3.2.5.3-02")?;
            session.holds(true, "PCCRR-3.1.5.1-06", "")
        },
    ),
    Case::peer(
        "pccrr-peer-version-2-of-block-request",
        "a block is served to a client that writes version 2.0 into its request",
        &["PCCRR-3.2.5.3-02"],
        |session| {
            let (segment, _) = session
                .segment(Version::V1, 1)
                .or_else(|_| session.segment(Version::V2, 1))?;
            let request = get_blocks(&segment.id(), &[Range::new(0, 1)], algorithm::AES_128);
            let answered = session.ask(
                &request.with_u32_be("ProtVer", VERSION_2),
                "PCCRR-3.2.5.3-02",
            )?;
            let block = session.block_of(answered, "PCCRR-3.2.5.3-02")?;
            session.holds(
                !block.block.is_empty(),
                "PCCRR-3.2.5.3-02",
                "the block is empty",
            )
        },
    )
    .tags(&[Tag::V2]),
];

fn is_negotiation(
    session: &Session<'_, Peer>,
    request: &crate::wire::draft::Draft,
    requirement: &'static str,
) -> Outcome {
    let answered = session.ask(request, requirement)?;
    session.is_kind(
        answered.message.kind,
        kind::NEGOTIATION_RESPONSE,
        requirement,
    )
}
