//! `conform interop`: implementations that lie, hang, or are not there, and descriptions that are wrong.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::room::Room;

/// Long enough for what starts on a machine that is at work.
const PATIENTLY: &str = "30";
/// What does nothing has this long.
const BRIEFLY: &str = "15";

/// Our own maker and peer under a name, to be held against clients.
const OURS: &str = "\
name: ours
content-info:
  command: '{peerdist} info create {content} --secret-hex {secret_hex} --version {version} -o {out}'
content-server:
  command: '{peerdist} serve --root {root} --listen {address} --cache-dir {store} --secret-file {secret_file} --min-bytes 0'
peer:
  fill: '{peerdist} get {url} -o {out} --mode local --store {store} --info-version {version}'
  command: '{peerdist} peer --store {store} --listen {address} --interface {interface}'
  ready-line: serving
";

fn client(room: &Room, name: &str, command: &str) {
    let command = command.replace('\'', "''");
    let text = format!("name: {name}\nclient:\n  command: '{command}'\n");
    room.write(&format!("{name}.yaml"), text);
}

fn server(room: &Room, name: &str, peer: &str) {
    room.write(
        &format!("{name}.yaml"),
        format!("name: {name}\npeer: {peer}\n"),
    );
}

/// The cells of a run that ends so: id, verdict and text.
fn cells(room: &Room, code: i32, args: &[&str]) -> Vec<[String; 3]> {
    let args = [&["conform", "interop", "--json", "--jobs", "8"], args].concat();
    let ended = room.run_args(&args);
    assert_eq!(ended.code, Some(code), "{ended:?}");
    let report: Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!(report["schema"], 1);
    let text = |cell: &Value, key: &str| cell[key].as_str().unwrap().to_owned();
    let cells = report["cells"].as_array().unwrap().iter();
    cells
        .map(|cell| ["id", "verdict", "text"].map(|key| text(cell, key)))
        .collect()
}

fn are(cells: &[[String; 3]], expected: &[[&str; 3]]) {
    let found: Vec<&str> = cells.iter().map(|[id, _, _]| id.as_str()).collect();
    let ids: Vec<&str> = expected.iter().map(|[id, _, _]| *id).collect();
    assert_eq!(found, ids);
    for ([id, verdict, text], [_, expected, why]) in cells.iter().zip(expected) {
        assert_eq!(verdict, expected, "{id}: {text}");
        assert!(text.contains(why), "{id}: {text}\n  where {why}");
    }
}

#[test]
fn a_client_that_lies_is_found_by_the_bytes_and_by_what_the_origin_saw() {
    let room = Room::new();
    room.write("ours.yaml", OURS);
    client(&room, "plain", "{peerdist} get {url} -o {out} --mode off");
    client(
        &room,
        "lonely",
        "{peerdist} get {url} -o {out} --mode local --info-version {version}",
    );
    client(&room, "wrong", "head -c 206609 /dev/zero > {out}; : {url}");
    client(&room, "short", "head -c 12 /dev/zero > {out}; : {url}");
    client(&room, "absent", "true {url} {out}");
    client(
        &room,
        "cannot",
        "sh -c 'echo none such >&2; exit 127' {url} {out}",
    );
    client(
        &room,
        "fails",
        "sh -c 'echo no luck >&2; exit 9' {url} {out}",
    );
    let get = "{peerdist} get {url} -o {out} --interface {interface} --info-version {version}";
    client(
        &room,
        "second",
        &format!("test -e {{here}}/tried && exec {get}; touch {{here}}/tried; exit 5"),
    );
    let found = cells(
        &room,
        1,
        &[
            "ours.yaml",
            "second.yaml",
            "plain.yaml",
            "lonely.yaml",
            "wrong.yaml",
            "short.yaml",
            "absent.yaml",
            "cannot.yaml",
            "fails.yaml",
            "--timeout",
            PATIENTLY,
            "--filter",
            "peer-v1/**",
            "--filter",
            "info-v2/ours/{plain,wrong}",
            "--filter",
            "transfer-v2/ours/{plain,lonely,wrong}",
        ],
    );
    let content = "asked the origin for the content itself";
    are(
        &found,
        &[
            [
                "info-v2/ours/plain",
                "failed",
                "never asked the origin for the PeerDist coding",
            ],
            [
                "info-v2/ours/wrong",
                "failed",
                "bytes that are not the content: byte ",
            ],
            [
                "transfer-v2/ours/plain",
                "failed",
                "client of plain never asked for the PeerDist coding; it took the content plain",
            ],
            [
                "transfer-v2/ours/lonely",
                "succeeded",
                "206609 bytes with content information",
            ],
            [
                "transfer-v2/ours/wrong",
                "failed",
                "it asked the content server for nothing",
            ],
            [
                "peer-v1/ours/second",
                "succeeded",
                "206609 bytes from the peer",
            ],
            ["peer-v1/ours/plain", "failed", content],
            ["peer-v1/ours/lonely", "failed", content],
            [
                "peer-v1/ours/wrong",
                "failed",
                "it asked the origin for nothing",
            ],
            ["peer-v1/ours/short", "failed", "12 bytes"],
            [
                "peer-v1/ours/absent",
                "failed",
                "ended well and left no file",
            ],
            [
                "peer-v1/ours/cannot",
                "unsupported",
                "client of cannot says that it has no such thing; it said: none such",
            ],
            [
                "peer-v1/ours/fails",
                "failed",
                "client of fails ended with exit code 9; it said: no luck",
            ],
        ],
    );
    let second = found.iter().find(|[id, ..]| id == "peer-v1/ours/second");
    let [.., text] = second.unwrap();
    assert!(
        text.starts_with("at try "),
        "its first ends at once: {text}"
    );
}

