//! MS-PCCRC 2.2 and 4.1: nothing is taken that was not verified.
//! Invariant: whatever peers send, the file is the content.
//! Byte order: none.

use crate::judge::{Case, Tag};
use crate::targets::client::world::peer::{self, Reply};
use crate::targets::client::world::{SEGMENT_BYTES, World};
use crate::wire::cipher::algorithm;
use crate::wire::content_info::Version;
use crate::wire::digest::Algorithm;

pub(super) const CASES: &[Case] = &[
    Case::client(
        "pccrc-client-wrong-bytes",
        "a block with one bit turned over is not taken",
        &["PCCRC-2.2-13", "PCCRC-4.1.2-01", "PCCRC-2.2-03"],
        |session| {
            for requirement in ["PCCRC-2.2-13", "PCCRC-4.1.2-01", "PCCRC-2.2-03"] {
                session.discards(requirement, peer::liar(one_bit))?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::V1, Tag::Hostile]),
    Case::client(
        "pccrc-client-wrong-segment-bytes",
        "a version 2.0 segment with one bit turned over is not taken",
        &["PCCRC-4.1.3-01", "PCCRC-2.2-14"],
        |session| {
            for requirement in ["PCCRC-4.1.3-01", "PCCRC-2.2-14"] {
                let world = World::segments(session, 2);
                session.discards_in(world, requirement, peer::liar(one_bit))?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::V2, Tag::Hostile]),
    Case::client(
        "pccrc-client-right-peer-behind-wrong",
        "beside a peer that lies, one that does not gives the content",
        &["PCCRC-2.2-13"],
        |session| {
            let mut world = World::blocks(session, 6);
            world.peer(peer::liar(one_bit))?;
            world.peer(peer::honest)?;
            let outcome = world.run()?;
            session.is_whole(&world, &outcome, "PCCRC-2.2-13")
        },
    )
    .tags(&[Tag::V1, Tag::Hostile]),
    Case::client(
        "pccrc-client-zeros",
        "a block of zeros is not taken",
        &["PCCRC-2.2-13"],
        |session| {
            session.discards(
                "PCCRC-2.2-13",
                peer::liar(|ask| sealed(ask, |plain| plain.fill(0))),
            )
        },
    )
    .tags(&[Tag::V1, Tag::Hostile]),
    Case::client(
        "pccrc-client-block-swapped",
        "the bytes of another block of the same content are not taken",
        &["PCCRC-2.2-13"],
        |session| {
            let world = World::new(session, Version::V1, 2 * 65_536);
            session.discards_in(
                world,
                "PCCRC-2.2-13",
                peer::liar(|ask| {
                    let Some((segment, index)) = ask.block() else {
                        return Reply::Silence;
                    };
                    let other = ask.plain(segment, 1 - index.min(1));
                    Reply::Message(ask.sealed(segment, index, &other, algorithm::AES_128))
                }),
            )
        },
    )
    .tags(&[Tag::V1, Tag::Hostile]),
    Case::client(
        "pccrc-client-block-short",
        "a block that lacks its last byte is not taken",
        &["PCCRC-2.2-13"],
        |session| {
            session.discards(
                "PCCRC-2.2-13",
                peer::liar(|ask| {
                    sealed(ask, |plain| {
                        plain.pop();
                    })
                }),
            )
        },
    )
    .tags(&[Tag::V1, Tag::Hostile]),
    Case::client(
        "pccrc-client-block-long",
        "a block that is longer than its segment says is not taken",
        &["PCCRC-2.2-13"],
        |session| {
            session.discards(
                "PCCRC-2.2-13",
                peer::liar(|ask| sealed(ask, |plain| plain.resize(plain.len() + 40_000, 7))),
            )
        },
    )
    .tags(&[Tag::V1, Tag::Hostile]),
    Case::client(
        "pccrc-client-wrong-key",
        "a block that is encrypted with another key is not taken",
        &["PCCRC-2.2-09", "PCCRC-2.2-07"],
        |session| {
            for requirement in ["PCCRC-2.2-09", "PCCRC-2.2-07"] {
                session.discards(
                    requirement,
                    peer::liar(|ask| {
                        let Some((segment, index)) = ask.block() else {
                            return Reply::Silence;
                        };
                        let mut other = segment.clone();
                        other.secret.reverse();
                        let plain = ask.plain(segment, index);
                        let sealed = ask.sealed(&other, index, &plain, algorithm::AES_128);
                        Reply::Message(sealed.with("SegmentId", segment.id()))
                    }),
                )?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::V1, Tag::Hostile]),
    Case::client(
        "pccrc-client-wrong-list-of-hashes",
        "block hashes that do not give the hash of the segment verify nothing",
        &["PCCRC-2.2-12", "PCCRC-2.2-04"],
        |session| {
            let mut world = World::blocks(session, 2);
            let mut info = world.shared.holding.info.clone();
            // The hashes of other bytes, which the peer has; Kp and HoD are those of the content.
            let content = world.shared.content().to_vec();
            let turned: Vec<u8> = content.iter().map(|byte| byte ^ 1).collect();
            if let Some(segment) = info.segments.first_mut() {
                segment.block_hashes = turned
                    .chunks(65_536)
                    .map(|b| Algorithm::Sha256.hash(b))
                    .collect();
            }
            world.origin.info = Some(info.draft().to_bytes());
            world.peer(peer::liar(|ask| {
                sealed(ask, |plain| plain.iter_mut().for_each(|byte| *byte ^= 1))
            }))?;
            let outcome = world.run()?;
            session.is_never_wrong(&world, &outcome, "PCCRC-2.2-12")?;
            session.is_never_wrong(&world, &outcome, "PCCRC-2.2-04")
        },
    )
    .tags(&[Tag::V1, Tag::Hostile]),
    Case::client(
        "pccrc-client-last-block-of-one-byte",
        "content whose last block is a single byte comes out whole",
        &["PCCRC-2.1-05"],
        |session| {
            for (version, bytes) in [(Version::V1, 65_537), (Version::V2, SEGMENT_BYTES + 1)] {
                let mut world = World::new(session, version, bytes);
                world.peer(peer::honest)?;
                let outcome = world.run()?;
                session.is_whole(&world, &outcome, "PCCRC-2.1-05")?;
                session.came_from_peers(&world, &outcome, "PCCRC-2.1-05")?;
            }
            Ok(())
        },
    ),
];

/// The right block, but for what is done to its bytes before they are encrypted.
fn sealed(ask: &peer::Ask<'_>, change: impl Fn(&mut Vec<u8>)) -> Reply {
    let Some((segment, index)) = ask.block() else {
        return Reply::Silence;
    };
    let mut plain = ask.plain(segment, index);
    change(&mut plain);
    Reply::Message(ask.sealed(segment, index, &plain, algorithm::AES_128))
}

fn one_bit(ask: &peer::Ask<'_>) -> Reply {
    sealed(ask, |plain| {
        if let Some(byte) = plain.get_mut(100) {
            *byte ^= 1;
        }
    })
}
