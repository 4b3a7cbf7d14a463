//! `serve` and `proxy`: the line that says where, signals, what stays over a restart, TLS, and mistakes.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command};

use crate::room::{Room, content, wait};

const TLS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tls");

/// A server that was started and has said where it is.
pub(crate) struct Running {
    child: Child,
    /// Its addresses, as it said them: `http://127.0.0.1:40000/`.
    pub(crate) urls: Vec<String>,
}

impl Running {
    pub(crate) fn start(room: &Room, line: &str, listeners: usize) -> Self {
        Self::start_bare(room, &format!("{line} --cache-dir cache"), listeners)
    }

    /// A command that keeps no content information.
    pub(crate) fn start_bare(room: &Room, line: &str, listeners: usize) -> Self {
        let words = line.split_whitespace();
        let mut child = room.command(words).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let urls = (0..listeners).map(|_| {
            let line = lines.next().unwrap().unwrap();
            let (_, url) = line.rsplit_once(' ').unwrap();
            url.to_owned()
        });
        Self {
            urls: urls.collect(),
            child,
        }
    }

    /// The answer to a request with these further header fields, head and body.
    pub(crate) fn get(&self, path: &str, fields: &str) -> (String, Vec<u8>) {
        let host = self.host(0);
        self.get_from(0, path, &format!("Host: {host}\r\n{fields}"))
    }

    /// Where one of its addresses is, as `127.0.0.1:40000`.
    pub(crate) fn host(&self, url: usize) -> &str {
        let host = self.urls[url].strip_prefix("http://").unwrap();
        host.trim_end_matches('/')
    }

