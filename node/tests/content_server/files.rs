//! Files: the same bytes with and without the coding, ranges, conditions, names that lead nowhere.

use peerdist::content::ContentRange;
use peerdist::http_encoding::{Asked, Meaning, PlainReason};
use peerdist_node::content_server::{EntityTags, Settings};

use crate::room::{Room, Server, assert_describes, content, let_rest};

const LENGTH: usize = 300_000;

async fn one_file() -> (Room, Server, Vec<u8>) {
    let room = Room::new();
    let bytes = content(LENGTH, 1);
    room.write("file.bin", &bytes);
    let_rest().await;
    let server = room.files(room.settings()).await;
    (room, server, bytes)
}

#[tokio::test]
async fn the_bytes_are_the_same_with_and_without_the_coding() {
    let (_room, server, bytes) = one_file().await;
    let plain = server.get("/file.bin", &[]).await;
    assert_eq!(plain.status, 200);
    assert!(plain.body == bytes);
    assert_eq!(plain.field("accept-ranges"), "bytes");
    assert_eq!(plain.field("content-type"), "application/octet-stream");
    assert_eq!(
        plain.field("vary"),
        "Accept-Encoding, X-P2P-PeerDist, X-P2P-PeerDistEx"
    );
    assert!(!plain.headers.contains_key("cache-control"));
    // Short enough to be hashed before the answer.
    let (coded, meaning) = server.ask("/file.bin", Asked::Content(None)).await;
    assert!(
        matches!(meaning, Meaning::ContentInformation { .. }),
        "{meaning:?}"
    );
    assert_describes(&coded.body, &bytes, None);
    assert_eq!(coded.field("content-encoding"), "peerdist");
    assert_eq!(coded.field("cache-control"), "private");
    assert_eq!(coded.field("content-length"), coded.body.len().to_string());
    assert_eq!(coded.field("last-modified"), plain.field("last-modified"));
    assert_ne!(coded.field("etag"), plain.field("etag"));
    assert!(coded.body.len() < bytes.len() / 100);
    let (missing, meaning) = server
        .ask(
            "/file.bin",
            Asked::MissingData(ContentRange {
                start: 70_000,
                length: 65_536,
            }),
        )
        .await;
    assert!(matches!(meaning, Meaning::Plain { .. }));
    assert!(missing.body == bytes[70_000..135_536]);
    assert_eq!(server.counters.missing_data_requests.get(), 1);
    assert_eq!(server.counters.encoded.get(), 1);
    assert_eq!(server.counters.described_bytes.get(), LENGTH as u64);
}

#[tokio::test]
async fn a_range_under_the_coding_is_described_alone() {
    let (_room, server, bytes) = one_file().await;
    for (start, length) in [
        (0, 1),
        (100_000, 50_000),
        (LENGTH as u64 - 1, 1),
        (0, LENGTH as u64),
    ] {
        let range = ContentRange { start, length };
        let (coded, meaning) = server.ask("/file.bin", Asked::Content(Some(range))).await;
        assert!(
            matches!(meaning, Meaning::ContentInformation { .. }),
            "{meaning:?}"
        );
        assert_eq!(coded.status, 206);
        let expected = format!("bytes {start}-{}/{LENGTH}", start + length - 1);
        assert_eq!(coded.field("content-range"), expected);
        assert_describes(&coded.body, &bytes, Some(range));
    }
    assert_eq!(server.counters.hashed.get(), 1);
}

#[tokio::test]
async fn both_versions_are_made_once_and_survive_a_restart() {
    let (room, server, bytes) = one_file().await;
    let v2 = server
        .ask_until_encoded("/file.bin", Asked::Content(None))
        .await;
    let first = [
        ("accept-encoding", "peerdist"),
        ("x-p2p-peerdist", "Version=1.0"),
    ];
    let v1 = server.get("/file.bin", &first).await;
    assert_eq!(
        v1.field("x-p2p-peerdist"),
        format!("Version=1.0, ContentLength={LENGTH}")
    );
    assert_describes(&v1.body, &bytes, None);
    assert_ne!(v1.body, v2.body);
    assert_eq!(server.counters.hashed.get(), 2);
    drop(server);
    let again = room.files(room.settings()).await;
    assert_eq!(again.get("/file.bin", &first).await.body, v1.body);
    let (coded, _) = again.ask("/file.bin", Asked::Content(None)).await;
    assert_eq!(coded.body, v2.body);
    assert_eq!(again.counters.hashed.get(), 0);
    assert_eq!(again.counters.hash_cache_hits.get(), 2);
}

#[tokio::test]
async fn a_long_file_is_plain_until_it_is_hashed_and_hashed_once_however_many_ask() {
    let room = Room::new();
    let bytes = content(3 << 20, 2);
    room.write("long", &bytes);
    let_rest().await;
    let settings = Settings {
        at_hand_bytes_most: 1 << 20,
        ..room.settings()
    };
    let server = std::sync::Arc::new(room.files(settings).await);
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..40 {
        let server = std::sync::Arc::clone(&server);
        clients.spawn(async move {
            server
                .ask_until_encoded("/long", Asked::Content(None))
                .await
        });
    }
    while let Some(got) = clients.join_next().await {
        assert_describes(&got.unwrap().body, &bytes, None);
    }
    assert_eq!(server.counters.hashed.get(), 1);
    assert_eq!(server.counters.hashed_bytes.get(), 3 << 20);
    assert!(server.counters.make_hash_requests.get() >= 1);
}

