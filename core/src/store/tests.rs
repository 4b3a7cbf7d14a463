use super::*;
use crate::hash::Digest;
use crate::time::Duration;

const NOW: Instant = Instant::ZERO;

fn id(number: u8) -> SegmentId {
    SegmentId(Digest::try_from(&[number; 32][..]).unwrap())
}

fn at(index: u32) -> BlockIndex {
    BlockIndex::new(index).unwrap()
}

fn store(verified: u64, sealed: u64) -> MemoryStore {
    let limits = |bytes_limit| ShelfLimits {
        bytes_limit,
        age_limit_ms: 1_000,
    };
    MemoryStore::new(&MemoryStoreSettings {
        verified: limits(verified),
        sealed: limits(sealed),
    })
}

fn sealed(byte: u8) -> SealedBlock {
    SealedBlock {
        crypto: CryptoAlgorithm::AES_128,
        iv: [byte; 16],
        bytes: vec![byte; 16],
    }
}

fn bytes_of(store: &mut MemoryStore, number: u8, index: u32) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let form = store.read(NOW, &id(number), at(index), &mut bytes);
    form.unwrap().map(|_| bytes)
}

#[test]
fn a_verified_block_is_never_overwritten() {
    let mut store = store(100, 100);
    let put = store.put_verified(NOW, id(1), at(0), vec![1; 10]);
    assert_eq!(put, Ok(Put::Kept));
    let put = store.put_sealed(NOW, id(1), at(0), sealed(9));
    assert_eq!(put, Ok(Put::AlreadyThere));
    let put = store.put_verified(NOW, id(1), at(0), vec![2; 10]);
    assert_eq!(put, Ok(Put::AlreadyThere));
    assert_eq!(bytes_of(&mut store, 1, 0), Some(vec![1; 10]));
    assert_eq!(store.bytes(), (10, 0));
}

#[test]
fn a_verified_block_takes_the_place_of_a_sealed_one() {
    let mut store = store(100, 100);
    store.put_sealed(NOW, id(1), at(0), sealed(9)).unwrap();
    assert!(store.verified(&id(1)).is_empty());
    let put = store.put_verified(NOW, id(1), at(0), vec![1; 10]);
    assert_eq!(put, Ok(Put::Kept));
    assert_eq!(store.bytes(), (10, 0));
    let handle = store.segment(&id(1)).unwrap().handle;
    assert_eq!(store.block(handle, at(0)).unwrap().form, BlockForm::Plain);
    assert!(store.verified(&id(1)).contains(at(0)));
}

#[test]
fn offers_cannot_push_out_what_was_verified() {
    let mut store = store(20, 40);
    store.put_verified(NOW, id(1), at(0), vec![1; 20]).unwrap();
    for number in 2..50 {
        store
            .put_sealed(NOW, id(number), at(0), sealed(number))
            .unwrap();
        assert!(store.bytes().1 <= 40);
    }
    assert_eq!(bytes_of(&mut store, 1, 0), Some(vec![1; 20]));
    assert_eq!(store.segments(), 3, "one verified, two sealed");
}

#[test]
fn the_segment_used_least_recently_goes_first() {
    let mut store = store(30, 0);
    for number in 1..=3 {
        let put = store.put_verified(NOW, id(number), at(0), vec![number; 10]);
        assert_eq!(put, Ok(Put::Kept));
    }
    assert!(bytes_of(&mut store, 1, 0).is_some());
    store.put_verified(NOW, id(4), at(7), vec![4; 10]).unwrap();
    assert_eq!(bytes_of(&mut store, 2, 0), None);
    assert!(store.segment(&id(2)).is_none());
    assert_eq!(bytes_of(&mut store, 1, 0), Some(vec![1; 10]));
    assert_eq!(store.bytes(), (30, 0));
}

#[test]
fn a_block_larger_than_the_store_is_refused_and_pushes_out_nothing() {
    let mut store = store(30, 8);
    store.put_verified(NOW, id(1), at(0), vec![1; 30]).unwrap();
    let put = store.put_verified(NOW, id(2), at(0), vec![2; 31]);
    assert_eq!(put, Ok(Put::TooLarge));
    let put = store.put_sealed(NOW, id(2), at(0), sealed(2));
    assert_eq!(put, Ok(Put::TooLarge));
    assert_eq!(store.segments(), 1);
    assert!(store.put_verified(NOW, id(2), at(0), Vec::new()).is_err());
}

#[test]
fn what_is_too_old_goes() {
    let mut store = store(100, 100);
    store.put_verified(NOW, id(1), at(0), vec![1; 10]).unwrap();
    let later = NOW + Duration::from_millis(600);
    store
        .put_verified(later, id(1), at(1), vec![1; 10])
        .unwrap();
    store.put_sealed(later, id(2), at(0), sealed(2)).unwrap();
    store.expire(NOW + Duration::from_millis(999)).unwrap();
    assert_eq!(store.segments(), 2);
    store.expire(NOW + Duration::from_millis(1_000)).unwrap();
    assert_eq!(store.segments(), 1);
    assert_eq!(store.bytes(), (0, 16));
    store.forget(&id(2)).unwrap();
    assert_eq!((store.segments(), store.bytes()), (0, (0, 0)));
}

#[test]
fn a_full_store_of_one_segment_makes_room_by_starting_over() {
    let mut store = store(30, 0);
    for index in 0..10 {
        let put = store.put_verified(NOW, id(1), at(index), vec![1; 10]);
        assert_eq!(put, Ok(Put::Kept));
        assert!(store.bytes().0 <= 30);
        let held = store.segment(&id(1)).unwrap();
        assert!(held.blocks.contains(at(index)));
        assert!(store.block(held.handle, at(index)).is_some());
    }
}
