//! `peerdist peer` as people run it: it says what it serves and where, shares its store, and stops when it is told to.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails where it stands"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

fn peerdist(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_peerdist"));
    command.args(arguments);
    command
}

fn start(store: &Path) -> (Child, String) {
    let store = store.to_str().unwrap();
    let mut child = peerdist(&["peer", "--store", store, "--listen", "127.0.0.1:0"])
        .args(["--interface", "127.0.0.1"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    output.read_line(&mut line).unwrap();
    (child, line)
}

#[test]
fn a_peer_says_where_it_serves_shares_its_store_and_stops_when_told() {
    let directory = tempfile::tempdir().unwrap();
    let store = directory.path().join("store");
    let (mut child, line) = start(&store);
    let (_, told) = line
        .split_once(" at ")
        .unwrap_or_else(|| panic!("{line:?}"));
    let at = told.split(',').next().unwrap();
    assert!(line.contains(store.to_str().unwrap()), "{line}");
    let mut stream = TcpStream::connect(at).unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    let listed = peerdist(&["cache", "ls", "--store"])
        .arg(&store)
        .output()
        .unwrap();
    assert!(listed.status.success(), "{listed:?}");
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert!(child.wait().unwrap().success());
}

#[test]
fn an_interface_that_is_not_there_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let ended = peerdist(&["peer", "--interface", "192.0.2.254", "--store"])
        .arg(directory.path().join("store"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(2), "{said}");
    assert!(said.contains("192.0.2.254"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
}
