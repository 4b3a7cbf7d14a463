//! MS-PCHC 3.1.1: the block cache, and that it is served by retrieval.
//! Invariant: whoever asks the cache is any client, and knows hashes and secret from its content server.
//! Byte order: that of MS-PCCRR.

use super::SEGMENT_BYTES;
use crate::judge::session::Session;
use crate::judge::{Case, Outcome, Stop, Tag};
use crate::targets::hosted_cache::{HostedCache, PORT_OF_NOBODY};
use crate::targets::offering_client::Offered;
use crate::wire::cipher::algorithm;
use crate::wire::content_info::Version;
use crate::wire::digest::Algorithm;
use crate::wire::hosted_cache::{Descriptor, batched_offer};
use crate::wire::retrieval::{self, Body, Range, VERSION_1, VERSION_2, get_segment_list, kind};

pub(super) const CASES: &[Case] = &[
    Case::hosted_cache(
        "pchc-cache-serves-retrieval",
        "the cache answers requests of retrieval where it takes offers over HTTP",
        &["PCHC-3.1.1-02"],
        |session| {
            let cache = session.target.peer();
            session.beside(&cache).still_serves("PCHC-3.1.1-02")
        },
    ),
    Case::hosted_cache(
        "pchc-cache-serves-after-the-client",
        "what was fetched is served when the client that offered it is gone",
        &["PCHC-3.1.1-02", "PCHC-3.1.5.2-04", "PCHC-3.1.5.3-05"],
        |session| {
            let v1 = session.segment_v1(SEGMENT_BYTES, Algorithm::Sha256);
            let v2 = session.segment_v2(50_001);
            {
                let first = session.client(Version::V1, &[&v1])?;
                let second = session.client(Version::V2, &[&v2])?;
                session.inform(&first, &v1, "PCHC-3.1.5.2-04")?;
                session.offer_batch(&second, &[&v2], "PCHC-3.1.5.3-05")?;
                session.is_served(&v1, "PCHC-3.1.5.2-04")?;
                session.is_served(&v2, "PCHC-3.1.5.3-05")?;
            }
            session.is_served(&v1, "PCHC-3.1.1-02")?;
            session.is_served(&v2, "PCHC-3.1.1-02")
        },
    )
    .tags(&[Tag::V1, Tag::V2]),
    Case::hosted_cache(
        "pchc-cache-does-not-say-more",
        "of a segment that was offered in part the cache lists those blocks alone",
        &["PCHC-3.1.1-02", "PCHC-3.1.5.2-04"],
        |session| {
            let offered = session
                .segment_v1(SEGMENT_BYTES, Algorithm::Sha256)
                .only([1, 3]);
            let client = session.client(Version::V1, &[&offered])?;
            session.inform(&client, &offered, "PCHC-3.1.5.2-04")?;
            session.is_served(&offered, "PCHC-3.1.5.2-04")?;
            client.settles(session.settings.silence, session.settings.answer);
            let listed = listed(session, &offered)?;
            session.equal("PCHC-3.1.1-02", "the blocks listed", &listed, &vec![1, 3])?;
            let served = session.serves_nothing_wrong(&offered, "PCHC-3.1.1-02")?;
            session.equal("PCHC-3.1.1-02", "the blocks served", &served, &vec![1, 3])
        },
    )
    .tags(&[Tag::V1]),
    Case::hosted_cache(
        "pchc-cache-offered-is-not-held",
        "a segment that was offered and never came is neither listed nor served",
        &["PCHC-3.1.1-02"],
        |session| {
            let offered = session.segment_v2(30_000);
            let descriptor = Descriptor::of(&offered.segment);
            let message = batched_offer(PORT_OF_NOBODY, &[descriptor]);
            session.offer(Version::V2, &message, "PCHC-3.1.1-02")?;
            let listed = listed(session, &offered)?;
            session.equal("PCHC-3.1.1-02", "the blocks listed", &listed, &Vec::new())?;
            let served = session.serves_nothing_wrong(&offered, "PCHC-3.1.1-02")?;
            session.equal("PCHC-3.1.1-02", "the blocks served", &served, &Vec::new())
        },
    )
    .tags(&[Tag::V2]),
    Case::hosted_cache(
        "pchc-cache-segment-list",
        "MSG_GETSEGLIST to the cache brings the places of the segments that it has fetched",
        &["PCCRR-2.2.5.4-04", "PCCRR-2.2.5.4-02", "PCCRR-2.2.5.4-01"],
        |session| has_listed(session, &[]),
    )
    .tags(&[Tag::V2]),
    Case::hosted_cache(
        "pchc-cache-segment-list-blob",
        "an extensible blob in MSG_GETSEGLIST, of any version, is skipped",
        &[
            "PCCRR-2.2.6-05",
            "PCCRR-2.2.5.4-04",
            "PCCRR-2.2.5.4-02",
            "PCCRR-2.2.5.4-01",
        ],
        |session| {
            for blob in [&[0, 9, 1, 2, 3][..], &[0, 1, 3, 0], &[7]] {
                has_listed(session, blob)?;
            }
            session.holds(true, "PCCRR-2.2.6-05", "")
        },
    )
    .tags(&[Tag::V2]),
    Case::hosted_cache(
        "pchc-cache-negotiation",
        "the cache negotiates a version of retrieval, as it serves segment lists up to 2.0",
        &["PCHC-3.1.1-02"],
        |session| {
            let cache = session.target.peer();
            let peer = session.beside(&cache);
            let request = retrieval::negotiation_request(VERSION_1, VERSION_2);
            let answered = peer.ask(&request, "PCHC-3.1.1-02")?;
            let found = answered.message.kind;
            peer.is_kind(found, kind::NEGOTIATION_RESPONSE, "PCHC-3.1.1-02")?;
            let Body::Negotiation { min, max } = answered.message.body else {
                return Err(Stop::Failed);
            };
            session.holds(
                min & 0xffff <= 1 && max & 0xffff >= 1,
                "PCHC-3.1.1-02",
                format_args!("versions {min:#x} to {max:#x}, without 1.0"),
            )
        },
    ),
];

