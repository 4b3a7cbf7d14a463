//! MS-PCCRR 3.1.5: whether a response is the answer to a request, and what it says then.
//! Invariant: nothing passes that the request did not ask for.
//! Byte order: none.

use super::{AvailableSegment, Outcome, Query, Question, Reading, ReceivedBlock, Verdict};
use crate::content::SegmentId;
use crate::error::Rejected;
use crate::retrieval::blob::SegmentAges;
use crate::retrieval::header::{MESSAGE_MIN_BYTES, TRANSPORT_HEADER_BYTES};
use crate::retrieval::response::block_head_len;
use crate::retrieval::{
    Block, BlockIndex, BlockList, BlockSet, CryptoAlgorithm, PayloadPlace, Response, ResponseBody,
    SegmentList, VersionRange, payload_lengths,
};

/// Offset of `MsgType` in a response.
const TYPE_AT: usize = TRANSPORT_HEADER_BYTES + 4;
/// Offset of the body in a response.
const BODY_AT: usize = TRANSPORT_HEADER_BYTES + MESSAGE_MIN_BYTES;

fn rejected(requirement: &'static str, at: usize, why: impl Into<String>) -> Rejected {
    let why = why.into();
    Rejected {
        requirement,
        at,
        why,
    }
}

pub(super) fn judge(
    query: &Query,
    response: &Response<'_>,
    versions: &VersionRange,
) -> Result<Verdict, Rejected> {
    if !versions.supports(response.version) {
        let why = format!("version {} is not supported", response.version);
        return Err(rejected("PCCRR-2.2.3-07", TRANSPORT_HEADER_BYTES, why));
    }
    match (&query.question, &response.body) {
        (Question::BlockList { segment, needed }, ResponseBody::BlockList(list)) => {
            judge_block_list(segment, needed, list)
        }
        (
            Question::Block {
                segment,
                index,
                reading,
            },
            ResponseBody::Block(block),
        ) => judge_block(segment, *index, *reading, response.crypto, block),
        (Question::SegmentList { segments }, ResponseBody::SegmentList(list)) => {
            if list.request_id != query.request_id {
                //= PCCRR-3.1.5.4-02
                let why = "RequestID is not that of the request";
                return Err(rejected("PCCRR-3.1.5.4-02", BODY_AT, why));
            }
            let available = judge_segment_list(segments.len(), list)?;
            let asked = segments.clone();
            Ok(Verdict::Finished(Outcome::SegmentList { asked, available }))
        }
        (_, body) => {
            //= PCCRR-3.1.5.2-01
            //= PCCRR-3.1.5.3-01
            //= PCCRR-3.1.5.4-01
            let requirement = match body {
                ResponseBody::Negotiation(_) => "PCCRR-3.1.5.1-01",
                ResponseBody::BlockList(_) => "PCCRR-3.1.5.2-01",
                ResponseBody::Block(_) => "PCCRR-3.1.5.3-01",
                ResponseBody::SegmentList(_) => "PCCRR-3.1.5.4-01",
            };
            let why = format!("{} does not answer the request", body.message_type());
            Err(rejected(requirement, TYPE_AT, why))
        }
    }
}

fn judge_block_list(
    segment: &SegmentId,
    needed: &BlockSet,
    list: &BlockList<'_>,
) -> Result<Verdict, Rejected> {
    //= PCCRR-3.1.5.2-02
    if list.segment != *segment {
        let why = "SegmentId is not that of the request";
        return Err(rejected("PCCRR-3.1.5.2-02", BODY_AT + 4, why));
    }
    //= PCCRR-3.1.5.2-03
    let listed = list.available.set();
    let available = listed.intersection(needed);
    if available.is_empty() && !listed.is_empty() {
        let at = BODY_AT + 4 + segment.0.as_bytes().len();
        let why = "BlockRanges are all outside those of the request";
        return Err(rejected("PCCRR-3.1.5.2-03", at, why));
    }
    Ok(Verdict::Finished(Outcome::BlockList {
        segment: *segment,
        available,
        next: list.next,
    }))
}

