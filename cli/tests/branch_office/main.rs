//! A branch office at the end of a slow line, with the command as people run it: what one client fetched, the next has from
//! its neighbour or from the hosted cache.
//! Invariant: bytes on the line are counted by the line itself, not by those who use it.
//! Byte order: none.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails where it stands"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "processes and packets take time that nobody hands in"
)]

mod branch;
mod link_local;
mod namespaces;
mod wan;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use branch::{Branch, CACHE, Family, PREFIX};
use namespaces::{Namespace, Running, sweep, system};
use wan::{DELAY, RATE_BITS};

/// More than an origin hashes before its first answer.
const DEFAULT_BYTES: usize = 4_300_000;
/// What does not wait for the line takes no longer than this.
const PATIENCE: Duration = Duration::from_secs(60);
/// A file is hashed when nobody wrote to it for two seconds.
const REST: Duration = Duration::from_millis(2_500);
/// A neighbour may be late for one search on a machine that is at work.
const TRIES_MOST: usize = 5;
/// A client that got content plainly asks for its hashes a second later, and looks at what it has.
const LATE: Duration = Duration::from_secs(8);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Distributed,
    Hosted,
    /// Plain HTTP: what the line takes without all this.
    Off,
}

#[derive(Debug, Clone, Copy)]
struct Case {
    mode: Mode,
    version: u8,
    family: Family,
    /// Whether the first client is the first to ask the origin, which has no content information yet.
    is_fresh: bool,
}

const CASES: &[Case] = &[
    Case::new(Mode::Distributed, 1, Family::V4),
    Case::new(Mode::Distributed, 2, Family::V4),
    Case::new(Mode::Hosted, 1, Family::V4),
    Case::new(Mode::Hosted, 2, Family::V4),
    Case::new(Mode::Distributed, 2, Family::V6),
    Case::new(Mode::Distributed, 2, Family::V4).fresh(),
    Case::new(Mode::Hosted, 2, Family::V4).fresh(),
    Case::new(Mode::Off, 0, Family::V4),
];

impl Case {
    const fn new(mode: Mode, version: u8, family: Family) -> Self {
        Self {
            mode,
            version,
            family,
            is_fresh: false,
        }
    }

    const fn fresh(self) -> Self {
        Self {
            is_fresh: true,
            ..self
        }
    }

    fn name(&self) -> String {
        let family = match self.family {
            Family::V4 => "",
            Family::V6 => ", IPv6",
        };
        let fresh = if self.is_fresh { ", fresh" } else { "" };
        match self.mode {
            Mode::Off => "plain HTTP".to_owned(),
            Mode::Distributed => format!("distributed, v{}{family}{fresh}", self.version),
            Mode::Hosted => format!("hosted, v{}{family}{fresh}", self.version),
        }
    }
}

/// What a client says of its download, and what the line says.
#[derive(Debug)]
struct Fetched {
    seconds: f64,
    wan_bytes: u64,
    from_neighbours: u64,
    from_origin: u64,
    metadata_bytes: u64,
}

/// The content, and how long a download of it may take.
struct Content {
    bytes: Vec<u8>,
    sha256: String,
    limit: Duration,
}

impl Content {
    fn new(length: usize) -> Self {
        let words = (1..=length.div_ceil(8) as u64).map(|at| {
            let at = at.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            (at ^ at >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9)
        });
        let mut bytes: Vec<u8> = words.flat_map(u64::to_be_bytes).collect();
        bytes.truncate(length);
        let sha256 = Sha256::digest(&bytes);
        let sha256 = sha256.iter().map(|byte| format!("{byte:02x}")).collect();
        let limit = Duration::from_secs(length as u64 * 8 / RATE_BITS) * 2 + PATIENCE;
        Self {
            bytes,
            sha256,
            limit,
        }
    }

    fn line_seconds(&self) -> f64 {
        self.bytes.len() as f64 * 8.0 / RATE_BITS as f64
    }
}

/// Why there can be no branch on this machine.
fn missing() -> Option<String> {
    // Also says it where the kernel knows no namespaces, bridges, VXLAN or tbf.
    no_namespaces().or_else(|| Branch::new(CASES.len(), Family::V4).err())
}

/// Why there can be no network namespaces on this machine.
fn no_namespaces() -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some("only root makes network namespaces".to_owned());
    }
    for tool in ["ip -V", "tc -V"] {
        if let Err(why) = system(tool) {
            return Some(format!("{why}; both are in the package iproute2"));
        }
    }
    sweep(PREFIX);
    None
}

