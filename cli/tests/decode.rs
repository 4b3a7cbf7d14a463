//! `peerdist decode` as people and programs call it.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on should stop where it stands"
)]

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use peerdist::decode::{Decoded, Field, Protocol, decode};
use peerdist_conformance::vectors;

fn peerdist(args: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_peerdist"))
        .arg("decode")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that refuses its arguments does not read.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

fn said(args: &[&str], input: &[u8]) -> String {
    let output = peerdist(args, input);
    let (out, err) = (output.stdout, output.stderr);
    let text = String::from_utf8([out, err].concat()).unwrap();
    format!("{text}exit {}", output.status.code().unwrap())
}

/// The bytes of every vector that is a message, with its protocol and what the vector says of it.
fn messages() -> Vec<(String, Protocol, Option<bool>, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors");
    let mut messages = Vec::new();
    for (path, text) in vectors::read_all(&folder).unwrap() {
        let file = vectors::parse(&path, &text).unwrap();
        let protocol = Protocol::ALL
            .into_iter()
            .find(|protocol| protocol.document() == file.document)
            .unwrap();
        for group in &file.groups {
            for test in &group.tests {
                let input = &test.input;
                let hex = |key: &str| Some(vectors::Hex::parse(input[key].as_str()?)?.0);
                let text = |key: &str| Some(input[key].as_str()?.as_bytes().to_vec());
                let header = || {
                    let name = group.parameters["header"].as_str()?;
                    Some([name.as_bytes(), b": ", &text("value")?].concat())
                };
                let bytes = hex("info")
                    .or_else(|| hex("bytes"))
                    .or_else(|| hex("file"))
                    .or_else(|| text("text"))
                    .or_else(header);
                let Some(bytes) = bytes else { continue };
                let is_message = matches!(file.kind.as_str(), "info" | "message" | "header");
                // Whether a match answers a probe is not a question of decoding.
                let is_message = is_message && input.get("segments").is_none();
                let valid = is_message.then(|| test.expect["result"].as_str() != Some("invalid"));
                // As lines of HTTP these end before what is wrong with them; a file may be longer than what it holds.
                let is_more = ["pccrtp-header-0058", "pccrtp-header-0059"];
                let valid = valid.filter(|_| !is_more.contains(&test.id.as_str()));
                messages.push((test.id.clone(), protocol, valid, bytes));
            }
        }
    }
    messages
}

fn message(id: &str) -> Vec<u8> {
    let mut found = messages().into_iter().filter(|message| message.0 == id);
    found.next().unwrap().3
}

fn check_places(id: &str, decoded: &Decoded<'_>, fields: &[Field<'_>]) {
    for field in fields {
        let end = field.at + field.length;
        assert!(
            end <= decoded.bytes.len(),
            "{id}: {} ends at {end}",
            field.name
        );
        check_places(id, decoded, &field.children);
    }
}

#[test]
fn every_vector_decodes_as_it_says_through_its_protocol_and_through_none() {
    let messages = messages();
    assert!(messages.len() > 700, "{} messages", messages.len());
    let mut wrong = Vec::new();
    for (id, protocol, valid, bytes) in &messages {
        for asked in [Some(*protocol), None] {
            let decoded = decode(bytes, asked).unwrap();
            check_places(id, &decoded, &decoded.fields);
            if valid.is_some_and(|valid| asked.is_some() && valid != decoded.is_valid()) {
                wrong.push(format!("{id}: {:?}", decoded.error));
            }
            if *valid == Some(true) && decoded.protocol != Some(*protocol) {
                wrong.push(format!("{id}: taken for {:?}", decoded.protocol));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_vector_cut_or_changed_anywhere_is_decoded_without_a_panic() {
    for (id, protocol, _, bytes) in messages().iter().step_by(5) {
        for cut in (0..bytes.len().min(400)).step_by(3) {
            let decoded = decode(&bytes[..cut], Some(*protocol)).unwrap();
            check_places(id, &decoded, &decoded.fields);
            let mut changed = bytes.clone();
            changed[cut] ^= 0x81;
            let decoded = decode(&changed, None).unwrap();
            check_places(id, &decoded, &decoded.fields);
        }
    }
}

#[test]
fn a_message_of_each_protocol_is_shown_as_a_tree() {
    for id in [
        "pccrd-message-0001",
        "pccrr-message-0001",
        "pchc-message-0001",
        "smb-message-0001",
    ] {
        insta::assert_snapshot!(id, said(&[], &message(id)));
    }
    let lines = b"GET /a HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip, PeerDist\r\nX-P2P-PeerDist: Version=1.1\r\n";
    insta::assert_snapshot!("header-lines", said(&[], lines));
}

#[test]
fn what_is_not_valid_is_shown_up_to_the_error() {
    insta::assert_snapshot!(
        "truncated-request",
        said(
            &[
                "--protocol",
                "pccrr",
                "--hex",
                "00000001 00000000 00000013 00000001 000000"
            ],
            b""
        )
    );
    insta::assert_snapshot!("nothing", said(&[], b""));
    insta::assert_snapshot!("escapes", said(&[], b"Host: \x1b[2J\xe2\x80\xae\n"));
    insta::assert_snapshot!("json", said(&["--json", "--hex", "0000000101"], b""));
}

#[test]
fn secrets_are_shown_only_when_asked_for() {
    let (_, _, _, info) = messages()
        .into_iter()
        .find(|(id, ..)| id.starts_with("pccrc-info-v2-0"))
        .unwrap();
    let decoded = peerdist::content::ContentInfo::decode(&info).unwrap();
    let secret = decoded.segments().next().unwrap().secret();
    let hex: String = secret
        .expose()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    for form in [&[][..], &["--json"]] {
        assert!(!said(form, &info).contains(&hex[..16]));
        let asked = [form, &["--secrets"]].concat();
        assert!(said(&asked, &info).contains(&hex));
    }
}

#[test]
fn wrong_usage_is_one_clear_line_and_exit_code_2() {
    for args in [
        &["--hex", "0g"][..],
        &["--hex", "abc"],
        &["/no/such/file"],
        &["--protocol", "ftp"],
        &["--hex", "00", "-"],
    ] {
        let output = peerdist(args, b"");
        let line = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}: {line}");
        assert_eq!(line.lines().count(), 1, "{args:?}: {line}");
        assert!(output.stdout.is_empty(), "{args:?}");
    }
    let large = vec![b' '; (16 << 20) + 1];
    assert_eq!(
        said(&[], &large),
        "peerdist: standard input is too large to show; expected at most 16 MiB\nexit 2"
    );
}
