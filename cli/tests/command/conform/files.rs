//! `conform check-info` and `conform check-capture`: what is in files, judged.

use super::{Room, json};
use crate::room::SECRET;
use crate::serving::{Running, furnished};

const KEY: &str = "--secret-hex 00112233445566778899aabbccddeeff";

/// Content and its content information of both versions.
fn described() -> Room {
    let room = Room::with_content(200_000);
    for version in ["1", "2"] {
        room.run(&format!(
            "info create content {SECRET} --version {version} -o info{version}"
        ))
        .good();
    }
    room
}

#[test]
fn good_content_information_is_held_against_content_and_secret() {
    let room = described();
    for (version, hashes) in [("1", 4), ("2", 2)] {
        let line = format!("conform check-info info{version} --content content {KEY}");
        let ended = room.run(&line).good();
        let first = format!("version {version}.0, ");
        assert!(ended.text().starts_with(&first), "{ended:?}");
        assert!(
            ended
                .text()
                .ends_with(" hashes held against the content\nas required\n")
        );
        let report = json(&room.run(&format!("{line} --json")).good().stdout);
        assert_eq!(report["version"], format!("{version}.0"));
        assert!(
            report["hashes_checked"].as_u64() >= Some(hashes),
            "{report}"
        );
        assert_eq!(report["findings"], serde_json::json!([]));
    }
    let ended = room.run("conform check-info info2").good();
    let told = "; no hash was held against content, as there was none (--content)\nas required\n";
    assert!(ended.text().ends_with(told), "{ended:?}");
}

#[test]
fn bad_content_information_is_told_with_the_requirement_it_breaks() {
    let room = described();
    // A bit of the last block hash; the length of the whole; the version.
    let info = room.read("info1");
    let mut hash = info.clone();
    *hash.last_mut().unwrap() ^= 1;
    let mut version = info.clone();
    version[1] = 9;
    for (bytes, part) in [
        (hash, "FAIL  PCCRC-2."),
        (info[..info.len() - 1].to_vec(), "FAIL  PCCRC-2."),
        (version, "FAIL  PCCRC-2.3-02: byte 0, Version: is [00, 09]"),
        (
            b"no info".to_vec(),
            "FAIL  PCCRC-2.3-02: byte 0, Version: is [6e, 6f]",
        ),
    ] {
        room.write("bad", bytes);
        let line = format!("conform check-info bad --content content {KEY}");
        let ended = room.run(&line).judged_bad();
        assert!(ended.text().starts_with(part), "{ended:?}");
        assert!(ended.text().ends_with("\nnot as required\n"));
        let report = json(&room.run(&format!("{line} --json")).judged_bad().stdout);
        let finding = &report["findings"][0];
        assert_eq!(finding["is_failure"], true);
        assert!(
            ended
                .text()
                .contains(finding["requirement"].as_str().unwrap())
        );
    }
    // Another secret, another content.
    room.run("conform check-info info2 --secret-hex 00")
        .judged_bad();
    room.write("other", vec![7; 200_000]);
    room.run("conform check-info info2 --content other")
        .judged_bad();
}

#[test]
fn captures_are_judged_and_what_is_none_is_told_apart() {
    let room = furnished();
    room.run(&format!(
        "info create www/file --version 1 {SECRET} -o info"
    ))
    .good();
    let origin = Running::start(&room, "serve --root www --listen 0", 1);
    let info = origin.encoded("/file");
    let line = format!(
        "conform run --url {}file pccrtp-server-version-1.0 --out out",
        origin.urls[0]
    );
    room.run(&line).good();
    origin.end("TERM");
    let capture = room.read("out/evidence/pccrtp-server-version-1.0.pcapng");
    room.write("capture", &capture);
    let ended = room.run("conform check-capture capture").good();
    assert!(ended.text().ends_with("\nas required\n"), "{ended:?}");
    let report = json(
        &room
            .run("conform check-capture capture --json")
            .good()
            .stdout,
    );
    assert!(
        report["packets"].as_u64() > Some(5) && report["bytes_missing"] == 0,
        "{report}"
    );
    let messages = report["messages"].as_object().unwrap();
    assert!(messages.values().any(|count| count.as_u64() > Some(0)));
    assert_eq!(report["findings"], serde_json::json!([]));

    // Content information of a version that there is not: found, with the packet.
    let at = capture.windows(40).position(|part| part == &info[..40]);
    let mut wrong = capture.clone();
    wrong[at.unwrap() + 1] = 9;
    room.write("wrong", &wrong);
    let ended = room.run("conform check-capture wrong").judged_bad();
    assert!(ended.text().starts_with("packet "), "{ended:?}");
    assert!(ended.text().contains("FAIL  PCCRC-2.3-02: "), "{ended:?}");
    let report = json(
        &room
            .run("conform check-capture wrong --json")
            .judged_bad()
            .stdout,
    );
    assert!(report["findings"][0]["packet"].as_u64() > Some(3));

    // A handshake and nothing of PeerDist in it; or no packet at all.
    room.write("begun", first_blocks(&capture, 5));
    let ended = room.run("conform check-capture begun");
    assert_eq!(ended.code, Some(3), "{ended:?}");
    let told = "peerdist: nothing was judged: none of 3 packets has a message";
    assert!(ended.stderr.starts_with(told), "{ended:?}");
    room.write("header", first_blocks(&capture, 2));
    assert_eq!(
        room.run("conform check-capture header").refused(),
        "header is no capture that can be read: there is no packet in it"
    );
    for (line, complaint) in [
        (
            "conform check-info capture",
            "capture is a capture, not content information; 'peerdist conform check-capture' judges it",
        ),
        (
            "conform check-capture info",
            "info is content information, not a capture; 'peerdist conform check-info' judges it",
        ),
    ] {
        assert_eq!(room.run(line).refused(), complaint);
    }
}

/// The first blocks of a pcapng file.
fn first_blocks(file: &[u8], count: usize) -> &[u8] {
    let mut at = 0;
    for _ in 0..count {
        let length = u32::from_le_bytes(file[at + 4..at + 8].try_into().unwrap());
        at += usize::try_from(length).unwrap();
    }
    &file[..at]
}
