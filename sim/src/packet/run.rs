//! An office from its first moment to the last download: hosts made, run by turmoil, and what came of it.
//! Invariant: the same office gives the same outcome, in whatever process and on whatever machine.
//! Unit: nanoseconds since the beginning; bytes.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use peerdist::content::Version;
use peerdist_node::get::Shares;
use peerdist_node::world;
use tempfile::TempDir;
use thiserror::Error;
use tokio_util::sync::CancellationToken;

use super::hosts::{self, ClientHost, Seat, seed_of};
use super::layout::SiteId;
use super::machine::{EPOCH_SECONDS, SimulatedMachine};
use super::network::HostNetwork;
use super::office::{Branch, Fault, Lan, Mode, Office};
use super::origin::{self, Change};
use super::shape::Rate;
use super::trace::{Event, Trace};
use super::watch::Record;
use super::wires::Wires;
use crate::series::Series;

/// Sites that have addresses, and hosts of a site.
const BRANCHES_MOST: usize = 255;
const CLIENTS_MOST: usize = 60_000;
/// Messages of a connection that turmoil carries at a time, and connections that wait to be accepted.
const TURMOIL_CAPACITY: usize = 1 << 14;
/// Where files are memory, on systems that have it.
const IN_MEMORY: &str = "/dev/shm";
const ORIGIN: u32 = 1;
const HOSTED_CACHE: u32 = 1;
const FIRST_CLIENT: u32 = 2;

/// Why there is no outcome.
#[derive(Debug, Error)]
pub enum Failure {
    /// It cannot be simulated as it is.
    #[error("the office cannot be simulated: {0}")]
    Office(String),
    /// The stores of its hosts cannot be made.
    #[error("no directory for the stores of the hosts in {}: {source}", path.display())]
    Directory {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A host could not go on.
    #[error("a host failed: {0}")]
    Host(String),
}

/// What a download brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Got {
    /// Where its bytes came from.
    pub shares: Shares,
    /// Bytes of content information.
    pub metadata_bytes: u64,
    /// Blocks of peers that were not what they should be.
    pub lies: u64,
    /// Messages of peers that were discarded.
    pub rejected: u64,
    /// Whether it is the content, to the byte.
    pub is_content: bool,
    /// Whether the store of the host has no more than it may.
    pub is_store_within: bool,
}

/// A download that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// The branch, by its place in the office.
    pub branch: usize,
    /// The client, by its place in the branch.
    pub client: usize,
    /// The download, by its place in the client.
    pub download: usize,
    /// What the host is called.
    pub host: String,
    /// The content, by its place in the office.
    pub content: usize,
    /// When it was to begin.
    pub began_ns: u64,
    /// When its last byte was there.
    pub ended_ns: u64,
    /// What it brought, or why it failed.
    pub result: Result<Got, String>,
}

/// How much a direction of a link was used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkUse {
    /// Such as `branch wan down`, `branch-1 lan up`.
    pub name: String,
    /// How fast it is.
    pub rate: Rate,
    /// Payload of connections, and datagrams.
    pub bytes: u64,
    /// How long it was busy with them.
    pub busy_ns: u64,
    /// Datagrams for which its queue was too full.
    pub dropped: u64,
    /// What it carried when, where it joins a site to the others.
    pub record: Option<Series>,
}

/// What came of an office.
#[derive(Debug)]
pub struct Outcome {
    /// Downloads in the order in which they ended.
    pub downloads: Vec<Finished>,
    /// Downloads that had not ended at the time limit.
    pub unfinished: usize,
    /// All links, those of the data centre first.
    pub links: Vec<LinkUse>,
    /// Bytes of datagrams that hosts of each branch sent, those to a group once: all of them are discovery.
    pub discovery_bytes: Vec<u64>,
    /// Where the content of the downloads of each branch came from when.
    pub sources: Vec<Series>,
    /// Payload that hosts gave to their links, for each that it went to.
    pub sent_bytes: u64,
    /// What of it came over the last link.
    pub received_bytes: u64,
    /// When it was over.
    pub ended_ns: u64,
    /// What happened.
    pub trace: Trace,
}