#[tokio::test]
async fn a_short_file_is_hashed_once_however_many_ask_first() {
    let (_room, server, bytes) = one_file().await;
    let server = std::sync::Arc::new(server);
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..40 {
        let server = std::sync::Arc::clone(&server);
        clients.spawn(async move { server.ask("/file.bin", Asked::Content(None)).await });
    }
    while let Some(got) = clients.join_next().await {
        let (got, meaning) = got.unwrap();
        assert!(
            matches!(meaning, Meaning::ContentInformation { .. }),
            "{meaning:?}"
        );
        assert_describes(&got.body, &bytes, None);
    }
    assert_eq!(server.counters.hashed.get(), 1);
}

#[tokio::test]
async fn head_says_what_get_would_and_is_never_coded() {
    let (_room, server, _) = one_file().await;
    let get = server.get("/file.bin", &[]).await;
    let fields = [
        ("accept-encoding", "peerdist"),
        ("x-p2p-peerdist", "Version=1.1"),
    ];
    for fields in [&fields[..], &[]] {
        let head = server.send("HEAD", "/file.bin", fields).await;
        assert_eq!(head.status, 200);
        assert!(head.body.is_empty());
        for name in [
            "content-length",
            "etag",
            "last-modified",
            "content-type",
            "vary",
            "accept-ranges",
        ] {
            assert_eq!(head.field(name), get.field(name), "{name}");
        }
        assert!(!head.headers.contains_key("content-encoding"));
    }
    let post = server.send("POST", "/file.bin", &[]).await;
    assert_eq!(
        (post.status.as_u16(), post.field("allow")),
        (405, "GET, HEAD")
    );
}

#[tokio::test]
async fn ranges_are_the_bytes_they_say() {
    let (_room, server, bytes) = one_file().await;
    for (range, expected) in [
        ("bytes=0-9", &bytes[..10]),
        ("bytes=-5", &bytes[LENGTH - 5..]),
        ("bytes=299990-", &bytes[LENGTH - 10..]),
        ("bytes=100-999999", &bytes[100..]),
    ] {
        let got = server.get("/file.bin", &[("range", range)]).await;
        assert_eq!(got.status, 206, "{range}");
        assert!(got.body == expected, "{range}");
    }
    let got = server.get("/file.bin", &[("range", "bytes=300000-")]).await;
    assert_eq!(got.status, 416);
    assert_eq!(got.field("content-range"), "bytes */300000");
    let got = server.get("/file.bin", &[("range", "lines=1-2")]).await;
    assert_eq!((got.status.as_u16(), got.body.len()), (200, LENGTH));
    let got = server
        .get("/file.bin", &[("range", "bytes=0-3,10-11")])
        .await;
    assert_eq!(got.status, 206);
    let boundary = got
        .field("content-type")
        .strip_prefix("multipart/byteranges; boundary=");
    let boundary = boundary.unwrap();
    let part = |range: &str, bytes: &[u8]| {
        let head = format!(
            "\r\n--{boundary}\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes {range}/300000\r\n\r\n"
        );
        [head.as_bytes(), bytes].concat()
    };
    let expected = [
        part("0-3", &bytes[..4]),
        part("10-11", &bytes[10..12]),
        format!("\r\n--{boundary}--\r\n").into_bytes(),
    ];
    assert!(got.body == expected.concat());
}

#[tokio::test]
async fn conditions_hold_with_the_tag_of_either_representation() {
    let (_room, server, _) = one_file().await;
    let plain = server.get("/file.bin", &[]).await;
    let (coded, _) = server.ask("/file.bin", Asked::Content(None)).await;
    let (tag, coded_tag) = (plain.field("etag"), coded.field("etag"));
    for (name, value, expected) in [
        ("if-none-match", tag, 304),
        ("if-none-match", coded_tag, 304),
        ("if-none-match", "*", 304),
        ("if-none-match", "\"x\"", 200),
        ("if-match", tag, 200),
        ("if-match", coded_tag, 200),
        ("if-match", "\"x\"", 412),
        ("if-modified-since", plain.field("last-modified"), 304),
        ("if-unmodified-since", plain.field("last-modified"), 200),
        ("if-unmodified-since", "Thu, 01 Jan 1970 00:00:01 GMT", 412),
    ] {
        let got = server.get("/file.bin", &[(name, value)]).await;
        assert_eq!(got.status, expected, "{name}: {value}");
        assert_eq!(got.body.is_empty(), expected != 200);
        if expected == 304 {
            let named = if value == coded_tag { coded_tag } else { tag };
            assert_eq!(got.field("etag"), named);
        }
    }
    for (value, status) in [(tag, 206), (coded_tag, 206), ("\"x\"", 200)] {
        let fields = [("range", "bytes=0-0"), ("if-range", value)];
        assert_eq!(
            server.get("/file.bin", &fields).await.status,
            status,
            "{value}"
        );
        let range = ContentRange {
            start: 0,
            length: 1,
        };
        let (got, _) = server
            .ask_with(
                "/file.bin",
                Asked::Content(Some(range)),
                &[("if-range", value)],
            )
            .await;
        assert_eq!(got.status, status, "{value}");
    }
}