#[test]
fn a_server_that_is_wrong_is_told_from_the_client() {
    let room = Room::new();
    room.write("ours.yaml", OURS);
    client(
        &room,
        "ok",
        "{peerdist} get {url} -o {out} --interface {interface} --info-version {version}",
    );
    // It keeps what it fetched to itself.
    let mean = "name: mean\nclient:\n  command: '{peerdist} get {url} -o {out} --mode off'\n  \
                hosted: '{peerdist} get {url} -o {out} --mode local; : {hosted}'\n";
    room.write("mean.yaml", mean);
    let wrong = "\
name: wrong
content-info:
  command: '{peerdist} info create {content} --secret-hex 00 --version 2 -o {out}'
content-server:
  command: '{peerdist} serve --root {root} --listen {address} --cache-dir {store} --min-bytes 900000000'
peer:
  command: '{peerdist} peer --store {store} --listen {address} --interface {interface}; : {content}'
hosted-cache:
  command: '{peerdist} hosted-cache --store {store} --http {address}'
";
    room.write("wrong.yaml", wrong);
    let broken = "\
name: broken
content-info: { command: 'head -c 99 /dev/zero > {out}; : {content}' }
content-server: { command: 'true {root} {port}' }
peer: { fill: 'true {url}', command: 'false {content} {port}' }
";
    room.write("broken.yaml", broken);
    let files = [
        "ours.yaml",
        "ok.yaml",
        "mean.yaml",
        "wrong.yaml",
        "broken.yaml",
    ];
    let filters = [
        "info-*/{wrong,broken}/ok",
        "{transfer,peer}-v1/{wrong,broken}/ok",
        "hosted-v2/wrong/mean",
    ];
    let mut args = files.to_vec();
    args.extend(filters.iter().flat_map(|filter| ["--filter", filter]));
    args.extend(["--timeout", BRIEFLY]);
    are(
        &cells(&room, 1, &args),
        &[
            ["info-v1/wrong/ok", "failed", "content-info of wrong made "],
            [
                "info-v1/broken/ok",
                "failed",
                "content-info of broken made what does not describe the content",
            ],
            [
                "info-v2/wrong/ok",
                "failed",
                "content-info of wrong made what does not describe the content",
            ],
            [
                "info-v2/broken/ok",
                "failed",
                "content-info of broken made what does not describe the content",
            ],
            [
                "transfer-v1/wrong/ok",
                "failed",
                "content-server of wrong gave the runner no content information within 15 s: it answers 200 without the coding",
            ],
            [
                "transfer-v1/broken/ok",
                "failed",
                "content-server of broken ended with exit code 0 before it was ready",
            ],
            [
                "peer-v1/wrong/ok",
                "failed",
                "it asked the origin for the content itself",
            ],
            [
                "peer-v1/broken/ok",
                "failed",
                "peer of broken ended with exit code 1 before it was ready",
            ],
            [
                "hosted-v2/wrong/mean",
                "failed",
                "hosted-cache of wrong lists 0 of 5 blocks: it was not offered them",
            ],
        ],
    );
}

