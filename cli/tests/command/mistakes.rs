//! Every mistake we could think of: one line that says what is wrong, exit code 2, and nothing left behind.

use std::fmt::Write;
use std::fs;

use crate::room::{Room, SECRET, ended};

/// A room with some of everything, and what is in it.
fn furnished() -> (Room, Vec<String>) {
    let room = Room::with_content(100_000);
    room.run(&format!("info create content {SECRET} -o info"))
        .good();
    room.write("empty", "");
    room.write("note", "no info");
    room.write("key", [7; 32]);
    room.write("binary-word", [b'a', 0xff, b'\n']);
    room.write("long-word", [b'a'; 70_000]);
    room.run("secret export key --passphrase right -o key-file")
        .good();
    fs::create_dir(room.at("directory")).unwrap();
    let names = room.names();
    (room, names)
}

/// Each line with its complaint. Output, where one is named, is `out`.
fn complaints(lines: &[&str]) -> String {
    let (room, names) = furnished();
    let mut all = String::new();
    for line in lines {
        let complaint = room.run(line).refused();
        writeln!(all, "$ peerdist {line}\n{complaint}").unwrap();
        assert_eq!(room.names(), names, "{line} left something behind");
    }
    all
}

#[test]
fn mistakes_of_usage() {
    insta::assert_snapshot!(complaints(&[
        "inof",
        "--nonsense",
        "info creat",
        "info create",
        "info create content other",
        "info create content --thread 2",
        "info create content -x",
        "info create content --version",
        "info create content --version 3",
        "info create content --version 1 --hash md5",
        "info create content --hash sha256 -o out",
        "info create content --version 2 --hash sha512 -o out",
        "info create content --threads 0 -o out",
        "info create content --threads -1 -o out",
        "info create content --threads many -o out",
        "info create content --threads 513 -o out",
        "info create content --secret-hex 00 --passphrase x -o out",
        "info create content --secret-hex 00 --secret-file key -o out",
        "info create content --range 1..2 --range 3..4 -o out",
        "info create content -o",
        "info show",
        "info show info --json=yes",
        "info verify content",
        "info verify - -",
        "secret new name",
        "secret export",
        "secret export key",
        "secret export key --secret-hex 00 --passphrase x",
        "secret export key --passphrase x --passphrase-file note",
        "secret import",
        "secret import key-file",
        "vectors walk",
        "vectors run a b",
        "completions",
        "completions tcsh",
        "man",
    ]));
}

#[test]
fn mistakes_about_the_content() {
    insta::assert_snapshot!(complaints(&[
        &format!("info create missing {SECRET} -o out"),
        &format!("info create directory {SECRET} -o out"),
        &format!("info create content/below {SECRET} -o out"),
        &format!("info create empty {SECRET} -o out"),
        &format!("info create empty {SECRET} --version 1 --threads 4 -o out"),
        &format!("info create /dev/null {SECRET} -o out"),
        &format!("info create - {SECRET} -o out"),
        &format!("info create - {SECRET} --version 1 --range 99999999.. -o out"),
        "info create missing -o out",
        "info verify missing info",
        "info verify directory info",
    ]));
}

