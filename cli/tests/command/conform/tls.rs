//! `conform run`, what is judged over TLS, and by whom it is trusted.

use crate::room::Room;
use crate::serving::{Running, furnished};

const TLS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tls");

#[test]
fn a_content_server_over_tls_is_judged_by_who_trusts_its_certificate() {
    let room = furnished();
    let server = Running::start(
        &room,
        &format!(
            "serve --root www --listen 0 --listen-tls 0 --cert {TLS}/server.pem --key {TLS}/server.key"
        ),
        2,
    );
    // A file that was just written has no content information yet.
    assert!(!server.encoded("/file").is_empty());
    let url = format!("{}file", server.urls[1]);
    assert!(url.starts_with("https://127.0.0.1:"), "{url}");
    let cases = "pccrtp-server-plain-request pccrtp-server-coding-name pccrtp-server-*-1.0 \
                 pccrtp-server-connection-* pccrtp-server-byte-by-byte pccrtp-server-half-a-request \
                 --without *-second-segment-1.0 --without *-long-*";
    let judged = room.run(&format!(
        "conform run --url {url} --cacert {TLS}/ca.pem --verbose {cases}"
    ));
    let said = judged.text();
    assert_eq!(judged.code, Some(0), "{said}");
    assert!(said.matches("\npass ").count() > 10, "{said}");
    // Who is told of no root cannot tell whose server it is, and judges nothing.
    let unknown = room.run(&format!("conform run --url {url} --verbose {cases}"));
    assert_eq!(unknown.code, Some(3), "{}", unknown.text());
    assert!(
        unknown.text().contains("UnknownIssuer"),
        "{}",
        unknown.text()
    );
    // The name that it was asked by has to be in the certificate.
    let port = url.rsplit_once(':').unwrap().1;
    let other = room.run(&format!(
        "conform run --url https://127.0.0.2:{port} --cacert {TLS}/ca.pem {cases}"
    ));
    assert_eq!(other.code, Some(3), "{}", other.text());
    server.end("TERM");
}

#[test]
fn offers_of_version_1_need_a_command_that_takes_a_root() {
    let room = Room::new();
    let run = |hosted_tls: &[&str]| {
        let mut words = vec![
            "conform",
            "run",
            "--verbose",
            "--command",
            "false {url} {out}",
        ];
        words.extend_from_slice(hosted_tls);
        words.push("pchc-client-initial-offer");
        room.run_args(&words)
    };
    let ended = run(&[]);
    assert_eq!(ended.code, Some(3), "{}", ended.text());
    assert!(
        ended.text().contains("needs a command for a hosted cache"),
        "{}",
        ended.text()
    );
    let ended = run(&["--hosted-tls-command", "false {url} {out} {hosted}"]);
    assert_eq!(ended.code, Some(3), "{}", ended.text());
    assert!(ended.text().contains("{cacert}"), "{}", ended.text());
}