#[test]
fn the_descriptions_that_come_with_it_and_that_of_the_document_are_read() {
    let room = Room::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let document = fs::read_to_string(root.join("docs/CONFORMANCE.md")).unwrap();
    let mut blocks = document.split("```yaml\n").skip(1);
    let example = blocks
        .find(|block| block.starts_with("name: mine"))
        .unwrap();
    room.write("mine.yaml", example.split("```").next().unwrap());
    let mut args = vec![
        "conform".to_owned(),
        "interop".to_owned(),
        "--list".to_owned(),
    ];
    args.push("mine.yaml".to_owned());
    for name in ["peerdist", "stranger", "windows", "ipxe"] {
        let file = root.join(format!("conformance/interop/{name}.yaml"));
        args.push(file.display().to_string());
    }
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let listed = room.run_args(&args).good();
    for cell in [
        "info-v2/mine/stranger ",
        "transfer-v1/windows/ipxe ",
        "resume-v1/mine/peerdist ",
        "peer-v1/windows/ipxe ",
        "segments-v2/stranger/mine ",
        "hosted-v1/mine/peerdist ",
        "hosted-v2/windows/mine ",
    ] {
        assert!(listed.text().contains(cell), "{cell}: {}", listed.text());
    }
    assert!(
        !listed.text().contains("v2/windows/ipxe"),
        "it knows version 1.0 alone"
    );
}

/// Whether a process runs whose number was written down; it may take a moment to be gone.
fn is_alive(path: &Path) -> bool {
    let number = fs::read_to_string(path).unwrap();
    let stat = Path::new("/proc").join(number.trim()).join("stat");
    (0..100).all(|_| {
        std::thread::sleep(Duration::from_millis(10));
        let state = fs::read_to_string(&stat).unwrap_or_default();
        let state = state
            .rsplit(')')
            .next()
            .unwrap_or_default()
            .trim()
            .to_owned();
        !state.is_empty() && !state.starts_with('Z')
    })
}

#[test]
fn what_hangs_or_never_serves_is_ended_with_its_children_and_told_from_the_rest() {
    let room = Room::new();
    room.write("ours.yaml", OURS);
    client(
        &room,
        "hangs",
        "sleep 600 & echo $! > {here}/child; wait; : {url} {out}",
    );
    server(
        &room,
        "silent",
        "{ command: 'sleep 600; : {content} {port}' }",
    );
    server(
        &room,
        "mute",
        "{ command: 'echo soon; sleep 600; : {content}', ready-line: 'serving at' }",
    );
    server(
        &room,
        "gone",
        "{ command: 'echo no luck >&2; exit 3; : {content} {port}' }",
    );
    server(
        &room,
        "lacking",
        "{ command: 'exit 127; : {content} {port}' }",
    );
    server(
        &room,
        "missing",
        "{ command: '/no/such/program {content} {port}' }",
    );
    let files = [
        "ours", "hangs", "silent", "mute", "gone", "lacking", "missing",
    ];
    let files = files.map(|name| format!("{name}.yaml"));
    let mut args: Vec<&str> = files.iter().map(String::as_str).collect();
    args.extend(["--timeout", BRIEFLY, "--filter", "info-v1/**"]);
    args.extend(["--filter", "peer-v1/{silent,mute,gone,lacking,missing}/*"]);
    are(
        &cells(&room, 1, &args),
        &[
            [
                "info-v1/ours/hangs",
                "failed",
                "client of hangs did not end within 15 s and was ended; it asked the origin for nothing",
            ],
            [
                "peer-v1/silent/hangs",
                "failed",
                "peer of silent was not ready within 15 s: 127.0.0.1:",
            ],
            [
                "peer-v1/mute/hangs",
                "failed",
                "peer of mute was not ready within 15 s: it said no line with 'serving at'; it said: soon",
            ],
            [
                "peer-v1/gone/hangs",
                "failed",
                "peer of gone ended with exit code 3 before it was ready; it said: no luck",
            ],
            [
                "peer-v1/lacking/hangs",
                "unsupported",
                "peer of lacking says that it has no such thing",
            ],
            [
                "peer-v1/missing/hangs",
                "failed",
                "peer of missing cannot be started",
            ],
        ],
    );
    assert!(!is_alive(&room.at("child")));
    // Where nothing was held against anything, that is no success.
    let args = [
        "hangs.yaml",
        "lacking.yaml",
        "--filter",
        "peer-v1/lacking/*",
    ];
    are(
        &cells(&room, 3, &args),
        &[["peer-v1/lacking/hangs", "unsupported", "no such thing"]],
    );
}

