//! Exit codes of `conform run`, and what makes a failure one that counts.

use super::{BAD, CHUNK, ONE_BYTE, Room, UNSUPPORTED, good, json, judged, verdicts};

#[test]
fn exit_codes_say_what_came_of_it() {
    let room = Room::new();
    let both = format!("{ONE_BYTE} {CHUNK}");
    let ended = judged(&room, &good(), &both).good();
    assert!(
        ended.text().starts_with("2 cases: 2 passed, 0 failed, "),
        "{ended:?}"
    );
    let ended = judged(&room, BAD, &both).judged_bad();
    for part in [
        "FAIL          pccrc-maker-v1-one-byte  ",
        "FAIL          pccrc-maker-v2-chunk  ",
        "\n2 cases: 0 passed, 2 failed, ",
        "with --out DIR all that was sent and received is kept",
    ] {
        assert!(ended.text().contains(part), "{part}: {ended:?}");
    }
    let ended = judged(&room, UNSUPPORTED, &both);
    assert_eq!(ended.code, Some(3));
    assert!(ended.text().contains("2 unsupported"), "{ended:?}");
    assert_eq!(
        ended.stderr,
        "peerdist: nothing was judged: every case was skipped, unsupported or inconclusive\n"
    );
    // Good and bad together are bad.
    let mixed = format!("sh -c '[ {{version}} = 2 ] && {BAD_INSIDE} || exit 127' {{content}}");
    assert_eq!(judged(&room, &mixed, &both).code, Some(1));
}

const BAD_INSIDE: &str = "head -c 9 {content} >{out}";

#[test]
fn nothing_judged_is_said_even_if_nobody_reads_it() {
    let room = Room::new();
    let mut command = room.command(["conform", "run", "--exec", UNSUPPORTED, ONE_BYTE]);
    let (reader, writer) = std::io::pipe().unwrap();
    command.stdout(writer);
    drop(reader);
    assert_eq!(crate::room::ended(command, None).code, Some(3));
    // And with nobody on standard error either.
    let mut command = room.command(["conform", "run", "--exec", UNSUPPORTED, ONE_BYTE]);
    let (out, (reader, err)) = (std::io::pipe().unwrap().1, std::io::pipe().unwrap());
    command.stdout(out).stderr(err);
    drop(reader);
    let mut child = command.spawn().unwrap();
    assert_eq!(crate::room::wait(&mut child), Some(3));
}

#[test]
fn failures_that_are_known_do_not_count_and_those_that_are_gone_are_told() {
    let room = Room::new();
    room.write(
        "known.yaml",
        format!("- case: {ONE_BYTE}\n  reason: it is told\n"),
    );
    let rest = format!("{ONE_BYTE} --expected known.yaml");
    let ended = judged(&room, BAD, &rest).good();
    let text = ended.text();
    assert!(
        text.contains("fail, known   pccrc-maker-v1-one-byte"),
        "{text}"
    );
    assert!(text.contains("expected: it is told") && text.contains("1 failed"));
    let report = json(&judged(&room, BAD, &format!("{rest} --json")).good().stdout);
    assert_eq!(report["cases"][0]["expected"], "it is told");
    // Another failure beside it is one.
    judged(&room, BAD, &format!("{rest} {CHUNK}")).judged_bad();
    let ended = judged(&room, &good(), &rest).good();
    let told = "pccrc-maker-v1-one-byte was expected to fail and did not: it is told\n";
    assert!(ended.text().contains(told), "{ended:?}");
    let report = json(
        &judged(&room, &good(), &format!("{rest} --json"))
            .good()
            .stdout,
    );
    assert_eq!(report["cases"][0]["unexpected"], "it is told");
    assert_eq!(report["cases"][0]["verdict"], "pass");
}

