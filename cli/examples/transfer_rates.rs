//! Whole files over the loopback interface, beside nginx and in turn.
//!
//! - `get`: `peerdist get` of a file that one peer has, beside `curl` of the same file from nginx: every block decrypted,
//!   verified and written there, written here. The peer is found by multicast.
//! - `serve`: `curl` of a file from `peerdist serve`, beside `curl` of it from nginx with sendfile off.
//!
//! Run with `cargo build --release -p peerdist-cli`, then `cargo run --release -p peerdist-cli --example transfer_rates`;
//! `get` or `serve` may follow, then MiB, then rounds.

#![expect(
    clippy::unwrap_used,
    reason = "a measurement that cannot go on ends where it stands"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "it measures how long things take"
)]

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// How long a file rests before it is hashed, and a little.
const REST: Duration = Duration::from_millis(2_500);
/// How often the origin is asked whether it has hashed the file by now.
const ASKS_MOST: u32 = 60;

/// A process that ends with us.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // nginx ends its workers only when it is asked to end.
        let _ = kill_process(Pid::from_child(&self.0), Signal::TERM);
        let _ = self.0.wait();
    }
}

struct Room {
    directory: TempDir,
    peerdist: PathBuf,
    length: usize,
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let which = arguments.next();
    let mebibytes = arguments.next().map(|text| text.parse().unwrap());
    let rounds: usize = arguments.next().map_or(7, |text| text.parse().unwrap());
    // target/release/examples/transfer_rates beside target/release/peerdist
    let own = std::env::current_exe().unwrap();
    let peerdist = own.parent().unwrap().parent().unwrap().join("peerdist");
    let has_curl = Command::new("curl").arg("--version").output().is_ok();
    if !peerdist.exists() || !has_curl {
        eprintln!("NOT RUN: {} and curl are needed", peerdist.display());
        return;
    }
    let is_wanted = |name| which.as_deref().is_none_or(|which| which == name);
    if is_wanted("get") {
        measure(Room::new(&peerdist, mebibytes.unwrap_or(256)), rounds, get);
    }
    if is_wanted("serve") {
        measure(
            Room::new(&peerdist, mebibytes.unwrap_or(1024)),
            rounds,
            serve,
        );
    }
}

/// One side of a measurement, which leaves a file of this name, or none.
struct Side<'a>(Option<&'static str>, Box<dyn Fn() + 'a>);

/// What is measured: its name, ours and theirs. The servers live as long as they are measured.
struct Sides<'a> {
    name: &'static str,
    ours: Side<'a>,
    theirs: Side<'a>,
    _servers: Vec<Server>,
}

fn measure(room: Room, rounds: usize, sides: impl FnOnce(&Room) -> Option<Sides<'_>>) {
    let Some(sides) = sides(&room) else {
        eprintln!("NOT RUN: there is no nginx");
        return;
    };
    let mut pairs: Vec<_> = (0..rounds)
        .map(|_| (room.timed(&sides.ours), room.timed(&sides.theirs)))
        .collect();
    pairs.sort_by(|a, b| (a.1 / a.0).total_cmp(&(b.1 / b.0)));
    let (ours, theirs) = pairs[pairs.len() / 2];
    #[expect(clippy::cast_precision_loss, reason = "megabytes are few")]
    let megabytes = room.length as f64 / 1e6;
    println!(
        "{}: {} MiB: ours {:.0} MB/s, curl from nginx {:.0} MB/s, ratio {:.2} (median of {rounds}; {:.2} to {:.2})",
        sides.name,
        room.length >> 20,
        megabytes / ours,
        megabytes / theirs,
        theirs / ours,
        pairs[0].1 / pairs[0].0,
        pairs[rounds - 1].1 / pairs[rounds - 1].0
    );
}

fn get(room: &Room) -> Option<Sides<'_>> {
    let (nginx, rival) = room.nginx("on")?;
    std::thread::sleep(REST);
    let (origin, line) =
        room.serve("serve --root root --listen 127.0.0.1:0 --cache-dir origin-cache");
    let url = line.split_whitespace().last().unwrap();
    let url = format!("{url}content");
    room.until_hashed(&url);
    room.run(&format!("get {url} --mode local --store store -o filling"));
    let (peer, _) = room.serve("peer --store store --listen 127.0.0.1:0 --interface 127.0.0.1");
    let get = format!("get {url} --mode distributed --interface 127.0.0.1 --share-for 0 -o got");
    let said = room.run(&format!("{get} --json"));
    assert!(
        said.contains(&format!("\"bytes_from_peers\": {}", room.length)),
        "not all of it is from the peer: {said}"
    );
    let ours = move || drop(room.run(&get));
    Some(Sides {
        name: "get",
        ours: Side(Some("got"), Box::new(ours)),
        theirs: Side(
            Some("curled"),
            Box::new(move || room.curl(&rival, "curled")),
        ),
        _servers: vec![nginx, origin, peer],
    })
}