#[test]
fn what_one_client_of_a_branch_fetched_the_next_has_from_its_neighbours() {
    if let Some(why) = missing() {
        eprintln!("NOT RUN: a branch office at the end of a slow line: {why}");
        return;
    }
    let length = std::env::var("PEERDIST_BRANCH_BYTES").ok();
    let length = length.map_or(DEFAULT_BYTES, |length| {
        length
            .parse()
            .expect("PEERDIST_BRANCH_BYTES is a number of bytes")
    });
    let content = Content::new(length);
    let ended: Vec<_> = std::thread::scope(|scope| {
        let content = &content;
        let started = CASES.iter().enumerate().map(|(number, case)| {
            let ran = scope.spawn(move || run(number, *case, content));
            (case, ran)
        });
        let started: Vec<_> = started.collect();
        let ended = started.into_iter().map(|(case, ran)| (case, ran.join()));
        ended.collect()
    });
    println!(
        "| {:22} | first, s | its WAN bytes | second, s | its WAN bytes | metadata | from neighbours |",
        format!("{length} bytes")
    );
    println!("|---|---|---|---|---|---|---|");
    let mut failed = Vec::new();
    for (case, ended) in &ended {
        match ended {
            Ok((first, Some(second))) => {
                let share = second.from_neighbours as f64 * 100.0 / length as f64;
                println!(
                    "| {:22} | {:8.1} | {:13} | {:9.2} | {:13} | {:8} | {share:13.1} % |",
                    case.name(),
                    first.seconds,
                    first.wan_bytes,
                    second.seconds,
                    second.wan_bytes,
                    second.metadata_bytes
                );
            }
            Ok((first, None)) => println!(
                "| {:22} | {:8.1} | {:13} | | | | |",
                case.name(),
                first.seconds,
                first.wan_bytes
            ),
            Err(_) => failed.push(case.name()),
        }
    }
    assert!(failed.is_empty(), "failed, see above: {failed:?}");
}

/// One case in namespaces of its own: what the first client and the second came to.
fn run(number: usize, case: Case, content: &Content) -> (Fetched, Option<Fetched>) {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let branch = Branch::new(number, case.family).unwrap();
    if number == 0 {
        let by = branch.wan.delayed_by();
        println!("the line: {RATE_BITS} bit/s by tbf, {DELAY:?} each way by {by}");
    }
    let origin = serve(&branch, directory, case, content);
    let before = branch.wan_bytes();
    if case.mode == Mode::Off {
        let got = get(&branch.clients[0], directory, "plain", case, "--mode off");
        let (got, after) = (got.ends(content.limit), branch.wan_bytes());
        let first = fetched(&got, directory, "plain", content, after - before);
        assert_eq!(first.metadata_bytes, 0);
        origin.interrupt();
        origin.ends(PATIENCE);
        return (first, None);
    }
    let hosted = hosted(&branch, directory, case);
    let options = hosted.as_ref().map_or_else(
        || format!("--mode distributed --info-version {}", case.version),
        |(_, options)| format!("{options} --info-version {}", case.version),
    );

    let lingers = format!("{options} --share-for 3600");
    let (client, neighbour) = (&branch.clients[0], &branch.clients[1]);
    let (first, sharing) = match case.mode {
        Mode::Hosted => {
            // Ends by itself, once the cache has all that it was offered.
            let got = get(client, directory, "first", case, &options);
            (Some(got.ends(content.limit)), None)
        }
        _ => {
            let mut sharing = get(client, directory, "first", case, &lingers);
            sharing.makes(&directory.join("first"), content.limit);
            if case.is_fresh {
                std::thread::sleep(LATE);
            }
            (None, Some(sharing))
        }
    };
    let between = branch.wan_bytes();
    // A search is over after 300 ms, which a machine that is busy may let pass; and the first may still be at work.
    let (mut asks, mut tries) = (between, 1);
    let second = loop {
        let said = get(neighbour, directory, "second", case, &options).ends(content.limit);
        let after = branch.wan_bytes();
        let got = fetched(&said, directory, "second", content, after - asks);
        let is_shared = got.from_neighbours * 100 >= content.bytes.len() as u64 * 95;
        if is_shared || tries == TRIES_MOST {
            break got;
        }
        println!("{}: again: {got:?}", case.name());
        fs::remove_file(directory.join("second")).unwrap();
        (asks, tries) = (after, tries + 1);
    };
    let first = first.unwrap_or_else(|| {
        let sharing = sharing.unwrap();
        sharing.interrupt();
        sharing.ends(PATIENCE)
    });
    if let Some((cache, _)) = hosted {
        cache.interrupt();
        cache.ends(PATIENCE);
    }
    origin.interrupt();
    origin.ends(PATIENCE);

    let first = fetched(&first, directory, "first", content, between - before);
    check(case, content, &first, &second);
    (first, Some(second))
}