    /// The answer of one of its addresses to a request with no other header fields than these.
    pub(crate) fn get_from(&self, url: usize, path: &str, fields: &str) -> (String, Vec<u8>) {
        let mut stream = TcpStream::connect(self.host(url)).unwrap();
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nConnection: close\r\n{fields}\r\n"
        )
        .unwrap();
        let mut all = Vec::new();
        stream.read_to_end(&mut all).unwrap();
        let end = all.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        let body = all.split_off(end + 4);
        (String::from_utf8(all).unwrap().to_ascii_lowercase(), body)
    }

    /// Content information, asked for until it is there.
    pub(crate) fn encoded(&self, path: &str) -> Vec<u8> {
        for _ in 0..200 {
            let fields = "Accept-Encoding: peerdist\r\nX-P2P-PeerDist: Version=1.0\r\n";
            let (head, body) = self.get(path, fields);
            if head.contains("content-encoding: peerdist") {
                return body;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        panic!("no content information comes");
    }

    /// Ends it by a signal and returns what it said on standard error.
    pub(crate) fn end(mut self, signal: &str) -> String {
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

pub(crate) fn furnished() -> Room {
    let room = Room::new();
    fs::create_dir(room.at("www")).unwrap();
    room.write("www/file", content(200_000));
    room
}

#[test]
fn a_server_says_where_it_is_and_ends_quietly_when_told() {
    let room = furnished();
    for signal in ["TERM", "INT"] {
        let server = Running::start(&room, "serve --root www --listen 0", 1);
        assert!(server.urls[0].starts_with("http://127.0.0.1:"));
        let (head, body) = server.get("/file", "");
        assert!(head.starts_with("http/1.1 200 ok"), "{head}");
        assert!(body == content(200_000));
        assert!(server.get("/", "").0.starts_with("http/1.1 404"));
        assert_eq!(server.end(signal), "");
    }
    let server = Running::start(&room, "serve --root www --listen 0 --list", 1);
    assert!(server.get("/", "").0.starts_with("http/1.1 200"));
    server.end("TERM");
}

#[test]
fn content_information_is_the_same_after_a_restart_and_another_under_another_secret() {
    let room = furnished();
    room.write("key", [7; 32]);
    let made = |line: &str| {
        let server = Running::start(&room, line, 1);
        let info = server.encoded("/file");
        assert_eq!(server.end("TERM"), "");
        info
    };
    let line = "serve --root www --listen 0";
    let one = made(line);
    assert!(one == made(line));
    let under_key = made(&format!("{line} --secret-file key"));
    assert!(one != under_key);
    // And it is what the command for files makes.
    room.run("info create www/file --version 1 --secret-file key -o info")
        .good();
    assert!(under_key == room.read("info"));
}

#[test]
fn a_proxy_over_tls_to_a_server_with_tls_encodes_what_it_passes_on() {
    let room = furnished();
    let line =
        format!("serve --root www --listen-tls 0 --cert {TLS}/server.pem --key {TLS}/server.key");
    let upstream = Running::start(&room, &line, 1);
    let url = upstream.urls[0].clone();
    assert!(url.starts_with("https://127.0.0.1:"), "{url}");
    let line = format!("proxy --upstream {url} --upstream-ca {TLS}/ca.pem --listen 0");
    let proxy = Running::start(&room, &line, 1);
    let (head, body) = proxy.get("/file", "");
    assert!(head.starts_with("http/1.1 200 ok"), "{head}");
    assert!(body == content(200_000));
    // The upstream's file has to rest until its entity tag is one that can be relied on.
    assert!(!proxy.encoded("/file").is_empty());
    proxy.end("TERM");
    // Without the certificate that the other is signed by, there is no answer.
    let distrustful = Running::start(&room, &format!("proxy --upstream {url} --listen 0"), 1);
    assert!(distrustful.get("/file", "").0.starts_with("http/1.1 502"));
    let said = distrustful.end("TERM");
    assert!(said.contains("UnknownIssuer"), "{said}");
    upstream.end("TERM");
}

#[test]
fn both_listeners_are_said_and_served() {
    let room = furnished();
    let line = format!(
        "serve --root www --listen 0 --listen-tls 0 --cert {TLS}/server.pem --key {TLS}/server.key"
    );
    let server = Running::start(&room, &line, 2);
    assert!(server.urls[0].starts_with("http://") && server.urls[1].starts_with("https://"));
    assert!(server.get("/file", "").0.starts_with("http/1.1 200"));
    let Ok(curl) = Command::new("curl")
        .args(["-sS", "--cacert", &format!("{TLS}/ca.pem"), "-o"])
        .arg(room.at("got"))
        .arg(format!("{}file", server.urls[1]))
        .output()
    else {
        eprintln!("NOT RUN: TLS with curl; there is no curl");
        return;
    };
    assert!(curl.status.success(), "{curl:?}");
    assert!(room.read("got") == content(200_000));
    server.end("TERM");
}

#[test]
fn mistakes_about_servers() {
    let room = furnished();
    room.write("empty", "");
    room.write("note", "no certificate");
    fs::create_dir(room.at("tls")).unwrap();
    for name in ["server.pem", "server.key", "ca.pem"] {
        fs::copy(format!("{TLS}/{name}"), room.at(&format!("tls/{name}"))).unwrap();
    }
    let mut all = String::new();
    for line in [
        "serve",
        "serve --root nothing",
        "serve --root note",
        "serve --root www --listen nonsense",
        "serve --root www --listen 127.0.0.1:65536",
        "serve --root www --listen localhost:80",
        "serve --root www --cert tls/server.pem",
        "serve --root www --listen-tls 0",
        "serve --root www --listen-tls 0 --cert nothing --key tls/server.key",
        "serve --root www --listen-tls 0 --cert note --key tls/server.key",
        "serve --root www --listen-tls 0 --cert tls/server.pem --key note",
        "serve --root www --listen-tls 0 --cert tls/ca.pem --key tls/server.key",
        "serve --root www --secret-file nothing --cache-dir cache",
        "serve --root www --secret-file empty --cache-dir cache",
        "serve --root www --cache-dir note",
        "serve --root www --cache-dir cache --listen 203.0.113.1:80",
        "serve --root www --log loud",
        "proxy",
        "proxy --upstream host",
        "proxy --upstream ftp://host/",
        "proxy --upstream http://host/?query",
        "proxy --upstream http://host/ --upstream-ca tls/ca.pem",
        "proxy --upstream https://host/ --upstream-ca note --cache-dir cache",
    ] {
        let complaint = room.run(line).refused();
        writeln!(all, "$ peerdist {line}\n{complaint}").unwrap();
    }
    insta::assert_snapshot!(all);
}

#[test]
fn an_address_in_use_is_said_to_be() {
    let room = furnished();
    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = held.local_addr().unwrap();
    let line = format!("serve --root www --cache-dir cache --listen {at}");
    let expected = format!(
        "cannot listen on {at}: another program listens there; end it or take another port"
    );
    assert_eq!(room.run(&line).refused(), expected);
}
