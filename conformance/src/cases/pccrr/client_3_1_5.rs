//! MS-PCCRR 3.1.5: what a client makes of responses.
//! Invariant: what has to be discarded carries the right bytes wherever it can, so that only who takes it is seen to.
//! Byte order: big-endian.

use crate::judge::{Case, Tag};
use crate::targets::client::world::World;
use crate::targets::client::world::peer::{self, Reply};
use crate::wire::draft::Draft;
use crate::wire::http;
use crate::wire::retrieval::{self, Range, VERSION_1, VERSION_2, kind};

const HOSTILE_V1: &[Tag] = &[Tag::V1, Tag::Hostile];

/// A case in which each block comes right but for one thing, for which it has to be discarded.
macro_rules! discarded {
    ($id:literal, $title:literal, $requirement:literal, $wrong:expr) => {
        Case::client($id, $title, &[$requirement], |session| {
            session.discards($requirement, peer::forger($wrong))
        })
        .tags(HOSTILE_V1)
    };
}

/// The same where it is bytes that are wrong.
macro_rules! discarded_bytes {
    ($id:literal, $title:literal, $requirement:literal, $wrong:expr) => {
        Case::client($id, $title, &[$requirement], |session| {
            session.discards(
                $requirement,
                peer::liar(|ask| {
                    let right = ask.right_block().unwrap_or_default().to_bytes();
                    let wrong: fn(Vec<u8>) -> Reply = $wrong;
                    wrong(right)
                }),
            )
        })
        .tags(HOSTILE_V1)
    };
}

/// A case in which lists of blocks are wrong, so that no block may be taken for listed.
macro_rules! no_list {
    ($id:literal, $title:literal, $requirement:literal, $wrong:expr) => {
        Case::client($id, $title, &[$requirement], |session| {
            let world = World::blocks(session, 6);
            session.discards_in(world, $requirement, peer::lister($wrong))
        })
        .tags(HOSTILE_V1)
    };
}

