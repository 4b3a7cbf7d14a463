//! Damage of every kind: bytes of packs, the index cut or overwritten, files that are gone, formats yet unknown.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use peerdist_node::store::{Store, StoreError};

use crate::segments::{BLOCK, Whole, at, bytes, now, open, sealed, settings, v1, v2};

fn furnished(path: &Path) -> Vec<Whole> {
    let store = open(path);
    let mut all = vec![v1(1, 4 * BLOCK + 5), v1(2, 2 * BLOCK)];
    all.extend((3..12).map(|number| v2(number, 9_000 + usize::try_from(number).unwrap() * 1_111)));
    all.iter().for_each(|one| one.put_all(&store));
    for number in 20..24 {
        let id = v2(number, 5).id;
        store
            .put_sealed(now(), &id, at(0), &sealed(number, 7_000))
            .unwrap();
    }
    all
}

fn count(store: &Store, segments: &[Whole]) -> usize {
    let blocks = |one: &Whole| {
        (0..one.facts.block_count())
            .filter(|at| one.reads(store, *at))
            .count()
    };
    let verified: usize = segments.iter().map(blocks).sum();
    let is_sealed = |number: &u64| {
        let mut into = Vec::new();
        let form = store
            .read(now(), &v2(*number, 5).id, at(0), &mut into)
            .unwrap();
        assert!(form.is_none() || form == Some(sealed(*number, 7_000).form()));
        assert!(form.is_none() || into == sealed(*number, 7_000).bytes);
        form.is_some()
    };
    verified + (20..24).filter(is_sealed).count()
}

fn packs(path: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(path.join("packs")).unwrap();
    let mut packs: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    packs.sort();
    packs
}

#[test]
fn a_flipped_byte_anywhere_in_a_pack_never_makes_a_wrong_block() {
    let directory = tempfile::tempdir().unwrap();
    let segments = furnished(directory.path());
    let all = count(&open(directory.path()), &segments);
    let mut damaged = 0;
    let mut places = bytes(99, 8 * 4000)
        .chunks(8)
        .map(|chunk| u64::from_le_bytes(chunk.try_into().unwrap()))
        .collect::<Vec<_>>()
        .into_iter();
    // One opening for many flips, each taken back before the next: reading in between may not be fooled either.
    while places.len() > 0 {
        let copy = tempfile::tempdir().unwrap();
        for name in ["format", "index.redb"] {
            fs::copy(directory.path().join(name), copy.path().join(name)).unwrap();
        }
        fs::create_dir(copy.path().join("packs")).unwrap();
        for pack in packs(directory.path()) {
            fs::copy(
                &pack,
                copy.path().join("packs").join(pack.file_name().unwrap()),
            )
            .unwrap();
        }
        let store = open(copy.path());
        for place in places.by_ref().take(200) {
            let packs = packs(copy.path());
            let pack = &packs[usize::try_from(place % 2).unwrap()];
            let file = File::options().read(true).write(true).open(pack).unwrap();
            let offset = (place >> 8) % file.metadata().unwrap().len();
            let mut byte = [0];
            file.read_exact_at(&mut byte, offset).unwrap();
            file.write_all_at(&[byte[0] ^ (1 << ((place >> 1) % 8))], offset)
                .unwrap();
            if place % 16 < 2 {
                count(&store, &segments);
            }
        }
        let left = count(&store, &segments);
        assert!(left < all, "200 flips that nobody noticed");
        damaged += store.statistics().unwrap().quarantined;
        assert!(copy.path().join("quarantine").exists());
    }
    assert!(damaged > 20, "{damaged}");
}

#[test]
fn a_damaged_block_is_set_aside_and_reported_and_can_be_kept_anew() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let one = v2(1, 30_000);
    one.put(&store, 0);
    store.flush().unwrap();
    assert!(one.reads(&store, 0));
    let pack = File::options()
        .write(true)
        .open(&packs(directory.path())[0])
        .unwrap();
    pack.write_all_at(&[0xaa; 8], 20_000).unwrap();
    assert!(!one.reads(&store, 0));
    assert_eq!(store.statistics().unwrap().quarantined, 1);
    assert_eq!(
        fs::read_dir(directory.path().join("quarantine"))
            .unwrap()
            .count(),
        1
    );
    one.put(&store, 0);
    assert!(one.reads(&store, 0));
    let (good, damaged) = store.verify(&one.id).unwrap();
    assert_eq!((good.len(), damaged.len()), (1, 0));
}