#[tokio::test]
async fn the_tag_stays_the_same_where_that_is_wanted() {
    let room = Room::new();
    room.write("file", &content(LENGTH, 1));
    let_rest().await;
    let settings = Settings {
        entity_tags: EntityTags::Same,
        ..room.settings()
    };
    let server = room.files(settings).await;
    let plain = server.get("/file", &[]).await;
    let (coded, meaning) = server.ask("/file", Asked::Content(None)).await;
    assert!(matches!(meaning, Meaning::ContentInformation { .. }));
    assert_eq!(coded.field("etag"), plain.field("etag"));
}

#[tokio::test]
async fn short_and_empty_files_are_never_coded_nor_hashed() {
    let room = Room::new();
    for (name, length) in [("empty", 0), ("one", 1), ("short", 65_535)] {
        room.write(name, &content(length, 3));
    }
    let_rest().await;
    let server = room.files(room.settings()).await;
    for (name, length) in [("empty", 0), ("one", 1), ("short", 65_535)] {
        let (got, meaning) = server.ask(&format!("/{name}"), Asked::Content(None)).await;
        assert!(
            matches!(
                meaning,
                Meaning::Plain {
                    make_hash_request: false,
                    ..
                }
            ),
            "{name}"
        );
        assert_eq!(got.body.len(), length);
    }
    assert_eq!(server.counters.hashed.get(), 0);
    let unavailable = PlainReason::Unavailable.name();
    let counted = server
        .counters
        .plain
        .all()
        .find(|(name, _)| *name == unavailable);
    assert_eq!(counted, Some((unavailable, 2)));
    let got = server.get("/empty", &[("range", "bytes=0-")]).await;
    assert_eq!(got.status, 416);
}

#[tokio::test]
async fn names_that_lead_out_of_the_directory_find_nothing() {
    let room = Room::new();
    std::fs::write(room.directory.path().join("outside"), "SECRET").unwrap();
    std::fs::create_dir(room.served("sub")).unwrap();
    room.write("sub/index.html", b"the index");
    room.write("a b\"<é", b"odd");
    let link = |target: &str, name: &str| {
        std::os::unix::fs::symlink(target, room.served(name)).unwrap();
    };
    link("../outside", "out");
    link("/etc", "etc");
    link("sub/index.html", "within");
    link("loop", "loop");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        room.served("pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )
    .unwrap();
    let server = room.files(room.settings()).await;
    for path in [
        "/../outside",
        "/..%2foutside",
        "/%2e%2e/outside",
        "/%2e%2e%2foutside",
        "/sub/../../outside",
        "/sub/%2e%2e/%2e%2e/outside",
        "/..%5coutside",
        "/%252e%252e/outside",
        "/./../outside",
        "/out",
        "/out/",
        "/etc/passwd",
        "/etc/",
        "//etc/passwd",
        "/file%00.txt",
        "/%00",
        "/%",
        "/%zz",
        "/loop",
        "/pipe",
        "/sub/index.html/",
        "/sub/index.html/x",
        "/nothing",
        "/proc/self/environ",
    ] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let said = String::from_utf8(server.say(request.as_bytes()).await).unwrap();
        assert!(said.starts_with("HTTP/1.1 404 "), "{path}: {said}");
        assert!(
            !said.contains("SECRET") && !said.contains("root:"),
            "{path}"
        );
    }
    assert_eq!(server.get("/within", &[]).await.body, "the index");
    assert_eq!(server.get("/sub/", &[]).await.body, "the index");
    let moved = server.get("/sub", &[]).await;
    assert_eq!(
        (moved.status.as_u16(), moved.field("location")),
        (301, "/sub/")
    );
    assert_eq!(server.get("/a%20b%22%3C%C3%A9", &[]).await.body, "odd");
    let list = server.get("/", &[]).await;
    let list = std::str::from_utf8(&list.body).unwrap();
    assert!(
        list.contains("<a href=\"./a%20b%22%3C%C3%A9\">a b&quot;&lt;é</a>"),
        "{list}"
    );
    assert!(list.contains("<a href=\"./sub/\">"));
}

#[tokio::test]
async fn a_file_that_the_system_has_not_in_memory_is_read_all_the_same() {
    let room = Room::new();
    let bytes = content(3_000_001, 8);
    room.write("file", &bytes);
    let server = room.files(room.settings()).await;
    let file = std::fs::File::open(room.served("file")).unwrap();
    for _ in 0..3 {
        file.sync_all().unwrap();
        rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).unwrap();
        assert!(server.get("/file", &[]).await.body == bytes);
    }
}