impl Outcome {
    /// A link by its name.
    #[must_use]
    pub fn link(&self, name: &str) -> Option<&LinkUse> {
        self.links.iter().find(|link| link.name == name)
    }
}

fn address(site: usize, host: u32) -> IpAddr {
    let [_, _, high, low] = host.to_be_bytes();
    Ipv4Addr::new(10, u8::try_from(site).unwrap_or(u8::MAX), high, low).into()
}

fn check(office: &Office) -> Result<(), Failure> {
    let refuse = |why: String| Err(Failure::Office(why));
    if office.tick_ns == 0 || !office.tick_ns.is_multiple_of(1_000_000) {
        return refuse(format!(
            "a tick of {} ns; timers have whole milliseconds",
            office.tick_ns
        ));
    }
    if office.branches.len() > BRANCHES_MOST {
        return refuse(format!(
            "{} branches; there are addresses for {BRANCHES_MOST}",
            office.branches.len()
        ));
    }
    for branch in &office.branches {
        let (name, clients) = (&branch.name, &branch.clients);
        if clients.len() > CLIENTS_MOST {
            return refuse(format!(
                "{} clients in {name}; there are addresses for {CLIENTS_MOST}",
                clients.len()
            ));
        }
        let wanted = clients.iter().flat_map(|client| &client.downloads);
        if let Some(wanted) = wanted
            .map(|download| download.content)
            .find(|content| *content >= office.contents.len())
        {
            return refuse(format!(
                "a client in {name} wants content {wanted}; there are {}, counted from 0",
                office.contents.len()
            ));
        }
    }
    if let Some(empty) = office.contents.iter().position(|one| one.bytes.is_empty()) {
        return refuse(format!("content {empty} is empty"));
    }
    Ok(())
}

/// What changes at the content server, in the order of time.
fn changes(faults: &[Fault]) -> Vec<Change> {
    let changes = faults.iter().filter_map(|fault| match *fault {
        Fault::NewVersion {
            content,
            becomes,
            from_ns,
        } => Some(Change {
            at_ns: from_ns,
            content,
            becomes,
        }),
        _ => None,
    });
    let mut changes: Vec<Change> = changes.collect();
    changes.sort_by_key(|change| change.at_ns);
    changes
}

fn directory(office: &Office) -> Result<TempDir, Failure> {
    let within = office.directory.clone().unwrap_or_else(|| {
        let in_memory = Path::new(IN_MEMORY);
        match in_memory.is_dir() {
            true => in_memory.to_owned(),
            false => std::env::temp_dir(),
        }
    });
    let made = tempfile::Builder::new()
        .prefix("peerdist-sim-")
        .tempdir_in(&within);
    made.map_err(|source| Failure::Directory {
        path: within,
        source,
    })
}

/// What becomes of a host, and when.
type Turn = (u64, IpAddr, String, bool);

struct Running<'a> {
    office: &'a Office,
    sim: turmoil::Sim<'a>,
    wires: Wires,
    directory: TempDir,
    contents: Vec<Bytes>,
    turns: Vec<Turn>,
    finished: Rc<RefCell<Vec<Finished>>>,
    records: Vec<Record>,
    changes: Vec<Change>,
}

/// Runs an office until every download has ended, or its time limit.
///
/// # Errors
/// [`Failure`] says what is wrong with it, or with this machine. That a download fails is an outcome.
pub fn run(office: &Office) -> Result<Outcome, Failure> {
    check(office)?;
    let seed = seed_of(office.seed, "", "machine");
    let _world = world::simulate(Rc::new(SimulatedMachine::new(&seed)));
    let mut builder = turmoil::Builder::new();
    let epoch = UNIX_EPOCH.checked_add(Duration::from_secs(EPOCH_SECONDS));
    builder
        .epoch(epoch.unwrap_or(UNIX_EPOCH))
        .tick_duration(Duration::from_nanos(office.tick_ns))
        .simulation_duration(Duration::MAX)
        .min_message_latency(Duration::ZERO)
        .max_message_latency(Duration::ZERO)
        .tcp_capacity(TURMOIL_CAPACITY)
        .udp_capacity(TURMOIL_CAPACITY)
        .rng_seed(office.seed);
    let mut running = Running {
        office,
        sim: builder.build(),
        wires: Wires::new(office.window_bytes.max(1), Trace::new(office.events_limit)),
        directory: directory(office)?,
        contents: office
            .contents
            .iter()
            .map(|one| one.bytes.clone())
            .collect(),
        turns: Vec::new(),
        finished: Rc::default(),
        records: Vec::new(),
        changes: changes(&office.faults),
    };
    running.add_data_centre();
    for (number, branch) in office.branches.iter().enumerate() {
        running.add_branch(number, branch)?;
    }
    running.turns.sort();
    running.go()
}

