//! A peer beside nginx under the same load: encrypted blocks of 64 KiB beside plain files of 64 KiB, and block lists
//! and empty answers beside files of 128 bytes. Both serve from a process of their own, over the loopback interface.
//! Run with `cargo run --release -p peerdist-node --example peer_rate`; seconds of a round may follow, then rounds.

#![expect(
    clippy::unwrap_used,
    reason = "a measurement that cannot go on ends where it stands"
)]

#[expect(dead_code, reason = "tests use more of it")]
#[path = "../tests/peer/filled.rs"]
mod filled;
#[path = "../tests/peer/load.rs"]
mod load;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use load::{Done, load};
use peerdist::content::SegmentId;
use peerdist::hash::Digest;
use rustix::process::{Pid, Signal, kill_process};

const CONNECTIONS: usize = 32;

/// A process that ends with us.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // nginx ends its workers only when it is asked to end.
        let process = Pid::from_child(&self.0);
        let _ = kill_process(process, Signal::TERM);
        let _ = self.0.wait();
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let first = arguments.next();
    if first.as_deref() == Some("serve") {
        return serve(Path::new(&arguments.next().unwrap()));
    }
    let seconds = first.map_or(3.0, |text| text.parse().unwrap());
    let rounds = arguments.next().map_or(5, |text| text.parse().unwrap());
    let directory = tempfile::tempdir().unwrap();
    let (_peer, at, segment) = start_peer(directory.path());
    let Some((_nginx, rival)) = start_nginx(directory.path()) else {
        eprintln!("NOT RUN: there is no nginx");
        return;
    };
    let missing = SegmentId(Digest::try_from(&[9; 32][..]).unwrap());
    let blocks: Vec<_> = (0..64)
        .map(|index| filled::ask_for_block(segment, index))
        .collect();
    let file = |name: &str| vec![format!("GET /{name} HTTP/1.1\r\nHost: a\r\n\r\n").into_bytes()];
    let large: Vec<_> = (0..64)
        .flat_map(|number| file(&format!("large{number}")))
        .collect();
    let (large, small) = (Arc::new(large), Arc::new(file("small")));
    let rows = [
        ("GETBLKS 64 KiB, encrypted", blocks, &large, 65_536),
        (
            "GETBLKLIST",
            vec![filled::ask_for_list(segment)],
            &small,
            40,
        ),
        (
            "GETBLKS, not there",
            vec![filled::ask_for_block(missing, 0)],
            &small,
            40,
        ),
    ];
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    for (name, requests, files, least) in rows {
        let requests = Arc::new(requests);
        let time = Duration::from_secs_f64(seconds);
        let run = |to, requests: &Arc<Vec<Vec<u8>>>| {
            let done = runtime.block_on(load(to, CONNECTIONS, time, Arc::clone(requests), least));
            assert_eq!(done.errors, 0, "{name}: {done:?}");
            rate(&done)
        };
        let mut pairs: Vec<_> = (0..rounds)
            .map(|_| (run(at, &requests), run(rival, files)))
            .collect();
        pairs.sort_by(|a, b| (a.0 / a.1).total_cmp(&(b.0 / b.1)));
        let (ours, theirs) = pairs[pairs.len() / 2];
        println!(
            "{name:28} {ours:9.0} a second, nginx {theirs:9.0}, ratio {:.2}",
            ours / theirs
        );
    }
}

fn rate(done: &Done) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a count of answers is small")]
    let answers = done.answers as f64;
    answers / done.seconds
}

fn serve(directory: &Path) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let filled = filled::filled(directory, &filled::content());
        let running = filled::serve(&filled.store, |_| ()).await;
        println!("{} {}", running.at, filled.segment);
        std::io::stdout().flush().unwrap();
        std::future::pending::<()>().await;
    });
}

fn start_peer(directory: &Path) -> (Server, SocketAddr, SegmentId) {
    let store = directory.join("store");
    let mut child = Command::new(std::env::current_exe().unwrap())
        .arg("serve")
        .arg(&store)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let output = child.stdout.take().unwrap();
    BufReader::new(output).read_line(&mut line).unwrap();
    let (at, segment) = line.trim().split_once(' ').unwrap();
    let bytes: Vec<u8> = (0..segment.len() / 2)
        .map(|at| u8::from_str_radix(&segment[2 * at..2 * at + 2], 16).unwrap())
        .collect();
    let segment = SegmentId(Digest::try_from(&bytes[..]).unwrap());
    (Server(child), at.parse().unwrap(), segment)
}

fn start_nginx(directory: &Path) -> Option<(Server, SocketAddr)> {
    let root = directory.join("files");
    fs::create_dir(&root).unwrap();
    for (number, part) in filled::content().chunks(65_536).enumerate() {
        fs::write(root.join(format!("large{number}")), part).unwrap();
    }
    fs::write(root.join("small"), [b'x'; 128]).unwrap();
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = free.local_addr().unwrap();
    drop(free);
    let (root, here) = (root.display(), directory.display());
    let config = format!(
        "daemon off; worker_processes auto; pid {here}/pid; error_log {here}/error.log; \
         user root; events {{ worker_connections 4096; }} \
         http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000000; \
         open_file_cache max=1000; client_body_temp_path {here}; \
         proxy_temp_path {here}; fastcgi_temp_path {here}; uwsgi_temp_path {here}; \
         scgi_temp_path {here}; server {{ listen {at}; root {root}; }} }}"
    );
    let file = directory.join("nginx.conf");
    fs::write(&file, config).unwrap();
    let child = Command::new("nginx")
        .arg("-c")
        .arg(&file)
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let server = Server(child);
    for _ in 0..100 {
        if TcpStream::connect(at).is_ok() {
            return Some((server, at));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    None
}