#[test]
fn mistakes_about_the_range() {
    let with = |range: &str| format!("info create content {SECRET} --range {range} -o out");
    let lines = [
        "5",
        "",
        "a..b",
        "-1..5",
        "5..5",
        "9..5",
        "1...4",
        "0..99999999999999999999",
        "0..100001",
        "100000..",
        "100000..100001",
        "40000000..",
    ]
    .map(with);
    insta::assert_snapshot!(complaints(&lines.each_ref().map(String::as_str)[..1]), @r"
    $ peerdist info create content --secret-hex=00112233445566778899aabbccddeeff --range 5 -o out
    --range cannot be '5': expected START..END, such as 0..65536 or 1048576..; see 'peerdist info create --help'
    ");
    insta::assert_snapshot!(complaints(&lines.each_ref().map(String::as_str)[2..]));
    let v1 = with("40000000..") + " --version 1";
    insta::assert_snapshot!(complaints(&[&v1]));
}

#[test]
fn mistakes_about_the_secret() {
    insta::assert_snapshot!(complaints(&[
        "info create content --secret-hex abc -o out",
        "info create content --secret-hex 0g -o out",
        "info create content --secret-hex 0é -o out",
        "info create content --secret-hex : -o out",
        "info create content --secret-hex= -o out",
        "info create content --secret-file missing -o out",
        "info create content --secret-file empty -o out",
        "info create content --secret-file /dev/null -o out",
        "info create content --secret-file /dev/zero -o out",
        "info create content --secret-file directory -o out",
        "info create content --passphrase= -o out",
        "info verify content info --secret-hex 0",
        "info verify content info --passphrase=",
        "secret export missing --passphrase x -o out",
        "secret export empty --passphrase x -o out",
        "secret export --secret-hex= --passphrase x -o out",
        "secret export --secret-hex 0 --passphrase x -o out",
        "secret export key --passphrase= -o out",
        "secret export key --passphrase-file empty -o out",
        "secret export key --passphrase-file missing -o out",
        "secret export key --passphrase-file directory -o out",
        "secret export key --passphrase-file binary-word -o out",
        "secret export key --passphrase-file long-word -o out",
        "secret export key --passphrase-file - -o out",
        "secret import missing --passphrase x -o out",
        "secret import empty --passphrase x -o out",
        "secret import note --passphrase x -o out",
        "secret import directory --passphrase x -o out",
        "secret import key-file --passphrase wrong -o out",
        "secret import key-file --passphrase= -o out",
        "secret import key --passphrase right -o out",
        "secret import content --passphrase right -o out",
    ]));
}

#[test]
fn mistakes_about_content_information() {
    insta::assert_snapshot!(complaints(&[
        "info show missing",
        "info show directory",
        "info show empty",
        "info show note",
        "info show content",
        "info show -",
        "info show /dev/zero",
        "info verify content missing",
        "info verify content note",
        "info verify content directory",
        "info verify content -",
    ]));
}

#[test]
fn every_truncation_of_content_information_is_refused() {
    let room = Room::with_content(1000);
    for version in ["1", "2"] {
        room.run(&format!(
            "info create content {SECRET} --version {version} -o info"
        ))
        .good();
        let info = room.read("info");
        for length in (0..info.len()).step_by(7) {
            let line = room.run_fed("info show -", &info[..length]).refused();
            let expected = "standard input is not content information: byte ";
            assert!(line.starts_with(expected), "{line}");
        }
        // Version 2.0 has no end but that of its chunks: what follows is read as another.
        room.write("long", [info.as_slice(), &[0]].concat());
        let line = room.run("info verify content long").refused();
        let why = if version == "1" {
            "1 bytes follow the end"
        } else {
            "needs"
        };
        assert!(line.contains(why), "{line}");
    }
}

#[test]
fn mistakes_about_the_output() {
    insta::assert_snapshot!(complaints(&[
        &format!("info create content {SECRET} -o content"),
        &format!("info create content {SECRET} -o ./directory/../content"),
        "info create content --secret-file key -o key",
        &format!("info create content {SECRET} -o missing/out"),
        &format!("info create content {SECRET} -o directory"),
        &format!("info create content {SECRET} -o note/out"),
        &format!("info create content {SECRET} -o /proc/out"),
        &format!("info create content {SECRET} -o /dev/full"),
        "secret new -o directory",
        "secret new -o missing/out",
        "secret new -o /dev/full",
        "secret export key --passphrase x -o key",
        "secret export key --passphrase-file note -o note",
        "secret export key --passphrase x -o missing/out",
        "secret import key-file --passphrase right -o key-file",
        "secret import key-file --passphrase right -o missing/out",
        "man missing",
        "man note",
    ]));
}

#[test]
fn an_input_that_its_output_would_replace_is_found_behind_links() {
    let room = Room::with_content(1000);
    std::os::unix::fs::symlink("content", room.at("link")).unwrap();
    let line = room
        .run(&format!("info create content {SECRET} -o link"))
        .refused();
    assert_eq!(line, "-o link would replace the content; name another file");
    assert_eq!(room.read("content").len(), 1000);
}

#[test]
fn a_full_standard_output_is_an_error_for_every_command() {
    let (room, _) = furnished();
    let vectors = concat!(
        "vectors run ",
        env!("CARGO_MANIFEST_DIR"),
        "/../vectors --filter pccrc-key-file-*"
    );
    for line in [
        "--help",
        "--version",
        &format!("info create content {SECRET}"),
        "info show info",
        "info show info --json",
        "info verify content info",
        "info verify content info --json",
        "secret new",
        "secret new -o -",
        "secret export key --passphrase x",
        "secret import key-file --passphrase right",
        "secret import key-file --passphrase right -o -",
        vectors,
        "completions bash",
    ] {
        let mut command = room.command(line.split(' '));
        command.stdout(fs::File::options().write(true).open("/dev/full").unwrap());
        let complaint = ended(command, None).refused();
        let expected = "cannot write to standard output: No space left on device (os error 28)";
        assert_eq!(complaint, expected, "{line}");
    }
}

#[test]
fn a_closed_standard_output_is_no_error() {
    let (room, _) = furnished();
    for line in ["--help", "info show info", "secret new", "completions zsh"] {
        let mut command = room.command(line.split(' '));
        let (reader, writer) = std::io::pipe().unwrap();
        command.stdout(writer);
        drop(reader);
        ended(command, None).good();
    }
}

#[test]
fn engines_that_the_environment_names_and_nobody_has_are_refused() {
    let room = Room::with_content(1000);
    for (variable, kind) in [
        ("PEERDIST_HASH", "hash"),
        ("PEERDIST_CUT", "cutting"),
        ("PEERDIST_CIPHER", "cipher"),
    ] {
        let mut command = room.command(["info", "create", "content", SECRET, "-o", "out"]);
        command.env(variable, "nonsense");
        let complaint = ended(command, None).refused();
        let expected =
            format!("{variable}: there is no {kind} engine `nonsense`; this processor can run `");
        assert!(complaint.starts_with(&expected), "{complaint}");
        assert_eq!(room.names(), ["content"]);
    }
}

#[test]
fn names_with_line_ends_and_escapes_stay_on_one_line() {
    let room = Room::new();
    let line = room.run_args(&["info", "show", "a\nb\u{1b}[2J"]).refused();
    assert_eq!(
        line,
        r"cannot open a\nb\u{1b}[2J: No such file or directory (os error 2)"
    );
    let line = room.run_args(&["info", "a\nb"]).refused();
    assert!(line.starts_with(r"there is no command 'a\nb'"), "{line}");
}

#[test]
fn an_empty_name_is_no_file() {
    let room = Room::with_content(1000);
    for args in [
        &["info", "create", "", SECRET][..],
        &["info", "create", "content", SECRET, "-o", ""],
        &["info", "show", ""],
    ] {
        let line = room.run_args(args).refused();
        assert!(line.contains("needs a value"), "{line}");
    }
}

#[test]
fn files_that_cannot_be_read_are_refused_even_to_the_owner_of_everything() {
    let room = Room::with_content(1000);
    if fs::metadata("/proc/self/mem").is_err() {
        eprintln!("NOT RUN: a file whose reading fails; there is no /proc/self/mem");
        return;
    }
    let line = room
        .run(&format!("info create /proc/self/mem {SECRET} -o out"))
        .refused();
    assert_eq!(
        line,
        "cannot read /proc/self/mem at byte 0: Input/output error (os error 5)"
    );
    for line in [
        "info show /proc/self/mem",
        "info create content --secret-file /proc/self/mem",
        "secret import /proc/self/mem --passphrase x",
        "secret export --secret-hex 00 --passphrase-file /proc/self/mem",
    ] {
        let line = room.run(line).refused();
        assert!(
            line.starts_with("cannot read /proc/self/mem: Input/output"),
            "{line}"
        );
    }
    assert_eq!(room.names(), ["content"]);
}

#[test]
fn permissions_that_are_missing_are_named() {
    use std::os::unix::fs::PermissionsExt;
    let room = Room::with_content(1000);
    fs::set_permissions(room.at("content"), fs::Permissions::from_mode(0o000)).unwrap();
    if let Some(ended) = room.run_as_nobody(&format!("info create content {SECRET} -o -")) {
        assert_eq!(
            ended.refused(),
            "cannot open content: Permission denied (os error 13)"
        );
    }
    fs::set_permissions(room.at("content"), fs::Permissions::from_mode(0o444)).unwrap();
    fs::create_dir(room.at("locked")).unwrap();
    fs::set_permissions(room.at("locked"), fs::Permissions::from_mode(0o555)).unwrap();
    let line = format!("info create content {SECRET} -o locked/out");
    if let Some(ended) = room.run_as_nobody(&line) {
        assert_eq!(
            ended.refused(),
            "cannot write locked/out: Permission denied (os error 13)"
        );
    }
    if let Some(ended) = room.run_as_nobody("man locked") {
        assert_eq!(
            ended.refused(),
            "cannot write man pages to locked: permission denied"
        );
    }
    assert_eq!(fs::read_dir(room.at("locked")).unwrap().count(), 0);
}
