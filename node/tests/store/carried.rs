//! Stores of other processes over their socket, and packages that carry segments from one store to another.

use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;

use peerdist::discovery::Replies;
use peerdist_node::store::{
    ControlServer, Imported, PackageError, Store, StoreError, StoreHandle, export, import,
};

use crate::segments::{BLOCK, Whole, at, bytes, open, settings, v1, v2};

fn delegated(path: &Path) -> StoreHandle {
    let handle = StoreHandle::open(path, &settings(1 << 30, 1 << 20)).unwrap();
    assert!(matches!(handle, StoreHandle::Delegated(_)));
    handle
}

#[test]
fn a_store_of_another_process_answers_over_its_socket_as_our_own_does() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let in_use = StoreHandle::open(directory.path(), &settings(1, 1)).unwrap_err();
    assert!(matches!(in_use, StoreError::InUse { .. }));
    let server = ControlServer::start(store.clone()).unwrap();
    let socket = directory.path().join("control.sock");
    let mode = std::fs::metadata(&socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let handle = delegated(directory.path());
    let (one, two) = (v1(1, 3 * BLOCK), v2(2, 70_000));
    for segment in [&one, &two] {
        handle.describe(&segment.id, &segment.facts).unwrap();
        for index in 0..segment.facts.block_count() {
            let block = segment.block(index);
            handle.put_verified(&segment.id, at(index), block).unwrap();
            assert!(segment.reads(&store, index));
            let mut read = Vec::new();
            handle
                .read(&segment.id, at(index), &mut read)
                .unwrap()
                .unwrap();
            assert_eq!(read, block);
        }
        assert_eq!(*handle.facts(&segment.id).unwrap().unwrap(), segment.facts);
        assert_eq!(
            handle.inspect(&segment.id).unwrap(),
            store.inspect(&segment.id).unwrap()
        );
        assert_eq!(
            handle.verify(&segment.id).unwrap(),
            store.verify(&segment.id).unwrap()
        );
    }
    let replies = Replies { total: 7, full: 3 };
    handle.note_replies(&two.id, replies).unwrap();
    assert_eq!(store.inspect(&two.id).unwrap().unwrap().replies, replies);
    assert_eq!(handle.list(None).unwrap(), store.list(None, 99).unwrap());
    handle.flush().unwrap();
    let counted = |statistics: peerdist_node::store::Statistics| statistics.verified_blocks;
    assert_eq!(counted(handle.statistics().unwrap()), 4);
    let wrong = handle
        .put_verified(&two.id, at(0), &[0; 70_000])
        .unwrap_err();
    assert!(wrong.to_string().contains("is not that block"), "{wrong}");
    handle.forget(&one.id).unwrap();
    assert!(handle.inspect(&one.id).unwrap().is_none());
    assert!(handle.facts(&one.id).unwrap().is_none());
    assert_eq!(handle.forget_all().unwrap(), 1);
    drop(server);
    assert!(!socket.exists());
    let gone = handle.statistics().unwrap_err();
    assert!(matches!(gone, StoreError::Owner { .. }), "{gone}");
}

#[test]
fn nonsense_on_the_socket_ends_the_connection_and_harms_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    v2(1, 5_000).put(&store, 0);
    let server = ControlServer::start(store.clone()).unwrap();
    let socket = directory.path().join("control.sock");
    for number in 0..150u64 {
        let mut message = bytes(number, usize::try_from(number).unwrap() % 200 + 1);
        message[0] = u8::try_from(number % 14).unwrap();
        let mut length = u32::try_from(message.len()).unwrap();
        if number % 10 == 0 {
            length = u32::MAX - u32::try_from(number).unwrap();
        }
        let mut stream = UnixStream::connect(&socket).unwrap();
        let _ = stream.write_all(&length.to_le_bytes());
        let _ = stream.write_all(&message);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(answer.len() < 100_000);
    }
    assert!(v2(1, 5_000).reads(&store, 0) || store.list(None, 1).unwrap().is_empty());
    // Those who say nothing do not keep others out for good: there is room for sixteen, and they leave.
    let silent: Vec<_> = (0..40)
        .map(|_| UnixStream::connect(&socket).unwrap())
        .collect();
    drop(silent);
    let answers = || delegated(directory.path()).statistics().is_ok();
    let mut tries = 0..100;
    assert!(tries.any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(20));
        answers()
    }));
    drop(server);
}

