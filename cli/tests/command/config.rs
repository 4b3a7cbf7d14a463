//! Settings from a file: the command line wins, and mistakes name their line.

use crate::serving::{Running, furnished};

#[test]
fn a_server_starts_from_its_settings_alone() {
    let room = furnished();
    let text =
        "admin = 0\n[serve]\nroot = \"www\"\nlist = true\nlisten = 0\n[peer]\nstore = \"s\"\n";
    room.write("settings.toml", text);
    let server = Running::start(&room, "serve --config settings.toml", 2);
    let host = format!("Host: {}\r\n", server.host(0));
    // The list is there because of `list`.
    assert!(server.get_from(0, "/", &host).0.starts_with("http/1.1 200"));
    assert!(
        server
            .get_from(1, "/metrics", "Host: localhost\r\n")
            .0
            .starts_with("http/1.1 200")
    );
    server.end("TERM");
}

#[test]
fn the_command_line_wins() {
    let room = furnished();
    room.write("settings.toml", "[serve]\nroot = \"nowhere\"\nlisten = 1\n");
    let line = "serve --config settings.toml --root www --listen=0";
    let server = Running::start(&room, line, 1);
    let host = format!("Host: {}\r\n", server.host(0));
    assert!(
        server
            .get_from(0, "/file", &host)
            .0
            .starts_with("http/1.1 200")
    );
    server.end("TERM");
}

#[test]
fn mistakes_name_file_and_line() {
    let room = furnished();
    for (text, words) in [
        (
            "[serve]\nrot = \"www\"",
            "settings.toml:2: there is no key 'rot' for serve; the nearest is 'root'",
        ),
        ("\n\nlog = 5", "settings.toml:3: log cannot be '5'"),
        (
            "[serve]\nlist = \"yes\"",
            "settings.toml:2: list cannot be a string; expected true or false",
        ),
        (
            "root = \"www\"\nstore = \"s\"",
            "'store' is no key of serve",
        ),
        (
            "[serve]\nlisten = 0",
            "missing: --root <DIR>; the settings in settings.toml count too",
        ),
        ("[serve", "settings.toml:1: "),
    ] {
        room.write("settings.toml", text);
        let refused = room.run("serve --config settings.toml").refused();
        assert!(refused.contains(words), "{text}: {refused}");
    }
    let refused = room.run("serve --config no.toml").refused();
    assert!(refused.contains("cannot read no.toml"), "{refused}");
    // A mistake on the command line is told before the file is read.
    let refused = room.run("serve --config no.toml --lsten 1").refused();
    assert!(refused.contains("--listen"), "{refused}");
}
