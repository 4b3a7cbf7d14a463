//! MS-PCCRR 3.2.5.2: lists of blocks.
//! Invariant: a list has what was asked for and is there, however it was asked for.
//! Byte order: big-endian.

use std::collections::BTreeSet;

use super::{DISCARDED, are_malformed};
use crate::judge::session::Session;
use crate::judge::{Case, Outcome, Tag};
use crate::targets::connection::Answer;
use crate::targets::peer::{BlockList, Peer};
use crate::wire::cipher::algorithm;
use crate::wire::content_info::Version;
use crate::wire::draft::Draft;
use crate::wire::retrieval::{Range, get_block_list};

pub(super) const CASES: &[Case] = &[
    Case::peer(
        "pccrr-peer-list-of-unknown-segment",
        "a segment that is not held gets an empty list under its id",
        &["PCCRR-2.2.5.2-03", "PCCRR-1.3-02", "PCCRR-3.2.5.2-05"],
        |session| {
            let id = session.random(32);
            let list = session.ask_for_list(&id, &[Range::new(0, 5)], "PCCRR-1.3-02")?;
            session.equal("PCCRR-3.2.5.2-05", "SegmentId", &list.segment_id, &id)?;
            session.equal(
                "PCCRR-2.2.5.2-03",
                "BlockRangeCount",
                &list.ranges.len(),
                &0,
            )?;
            session.equal(
                "PCCRR-2.2.5.2-03",
                "NextBlockIndex",
                &list.next_block_index,
                &0,
            )
        },
    ),
    Case::peer(
        "pccrr-peer-list-asked-and-held",
        "a list has only blocks that were asked for",
        &["PCCRR-3.2.5.2-05", "PCCRR-2.2.5.2-04"],
        |session| {
            let (segment, _) = session.segment(Version::V1, 2)?;
            let id = segment.id();
            let list = session.ask_for_list(&id, &[Range::new(1, 1)], "PCCRR-3.2.5.2-05")?;
            session.equal("PCCRR-3.2.5.2-05", "SegmentId", &list.segment_id, &id)?;
            has_just(session, &list, &[1], "PCCRR-2.2.5.2-04")
        },
    )
    .tags(&[Tag::V1]),
    Case::peer(
        "pccrr-peer-list-beyond-the-end",
        "blocks beyond the end of a segment are not listed, those before are",
        &["PCCRR-3.2.5.2-05"],
        |session| {
            let (segment, _) = session.segment(Version::V1, 2)?;
            let last = segment.blocks() - 1;
            if last < 511 {
                let over = [Range::new(last, 512 - last)];
                let list = session.ask_for_list(&segment.id(), &over, "PCCRR-3.2.5.2-05")?;
                has_just(session, &list, &[last], "PCCRR-3.2.5.2-05")?;
                let behind = [Range::new(last + 1, 1)];
                let list = session.ask_for_list(&segment.id(), &behind, "PCCRR-3.2.5.2-05")?;
                has_just(session, &list, &[], "PCCRR-3.2.5.2-05")?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::V1]),
    Case::peer(
        "pccrr-peer-list-unsorted-ranges",
        "ranges that are unsorted, overlap or touch are answered as their union",
        &["PCCRR-2.2.4.2-08"],
        |session| {
            let (segment, _) = session.segment(Version::V1, 3)?;
            let asked = [
                Range::new(2, 1),
                Range::new(0, 2),
                Range::new(1, 1),
                Range::new(1, 2),
            ];
            let list = session.ask_for_list(&segment.id(), &asked, "PCCRR-2.2.4.2-08")?;
            let found: BTreeSet<u32> = list.indexes().into_iter().collect();
            session.equal(
                "PCCRR-2.2.4.2-08",
                "the blocks listed",
                &found,
                &BTreeSet::from([0, 1, 2]),
            )
        },
    )
    .tags(&[Tag::V1]),
    Case::peer(
        "pccrr-peer-list-of-v2-segment",
        "a version 2.0 segment is listed as block 0",
        &["PCCRR-3.2.5.2-05"],
        |session| {
            let (segment, _) = session.segment(Version::V2, 1)?;
            let list =
                session.ask_for_list(&segment.id(), &[Range::new(0, 1)], "PCCRR-3.2.5.2-05")?;
            has_just(session, &list, &[0], "PCCRR-3.2.5.2-05")?;
            session.equal(
                "PCCRR-3.2.5.2-05",
                "NextBlockIndex",
                &list.next_block_index,
                &0,
            )
        },
    )
    .tags(&[Tag::V2]),
    Case::peer(
        "pccrr-peer-list-id-of-48-bytes",
        "a segment id of 48 or 64 bytes is read and answered under that id",
        &["PCCRR-2.2.4.2-03"],
        |session| {
            for length in [48, 64] {
                let id = session.random(length);
                let list = session.ask_for_list(&id, &[Range::new(0, 1)], "PCCRR-2.2.4.2-03")?;
                session.equal("PCCRR-2.2.4.2-03", "SegmentId", &list.segment_id, &id)?;
            }
            Ok(())
        },
    ),
    Case::peer(
        "pccrr-peer-list-id-of-32-bytes",
        "a segment id of 32 bytes is read and answered under that id",
        &["PCCRR-2.2.4.2-04"],
        |session| {
            let id = session.random(32);
            let list = session.ask_for_list(&id, &[Range::new(0, 1)], "PCCRR-2.2.4.2-04")?;
            session.equal("PCCRR-2.2.4.2-04", "SegmentId", &list.segment_id, &id)
        },
    ),
    Case::peer(
        "pccrr-peer-list-no-ranges",
        "a request for no range is discarded or gets an empty list",
        &["PCCRR-3.2.5.5-01"],
        |session| {
            let request = get_block_list(&session.random(32), &[], algorithm::AES_128);
            empty_or_discarded(session, &request)
        },
    )
    .quirks(&[
        "rr-discard-closes",
        "rr-discard-http-error",
        "rr-zero-ranges",
    ])
    .tags(&[Tag::Hostile]),
    Case::peer(
        "pccrr-peer-list-256-ranges",
        "256 ranges, as many as there may be, are answered",
        &["PCCRR-3.2.5.2-05"],
        |session| {
            let (segment, _) = session.segment(Version::V1, 1)?;
            let ranges: Vec<Range> = (0..256).map(|number| Range::new(number * 2, 1)).collect();
            let list = session.ask_for_list(&segment.id(), &ranges, "PCCRR-3.2.5.2-05")?;
            let expected: Vec<u32> = (0..segment.blocks()).step_by(2).collect();
            has_just(session, &list, &expected, "PCCRR-3.2.5.2-05")
        },
    )
    .tags(&[Tag::V1]),
    Case::peer(
        "pccrr-peer-list-range-count-too-large",
        "a request that says it has more ranges than follow is discarded",
        &["PCCRR-3.2.5.5-01"],
        |session| {
            let request =
                get_block_list(&session.random(32), &[Range::new(0, 1)], algorithm::AES_128);
            let counts = [2, 257, u32::MAX];
            let field = "NeededBlocksRangeCount";
            session.is_discarded_stating(&request, field, &counts, "PCCRR-3.2.5.5-01")
        },
    )
    .quirks(DISCARDED)
    .tags(&[Tag::Hostile]),
    Case::peer(
        "pccrr-peer-list-range-count-too-small",
        "a request with bytes behind its last range is discarded",
        &["PCCRR-3.2.5.5-01"],
        |session| {
            let ranges = [Range::new(0, 1), Range::new(4, 1)];
            let request = get_block_list(&session.random(32), &ranges, algorithm::AES_128);
            let wrong = request.with_u32_be("NeededBlocksRangeCount", 1);
            session.is_discarded(&wrong.to_bytes(), "PCCRR-3.2.5.5-01")
        },
    )
    .quirks(DISCARDED)
    .tags(&[Tag::Hostile]),
    Case::peer(
        "pccrr-peer-list-range-of-none",
        "a range with a count of 0 is malformed",
        &["PCCRR-3.2.5.5-01"],
        |session| are_malformed(session, get_block_list, &[Range::new(0, 0)]),
    )
    .quirks(DISCARDED)
    .tags(&[Tag::Hostile]),
    Case::peer(
        "pccrr-peer-list-range-past-511",
        "a range that ends past block 511 is malformed",
        &["PCCRR-3.2.5.5-01"],
        |session| {
            let ranges = [
                Range::new(0, 513),
                Range::new(511, 2),
                Range::new(512, 1),
                Range::new(u32::MAX, 1),
                Range::new(1, u32::MAX),
            ];
            are_malformed(session, get_block_list, &ranges)
        },
    )
    .quirks(DISCARDED)
    .tags(&[Tag::Hostile]),
    Case::peer(
        "pccrr-peer-list-id-size-wrong",
        "a size of the segment id that does not fit the message is malformed",
        &["PCCRR-3.2.5.5-01"],
        |session| {
            let request =
                get_block_list(&session.random(32), &[Range::new(0, 1)], algorithm::AES_128);
            let sizes = [0, 31, 33, 64, u32::MAX];
            session.is_discarded_stating(&request, "SizeOfSegmentID", &sizes, "PCCRR-3.2.5.5-01")
        },
    )
    .quirks(DISCARDED)
    .tags(&[Tag::Hostile]),
    Case::peer(
        "pccrr-peer-list-cut-anywhere",
        "MSG_GETBLKLIST that ends anywhere before its end is discarded, whatever size it states",
        &["PCCRR-3.2.5.5-01"],
        |session| {
            let request =
                get_block_list(&session.random(32), &[Range::new(0, 1)], algorithm::AES_128);
            let places = (16..request.len()).step_by(5);
            session.is_discarded_cut(&request, places, "PCCRR-3.2.5.5-01")
        },
    )
    .quirks(DISCARDED)
    .tags(&[Tag::Hostile]),
];

/// Asserts that a list has these blocks, and no others.
fn has_just(
    session: &Session<'_, Peer>,
    list: &BlockList,
    blocks: &[u32],
    requirement: &'static str,
) -> Outcome {
    let found = list.indexes();
    session.equal(requirement, "the blocks listed", &found.as_slice(), &blocks)
}

/// Asserts that a request for nothing gets an empty list, or none.
fn empty_or_discarded(session: &Session<'_, Peer>, request: &Draft) -> Outcome {
    let answer = session.post_for_nothing(&request.to_bytes())?;
    if let Answer::Response(response) = &answer
        && response.status() == 200
    {
        let answered = session.message_of(answer, "PCCRR-3.2.5.5-01")?;
        let list = session.list_of(answered, "PCCRR-3.2.5.5-01")?;
        has_just(session, &list, &[], "PCCRR-3.2.5.5-01")?;
        return session.quirk("rr-zero-ranges", "PCCRR-3.2.5.5-01", "an empty list");
    }
    session.is_no_message(&answer, "PCCRR-3.2.5.5-01")?;
    session.still_serves("PCCRR-3.2.5.5-01")
}