#[test]
fn a_run_that_is_interrupted_leaves_nothing_behind() {
    let room = Room::new();
    room.write("ours.yaml", OURS);
    client(
        &room,
        "hangs",
        "sleep 600 & echo $! > {here}/child; wait; : {url} {out}",
    );
    let args = [
        "conform",
        "interop",
        "ours.yaml",
        "hangs.yaml",
        "--filter",
        "info-v1/**",
    ];
    let mut runner = room.command(args).spawn().unwrap();
    let has_begun = (0..2_000).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        fs::read_to_string(room.at("child")).is_ok_and(|number| number.ends_with('\n'))
    });
    assert!(has_begun);
    let number = rustix::process::Pid::from_child(&runner);
    rustix::process::kill_process(number, rustix::process::Signal::INT).unwrap();
    assert_eq!(crate::room::wait(&mut runner), Some(3));
    assert!(!is_alive(&room.at("child")));
}

#[test]
fn a_description_that_is_wrong_is_told_with_file_line_key_and_the_nearest_that_is_known() {
    let room = Room::new();
    room.write("ours.yaml", OURS);
    for (text, expected) in [
        (
            "name: it\nclient:\n  comand: x\n",
            "it.yaml:3:3: client: there is no key 'comand'; the nearest is 'command'",
        ),
        (
            "name: it\nclients: {}\n",
            "it.yaml:2:1: there is no key 'clients'; the nearest is 'client'",
        ),
        (
            "name: it\nclient:\n  command: 'get {url} {ot}'\n",
            "it.yaml:3:12: client.command: there is no {ot} here; the nearest is {out}; there are {url}, ",
        ),
        (
            "name: it\nclient: { command: 'get {url}' }\n",
            "client.command: it does not name {out}",
        ),
        (
            "name: it\npeer: { command: 'serve {content}' }\n",
            "peer.command: where it serves would not be known: name {port}",
        ),
        (
            "name: it\npeer: { command: 'serve {port}' }\n",
            "peer.command: it would have nothing to serve",
        ),
        (
            "name: it\npeer: { endpoint: '10.0.0.1:80' }\n",
            "peer.endpoint: needs 'fill'",
        ),
        (
            "name: it\nhosted-cache: {}\n",
            "hosted-cache: expected 'command', which the runner starts, or 'endpoint'",
        ),
        (
            "name: it\nversions: [3]\nclient: { command: '{url} {out}' }\n",
            "it.yaml:2:11: versions: expected a list of 1, 2 or both",
        ),
        ("name: it\n", "name: there is no role"),
        (
            "name: 'a b'\nclient: { command: '{url} {out}' }\n",
            "name: expected 1 to 40 letters, digits",
        ),
        (
            "name: ours\nclient: { command: '{url} {out}' }\n",
            "ours.yaml and it.yaml both have the name 'ours'",
        ),
    ] {
        room.write("it.yaml", text);
        let said = room
            .run("conform interop ours.yaml it.yaml --list")
            .refused();
        assert!(said.contains(expected), "{said}\n  where {expected}");
    }
    let said = room.run("conform interop ours.yaml --list").refused();
    assert!(said.starts_with("there is no cell"), "{said}");
    client(&room, "it", "{url} {out}");
    let said = room
        .run("conform interop ours.yaml it.yaml --filter pear-*")
        .refused();
    assert!(said.starts_with("--filter: none of the "), "{said}");
    let said = room.run("conform interop none.yaml").refused();
    assert!(said.starts_with("cannot read none.yaml"), "{said}");
}
