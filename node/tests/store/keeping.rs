//! What is kept, what takes whose place, what gives way.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use peerdist::discovery::Replies;
use peerdist::retrieval::BlockSet;
use peerdist::retrieval::server::{BlockForm, Holdings};
use peerdist::store::Put;
use peerdist_node::peer::Cache;
use peerdist_node::store::{Change, FactsError, Store, StoreError, StoreSettings};

use crate::segments::{BLOCK, DAY, at, now, open, sealed, settings, v1, v2};

#[test]
fn blocks_of_both_versions_are_there_after_the_store_was_closed_and_opened() {
    let directory = tempfile::tempdir().unwrap();
    let one = v1(1, 5 * BLOCK + 77);
    let two = v2(2, 50_001);
    let store = open(directory.path());
    one.put_all(&store);
    two.put_all(&store);
    drop(store);
    let store = open(directory.path());
    assert!((0..6).all(|index| one.reads(&store, index)));
    assert!(two.reads(&store, 0));
    assert_eq!(*store.facts(&one.id).unwrap().unwrap(), one.facts);
    assert_eq!(
        store.verified_blocks(&one.id).unwrap(),
        BlockSet::first_blocks(6)
    );
    let held = store.segment(&one.id).unwrap();
    assert_eq!(held.blocks, BlockSet::first_blocks(6));
    let block = store.block(held.handle, at(5)).unwrap();
    assert_eq!((block.length, block.form), (77, BlockForm::Plain));
    let statistics = store.statistics().unwrap();
    assert_eq!(statistics.verified_blocks, 7);
    assert_eq!(statistics.verified_segments, 2);
}

#[test]
fn what_others_offered_is_remembered_with_a_segment_and_goes_with_it() {
    let directory = tempfile::tempdir().unwrap();
    let one = v1(1, 2 * BLOCK);
    let replies = Replies {
        total: 12,
        full: 10,
    };
    let store = open(directory.path());
    store.note_replies(&one.id, replies).unwrap();
    assert!(store.inspect(&one.id).unwrap().is_none());
    one.put_all(&store);
    store.note_replies(&one.id, replies).unwrap();
    store.flush().unwrap();
    drop(store);
    let store = open(directory.path());
    assert_eq!(
        Cache::held(&store, now(), &one.id).unwrap().replies,
        replies
    );
    store.forget(&one.id).unwrap();
    one.put_all(&store);
    let held = Cache::held(&store, now(), &one.id).unwrap();
    assert_eq!(held.replies, Replies::default());
}

#[test]
fn a_block_that_is_not_what_its_hash_says_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    for segment in [v1(1, 2 * BLOCK), v2(2, 3000)] {
        segment.describe(&store);
        let mut wrong = segment.block(0).to_vec();
        wrong[9] ^= 1;
        let put = store.put_verified(now(), &segment.id, at(0), &wrong);
        assert!(matches!(put, Err(StoreError::WrongBlock { .. })), "{put:?}");
        let put = store.put_verified(now(), &segment.id, at(0), &wrong[1..]);
        assert!(matches!(put, Err(StoreError::WrongBlock { .. })));
        let put = store.put_verified(now(), &segment.id, at(9), &wrong);
        assert!(matches!(put, Err(StoreError::WrongBlock { .. })));
        assert!(!segment.reads(&store, 0));
    }
    let put = store.put_verified(now(), &v2(3, 10).id, at(0), &[0; 10]);
    assert!(matches!(put, Err(StoreError::NotDescribed { .. })));
}

#[test]
fn facts_that_contradict_their_id_or_themselves_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let one = v1(1, 2 * BLOCK);
    let mut wrong = one.facts.clone();
    wrong.block_hashes[3] ^= 1;
    let told = store.describe(now(), &one.id, &wrong);
    assert!(matches!(
        told,
        Err(StoreError::Facts {
            source: FactsError::Hashes,
            ..
        })
    ));
    let told = store.describe(now(), &v1(2, 2 * BLOCK).id, &one.facts);
    assert!(matches!(
        told,
        Err(StoreError::Facts {
            source: FactsError::Id,
            ..
        })
    ));
    let mut wrong = one.facts.clone();
    wrong.length = 0;
    let told = store.describe(now(), &one.id, &wrong);
    assert!(matches!(
        told,
        Err(StoreError::Facts {
            source: FactsError::Length,
            ..
        })
    ));
}

