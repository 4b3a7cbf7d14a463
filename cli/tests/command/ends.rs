//! Ends that nobody planned, and what a large file costs: signals, a full disk, files that change, memory.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::fs::FileExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

use crate::room::{PEERDIST, Room, SECRET, content, ended, wait};

/// A run that has opened its output and read five million bytes of content that goes on.
fn in_the_middle(room: &Room) -> Child {
    let mut child = room
        .command(["info", "create", "-", SECRET, "-o", "out"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    // Far more than a pipe holds: when all is written, most was read, and the output is opened before that.
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&content(5_000_000)).unwrap();
    child.stdin = Some(stdin);
    child
}

fn has_nameless_files(room: &Room) -> bool {
    let child = in_the_middle(room);
    let has = !room
        .names()
        .iter()
        .any(|name| name.starts_with(".peerdist-"));
    let mut child = child;
    drop(child.stdin.take());
    assert_eq!(wait(&mut child), Some(0));
    fs::remove_file(room.at("out")).unwrap();
    has
}

/// Whether a signal does nothing to whom this process starts.
fn is_ignored(signal: u32) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.unwrap_or_default() >> (signal - 1) & 1 == 1
}

#[test]
fn whatever_signal_ends_it_nothing_is_left_and_what_was_there_stays() {
    let room = Room::new();
    let may_leave_draft = !has_nameless_files(&room);
    if may_leave_draft {
        eprintln!(
            "NOT RUN: no draft left by a signal; this file system has no files without a name"
        );
    }
    for (number, signal) in [(2, "INT"), (15, "TERM"), (1, "HUP"), (9, "KILL")] {
        if is_ignored(number) {
            eprintln!("NOT RUN: SIG{signal}: whoever runs this test has it ignored, as nohup does");
            continue;
        }
        for old in [None, Some("old bytes")] {
            let _ = fs::remove_file(room.at("out"));
            if let Some(old) = old {
                room.write("out", old);
            }
            let mut child = in_the_middle(&room);
            let kill = format!("kill -{signal} {}", child.id());
            let killed = Command::new("sh").args(["-c", &kill]).status().unwrap();
            assert!(killed.success());
            assert_eq!(wait(&mut child), None, "SIG{signal} ends it");
            let left: Vec<String> = room
                .names()
                .into_iter()
                .filter(|name| !(may_leave_draft && name.starts_with(".peerdist-")))
                .collect();
            match old {
                None => assert!(left.is_empty(), "SIG{signal}: {left:?}"),
                Some(old) => {
                    assert_eq!(left, ["out"], "SIG{signal}");
                    assert_eq!(room.read("out"), old.as_bytes());
                }
            }
        }
    }
}

#[test]
fn a_full_disk_leaves_what_was_there_and_nothing_else() {
    // In a namespace of its own, so that nothing is mounted for anybody else, nor after the end.
    let script = r#"
        mount -t tmpfs -o size=64k none disk || exit 77
        echo 'old bytes' > disk/out
        "$0" info create content "$1" -o disk/out
        code=$?
        ls -A disk; cat disk/out
        exit $code
    "#;
    let room = Room::with_content(1);
    fs::create_dir(room.at("disk")).unwrap();
    File::create(room.at("content"))
        .unwrap()
        .set_len(200 << 20)
        .unwrap();
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "sh", "-c", script, PEERDIST, SECRET])
        .current_dir(room.at("."))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let can_mount = Command::new("unshare").args(["--mount", "true"]).output();
    if !can_mount.is_ok_and(|output| output.status.success()) {
        eprintln!("NOT RUN: a full disk; no namespace to mount one in");
        return;
    }
    let ended = ended(command, None);
    if ended.code == Some(77) {
        eprintln!(
            "NOT RUN: a full disk; none can be mounted: {}",
            ended.stderr
        );
        return;
    }
    assert_eq!(ended.code, Some(2));
    assert_eq!(
        ended.stderr,
        "peerdist: cannot write disk/out: No space left on device (os error 28)\n"
    );
    assert_eq!(ended.text(), "out\nold bytes\n");
}

type Change = fn(&File);

#[test]
fn a_file_that_changes_while_it_is_read_gives_nothing() {
    let length: u64 = 1 << 20;
    let changes: [(Change, &str); 3] = [
        (
            |file| file.write_all_at(b"other", 7).unwrap(),
            "it was written to",
        ),
        (
            |file| file.set_len((1 << 20) + 1).unwrap(),
            "it had 1048576 bytes and now has 1048577",
        ),
        (
            |file| file.set_len((1 << 20) - 1).unwrap(),
            "it had 1048576 bytes and shrank",
        ),
    ];
    for (change, how) in changes {
        let room = Room::new();
        let file = File::create(room.at("content")).unwrap();
        file.set_len(length).unwrap();
        let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        file.set_modified(long_ago).unwrap();
        let fifo = Command::new("mkfifo").arg(room.at("key")).status().unwrap();
        assert!(fifo.success());
        let line = "info create content --secret-file key -o out";
        let mut child = room.command(line.split(' ')).spawn().unwrap();
        // Opened when the command opens it too, which has opened content before, and now waits for the secret.
        let mut key = File::options().write(true).open(room.at("key")).unwrap();
        change(&file);
        key.write_all(b"secret").unwrap();
        drop(key);
        let mut why = String::new();
        let mut stderr = child.stderr.take().unwrap();
        stderr.read_to_string(&mut why).unwrap();
        assert_eq!(wait(&mut child), Some(2));
        let advice = "nothing was made of it, try again when it rests";
        let expected = format!("peerdist: content changed while it was read: {how}; {advice}\n");
        assert_eq!(why, expected);
        assert_eq!(room.names(), ["content", "key"]);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn memory_does_not_grow_with_the_content() {
    const MOST_KIB: u64 = 64 << 10;
    let room = Room::new();
    let file = File::create(room.at("content")).unwrap();
    file.set_len(300_000_000).unwrap();
    for options in [
        &["--version", "1"][..],
        &["--version", "2"],
        &["--threads", "4"],
    ] {
        let mut child = room
            .command(["info", "create", "content", SECRET])
            .args(options)
            .spawn()
            .unwrap();
        // The result is more than a pipe holds: at its first byte all work is done, and the process waits.
        let mut stdout = child.stdout.take().unwrap();
        let mut made = vec![0];
        stdout.read_exact(&mut made).unwrap();
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
        stdout.read_to_end(&mut made).unwrap();
        assert!(made.len() > 100_000, "{} bytes fit a pipe", made.len());
        assert_eq!(wait(&mut child), Some(0));
        let peak = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .and_then(|peak| peak.trim().strip_suffix(" kB"))
            .and_then(|peak| peak.trim().parse::<u64>().ok())
            .unwrap();
        assert!(peak < MOST_KIB, "{options:?}: {peak} KiB at most");
        eprintln!("{options:?}: {peak} KiB at most");
    }
}
