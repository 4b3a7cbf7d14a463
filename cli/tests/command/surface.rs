//! What can be read without doing anything: help, version, completions, man pages.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::room::Room;

const COMMANDS: &[&str] = &[
    "",
    "get",
    "serve",
    "proxy",
    "peer",
    "hosted-cache",
    "cache",
    "cache ls",
    "cache show",
    "cache verify",
    "cache flush",
    "cache export",
    "cache import",
    "status",
    "doctor",
    "info",
    "info create",
    "info show",
    "info verify",
    "secret",
    "secret new",
    "secret export",
    "secret import",
    "decode",
    "sim",
    "sim merge",
    "sim run",
    "sim list",
    "sim compare",
    "sim explain",
    "sim hunt",
    "sim schema",
    "sim sweep",
    "conform",
    "conform list",
    "conform explain",
    "conform run",
    "conform self",
    "conform interop",
    "conform matrix",
    "conform check-info",
    "conform check-capture",
    "vectors",
    "vectors run",
    "completions",
    "man",
];

#[test]
fn help_of_every_command() {
    let room = Room::new();
    let mut all = String::new();
    for command in COMMANDS {
        let long = room.run(&format!("{command} --help")).good();
        all.push_str(&format!("$ peerdist {command} --help\n{}\n", long.text()));
        let by_help = room.run(&format!("help {command}")).good();
        assert_eq!(by_help.text(), long.text(), "help {command}");
    }
    insta::assert_snapshot!(all);
}

#[test]
fn long_help_of_what_runs_says_how_it_behaves() {
    let room = Room::new();
    for (command, words) in [
        ("serve", "SIGTERM and SIGINT"),
        ("proxy", "Answers with a strong ETag"),
        ("peer", "http_proxy=http://127.0.0.1:8080"),
        ("hosted-cache", "Clients of Windows 8 and later"),
        ("decode", "Offsets are from the first byte"),
    ] {
        let help = room.run(&format!("{command} --help")).good();
        let text: Vec<&str> = help.text().split_whitespace().collect();
        assert!(text.join(" ").contains(words), "{command}");
    }
}

#[test]
fn short_help_of_the_command_with_the_longest() {
    insta::assert_snapshot!(Room::new().run("info create -h").good().text());
}

#[test]
fn help_is_no_wider_than_the_terminal() {
    let room = Room::new();
    for columns in [80, 120] {
        for command in COMMANDS {
            let mut words = room.command(command.split_whitespace());
            words.arg("--help").env("COLUMNS", columns.to_string());
            let ended = crate::room::ended(words, None).good();
            // The list of completions' shells and such cannot be broken; what can be is.
            let widest = ended.text().lines().map(str::len).max();
            assert!(widest <= Some(columns), "{command}: {widest:?}");
        }
    }
}

#[test]
fn a_command_without_its_command_shows_help_and_is_a_mistake() {
    let room = Room::new();
    for command in ["", "info", "secret", "cache", "vectors"] {
        let ended = room.run(command);
        assert_eq!(ended.code, Some(2));
        assert!(ended.stdout.is_empty());
        assert!(ended.stderr.contains("Usage: peerdist"), "{ended:?}");
    }
}

#[test]
fn the_version_is_the_packages() {
    let expected = concat!("peerdist ", env!("CARGO_PKG_VERSION"), "\n");
    for flag in ["--version", "-V"] {
        assert_eq!(Room::new().run(flag).good().text(), expected);
    }
}

#[test]
fn each_shell_has_completions_that_know_every_command() {
    let room = Room::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let ended = room.run(&format!("completions {shell}")).good();
        for word in ["create", "verify", "import", "completions", "secret-file"] {
            assert!(ended.text().contains(word), "{shell}: {word}");
        }
    }
}

#[test]
fn completions_are_ones_that_bash_reads() {
    let room = Room::new();
    room.write("script", room.run("completions bash").good().stdout);
    let bash = std::process::Command::new("bash")
        .arg("-n")
        .arg(room.at("script"))
        .output();
    match bash {
        Ok(output) => assert!(output.status.success(), "{output:?}"),
        Err(error) => eprintln!("NOT RUN: bash reads its completions: {error}"),
    }
}

#[test]
fn a_man_page_is_written_for_every_command() {
    let room = Room::new();
    fs::create_dir(room.at("man1")).unwrap();
    for _ in 0..2 {
        room.run("man man1").good();
    }
    let mut pages: Vec<String> = fs::read_dir(room.at("man1"))
        .unwrap()
        .map(|page| page.unwrap().file_name().into_string().unwrap())
        .collect();
    pages.sort();
    let mut expected: Vec<String> = COMMANDS
        .iter()
        .map(|command| format!("peerdist {command}").trim().replace(' ', "-") + ".1")
        .collect();
    expected.sort();
    assert_eq!(pages, expected);
    for page in pages {
        let path = room.at("man1").join(&page);
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o444, 0o444, "{page} is for everybody");
        assert!(fs::read_to_string(&path).unwrap().contains(".TH peerdist"));
    }
}
