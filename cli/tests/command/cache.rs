//! `cache`: a store on the command line, from a package in to a package out.

use std::os::unix::fs::PermissionsExt;

use peerdist::content::{ContentInfo, SegmentId};
use peerdist_node::store::{
    ControlServer, SegmentFacts, Store, StoreHandle, StoreSettings, export, wall_clock,
};

use crate::room::{Room, SECRET};

/// A room with content, the store `store` that has it in both versions, and the ids of its segments.
fn furnished() -> (Room, Vec<SegmentId>) {
    let room = Room::with_content(200_000);
    let store = Store::open(&room.at("store"), &StoreSettings::default()).unwrap();
    let mut ids = Vec::new();
    for version in [1, 2] {
        room.run(&format!(
            "info create content {SECRET} --version {version} -o info"
        ))
        .good();
        let (content, info) = (room.read("content"), room.read("info"));
        let info = ContentInfo::decode(&info).unwrap();
        for segment in info.segments() {
            let id = segment.id();
            let facts = SegmentFacts::of(&segment);
            store.describe(wall_clock(), &id, &facts).unwrap();
            for block in segment.blocks() {
                let index = peerdist::retrieval::BlockIndex::new(block.index).unwrap();
                let range =
                    usize::try_from(block.offset).unwrap()..usize::try_from(block.end()).unwrap();
                store
                    .put_verified(wall_clock(), &id, index, &content[range])
                    .unwrap();
            }
            ids.push(id);
        }
    }
    (room, ids)
}

#[test]
fn a_store_is_listed_shown_and_verified() {
    let (room, ids) = furnished();
    insta::assert_snapshot!(room.run("cache ls --store store").good().text());
    let show = format!("cache show {} --store store", ids[0]);
    insta::assert_snapshot!(room.run(&show).good().text());
    insta::assert_snapshot!(room.run("cache verify --store store").good().text());
    let json = room.run("cache ls --store store --json").good();
    let json: serde_json::Value = serde_json::from_str(json.text()).unwrap();
    assert_eq!(json["segments"].as_array().unwrap().len(), ids.len());
    let json = room.run(&format!("{show} --json")).good();
    let json: serde_json::Value = serde_json::from_str(json.text()).unwrap();
    assert_eq!(json["id"], ids[0].to_string());
}

#[test]
fn a_package_is_exported_and_imported_and_a_store_is_flushed() {
    let (room, ids) = furnished();
    let out = room
        .run("cache export --store store --secrets -o package")
        .good();
    let mode = std::fs::metadata(room.at("package"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(out.text().contains("segments, "), "{}", out.text());
    let piped = room.run("cache export --store store --secrets").good();
    assert_eq!(piped.stdout, room.read("package"));
    room.run("cache import package --store other").good();
    let listed = |store: &str| {
        let ended = room.run(&format!("cache ls --store {store}")).good();
        ended.text().to_owned()
    };
    assert_eq!(listed("other"), listed("store"));
    let one = format!("cache flush --store other --segment {}", ids[0]);
    assert_eq!(room.run(&one).good().text(), "1 segment removed\n");
    assert!(!listed("other").contains(&ids[0].to_string()));
    room.run("cache flush --store other").good();
    assert!(listed("other").starts_with("verified  0 segments, 0 blocks, 0 bytes"));
    room.run(&format!(
        "cache export --store store --segment {} -o one",
        ids[1]
    ))
    .good();
    let told = room.run("cache import one --store third").good();
    assert!(told.text().contains("has no secrets"), "{}", told.text());
}

#[test]
fn damage_is_found_and_named() {
    let (room, _) = furnished();
    let pack = room.at("store/packs/00000001.pack");
    let mut bytes = std::fs::read(&pack).unwrap();
    bytes[30_000] ^= 1;
    std::fs::write(&pack, bytes).unwrap();
    let ended = room.run("cache verify --store store").judged_bad();
    assert!(ended.text().contains("set aside"), "{ended:?}");
    room.run("cache verify --store store").good();
}

#[test]
fn a_store_that_another_process_has_is_asked_of_it() {
    let (room, ids) = furnished();
    let alone = room.run("cache ls --store store").good();
    let store = Store::open(&room.at("store"), &StoreSettings::default()).unwrap();
    let refused = room.run("cache ls --store store");
    assert_eq!(refused.code, Some(3));
    assert!(
        refused
            .stderr
            .contains(&format!("is used by process {}", std::process::id()))
    );
    let server = ControlServer::start(store.clone()).unwrap();
    assert_eq!(
        room.run("cache ls --store store").good().text(),
        alone.text()
    );
    room.run("cache export --store store -o package").good();
    let mut own = Vec::new();
    export(&StoreHandle::Owned(store), false, |_| true, &mut own).unwrap();
    assert_eq!(room.read("package"), own);
    room.run(&format!("cache flush --store store --segment {}", ids[0]))
        .good();
    drop(server);
}

#[test]
fn mistakes_about_a_store_and_a_package() {
    let (room, _) = furnished();
    room.write("note", "no package");
    room.run("cache export --store store -o package").good();
    let package = room.read("package");
    room.write("cut", &package[..package.len() / 2]);
    let mut changed = package.clone();
    changed[9_000] ^= 1;
    room.write("changed", changed);
    let mut newer = package;
    newer[6] = 9;
    room.write("newer", newer);
    let mut all = String::new();
    for line in [
        "cache ls",
        "cache ls --store missing",
        "cache ls --store note",
        "cache show 00ff --store store",
        "cache show 0000000000000000000000000000000000000000000000000000000000000000 --store store",
        "cache flush --segment xyz --store store",
        "cache export --store store -o missing/package",
        "cache import missing --store store",
        "cache import note --store store",
        "cache import cut --store second",
        "cache import changed --store third",
        "cache import newer --store store",
    ] {
        all.push_str(&format!(
            "$ peerdist {line}\n{}\n",
            room.run(line).refused()
        ));
    }
    insta::assert_snapshot!(all);
}
