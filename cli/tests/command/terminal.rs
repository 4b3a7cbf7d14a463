//! Commands whose standard error is a terminal: progress, logs, the line at the end.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::room::{Room, content, wait};
use crate::serving::Running;

/// Runs a command on a terminal of its own, until it ends or has said `until`; then what it said.
fn on_a_terminal(mut command: Command, until: Option<&str>) -> (Option<i32>, String) {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let name = ptsname(&terminal, Vec::new()).unwrap();
    let other = File::options()
        .read(true)
        .write(true)
        .custom_flags(rustix::fs::OFlags::NOCTTY.bits().cast_signed())
        .open(name.to_str().unwrap())
        .unwrap();
    let size = Winsize {
        ws_row: 24,
        ws_col: 100,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(&terminal, size).unwrap();
    let mut child = command
        .stdout(Stdio::null())
        .stderr(other.try_clone().unwrap())
        .spawn()
        .unwrap();
    // The command holds copies of the other end; with the last of them the reading ends.
    drop((command, other));
    let (pieces, said) = mpsc::channel();
    let reader = std::thread::spawn(move || {
        let mut terminal = File::from(terminal);
        let mut buffer = [0; 4096];
        while let Ok(read @ 1..) = terminal.read(&mut buffer) {
            let _ = pieces.send(buffer[..read].to_vec());
        }
    });
    let mut all = String::new();
    while let Ok(piece) = said.recv_timeout(Duration::from_secs(60)) {
        all.push_str(&String::from_utf8_lossy(&piece));
        if until.is_some_and(|until| all.contains(until)) {
            let kill = format!("kill -TERM {}", child.id());
            Command::new("sh").args(["-c", &kill]).status().unwrap();
        }
    }
    let code = wait(&mut child);
    reader.join().unwrap();
    (code, all)
}

#[test]
fn a_download_shows_how_far_it_is_and_what_came_from_where() {
    let room = Room::new();
    std::fs::create_dir(room.at("www")).unwrap();
    room.write("www/file", content(5_000_000));
    let server = Running::start(&room, "serve --root www --listen 0", 1);
    let url = format!("{}file", server.urls[0]);
    let command = room.command(["get", &url, "-o", "out", "--mode", "off"]);
    let (code, said) = on_a_terminal(command, None);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(room.read("out"), room.read("www/file"));
    assert!(said.contains("origin"), "{said:?}");
    assert!(said.contains("MiB"), "{said:?}");
}

#[test]
fn servers_log_to_a_terminal_as_to_a_file() {
    let room = Room::new();
    std::fs::create_dir(room.at("www")).unwrap();
    for line in [
        "serve --root www --cache-dir cache --listen 0 --log info",
        "peer --store store --listen 127.0.0.1:0 --interface 127.0.0.1 --log info",
        "hosted-cache --store other --http 127.0.0.1:0 --log info",
        "serve --root www --cache-dir cache --listen 0 --log info --log-format json",
    ] {
        let command = room.command(line.split_whitespace());
        let (code, said) = on_a_terminal(command, Some("started"));
        assert_eq!(code, Some(0), "{line}: {said}");
        assert!(said.contains("stopped"), "{line}: {said}");
        assert!(!said.contains('\x1b'), "{line}: {said:?}");
    }
}