#[test]
fn an_index_that_is_cut_overwritten_or_gone_is_made_anew_from_the_packs() {
    let directory = tempfile::tempdir().unwrap();
    let segments = furnished(directory.path());
    let all = count(&open(directory.path()), &segments);
    let index = directory.path().join("index.redb");
    let whole = fs::read(&index).unwrap();
    let mut set_aside = 0;
    for (number, place) in bytes(5, 80).chunks(8).enumerate() {
        let place =
            usize::try_from(u64::from_le_bytes(place.try_into().unwrap()) % whole.len() as u64)
                .unwrap();
        let mut damaged = whole.clone();
        match number % 4 {
            0 => damaged.truncate(place),
            1 => damaged[place / 4096 * 4096..]
                .iter_mut()
                .take(4096)
                .for_each(|byte| *byte = 0x5a),
            2 => damaged.iter_mut().for_each(|byte| *byte ^= 0xff),
            _ => damaged = b"not an index at all".to_vec(),
        }
        fs::write(&index, &damaged).unwrap();
        let store = open(directory.path());
        // Where the damage hit nothing that is in use, nothing needed to be done.
        set_aside += usize::from(!store.opening_notes().is_empty());
        assert_eq!(
            count(&store, &segments),
            all,
            "{number}: {:?}",
            store.opening_notes()
        );
        assert_eq!(store.statistics().unwrap().quarantined, 0);
        v2(100 + number as u64, 4_000).put(&store, 0);
        drop(store);
        let store = open(directory.path());
        assert_eq!(count(&store, &segments), all);
        assert!(v2(100 + number as u64, 4_000).reads(&store, 0));
    }
    assert!(set_aside >= 6, "{set_aside}");
    let names = fs::read_dir(directory.path()).unwrap();
    let corrupt = names.filter(|name| {
        name.as_ref()
            .unwrap()
            .file_name()
            .to_string_lossy()
            .contains(".corrupt-")
    });
    assert!((1..=3).contains(&corrupt.count()));
    fs::remove_file(&index).unwrap();
    assert_eq!(count(&open(directory.path()), &segments), all);
}

#[test]
fn what_was_forgotten_does_not_come_back_with_a_new_index() {
    let directory = tempfile::tempdir().unwrap();
    let segments = furnished(directory.path());
    let store = open(directory.path());
    store.forget(&segments[0].id).unwrap();
    store.forget(&segments[5].id).unwrap();
    drop(store);
    fs::remove_file(directory.path().join("index.redb")).unwrap();
    let store = open(directory.path());
    assert!(!segments[0].reads(&store, 0) && !segments[5].reads(&store, 0));
    assert!(segments[1].reads(&store, 0));
}

#[test]
fn records_made_to_look_like_ours_are_not_taken_up() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    // Somebody's content is the pack of another store, word for word.
    let other = tempfile::tempdir().unwrap();
    let victim = v2(1, 5_000);
    victim.put(&open(other.path()), 0);
    let mut forged = fs::read(&packs(other.path())[0]).unwrap();
    forged.resize(60_000, 0);
    let id = v2(2, 10).id;
    let block = peerdist::store::SealedBlock {
        bytes: forged,
        ..sealed(2, 1)
    };
    store.put_sealed(now(), &id, at(0), &block).unwrap();
    drop(store);
    // The header in front of it is damaged, so a scan meets what is in it.
    let pack = File::options()
        .write(true)
        .open(&packs(directory.path())[0])
        .unwrap();
    pack.write_all_at(&[0; 16], 64).unwrap();
    fs::remove_file(directory.path().join("index.redb")).unwrap();
    let store = open(directory.path());
    assert_eq!(store.list(None, 10).unwrap(), []);
}

#[test]
fn packs_that_are_gone_cut_or_unknown_are_noted_and_the_rest_is_served() {
    let directory = tempfile::tempdir().unwrap();
    let segments = furnished(directory.path());
    let all = packs(directory.path());
    fs::write(directory.path().join("packs/00000077.pack"), b"left behind").unwrap();
    let file = File::options().write(true).open(&all[0]).unwrap();
    file.set_len(file.metadata().unwrap().len() / 2).unwrap();
    fs::remove_file(&all[1]).unwrap();
    let store = open(directory.path());
    assert_eq!(
        store.opening_notes().len(),
        1,
        "{:?}",
        store.opening_notes()
    );
    assert!(!directory.path().join("packs/00000077.pack").exists());
    assert!(segments[0].reads(&store, 0) && !segments[10].reads(&store, 0));
    assert_eq!(store.statistics().unwrap().quarantined, 0);
    segments[10].put(&store, 0);
    drop(store);
    assert!(segments[10].reads(&open(directory.path()), 0));
}

#[test]
fn a_newer_format_another_directory_and_a_second_process_are_refused_in_words() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let refused = Store::open(directory.path(), &settings(1, 1)).unwrap_err();
    assert!(
        matches!(refused, StoreError::InUse { pid: Some(pid), .. } if pid == std::process::id())
    );
    assert!(refused.to_string().contains("is used by process"));
    drop(store);
    fs::write(directory.path().join("format"), "peerdist store 2\n").unwrap();
    let refused = Store::open(directory.path(), &settings(1, 1)).unwrap_err();
    assert!(matches!(refused, StoreError::Newer { .. }));
    assert!(refused.to_string().contains("has format 2"), "{refused}");
    let other = tempfile::tempdir().unwrap();
    fs::write(other.path().join("letter"), "dear").unwrap();
    let refused = Store::open(other.path(), &settings(1, 1)).unwrap_err();
    assert!(matches!(refused, StoreError::NotAStore { .. }));
    let refused = Store::open(&other.path().join("letter"), &settings(1, 1)).unwrap_err();
    assert!(matches!(refused, StoreError::NotAStore { .. }), "{refused}");
    let refused = Store::open(&other.path().join("no/where"), &settings(1, 1)).unwrap_err();
    assert!(
        refused.to_string().contains("cannot make its directory"),
        "{refused}"
    );
}

#[test]
fn files_and_directories_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store");
    furnished(&path);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o700);
    for name in ["index.redb", "lock", "format"] {
        assert_eq!(mode(&path.join(name)), 0o600, "{name}");
    }
    assert!(packs(&path).iter().all(|pack| mode(pack) == 0o600));
}
