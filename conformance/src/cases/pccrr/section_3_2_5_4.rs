//! MS-PCCRR 3.2.5.4 and 2.2.5.4: lists of segments.
//! Invariant: an answer names, by their place in the request, the segments that are held in full or in part.
//! Byte order: big-endian.

use super::DISCARDED;
use crate::judge::session::Session;
use crate::judge::{Case, Stop, Tag};
use crate::targets::peer::Peer;
use crate::wire::content_info::Version;
use crate::wire::retrieval::{Body, Range, get_segment_list, kind};

pub(super) const CASES: &[Case] = &[
    Case::peer(
        "pccrr-peer-segments-request-id",
        "RequestID of the answer is that of the request",
        &["PCCRR-2.2.5.4-02", "PCCRR-2.2.5.4-01"],
        |session| {
            let id = session.random(32);
            for _ in 0..2 {
                let asked = session.random_array();
                let (request_id, _, _) = list(session, asked, &[&id], "PCCRR-2.2.5.4-01")?;
                session.equal("PCCRR-2.2.5.4-02", "RequestID", &request_id, &asked)?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::V2]),
    Case::peer(
        "pccrr-peer-segments-none",
        "segments that are not held are not listed",
        &["PCCRR-2.2.5.4-03"],
        |session| {
            let (one, other) = (session.random(32), session.random(32));
            let (_, ranges, _) = list(
                session,
                session.random_array(),
                &[&one, &other],
                "PCCRR-2.2.5.4-03",
            )?;
            session.equal(
                "PCCRR-2.2.5.4-03",
                "the segments listed",
                &indexes(&ranges),
                &Vec::new(),
            )
        },
    )
    .tags(&[Tag::V2]),
    Case::peer(
        "pccrr-peer-segments-held",
        "segments that are held are listed by their place in the request",
        &[
            "PCCRR-3.2.5.4-05",
            "PCCRR-2.2.5.4-04",
            "PCCRR-2.2.1.2-01",
            "PCCRR-2.2.1.4-01",
        ],
        |session| {
            let held = session.segment_preferring(Version::V2)?.id();
            let unknown = session.random(32);
            for (ids, expected) in [
                (vec![&held], vec![0]),
                (vec![&unknown, &held], vec![1]),
                (vec![&held, &unknown, &held], vec![0, 2]),
            ] {
                let ids: Vec<&[u8]> = ids.into_iter().map(Vec::as_slice).collect();
                let (_, ranges, _) =
                    list(session, session.random_array(), &ids, "PCCRR-3.2.5.4-05")?;
                let found = indexes(&ranges);
                session.equal("PCCRR-2.2.5.4-04", "the segments listed", &found, &expected)?;
                session.equal("PCCRR-2.2.1.2-01", "the segments listed", &found, &expected)?;
                session.equal("PCCRR-2.2.1.4-01", "the segments listed", &found, &expected)?;
                session.equal("PCCRR-3.2.5.4-05", "the segments listed", &found, &expected)?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::V2]),
    Case::peer(
        "pccrr-peer-segments-ranges-in-form",
        "ranges of segments have no count of 0, and the blob has the size that it says",
        &["PCCRR-2.2.1.2-02", "PCCRR-2.2.5.4-06"],
        |session| {
            let id = session.segment_preferring(Version::V2)?.id();
            let (_, ranges, _) = list(session, session.random_array(), &[&id], "PCCRR-2.2.5.4-06")?;
            session.holds(!ranges.is_empty(), "PCCRR-2.2.1.2-02", "the list is empty")?;
            let zero = ranges.iter().any(|range| range.count == 0);
            session.holds(
                !zero,
                "PCCRR-2.2.1.2-02",
                format_args!("the ranges are {ranges:?}"),
            )
        },
    )
    .tags(&[Tag::V2]),
    Case::peer(
        "pccrr-peer-segments-many",
        "a request for a thousand segments is answered",
        &["PCCRR-3.2.5.4-05"],
        |session| {
            let held = session.segment_preferring(Version::V2)?.id();
            let mut ids: Vec<Vec<u8>> = (0..1_000).map(|_| session.random(32)).collect();
            ids.push(held);
            let ids: Vec<&[u8]> = ids.iter().map(Vec::as_slice).collect();
            let (_, ranges, _) = list(session, session.random_array(), &ids, "PCCRR-3.2.5.4-05")?;
            session.equal(
                "PCCRR-3.2.5.4-05",
                "the segments listed",
                &indexes(&ranges),
                &vec![1_000],
            )
        },
    )
    .tags(&[Tag::V2, Tag::Load]),
    Case::peer(
        "pccrr-peer-segments-other-minor",
        "MSG_GETSEGLIST of another minor version is answered",
        &["PCCRR-3.2.5.4-02"],
        |session| {
            let id = session.random(32);
            let request = get_segment_list(session.random_array(), &[&id], &[]);
            let answered = session.ask(
                &request.with_u32_be("ProtVer", 0x0003_0002),
                "PCCRR-3.2.5.4-02",
            )?;
            session.is_kind(
                answered.message.kind,
                kind::SEGMENT_LIST,
                "PCCRR-3.2.5.4-02",
            )
        },
    )
    .tags(&[Tag::V2]),
    Case::peer(
        "pccrr-peer-segments-ids-of-other-lengths",
        "ids of 32, 48 and 64 bytes in one request are told apart",
        &["PCCRR-2.2.4.4-04"],
        |session| {
            let held = session.segment_preferring(Version::V2)?.id();
            let (longer, longest) = (session.random(48), session.random(64));
            let ids = [longer.as_slice(), &held, &longest];
            let (_, ranges, _) = list(session, session.random_array(), &ids, "PCCRR-2.2.4.4-04")?;
            session.equal(
                "PCCRR-2.2.4.4-04",
                "the segments listed",
                &indexes(&ranges),
                &vec![1],
            )
        },
    )
    .tags(&[Tag::V2]),
    Case::peer(
        "pccrr-peer-segments-count-too-large",
        "a request that says it has more ids than follow is discarded",
        &["PCCRR-3.2.5.5-01"],
        |session| {
            let id = session.random(32);
            let request = get_segment_list(session.random_array(), &[&id], &[]);
            let (field, stated) = ("CountOfSegmentIDs", [2, 10_000, u32::MAX]);
            session.is_discarded_stating(&request, field, &stated, "PCCRR-3.2.5.5-01")
        },
    )
    .quirks(DISCARDED)
    .tags(&[Tag::Hostile, Tag::V2]),
    Case::peer(
        "pccrr-peer-segments-blob-size-wrong",
        "a request whose blob is longer than what follows is discarded",
        &["PCCRR-3.2.5.5-01"],
        |session| {
            let id = session.random(32);
            let request = get_segment_list(session.random_array(), &[&id], &[0, 1, 3, 0]);
            let (field, stated) = ("SizeOfExtensibleBlob", [5, u32::MAX]);
            session.is_discarded_stating(&request, field, &stated, "PCCRR-3.2.5.5-01")
        },
    )
    .quirks(DISCARDED)
    .tags(&[Tag::Hostile, Tag::V2]),
    Case::peer(
        "pccrr-peer-segments-id-size-wrong",
        "a size of an id that does not fit the message is malformed",
        &["PCCRR-3.2.5.5-01"],
        |session| {
            let id = session.random(32);
            let request = get_segment_list(session.random_array(), &[&id], &[]);
            let (field, stated) = ("SizeOfSegmentID", [40, 0x8000_0000, u32::MAX]);
            session.is_discarded_stating(&request, field, &stated, "PCCRR-3.2.5.5-01")
        },
    )
    .quirks(DISCARDED)
    .tags(&[Tag::Hostile, Tag::V2]),
];

type List = ([u8; 16], Vec<Range>, Vec<u8>);

fn list(
    session: &Session<'_, Peer>,
    request_id: [u8; 16],
    ids: &[&[u8]],
    requirement: &'static str,
) -> Result<List, Stop> {
    let answered = session.ask(&get_segment_list(request_id, ids, &[]), requirement)?;
    if let Body::SegmentList {
        request_id,
        ranges,
        blob,
    } = answered.message.body
    {
        return Ok((request_id, ranges, blob));
    }
    session.is_kind(answered.message.kind, kind::SEGMENT_LIST, requirement)?;
    Err(Stop::Failed)
}

fn indexes(ranges: &[Range]) -> Vec<u32> {
    let ranges = ranges.iter().flat_map(|range| range.indexes().take(4_096));
    ranges.take(65_536).collect()
}
