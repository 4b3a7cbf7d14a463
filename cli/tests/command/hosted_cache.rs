//! `hosted-cache`: the lines that say where, the certificate it makes, packages, signals, and mistakes.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Lines, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, ChildStdout, Command};

use crate::room::{Room, content, wait};
use crate::serving::{Running as Server, furnished};

const TLS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tls");

/// A cache that was started.
struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Running {
    fn start(room: &Room, line: &str) -> Self {
        let mut child = room.command(line.split_whitespace()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    fn line(&mut self) -> String {
        self.lines.next().unwrap().unwrap()
    }

    /// Where it is, by the next line that says so.
    fn at(&mut self, scheme: &str) -> String {
        let line = self.line();
        let start = format!("peerdist: hosted cache over store at {scheme}://");
        let at = line
            .strip_prefix(&start)
            .unwrap_or_else(|| panic!("{line}"));
        at.trim_end_matches('/').to_owned()
    }

    /// Ends it by a signal and returns what it said on standard error.
    fn end(mut self, signal: &str) -> String {
        let kill = format!("kill -{signal} {}", self.child.id());
        let killed = Command::new("sh").args(["-c", &kill]).status().unwrap();
        assert!(killed.success());
        assert_eq!(wait(&mut self.child), Some(0), "SIG{signal}");
        let mut said = String::new();
        let mut stderr = self.child.stderr.take().unwrap();
        stderr.read_to_string(&mut said).unwrap();
        said
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Of a test that failed before it ended it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The answer to an offer of version 2.0 of no segment of which anybody has a block.
fn offer(at: &str) -> Vec<u8> {
    let mut stream = TcpStream::connect(at).unwrap();
    let mut message = vec![0, 2, 0, 3, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    message.extend([0, 1, 0x10, 0, 0, 1, 0x10, 0, 0, 16]);
    message.extend([0; 16]);
    message.push(4);
    message.extend([5; 32]);
    let path = "/0131501b-d67f-491b-9a40-c4bf27bcb4d4";
    let length = message.len();
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
    )
    .unwrap();
    stream.write_all(&message).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    answer
}

#[test]
fn a_hosted_cache_says_where_it_is_and_ends_quietly_when_told() {
    let room = Room::new();
    for signal in ["TERM", "INT"] {
        let mut cache = Running::start(&room, "hosted-cache --store store --http 0");
        let at = cache.at("http");
        let answer = offer(&at);
        assert!(answer.starts_with(b"HTTP/1.1 200"), "{answer:?}");
        assert!(answer.ends_with(&[0, 0, 0, 1, 0]), "{answer:?}");
        // The store is asked through the cache while that runs.
        assert!(room.run("cache ls --store store").code == Some(0));
        assert_eq!(cache.end(signal), "");
    }
}

#[test]
fn a_certificate_is_made_once_and_its_key_is_for_its_owner_alone() {
    let room = Room::new();
    let line = "hosted-cache --store store --http 0 --https 0 --self-signed --name cache.example";
    let mut fingerprints = Vec::new();
    for done in ["made", "found"] {
        let mut cache = Running::start(&room, line);
        let said = cache.line();
        assert_eq!(
            said,
            format!("peerdist: certificate {done} in store-cert.pem")
        );
        let said = cache.line();
        let fingerprint = said.strip_prefix("peerdist: SHA-256 fingerprint ").unwrap();
        assert_eq!(fingerprint.len(), 95, "{fingerprint}");
        fingerprints.push(fingerprint.to_owned());
        assert!(cache.line().contains("certutil -addstore Root FILE"));
        cache.at("http");
        cache.at("https");
        assert_eq!(cache.end("TERM"), "");
    }
    assert_eq!(fingerprints[0], fingerprints[1]);
    let mode = fs::metadata(room.at("store-key.pem"))
        .unwrap()
        .permissions();
    assert_eq!(mode.mode() & 0o777, 0o600);
    let openssl = Command::new("openssl")
        .args([
            "x509",
            "-noout",
            "-fingerprint",
            "-sha256",
            "-ext",
            "subjectAltName",
            "-in",
        ])
        .arg(room.at("store-cert.pem"))
        .output();
    match openssl {
        Ok(shown) => {
            let shown = String::from_utf8(shown.stdout).unwrap();
            assert!(shown.contains(&fingerprints[0]), "{shown}");
            assert!(shown.contains("DNS:cache.example"), "{shown}");
        }
        Err(error) => eprintln!("NOT RUN: openssl reads the certificate: {error}"),
    }
    fs::remove_file(room.at("store-key.pem")).unwrap();
    let complaint = room.run(line).refused();
    assert!(complaint.contains("store-key.pem is not"), "{complaint}");
}

#[test]
fn mistakes_about_the_hosted_cache() {
    let room = Room::new();
    room.write("note", "no package, and no certificate");
    fs::create_dir(room.at("tls")).unwrap();
    for name in ["server.pem", "server.key", "ca.pem"] {
        fs::copy(format!("{TLS}/{name}"), room.at(&format!("tls/{name}"))).unwrap();
    }
    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = held.local_addr().unwrap();
    let in_use = format!("hosted-cache --store store --http {taken}");
    let mut all = String::new();
    for line in [
        "hosted-cache",
        "hosted-cache --store store",
        "hosted-cache --store note --http 0",
        "hosted-cache --store store --http nonsense",
        "hosted-cache --store store --http 0 --https 0",
        "hosted-cache --store store --http 0 --self-signed",
        "hosted-cache --store store --http 0 --https 0 --cert tls/server.pem",
        "hosted-cache --store store --http 0 --https 0 --self-signed --cert tls/server.pem --key tls/server.key",
        "hosted-cache --store store --http 0 --https 0 --cert tls/ca.pem --key tls/server.key",
        "hosted-cache --store store --http 0 --https 0 --cert note --key tls/server.key",
        "hosted-cache --store store --http 0 --name x",
        "hosted-cache --store store --http 0 --authenticate-clients",
        "hosted-cache --store store --http 0 --preload nothing",
        "hosted-cache --store store --http 0 --preload note",
        "hosted-cache --store store --http 0 --cacert tls/ca.pem",
        "hosted-cache --store store --http 0 --store-size 0",
        "hosted-cache --store store --http 0 --sealed-size 101%",
        "hosted-cache --store store --http 0 --max-age 28",
        "hosted-cache --store store --http 0 --fetches 0",
        "hosted-cache --store store --http 0 --fetch-timeout-ms 5",
        "hosted-cache --store store --http 203.0.113.1:80",
        in_use.as_str(),
    ] {
        let complaint = room.run(line).refused();
        writeln!(all, "$ peerdist {line}\n{complaint}").unwrap();
    }
    insta::assert_snapshot!(all.replace(&taken.to_string(), "127.0.0.1:PORT"));
}

#[test]
fn content_at_a_url_is_there_from_the_start() {
    let room = furnished();
    let origin = Server::start(&room, "serve --root www --listen 0", 1);
    origin.encoded("/file");
    let url = format!("http://{}/file", origin.host(0));
    let line = format!("hosted-cache --store store --http 0 --preload {url}");
    for before in [0, 200_000] {
        let mut cache = Running::start(&room, &line);
        let said = cache.line();
        let end = format!(" of {url} kept, {before} of its 200000 bytes there before");
        let kept = said
            .strip_prefix("peerdist: ")
            .and_then(|said| said.strip_suffix(&end));
        let kept = kept.unwrap_or_else(|| panic!("{said}"));
        assert_eq!(kept == "0 blocks", before > 0, "{said}");
        let at = cache.at("http");
        let got = room.run(&format!(
            "get {url} --hosted {at} --share-for 0 --json -o got"
        ));
        let got: serde_json::Value = serde_json::from_slice(&got.stdout).unwrap();
        assert_eq!(got["bytes_from_hosted_cache"], 200_000, "{got}");
        assert!(room.read("got") == content(200_000));
        assert_eq!(cache.end("TERM"), "");
    }
}

#[test]
fn content_at_a_url_is_there_in_either_version_or_both() {
    let in_version = [" in version 1.0 kept", " in version 2.0 at most kept"];
    for (wanted, told) in [("1", &[1][..]), ("both", &[2, 1])] {
        let room = furnished();
        let origin = Server::start(&room, "serve --root www --listen 0", 1);
        // It gives what it has, whichever was asked for first.
        let newer = "Accept-Encoding: peerdist\r\nX-P2P-PeerDist: Version=1.1\r\n\
            X-P2P-PeerDistEx: MinContentInformation=1.0, MaxContentInformation=2.0\r\n";
        let is_there = || {
            let (head, _) = origin.get("/file", newer);
            let is_there = head.contains("content-encoding: peerdist");
            if !is_there {
                std::thread::sleep(std::time::Duration::from_millis(50));
            }
            is_there
        };
        assert!((0..400).any(|_| is_there()), "no version 2.0 comes");
        let url = format!("http://{}/file", origin.host(0));
        let line = format!(
            "hosted-cache --store store --http 0 --preload {url} --preload-version {wanted}"
        );
        let mut cache = Running::start(&room, &line);
        for version in told {
            let said = cache.line();
            let named = in_version[*version - 1];
            let end = format!(" of {url}{named}, 0 of its 200000 bytes there before");
            assert!(said.ends_with(&end), "{said}");
        }
        let at = cache.at("http");
        for version in told {
            let got = room.run(&format!(
                "get {url} --hosted {at} --info-version {version} --share-for 0 --json -o got"
            ));
            let got: serde_json::Value = serde_json::from_slice(&got.stdout).unwrap();
            assert_eq!(got["bytes_from_hosted_cache"], 200_000, "{wanted}: {got}");
            assert!(room.read("got") == content(200_000));
        }
        assert_eq!(cache.end("TERM"), "");
    }
}

#[test]
fn content_at_a_url_that_cannot_be_preloaded_is_named_with_the_reason() {
    let room = furnished();
    // Shorter than what its server gives content information for.
    room.write("www/small", content(2_000));
    let origin = Server::start(&room, "serve --root www --listen 0", 1);
    let at = origin.host(0);
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    for (url, code, words) in [
        (
            format!("http://{at}/small"),
            3,
            "has no PeerDist, or not for this content",
        ),
        (format!("http://{at}/nothing"), 3, "answered 404"),
        (format!("http://{closed}/file"), 3, "cannot connect to"),
        (format!("ftp://{at}/file"), 2, "expected http://"),
    ] {
        let ended = room.run(&format!(
            "hosted-cache --store store --http 0 --preload {url}"
        ));
        assert_eq!(ended.code, Some(code), "{ended:?}");
        assert!(ended.stderr.contains("cannot preload"), "{ended:?}");
        assert!(
            ended.stderr.contains(&url) && ended.stderr.contains(words),
            "{ended:?}"
        );
    }
}

#[test]
fn preloaded_content_without_room_is_told_of() {
    let room = furnished();
    let origin = Server::start(&room, "serve --root www --listen 0", 1);
    origin.encoded("/file");
    let url = format!("http://{}/file", origin.host(0));
    let line = format!("hosted-cache --store store --store-size 100kB --http 0 --preload {url}");
    let mut cache = Running::start(&room, &line);
    cache.line();
    cache.at("http");
    let said = cache.end("TERM");
    assert!(
        said.contains("had no room; --store-size gives more"),
        "{said}"
    );
}
