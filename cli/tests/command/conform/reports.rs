//! The reports of a run: every form says the same, and what an implementation sent is nowhere more than text.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::{BAD, CHUNK, ONE_BYTE, Room, elements, good, json, judged, verdicts};

/// What no form of a report may take for its own: markup, ends of it, controls, no UTF-8.
const HOSTILE: &str = "#!/bin/sh\nprintf '<script>alert(1)</script>]]>--><!--|`&amp;\\033[2J\\001\\000\\377\\ufffe\"' >&2\n\
    [ $1 = 1 ] && exit 127\nexit 1\n";

/// A run of failures, what is not supported, and one that is known.
fn reported(room: &Room) -> serde_json::Value {
    room.write("hostile", HOSTILE);
    fs::set_permissions(room.at("hostile"), fs::Permissions::from_mode(0o755)).unwrap();
    room.write(
        "known.yaml",
        format!("- case: {CHUNK}\n  reason: '<b>known & told</b>'\n"),
    );
    let rest = "pccrc-maker-v?-empty pccrc-maker-v1-one-byte pccrc-maker-v2-chunk pccrc-maker-v2-order \
                --out out --junit other.xml --expected known.yaml --json";
    let ended = judged(room, "./hostile {version} {content} {out}", rest).judged_bad();
    let report = json(&ended.stdout);
    assert_eq!(report, json(&room.read("out/report.json")));
    report
}

fn text(room: &Room, name: &str) -> String {
    String::from_utf8(room.read(name)).unwrap()
}

#[test]
fn the_report_as_json_counts_what_it_lists() {
    let room = Room::new();
    let report = reported(&room);
    assert_eq!(report["schema"], 1);
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for verdict in verdicts(&report).into_values() {
        *counts.entry(verdict).or_default() += 1;
    }
    let summary = report["summary"].as_object().unwrap();
    let names: Vec<_> = summary.keys().map(String::as_str).collect();
    let all = [
        "fail",
        "inconclusive",
        "pass",
        "skip",
        "unsupported",
        "warn",
    ];
    assert_eq!(names, all);
    for (name, count) in summary {
        let counted = counts.get(name).copied().unwrap_or_default();
        assert_eq!(count.as_u64(), Some(counted), "{name}");
    }
    assert!(
        counts["fail"] >= 2 && counts["unsupported"] >= 1,
        "{counts:?}"
    );
    for case in report["cases"].as_array().unwrap() {
        let evidence = case["evidence"].as_str().unwrap();
        for kind in ["txt", "pcapng"] {
            assert!(room.at(&format!("out/{evidence}.{kind}")).is_file());
        }
        if case["verdict"] == "fail" {
            let finding = &case["findings"][0];
            assert_eq!(finding["is_failure"], true);
            assert!(
                case["requirements"]
                    .as_array()
                    .unwrap()
                    .contains(&finding["requirement"])
            );
        }
    }
}

#[test]
fn junit_is_xml_that_counts_its_failures_whatever_was_said() {
    let room = Room::new();
    let report = reported(&room);
    assert_eq!(room.read("out/junit.xml"), room.read("other.xml"));
    let all = elements(&text(&room, "out/junit.xml"));
    let number = |name: &str| all.iter().filter(|one| one.name == name).count();
    let verdicts = verdicts(&report);
    let of = |verdict: &str| verdicts.values().filter(|one| *one == verdict).count();
    assert_eq!(number("testcase"), verdicts.len());
    // One of the failures is known.
    assert_eq!(number("failure"), of("fail") - 1);
    assert_eq!(number("skipped"), of("unsupported") + of("skip") + 1);
    assert_eq!(number("error"), of("inconclusive"));
    for one in all.iter().filter(|one| one.name.starts_with("testsuite")) {
        let says = |name: &str| one.attributes[name].parse::<usize>().unwrap();
        assert_eq!(says("tests"), verdicts.len());
        assert_eq!(says("failures"), number("failure"));
        assert_eq!(says("skipped"), number("skipped"));
        assert_eq!(says("errors"), number("error"));
    }
    let failure = all.iter().find(|one| one.name == "failure").unwrap();
    let said = "<script>alert(1)</script>]]>--><!--|`&amp;?[2J";
    assert!(failure.text.contains(said), "{}", failure.text);
    let known = all.iter().filter(|one| one.name == "skipped");
    let mut reasons = known.map(|one| one.attributes["message"].as_str());
    assert!(reasons.any(|reason| reason == "expected to fail: <b>known & told</b>"));
}

#[test]
fn the_page_holds_what_was_said_as_text_alone() {
    let room = Room::new();
    let report = reported(&room);
    let page = text(&room, "out/report.html");
    assert_eq!(page.matches("<script").count(), 1, "the page's own");
    assert!(!page.contains("<b>known") && page.contains("&lt;b&gt;known &amp; told"));
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert!(!page.contains("{{"), "a place that nothing was put into");
    for outside in ["src=", "//cdn", "@import", "url(", "<link"] {
        assert!(!page.contains(outside), "{outside}");
    }
    for (id, verdict) in verdicts(&report) {
        let row = format!("class=\"case {verdict}");
        let at = page.find(&format!("id=\"{id}\"")).unwrap();
        assert!(
            page[..at].ends_with(&format!("{row}\" "))
                || page[..at].ends_with(&format!("{row} known\" "))
        );
    }
    for verdict in [
        "fail",
        "warn",
        "inconclusive",
        "pass",
        "skip",
        "unsupported",
    ] {
        let count = &report["summary"][verdict];
        let button = format!("</i>{verdict} <b>{count}</b></button>");
        assert!(page.contains(&button), "{button}");
    }
}

