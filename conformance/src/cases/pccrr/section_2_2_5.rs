//! MS-PCCRR 2.2.5: the bodies of responses.
//! Invariant: what a field has to be follows from the request and from what the peer is said to hold.
//! Byte order: big-endian.

use std::collections::BTreeSet;

use crate::judge::session::Session;
use crate::judge::{Case, Outcome, Tag};
use crate::targets::peer::Peer;
use crate::wire::cipher::{IV_BYTES, Padding, algorithm};
use crate::wire::content_info::Version;
use crate::wire::retrieval::Range;

pub(super) const CASES: &[Case] = &[
    Case::peer(
        "pccrr-peer-list-layout",
        "a list of blocks reads well to its last byte, with zeros for padding",
        &["PCCRR-2.2.5.2-01", "PCCRR-2.2.5.2-02", "PCCRR-2.2-01", "PCCRR-2.2.1-01"],
        |session| {
            let (segment, _) = session.segment(Version::V1, 1)?;
            let all = [Range::new(0, segment.blocks())];
            let list = session.ask_for_list(&segment.id(), &all, "PCCRR-2.2.5.2-01")?;
            session.equal("PCCRR-2.2.5.2-02", "SegmentId", &list.segment_id, &segment.id())?;
            session.holds(true, "PCCRR-2.2-01", "")?;
            session.holds(
                list.ranges.iter().all(|range| range.index < 512 && range.count <= 512),
                "PCCRR-2.2.1-01",
                format_args!("the ranges {:?} are not those of a segment; are they big-endian?", list.ranges),
            )
        },
    )
    .tags(&[Tag::V1]),
    Case::peer(
        "pccrr-peer-list-of-all",
        "a list of a segment that is held in full has all of its blocks",
        &["PCCRR-2.2.5.2-04", "PCCRR-2.2.1.1-01", "PCCRR-2.2.1.3-01"],
        |session| {
            let (segment, _) = session.segment(Version::V1, 2)?;
            let all = [Range::new(0, segment.blocks())];
            let list = session.ask_for_list(&segment.id(), &all, "PCCRR-2.2.5.2-04")?;
            let found: BTreeSet<u32> = list.indexes().into_iter().collect();
            let expected: BTreeSet<u32> = (0..segment.blocks()).collect();
            session.equal("PCCRR-2.2.1.1-01", "the blocks listed", &found, &expected)?;
            session.equal("PCCRR-2.2.1.3-01", "the blocks listed", &found, &expected)?;
            session.equal("PCCRR-2.2.5.2-04", "the blocks listed", &found, &expected)
        },
    )
    .tags(&[Tag::V1]),
    Case::peer(
        "pccrr-peer-list-ranges-in-form",
        "ranges of a list have no count of 0 and stay in the segment",
        &["PCCRR-2.2.1.1-02", "PCCRR-2.2.1.1-03"],
        |session| {
            let (segment, _) = session.segment(Version::V1, 2)?;
            let all = [Range::new(0, segment.blocks())];
            let list = session.ask_for_list(&segment.id(), &all, "PCCRR-2.2.1.1-03")?;
            for range in &list.ranges {
                let found = format!("the range {range:?}");
                session.holds(range.count > 0, "PCCRR-2.2.1.1-02", &found)?;
                let end = u64::from(range.index) + u64::from(range.count);
                session.holds(end <= 512, "PCCRR-2.2.1.1-03", &found)?;
            }
            session.holds(!list.ranges.is_empty(), "PCCRR-2.2.1.1-02", "the list is empty")
        },
    )
    .tags(&[Tag::V1]),
    Case::peer(
        "pccrr-peer-list-ranges-sorted",
        "ranges of a list are sorted, apart and joined, as Windows sends them",
        &["PCCRR-2.2.5.2-05"],
        |session| {
            let (segment, _) = session.segment(Version::V1, 4)?;
            let asked = [Range::new(3, 1), Range::new(0, 2)];
            let list = session.ask_for_list(&segment.id(), &asked, "PCCRR-2.2.5.2-05")?;
            let apart = list.ranges.windows(2).all(|two| match two {
                [before, after] => before.index.saturating_add(before.count) < after.index,
                _ => true,
            });
            if apart {
                session.holds(true, "PCCRR-2.2.5.2-05", "")
            } else {
                let found = format_args!("the ranges are {:?}", list.ranges);
                session.quirk("rr-ranges-not-normalised", "PCCRR-2.2.5.2-05", found)
            }
        },
    )
    .quirks(&["rr-ranges-not-normalised"])
    .tags(&[Tag::V1]),
    Case::peer(
        "pccrr-peer-list-next-block",
        "NextBlockIndex of a list is the first block held behind those listed, or 0",
        &["PCCRR-2.2.5.2-06"],
        |session| {
            let (segment, _) = session.segment(Version::V1, 2)?;
            let list = session.ask_for_list(&segment.id(), &[Range::new(0, 1)], "PCCRR-2.2.5.2-06")?;
            session.equal("PCCRR-2.2.5.2-06", "NextBlockIndex behind block 0", &list.next_block_index, &1)?;
            let last = segment.blocks() - 1;
            let list = session.ask_for_list(&segment.id(), &[Range::new(last, 1)], "PCCRR-2.2.5.2-06")?;
            session.equal("PCCRR-2.2.5.2-06", "NextBlockIndex behind the last", &list.next_block_index, &0)
        },
    )
    .tags(&[Tag::V1]),
    Case::peer(
        "pccrr-peer-block-layout",
        "a block reads well to its last byte, with zeros for padding, and names its segment and index",
        &["PCCRR-2.2.5.3-01", "PCCRR-2.2.5.3-02", "PCCRR-2.2.5.3-03"],
        |session| {
            let (segment, _) = session.segment(Version::V1, 2)?;
            // The last block is short: in clear it is what needs padding.
            for index in [0, segment.blocks() - 1] {
                for asked in [algorithm::AES_128, algorithm::NONE] {
                    let block = session.ask_for_block(segment, index, asked, "PCCRR-2.2.5.3-01")?;
                    session.equal("PCCRR-2.2.5.3-02", "SegmentId", &block.segment_id, &segment.id())?;
                    session.equal("PCCRR-2.2.5.3-03", "BlockIndex", &block.block_index, &index)?;
                }
            }
            Ok(())
        },
    )
    .tags(&[Tag::V1]),
    Case::peer(
        "pccrr-peer-block-next",
        "NextBlockIndex of a block is the next that is held, and 0 behind the last",
        &["PCCRR-2.2.5.3-04", "PCCRR-3.2.5.3-10"],
        |session| {
            let (segment, _) = session.segment(Version::V1, 2)?;
            let last = segment.blocks() - 1;
            for (index, next) in [(0, 1), (last, 0)] {
                let block = session.ask_for_block(segment, index, algorithm::AES_128, "PCCRR-2.2.5.3-04")?;
                let field = format!("NextBlockIndex behind block {index}");
                session.equal("PCCRR-3.2.5.3-10", &field, &block.next_block_index, &next)?;
                session.equal("PCCRR-2.2.5.3-04", &field, &block.next_block_index, &next)?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::V1]),
    Case::peer(
        "pccrr-peer-block-vrf-empty",
        "VrfBlock is empty",
        &["PCCRR-2.2.5.3-08"],
        |session| {
            let (segment, _) = session.segment(Version::V1, 1)?;
            let block = session.ask_for_block(segment, 0, algorithm::AES_128, "PCCRR-2.2.5.3-08")?;
            session.equal("PCCRR-2.2.5.3-08", "SizeOfVrfBlock", &block.vrf_block.len(), &0)
        },
    )
    .tags(&[Tag::V1]),
    Case::peer(
        "pccrr-peer-block-iv-length",
        "IVBlock has 16 bytes where the block is encrypted, and none where it is not",
        &["PCCRR-2.2.5.3-09", "PCCRR-5.1-02"],
        |session| {
            let (segment, _) = session.segment(Version::V1, 1)?;
            for asked in [algorithm::AES_128, algorithm::NONE] {
                let block = session.ask_for_block(segment, 0, asked, "PCCRR-2.2.5.3-09")?;
                let expected = if block.algorithm == algorithm::NONE { 0 } else { IV_BYTES };
                let field = format!("SizeOfIVBlock with CryptoAlgoId {}", block.algorithm);
                session.equal("PCCRR-5.1-02", &field, &block.iv_block.len(), &expected)?;
                session.equal("PCCRR-2.2.5.3-09", &field, &block.iv_block.len(), &expected)?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::V1]),
    Case::peer(
        "pccrr-peer-block-iv-fresh",
        "every block sent has an initialization vector of its own",
        &["PCCRR-2.2.5.3-10"],
        |session| {
            let (segment, _) = session.segment(Version::V1, 1)?;
            let mut seen = BTreeSet::new();
            for _ in 0..8 {
                let block = session.ask_for_block(segment, 0, algorithm::AES_128, "PCCRR-2.2.5.3-10")?;
                if block.algorithm == algorithm::NONE {
                    return session.holds(block.iv_block.is_empty(), "PCCRR-2.2.5.3-10", "a vector without a cipher");
                }
                let found = format!("the vector {:02x?} came twice", block.iv_block);
                session.holds(seen.insert(block.iv_block), "PCCRR-2.2.5.3-10", found)?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::V1]),
    Case::peer(
        "pccrr-peer-block-plain",
        "a block that is asked for without encryption is the content's, whatever it came in",
        &["PCCRR-2.2.5.3-07", "PCCRR-2.2.3-14"],
        |session| decrypts(session, algorithm::NONE),
    )
    .tags(&[Tag::V1]),
    Case::peer(
        "pccrr-peer-block-aes-128",
        "a block that is asked for with AES-128 decrypts to the content's",
        &["PCCRR-2.2.5.3-07", "PCCRR-2.2.3-14", "PCCRR-2.2.3-16"],
        |session| decrypts(session, algorithm::AES_128),
    )
    .tags(&[Tag::V1]),
    Case::peer(
        "pccrr-peer-block-aes-192",
        "a block that is asked for with AES-192 decrypts to the content's",
        &["PCCRR-2.2.5.3-07", "PCCRR-2.2.3-14", "PCCRR-2.2.3-16"],
        |session| decrypts(session, algorithm::AES_192),
    )
    .tags(&[Tag::V1]),
    Case::peer(
        "pccrr-peer-block-aes-256",
        "a block that is asked for with AES-256 decrypts to the content's",
        &["PCCRR-2.2.5.3-07", "PCCRR-2.2.3-14", "PCCRR-2.2.3-16"],
        |session| decrypts(session, algorithm::AES_256),
    )
    .tags(&[Tag::V1]),
    Case::peer(
        "pccrr-peer-block-padding",
        "an encrypted block is padded with PKCS7, and SizeOfBlock counts the padding",
        &["PCCRR-2.2.3-17", "PCCRR-2.2.5.3-06"],
        |session| {
            let (segment, holding) = session.segment(Version::V1, 1)?;
            let last = segment.blocks() - 1;
            for index in [0, last] {
                let block = session.ask_for_block(segment, index, algorithm::AES_128, "PCCRR-2.2.5.3-06")?;
                let length = segment.block(index).len();
                let padding = session.is_the_block(&block, segment, holding, index, "PCCRR-2.2.5.3-06")?;
                if block.algorithm == algorithm::NONE {
                    session.equal("PCCRR-2.2.3-17", "SizeOfBlock", &block.block.len(), &length)?;
                    continue;
                }
                match padding {
                    Padding::Pkcs7 => session.holds(true, "PCCRR-2.2.3-17", "")?,
                    Padding::Zeros => session.quirk("rr-padding-zero", "PCCRR-2.2.3-17", "zeros for padding")?,
                    Padding::None => session.quirk("rr-padding-none", "PCCRR-2.2.3-17", "no padding")?,
                    Padding::Other => session.holds(false, "PCCRR-2.2.3-17", "padding of another kind")?,
                }
            }
            Ok(())
        },
    )
    .quirks(&["rr-padding-zero", "rr-padding-none"])
    .tags(&[Tag::V1]),
    Case::peer(
        "pccrr-peer-no-key-in-messages",
        "no response carries the segment secret or a part of it that is a key",
        &["PCCRR-5.1-03", "PCCRC-2.2-07"],
        |session| {
            let (segment, _) = session.segment(Version::V1, 1)?;
            let block = session.ask_for_block(segment, 0, algorithm::AES_128, "PCCRR-5.1-03")?;
            let key = segment.secret.get(..16).unwrap_or_default();
            for (field, bytes) in [
                ("SegmentId", &block.segment_id),
                ("VrfBlock", &block.vrf_block),
                ("IVBlock", &block.iv_block),
            ] {
                let carries = bytes.windows(16).any(|part| part == key);
                session.holds(!carries, "PCCRC-2.2-07", format_args!("{field} carries the key"))?;
                session.holds(!carries, "PCCRR-5.1-03", format_args!("{field} carries the key"))?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::V1]),
];

fn decrypts(session: &Session<'_, Peer>, asked: u32) -> Outcome {
    let (segment, holding) = session.segment(Version::V1, 1)?;
    let block = session.ask_for_block(segment, 0, asked, "PCCRR-2.2.5.3-07")?;
    // A peer may choose for itself; what it chose has to be true.
    session.holds(
        block.algorithm <= algorithm::AES_256,
        "PCCRR-2.2.3-14",
        format_args!("CryptoAlgoId is {}", block.algorithm),
    )?;
    if asked != algorithm::NONE {
        session.is_the_block(&block, segment, holding, 0, "PCCRR-2.2.3-16")?;
    }
    session
        .is_the_block(&block, segment, holding, 0, "PCCRR-2.2.5.3-07")
        .map(drop)
}