fn judge_block(
    segment: &SegmentId,
    index: BlockIndex,
    reading: Reading,
    crypto: CryptoAlgorithm,
    block: &Block<'_>,
) -> Result<Verdict, Rejected> {
    let after_id = BODY_AT + 4 + segment.0.as_bytes().len();
    //= PCCRR-3.1.5.3-01
    if block.segment != *segment {
        let why = "SegmentId is not that of the request";
        return Err(rejected("PCCRR-3.1.5.3-01", BODY_AT + 4, why));
    }
    if block.index != index.get() {
        let why = format!("BlockIndex is {}; asked for was {index}", block.index);
        return Err(rejected("PCCRR-3.1.5.3-01", after_id, why));
    }
    if block.payload.is_empty() {
        return Ok(Verdict::Finished(Outcome::NoBlock {
            segment: *segment,
            index,
            next: block.next,
        }));
    }
    //= PCCRR-2.2.3-15
    if !crypto.is_known() {
        let why = format!("a block under {crypto}");
        return Err(rejected("PCCRR-2.2.3-15", TRANSPORT_HEADER_BYTES + 12, why));
    }
    let is_encrypted = crypto.cipher().is_some();
    if let Reading::Plain { length } = reading {
        let found = block.payload.len();
        if !payload_lengths(crypto, length as usize).contains(&found) {
            let why = format!("{found} bytes for a block of {length} under {crypto}");
            return Err(rejected("PCCRR-2.2.5.3-06", after_id + 8, why));
        }
    }
    let received = ReceivedBlock {
        segment: *segment,
        index,
        next: block.next,
        place: PayloadPlace {
            offset: BODY_AT + block_head_len(segment),
            length: block.payload.len(),
        },
        crypto,
        iv: is_encrypted
            .then(|| block.iv.first_chunk().copied())
            .flatten(),
    };
    Ok(match reading {
        Reading::Plain { .. } if is_encrypted => Verdict::Decrypt(received),
        Reading::Plain { .. } | Reading::AsReceived => Verdict::Finished(Outcome::Block(received)),
    })
}

fn judge_segment_list(
    asked: usize,
    list: &SegmentList<'_>,
) -> Result<Vec<AvailableSegment>, Rejected> {
    //= PCCRR-3.1.5.4-03
    let asked = u32::try_from(asked).unwrap_or(u32::MAX);
    if let Some(outside) = list.available.iter().find(|range| range.end() > asked) {
        let why = format!(
            "segments up to {} are listed; asked for were {asked}",
            outside.end() - 1
        );
        return Err(rejected("PCCRR-3.1.5.4-03", BODY_AT + 16, why));
    }
    // Ranges may repeat themselves: what matters is which segments they name, each once.
    let mut available: Vec<_> = Vec::new();
    let mut named = vec![false; asked as usize];
    for range in list.available.iter() {
        let places = range.first() as usize..range.end() as usize;
        named.get_mut(places).unwrap_or_default().fill(true);
    }
    for (index, _) in (0u32..).zip(named).filter(|(_, is_named)| *is_named) {
        available.push(AvailableSegment { index, age: None });
    }
    add_ages(&mut available, list);
    Ok(available)
}

/// Notes the ages of segments that are listed; a blob that is not sound tells none.
//= PCCRR-2.2.5.4-05
fn add_ages(available: &mut [AvailableSegment], list: &SegmentList<'_>) {
    let Some(first) = list.available.iter().next() else {
        return;
    };
    let Ok(ages) = SegmentAges::decode(list.blob) else {
        return;
    };
    for told in ages.iter() {
        let index = first.first().saturating_add(told.index.into());
        let place = available.binary_search_by_key(&index, |segment| segment.index);
        if let Some(segment) = place.ok().and_then(|at| available.get_mut(at)) {
            segment.age = Some(told.age);
        }
    }
}

/// What is wrong with the blob of a segment list, if there is one.
pub(super) fn blob_fault(list: &SegmentList<'_>) -> Option<Rejected> {
    if list.blob.is_empty() {
        return None;
    }
    SegmentAges::decode(list.blob).err().map(Rejected::from)
}
