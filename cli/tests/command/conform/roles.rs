//! `conform run` against servers: ours, one that does not what it should, and one that is not there.

use std::io::{Read, Write};
use std::net::TcpListener;

use super::{Room, json, verdicts};
use crate::room::{Ended, SECRET, content};
use crate::serving::{Running, furnished};

/// Runs with what the line says, and then these cases.
fn run(room: &Room, line: &str, cases: &[&str]) -> Ended {
    let line = format!("conform run {line} --silence-ms 150 {}", cases.join(" "));
    room.run(&line)
}

#[test]
fn a_content_server_and_a_peer_that_holds_its_content_are_as_required() {
    let room = furnished();
    let origin = Running::start(&room, "serve --root www --listen 0", 1);
    room.write("info", origin.encoded("/file"));
    let url = format!("{}file", origin.urls[0]);
    let cases = ["pccrtp-server-plain-*", "pccrtp-server-version-1.?"];
    let ended = run(&room, &format!("--url {url} --content www/file"), &cases).good();
    assert!(ended.text().contains(" 0 failed"), "{ended:?}");
    // Content that is another is found out.
    room.write("other", content(200_001));
    let other = format!("--url {url} --content other");
    let ended = run(&room, &other, &["pccrtp-server-plain-request"]).judged_bad();
    assert!(
        ended
            .text()
            .contains("FAIL          pccrtp-server-plain-request")
    );

    let got = room.run(&format!(
        "get {url} -o got --store store --info-version 1 --interface 127.0.0.1 --share-for 0"
    ));
    assert_eq!(got.code, Some(0), "{got:?}");
    let line = "peer --store store --listen 127.0.0.1:0 --interface 127.0.0.1";
    let peer = Running::start_bare(&room, line, 1);
    let target = format!("--target {} --info info", peer.urls[0]);
    run(
        &room,
        &target,
        &["pccrr-peer-post", "pccrr-peer-block-of-many"],
    )
    .good();
    // A deviation with a name: common takes it as a warning, strict as a failure.
    let empty = ["pccrr-peer-list-no-ranges"];
    let ended = run(&room, &target, &empty).good();
    assert!(
        ended
            .text()
            .contains("warn          pccrr-peer-list-no-ranges")
    );
    assert!(ended.text().contains("(rr-zero-ranges)"), "{ended:?}");
    let strict = format!("{target} --profile strict");
    let ended = run(&room, &strict, &empty).judged_bad();
    assert!(
        ended
            .text()
            .contains("FAIL          pccrr-peer-list-no-ranges")
    );
    // Roles beside each other, each with its target.
    let both = format!("--url {url} {target} --json");
    let ended = run(
        &room,
        &both,
        &["pccrr-peer-post", "pccrtp-server-plain-request"],
    )
    .good();
    let report = json(&ended.stdout);
    assert_eq!(verdicts(&report).len(), 2);
    assert_eq!(report["targets"]["content-server"], url.as_str());
    assert_eq!(report["targets"]["peer"], peer.urls[0].as_str());
    peer.end("TERM");
    origin.end("TERM");
}

#[test]
fn a_hosted_cache_is_judged_over_offers_that_the_judge_makes() {
    let room = Room::new();
    let cache = Running::start_bare(&room, "hosted-cache --store store --http 0", 1);
    let at = cache.host(0).to_owned();
    let cases = ["pchc-cache-http", "pchc-cache-get", "pchc-cache-https"];
    let ended = run(&room, &format!("--http {at} --json"), &cases).good();
    let verdicts = verdicts(&json(&ended.stdout));
    assert_eq!(verdicts["pchc-cache-http"], "pass");
    assert_eq!(verdicts["pchc-cache-get"], "pass");
    // Where it takes none over TLS, that cannot be judged, and is no failure.
    assert_eq!(verdicts["pchc-cache-https"], "skip");
    cache.end("TERM");
}

/// A server of HTTP that knows nothing of PeerDist.
fn plain(content: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|n| n == 1) {
                head.extend(byte);
            }
            // Whoever asks may go away before it has all.
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
                content.len()
            );
            let _ = stream.write_all(&content);
        }
    });
    format!("http://{at}/file")
}

#[test]
fn what_should_be_and_is_not_warns_and_fails_where_it_is_strict() {
    let url = plain(content(100_000));
    let room = Room::new();
    let cases = ["pccrtp-server-make-hash-request"];
    let ended = run(&room, &format!("--url {url}"), &cases).good();
    let line = "warn          pccrtp-server-make-hash-request";
    assert!(ended.text().contains(line), "{ended:?}");
    let ended = run(&room, &format!("--url {url} --strict --json"), &cases).judged_bad();
    let report = json(&ended.stdout);
    assert_eq!(report["strict"], true);
    assert_eq!(report["cases"][0]["verdict"], "fail");
    assert_eq!(report["cases"][0]["level"], "should");
}

#[test]
fn who_is_not_there_is_named_in_one_line_and_nothing_is_written() {
    let room = Room::with_content(1_000);
    room.run(&format!("info create content {SECRET} -o info"))
        .good();
    // A port of which the system just said that it is nobody's.
    let at = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let refused = format!(
        "cannot connect to {at}: Connection refused (os error 111); is it running, and is that its port?\n"
    );
    for (option, place) in [
        ("--url", format!("http://{at}/file")),
        ("--target", format!("{at} --info info")),
        ("--http", at.to_string()),
    ] {
        let ended = room.run(&format!("conform run {option} {place} --out out"));
        let shown = place.split(' ').next().unwrap();
        assert_eq!(ended.code, Some(3));
        assert_eq!(
            ended.stderr,
            format!("peerdist: {option} {shown}: {refused}")
        );
        assert!(ended.stdout.is_empty());
    }
    let ended = room.run("conform run --url http://nobody.invalid/file");
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert_eq!(ended.stderr.lines().count(), 1);
    let start = "peerdist: --url http://nobody.invalid/file names no host that is known: ";
    assert!(ended.stderr.starts_with(start), "{ended:?}");
    assert_eq!(room.names(), ["content", "info"]);
}
