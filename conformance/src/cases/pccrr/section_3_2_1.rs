//! MS-PCCRR 3.2.1 and 3.2.2: how many clients are served at a time, and for how long.
//! Invariant: clients are held busy by answers that they do not read, so that nothing but the limit can empty others.
//! Byte order: big-endian.

use std::time::Duration;

use crate::clock;
use crate::judge::session::Session;
use crate::judge::{Case, Stop, Tag};
use crate::targets::connection::Connection;
use crate::targets::peer::Peer;
use crate::wire::cipher::algorithm;
use crate::wire::content_info::Version;
use crate::wire::retrieval::{self, Body, Range, kind};

/// Requests in a row on a connection whose answers nobody reads: more than the buffers of two kernels take.
const UNREAD_REQUESTS: usize = 256;
/// How long such connections have to fill; until they have, one that is between two answers is no client.
const FILLING: Duration = Duration::from_secs(2);
/// How much longer a peer may take that has much else to do, well within the upload timer; and how it is known that
/// all have filled: this often in a row, this far apart, a block is empty.
const FILLING_LATE: Duration = Duration::from_secs(8);
const EMPTY_IN_A_ROW: usize = 3;
const LOOK: Duration = Duration::from_millis(100);
/// The upload timer by default, and how much later a connection may be seen to end.
const UPLOAD_TIMER: Duration = Duration::from_secs(15);
const LATER: Duration = Duration::from_secs(10);

pub(super) const CASES: &[Case] = &[
    Case::peer(
        "pccrr-peer-client-limit",
        "at the limit of clients, lists, blocks and lists of segments are empty, and negotiation is answered",
        &[
            "PCCRR-3.2.5.3-03",
            "PCCRR-3.2.5.2-03",
            "PCCRR-3.2.5.4-03",
            "PCCRR-3.2.1-05",
            "PCCRR-3.2.5.1-03",
            "PCCRR-3.2.1-02",
            "PCCRR-3.2.5.2-04",
            "PCCRR-3.2.5.3-04",
            "PCCRR-3.2.5.4-04",
        ],
        |session| {
            let limit = limit(session)?;
            let (segment, _) = session.segment(Version::V1, 1)?;
            let busy = keep_busy(session, limit, "PCCRR-3.2.1-05")?;
            let request = retrieval::get_blocks(&segment.id(), &[Range::new(0, 1)], algorithm::AES_128);
            let answered = session.ask(&request, "PCCRR-3.2.1-05")?;
            let block = session.block_of(answered, "PCCRR-3.2.5.3-03")?;
            session.equal("PCCRR-3.2.5.3-03", "SizeOfBlock", &block.block.len(), &0)?;
            let list = session.ask_for_list(&segment.id(), &[Range::new(0, 1)], "PCCRR-3.2.5.2-03")?;
            session.equal("PCCRR-3.2.5.2-03", "BlockRangeCount", &list.ranges.len(), &0)?;
            let request = retrieval::get_segment_list(session.random_array(), &[&segment.id()], &[]);
            let answered = session.ask(&request, "PCCRR-3.2.5.4-03")?;
            session.is_kind(answered.message.kind, kind::SEGMENT_LIST, "PCCRR-3.2.5.4-03")?;
            if let Body::SegmentList { ranges, .. } = answered.message.body {
                session.equal("PCCRR-3.2.5.4-03", "SegmentRangeCount", &ranges.len(), &0)?;
            }
            session.still_serves("PCCRR-3.2.5.1-03")?;
            // Only blocks were asked for by the others, and all three kinds are empty: the count is one for all.
            for counted in ["PCCRR-3.2.5.2-04", "PCCRR-3.2.5.3-04", "PCCRR-3.2.5.4-04"] {
                session.holds(block.block.is_empty(), counted, "the block is not empty")?;
            }
            drop(busy);
            // Once they are gone there is room again.
            let deadline = clock::now() + LATER;
            loop {
                let block = session.ask_for_block(segment, 0, algorithm::AES_128, "PCCRR-3.2.1-02")?;
                if !block.block.is_empty() || clock::now() > deadline {
                    return session.holds(
                        !block.block.is_empty(),
                        "PCCRR-3.2.1-02",
                        "blocks are still empty 10 s after all other clients have left",
                    );
                }
                std::thread::sleep(Duration::from_millis(100));
            }
        },
    )
    .tags(&[Tag::Alone, Tag::Load, Tag::V1]),
    Case::peer(
        "pccrr-peer-version-before-limit",
        "at the limit of clients, a version that is not supported is still answered by negotiation",
        &[
            "PCCRR-3.2.5.2-06",
            "PCCRR-3.2.5.3-13",
            "PCCRR-3.2.5.4-06",
        ],
        |session| {
            let limit = limit(session)?;
            let busy = keep_busy(session, limit, "PCCRR-3.2.5.3-13")?;
            let (id, first) = (session.random(32), [Range::new(0, 1)]);
            for (request, requirement) in [
                (
                    retrieval::get_block_list(&id, &first, algorithm::AES_128),
                    "PCCRR-3.2.5.2-06",
                ),
                (
                    retrieval::get_blocks(&id, &first, algorithm::AES_128),
                    "PCCRR-3.2.5.3-13",
                ),
                (
                    retrieval::get_segment_list(session.random_array(), &[&id], &[]),
                    "PCCRR-3.2.5.4-06",
                ),
            ] {
                let answered = session.ask(&request.with_u32_be("ProtVer", 9), requirement)?;
                session.is_kind(answered.message.kind, kind::NEGOTIATION_RESPONSE, requirement)?;
            }
            drop(busy);
            Ok(())
        },
    )
    .tags(&[Tag::Alone, Tag::Load, Tag::V1]),
    Case::peer(
        "pccrr-peer-upload-timer",
        "an answer that is not read within 15 seconds is given up",
        &["PCCRR-3.2.2-01", "PCCRR-3.2.2-02", "PCCRR-3.2.6.1-01"],
        |session| {
            let (segment, _) = session.segment(Version::V1, 1)?;
            let begun = clock::now();
            let mut connection = unread(session, &segment.id())?;
            // Nothing is read until the timer has to have ended; then what is left in buffers, and the end.
            std::thread::sleep(UPLOAD_TIMER + LATER / 2);
            let ended = connection.is_closed_within(LATER / 2);
            let found = format!(
                "the connection is open {} s after its answer began to wait",
                (clock::now() - begun).as_secs()
            );
            session.holds(ended, "PCCRR-3.2.2-01", &found)?;
            session.holds(ended, "PCCRR-3.2.2-02", &found)?;
            session.holds(ended, "PCCRR-3.2.6.1-01", &found)
        },
    )
    .tags(&[Tag::Timer, Tag::V1]),
];

