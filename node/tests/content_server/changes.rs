//! Content that changes while it is served or hashed: what goes out is of one state, or breaks off.

use std::fs;
use std::io::{Seek, Write};
use std::time::{Duration, SystemTime};

use peerdist::http_encoding::{Asked, Meaning};
use peerdist_node::content_server::Settings;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::room::{Room, assert_describes, content, let_rest, set_modified};

#[tokio::test]
async fn a_file_that_was_just_written_is_hashed_when_it_rests_and_not_before() {
    let room = Room::new();
    let bytes = content(200_000, 1);
    let written = tokio::time::Instant::now();
    room.write("file", &bytes);
    // An old time of modification does not make it rest: the time of change tells.
    set_modified(
        &room.served("file"),
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000),
    );
    let server = room.files(room.settings()).await;
    let (fresh, meaning) = server.ask("/file", Asked::Content(None)).await;
    if written.elapsed() >= Duration::from_secs(2) {
        eprintln!(
            "NOT RUN: a file that was just written; this machine took two seconds to ask for it"
        );
        return;
    }
    assert!(
        matches!(
            meaning,
            Meaning::Plain {
                make_hash_request: true,
                ..
            }
        ),
        "{meaning:?}"
    );
    assert!(fresh.field("etag").starts_with("W/"), "{fresh:?}");
    assert!(fresh.body == bytes);
    assert_eq!(server.counters.hashed.get(), 0);
    let got = server
        .ask_until_encoded("/file", Asked::Content(None))
        .await;
    assert_describes(&got.body, &bytes, None);
    assert!(got.field("etag").starts_with('"'));
}

#[tokio::test]
async fn another_state_of_a_file_is_other_content_also_with_the_same_length_and_time() {
    let room = Room::new();
    let (one, other) = (content(200_000, 1), content(200_000, 2));
    let path = room.served("file");
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
    room.write("file", &one);
    set_modified(&path, time);
    let_rest().await;
    let server = room.files(room.settings()).await;
    let first = server
        .ask_until_encoded("/file", Asked::Content(None))
        .await;
    assert_describes(&first.body, &one, None);
    let mut file = fs::File::options().write(true).open(&path).unwrap();
    file.rewind().unwrap();
    file.write_all(&other).unwrap();
    drop(file);
    set_modified(&path, time);
    let (plain, meaning) = server.ask("/file", Asked::Content(None)).await;
    assert!(matches!(meaning, Meaning::Plain { .. }), "{meaning:?}");
    assert!(plain.body == other);
    let second = server
        .ask_until_encoded("/file", Asked::Content(None))
        .await;
    assert_describes(&second.body, &other, None);
    assert_ne!(first.field("etag"), second.field("etag"));
}

#[tokio::test]
async fn a_file_that_is_written_to_again_and_again_never_yields_a_mixture() {
    let room = Room::new();
    let path = room.served("file");
    let states: Vec<Vec<u8>> = (0..2).map(|seed| content(2 << 20, seed)).collect();
    room.write("file", &states[0]);
    let_rest().await;
    let settings = Settings {
        at_hand_bytes_most: 0,
        ..room.settings()
    };
    let server = room.files(settings).await;
    // The hashing that this begins meets the writes.
    server.ask("/file", Asked::Content(None)).await;
    for round in 1..40 {
        fs::write(&path, &states[round % 2]).unwrap();
        let (got, meaning) = server.ask("/file", Asked::Content(None)).await;
        assert!(matches!(meaning, Meaning::Plain { .. }), "{meaning:?}");
        assert!(got.body == states[round % 2]);
    }
    fs::write(&path, &states[1]).unwrap();
    let got = server
        .ask_until_encoded("/file", Asked::Content(None))
        .await;
    assert_describes(&got.body, &states[1], None);
}

#[tokio::test]
async fn an_answer_whose_file_changes_breaks_off() {
    let room = Room::new();
    let path = room.served("file");
    room.write("file", &vec![b'a'; 64 << 20]);
    let_rest().await;
    let server = room.files(room.settings()).await;
    for change in ["written", "shrunk", "replaced"] {
        let mut stream = TcpStream::connect(server.at).await.unwrap();
        let request = b"GET /file HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        stream.write_all(request).await.unwrap();
        let mut buffer = vec![0; 64 << 10];
        stream.read_exact(&mut buffer).await.unwrap();
        match change {
            "written" => {
                let mut file = fs::File::options().write(true).open(&path).unwrap();
                file.write_all(&vec![b'b'; 64 << 20]).unwrap();
            }
            "shrunk" => {
                let file = fs::File::options().write(true).open(&path).unwrap();
                file.set_len(32 << 20).unwrap();
            }
            _ => {
                fs::write(room.served("new"), vec![b'c'; 64 << 20]).unwrap();
                fs::rename(room.served("new"), &path).unwrap();
            }
        }
        let mut rest = Vec::new();
        // A reset ends it as well as a close does.
        let _ = stream.read_to_end(&mut rest).await;
        assert!(rest.len() < 64 << 20, "{change}: all of it came");
        let first = buffer.last().unwrap();
        assert!(rest.iter().all(|byte| byte == first), "{change}: a mixture");
        fs::write(&path, vec![b'a'; 64 << 20]).unwrap();
    }
}