impl Running<'_> {
    fn add_host(&self, name: &str, address: IpAddr, site: SiteId, lan: &Lan) -> HostNetwork {
        self.wires.add_host(name, address, site, (lan.up, lan.down));
        HostNetwork {
            wires: self.wires.clone(),
            address,
        }
    }

    fn add_data_centre(&mut self) {
        let office = self.office;
        let centre = &office.data_centre;
        let wan = centre.wan.map(|wan| (wan.up, wan.down, wan.quality));
        let name = "data-centre";
        let seed = seed_of(office.seed, name, "site");
        let site = self.wires.add_site(name, &seed, centre.lan.quality, wan);
        let at = address(0, ORIGIN);
        let network = self.add_host("origin", at, site, &centre.lan);
        let clients = office.branches.iter().flat_map(|branch| &branch.clients);
        let versions: BTreeSet<Version> = clients
            .filter(|client| client.policy.mode != Mode::Off)
            .map(|client| client.policy.version)
            .collect();
        let versions: Vec<_> = versions.into_iter().collect();
        let (contents, changes, seed) = (
            self.contents.clone(),
            self.changes.clone(),
            seed_of(office.seed, "origin", "secret"),
        );
        self.sim.host(at, move || {
            let stop = CancellationToken::new();
            origin::run(
                network.clone(),
                contents.clone(),
                changes.clone(),
                versions.clone(),
                seed,
                stop,
            )
        });
    }

    fn add_branch(&mut self, number: usize, branch: &Branch) -> Result<(), Failure> {
        let seed = self.office.seed;
        let wan = (branch.wan.up, branch.wan.down, branch.wan.quality);
        let site_seed = seed_of(seed, &branch.name, "site");
        let lan = branch.lan.quality;
        let site = self
            .wires
            .add_site(&branch.name, &site_seed, lan, Some(wan));
        for fault in &self.office.faults {
            if let Fault::WanDown {
                branch,
                from_ns,
                until_ns,
            } = *fault
                && branch == number
            {
                self.wires.add_outage(site, from_ns, until_ns);
            }
        }
        self.add_splits(number, site, branch.clients.len());
        let record = Record::default();
        self.records.push(Arc::clone(&record));
        let hosted_cache = address(number + 1, HOSTED_CACHE);
        let mut clients = branch.clients.iter();
        if clients.any(|client| client.policy.mode == Mode::Hosted) {
            let name = format!("{}-cache", branch.name);
            let seat = self.seat(name, hosted_cache, site, &branch.lan)?;
            let bytes = branch.hosted_cache_bytes;
            let name = seat.name.clone();
            self.sim.host(hosted_cache, move || {
                hosts::hosted_cache(seat.clone(), bytes)
            });
            self.add_faults((number, branch.clients.len()), hosted_cache, &name);
        }
        for (place, client) in (0_u32..).zip(&branch.clients) {
            let at = address(number + 1, FIRST_CLIENT + place);
            let name = format!("{}-{}", branch.name, place + 1);
            let host = ClientHost {
                seat: self.seat(name, at, site, client.lan.as_ref().unwrap_or(&branch.lan))?,
                tuning: client.tuning.clone(),
                place: (number, place as usize),
                policy: client.policy,
                downloads: client.downloads.clone(),
                contents: self.contents.clone(),
                origin: address(0, ORIGIN),
                hosted_cache,
                finished: Rc::clone(&self.finished),
                record: Arc::clone(&record),
                kept: Rc::default(),
                changes: self.changes.clone(),
                begin_again_ns: self.office.begin_again_ns,
            };
            let name = host.seat.name.clone();
            self.sim.host(at, move || hosts::client(host.clone()));
            self.add_faults((number, place as usize), at, &name);
        }
        Ok(())
    }

    fn add_faults(&mut self, place: (usize, usize), at: IpAddr, name: &str) {
        for fault in &self.office.faults {
            if let Fault::HostDown {
                branch,
                client,
                from_ns,
                until_ns,
            } = *fault
                && (branch, client) == place
            {
                self.turns.push((from_ns, at, name.to_owned(), false));
                let back = until_ns.map(|until| (until, at, name.to_owned(), true));
                self.turns.extend(back);
            }
            match *fault {
                Fault::CutFromOrigin {
                    branch,
                    client,
                    from_ns,
                    until_ns,
                } if (branch, client) == place => {
                    self.wires.add_host_outage(at, from_ns, until_ns);
                }
                Fault::Serves {
                    branch,
                    client,
                    how,
                    from_ns,
                    until_ns,
                } if (branch, client) == place => {
                    self.wires.add_serving(at, how, from_ns, until_ns);
                }
                _ => {}
            }
        }
    }

    /// Sides of a branch that do not reach each other.
    fn add_splits(&self, number: usize, site: SiteId, clients: usize) {
        for fault in &self.office.faults {
            if let Fault::CutFromNeighbours {
                branch,
                clients: side,
                from_ns,
                until_ns,
            } = fault
                && *branch == number
            {
                let side = side.iter().map(|&place| match u32::try_from(place) {
                    Ok(place_32) if place < clients => {
                        address(number + 1, FIRST_CLIENT.saturating_add(place_32))
                    }
                    _ => address(number + 1, HOSTED_CACHE),
                });
                let side: BTreeSet<IpAddr> = side.collect();
                self.wires.add_split(site, side, *from_ns, *until_ns);
            }
        }
    }

    /// Does to hosts what is due.
    fn take_turns(&mut self) {
        let elapsed = u64::try_from(self.sim.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let due = self.turns.partition_point(|(when, ..)| *when <= elapsed);
        for (_, at, host, is_back) in self.turns.drain(..due) {
            if is_back {
                self.wires.note_at(elapsed, Event::Back { host });
                self.sim.bounce(at);
            } else {
                self.wires.note_at(elapsed, Event::Down { host });
                self.sim.crash(at);
            }
        }
    }

    fn seat(&self, name: String, at: IpAddr, site: SiteId, lan: &Lan) -> Result<Seat, Failure> {
        let directory = self.directory.path().join(at.to_string());
        std::fs::create_dir(&directory).map_err(|source| Failure::Directory {
            path: directory.clone(),
            source,
        })?;
        Ok(Seat {
            network: self.add_host(&name, at, site, lan),
            name,
            directory,
            seed: self.office.seed,
        })
    }

    fn go(mut self) -> Result<Outcome, Failure> {
        let clients = self
            .office
            .branches
            .iter()
            .flat_map(|branch| &branch.clients);
        let wanted: usize = clients.map(|client| client.downloads.len()).sum();
        let limit = Duration::from_nanos(self.office.time_limit_ns);
        while self.finished.borrow().len() < wanted && self.sim.elapsed() < limit {
            self.take_turns();
            let stepped = self.sim.step();
            stepped.map_err(|error| Failure::Host(error.to_string()))?;
        }
        let ended_ns = u64::try_from(self.sim.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let links = self.wires.links();
        let (sent_bytes, received_bytes) = self.wires.bytes();
        // What hosts do as they end is no part of it.
        let trace = self.wires.take_trace();
        let downloads = self.finished.take();
        drop(self.sim);
        let sources = self.records.iter().map(|record| {
            let record = record.lock().unwrap_or_else(PoisonError::into_inner);
            record.clone()
        });
        Ok(Outcome {
            unfinished: wanted - downloads.len(),
            downloads,
            links,
            // The first site is the data centre.
            discovery_bytes: self.wires.datagram_bytes().into_iter().skip(1).collect(),
            sources: sources.collect(),
            sent_bytes,
            received_bytes,
            ended_ns,
            trace,
        })
    }
}
