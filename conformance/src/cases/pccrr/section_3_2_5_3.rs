//! MS-PCCRR 3.2.5.3: blocks.
//! Invariant: a block that comes is that of the content; one that is not there is empty, and no error of HTTP.
//! Byte order: big-endian.

use super::{DISCARDED, are_malformed};
use crate::judge::session::Session;
use crate::judge::{Case, Outcome, Tag};
use crate::targets::connection::Answer;
use crate::targets::peer::{Block, Peer};
use crate::wire::cipher::algorithm;
use crate::wire::content_info::Version;
use crate::wire::retrieval::{Range, get_blocks};

/// Blocks of a segment that are fetched to see whether each is its own.
const BLOCKS_FETCHED: u32 = 16;

pub(super) const CASES: &[Case] = &[
    Case::peer(
        "pccrr-peer-block",
        "a block that is held comes, and is that of the content",
        &["PCCRR-3.2.5.3-07", "PCCRR-3.2.5.3-05", "PCCRR-3.2.5.3-11"],
        |session| {
            let (segment, holding) = session.segment(Version::V1, 1)?;
            let block =
                session.ask_for_block(segment, 0, algorithm::AES_128, "PCCRR-3.2.5.3-05")?;
            is_there(session, &block, "PCCRR-3.2.5.3-07")?;
            session.is_the_block(&block, segment, holding, 0, "PCCRR-3.2.5.3-11")?;
            session
                .is_the_block(&block, segment, holding, 0, "PCCRR-3.2.5.3-07")
                .map(drop)
        },
    )
    .tags(&[Tag::V1]),
    Case::peer(
        "pccrr-peer-block-each",
        "every block of a segment is the one that was asked for",
        &["PCCRR-3.2.5.3-07", "PCCRR-3.2.5.3-09", "PCCRC-2.2-13"],
        |session| {
            let (segment, holding) = session.segment(Version::V1, 2)?;
            let last = segment.blocks() - 1;
            for index in (0..BLOCKS_FETCHED.min(last)).chain([last]) {
                let block = session.ask_for_block(
                    segment,
                    index,
                    algorithm::AES_128,
                    "PCCRR-3.2.5.3-07",
                )?;
                session.equal("PCCRR-3.2.5.3-09", "BlockIndex", &block.block_index, &index)?;
                session.is_the_block(&block, segment, holding, index, "PCCRC-2.2-13")?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::V1]),
    Case::peer(
        "pccrr-peer-block-of-v2-segment",
        "a version 2.0 segment comes as block 0, whole",
        &["PCCRR-3.2.5.3-07", "PCCRR-2.2.5.3-04"],
        |session| {
            let (segment, holding) = session.segment(Version::V2, 1)?;
            let block =
                session.ask_for_block(segment, 0, algorithm::AES_128, "PCCRR-3.2.5.3-07")?;
            session.equal(
                "PCCRR-2.2.5.3-04",
                "NextBlockIndex",
                &block.next_block_index,
                &0,
            )?;
            session
                .is_the_block(&block, segment, holding, 0, "PCCRR-3.2.5.3-07")
                .map(drop)
        },
    )
    .tags(&[Tag::V2]),
    Case::peer(
        "pccrr-peer-block-1-of-v2-segment",
        "a version 2.0 segment has no block 1",
        &["PCCRR-2.2.5.3-05"],
        |session| {
            let (segment, _) = session.segment(Version::V2, 1)?;
            let block =
                session.ask_for_block(segment, 1, algorithm::AES_128, "PCCRR-2.2.5.3-05")?;
            session.equal("PCCRR-2.2.5.3-05", "SizeOfBlock", &block.block.len(), &0)
        },
    )
    .tags(&[Tag::V2]),
    Case::peer(
        "pccrr-peer-block-of-unknown-segment",
        "a block of a segment that is not held is empty, under the ids of the request",
        &[
            "PCCRR-2.2.5.3-05",
            "PCCRR-1.3-02",
            "PCCRR-3.2.5.3-08",
            "PCCRR-3.2.5.3-09",
        ],
        |session| {
            let id = session.random(32);
            let request = get_blocks(&id, &[Range::new(7, 1)], algorithm::AES_128);
            let block = session.block_for(&request, "PCCRR-1.3-02")?;
            session.equal("PCCRR-3.2.5.3-08", "SegmentId", &block.segment_id, &id)?;
            session.equal("PCCRR-3.2.5.3-09", "BlockIndex", &block.block_index, &7)?;
            session.equal("PCCRR-2.2.5.3-05", "SizeOfBlock", &block.block.len(), &0)?;
            session.equal(
                "PCCRR-2.2.5.3-05",
                "NextBlockIndex",
                &block.next_block_index,
                &0,
            )
        },
    ),
    Case::peer(
        "pccrr-peer-block-behind-the-end",
        "a block behind the last of a segment is empty",
        &["PCCRR-2.2.5.3-05", "PCCRR-3.2.5.3-07"],
        |session| {
            let (segment, _) = session.segment(Version::V1, 1)?;
            if segment.blocks() < 512 {
                for index in [segment.blocks(), 511] {
                    let block = session.ask_for_block(
                        segment,
                        index,
                        algorithm::AES_128,
                        "PCCRR-3.2.5.3-07",
                    )?;
                    session.equal("PCCRR-2.2.5.3-05", "SizeOfBlock", &block.block.len(), &0)?;
                }
            }
            session.holds(true, "PCCRR-3.2.5.3-07", "")
        },
    )
    .tags(&[Tag::V1]),
    Case::peer(
        "pccrr-peer-block-empty-has-no-vector",
        "an empty block has no initialization vector",
        &["PCCRR-2.2.5.3-09"],
        |session| {
            let request = get_blocks(&session.random(32), &[Range::new(0, 1)], algorithm::AES_128);
            let block = session.block_for(&request, "PCCRR-2.2.5.3-09")?;
            session.equal(
                "PCCRR-2.2.5.3-09",
                "SizeOfIVBlock",
                &block.iv_block.len(),
                &0,
            )
        },
    ),
    Case::peer(
        "pccrr-peer-block-of-many",
        "of several blocks in a range the first comes",
        &["PCCRR-3.2.5.3-06"],
        |session| {
            let (segment, holding) = session.segment(Version::V1, 2)?;
            let request = get_blocks(&segment.id(), &[Range::new(0, 2)], algorithm::AES_128);
            let block = session.block_for(&request, "PCCRR-3.2.5.3-06")?;
            session.equal("PCCRR-3.2.5.3-06", "BlockIndex", &block.block_index, &0)?;
            session
                .is_the_block(&block, segment, holding, 0, "PCCRR-3.2.5.3-06")
                .map(drop)
        },
    )
    .tags(&[Tag::V1]),
    Case::peer(
        "pccrr-peer-block-of-many-ranges",
        "of several ranges that are unsorted the smallest index comes",
        &["PCCRR-3.2.5.3-06"],
        |session| {
            let (segment, _) = session.segment(Version::V1, 3)?;
            let ranges = [Range::new(2, 1), Range::new(1, 1)];
            let request = get_blocks(&segment.id(), &ranges, algorithm::AES_128);
            let block = session.block_for(&request, "PCCRR-3.2.5.3-06")?;
            session.equal("PCCRR-3.2.5.3-06", "BlockIndex", &block.block_index, &1)
        },
    )
    .tags(&[Tag::V1]),
    Case::peer(
        "pccrr-peer-block-with-vrf-data",
        "data for verification in a request are skipped",
        &["PCCRR-2.2.4.3-05"],
        |session| {
            let (segment, _) = session.segment(Version::V1, 1)?;
            let request = get_blocks(&segment.id(), &[Range::new(0, 1)], algorithm::AES_128)
                .with_u32_be("SizeOfDataForVrfBlock", 5)
                .with("DataForVrfBlock", [1, 2, 3, 4, 5]);
            let block = session.block_for(&request, "PCCRR-2.2.4.3-05")?;
            is_there(session, &block, "PCCRR-2.2.4.3-05")
        },
    )
    .tags(&[Tag::V1]),
    Case::peer(
        "pccrr-peer-block-ids-of-other-lengths",
        "blocks of segments with ids of 32 bytes are served, those with 48 and 64 are answered",
        &["PCCRR-2.2.4.3-02", "PCCRR-2.2.4.2-03"],
        |session| {
            for length in [32, 48, 64] {
                let id = session.random(length);
                let request = get_blocks(&id, &[Range::new(0, 1)], algorithm::AES_128);
                let block = session.block_for(&request, "PCCRR-2.2.4.3-02")?;
                session.equal("PCCRR-2.2.4.2-03", "SegmentId", &block.segment_id, &id)?;
            }
            Ok(())
        },
    ),
    Case::peer(
        "pccrr-peer-block-no-list-before",
        "a block comes without a list or a negotiation before it",
        &["PCCRR-1.3-01"],
        |session| {
            let (segment, _) = session.segment(Version::V1, 1)?;
            let block = session.ask_for_block(segment, 0, algorithm::AES_128, "PCCRR-1.3-01")?;
            is_there(session, &block, "PCCRR-1.3-01")
        },
    )
    .tags(&[Tag::V1]),
    Case::peer(
        "pccrr-peer-block-vrf-size-wrong",
        "a size of data for verification that does not fit the message is malformed",
        &["PCCRR-3.2.5.5-01"],
        |session| {
            let request = get_blocks(&session.random(32), &[Range::new(0, 1)], algorithm::AES_128);
            let (field, sizes) = ("SizeOfDataForVrfBlock", [1, u32::MAX]);
            session.is_discarded_stating(&request, field, &sizes, "PCCRR-3.2.5.5-01")
        },
    )
    .quirks(DISCARDED)
    .tags(&[Tag::Hostile]),
    Case::peer(
        "pccrr-peer-block-range-past-511",
        "MSG_GETBLKS for a block past 511 is malformed",
        &["PCCRR-3.2.5.5-01"],
        |session| {
            let ranges = [
                Range::new(512, 1),
                Range::new(u32::MAX, 1),
                Range::new(0, 0),
            ];
            are_malformed(session, get_blocks, &ranges)
        },
    )
    .quirks(DISCARDED)
    .tags(&[Tag::Hostile]),
    Case::peer(
        "pccrr-peer-block-cut-anywhere",
        "MSG_GETBLKS that ends anywhere before its end is discarded, whatever size it states",
        &["PCCRR-3.2.5.5-01"],
        |session| {
            let request = get_blocks(&session.random(32), &[Range::new(0, 1)], algorithm::AES_128);
            let places = (16..request.len()).step_by(6);
            session.is_discarded_cut(&request, places, "PCCRR-3.2.5.5-01")
        },
    )
    .quirks(DISCARDED)
    .tags(&[Tag::Hostile]),
    Case::peer(
        "pccrr-peer-block-surplus",
        "MSG_GETBLKS with bytes behind its last field is malformed",
        &["PCCRR-3.2.5.5-01"],
        |session| {
            let request = get_blocks(&session.random(32), &[Range::new(0, 1)], algorithm::AES_128);
            let stated = u32::try_from(request.len() + 4).unwrap_or_default();
            let longer = request.with_u32_be("MsgSize", stated).followed_by(&[0; 4]);
            session.is_discarded(&longer, "PCCRR-3.2.5.5-01")
        },
    )
    .quirks(DISCARDED)
    .tags(&[Tag::Hostile]),
    Case::peer(
        "pccrr-peer-block-unknown-algorithm",
        "an algorithm that nobody knows brings a block in one that is known, or nothing",
        &["PCCRR-2.2.3-15"],
        |session| {
            let (segment, holding) = session.segment(Version::V1, 1)?;
            let request = get_blocks(&segment.id(), &[Range::new(0, 1)], 4);
            let answer = session.post_for_nothing(&request.to_bytes())?;
            if matches!(&answer, Answer::Response(response) if response.status() == 200) {
                let answered = session.message_of(answer, "PCCRR-2.2.3-15")?;
                let block = session.block_of(answered, "PCCRR-2.2.3-15")?;
                session.holds(
                    block.algorithm <= algorithm::AES_256,
                    "PCCRR-2.2.3-15",
                    format_args!("CryptoAlgoId is {}", block.algorithm),
                )?;
                if !block.block.is_empty() {
                    session.is_the_block(&block, segment, holding, 0, "PCCRR-2.2.3-15")?;
                }
                return Ok(());
            }
            session.is_no_message(&answer, "PCCRR-2.2.3-15")?;
            session.still_serves("PCCRR-2.2.3-15")
        },
    )
    .quirks(DISCARDED)
    .tags(&[Tag::Hostile, Tag::V1]),
];

/// Asserts that a block came with bytes in it.
fn is_there(session: &Session<'_, Peer>, block: &Block, requirement: &'static str) -> Outcome {
    session.holds(!block.block.is_empty(), requirement, "the block is empty")
}
