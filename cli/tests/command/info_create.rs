//! `info create`: what it makes is what core makes, wherever content comes from and the result goes.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use peerdist::content::create::Creator;
use peerdist::content::{ContentInfo, ContentRange, SecretKey};
use peerdist::hash::HashAlgorithm;

use crate::room::{Room, SECRET, content};

const LENGTH: usize = 300_000;

fn key() -> SecretKey {
    SecretKey::new((0..16).map(|i| i * 0x11).collect::<Vec<u8>>()).unwrap()
}

fn expected(creator: Creator) -> Vec<u8> {
    let mut creator = creator;
    creator.update(&content(LENGTH)).unwrap();
    creator.finish().unwrap().to_vec()
}

fn v2() -> Vec<u8> {
    expected(Creator::v2(&key()))
}

#[test]
fn each_version_and_hash_gives_what_core_gives() {
    let room = Room::with_content(LENGTH);
    let v1 = |hash| expected(Creator::v1(hash, &key()).unwrap());
    for (options, expected) in [
        ("", v2()),
        ("--version 2", v2()),
        ("--version 2.0", v2()),
        ("--version 1", v1(HashAlgorithm::Sha256)),
        ("--version 1.0 --hash sha256", v1(HashAlgorithm::Sha256)),
        ("--version 1 --hash sha384", v1(HashAlgorithm::Sha384)),
        ("--version 1 --hash sha512", v1(HashAlgorithm::Sha512)),
    ] {
        for threads in ["", "--threads 1", "--threads 4"] {
            let line = format!("info create content {SECRET} {options} {threads}");
            assert!(room.run(&line).good().stdout == expected, "{line}");
            room.run(&format!("{line} -o out")).good();
            assert!(room.read("out") == expected, "{line}");
        }
    }
    assert_eq!(room.names(), ["content", "out"]);
}

#[test]
fn content_may_come_from_standard_input() {
    let room = Room::new();
    let ended = room.run_fed(&format!("info create - {SECRET}"), &content(LENGTH));
    assert!(ended.good().stdout == v2());
}

#[test]
fn the_secret_may_come_in_three_ways() {
    let room = Room::with_content(LENGTH);
    room.write("key", key().expose());
    assert!(
        room.run("info create content --secret-file key")
            .good()
            .stdout
            == v2()
    );
    let hex = "00:11 22:33445566778899AABBCCDDEEFF";
    let by_hex = room.run_args(&["info", "create", "content", "--secret-hex", hex]);
    assert!(by_hex.good().stdout == v2());
    let key = SecretKey::from_passphrase("grüße 🔑").unwrap();
    let by_passphrase = room.run_args(&["info", "create", "content", "--passphrase", "grüße 🔑"]);
    assert!(by_passphrase.good().stdout == expected(Creator::v2(&key)));
}

#[test]
fn without_a_secret_a_new_one_is_used_each_time_and_that_is_said() {
    let room = Room::with_content(LENGTH);
    let one = room.run("info create content");
    let other = room.run("info create content");
    assert_eq!(one.code, Some(0));
    assert!(
        one.stderr.starts_with("peerdist: no secret given"),
        "{one:?}"
    );
    assert!(one.stdout != other.stdout);
    assert_eq!(one.stdout.len(), v2().len());
}

#[test]
fn ranges_are_parts_of_the_whole() {
    let room = Room::with_content(LENGTH);
    let whole = v2();
    let whole = ContentInfo::decode(&whole).unwrap();
    for (text, start, end) in [
        ("0..1", 0, 1),
        ("100000..200000", 100_000, 200_000),
        ("1_000..", 1000, 300_000),
        ("..70000", 0, 70_000),
        ("..", 0, 300_000),
        ("299999..300000", 299_999, 300_000),
    ] {
        let range = ContentRange {
            start,
            length: end - start,
        };
        let expected = whole.restrict(range).unwrap();
        let line = format!("--range {text} {SECRET}");
        let of_file = room.run(&format!("info create content {line}"));
        assert!(of_file.good().stdout == expected, "{text}");
        let of_stream = room.run_fed(&format!("info create - {line}"), &content(LENGTH));
        assert!(of_stream.good().stdout == expected, "{text}");
    }
}

#[test]
fn an_existing_output_is_replaced_and_is_its_owners_alone() {
    let room = Room::with_content(LENGTH);
    room.write("old", "old bytes");
    fs::set_permissions(room.at("old"), fs::Permissions::from_mode(0o666)).unwrap();
    symlink("old", room.at("link")).unwrap();
    room.run(&format!("info create content {SECRET} -o link"))
        .good();
    assert!(room.read("old") == v2());
    assert!(room.at("link").is_symlink());
    let mode = fs::metadata(room.at("old")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(room.names(), ["content", "link", "old"]);
}

#[test]
fn every_engine_that_can_be_named_gives_the_same() {
    let room = Room::with_content(LENGTH);
    let run = |variable: &str, name: &str| {
        let mut command = room.command(["info", "create", "content", SECRET]);
        command.env(variable, name);
        let ended = crate::room::ended(command, None);
        assert!(ended.good().stdout == v2(), "{variable}={name}");
    };
    for engine in peerdist::hash::Engine::available() {
        run("PEERDIST_HASH", engine.name());
    }
    for engine in peerdist::content::cut::Engine::available() {
        run("PEERDIST_CUT", engine.name());
    }
    run("PEERDIST_HASH", "");
}
