//! Our command and the independent implementation of `conformance/interop`, each in turn as the peer of the other.
//! Invariant: content is fresh each time, as the port of discovery is shared with all that runs on the machine.
//! Byte order: none.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails where it stands"
)]

mod judged;
mod matrix;

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

const LOOPBACK: &str = "127.0.0.1";
const SECRET_HEX: &str = "5eed5eed";
/// Several segments of version 2.0, several blocks of version 1.0, and a last block that is short.
const CONTENT_BYTES: u64 = 700_001;
/// A file that was just written to is sent as it is.
const REST: Duration = Duration::from_millis(2_200);
/// A neighbour may be late for one round of discovery on a machine that is at work.
const TRIES_MOST: usize = 5;

fn interop() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../conformance/interop")
}

/// Whether Python and its package are there; says so loudly if not.
fn is_ready() -> bool {
    let found = Command::new("python3")
        .args([
            "-c",
            "import sys, cryptography; assert sys.version_info >= (3, 10)",
        ])
        .stderr(Stdio::null())
        .status();
    let ready = found.is_ok_and(|status| status.success());
    if !ready {
        eprintln!("NOT RUN: python3 (3.10 or later) with its package cryptography is not there");
    }
    ready
}

fn peerdist(room: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_peerdist"));
    command.current_dir(room);
    command
}

fn stranger(room: &Path) -> Command {
    let mut command = Command::new("python3");
    command.arg("-B").arg(interop().join("stranger.py"));
    command.current_dir(room);
    command
}

/// A process that says on its first line where it serves; it is told to end with whoever holds it.
#[derive(Debug)]
struct Server {
    child: Child,
    at: String,
}

impl Server {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        output.read_line(&mut line).unwrap();
        let mut words = line.split(|c: char| c.is_whitespace() || matches!(c, '/' | ','));
        let at = words.find(|word| word.parse::<std::net::SocketAddr>().is_ok());
        let at = at.unwrap_or_else(|| panic!("{command:?} says {line:?}"));
        Self {
            at: at.to_owned(),
            child,
        }
    }

    /// Tells it to end, and takes nothing but a clean one.
    fn end(mut self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A directory with content that nobody has seen before, one file for each version of content information.
fn room() -> tempfile::TempDir {
    let room = tempfile::tempdir().unwrap();
    fs::create_dir(room.path().join("root")).unwrap();
    fs::write(room.path().join("secret"), [0x5e, 0xed, 0x5e, 0xed]).unwrap();
    for version in ["1", "2"] {
        let mut content = Vec::new();
        let random = fs::File::open("/dev/urandom").unwrap();
        random
            .take(CONTENT_BYTES)
            .read_to_end(&mut content)
            .unwrap();
        fs::write(room.path().join("root").join(version), content).unwrap();
    }
    std::thread::sleep(REST);
    room
}

fn origin(room: &Path) -> Server {
    let options = [
        "--root",
        "root",
        "--cache-dir",
        "infos",
        "--secret-file",
        "secret",
    ];
    Server::start(
        peerdist(room)
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(options),
    )
}

fn output(command: &mut Command) -> Vec<u8> {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
    output.stdout
}

/// Downloads until all of it came from peers, and holds what came against the content.
fn all_from_peers(room: &Path, version: &str, from_peers: &str, get: impl Fn() -> Command) {
    let mut summary = Value::Null;
    for _ in 0..TRIES_MOST {
        summary = serde_json::from_slice(&output(&mut get())).unwrap();
        let came = fs::read(room.join("out")).unwrap();
        assert!(came == fs::read(room.join("root").join(version)).unwrap());
        if summary[from_peers] == CONTENT_BYTES {
            return;
        }
    }
    panic!("version {version}: not all of it came from the peer: {summary}");
}

#[test]
fn our_client_finds_a_strange_peer_and_gets_all_from_it() {
    if !is_ready() {
        return;
    }
    let room = room();
    let room = room.path();
    let origin = origin(room);
    for version in ["1", "2"] {
        let content = format!("root/{version}");
        // Version 1.0 has one cut, so content information that the stranger made names the same segments as ours.
        let mut create = match version {
            "1" => stranger(room),
            _ => peerdist(room),
        };
        create.args(["info", "create", &content, "--version", version]);
        output(create.args(["--secret-hex", SECRET_HEX, "-o", "info"]));
        let mut peer = stranger(room);
        peer.args(["peer", "--listen", "127.0.0.1:0", "--interface", LOOPBACK]);
        let peer = Server::start(peer.args(["--content", &content, "--info", "info"]));
        all_from_peers(room, version, "bytes_from_peers", || {
            let mut get = peerdist(room);
            get.args([
                "get",
                &format!("http://{}/{version}", origin.at),
                "-o",
                "out",
                "--json",
            ]);
            get.args(["--info-version", version, "--interface", LOOPBACK]);
            get
        });
        peer.end();
    }
    origin.end();
}

#[test]
fn a_strange_client_finds_our_peer_and_gets_all_from_it() {
    if !is_ready() {
        return;
    }
    let room = room();
    let room = room.path();
    let origin = origin(room);
    for version in ["1", "2"] {
        let url = format!("http://{}/{version}", origin.at);
        let mut fill = peerdist(room);
        fill.args([
            "get",
            &url,
            "-o",
            "filled",
            "--mode",
            "local",
            "--info-version",
            version,
        ]);
        output(fill.args(["--store", version]));
        let mut peer = peerdist(room);
        peer.args(["peer", "--store", version, "--listen", "127.0.0.1:0"]);
        let peer = Server::start(peer.args(["--interface", LOOPBACK]));
        all_from_peers(room, version, "from_peers", || {
            let mut get = stranger(room);
            get.args([
                "get",
                &url,
                "-o",
                "out",
                "--json",
                "--info-version",
                version,
            ]);
            get.args(["--interface", LOOPBACK]);
            get
        });
        peer.end();
    }
    origin.end();
}

#[test]
fn the_stranger_passes_its_own_tests() {
    if !is_ready() {
        return;
    }
    let mut tests = Command::new("python3");
    tests.args(["-B", "-m", "unittest"]);
    output(tests.current_dir(interop()));
}
