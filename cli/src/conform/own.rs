//! `peerdist conform self`: this implementation, started as anybody would start it, and judged as any other.
//! Invariant: everything that is started here ends with the command, and listens on the loopback interface alone.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::args::{OwnArgs, Probe, TargetArgs};
use super::{output, selected, settings, targets};
use crate::failure::Failure;
use crate::print::hex;

/// How long a server may take to say where it listens.
const STARTING: Duration = Duration::from_secs(20);
/// Clients that the peer serves at a time: more than cases run at a time, few enough to be kept busy.
const CLIENTS: NonZeroUsize = NonZeroUsize::new(48).unwrap();
/// More than a segment of version 1.0.
const LONG_BYTES: usize = (32 << 20) + 65_536 + 777;
const LONG_PIECE_BYTES: usize = 1 << 20;
/// Three blocks of version 1.0 and a short one of odd length.
const CONTENT_BYTES: usize = 3 * 65_536 + 10_001;
pub(super) fn run(args: &OwnArgs) -> Result<ExitCode, Failure> {
    let cases = selected(&args.select)?;
    let settings = settings(&args.judge)?;
    output::prepare(&args.judge)?;
    let stage = Stage::set()?;
    let mut named = targets::of(&stage.targets)?;
    for (role, command) in &stage.commands {
        named.names.insert(role, command.clone());
    }
    output::judge(&cases, &named, &settings, &args.judge)
}