#[test]
fn what_nothing_ties_to_its_id_is_not_served_until_something_does() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let (true_one, liar) = (v2(1, 5000), v2(2, 5000));
    // The liar's bytes under the other's id: without Kp nobody can tell.
    let mut unproven = liar.facts.clone();
    unproven.secret = None;
    store.describe(now(), &true_one.id, &unproven).unwrap();
    store
        .put_verified(now(), &true_one.id, at(0), liar.block(0))
        .unwrap();
    assert!(store.segment(&true_one.id).is_none());
    assert!(store.verified_blocks(&true_one.id).unwrap().is_empty());
    assert!(!true_one.reads(&store, 0));
    true_one.put(&store, 0);
    assert!(true_one.reads(&store, 0));

    let waiting = v2(3, 6000);
    let mut unproven = waiting.facts.clone();
    unproven.secret = None;
    store.describe(now(), &waiting.id, &unproven).unwrap();
    store
        .put_verified(now(), &waiting.id, at(0), waiting.block(0))
        .unwrap();
    assert!(!waiting.reads(&store, 0));
    waiting.describe(&store);
    assert!(waiting.reads(&store, 0));
}

#[test]
fn hashes_of_parts_add_up_and_blocks_that_the_whole_disproves_go() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let one = v1(1, 3 * BLOCK);
    let mut part = one.facts.clone();
    part.hashed = BlockSet::first_blocks(1);
    part.block_hashes.truncate(32);
    store.describe(now(), &one.id, &part).unwrap();
    one.put(&store, 0);
    // put() told all: begin anew with a part whose hash nobody proved.
    store.forget(&one.id).unwrap();
    let other = v1(2, 3 * BLOCK);
    part.block_hashes
        .copy_from_slice(&other.facts.block_hashes[..32]);
    store.describe(now(), &one.id, &part).unwrap();
    store
        .put_verified(now(), &one.id, at(0), other.block(0))
        .unwrap();
    one.describe(&store);
    assert!(!one.reads(&store, 0));
    one.put_all(&store);
    assert!((0..3).all(|index| one.reads(&store, index)));
}

#[test]
fn a_verified_block_takes_the_place_of_a_sealed_one_and_stays() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let one = v2(1, 5000);
    let put = store.put_sealed(now(), &one.id, at(0), &sealed(1, 5008));
    assert_eq!(put.unwrap(), Put::Kept);
    let mut bytes = Vec::new();
    let form = store.read(now(), &one.id, at(0), &mut bytes).unwrap();
    assert_eq!(form, Some(sealed(1, 5008).form()));
    assert_eq!(bytes, sealed(1, 5008).bytes);
    assert!(store.verified_blocks(&one.id).unwrap().is_empty());
    one.put(&store, 0);
    assert!(one.reads(&store, 0));
    let put = store.put_sealed(now(), &one.id, at(0), &sealed(2, 5008));
    assert_eq!(put.unwrap(), Put::AlreadyThere);
    let statistics = store.statistics().unwrap();
    assert_eq!((statistics.sealed_blocks, statistics.sealed_bytes), (0, 0));
}

#[test]
fn sealed_blocks_never_push_out_verified_ones() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path(), &settings(1 << 20, 1 << 20)).unwrap();
    let good: Vec<_> = (0..8).map(|number| v2(number, 60_000)).collect();
    good.iter().for_each(|one| one.put(&store, 0));
    for number in 100..200 {
        let id = v2(number, 10).id;
        store
            .put_sealed(now(), &id, at(0), &sealed(number, 60_000))
            .unwrap();
    }
    assert!(good.iter().all(|one| one.reads(&store, 0)));
    let statistics = store.statistics().unwrap();
    assert!(statistics.sealed_bytes <= 1 << 20);
    assert!(statistics.evictions > 80);
}

#[test]
fn the_segment_used_least_recently_gives_way_also_after_the_store_was_opened_again() {
    let directory = tempfile::tempdir().unwrap();
    let limits = settings(300_000, 0);
    let segments: Vec<_> = (0..6).map(|number| v2(number, 60_000)).collect();
    let store = Store::open(directory.path(), &limits).unwrap();
    segments[..4].iter().for_each(|one| one.put(&store, 0));
    assert!(segments[0].reads(&store, 0));
    drop(store);
    let store = Store::open(directory.path(), &limits).unwrap();
    segments[4].put(&store, 0);
    let there: Vec<bool> = segments.iter().map(|one| one.reads(&store, 0)).collect();
    assert_eq!(there, [true, false, true, true, true, false]);
}

