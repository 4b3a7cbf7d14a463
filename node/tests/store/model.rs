//! The store on disk against the one in memory, over any sequence of calls, closed and opened in between.

use peerdist::store::{BlockStore, MemoryStore, MemoryStoreSettings, ShelfLimits};
use peerdist::time::{Duration, Instant};
use peerdist_node::store::{KeepLimits, Space, Store, StoreSettings};
use proptest::prelude::*;

use crate::segments::{Whole, at, sealed, v1, v2};

#[derive(Debug, Clone)]
enum Call {
    Put(usize, u32),
    Seal(usize, u32),
    Read(usize, u32),
    Forget(usize),
    Expire,
    Wait(u64),
    Flush,
    Reopen,
}

fn call() -> impl Strategy<Value = Call> {
    prop_oneof![
        8 => (0..6usize, 0..3u32).prop_map(|(segment, index)| Call::Put(segment, index)),
        4 => (0..6usize, 0..3u32).prop_map(|(segment, index)| Call::Seal(segment, index)),
        6 => (0..6usize, 0..3u32).prop_map(|(segment, index)| Call::Read(segment, index)),
        1 => (0..6usize).prop_map(Call::Forget),
        1 => Just(Call::Expire),
        2 => (1..400u64).prop_map(Call::Wait),
        1 => Just(Call::Flush),
        1 => Just(Call::Reopen),
    ]
}

fn segments() -> Vec<Whole> {
    let mut all: Vec<Whole> = (0..3).map(|number| v1(number, 3 * 65_536)).collect();
    all.extend((3..6).map(|number| v2(number, 40_000)));
    all
}

fn disk(path: &std::path::Path) -> Store {
    let keep = |bytes| KeepLimits {
        space: Space::Bytes(bytes),
        age_limit_ms: 1_000,
    };
    let settings = StoreSettings {
        // In memory only the bytes of blocks count; here headers do too, so room is given for both.
        verified: keep(1 << 30),
        sealed: keep(5 * 65_856),
        pack_bytes_limit: 300_000,
        ..StoreSettings::default()
    };
    Store::open(path, &settings).unwrap()
}

#[test]
fn what_was_read_last_is_dropped_last_after_the_store_was_closed() {
    let directory = tempfile::tempdir().unwrap();
    let segments = segments();
    let store = disk(directory.path());
    let mut now = Instant::from_nanos(1_000_000_000);
    let mut later = || {
        now = now + Duration::from_millis(1);
        now
    };
    for one in &segments[..5] {
        let block = sealed(0, 65_536);
        store.put_sealed(later(), &one.id, at(0), &block).unwrap();
    }
    store.flush().unwrap();
    // The shelf is full, and the first segment is the one used least recently, until now.
    let mut block = Vec::new();
    assert!(
        store
            .read(later(), &segments[0].id, at(0), &mut block)
            .unwrap()
            .is_some()
    );
    drop(store);
    let store = disk(directory.path());
    let block = sealed(0, 65_536);
    store
        .put_sealed(later(), &segments[5].id, at(0), &block)
        .unwrap();
    let is_there = |one: &Whole| {
        use peerdist::retrieval::server::Holdings;
        store.segment(&one.id).is_some()
    };
    let there: Vec<bool> = segments.iter().map(is_there).collect();
    assert_eq!(there, [true, false, true, true, true, true]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_store_on_disk_answers_as_the_one_in_memory(calls in prop::collection::vec(call(), 1..80)) {
        let directory = tempfile::tempdir().unwrap();
        let segments = segments();
        let mut store = disk(directory.path());
        let shelf = |bytes_limit| ShelfLimits { bytes_limit, age_limit_ms: 1_000 };
        let mut model = MemoryStore::new(&MemoryStoreSettings {
            verified: shelf(1 << 30),
            sealed: shelf(5 * 65_536),
        });
        let mut now = Instant::from_nanos(1_000_000_000);
        for call in calls {
            now = now + Duration::from_millis(1);
            match call {
                Call::Put(segment, index) => {
                    let one = &segments[segment];
                    if index >= one.facts.block_count() {
                        continue;
                    }
                    store.describe(now, &one.id, &one.facts).unwrap();
                    let put = store.put_verified(now, &one.id, at(index), one.block(index)).unwrap();
                    let modelled = model.put_verified(now, one.id, at(index), one.block(index).to_vec());
                    prop_assert_eq!(put, modelled.unwrap());
                }
                Call::Seal(segment, index) => {
                    let id = segments[segment].id;
                    let block = sealed(index.into(), 65_536);
                    let put = store.put_sealed(now, &id, at(index), &block).unwrap();
                    prop_assert_eq!(put, model.put_sealed(now, id, at(index), block).unwrap());
                }
                Call::Read(segment, index) => {
                    let id = segments[segment].id;
                    let (mut one, mut two) = (Vec::new(), Vec::new());
                    let form = store.read(now, &id, at(index), &mut one).unwrap();
                    prop_assert_eq!(form, model.read(now, &id, at(index), &mut two).unwrap());
                    prop_assert_eq!(one, two);
                }
                Call::Forget(segment) => {
                    store.forget(&segments[segment].id).unwrap();
                    model.forget(&segments[segment].id).unwrap();
                }
                Call::Expire => {
                    store.expire(now).unwrap();
                    model.expire(now).unwrap();
                }
                Call::Wait(milliseconds) => now = now + Duration::from_millis(milliseconds),
                Call::Flush => store.flush().unwrap(),
                Call::Reopen => {
                    drop(store);
                    store = disk(directory.path());
                    prop_assert!(store.opening_notes().is_empty());
                }
            }
            for one in &segments {
                prop_assert_eq!(
                    BlockStore::verified(&store, &one.id),
                    model.verified(&one.id)
                );
                use peerdist::retrieval::server::Holdings;
                let held = |held: Option<peerdist::retrieval::server::HeldSegment>| {
                    held.map(|held| (held.blocks, held.since))
                };
                prop_assert_eq!(held(store.segment(&one.id)), held(model.segment(&one.id)));
            }
        }
        prop_assert_eq!(store.statistics().unwrap().quarantined, 0);
    }
}
