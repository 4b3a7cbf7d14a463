//! Blocks that turn out wrong by hashes that come later (MS-PCHC 3.1.5.2): they are missing, and are fetched.

use super::server::{bench, client, fetches};
use super::*;
use crate::hosted_cache::server::*;

fn content() -> Vec<u8> {
    content_of(HashAlgorithm::Sha256, 4, 77)
}

fn key_of(content: &[u8]) -> SegmentKey {
    let info = ContentInfo::decode(content).unwrap();
    SegmentKey::of(&info.segments().next().unwrap())
}

#[test]
fn who_brought_the_hashes_is_asked_for_the_blocks_that_do_not_agree_with_them() {
    let (mut bench, content) = (bench(), content());
    let key = key_of(&content);
    let outputs = bench.batch(1, &[key], 4 * 65536);
    let token = fetches(&outputs)[0].token;
    let all = BlockSet::first_blocks(4);
    bench.fetched(token, all);
    let outputs = bench.send(2, &segment_info(&content));
    assert!(fetches(&outputs).is_empty(), "what is held may yet be good");
    let outputs = bench.input(Input::Rechecked {
        key,
        checked: all,
        good: BlockSet::range(1, 1),
    });
    let fetch = fetches(&outputs)[0].clone();
    assert_eq!(fetch.blocks, all.difference(&BlockSet::range(1, 1)));
    assert_eq!(fetch.from.ip(), client(2).ip());
    assert!(fetch.hashes_are_known);
    // It is asked once: what it has not is not asked for again.
    let outputs = bench.fetched(fetch.token, BlockSet::first_blocks(1));
    assert!(fetches(&outputs).is_empty());
}

#[test]
fn nobody_is_asked_where_all_blocks_agree() {
    let (mut bench, content) = (bench(), content());
    let key = key_of(&content);
    let outputs = bench.batch(1, &[key], 4 * 65536);
    let token = fetches(&outputs)[0].token;
    let all = BlockSet::first_blocks(4);
    bench.fetched(token, all);
    bench.send(2, &segment_info(&content));
    let outputs = bench.input(Input::Rechecked {
        key,
        checked: all,
        good: all,
    });
    assert!(fetches(&outputs).is_empty());
    let evicted = BlockSet::first_blocks(1);
    let outputs = bench.input(Input::Evicted {
        key,
        blocks: evicted,
    });
    assert!(fetches(&outputs).is_empty(), "nor later");
}

#[test]
fn hashes_that_come_during_a_fetch_without_them_are_followed_by_their_client() {
    let (mut bench, content) = (bench(), content());
    let key = key_of(&content);
    let outputs = bench.batch(1, &[key], 4 * 65536);
    let token = fetches(&outputs)[0].token;
    bench.send(2, &segment_info(&content));
    let all = BlockSet::first_blocks(4);
    let outputs = bench.fetched(token, all);
    assert!(fetches(&outputs).is_empty());
    let outputs = bench.input(Input::Rechecked {
        key,
        checked: all,
        good: BlockSet::EMPTY,
    });
    let fetch = fetches(&outputs)[0];
    assert_eq!((fetch.blocks, fetch.from.ip()), (all, client(2).ip()));
}