fn limit(session: &Session<'_, Peer>) -> Result<usize, Stop> {
    session.target.client_limit.ok_or_else(|| {
        Stop::Skip(
            "needs to know how many clients the peer serves at a time (--client-limit)".to_owned(),
        )
    })
}

/// Connections, as many as are served at a time, each with an answer that nobody reads.
fn keep_busy(
    session: &Session<'_, Peer>,
    count: usize,
    requirement: &'static str,
) -> Result<Vec<Connection>, Stop> {
    let (segment, _) = session.segment(Version::V1, 1)?;
    let id = segment.id();
    let busy = (0..count)
        .map(|_| unread(session, &id))
        .collect::<Result<Vec<_>, Stop>>()?;
    std::thread::sleep(FILLING);
    let (deadline, mut empty) = (clock::now() + FILLING_LATE, 0);
    while empty < EMPTY_IN_A_ROW && clock::now() < deadline {
        let block = session.ask_for_block(segment, 0, algorithm::AES_128, requirement)?;
        empty = if block.block.is_empty() { empty + 1 } else { 0 };
        std::thread::sleep(LOOK);
    }
    Ok(busy)
}

/// A connection with so many requests for a block that their answers wait for somebody to read them.
fn unread(session: &Session<'_, Peer>, segment_id: &[u8]) -> Result<Connection, Stop> {
    let request = retrieval::get_blocks(segment_id, &[Range::new(0, 1)], algorithm::AES_128);
    let request = session.target.request(&request.to_bytes());
    let mut connection = session.connect()?;
    session.send(&mut connection, &request.repeat(UNREAD_REQUESTS))?;
    Ok(connection)
}
