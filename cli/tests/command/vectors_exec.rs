//! `vectors run --exec`: the example, and programs that lie, hang, die, flood, or answer what nobody asked.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::room::{Ended, Room};

const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../vectors");
/// Reads a request into `line` and `id`.
const READ: &str = r#"IFS= read -r line || exit 0; id=${line#*'"id":"'}; id=${id%%'"'*}"#;

/// Runs a program, written for sh, over some vectors.
fn run(room: &Room, filter: &str, program: &str, more: &[&str]) -> Ended {
    let mut args = vec!["vectors", "run", VECTORS, "--filter", filter];
    args.extend(["--exec", program]);
    args.extend(more);
    room.run_args(&args)
}

/// Of the options, that which gives an answer a second.
const BRIEFLY: &[&str] = &["--timeout", "1"];

/// A program that says for each request what a script says.
fn each(script: &str) -> String {
    format!("while :; do {READ}; {script}; done")
}

fn failures(ended: &Ended) -> Vec<&str> {
    ended
        .text()
        .lines()
        .filter_map(|line| line.strip_prefix("FAILED "))
        .collect()
}

/// Whether a process runs whose number a program wrote down; it may take a moment to be gone.
fn is_alive(room: &Room, name: &str) -> bool {
    let number = fs::read_to_string(room.at(name)).unwrap();
    let process = Path::new("/proc").join(number.trim());
    (0..100).all(|_| {
        std::thread::sleep(std::time::Duration::from_millis(10));
        let state = fs::read_to_string(process.join("stat")).unwrap_or_default();
        // One that ended and that nobody asked about is a name and nothing else.
        state
            .rsplit(')')
            .next()
            .is_some_and(|rest| !rest.trim().is_empty() && !rest.trim().starts_with('Z'))
    })
}

/// Whether Python is there, and the package for AES; what is not is said loudly.
fn python_has_aes() -> Option<bool> {
    let has = |code: &str| {
        let output = Command::new("python3").args(["-c", code]).output();
        output.is_ok_and(|output| output.status.success())
    };
    if !has("") {
        eprintln!("NOT RUN: the example program: there is no python3");
        return None;
    }
    let has_aes = has("import cryptography");
    if !has_aes {
        eprintln!("NOT RUN: AES of the example program: Python has no package cryptography");
    }
    Some(has_aes)
}

#[test]
fn the_example_passes_all_that_it_supports() {
    let Some(has_aes) = python_has_aes() else {
        return;
    };
    let example = format!("python3 {VECTORS}/example_exec.py");
    let ended = Room::new()
        .run_args(&["vectors", "run", VECTORS, "--exec", &example, "--json"])
        .good();
    let json: Value = serde_json::from_str(ended.text()).unwrap();
    let [passed, failed, unsupported] =
        ["passed", "failed", "unsupported"].map(|key| json[key].as_u64().unwrap());
    assert_eq!(failed, 0);
    let outcomes = json["outcomes"].as_array().unwrap();
    assert_eq!(passed + unsupported, outcomes.len() as u64);
    assert!(passed > if has_aes { 700 } else { 600 }, "{passed}");
    for outcome in outcomes {
        let id = outcome["id"].as_str().unwrap();
        let is_unsupported = ["pccrd-", "pchc-", "pccrtp-", "smb-", "pccrc-cut-"]
            .iter()
            .any(|start| id.starts_with(start));
        let has_reason = outcome["unsupported"].is_string();
        assert!(
            has_reason == is_unsupported || (!has_aes && has_reason),
            "{outcome}"
        );
    }
}

#[test]
fn the_example_with_one_letter_changed_is_found_out() {
    if python_has_aes().is_none() {
        return;
    }
    let room = Room::new();
    let example = fs::read_to_string(Path::new(VECTORS).join("example_exec.py")).unwrap();
    room.write(
        "wrong.py",
        example.replacen("MS_P2P_CACHING", "MS_P2P_CACHINg", 1),
    );
    let line = [
        "vectors",
        "run",
        VECTORS,
        "--filter",
        "pccrc-derive-0001",
        "--exec",
        "python3 wrong.py",
    ];
    let ended = room.run_args(&line).judged_bad();
    let first = failures(&ended)[0];
    assert!(
        first.starts_with("pccrc-derive-0001: segment_id: expected \""),
        "{first}"
    );
    assert!(ended.text().ends_with("1 vector: 0 passed, 1 failed\n"));
}

#[test]
fn a_liar_fails_by_the_first_key_that_differs() {
    let liar = each(
        r#"echo "{\"id\":\"$id\",\"result\":{\"result\":\"valid\",\"server_secret\":\"00\"}}""#,
    );
    let ended = run(&Room::new(), "pccrc-derive-000[1-3]", &liar, &[]).judged_bad();
    let said = failures(&ended);
    assert_eq!(said.len(), 3);
    for line in said {
        assert!(
            line.contains(": segment_id: expected \"") && line.ends_with(", found nothing"),
            "{line}"
        );
    }
    assert!(ended.text().contains("       pins PCCRC-"));
}

