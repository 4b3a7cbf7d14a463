//! `info verify`: good and bad content, and what is said of the bad.

use crate::room::{Room, SECRET, content};

fn room(length: usize, create: &str) -> Room {
    let room = Room::with_content(length);
    room.run(&format!("info create content {SECRET} -o info {create}"))
        .good();
    room
}

/// The verdict on other content, and that it is the same on a stream.
fn bad(room: &Room, other: &[u8], options: &str) -> String {
    room.write("other", other);
    let of_file = room.run(&format!("info verify other info {options}"));
    let of_file = of_file.judged_bad();
    let of_stream = room.run_fed(&format!("info verify - info {options}"), other);
    assert_eq!(of_stream.judged_bad().text(), of_file.text());
    of_file.text().to_owned()
}

#[test]
fn good_content_is_good_from_wherever_it_comes() {
    for create in [
        "",
        "--version 1",
        "--version 1 --hash sha512",
        "--range 70000..200000",
    ] {
        let room = room(300_000, create);
        for options in ["", SECRET, "--threads 1"] {
            let ended = room.run(&format!("info verify content info {options}"));
            assert!(
                ended.good().text().starts_with("good: "),
                "{create} {options}"
            );
        }
        let fed = room.run_fed("info verify - info", &room.read("content"));
        assert!(fed.good().text().starts_with("good: "));
        let fed = room.run_fed("info verify content -", &room.read("info"));
        assert!(fed.good().text().starts_with("good: "));
    }
}

#[test]
fn a_good_verdict_in_words() {
    let room = room(300_000, "--version 1");
    insta::assert_snapshot!(room.run("info verify content info").good().text(), @"good: 5 blocks of 300000 bytes agree");
}

#[test]
fn bad_blocks_are_named() {
    let room = room(300_000, "--version 1");
    let mut other = content(300_000);
    other[65_536] ^= 1;
    other[299_999] ^= 1;
    insta::assert_snapshot!(bad(&room, &other, ""), @r"
    segment 0 block 1: bytes 65536..131072: differs
    segment 0 block 4: bytes 262144..300000: differs
    bad: 2 of 5 blocks differ
    ");
}

#[test]
fn short_content_is_told_from_other_content() {
    let room = room(300_000, "--version 1");
    insta::assert_snapshot!(bad(&room, &content(250_000), ""), @r"
    segment 0 block 3: bytes 196608..262144: is not all there
    segment 0 block 4: bytes 262144..300000: is not all there
    the content has 250000 bytes; expected 300000
    bad: 2 of 5 blocks differ; the content is too short
    ");
    insta::assert_snapshot!(bad(&room, &[], "").lines().last().unwrap(), @"bad: 5 of 5 blocks differ; the content is too short");
}

#[test]
fn long_content_whose_blocks_all_agree_is_bad_for_its_length() {
    for create in ["--version 1", ""] {
        let room = room(300_000, create);
        let verdict = bad(&room, &content(300_001), "");
        let mut lines = verdict.lines();
        assert_eq!(
            lines.next(),
            Some("the content has 300001 bytes; expected 300000")
        );
        let last = lines.next().unwrap();
        assert!(last.starts_with("bad: "), "{last}");
        assert!(
            last.ends_with("blocks agree, but the content is too long"),
            "{last}"
        );
    }
}

#[test]
fn another_secret_is_bad_though_every_block_agrees() {
    let room = room(100_000, "--version 1");
    let ended = room.run("info verify content info --secret-hex 01");
    insta::assert_snapshot!(ended.judged_bad().text(), @r"
    segment 0: its secret was not made with the secret key given
    bad: 2 blocks agree, but 1 segment of another secret
    ");
}

#[test]
fn block_hashes_that_contradict_their_segment_are_bad() {
    let room = room(100_000, "--version 1");
    let mut info = room.read("info");
    // Behind the header and one segment description of SHA-256, and the count of blocks.
    let hash = 18 + (16 + 2 * 32) + 4;
    info[hash] ^= 1;
    room.write("info", info);
    insta::assert_snapshot!(room.run("info verify content info").judged_bad().text(), @r"
    segment 0 block 0: bytes 0..65536: differs
    segment 0: its block hashes do not hash to its HoD
    bad: 1 of 2 blocks differ; 1 segment at odds with the block hashes
    ");
}

#[test]
fn verdicts_as_json() {
    let room = room(100_000, "--version 1");
    insta::assert_snapshot!(
        "good",
        room.run("info verify content info --json").good().text()
    );
    let mut other = content(99_999);
    other[7] ^= 1;
    insta::assert_snapshot!("bad", bad(&room, &other, "--json --secret-hex 01"));
}

#[test]
fn a_verdict_holds_when_nobody_reads_it() {
    let room = room(300_000, "");
    room.write("other", [0; 300_000]);
    for options in ["", "--json"] {
        let mut command = room.command(["info", "verify", "other", "info"]);
        if !options.is_empty() {
            command.arg(options);
        }
        let (reader, writer) = std::io::pipe().unwrap();
        command.stdout(writer);
        drop(reader);
        let ended = crate::room::ended(command, None);
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(1), ""));
    }
}
