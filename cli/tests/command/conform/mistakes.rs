//! Mistakes of a stranger with `conform`: one line that says what was wrong and what to do, and exit code 2.

use std::fmt::Write;
use std::fs;

use crate::room::{Room, SECRET, ended};

/// Each line with its complaint; words of a command stand between bars.
fn complaints(lines: &[&str]) -> String {
    let room = Room::with_content(100_000);
    room.run(&format!("info create content {SECRET} -o info"))
        .good();
    room.write("empty", "");
    room.write("note", "no info");
    room.write("binary", [0xff, 0xfe, 0, 1]);
    room.write("broken.yaml", "- {case: x");
    room.write("map.yaml", "case: pccrr-peer-get\n");
    room.write(
        "unknown.yaml",
        "- {case: pccrr-peer-gte, reason: it is so}\n",
    );
    room.write("reasonless.yaml", "- {case: pccrr-peer-get}\n");
    room.write("blank.yaml", "- {case: pccrr-peer-get, reason: ' '}\n");
    room.write(
        "more.yaml",
        "- {case: pccrr-peer-get, reason: x, since: y}\n",
    );
    room.write("broken.json", "{");
    room.write("schema.json", r#"{"schema": 9, "cases": []}"#);
    room.write("other.json", r#"{"cases": []}"#);
    fs::create_dir(room.at("folder")).unwrap();
    let names = room.names();
    let mut all = String::new();
    for line in lines {
        // A command has spaces in it.
        let args: Vec<&str> = match line.split_once(" | ") {
            Some((line, command)) => line.split_whitespace().chain([command]).collect(),
            None => line.split_whitespace().collect(),
        };
        let complaint = ended(room.command(args), None).refused();
        writeln!(all, "$ peerdist {line}\n{complaint}").unwrap();
        assert_eq!(room.names(), names, "{line} left something behind");
    }
    all
}

#[test]
fn mistakes_about_cases() {
    insta::assert_snapshot!(complaints(&[
        "conform lsit",
        "conform list pccrr-per-*",
        "conform list pccrr-peer-gte",
        "conform list pccrr-peer-* pccrr-peer-pots",
        "conform list --without pccrr-peer-gte",
        "conform list --without *",
        "conform list --role pier",
        "conform list --level muts",
        "conform list --tag v3",
        "conform list --rol peer",
        "conform list [",
        "conform list --role content-info --tag ipv6",
        "conform explain",
        "conform explain pccrr-peer-gte",
        "conform explain pccrr-peer-*",
        "conform self pccrr-peer-gte",
        "conform self --role pier",
        "conform self --url http://127.0.0.1:1/",
        "conform matrix maker-minor-2",
        "conform matrix [",
        "conform matrix --role pier",
        "conform matrix maker-minor-1 --role peer",
        "conform matrix --jobs 0",
    ]));
}

#[test]
fn mistakes_about_what_is_judged() {
    insta::assert_snapshot!(complaints(&[
        "conform run",
        "conform run --role peer",
        "conform run --url ftp://host/file",
        "conform run --url https://127.0.0.1:1/file --cacert missing",
        "conform run --url host/file",
        "conform run --url http://",
        "conform run --url http:///file",
        "conform run --url http://host:99999/file",
        "conform run --url http://127.0.0.1:1/file --long-url ftp://host/file",
        "conform run --url http://127.0.0.1:1/file --content missing",
        "conform run --url http://127.0.0.1:1/file --content folder",
        "conform run --url http://127.0.0.1:1/file --secret-hex 0g",
        "conform run --url http://127.0.0.1:1/file pccrr-peer-*",
        "conform run --url http://127.0.0.1:1/file --role content-server,peer",
        "conform run --content content",
        "conform run --target 127.0.0.1:1",
        "conform run --target 127.0.0.1 --info info",
        "conform run --target 127.0.0.1:99999 --info info",
        "conform run --target 127.0.0.1:0 --info info",
        "conform run --target :80 --info info",
        "conform run --target 127.0.0.1:1 --info missing",
        "conform run --target 127.0.0.1:1 --info folder",
        "conform run --target 127.0.0.1:1 --info note",
        "conform run --target 127.0.0.1:1 --info empty",
        "conform run --target 127.0.0.1:1 --info info --client-limit 0",
        "conform run --target 127.0.0.1:1 --info info --client-limit many",
        "conform run --probe nonsense --info info",
        "conform run --probe multicast --info info",
        "conform run --probe multicast --interface localhost --info info",
        "conform run --http 127.0.0.1",
        "conform run --https 127.0.0.1:1",
        "conform run --exec",
        "conform run --exec does-not-exist",
        "conform run --exec | does-not-exist {content} {out}",
        "conform run --exec | ./missing/maker {content} {out}",
        "conform run --exec | cp {content} there",
        "conform run --command | does-not-exist {url} {out}",
        "conform run --command | curl {url}",
        "conform run --hosted-command x",
    ]));
}

#[test]
fn mistakes_about_judging() {
    insta::assert_snapshot!(complaints(&[
        "conform run --http 127.0.0.1:1 --profile windows9",
        "conform run --http 127.0.0.1:1 --jobs 0",
        "conform run --http 127.0.0.1:1 --jobs many",
        "conform run --http 127.0.0.1:1 --silence-ms 1",
        "conform run --http 127.0.0.1:1 --answer-ms 1h",
        "conform run --http 127.0.0.1:1 --seed -1",
        "conform self --expected missing",
        "conform self --expected folder",
        "conform self --expected binary",
        "conform self --expected note",
        "conform self --expected broken.yaml",
        "conform self --expected map.yaml",
        "conform self --expected unknown.yaml",
        "conform self --expected reasonless.yaml",
        "conform self --expected blank.yaml",
        "conform self --expected more.yaml",
        "conform self --baseline missing",
        "conform self --baseline folder",
        "conform self --baseline note",
        "conform self --baseline empty",
        "conform self --baseline broken.json",
        "conform self --baseline schema.json",
        "conform self --baseline other.json",
        "conform self --out note",
        "conform self --out",
        "conform self --junit folder",
        "conform self --junit missing/x.xml",
    ]));
}

#[test]
fn mistakes_about_files() {
    insta::assert_snapshot!(complaints(&[
        "conform check-info",
        "conform check-info missing",
        "conform check-info folder",
        "conform check-info empty",
        "conform check-info info info",
        "conform check-info info --content missing",
        "conform check-info info --content folder",
        "conform check-info info --secret-hex xyz",
        "conform check-info /dev/zero",
        "conform check-capture",
        "conform check-capture missing",
        "conform check-capture folder",
        "conform check-capture empty",
        "conform check-capture note",
        "conform check-capture info",
        "conform check-capture content",
    ]));
}

#[test]
fn a_full_standard_output_is_an_error() {
    let room = Room::with_content(1_000);
    room.run(&format!("info create content {SECRET} -o info"))
        .good();
    for line in [
        "conform list",
        "conform list --json",
        "conform explain pccrr-peer-get",
        "conform check-info info",
        "conform check-info info --json",
        "conform matrix maker-minor-1",
    ] {
        let mut command = room.command(line.split(' '));
        command.stdout(fs::File::options().write(true).open("/dev/full").unwrap());
        let complaint = ended(command, None).refused();
        let expected = "cannot write to standard output: No space left on device (os error 28)";
        assert_eq!(complaint, expected, "{line}");
    }
}