#[test]
fn one_that_hangs_costs_three_waits_and_is_gone_with_all_that_it_started() {
    let room = Room::new();
    // It reads nothing either, and the requests are longer than a pipe holds.
    let ended = run(
        &room,
        "pccrc-info-v1-*",
        "sleep 1000 & echo $! >child; echo $$ >itself; wait",
        BRIEFLY,
    )
    .judged_bad();
    let said = failures(&ended);
    assert!(said.len() > 50);
    for line in &said[..3] {
        assert!(line.contains(": no answer within 1s; expected {"), "{line}");
    }
    for line in &said[3..] {
        assert!(
            line.contains(": not asked: 3 times no answer came in time; expected {"),
            "{line}"
        );
    }
    assert!(!is_alive(&room, "child") && !is_alive(&room, "itself"));
}

#[test]
fn one_that_never_reads_and_one_that_trickles_run_out_of_time() {
    for program in ["exec sleep 1000", "while :; do printf .; sleep 0.1; done"] {
        let ended = run(&Room::new(), "pccrc-info-v1-0001", program, BRIEFLY).judged_bad();
        assert!(
            failures(&ended)[0].contains("no answer within 1s"),
            "{ended:?}"
        );
    }
}

#[test]
fn one_that_dies_is_started_again_and_its_last_words_are_told() {
    let once = format!(
        r#"echo x >>starts; {READ}; echo "{{\"id\":\"$id\",\"unsupported\":\"soon\"}}"; {READ}; echo "no luck with $id" >&2; exit 7"#
    );
    let room = Room::new();
    let ended = run(&room, "pccrc-key-file-000[1-6]", &once, &[]).judged_bad();
    let said = failures(&ended);
    assert_eq!(said.len(), 3, "{ended:?}");
    let expected = "pccrc-key-file-0002: the program ended with exit status: 7 before it answered, \
                    and said on standard error: \"no luck with pccrc-key-file-0002\"; expected {";
    assert!(said[0].starts_with(expected), "{}", said[0]);
    assert_eq!(room.read("starts"), b"x\nx\nx\n");
    assert!(
        ended
            .text()
            .ends_with("6 vectors: 0 passed, 3 failed, 3 unsupported\n")
    );
    assert!(
        ended
            .text()
            .contains("unsupported, 3 vectors, first pccrc-key-file-0001: \"soon\"\n")
    );
}

#[test]
fn one_that_never_answers_is_not_started_for_each_vector() {
    let room = Room::new();
    let ended = run(&room, "pccrc-derive-*", "echo x >>starts; kill -9 $$", &[]).judged_bad();
    let said = failures(&ended);
    assert!(
        said[0].contains("the program ended with signal: 9 (SIGKILL) before it answered; expected"),
        "{}",
        said[0]
    );
    assert!(
        said[3].contains(": not asked: 3 starts brought no answer at all; expected {"),
        "{}",
        said[3]
    );
    assert_eq!(room.read("starts"), b"x\nx\nx\n");
}

#[test]
fn one_that_closes_its_output_is_not_waited_for() {
    let ended = run(
        &Room::new(),
        "pccrc-derive-0001",
        "exec >&-; sleep 1000",
        &[],
    )
    .judged_bad();
    assert!(
        failures(&ended)[0].contains("the program closed its standard output before it answered"),
        "{ended:?}"
    );
}

#[test]
fn one_that_does_not_end_with_its_input_is_ended() {
    let room = Room::new();
    let program = format!(
        r#"echo $$ >itself; {READ}; echo "{{\"id\":\"$id\",\"unsupported\":\"\"}}"; sleep 1000; :"#
    );
    let ended = run(&room, "pccrc-derive-0001", &program, &[]);
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(!is_alive(&room, "itself"));
}

