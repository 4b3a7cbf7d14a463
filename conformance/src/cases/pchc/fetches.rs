//! MS-PCHC 3.1.5 and MS-PCCRR 3.1: how a cache asks the client that offered.
//! Invariant: everything that it asks is read by the judge's own reader.
//! Byte order: that of MS-PCCRR.

use super::SEGMENT_BYTES;
use crate::judge::session::Session;
use crate::judge::{Case, Stop, Tag};
use crate::targets::hosted_cache::HostedCache;
use crate::targets::offering_client::{Asked, Offered};
use crate::wire::cipher::algorithm;
use crate::wire::content_info::Version;
use crate::wire::digest::Algorithm;
use crate::wire::retrieval::{self, Body, Message, VERSION_1, kind};

pub(super) const CASES: &[Case] = &[
    Case::hosted_cache(
        "pchc-cache-asks-in-good-form",
        "all that the cache asks of a client are requests of retrieval in good form, at its path",
        &[
            "PCHC-3.1.5.3-03",
            "PCCRR-2.2.3-11",
            "PCCRR-2.2.4.2-05",
            "PCCRR-2.2.3-07",
            "PCCRR-2.2-02",
        ],
        |session| {
            for asked in asked_in_both(session)? {
                let is_there = asked.method == "POST"
                    && asked.path.eq_ignore_ascii_case(retrieval::PATH);
                session.holds(
                    is_there,
                    "PCHC-3.1.5.3-03",
                    format_args!("the cache asked by '{} {}'", asked.method, asked.path),
                )?;
                let is_long = (16..=retrieval::REQUEST_MAX_BYTES).contains(&asked.length);
                for requirement in ["PCCRR-2.2-02", "PCCRR-2.2.3-11"] {
                    let found = format_args!("a request of {} bytes", asked.length);
                    session.holds(is_long, requirement, found)?;
                }
                let why = asked.message.as_ref().err().cloned().unwrap_or_default();
                session.holds(asked.message.is_ok(), "PCCRR-2.2.4.2-05", why)?;
                if let Ok(message) = &asked.message
                    && message.kind <= kind::BLOCK
                {
                    let (found, expected) = (message.version, VERSION_1);
                    session.equal("PCCRR-2.2.3-07", "ProtVer", &found, &expected)?;
                }
            }
            Ok(())
        },
    )
    .tags(&[Tag::V1, Tag::V2]),
    Case::hosted_cache(
        "pchc-cache-asks-one-block-at-a-time",
        "MSG_GETBLKS of the cache asks for one block, and it asks for no block that the segment has not",
        &["PCCRR-2.2.4.3-04", "PCCRR-2.2.4.3-03", "PCCRR-3.1.4.3-03"],
        |session| {
            for asked in asked_in_both(session)? {
                let Ok(Message {
                    body: Body::GetBlocks { ranges, .. },
                    ..
                }) = &asked.message
                else {
                    continue;
                };
                session.equal("PCCRR-2.2.4.3-03", "ReqBlockRangeCount", &ranges.len(), &1)?;
                let counts: Vec<u32> = ranges.iter().map(|range| range.count).collect();
                session.equal("PCCRR-2.2.4.3-04", "Count of ReqBlockRanges", &counts, &vec![1])?;
                let is_inside = ranges.iter().all(|range| range.index < 4);
                session.holds(
                    is_inside,
                    "PCCRR-3.1.4.3-03",
                    format_args!("the ranges are {ranges:?}, and the segment has 4 blocks"),
                )?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::V1, Tag::V2]),
    Case::hosted_cache(
        "pchc-cache-asks-for-known-algorithms",
        "the cache asks for blocks in an encryption that exists",
        &["PCCRR-2.2.3-15"],
        |session| {
            for asked in asked_in_both(session)? {
                if let Ok(message) = &asked.message {
                    session.holds(
                        message.algorithm <= algorithm::AES_256,
                        "PCCRR-2.2.3-15",
                        format_args!("CryptoAlgoId is {}", message.algorithm),
                    )?;
                }
            }
            Ok(())
        },
    )
    .tags(&[Tag::V1, Tag::V2]),
    Case::hosted_cache(
        "pchc-cache-asks-for-what-was-offered",
        "the cache asks a client for the segments of its offer and for no others",
        &["PCHC-3.1.5.3-04", "PCHC-3.1.5.2-03"],
        |session| {
            let (first, second) = (session.segment_v2(9_000), session.segment_v2(9_001));
            let third = session.segment_v1(9_002, Algorithm::Sha256);
            let batched = session.client(Version::V2, &[&first, &second])?;
            let informed = session.client(Version::V1, &[&third])?;
            session.offer_batch(&batched, &[&first], "PCHC-3.1.5.3-04")?;
            session.inform(&informed, &third, "PCHC-3.1.5.2-03")?;
            session.is_served(&first, "PCHC-3.1.5.3-04")?;
            session.is_served(&third, "PCHC-3.1.5.2-03")?;
            for (client, offered, requirement) in [
                (&batched, &first, "PCHC-3.1.5.3-04"),
                (&informed, &third, "PCHC-3.1.5.2-03"),
            ] {
                let id = offered.segment.id();
                for asked in client.asked() {
                    let found = segment_of(&asked);
                    session.holds(
                        found.as_ref().is_none_or(|found| *found == id),
                        requirement,
                        format_args!("the segment {found:02x?} is asked for, offered was {id:02x?}"),
                    )?;
                }
            }
            Ok(())
        },
    )
    .tags(&[Tag::V1, Tag::V2]),
    Case::hosted_cache(
        "pchc-cache-asks-no-segment-lists",
        "the cache sends no MSG_GETSEGLIST: those go to hosted caches alone",
        &["PCCRR-3-04"],
        |session| {
            for asked in asked_in_both(session)? {
                let found = asked.message.as_ref().map_or(0, |message| message.kind);
                session.holds(
                    found != kind::GET_SEGMENT_LIST,
                    "PCCRR-3-04",
                    "the cache sent MSG_GETSEGLIST to a client",
                )?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::V1, Tag::V2]),
];

fn segment_of(asked: &Asked) -> Option<Vec<u8>> {
    match &asked.message.as_ref().ok()?.body {
        Body::GetBlockList { segment_id, .. } | Body::GetBlocks { segment_id, .. } => {
            Some(segment_id.clone())
        }
        _ => None,
    }
}

/// What the cache asks a client that offers a segment in each version.
fn asked_in_both(session: &Session<'_, HostedCache>) -> Result<Vec<Asked>, Stop> {
    let requirement = session.about();
    let v1 = session.segment_v1(SEGMENT_BYTES, Algorithm::Sha256);
    let v2: Offered = session.segment_v2(50_000);
    let (first, second) = (
        session.client(Version::V1, &[&v1])?,
        session.client(Version::V2, &[&v2])?,
    );
    session.inform(&first, &v1, requirement)?;
    session.offer_batch(&second, &[&v2], requirement)?;
    session.is_fetched(&first, &v1, &[0, 1, 2, 3], requirement)?;
    session.is_fetched(&second, &v2, &[0], requirement)?;
    let mut asked = first.asked();
    asked.extend(second.asked());
    Ok(asked)
}
