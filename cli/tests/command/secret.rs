//! `secret`: new, export and import, round and round, and the key file of others.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use crate::room::{Room, ended};

/// 32 bytes of 0x2a under "correct horse": what OpenSSL makes of them, see the test that asks it.
const SECRET_HEX: &str = "2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a";
const PASSPHRASE: &str = "correct horse";
const KEY_FILE_HEX: &str = "6faf4511d397631bc316a346955cce900062347b3bbe8d7772320985351efa42e8305465f3033b69d60f01b10b843824846ae7eea08e6972a7f61e1eaaefc4ef2c2526ec439d48e298223ecaccf826db";

fn bytes(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2);
    digits
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn mode(room: &Room, name: &str) -> u32 {
    fs::metadata(room.at(name)).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_new_secret_has_32_bytes_and_is_another_each_time() {
    let room = Room::new();
    let one = room.run("secret new").good();
    let other = room.run("secret new").good();
    assert_eq!(one.text().len(), 65);
    assert_eq!(bytes(one.text().trim_end()).len(), 32);
    assert!(one.text() != other.text());
    room.run("secret new -o key").good();
    assert_eq!(room.read("key").len(), 32);
    assert_eq!(mode(&room, "key"), 0o600);
    assert_eq!(room.run("secret new -o -").good().stdout.len(), 32);
    assert_eq!(room.names(), ["key"]);
}

#[test]
fn a_key_file_is_what_openssl_makes_of_it() {
    let room = Room::new();
    let options = ["--secret-hex", SECRET_HEX, "--passphrase", PASSPHRASE];
    let exported = room.run_args(&[&["secret", "export"], &options[..]].concat());
    assert!(exported.good().stdout == bytes(KEY_FILE_HEX));
    room.write("key-file", bytes(KEY_FILE_HEX));
    let imported = room.run_args(&["secret", "import", "key-file", "--passphrase", PASSPHRASE]);
    assert_eq!(imported.good().text().trim_end(), SECRET_HEX);
}

#[test]
fn the_key_file_of_that_test_is_openssls() {
    // Key: SHA-256 of the passphrase in UTF-16LE; plaintext: SHA-256 of the secret, then the secret.
    let script = r#"
        key=$(printf %s "$1" | sed 's/./&\n/g' | while IFS= read -r char; do printf '%s\0' "$char"; done \
            | head -c $((2 * ${#1})) | openssl dgst -sha256 -r | cut -d' ' -f1)
        { openssl dgst -sha256 -binary secret; cat secret; } \
            | openssl enc -aes-256-cbc -K "$key" -iv 00000000000000000000000000000000
    "#;
    let openssl = Command::new("openssl")
        .arg("version")
        .stdout(Stdio::null())
        .status();
    if !openssl.is_ok_and(|status| status.success()) {
        eprintln!("NOT RUN: the key file that OpenSSL makes; there is no openssl");
        return;
    }
    let room = Room::new();
    room.write("secret", bytes(SECRET_HEX));
    let mut command = Command::new("sh");
    command
        .args(["-c", script, "sh", PASSPHRASE])
        .current_dir(room.at("."))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    assert!(ended(command, None).good().stdout == bytes(KEY_FILE_HEX));
}

#[test]
fn secrets_survive_export_and_import_whatever_their_length() {
    let room = Room::new();
    for length in [1, 15, 16, 17, 32, 1000, 1 << 20] {
        room.write("key", crate::room::content(length));
        room.write("word", "pass phrase\r\nsecond line\n");
        room.run("secret export key --passphrase-file word -o key-file")
            .good();
        assert_eq!(mode(&room, "key-file"), 0o600);
        room.run("secret import key-file --passphrase-file word -o again")
            .good();
        assert!(room.read("again") == room.read("key"), "{length}");
        assert_eq!(mode(&room, "again"), 0o600);
        let args = [
            "secret",
            "import",
            "key-file",
            "--passphrase",
            "pass phrase",
            "-o",
            "-",
        ];
        assert!(room.run_args(&args).good().stdout == room.read("key"));
    }
    let fed = room.run_fed("secret import key-file --passphrase-file -", b"pass phrase");
    assert_eq!(fed.good().text().len(), 2 * (1 << 20) + 1);
    assert_eq!(room.names(), ["again", "key", "key-file", "word"]);
}

#[test]
fn a_passphrase_may_be_of_any_letters() {
    let room = Room::new();
    room.write("word", "пароль 🔑\n");
    room.run("secret export --secret-hex 0102 --passphrase-file word -o key-file")
        .good();
    let args = ["secret", "import", "key-file", "--passphrase", "пароль 🔑"];
    assert_eq!(room.run_args(&args).good().text(), "0102\n");
}