fn serve(room: &Room) -> Option<Sides<'_>> {
    let (nginx, rival) = room.nginx("off")?;
    let (origin, line) =
        room.serve("serve --root root --listen 127.0.0.1:0 --cache-dir origin-cache");
    let url = line.split_whitespace().last().unwrap();
    let url = format!("{url}content");
    Some(Sides {
        name: "serve",
        ours: Side(None, Box::new(move || room.curl(&url, "/dev/null"))),
        theirs: Side(None, Box::new(move || room.curl(&rival, "/dev/null"))),
        _servers: vec![nginx, origin],
    })
}

impl Room {
    fn new(peerdist: &Path, mebibytes: usize) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let length = mebibytes << 20;
        fs::create_dir(directory.path().join("root")).unwrap();
        fs::write(directory.path().join("root/content"), content(length)).unwrap();
        Self {
            directory,
            peerdist: peerdist.to_owned(),
            length,
        }
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(&self.peerdist);
        command
            .args(line.split_whitespace())
            .current_dir(self.directory.path());
        command
    }

    fn run(&self, line: &str) -> String {
        let ended = self.command(line).output().unwrap();
        assert!(ended.status.success(), "peerdist {line}: {ended:?}");
        String::from_utf8(ended.stdout).unwrap()
    }

    /// Starts it, and returns the line that says where.
    fn serve(&self, line: &str) -> (Server, String) {
        let mut child = self.command(line).stdout(Stdio::piped()).spawn().unwrap();
        let mut told = String::new();
        let output = child.stdout.take().unwrap();
        BufReader::new(output).read_line(&mut told).unwrap();
        (Server(child), told)
    }

    fn until_hashed(&self, url: &str) {
        for _ in 0..ASKS_MOST {
            let said = self.run(&format!("get {url} --mode local --json -o asked"));
            if !said.contains("\"metadata_bytes\": 0,") {
                return;
            }
            std::thread::sleep(Duration::from_millis(500));
        }
        panic!("the origin does not hash");
    }

    fn curl(&self, url: &str, into: &str) {
        let ended = Command::new("curl")
            .args(["--silent", "--fail", "--output", into, url])
            .current_dir(self.directory.path())
            .status();
        assert!(ended.unwrap().success());
    }

    /// Seconds; a file that is left is looked at and removed.
    fn timed(&self, Side(file, run): &Side<'_>) -> f64 {
        let started = Instant::now();
        run();
        let took = started.elapsed().as_secs_f64();
        if let Some(file) = file {
            let file = self.directory.path().join(file);
            assert_eq!(fs::metadata(&file).unwrap().len(), self.length as u64);
            fs::remove_file(file).unwrap();
        }
        took
    }

    fn nginx(&self, sendfile: &str) -> Option<(Server, String)> {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = free.local_addr().unwrap();
        drop(free);
        let here = self.directory.path().display();
        let config = format!(
            "daemon off; worker_processes auto; pid {here}/pid; error_log {here}/error.log; user root; \
             events {{ worker_connections 4096; }} http {{ access_log off; sendfile {sendfile}; tcp_nopush on; \
             client_body_temp_path {here}; proxy_temp_path {here}; fastcgi_temp_path {here}; \
             uwsgi_temp_path {here}; scgi_temp_path {here}; server {{ listen {at}; root {here}/root; }} }}"
        );
        let file = self.directory.path().join("nginx.conf");
        fs::write(&file, config).unwrap();
        let child = start_nginx(&file)?;
        let server = Server(child);
        for _ in 0..100 {
            if TcpStream::connect(at).is_ok() {
                return Some((server, format!("http://{at}/content")));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        None
    }
}

fn start_nginx(config: &Path) -> Option<Child> {
    let mut command = Command::new("nginx");
    command.arg("-c").arg(config).stderr(Stdio::null());
    command.spawn().ok()
}

/// Bytes that look random and are always the same.
fn content(length: usize) -> Vec<u8> {
    let words = (1..=length.div_ceil(8) as u64).map(|at| {
        let at = at.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (at ^ at >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9)
    });
    let mut bytes: Vec<u8> = words.flat_map(u64::to_be_bytes).collect();
    bytes.truncate(length);
    bytes
}