fn filled(path: &Path) -> (StoreHandle, Vec<Whole>) {
    let store = open(path);
    let all = vec![v1(1, 3 * BLOCK + 9), v2(2, 70_000), v2(3, 1_000)];
    all.iter().for_each(|one| one.put_all(&store));
    (StoreHandle::Owned(store), all)
}

fn owned(handle: &StoreHandle) -> &Store {
    match handle {
        StoreHandle::Owned(store) => store,
        StoreHandle::Delegated(_) => panic!("it is our own"),
    }
}

#[test]
fn a_package_carries_segments_with_or_without_secrets() {
    let here = tempfile::tempdir().unwrap();
    let (from, segments) = filled(here.path());
    for with_secrets in [true, false] {
        let there = tempfile::tempdir().unwrap();
        let to = StoreHandle::Owned(open(there.path()));
        let mut package = Vec::new();
        let exported = export(&from, with_secrets, |_| true, &mut package).unwrap();
        assert_eq!((exported.segments, exported.blocks), (3, 6));
        for one in &segments {
            let secret = one.facts.secret.as_ref().unwrap().expose();
            let is_in = package.windows(secret.len()).any(|window| window == secret);
            assert_eq!(is_in, with_secrets);
        }
        let imported = import(&to, &mut package.as_slice()).unwrap();
        assert_eq!(
            (imported.kept, imported.waiting),
            (6, if with_secrets { 0 } else { 3 })
        );
        let again = import(&to, &mut package.as_slice()).unwrap();
        let expected = Imported {
            kept: 0,
            there: 6,
            ..imported
        };
        assert_eq!(again, expected);
        for one in &segments {
            assert_eq!(one.reads(owned(&to), 0), with_secrets);
            // Content information brings what the package left out.
            one.describe(owned(&to));
            assert!((0..one.facts.block_count()).all(|index| one.reads(owned(&to), index)));
        }
    }
    let mut package = Vec::new();
    let exported = export(&from, true, |id| *id == segments[1].id, &mut package).unwrap();
    assert_eq!(
        (exported.segments, exported.blocks, exported.bytes),
        (1, 1, 70_000)
    );
}

#[test]
fn a_package_that_is_cut_or_changed_is_an_error_and_keeps_nothing_wrong() {
    let here = tempfile::tempdir().unwrap();
    let (from, segments) = filled(here.path());
    let mut package = Vec::new();
    export(&from, true, |_| true, &mut package).unwrap();
    let there = tempfile::tempdir().unwrap();
    let to = StoreHandle::Owned(open(there.path()));
    let places = bytes(3, 8 * 60);
    let places = places.chunks(8).map(|place| {
        usize::try_from(u64::from_le_bytes(place.try_into().unwrap())).unwrap() % package.len()
    });
    for place in (0..40).chain(places) {
        let cut = import(&to, &mut &package[..place]).unwrap_err();
        let is_told = matches!(
            cut,
            PackageError::CutShort { .. } | PackageError::NotAPackage
        );
        assert!(is_told, "{place}: {cut}");
        let mut changed = package.clone();
        changed[place] ^= 1 << (place % 8);
        import(&to, &mut changed.as_slice()).unwrap_err();
        for one in &segments {
            for index in 0..one.facts.block_count() {
                one.reads(owned(&to), index);
            }
        }
    }
    let mut longer = package.clone();
    longer.push(0);
    let error = import(&to, &mut longer.as_slice()).unwrap_err();
    assert!(error.to_string().contains("behind its end"), "{error}");
    import(&to, &mut package.as_slice()).unwrap();
}