fn listed(session: &Session<'_, HostedCache>, offered: &Offered) -> Result<Vec<u32>, Stop> {
    let cache = session.target.peer();
    let peer = session.beside(&cache);
    let all = [Range::new(0, offered.segment.blocks())];
    let request = retrieval::get_block_list(&offered.segment.id(), &all, algorithm::AES_128);
    let answered = peer.ask(&request, "PCHC-3.1.1-02")?;
    let list = peer.list_of(answered, "PCHC-3.1.1-02")?;
    Ok(list.indexes())
}

/// Fetches two segments and asks which of four are there.
fn has_listed(session: &Session<'_, HostedCache>, blob: &[u8]) -> Outcome {
    let requirement = session.about();
    let (first, second) = (session.segment_v2(20_000), session.segment_v2(30_000));
    let client = session.client(Version::V2, &[&first, &second])?;
    session.offer_batch(&client, &[&first, &second], requirement)?;
    session.is_served(&first, requirement)?;
    session.is_served(&second, requirement)?;
    let ids = [
        session.random(32),
        first.segment.id(),
        session.random(32),
        second.segment.id(),
    ];
    let ids: Vec<&[u8]> = ids.iter().map(Vec::as_slice).collect();
    let request_id = session.random_array();
    let cache = session.target.peer();
    let peer = session.beside(&cache);
    let request = get_segment_list(request_id, &ids, blob);
    let answered = peer.ask(&request, "PCCRR-2.2.5.4-01")?;
    let Body::SegmentList {
        request_id: found,
        ranges,
        ..
    } = answered.message.body
    else {
        return peer.is_kind(
            answered.message.kind,
            kind::SEGMENT_LIST,
            "PCCRR-2.2.5.4-01",
        );
    };
    session.equal("PCCRR-2.2.5.4-02", "RequestID", &found, &request_id)?;
    let ranges = ranges.iter().flat_map(|range| range.indexes().take(5));
    let places: Vec<u32> = ranges.take(9).collect();
    session.equal(
        "PCCRR-2.2.5.4-04",
        "the places listed",
        &places,
        &vec![1, 3],
    )
}
