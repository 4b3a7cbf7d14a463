//! The admin page of a server that runs: its numbers, its guards, and `peerdist status`.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::room::Room;
use crate::serving::{Running, furnished};

const ADMIN: usize = 1;

fn started(room: &Room) -> Running {
    Running::start(room, "serve --root www --listen 0 --admin 0", 2)
}

fn asked(server: &Running, path: &str) -> (String, String) {
    let fields = format!("Host: {}\r\n", server.host(ADMIN));
    let (head, body) = server.get_from(ADMIN, path, &fields);
    (head, String::from_utf8(body).unwrap())
}

fn json(server: &Running, path: &str) -> Value {
    let (head, body) = asked(server, path);
    assert!(head.starts_with("http/1.1 200"), "{head}{body}");
    assert!(head.contains("content-type: application/json"), "{head}");
    serde_json::from_str(&body).unwrap()
}

/// Samples of the text format by name and labels; panics at whatever is not of the format.
fn parsed(text: &str) -> BTreeMap<String, f64> {
    let is_name = |name: &str| {
        let is_good = |(at, c): (usize, char)| {
            c.is_ascii_alphabetic() || c == '_' || (at > 0 && c.is_ascii_digit())
        };
        !name.is_empty() && name.chars().enumerate().all(is_good)
    };
    let (mut samples, mut family, mut helped) = (BTreeMap::new(), String::new(), String::new());
    let mut kinds = BTreeMap::new();
    assert!(text.ends_with('\n'));
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, words) = help.split_once(' ').unwrap();
            assert!(is_name(name) && !words.is_empty(), "{line}");
            helped = name.to_owned();
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').unwrap();
            assert_eq!(name, helped, "HELP stands before TYPE");
            assert!(["counter", "gauge"].contains(&kind), "{line}");
            assert!(
                kinds.insert(name.to_owned(), kind).is_none(),
                "{name} twice"
            );
            family = name.to_owned();
        } else {
            let (series, value) = line.rsplit_once(' ').unwrap();
            let value: f64 = value.parse().unwrap();
            let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
            assert_eq!(name, family, "samples stand together: {line}");
            for label in labels.strip_suffix('}').unwrap().split(',') {
                let Some((label, value)) = label.split_once('=') else {
                    assert_eq!(label, "");
                    continue;
                };
                assert!(is_name(label), "{line}");
                assert!(value.starts_with('"') && value.ends_with('"'), "{line}");
            }
            assert!(samples.insert(series.to_owned(), value).is_none(), "{line}");
        }
    }
    samples
}

#[test]
fn metrics_are_ones_that_prometheus_reads_and_count_what_was_served() {
    let room = furnished();
    let server = started(&room);
    let before = parsed(&asked(&server, "/metrics").1);
    assert_eq!(before["peerdist_content_server_hash_bytes_total"], 0.0);
    let info = server.encoded("/file");
    let (head, text) = asked(&server, "/metrics");
    assert!(
        head.contains("content-type: text/plain; version=0.0.4; charset=utf-8"),
        "{head}"
    );
    let after = parsed(&text);
    let hashes = after["peerdist_content_server_hash_bytes_total"];
    assert_eq!(hashes, info.len() as f64);
    assert_eq!(
        after["peerdist_content_server_described_bytes_total"],
        200_000.0
    );
    assert_eq!(after["peerdist_publication_cache_published_contents"], 1.0);
    assert!(after["peerdist_http_requests_total"] >= 1.0);
    assert!(
        text.contains(r"(Windows: BranchCache Kernel Mode\\Hash Bytes)"),
        "{text}"
    );
    server.end("TERM");
}

