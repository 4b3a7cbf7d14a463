//! Programs of others: curl as a client, nginx as the upstream. Where they are missing, that is said.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use peerdist::content::ContentRange;
use peerdist::http_encoding::{Asked, Meaning};
use peerdist_node::content_server::Settings;
use peerdist_node::content_server::proxy::{ProxyService, ProxySettings};
use peerdist_node::http::client::Client;
use peerdist_node::http::limits::ClientLimits;
use peerdist_node::net::TokioNetwork;

use crate::room::{Room, Server, assert_describes, content, let_rest};

fn is_there(program: &str, flag: &str) -> bool {
    let run = Command::new(program)
        .arg(flag)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    run.is_ok_and(|status| status.success())
}

#[tokio::test(flavor = "multi_thread")]
async fn curl_gets_resumes_and_asks_conditionally() {
    if !is_there("curl", "--version") {
        eprintln!("NOT RUN: curl as a client; there is no curl");
        return;
    }
    let room = Room::new();
    let bytes = content(1 << 20, 5);
    room.write("file", &bytes);
    let_rest().await;
    let server = room.files(room.settings()).await;
    let url = format!("http://{}/file", server.at);
    let out = room.directory.path().join("out");
    let curl = async |args: &[&str]| {
        let mut command = Command::new("curl");
        command.args(["-sS", "--max-time", "20", "-w", "%{http_code}", "-o"]);
        command.arg(&out).args(args).arg(&url);
        let run = tokio::task::spawn_blocking(move || command.output().unwrap());
        String::from_utf8(run.await.unwrap().stdout).unwrap()
    };
    assert_eq!(curl(&[]).await, "200");
    assert!(std::fs::read(&out).unwrap() == bytes);
    std::fs::write(&out, &bytes[..500_000]).unwrap();
    assert_eq!(curl(&["-C", "-"]).await, "206");
    assert!(std::fs::read(&out).unwrap() == bytes);
    assert_eq!(curl(&["--compressed"]).await, "200");
    assert!(std::fs::read(&out).unwrap() == bytes);
    let path = room.served("file");
    let path = path.to_str().unwrap();
    assert_eq!(curl(&["-z", path]).await, "304");
}

struct Nginx(Child);

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn nginx_is_fronted_without_knowing_it() {
    if !is_there("nginx", "-v") {
        eprintln!("NOT RUN: nginx as the upstream; there is no nginx");
        return;
    }
    let room = Room::new();
    let bytes = content(2 << 20, 6);
    room.write("file.txt", &bytes);
    let_rest().await;
    // A port that was free a moment ago: nginx cannot be asked which one it took. No other test uses this address.
    let port = std::net::TcpListener::bind("127.0.31.3:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let home = room.directory.path().display().to_string();
    let config = format!(
        "daemon off; master_process off; pid {home}/pid; error_log {home}/error;
        events {{}}
        http {{
            access_log off; gzip on; gzip_types text/plain; types {{ text/plain txt; }}
            client_body_temp_path {home}/1; proxy_temp_path {home}/2; fastcgi_temp_path {home}/3;
            uwsgi_temp_path {home}/4; scgi_temp_path {home}/5;
            server {{ listen 127.0.31.3:{port}; root {home}/served; }}
        }}"
    );
    let path = room.directory.path().join("nginx.conf");
    std::fs::write(&path, config).unwrap();
    let _nginx = Nginx(
        Command::new("nginx")
            .arg("-c")
            .arg(&path)
            .args(["-e", "stderr", "-p", &home])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    );
    let at: std::net::SocketAddr = ([127, 0, 31, 3], port).into();
    let mut tries = 0;
    while tokio::net::TcpStream::connect(at).await.is_err() {
        tries += 1;
        assert!(tries < 600, "nginx does not begin");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let client = Client::new(TokioNetwork, None, ClientLimits::default());
    let upstream = format!("http://{at}/").parse().unwrap();
    let proxy = ProxyService::new(upstream, client, ProxySettings::default());
    let server = Server::of(proxy, Settings::default()).await;
    let coded = server
        .ask_until_encoded("/file.txt", Asked::Content(None))
        .await;
    assert_describes(&coded.body, &bytes, None);
    assert_eq!(coded.field("content-type"), "text/plain");
    let range = ContentRange {
        start: 1 << 20,
        length: 70_000,
    };
    let (got, meaning) = server.ask("/file.txt", Asked::Content(Some(range))).await;
    assert!(
        matches!(meaning, Meaning::ContentInformation { .. }),
        "{meaning:?}"
    );
    assert_describes(&got.body, &bytes, Some(range));
    let (missing, _) = server.ask("/file.txt", Asked::MissingData(range)).await;
    assert!(missing.body == bytes[1 << 20..(1 << 20) + 70_000]);
    // A client that knows gzip and not this coding still gets gzip.
    let zipped = server
        .get("/file.txt", &[("accept-encoding", "gzip")])
        .await;
    assert_eq!(zipped.field("content-encoding"), "gzip");
    let plain = server.get("/file.txt", &[]).await;
    assert!(plain.body == bytes);
}