/// All roles, running.
struct Stage {
    targets: TargetArgs,
    commands: Vec<(&'static str, String)>,
    _servers: Vec<Server>,
    _folder: tempfile::TempDir,
}

impl Stage {
    fn set() -> Result<Self, Failure> {
        let folder = tempfile::tempdir().map_err(|error| {
            Failure::unreachable(format_args!("no temporary directory: {error}"))
        })?;
        let program = Program::new(folder.path())?;
        let root = program.path("root");
        fs::create_dir(&root).map_err(|error| not_made(&root, &error))?;
        let mut key = [0; 32];
        fill(&mut key)?;
        let secret = program.path("key");
        fs::write(&secret, key).map_err(|error| not_made(&secret, &error))?;
        let mut contents = Vec::new();
        // A server that has one version of a file's hashes ready may give them to who asks for the other.
        for name in ["v1", "v2", "served"] {
            let mut content = vec![0; CONTENT_BYTES];
            fill(&mut content)?;
            let path = root.join(name);
            fs::write(&path, &content).map_err(|error| not_made(&path, &error))?;
            contents.push(path);
        }
        let long = root.join("long");
        write_long(&long)?;
        let text = |path: &Path| path.display().to_string();
        let store = text(&program.path("store"));
        let key_file = text(&secret);
        let mut servers = Vec::new();
        let serve = program.serve(&[
            "serve",
            "--root",
            &text(&root),
            "--listen",
            "127.0.0.1:0",
            "--cache-dir",
            &text(&program.path("cache")),
            "--secret-file",
            &key_file,
            "--min-bytes",
            "0",
        ])?;
        let origin = serve.url("http://")?;
        servers.push(serve);
        let mut infos = Vec::new();
        for (version, content) in [("1", &contents[0]), ("2", &contents[1])] {
            let info = program.path(&format!("info-{version}"));
            let name = format!("v{version}");
            program.call(&[
                "info",
                "create",
                &text(content),
                "--version",
                version,
                "--secret-file",
                &key_file,
                "-o",
                &text(&info),
            ])?;
            program.call(&[
                "get",
                &format!("{origin}{name}"),
                "-o",
                &text(&program.path(&format!("{name}-fetched"))),
                "--store",
                &store,
                "--info-version",
                version,
                "--interface",
                "127.0.0.1",
                "--share-for",
                "0",
            ])?;
            infos.push(info);
        }
        let clients = CLIENTS.to_string();
        let peer = program.serve(&[
            "peer",
            "--store",
            &store,
            "--listen",
            "127.0.0.1:0",
            "--interface",
            "127.0.0.1",
            "--clients",
            &clients,
        ])?;
        let target = peer.address()?;
        servers.push(peer);
        let cache = program.serve_both(&[
            "hosted-cache",
            "--store",
            &text(&program.path("hosted")),
            "--http",
            "127.0.0.1:0",
            "--https",
            "127.0.0.1:0",
            "--self-signed",
        ])?;
        let (http, https) = (cache.url("http://")?, cache.url("https://")?);
        servers.push(cache);
        let cache = program.serve_both(&[
            "hosted-cache",
            "--store",
            &text(&program.path("authenticated")),
            "--http",
            "127.0.0.1:0",
            "--https",
            "127.0.0.1:0",
            "--self-signed",
            "--authenticate-clients",
        ])?;
        let authenticated = cache.url("https://")?;
        servers.push(cache);
        let program = text(&program.program);
        let quoted = format!("'{}'", program.replace('\'', "'\\''"));
        let client = format!(
            "{quoted} get {{url}} -o {{out}} --interface 127.0.0.1 --info-version {{version}}"
        );
        let fetch = format!("{client} --store {{store}} --share-for 0");
        let serve =
            format!("{quoted} peer --store {{store}} --listen {{address}} --interface 127.0.0.1");
        let hosted = format!(
            "{quoted} get {{url}} -o {{out}} --hosted {{hosted}} --info-version {{version}}"
        );
        let secured = format!(
            "{quoted} get {{url}} -o {{out}} --hosted https://{{hosted}} --hosted-port {{hosted_port}} \
             --cacert {{cacert}} --info-version {{version}}"
        );
        let maker = format!(
            "{quoted} info create {{content}} --secret-hex {{secret_hex}} --version {{version}} -o {{out}}"
        );
        let authority = |url: &str| {
            url.split("//")
                .nth(1)
                .unwrap_or_default()
                .trim_end_matches('/')
                .to_owned()
        };
        Ok(Self {
            commands: vec![
                ("client", "peerdist get".to_owned()),
                ("content-info", "peerdist info create".to_owned()),
                ("content-server", format!("peerdist serve, {origin}")),
                (
                    "hosted-cache",
                    format!("peerdist hosted-cache, {http} {https}"),
                ),
                ("peer", format!("peerdist peer, {target}")),
                ("responder", format!("peerdist peer, {target}")),
            ],
            targets: TargetArgs {
                url: Some(format!("{origin}served")),
                secret_hex: Some(hex(&key)),
                cacert: None,
                target: Some(target),
                client_limit: Some(CLIENTS),
                probe: Some(Probe::Multicast),
                interface: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
                info: infos,
                content: contents.pop(),
                long_url: Some(format!("{origin}long")),
                http: Some(authority(&http)),
                https: Some(authority(&https)),
                https_authenticated: Some(authority(&authenticated)),
                command: Some(client),
                hosted_command: Some(hosted),
                hosted_tls_command: Some(secured),
                fetch_command: Some(fetch),
                serve_command: Some(serve),
                exec: Some(maker),
            },
            _servers: servers,
            _folder: folder,
        })
    }
}

/// Two segments of version 1.0, of which the second has a block and a part of one.
fn write_long(path: &Path) -> Result<(), Failure> {
    let mut piece = vec![0; LONG_PIECE_BYTES];
    fill(&mut piece)?;
    let mut file = fs::File::create(path).map_err(|error| not_made(path, &error))?;
    let mut left = LONG_BYTES;
    let mut number = 0_u64;
    while left > 0 {
        piece[..8].copy_from_slice(&number.to_le_bytes());
        let count = left.min(piece.len());
        file.write_all(&piece[..count])
            .map_err(|error| not_made(path, &error))?;
        left -= count;
        number += 1;
    }
    Ok(())
}

fn fill(bytes: &mut [u8]) -> Result<(), Failure> {
    use rand::TryRng;
    rand::rngs::SysRng
        .try_fill_bytes(bytes)
        .map_err(|error| Failure::unreachable(format_args!("no randomness: {error}")))
}

fn not_made(path: &Path, error: &std::io::Error) -> Failure {
    Failure::unreachable(format_args!("cannot write {}: {error}", path.display()))
}

/// This program, to be started again.
struct Program {
    program: PathBuf,
    folder: PathBuf,
}

impl Program {
    fn new(folder: &Path) -> Result<Self, Failure> {
        let program = std::env::current_exe().map_err(|error| {
            Failure::unreachable(format_args!(
                "cannot find this program to start it: {error}"
            ))
        })?;
        Ok(Self {
            program,
            folder: folder.to_owned(),
        })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// A command that ends by itself and has to end well.
    fn call(&self, arguments: &[&str]) -> Result<(), Failure> {
        let name = arguments.first().copied().unwrap_or_default();
        let failed = |why: String| Failure::unreachable(format_args!("peerdist {name}: {why}"));
        let output = self
            .command(arguments)
            .output()
            .map_err(|error| failed(error.to_string()))?;
        if output.status.success() {
            return Ok(());
        }
        Err(failed(String::from_utf8_lossy(&output.stderr).into_owned()))
    }

    /// A server that says in a line where it listens.
    fn serve(&self, arguments: &[&str]) -> Result<Server, Failure> {
        self.started(arguments, 1)
    }

    /// One that says so in two lines.
    fn serve_both(&self, arguments: &[&str]) -> Result<Server, Failure> {
        self.started(arguments, 2)
    }

    fn started(&self, arguments: &[&str], places: usize) -> Result<Server, Failure> {
        let name = arguments.first().copied().unwrap_or_default();
        let failed = |why: String| Failure::unreachable(format_args!("peerdist {name}: {why}"));
        let mut child = self
            .command(arguments)
            .spawn()
            .map_err(|error| failed(error.to_string()))?;
        let output = child.stdout.take();
        let mut server = Server {
            child,
            lines: Vec::new(),
        };
        let (sender, lines) = mpsc::channel();
        if let Some(output) = output {
            thread::spawn(move || {
                for line in BufReader::new(output).lines().map_while(Result::ok) {
                    if sender.send(line).is_err() {
                        break;
                    }
                }
            });
        }
        let says_where = |line: &&String| line.contains(" at ");
        while server.lines.iter().filter(says_where).count() < places {
            match lines.recv_timeout(STARTING) {
                Ok(line) => server.lines.push(line),
                Err(_) => {
                    let mut said = String::new();
                    // It is stopped first, so that what it said has an end.
                    let _ = server.child.kill();
                    if let Some(mut errors) = server.child.stderr.take() {
                        let _ = errors.read_to_string(&mut said);
                    }
                    return Err(failed(format!("it does not say where it listens {said}")));
                }
            }
        }
        // What it says later is read and dropped, so that it never waits for a reader.
        thread::spawn(move || for _ in lines {});
        if let Some(mut errors) = server.child.stderr.take() {
            thread::spawn(move || std::io::copy(&mut errors, &mut std::io::sink()));
        }
        Ok(server)
    }
}

/// A server of ours.
struct Server {
    child: Child,
    lines: Vec<String>,
}

impl Server {
    /// The first word of its lines that starts so.
    fn url(&self, scheme: &str) -> Result<String, Failure> {
        let mut words = self.lines.iter().flat_map(|line| line.split_whitespace());
        let found = words
            .find(|word| word.starts_with(scheme))
            .map(str::to_owned);
        found.ok_or_else(|| Failure::unreachable(format_args!("no {scheme} in {:?}", self.lines)))
    }

    /// What stands behind "at".
    fn address(&self) -> Result<String, Failure> {
        let mut behind = self.lines.iter().filter_map(|line| line.split_once(" at "));
        let found = behind
            .next()
            .and_then(|(_, rest)| rest.split([',', ' ']).next());
        let found = found.map(str::to_owned);
        found.ok_or_else(|| Failure::unreachable(format_args!("no address in {:?}", self.lines)))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
