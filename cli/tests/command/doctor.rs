//! `peerdist doctor`: good, bad and what to do.

use serde_json::Value;

use crate::room::Room;
use crate::serving::{Running, furnished};

const TLS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tls");

fn findings(room: &Room, line: &str) -> (Option<i32>, Vec<Value>) {
    let ended = room.run(line);
    (ended.code, serde_json::from_slice(&ended.stdout).unwrap())
}

fn verdict<'a>(findings: &'a [Value], check: &str) -> &'a Value {
    let fits = |one: &&Value| one["check"].as_str().unwrap().starts_with(check);
    &findings.iter().find(fits).unwrap()["verdict"]
}

#[test]
fn a_machine_that_is_fit_is_told_so() {
    let room = furnished();
    room.write(
        "settings.toml",
        "[serve]\nroot = \"www\"\nlisten = 0\ncache-dir = \"cache\"\n",
    );
    let (code, findings) = findings(&room, "doctor --json --config settings.toml");
    assert_eq!(code, Some(0), "{findings:?}");
    for check in ["settings", "clock", "listen", "root www", "cache-dir cache"] {
        assert_eq!(verdict(&findings, check), "good", "{check}: {findings:?}");
    }
    let words = room.run("doctor --config settings.toml");
    assert!(
        words
            .text()
            .contains("good  listen 127.0.0.1:0: it is free\n"),
        "{words:?}"
    );
    // Nothing is left behind, and nothing was made.
    assert_eq!(room.names(), ["settings.toml", "www"]);
}

#[test]
fn what_is_bad_is_named_with_what_to_do() {
    let room = furnished();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let at = taken.local_addr().unwrap();
    room.write(
        "settings.toml",
        format!(
            "[serve]\nroot = \"gone\"\nlisten = \"{at}\"\nlisten-tls = 0\ncert = \"{TLS}/ca.pem\"\n\
             key = \"{TLS}/server.key\"\ncache-dir = \"/proc\"\n"
        ),
    );
    let (code, findings) = findings(&room, "doctor --json --config settings.toml");
    assert_eq!(code, Some(1));
    for check in [
        &format!("listen {at}"),
        "root gone",
        "certificate",
        "cache-dir /proc",
    ] {
        let all = findings
            .iter()
            .filter(|one| one["check"].as_str().unwrap().starts_with(check));
        let bad: Vec<_> = all.filter(|one| one["verdict"] == "bad").collect();
        assert!(!bad.is_empty(), "{check}: {findings:?}");
        for one in bad {
            assert!(!one["advice"].as_str().unwrap().is_empty(), "{one}");
        }
    }
    room.write("settings.toml", "[serve]\nrot = 1\n");
    let (code, findings) = self::findings(&room, "doctor --json --config settings.toml");
    assert_eq!(
        (code, verdict(&findings, "settings")),
        (Some(1), &Value::from("bad"))
    );
}

#[test]
fn a_server_that_runs_with_these_settings_is_no_stranger_at_its_port() {
    let room = furnished();
    let server = Running::start(&room, "serve --root www --listen 0 --admin 0", 2);
    let (at, admin) = (server.host(0), server.host(1));
    room.write(
        "settings.toml",
        format!("[serve]\nroot = \"www\"\nlisten = \"{at}\"\nadmin = \"{admin}\"\ncache-dir = \"cache\"\n"),
    );
    let (code, findings) = findings(&room, "doctor --json --config settings.toml");
    assert_eq!(code, Some(0), "{findings:?}");
    assert_eq!(verdict(&findings, "listen"), "good");
    // And it is no hosted cache.
    let (code, findings) = self::findings(&room, &format!("doctor --json --hosted {at}"));
    assert_eq!(
        (code, verdict(&findings, "hosted cache")),
        (Some(1), &Value::from("bad"))
    );
    server.end("TERM");
}
