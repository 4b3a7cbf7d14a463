//! Replay of what a peer answers to the blocks asked for: a request on the wire goes into the answering machine.
//! Invariant: the machine is asked, never a set operation of its own making; both sides of a message are bytes.
//! Byte order: big-endian, in the request that is put together here.

use peerdist::content::SegmentId;
use peerdist::hash::{HashAlgorithm, digest};
use peerdist::retrieval::server::{
    Answer, BlockForm, Connection, HeldBlock, HeldSegment, Holdings, Input, Output, SegmentHandle,
    Server, ServerSettings,
};
use peerdist::retrieval::{
    BlockIndex, BlockRange, BlockSet, CryptoAlgorithm, Request, Response, ResponseBody,
};
use peerdist::time::Instant;
use serde::Deserialize;

use crate::vectors::{Group, Test, same, typed};

const GETBLKLIST: u32 = 2;
const GETBLKS: u32 = 3;
const BLOCK_BYTES: u32 = 65_536;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    operation: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(non_snake_case, reason = "the names are those of the document")]
struct Range {
    Index: u32,
    Count: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    needed: Vec<Range>,
    available: Vec<Range>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(non_snake_case, reason = "the names are those of the document")]
struct Expect {
    result: String,
    quirks: Vec<String>,
    BlockRanges: Option<Vec<Range>>,
    BlockIndex: Option<u32>,
    is_available: Option<String>,
    NextBlockIndex: Option<u32>,
}

/// One segment, some blocks of which are there.
struct Cache {
    id: SegmentId,
    blocks: BlockSet,
}

impl Holdings for Cache {
    fn segment(&self, id: &SegmentId) -> Option<HeldSegment> {
        let held = HeldSegment {
            handle: SegmentHandle(0),
            blocks: self.blocks,
            since: Instant::ZERO,
        };
        (*id == self.id && !self.blocks.is_empty()).then_some(held)
    }

    fn block(&self, _: SegmentHandle, index: BlockIndex) -> Option<HeldBlock> {
        self.blocks.contains(index).then_some(HeldBlock {
            length: BLOCK_BYTES,
            form: BlockForm::Plain,
        })
    }
}

pub(super) fn replay(group: &Group, test: &Test) -> Result<(), String> {
    let Parameters { operation } = typed("parameters", &group.parameters)?;
    let given: Given = typed("input", &test.input)?;
    let expect: Expect = typed("expect", &test.expect)?;
    let message_type = match operation.as_str() {
        "intersect" => GETBLKLIST,
        "select" => GETBLKS,
        other => return Err(format!("operation {other} of the vector")),
    };
    let cache = Cache {
        id: SegmentId(digest(HashAlgorithm::Sha256, b"segment")),
        blocks: blocks_of(&given.available)?,
    };
    let bytes = request(message_type, &cache.id, &given.needed);
    let request = Request::decode(&bytes).map_err(|error| format!("needed: {error}"))?;
    let quirks = request.quirks().iter().map(|quirk| quirk.name().to_owned());
    let quirks: Vec<_> = quirks.collect();
    same("quirks", &expect.quirks, &quirks)?;
    let verdict = if quirks.is_empty() { "valid" } else { "quirky" };
    same("result", &expect.result.as_str(), &verdict)?;
    let answer = answer(&bytes, &cache)?;
    let mut message = Vec::new();
    answer.encode_head_into(&mut message);
    message.resize(message.len() + answer.payload_len(), 0);
    answer.encode_tail_into(&mut message);
    let response = Response::decode(&message).map_err(|error| format!("answer: {error}"))?;
    let sends_something = match response.body {
        ResponseBody::BlockList(list) => {
            let ranges = list.available.iter().map(|range| Range {
                Index: range.first().get(),
                Count: range.count(),
            });
            let ranges: Vec<_> = ranges.collect();
            let is_empty = ranges.is_empty();
            same("BlockRanges", &expect.BlockRanges, &Some(ranges))?;
            same("BlockIndex", &expect.BlockIndex, &None)?;
            same("is_available", &expect.is_available, &None)?;
            (!is_empty).then_some(list.next)
        }
        ResponseBody::Block(block) => {
            let is_there = !block.payload.is_empty();
            same("BlockRanges", &expect.BlockRanges, &None)?;
            same("BlockIndex", &expect.BlockIndex, &Some(block.index))?;
            let word = if is_there { "yes" } else { "no" };
            same("is_available", &expect.is_available.as_deref(), &Some(word))?;
            is_there.then_some(block.next)
        }
        other => return Err(format!("answered {other:?}")),
    };
    same("NextBlockIndex", &expect.NextBlockIndex, &sends_something)
}

fn blocks_of(ranges: &[Range]) -> Result<BlockSet, String> {
    let ranges = ranges.iter().map(|range| {
        BlockRange::new(range.Index, range.Count).ok_or_else(|| format!("{range:?} of the vector"))
    });
    ranges.collect()
}

/// A request with the ranges as they stand, however they are ordered.
fn request(message_type: u32, id: &SegmentId, ranges: &[Range]) -> Vec<u8> {
    let id = id.0.as_bytes();
    let lengths = [id.len(), ranges.len()].map(|length| u32::try_from(length).unwrap_or(u32::MAX));
    let [id_len, count] = lengths;
    let verification_size = (message_type == GETBLKS).then_some(0);
    let size = 16 + 4 + id_len + 4 + 8 * count + verification_size.map_or(0, |_| 4);
    let head = [1, message_type, size, CryptoAlgorithm::AES_128.0, id_len];
    let ranges = ranges.iter().flat_map(|range| [range.Index, range.Count]);
    let tail = [count].into_iter().chain(ranges).chain(verification_size);
    let mut out: Vec<u8> = head.into_iter().flat_map(u32::to_be_bytes).collect();
    out.extend_from_slice(id);
    out.extend(tail.flat_map(u32::to_be_bytes));
    out
}

/// The one answer to a request.
fn answer(bytes: &[u8], cache: &Cache) -> Result<Answer, String> {
    let misuse =
        |error: peerdist::error::ApiMisuse| format!("the machine refused its input: {error}");
    let settings = ServerSettings {
        encryption: CryptoAlgorithm::NONE,
        ..ServerSettings::peer()
    };
    let mut server = Server::new(settings, &[0; 32]).map_err(misuse)?;
    let input = Input::Message {
        connection: Connection(0),
        bytes,
        holdings: cache,
    };
    server.handle(Instant::ZERO, input).map_err(misuse)?;
    while let Some(output) = server.poll_output() {
        match output {
            Output::Respond { answer, .. } => return Ok(answer),
            Output::Load(load) => {
                let exchange = load.exchange;
                let ready = Input::Ready { exchange };
                server.handle(Instant::ZERO, ready).map_err(misuse)?;
            }
            Output::Event(_) => {}
            other => return Err(format!("the machine put out {other:?}")),
        }
    }
    Err("the machine gave no answer".to_owned())
}