fn check(case: Case, content: &Content, first: &Fetched, second: &Fetched) {
    let (name, length) = (case.name(), content.bytes.len() as u64);
    assert_eq!(first.from_origin, length, "{name}: {first:?}");
    assert!(first.wan_bytes > length, "{name}: {first:?}");
    assert!(first.seconds > content.line_seconds(), "{name}: {first:?}");
    assert!(first.metadata_bytes > 0, "{name}: {first:?}");
    // The headers of every layer and the content information, and not much more than plain HTTP takes.
    assert!(
        first.wan_bytes < length + length / 10,
        "{name}: {first:?} of {length} bytes"
    );
    assert!(
        first.seconds < content.line_seconds() * 1.25 + 5.0,
        "{name}: {first:?}"
    );
    assert!(
        second.from_neighbours * 100 >= length * 95,
        "{name}: {second:?} of {length} bytes"
    );
    assert!(
        second.wan_bytes * 100 <= length * 5,
        "{name}: {second:?} of {length} bytes"
    );
    assert_eq!(second.metadata_bytes, first.metadata_bytes, "{name}");
    // The line saw what the client says it read from beyond it.
    assert!(
        second.wan_bytes >= second.from_origin + second.metadata_bytes,
        "{name}: {second:?}"
    );
    assert!(
        second.seconds < content.line_seconds() / 2.0 + 2.0,
        "{name}: {second:?}"
    );
}

/// The origin, which serves the content and knows its content information.
fn serve(branch: &Branch, directory: &Path, case: Case, content: &Content) -> Running {
    let root = directory.join("root");
    fs::create_dir(&root).unwrap();
    fs::write(root.join("content"), &content.bytes).unwrap();
    std::thread::sleep(REST);
    let at = case.family.origin();
    let line = format!("serve --root root --listen {at} --cache-dir origin-cache");
    let mut origin = branch.origin.start(directory, &line);
    origin.says(&format!("http://{at}"));
    // A client without any of this, in the data centre.
    let sent = branch.origin.thread(move || {
        let mut stream = TcpStream::connect(at).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let request = format!("GET /content HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        answer
    });
    let sent = sent.join().unwrap();
    assert!(sent.starts_with(b"HTTP/1.1 200"));
    assert!(sent.ends_with(&content.bytes));
    if case.mode != Mode::Off && !case.is_fresh {
        until_hashed(&branch.origin, directory, case, content);
    }
    // The line is as slow as it is said to be: there and back.
    let connected = branch.clients[0].thread(move || {
        let at = at.parse().unwrap();
        // The first connection waits for the addresses of the line as well.
        drop(TcpStream::connect_timeout(&at, PATIENCE).unwrap());
        let handshakes = (0..5).map(|_| {
            let asked = Instant::now();
            drop(TcpStream::connect_timeout(&at, PATIENCE).unwrap());
            asked.elapsed()
        });
        handshakes.min()
    });
    let took = connected.join().unwrap().unwrap();
    assert!(took >= DELAY * 2 && took < DELAY * 6, "{took:?}");
    origin
}

/// A long file is sent plainly until it is hashed: asks in the data centre, where that costs nothing.
fn until_hashed(origin: &Namespace, directory: &Path, case: Case, content: &Content) {
    let until = Instant::now() + content.limit;
    loop {
        let options = format!("--mode local --info-version {}", case.version);
        let said = get(origin, directory, "asked", case, &options).ends(PATIENCE);
        let got = fetched(&said, directory, "asked", content, 0);
        if got.metadata_bytes > 0 {
            return;
        }
        assert!(Instant::now() < until, "the origin does not hash");
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// The hosted cache, and how clients are told of it.
fn hosted(branch: &Branch, directory: &Path, case: Case) -> Option<(Running, String)> {
    if case.mode != Mode::Hosted {
        return None;
    }
    let mut line = format!("hosted-cache --store cache --http {CACHE}:80");
    let mut options = format!("--hosted {CACHE}");
    let mut scheme = "http";
    if case.version == 1 {
        line.push_str(&format!(
            " --https {CACHE}:443 --self-signed --name {CACHE}"
        ));
        options = format!("--hosted https://{CACHE} --cacert cache-cert.pem");
        scheme = "https";
    }
    let mut cache = branch.cache.start(directory, &line);
    cache.says(&format!("{scheme}://{CACHE}"));
    Some((cache, options))
}

fn get(client: &Namespace, directory: &Path, into: &str, case: Case, options: &str) -> Running {
    let url = format!("http://{}/content", case.family.origin());
    let line = format!("get {url} -o {into} --json --log warn {options}");
    client.start(directory, &line)
}

/// Holds a client's file against the content, and reads what the client says of it.
fn fetched(said: &str, directory: &Path, file: &str, content: &Content, wan_bytes: u64) -> Fetched {
    let got = fs::read(directory.join(file)).unwrap();
    assert!(got == content.bytes, "{file} is not the content");
    let said: serde_json::Value = serde_json::from_str(said).unwrap();
    assert_eq!(said["sha256"], content.sha256, "{file}");
    let count = |name: &str| said[name].as_u64().unwrap();
    let from_neighbours = count("bytes_from_peers") + count("bytes_from_hosted_cache");
    let from_origin = count("bytes_from_origin");
    assert_eq!(
        from_neighbours + from_origin,
        count("bytes"),
        "{file}: {said}"
    );
    Fetched {
        seconds: said["seconds"].as_f64().unwrap(),
        wan_bytes,
        from_neighbours,
        from_origin,
        metadata_bytes: count("metadata_bytes"),
    }
}