#[test]
fn with_a_baseline_only_what_is_new_fails_and_every_change_is_named() {
    let room = Room::new();
    let both = format!("{ONE_BYTE} {CHUNK}");
    // Version 1 well, version 2 badly.
    let half = format!(
        "sh -c \"if [ {{version}} = 1 ]; then {}; else {BAD_INSIDE}; fi\"",
        good().replace('\'', "")
    );
    judged(&room, &half, &format!("{both} --out before")).judged_bad();
    let before = json(&room.read("before/report.json"));
    assert_eq!(before["summary"]["fail"], 1, "{before}");
    let with = format!("{both} --baseline before/report.json");
    let ended = judged(&room, &half, &with).good();
    assert!(
        ended.text().contains("fail, known   pccrc-maker-v2-chunk"),
        "{ended:?}"
    );
    let ended = judged(&room, &good(), &with).good();
    assert!(
        ended
            .text()
            .contains("pass          pccrc-maker-v2-chunk  before: fail\n"),
        "{ended:?}"
    );
    let ended = judged(&room, BAD, &with).judged_bad();
    let text = ended.text();
    let at = text.find("FAIL          pccrc-maker-v1-one-byte").unwrap();
    assert!(text[at..].contains("before: pass"), "{text}");
    let report = json(
        &judged(&room, BAD, &format!("{with} --json"))
            .judged_bad()
            .stdout,
    );
    let of = |id: &str| {
        let cases = report["cases"].as_array().unwrap();
        cases.iter().find(|case| case["id"] == id).unwrap()["before"].clone()
    };
    assert_eq!(
        (of(ONE_BYTE), of(CHUNK)),
        ("pass".into(), serde_json::Value::Null)
    );
}

#[test]
fn a_profile_knows_what_a_product_has_not() {
    let room = Room::new();
    let rest = format!("{ONE_BYTE} {CHUNK} --profile windows7 --json");
    let report = json(&judged(&room, &good(), &rest).good().stdout);
    assert_eq!(report["profile"], "windows7");
    assert_eq!(verdicts(&report)[CHUNK], "unsupported");
    assert_eq!(verdicts(&report)[ONE_BYTE], "pass");
    let chunk = &report["cases"][1];
    assert!(chunk["reason"].as_str().unwrap().contains("Windows 7"));
    let ended = judged(&room, &good(), &format!("{CHUNK} --profile windows7"));
    assert_eq!(ended.code, Some(3));
}

#[test]
fn how_many_run_at_a_time_changes_nothing_else() {
    let room = Room::new();
    let with = |jobs: &str| {
        let rest = format!("pccrc-maker-v1-* --without *-several-* --seed 7 --json --jobs {jobs}");
        let report = json(&judged(&room, BAD, &rest).judged_bad().stdout);
        let cases = report["cases"].as_array().unwrap();
        assert!(cases.len() > 10);
        let said = cases.iter().map(|case| {
            (
                case["id"].to_string(),
                case["verdict"].to_string(),
                case["findings"].to_string(),
            )
        });
        said.collect::<Vec<_>>()
    };
    assert_eq!(with("1"), with("64"));
}

#[test]
fn passes_are_shown_when_asked_for() {
    let room = Room::new();
    let ended = judged(&room, &good(), &format!("{ONE_BYTE} --verbose")).good();
    assert!(
        ended
            .text()
            .starts_with("pass          pccrc-maker-v1-one-byte\n")
    );
    let quiet = judged(&room, &good(), ONE_BYTE).good();
    assert!(quiet.text().starts_with("1 case: 1 passed, 0 failed, "));
}

#[test]
fn what_many_cases_could_not_do_for_one_reason_is_said_once() {
    let room = Room::new();
    // A program that is there and cannot be started.
    room.write("program", "#!/nowhere/at/all\n");
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(room.at("program"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let rest = "pccrc-maker-v1-* --without *-several-* --without *-empty";
    let ended = judged(&room, "./program {content} {out}", rest);
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert_eq!(
        ended.text().matches("cannot be started").count(),
        1,
        "{ended:?}"
    );
    assert!(ended.text().contains("other cases; --verbose shows them"));
    let all = judged(
        &room,
        "./program {content} {out}",
        &format!("{rest} --verbose"),
    );
    assert!(all.text().matches("cannot be started").count() > 10);
}

#[test]
fn deviants_are_caught_and_counted() {
    let room = Room::new();
    let ended = room
        .run("conform matrix maker-minor-1 maker-raw-key")
        .good();
    assert_eq!(ended.text(), "2 deviants: 2 caught, 0 missed\n");
    let ended = room
        .run("conform matrix maker-minor-1 maker-raw-key --json")
        .good();
    let matrix = json(&ended.stdout);
    assert_eq!(
        (&matrix["deviants"], &matrix["caught"]),
        (&2.into(), &2.into())
    );
    assert_eq!(matrix["missed"], serde_json::json!([]));
    let rows = matrix["rows"].as_array().unwrap();
    for row in rows {
        assert_eq!(row["verdict"], "fail");
        for field in ["id", "role", "what", "case", "text"] {
            assert!(!row[field].as_str().unwrap().is_empty());
        }
    }
    assert_eq!(
        room.run("conform matrix maker-minor-1").good().text(),
        "1 deviant: 1 caught, 0 missed\n"
    );
}