pub(super) const CASES: &[Case] = &[
    discarded!(
        "pccrr-client-other-segment",
        "a block that names another segment is discarded",
        "PCCRR-3.1.5.3-01",
        |draft: Draft| draft.with("SegmentId", [0x5a; 32])
    ),
    discarded!(
        "pccrr-client-other-index",
        "a block that names another index is discarded",
        "PCCRR-3.1.5.3-01",
        |draft: Draft| draft.with_u32_be("BlockIndex", 77)
    ),
    discarded!(
        "pccrr-client-message-size",
        "a block whose MsgSize is not its length is discarded",
        "PCCRR-3.1.5.3-01",
        |draft: Draft| {
            let length = u32::try_from(draft.len()).unwrap_or(0);
            draft.with_u32_be("MsgSize", length + 4)
        }
    ),
    discarded!(
        "pccrr-client-unknown-algorithm",
        "a block with an algorithm that there is not is discarded",
        "PCCRR-2.2.3-15",
        |draft: Draft| draft.with_u32_be("CryptoAlgoId", 7)
    ),
    discarded!(
        "pccrr-client-unknown-type",
        "a message of a type that there is not is discarded",
        "PCCRR-3.1.5.5-01",
        |draft: Draft| draft.with_u32_be("MsgType", 9)
    ),
    discarded!(
        "pccrr-client-vector-missing",
        "an encrypted block without a vector is discarded",
        "PCCRR-3.1.5.3-01",
        |draft: Draft| draft.with_u32_be("SizeOfIVBlock", 0).with("IVBlock", [])
    ),
    discarded!(
        "pccrr-client-block-size-too-large",
        "a block whose SizeOfBlock goes past the end of the message is discarded",
        "PCCRR-3.1.5.3-01",
        |draft: Draft| draft.with_u32_be("SizeOfBlock", 0xffff_fff0)
    ),
    discarded_bytes!(
        "pccrr-client-surplus",
        "a message with bytes behind its end is discarded",
        "PCCRR-3.1.5.5-01",
        |mut right| {
            right.extend_from_slice(&[0; 8]);
            Reply::Body(retrieval::framed(&right))
        }
    ),
    discarded_bytes!(
        "pccrr-client-cut",
        "a message that lacks its last bytes is discarded",
        "PCCRR-3.1.5.5-01",
        |right| {
            let cut = right.get(..right.len() - 10).unwrap_or_default();
            Reply::Body(retrieval::framed(cut))
        }
    ),
    discarded_bytes!(
        "pccrr-client-size-in-front",
        "a response whose size in front is not that of its message is discarded",
        "PCCRR-3.1.5.5-01",
        |right| {
            let size = u32::try_from(right.len()).unwrap_or(0) ^ 0x10;
            Reply::Body([size.to_be_bytes().as_slice(), &right].concat())
        }
    ),
    discarded_bytes!(
        "pccrr-client-no-size",
        "a response without the size in front is discarded",
        "PCCRR-3.1.5.5-01",
        Reply::Body
    ),
    discarded_bytes!(
        "pccrr-client-empty-body",
        "an empty response is discarded",
        "PCCRR-3.1.5.5-01",
        |_| Reply::Body(Vec::new())
    ),
    discarded_bytes!(
        "pccrr-client-http-error",
        "an error of HTTP brings no block, whatever its body",
        "PCCRR-2.1.1-01",
        |right| Reply::Raw(http::response(500, "No", &[], &retrieval::framed(&right)))
    ),
    discarded_bytes!(
        "pccrr-client-not-found",
        "404 brings no block",
        "PCCRR-2.1.1-01",
        |_| Reply::Status(404)
    ),
    discarded_bytes!(
        "pccrr-client-no-http",
        "bytes that are no HTTP bring no block",
        "PCCRR-3.1.5.5-01",
        |_| Reply::Raw(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".to_vec())
    ),
    discarded_bytes!(
        "pccrr-client-half-an-answer",
        "a peer that breaks off in the middle of an answer gave no block",
        "PCCRR-3.1.5.5-01",
        |right| {
            let whole = http::response(200, "OK", &[], &retrieval::framed(&right));
            Reply::Raw(whole.get(..whole.len() / 2).unwrap_or_default().to_vec())
        }
    ),
    discarded_bytes!(
        "pccrr-client-request-as-response",
        "a request in place of a response is discarded",
        "PCCRR-3.1.5.5-01",
        |_| Reply::Message(retrieval::get_blocks(&[7; 32], &[Range::new(0, 1)], 1))
    ),
    discarded_bytes!(
        "pccrr-client-list-for-block",
        "a list in place of a block is discarded",
        "PCCRR-3.1.5.2-01",
        |_| Reply::Message(retrieval::block_list(&[7; 32], &[Range::new(0, 2)], 0))
    ),
    discarded_bytes!(
        "pccrr-client-size-of-4-gib",
        "a response that announces four thousand million bytes is discarded",
        "PCCRR-3.1.5.5-01",
        |right| Reply::Body([[0xff; 4].as_slice(), &right].concat())
    ),
    discarded_bytes!(
        "pccrr-client-length-of-4-gib",
        "a Content-Length of four thousand million bytes is not waited for",
        "PCCRR-3.1.5.5-01",
        |_| Reply::Raw(
            b"HTTP/1.1 200 OK\r\nContent-Length: 4294967296\r\n\r\n\xff\xff\xff\xff".to_vec()
        )
    ),
    Case::client(
        "pccrr-client-endless-body",
        "a body without an end is not read for ever",
        &["PCCRR-3.1.5.5-01"],
        |session| {
            let endless = peer::liar(|_| Reply::Endless(0x7fff_fff0));
            session.discards("PCCRR-3.1.5.5-01", endless)
        },
    )
    .tags(&[Tag::V1, Tag::Hostile, Tag::Load]),
    Case::client(
        "pccrr-client-endless-head",
        "a head without an end is not read for ever",
        &["PCCRR-3.1.5.5-01"],
        |session| {
            session.discards(
                "PCCRR-3.1.5.5-01",
                peer::liar(|_| {
                    let mut head = b"HTTP/1.1 200 OK\r\n".to_vec();
                    head.extend(b"X-Filler: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n".repeat(60_000));
                    Reply::Raw(head)
                }),
            )
        },
    )
    .tags(&[Tag::V1, Tag::Hostile, Tag::Load]),
    Case::client(
        "pccrr-client-empty-block",
        "an empty block says that the peer has it not, and it is fetched elsewhere",
        &["PCCRR-3.1.5.3-04"],
        |session| {
            session.discards(
                "PCCRR-3.1.5.3-04",
                peer::liar(|ask| {
                    let Some((segment, index)) = ask.block() else {
                        return Reply::Silence;
                    };
                    Reply::Message(retrieval::block(&segment.id(), index, 0, 1, &[], &[]))
                }),
            )
        },
    )
    .tags(HOSTILE_V1),
    no_list!(
        "pccrr-client-list-of-other-segment",
        "a list that names another segment is discarded",
        "PCCRR-3.1.5.2-02",
        |_, _, ranges| Reply::Message(retrieval::block_list(&[0x5a; 32], ranges, 0))
    ),
    no_list!(
        "pccrr-client-list-not-asked",
        "a list of blocks that were not asked for is discarded",
        "PCCRR-3.1.5.2-03",
        |_, id, _| Reply::Message(retrieval::block_list(id, &[Range::new(400, 3)], 0))
    ),
    no_list!(
        "pccrr-client-list-of-nothing",
        "a peer whose list is empty gives no block",
        "PCCRR-3.1.5.2-03",
        |_, id, _| Reply::Message(retrieval::block_list(id, &[], 0))
    ),
    no_list!(
        "pccrr-client-list-cut",
        "a list with fewer ranges than it counts is discarded",
        "PCCRR-3.1.5.2-01",
        |_, id, ranges| {
            let list = retrieval::block_list(id, ranges, 0);
            Reply::Message(list.with_u32_be("BlockRangeCount", 0x1000_0000))
        }
    ),
    no_list!(
        "pccrr-client-block-for-list",
        "a block in place of a list is discarded",
        "PCCRR-3.1.5.3-01",
        |_, id, _| Reply::Message(retrieval::block(id, 0, 0, 0, &[0; 65_536], &[]))
    ),
    Case::client(
        "pccrr-client-list-unsorted",
        "a list whose ranges are unsorted, overlap or touch is accepted",
        &["PCCRR-2.2.4.2-08"],
        |session| {
            let mut world = World::blocks(session, 8);
            world.peer(peer::lister(|_, id, _| {
                let ranges = [
                    Range::new(5, 3),
                    Range::new(0, 2),
                    Range::new(1, 3),
                    Range::new(4, 1),
                ];
                Reply::Message(retrieval::block_list(id, &ranges, 0))
            }))?;
            let outcome = world.run()?;
            session.some_lists(&outcome)?;
            session.is_whole(&world, &outcome, "PCCRR-2.2.4.2-08")?;
            session.came_from_peers(&world, &outcome, "PCCRR-2.2.4.2-08")
        },
    )
    .tags(&[Tag::V1]),
    Case::client(
        "pccrr-client-list-with-huge-ranges",
        "a list whose ranges hold four thousand million blocks harms nobody",
        &["PCCRR-2.2.1.1-03"],
        |session| {
            let mut world = World::blocks(session, 6);
            world.peer(peer::lister(|_, id, _| {
                let ranges = vec![Range::new(0, u32::MAX); 4_000];
                Reply::Message(retrieval::block_list(id, &ranges, 0))
            }))?;
            let outcome = world.run()?;
            session.asked_peer(&outcome, 0)?;
            session.is_whole(&world, &outcome, "PCCRR-2.2.1.1-03")
        },
    )
    .tags(HOSTILE_V1),
    Case::client(
        "pccrr-client-negotiated",
        "a request that is answered by negotiation is sent again in a version that both know",
        &["PCCRR-3.1.5.1-02", "PCCRR-3.1.5.1-07"],
        |session| {
            let mut world = World::blocks(session, 2);
            world.peer(move |ask: &peer::Ask<'_>| {
                let is_same = |before: &&peer::Requested| {
                    let message = before.message.as_ref();
                    message.is_ok_and(|message| message.body == ask.message.body)
                };
                let times = ask.shared.seen().requests.iter().filter(is_same).count();
                if times > 1 || ask.message.kind != kind::GET_BLOCKS {
                    return peer::honest(ask);
                }
                Reply::Message(retrieval::negotiation_response(VERSION_1, VERSION_1))
            })?;
            let outcome = world.run()?;
            for wanted in session.some_blocks(&outcome)? {
                // The major version stands in the lower half.
                let major = wanted.message.version & 0xffff;
                session.equal("PCCRR-3.1.5.1-07", "major version", &major, &1)?;
            }
            session.is_whole(&world, &outcome, "PCCRR-3.1.5.1-02")?;
            session.came_from_peers(&world, &outcome, "PCCRR-3.1.5.1-02")
        },
    )
    .tags(&[Tag::V1]),
    Case::client(
        "pccrr-client-incompatible",
        "a server of other versions alone is asked nothing more",
        &["PCCRR-3.1.5.1-04", "PCCRR-3.1.5.1-08"],
        |session| {
            let mut world = World::segments(session, 40);
            world.origin.delay = std::time::Duration::from_millis(900);
            world
                .peer(|_: &peer::Ask<'_>| Reply::Message(retrieval::negotiation_response(8, 9)))?;
            let outcome = world.run()?;
            for requirement in ["PCCRR-3.1.5.1-04", "PCCRR-3.1.5.1-08"] {
                session.is_whole(&world, &outcome, requirement)?;
                session.left_alone(&outcome, 0, requirement)?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::V2, Tag::Hostile]),
    Case::client(
        "pccrr-client-minor-versions",
        "minor versions of a negotiation do not matter",
        &["PCCRR-3.1.5.1-06", "PCCRR-3.1.5.1-05"],
        |session| {
            let mut world = World::blocks(session, 1);
            world.peer(|ask: &peer::Ask<'_>| match ask.number {
                0 => Reply::Message(retrieval::negotiation_response(0x0005_0001, 0x0007_0001)),
                _ => peer::honest(ask),
            })?;
            let outcome = world.run()?;
            session.asked_peer(&outcome, 0)?;
            for requirement in ["PCCRR-3.1.5.1-05", "PCCRR-3.1.5.1-06"] {
                session.is_whole(&world, &outcome, requirement)?;
                session.came_from_peers(&world, &outcome, requirement)?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::V1]),
    Case::client(
        "pccrr-client-negotiates-for-ever",
        "a server that answers everything by negotiation is left in the end",
        &["PCCRR-3.1.5.1-02"],
        |session| {
            let mut world = World::blocks(session, 2);
            world.peer(|_: &peer::Ask<'_>| {
                Reply::Message(retrieval::negotiation_response(VERSION_1, VERSION_2))
            })?;
            let outcome = world.run()?;
            session.asked_peer(&outcome, 0)?;
            session.is_whole(&world, &outcome, "PCCRR-3.1.5.1-02")?;
            let count = outcome.count_at(0);
            session.holds(
                count < 50,
                "PCCRR-3.1.5.1-02",
                format_args!("{count} requests"),
            )
        },
    )
    .tags(&[Tag::V1, Tag::Hostile]),
];