#[test]
fn markdown_keeps_its_tables_and_the_badge_is_xml() {
    let room = Room::new();
    let report = reported(&room);
    let page = text(&room, "out/report.md");
    for row in page.lines().filter(|line| line.starts_with('|')) {
        let cells = row.replace("\\|", "").matches('|').count() - 1;
        assert!(cells == 3 || cells == 7, "{row}");
    }
    let summary = &report["summary"];
    let counts = [
        "pass",
        "fail",
        "warn",
        "skip",
        "unsupported",
        "inconclusive",
    ]
    .map(|name| summary[name].to_string())
    .join(" | ");
    assert!(
        page.contains(&format!("| content-info | {counts} |")),
        "{page}"
    );
    assert!(!page.contains("<script>") && !page.contains('\u{1b}'));
    let badge = elements(&text(&room, "out/badge.svg"));
    assert_eq!(badge[0].name, "svg");
    let failed = summary["fail"].as_u64().unwrap();
    let passed = summary["pass"].as_u64().unwrap();
    let label = format!("PeerDist: {passed} of {}", passed + failed);
    assert_eq!(badge[0].attributes["aria-label"], label);
}

#[test]
fn evidence_and_terminal_show_no_control_characters() {
    let room = Room::new();
    reported(&room);
    let evidence = text(&room, &format!("out/evidence/{ONE_BYTE}.txt"));
    let ended = judged(&room, "./hostile {version} {content} {out}", ONE_BYTE);
    for text in [evidence.as_str(), &String::from_utf8_lossy(&ended.stdout)] {
        assert!(
            !text.contains(|sign: char| sign.is_control() && sign != '\n'),
            "{text:?}"
        );
    }
}

#[test]
fn a_folder_of_reports_is_written_over_and_keeps_nothing_of_the_run_before() {
    let room = Room::new();
    judged(&room, BAD, &format!("{ONE_BYTE} {CHUNK} --out out")).judged_bad();
    room.write("out/notes", "mine");
    room.write("out/evidence/notes", "mine");
    judged(&room, &good(), &format!("{CHUNK} --out out")).good();
    let names = |folder: &str| {
        let entries = fs::read_dir(room.at(folder)).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    };
    let evidence = [
        "notes".into(),
        format!("{CHUNK}.pcapng"),
        format!("{CHUNK}.txt"),
    ];
    assert_eq!(names("out/evidence"), evidence);
    let reports = [
        "badge.svg",
        "evidence",
        "junit.xml",
        "notes",
        "report.html",
        "report.json",
        "report.md",
    ];
    assert_eq!(names("out"), reports);
    assert_eq!(json(&room.read("out/report.json"))["summary"]["pass"], 1);
    // Others may read what is for others.
    for name in ["report.html", "evidence/pccrc-maker-v2-chunk.txt"] {
        let mode = fs::metadata(room.at(&format!("out/{name}")))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o644, "{name}");
    }
}

#[test]
fn what_cannot_be_written_is_refused_before_anything_is_judged() {
    let room = Room::new();
    room.write("file", "");
    room.write("hostile", HOSTILE);
    fs::create_dir(room.at("locked")).unwrap();
    fs::set_permissions(room.at("locked"), fs::Permissions::from_mode(0o555)).unwrap();
    let names = room.names();
    // A maker that leaves a trace where it was called.
    let marks = format!(
        "sh -c 'touch {} {{content}} {{out}}'",
        room.at("called").display()
    );
    let refused = |rest: &str| judged(&room, &marks, &format!("{ONE_BYTE} {rest}")).refused();
    assert_eq!(
        refused("--out file"),
        "--out file is no folder; name one, which is made where it is not there"
    );
    assert_eq!(
        refused("--out file/below"),
        "cannot make file/below/evidence: Not a directory (os error 20)"
    );
    assert_eq!(
        refused("--junit locked"),
        "--junit locked is a folder; name a file"
    );
    assert_eq!(
        refused("--junit missing/x.xml"),
        "cannot write missing/x.xml: there is no folder missing"
    );
    assert_eq!(room.names(), names);
    for (rest, complaint) in [
        (
            "--out locked/out",
            "cannot make locked/out/evidence: Permission denied (os error 13)",
        ),
        (
            "--junit locked/x.xml",
            "cannot write locked/x.xml: permission denied",
        ),
    ] {
        let line = format!("conform run --exec true{{content}}{{out}};exit {ONE_BYTE} {rest}");
        if let Some(ended) = room.run_as_nobody(&line) {
            assert_eq!(ended.refused(), complaint);
        }
    }
    assert_eq!(fs::read_dir(room.at("locked")).unwrap().count(), 0);
    assert_eq!(room.names(), names);
}