#[test]
fn floods_are_cut_off() {
    let room = Room::new();
    let ended = run(
        &room,
        "pccrc-derive-0001",
        "exec cat /dev/zero",
        &["--json"],
    )
    .judged_bad();
    assert!(
        ended
            .text()
            .contains("the answer is longer than 4194304 bytes"),
        "{ended:?}"
    );
    let ended = run(&room, "pccrc-derive-0001", "exec yes", &[]).judged_bad();
    assert!(
        failures(&ended)[0].contains(r#": the program said "y", which is no answer: "#),
        "{ended:?}"
    );
    // On standard error anybody may say what he likes.
    let talker =
        each(r#"head -c 300000 /dev/zero >&2; echo "{\"id\":\"$id\",\"unsupported\":\"\"}""#);
    let ended = run(&room, "pccrc-derive-000[1-3]", &talker, &[]);
    assert_eq!(ended.code, Some(3), "{ended:?}");
}

#[test]
fn answers_that_are_none_fail_each_in_its_own_words() {
    for (answer, complaint) in [
        (r#"{"id":"ID"}"#, "expected one of result and unsupported"),
        (
            r#"{"id":"ID","result":{},"unsupported":"x"}"#,
            "expected one of result and unsupported",
        ),
        (
            r#"{"id":"ID","result":"valid"}"#,
            "which is no answer: invalid type",
        ),
        (
            r#"{"id":"ID","result":{},"extra":1}"#,
            "which is no answer: unknown field",
        ),
        (r#"{"result":{}}"#, "which is no answer: missing field"),
        (r#"{"id":"ID","result":{}"#, "which is no answer: EOF"),
        (
            r#"{"id":"ID","result":{}} {}"#,
            "which is no answer: trailing characters",
        ),
        ("", "which is no answer: EOF"),
        ("\u{1b}[2J", r#"the program said "\u{1b}[2J""#),
        (
            r#"{"id":"pccrc-derive-9999","result":{}}"#,
            r#"answered for "pccrc-derive-9999", expected the answer for "ID""#,
        ),
    ] {
        let room = Room::new();
        room.write(
            "answer",
            format!("{}\n", answer.replace("ID", "pccrc-derive-0001")),
        );
        let ended = run(&room, "pccrc-derive-0001", &each("cat answer"), &[]).judged_bad();
        let complaint = complaint.replace("ID", "pccrc-derive-0001");
        assert!(
            failures(&ended)[0].contains(&complaint),
            "{complaint}: {ended:?}"
        );
        assert!(failures(&ended)[0].contains("; expected {\""), "{ended:?}");
    }
}

#[test]
fn answers_that_come_late_or_twice_are_not_taken_for_others() {
    let answer = r#"echo "{\"id\":\"$id\",\"unsupported\":\"\"}""#;
    let twice = each(&format!("{answer}; {answer}"));
    let ended = run(&Room::new(), "pccrc-derive-000[1-3]", &twice, &[]).judged_bad();
    let said = failures(&ended);
    assert!(
        said[0].starts_with(r#"pccrc-derive-0002: the program answered for "pccrc-derive-0001""#),
        "{ended:?}"
    );
    // The surplus behind the last answer has no other to be taken for.
    assert!(
        said[1].starts_with("pccrc-derive-0003: behind the answer the program said more: "),
        "{ended:?}"
    );
    let late = each(&format!(
        "[ -z \"$before\" ] || id=$before; before=$id; {answer}"
    ));
    let ended = run(&Room::new(), "pccrc-derive-000[1-2]", &late, &[]).judged_bad();
    assert!(
        failures(&ended)[0].starts_with("pccrc-derive-0002: the program answered for"),
        "{ended:?}"
    );
}

#[test]
fn a_command_that_is_not_there_is_an_end_of_its_own() {
    for command in [
        "no-such-program --with arguments",
        "/",
        "exec no-such-program",
    ] {
        let ended = run(&Room::new(), "pccrc-derive-*", command, &[]);
        assert_eq!((ended.code, ended.text()), (Some(3), ""), "{ended:?}");
        assert!(
            ended
                .stderr
                .starts_with(&format!("peerdist: cannot start {command:?}: ")),
            "{ended:?}"
        );
        assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
    }
}

#[test]
fn one_that_supports_nothing_was_not_judged() {
    let tea = each(r#"echo "{\"id\":\"$id\",\"unsupported\":\"only tea\"}""#);
    let ended = run(&Room::new(), "pccrc-derive-000[1-3]", &tea, &[]);
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert_eq!(
        ended.text(),
        "unsupported, 3 vectors, first pccrc-derive-0001: \"only tea\"\n3 vectors: 0 passed, 0 failed, 3 unsupported\n"
    );
    assert!(
        ended.stderr.starts_with("peerdist: nothing was judged: "),
        "{ended:?}"
    );
}

#[test]
fn mistakes_about_exec() {
    let room = Room::new();
    let line = room
        .run(&format!("vectors run {VECTORS} --timeout 3"))
        .refused();
    assert!(line.contains("--exec"), "{line}");
    for seconds in ["0", "-1", "1.5", "86401", "soon"] {
        let line = room
            .run(&format!(
                "vectors run {VECTORS} --exec true --timeout={seconds}"
            ))
            .refused();
        assert!(
            line.contains("--timeout") && line.contains(seconds),
            "{line}"
        );
    }
    // Nothing is started where there is nothing to ask.
    let line = run(&room, "none-of-them", "touch started", &[]).refused();
    assert!(line.contains("no vector has an id"), "{line}");
    assert!(room.names().is_empty());
}
