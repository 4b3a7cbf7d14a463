use super::*;

const fn key(number: u8) -> InfoKey {
    InfoKey([number; 32])
}

fn settings(directory: &Path) -> Settings {
    Settings {
        cache_directory: Some(directory.join("infos")),
        cache_disk_bytes_most: 1000,
        cache_entries_most: 4,
        cache_memory_bytes_most: 250,
        ..Settings::default()
    }
}

fn info(number: u8, length: usize) -> Bytes {
    Bytes::from(vec![number; length])
}

#[test]
fn what_is_kept_survives_in_the_directory_and_only_the_latest_in_memory() {
    let room = tempfile::tempdir().unwrap();
    let store = InfoStore::open(&settings(room.path())).unwrap();
    for number in 1..=3 {
        store.put(key(number), info(number, 100)).unwrap();
    }
    assert_eq!(store.get_held(&key(1)), None);
    assert_eq!(store.get_held(&key(3)), Some(info(3, 100)));
    let again = InfoStore::open(&settings(room.path())).unwrap();
    for number in 1..=3 {
        assert_eq!(again.get_held(&key(number)), None);
        assert_eq!(again.get(&key(number)), Some(info(number, 100)));
    }
    assert!(again.lock().memory_bytes <= 250);
    assert_eq!(again.get(&key(9)), None);
}

#[test]
fn the_longest_unused_makes_room_and_its_file_goes_too() {
    let room = tempfile::tempdir().unwrap();
    let store = InfoStore::open(&settings(room.path())).unwrap();
    for number in 1..=4 {
        store.put(key(number), info(number, 10)).unwrap();
    }
    store.get(&key(1));
    assert_eq!(store.put(key(5), info(5, 10)).unwrap(), 1);
    assert!(store.contains(&key(1)) && !store.contains(&key(2)));
    assert_eq!(store.put(key(6), info(6, 990)).unwrap(), 3);
    assert!(store.contains(&key(6)));
    assert!(store.lock().bytes <= 1000);
    assert_eq!(store.put(key(7), info(7, 1001)).unwrap(), 0);
    assert!(!store.contains(&key(7)));
    let files = fs::read_dir(room.path().join("infos")).unwrap().count();
    assert_eq!(files, store.lock().entries.len());
}

#[test]
fn without_a_directory_memory_is_the_limit() {
    let limits = Settings {
        cache_directory: None,
        cache_memory_bytes_most: 250,
        ..Settings::default()
    };
    let store = InfoStore::open(&limits).unwrap();
    for number in 1..=3 {
        store.put(key(number), info(number, 100)).unwrap();
    }
    assert_eq!(store.get(&key(1)), None);
    assert_eq!(store.get(&key(3)), Some(info(3, 100)));
}

#[test]
fn a_damaged_file_is_as_none_and_is_removed() {
    let room = tempfile::tempdir().unwrap();
    let limits = settings(room.path());
    InfoStore::open(&limits)
        .unwrap()
        .put(key(1), info(1, 100))
        .unwrap();
    let path = room.path().join("infos").join(key(1).name());
    let whole = fs::read(&path).unwrap();
    let mut flipped = whole.clone();
    *flipped.last_mut().unwrap() ^= 1;
    for damaged in [&whole[..whole.len() - 1], &whole[..20], &[], &flipped] {
        fs::write(&path, damaged).unwrap();
        let store = InfoStore::open(&limits).unwrap();
        assert_eq!(store.get(&key(1)), None);
        assert!(!path.exists());
    }
}

#[test]
fn strangers_in_the_directory_are_left_alone_and_drafts_are_removed() {
    let room = tempfile::tempdir().unwrap();
    let limits = settings(room.path());
    let directory = room.path().join("infos");
    InfoStore::open(&limits).unwrap();
    for name in ["readme", ".draft-x", &"A".repeat(64), &"é".repeat(32)] {
        fs::write(directory.join(name), "x").unwrap();
    }
    let store = InfoStore::open(&limits).unwrap();
    assert!(store.lock().entries.is_empty());
    assert_eq!(fs::read_dir(&directory).unwrap().count(), 3);
}
