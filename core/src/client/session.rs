//! MS-CCROD 2.8.2: a segment retrieval session, the servers it asks and what it asks each of them next.
//! Invariant: a block is idle, or asked of exactly one server, or left the session.
//! Byte order: none.

use super::ports::{DiscoveryToken, DownloadToken};
use crate::content::SegmentId;
use crate::retrieval::client::Peer;
use crate::retrieval::{BlockIndex, BlockSet};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SessionKey(pub(super) u64);

#[derive(Debug)]
pub(super) struct Session {
    pub(super) download: DownloadToken,
    pub(super) segment: usize,
    pub(super) id: SegmentId,
    /// Whether it is the hosted cache that is asked.
    pub(super) is_hosted: bool,
    /// Whether so few blocks are wanted that they are fetched without a list.
    pub(super) is_simple: bool,
    /// All that the session is to fetch.
    pub(super) wanted: BlockSet,
    pub(super) idle: BlockSet,
    /// Requests outstanding, and blocks that are being verified.
    pub(super) asked: u32,
    pub(super) discovery: Option<DiscoveryToken>,
    pub(super) servers: Vec<Server>,
}

/// A server, as one session knows it. Its status is derived: busy while something is asked of it, complete when there
/// is no work for it, else free.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) peer: Peer,
    pub(super) ranges: Ranges,
    /// Blocks that it said it does not have.
    pub(super) refused: BlockSet,
    pub(super) asked: u32,
    pub(super) list_failures: u32,
    /// Whether it failed and is not asked any more.
    pub(super) is_gone: bool,
}

/// What a server has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ranges {
    Unknown,
    Asked,
    Known(BlockSet),
}

/// What to ask of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Work {
    List,
    Block(BlockIndex),
    Nothing,
}

impl Server {
    const fn new(peer: Peer) -> Self {
        Self {
            peer,
            ranges: Ranges::Unknown,
            refused: BlockSet::EMPTY,
            asked: 0,
            list_failures: 0,
            is_gone: false,
        }
    }

    /// What to ask next, among the idle blocks, from the place `from` on and around.
    pub(super) fn work(&self, idle: &BlockSet, is_simple: bool, from: u32) -> Work {
        let candidates = match self.ranges {
            _ if self.is_gone => return Work::Nothing,
            //= CCROD-2.8.2.4.1-03
            //= CCROD-2.8.2.3.2-04
            //= CCROD-2.8.2.5.3-03
            Ranges::Unknown if is_simple => *idle,
            //= CCROD-2.8.2.2.2-03
            //= CCROD-2.8.2.3.2-05
            //= CCROD-2.8.2.5.1-04
            Ranges::Unknown => return Work::List,
            Ranges::Asked => return Work::Nothing,
            //= CCROD-2.8.2.4.1-04
            //= CCROD-2.8.2.5.3-04
            Ranges::Known(ranges) => idle.intersection(&ranges),
        };
        let candidates = candidates.difference(&self.refused);
        let next = candidates.first_from(from);
        let next = next.or_else(|| candidates.first_from(0));
        next.map_or(Work::Nothing, Work::Block)
    }
}

impl Session {
    /// Adds a server, or makes one that has nothing to do room for it.
    pub(super) fn add(&mut self, peer: Peer, limit: u32) {
        if self.servers.iter().any(|server| server.peer == peer) {
            return;
        }
        if self.servers.len() >= limit as usize {
            let (idle, is_simple) = (self.idle, self.is_simple);
            let useless = self.servers.iter().position(|server| {
                server.asked == 0 && server.work(&idle, is_simple, 0) == Work::Nothing
            });
            let Some(at) = useless else { return };
            self.servers.remove(at);
        }
        self.servers.push(Server::new(peer));
    }

    /// Takes out a server that had to leave the list, unless it is at work.
    pub(super) fn evict(&mut self, peer: Peer) {
        self.servers
            .retain(|server| server.peer != peer || server.asked > 0);
    }

    pub(super) fn server(&mut self, peer: Peer) -> Option<&mut Server> {
        self.servers.iter_mut().find(|server| server.peer == peer)
    }

    /// A request came to its end.
    pub(super) fn release(&mut self, peer: Peer) {
        self.asked = self.asked.saturating_sub(1);
        if let Some(server) = self.server(peer) {
            server.asked = server.asked.saturating_sub(1);
        }
    }

    /// Whether nothing more can come of it.
    //= CCROD-2.8.2.4.3-02
    //= CCROD-2.8.2.5.5-02
    pub(super) fn is_stuck(&self) -> bool {
        let has_work =
            |server: &Server| server.work(&self.idle, self.is_simple, 0) != Work::Nothing;
        self.asked == 0 && self.discovery.is_none() && !self.servers.iter().any(has_work)
    }

    /// Whether anybody was found at all.
    pub(super) fn has_servers(&self) -> bool {
        !self.servers.is_empty()
    }
}