#[test]
fn what_gives_way_gives_its_space_back() {
    use std::os::unix::fs::MetadataExt;
    for punch_holes in [true, false] {
        let directory = tempfile::tempdir().unwrap();
        let limits = StoreSettings {
            punch_holes,
            pack_bytes_limit: 1 << 20,
            ..settings(4 << 20, 0)
        };
        let store = Store::open(directory.path(), &limits).unwrap();
        let mut kept = BTreeMap::new();
        for number in 0..200u64 {
            let one = v2(
                number,
                30_000 + usize::try_from(number).unwrap() * 131 % 90_000,
            );
            one.put(&store, 0);
            kept.insert(number, one);
            // Every twelfth is used again and again, so that what goes lies between what stays.
            for number in (0..number).step_by(12) {
                if let Some(one) = kept.get(&number) {
                    one.reads(&store, 0);
                }
            }
            kept.retain(|_, one| store.inspect(&one.id).unwrap().is_some());
            if number % 20 == 0 {
                store.flush().unwrap();
            }
        }
        store.flush().unwrap();
        store
            .put_sealed(now(), &v2(9, 9).id, at(0), &sealed(1, 9))
            .unwrap();
        store.flush().unwrap();
        let statistics = store.statistics().unwrap();
        assert!(statistics.verified_bytes <= 4 << 20);
        let packs = std::fs::read_dir(directory.path().join("packs")).unwrap();
        let on_disk: u64 = packs
            .map(|pack| pack.unwrap().metadata().unwrap().blocks() * 512)
            .sum();
        let most = statistics.verified_bytes * if punch_holes { 5 } else { 8 } / 4 + (3 << 20);
        assert!(
            on_disk <= most,
            "{punch_holes}: {on_disk} for {statistics:?}"
        );
        assert!(kept.values().filter(|one| one.reads(&store, 0)).count() > 30);
    }
}

#[test]
fn what_is_old_goes_and_what_is_forgotten_is_gone() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let (one, two) = (v2(1, 9000), v2(2, 9000));
    one.put(&store, 0);
    two.put(&store, 0);
    store
        .put_sealed(now(), &v2(3, 9).id, at(0), &sealed(3, 90))
        .unwrap();
    assert_eq!(store.expire(now() + DAY * 27).unwrap(), 0);
    store.forget(&one.id).unwrap();
    assert!(!one.reads(&store, 0) && two.reads(&store, 0));
    assert!(store.facts(&one.id).unwrap().is_none());
    assert_eq!(store.expire(now() + DAY * 28 + DAY / 2).unwrap(), 2);
    assert!(!two.reads(&store, 0));
    assert_eq!(store.statistics().unwrap().verified_bytes, 0);
    assert_eq!(store.list(None, 10).unwrap(), []);
}

#[test]
fn secrets_are_wiped_from_the_files_when_their_segment_goes() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let (one, two) = (v2(1, 9000), v2(2, 9000));
    one.put(&store, 0);
    two.put(&store, 0);
    store.flush().unwrap();
    let secret = |one: &crate::segments::Whole| one.facts.secret.clone().unwrap();
    let files_with = |needle: &[u8]| {
        let mut files = vec![directory.path().join("index.redb")];
        let packs = std::fs::read_dir(directory.path().join("packs")).unwrap();
        files.extend(packs.map(|pack| pack.unwrap().path()));
        let has = |file: &std::path::PathBuf| {
            let bytes = std::fs::read(file).unwrap();
            bytes.windows(needle.len()).any(|window| window == needle)
        };
        files.iter().filter(|file| has(file)).count()
    };
    assert_eq!(files_with(secret(&one).expose()), 1);
    store.forget(&one.id).unwrap();
    store.flush().unwrap();
    assert_eq!(files_with(secret(&one).expose()), 0);
    assert_eq!(files_with(secret(&two).expose()), 1);
    assert!(!format!("{store:?}").contains(&format!("{:?}", secret(&two).expose())));
}

#[test]
fn whoever_subscribed_is_told_what_comes_and_goes() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let told = Arc::new(Mutex::new(Vec::new()));
    let to = Arc::clone(&told);
    store.subscribe(move |change| to.lock().unwrap().push(change.clone()));
    let one = v2(1, 9000);
    one.put(&store, 0);
    store.forget(&one.id).unwrap();
    let (id, index) = (one.id, at(0));
    let expected = vec![Change::Came { id, index }, Change::Gone { id }];
    assert_eq!(*told.lock().unwrap(), expected);
}

#[test]
fn segments_are_listed_page_by_page() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let mut ids: Vec<_> = (0..25).map(|number| v2(number, 900)).collect();
    ids.iter().for_each(|one| one.put(&store, 0));
    ids.sort_by_key(|one| one.id);
    let mut listed = Vec::new();
    while let Ok(page) = store.list(listed.last(), 7)
        && !page.is_empty()
    {
        assert!(page.len() <= 7);
        listed.extend(page.iter().map(|summary| summary.id));
    }
    let ids: Vec<_> = ids.iter().map(|one| one.id).collect();
    assert_eq!(listed, ids);
}

#[test]
fn many_threads_put_and_read_together() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path(), &settings(4 << 20, 1 << 20)).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4u64 {
            let store = store.clone();
            scope.spawn(move || {
                for number in 0..60 {
                    let one = v2(thread / 2 * 1000 + number, 40_000);
                    one.put(&store, 0);
                    for back in 0..5 {
                        v2(thread * 500 + number.saturating_sub(back), 40_000).reads(&store, 0);
                    }
                }
            });
        }
    });
    assert_eq!(store.statistics().unwrap().quarantined, 0);
}