#[test]
fn the_page_shows_who_asked_for_what_without_what_may_be_secret() {
    let room = furnished();
    let server = started(&room);
    server.encoded("/file");
    let fields = format!(
        "Host: {}\r\nAuthorization: Basic c2VjcmV0\r\n",
        server.host(0)
    );
    server.get_from(0, "/missing?token=geheim", &fields);
    let activity = json(&server, "/api/activity?limit=500");
    let latest = &activity["visits"][0];
    assert_eq!(latest["path"], "/missing");
    assert_eq!(latest["status"], 404);
    assert_eq!(latest["from"], "127.0.0.1");
    let all = activity.to_string();
    assert!(all.contains("content information"), "{all}");
    assert!(
        !all.contains("geheim") && !all.contains("c2VjcmV0"),
        "{all}"
    );
    let newest = latest["number"].as_u64().unwrap();
    let newer = json(&server, &format!("/api/activity?after={newest}"));
    assert_eq!(newer["visits"].as_array().unwrap().len(), 0);
    let clients = json(&server, "/api/clients");
    assert_eq!(clients["clients"][0]["address"], "127.0.0.1");
    assert_eq!(clients["clients"][0]["totals"]["requests"], newest);
    let (head, page) = asked(&server, "/");
    assert!(
        head.contains("content-security-policy: default-src 'none'"),
        "{head}"
    );
    assert!(page.starts_with("<!doctype html>"));
    server.end("TERM");
}

#[test]
fn other_names_other_methods_and_other_paths_are_refused() {
    let room = furnished();
    let server = started(&room);
    let status = |path: &str, fields: &str| {
        let (head, _) = server.get_from(ADMIN, path, fields);
        head.split(' ').nth(1).unwrap().to_owned()
    };
    for path in ["/", "/metrics", "/api/status"] {
        assert_eq!(
            status(path, "Host: rebound.example:80\r\n"),
            "421",
            "{path}"
        );
        assert_eq!(status(path, "Host: localhost\r\n"), "200", "{path}");
    }
    assert_eq!(status("/api/segments", "Host: localhost\r\n"), "404");
    assert_eq!(status("/etc/passwd", "Host: localhost\r\n"), "404");
    assert_eq!(
        status("/api/activity?limit=0", "Host: localhost\r\n"),
        "400"
    );
    // The content is not served there, nor the page where the content is.
    assert_eq!(status("/file", "Host: localhost\r\n"), "404");
    server.end("TERM");
    let refused = room
        .run("serve --root www --listen 0 --admin 0.0.0.0:0 --cache-dir c")
        .refused();
    assert!(refused.contains("--admin-anywhere"), "{refused}");
}

#[test]
fn status_has_the_fields_of_get_bcstatus() {
    let room = furnished();
    let server = started(&room);
    server.encoded("/file");
    let admin = server.host(ADMIN);
    let ended = room.run(&format!("status --json --admin {admin}")).good();
    let status: Value = serde_json::from_str(ended.text()).unwrap();
    assert_eq!(status["BranchCacheIsEnabled"], true);
    assert_eq!(status["BranchCacheServiceStatus"], "Running");
    assert_eq!(
        status["ContentServerConfiguration"]["ContentServerIsEnabled"],
        true
    );
    assert_eq!(status["DataCache"], Value::Null);
    let hash_cache = &status["HashCache"];
    assert_eq!(hash_cache["MaxCacheSizeAsNumberOfBytes"], 1 << 30);
    assert!(hash_cache["CurrentActiveCacheSize"].as_u64().unwrap() > 0);
    let path = hash_cache["CacheFileDirectoryPath"].as_str().unwrap();
    assert!(path.ends_with("content-information"), "{path}");
    let words = room.run(&format!("status --admin {admin}")).good();
    assert!(
        words.text().contains("BranchCacheServiceStatus"),
        "{words:?}"
    );
    assert!(words.text().contains("HashCache:\n"), "{words:?}");
    server.end("TERM");
}

#[test]
fn status_of_nothing_says_what_was_expected() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let at = free.local_addr().unwrap();
    drop(free);
    let ended = Room::new().run(&format!("status --admin {at}"));
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(
        ended.stderr.contains("runs with --admin there"),
        "{ended:?}"
    );
}

#[test]
fn logs_in_json_are_an_object_a_line_with_the_ids_of_events() {
    let room = furnished();
    let line =
        "serve --root www --listen 0 --log peerdist=info,peerdist_node=debug --log-format json";
    let server = Running::start(&room, line, 1);
    server.encoded("/file");
    let said = server.end("TERM");
    let events: Vec<Value> = said
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let ids: Vec<u64> = events
        .iter()
        .filter_map(|event| event["event_id"].as_u64())
        .collect();
    for id in [1, 2, 202] {
        assert!(ids.contains(&id), "{id}: {said}");
    }
}
