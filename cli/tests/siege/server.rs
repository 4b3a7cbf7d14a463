//! A server in a process of its own.
//! Invariant: it is ended with whoever holds it.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use peerdist::content::create::Creator;
use peerdist::content::{BLOCK_BYTES, ContentInfo, SecretKey, SegmentId};
use peerdist::hash::HashAlgorithm;
use peerdist::retrieval::BlockIndex;
use peerdist_node::store::{SegmentFacts, Store, StoreSettings, wall_clock};
use rustix::process::{Pid, Signal, kill_process};

#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    pub(crate) ports: Vec<SocketAddr>,
    /// Where it takes datagrams, if anywhere.
    pub(crate) datagrams: Option<u16>,
}

impl Server {
    /// Starts a command that says on its first lines where it listens.
    pub(crate) fn start(
        room: &Path,
        command: &[&str],
        options: &[(&str, &str)],
        ports: usize,
    ) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_peerdist"))
            .args(command)
            .args(options.iter().flat_map(|(name, value)| [name, value]))
            .current_dir(room)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut found = Vec::new();
        while found.len() < ports {
            let line = lines.next().expect("it says where it listens").unwrap();
            let words = line.split(|c: char| c.is_whitespace() || matches!(c, '/' | ','));
            found.extend(words.filter_map(|word| word.parse::<SocketAddr>().ok()));
        }
        found.truncate(ports);
        Self {
            child,
            ports: found,
            datagrams: None,
        }
    }

    fn status(&self, field: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let value = status.lines().find_map(|line| line.strip_prefix(field));
        let value = value.unwrap().trim().trim_end_matches(" kB");
        value.parse().unwrap()
    }

    pub(crate) fn resident_kib(&self) -> u64 {
        self.status("VmRSS:")
    }

    pub(crate) fn resident_most_kib(&self) -> u64 {
        self.status("VmHWM:")
    }

    /// It ends well when it is told to.
    pub(crate) fn end(mut self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A store with one segment of a hundred blocks.
pub(crate) fn filled(directory: &Path) -> SegmentId {
    let bytes: Vec<u8> = (0..100 * BLOCK_BYTES).map(|at| (at % 251) as u8).collect();
    let store = Store::open(directory, &StoreSettings::default()).unwrap();
    let key = SecretKey::new([1; 32]).unwrap();
    let mut creator = Creator::v1(HashAlgorithm::Sha256, &key).unwrap();
    creator.update(&bytes).unwrap();
    let info = creator.finish().unwrap().to_vec();
    let info = ContentInfo::decode(&info).unwrap();
    let segment = info.segments().next().unwrap();
    let (id, now) = (segment.id(), wall_clock());
    store
        .describe(now, &id, &SegmentFacts::of(&segment))
        .unwrap();
    for (index, block) in (0..).zip(bytes.chunks(BLOCK_BYTES as usize)) {
        let index = BlockIndex::new(index).unwrap();
        store.put_verified(now, &id, index, block).unwrap();
    }
    store.flush().unwrap();
    id
}
