//! Where the hosts are and which way leads from one to another: sites, links, and what cuts them off for a time.
//! Invariant: a path leads over the links of both ends in one order; what is drawn is drawn from one site's numbers.
//! Unit: nanoseconds since the beginning; payload bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use peerdist::entropy::Entropy;

use super::congestion::PACKET_BYTES;
use super::office::Serving;
use super::shape::{Link, LinkSettings, Quality, Rate};
use super::trace::Fate;
use crate::series::{Measure, Series};

/// What a sender gives to its links at a time, at least: the payload of an Ethernet frame.
const PIECE_BYTES_LEAST: u64 = 1_460;
/// Small enough that many connections together fill no queue of a local network.
const PIECE_BYTES_MOST: u64 = 16 << 10;
const MILLISECOND: u64 = 1_000_000;

/// A site, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SiteId(pub(super) usize);

/// Sites, hosts and links, by their numbers and addresses.
#[derive(Debug, Default)]
pub(super) struct Layout {
    pub(super) sites: Vec<Site>,
    pub(super) hosts: BTreeMap<IpAddr, Host>,
    pub(super) links: Vec<Link>,
}

#[derive(Debug)]
pub(super) struct Site {
    pub(super) lan: Quality,
    pub(super) wan: Option<SiteWan>,
    pub(super) entropy: Entropy,
    pub(super) datagram_bytes: u64,
    /// When its link to the others carries nothing.
    pub(super) outages: Vec<(u64, u64)>,
    /// When some of its hosts do not reach the others.
    pub(super) splits: Vec<(BTreeSet<IpAddr>, u64, u64)>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct SiteWan {
    pub(super) up: usize,
    pub(super) down: usize,
    pub(super) quality: Quality,
}

#[derive(Debug, Clone)]
pub(super) struct Host {
    pub(super) site: SiteId,
    pub(super) up: usize,
    pub(super) down: usize,
    /// When it does not reach other sites.
    pub(super) outages: Vec<(u64, u64)>,
    /// When it serves otherwise than it should.
    pub(super) serving: Vec<(Serving, u64, u64)>,
}

/// How bytes come from one host to another.
#[derive(Debug, Clone)]
pub(super) struct Path {
    /// Those that are taken when something is sent.
    pub(super) links: Vec<usize>,
    pub(super) quality: Quality,
    /// Whose numbers decide over jitter and loss.
    pub(super) site: SiteId,
    /// The sites whose links to the others it leads over.
    pub(super) crosses: Option<[SiteId; 2]>,
    pub(super) ends: [IpAddr; 2],
    pub(super) piece_bytes: u64,
}

impl Layout {
    pub(super) fn add_link(&mut self, name: String, settings: LinkSettings) -> usize {
        self.links.push(Link::new(name, settings));
        self.links.len() - 1
    }

    pub(super) fn record(&mut self, link: usize, what: Measure) {
        if let Some(link) = self.links.get_mut(link) {
            link.record = Some((what, Series::default()));
        }
    }

    fn rate(&self, link: usize) -> Rate {
        self.links
            .get(link)
            .map_or(Rate::UNLIMITED, |link| link.settings.rate)
    }

    /// `None`: it does not leave the host.
    pub(super) fn path(&self, from: IpAddr, to: IpAddr) -> Option<Path> {
        if from == to {
            return None;
        }
        let ends = [from, to];
        let (from, to) = (self.hosts.get(&from)?, self.hosts.get(&to)?);
        let (here, there) = (self.sites.get(from.site.0)?, self.sites.get(to.site.0)?);
        let mut links = vec![from.up];
        let mut parts = vec![here.lan];
        if from.site != to.site {
            links.extend(here.wan.map(|wan| wan.up));
            links.extend(there.wan.map(|wan| wan.down));
            parts.extend(here.wan.iter().chain(&there.wan).map(|wan| wan.quality));
            parts.push(there.lan);
        }
        let arriving = parts.iter().fold(1_000_000, |arriving: u64, part| {
            arriving * u64::from(1_000_000_u32.saturating_sub(part.lost_per_million)) / 1_000_000
        });
        let all = links.iter().chain([&to.down]);
        let in_a_millisecond = all.map(|link| self.rate(*link).bytes_in(MILLISECOND)).min();
        Some(Path {
            quality: Quality {
                latency_ns: parts.iter().map(|part| part.latency_ns).sum(),
                jitter_ns: parts.iter().map(|part| part.jitter_ns).sum(),
                lost_per_million: u32::try_from(1_000_000 - arriving).unwrap_or(u32::MAX),
            },
            site: from.site.max(to.site),
            ends,
            crosses: (from.site != to.site).then_some([from.site, to.site]),
            piece_bytes: in_a_millisecond
                .unwrap_or(PIECE_BYTES_MOST)
                .clamp(PIECE_BYTES_LEAST, PIECE_BYTES_MOST),
            links,
        })
    }

    /// Until when nothing passes.
    pub(super) fn outage(&self, path: &Path, now: u64) -> Option<u64> {
        let sites = path.crosses.iter().flatten();
        let sites = sites.filter_map(|site| self.sites.get(site.0));
        let hosts = path.ends.iter().filter_map(|end| self.hosts.get(end));
        let hosts = hosts.filter(|_| path.crosses.is_some());
        let [one, other] = &path.ends;
        let split = self
            .sites
            .get(path.site.0)
            .filter(|_| path.crosses.is_none());
        let splits = split.into_iter().flat_map(|site| &site.splits);
        let splits = splits.filter(|(side, ..)| side.contains(one) != side.contains(other));
        let outages = sites
            .flat_map(|site| &site.outages)
            .chain(hosts.flat_map(|host| &host.outages))
            .copied()
            .chain(splits.map(|(_, from, until)| (*from, *until)));
        let present = outages.filter(|(from, until)| (*from..*until).contains(&now));
        present.map(|(_, until)| until).max()
    }

    pub(super) fn jitter(&mut self, path: &Path) -> u64 {
        match self.sites.get_mut(path.site.0) {
            Some(site) if path.quality.jitter_ns > 0 => {
                site.entropy.below(path.quality.jitter_ns + 1)
            }
            _ => 0,
        }
    }

    /// How often in a row packets of a piece are lost at most, each sent again until it comes.
    pub(super) fn lost(&mut self, path: &Path, piece: u64) -> u64 {
        let packets = piece.div_ceil(PACKET_BYTES);
        let lost = (0..packets).map(|_| (0..16).take_while(|_| self.is_lost(path)).count());
        lost.max().unwrap_or_default() as u64
    }

    fn is_lost(&mut self, path: &Path) -> bool {
        let lost = u64::from(path.quality.lost_per_million);
        match self.sites.get_mut(path.site.0) {
            Some(site) if lost > 0 => site.entropy.below(1_000_000) < lost,
            _ => false,
        }
    }

    pub(super) fn send(
        &mut self,
        path: &Path,
        now: u64,
        bytes: u64,
        left: &mut Option<u64>,
    ) -> Fate {
        let mut at = now;
        for (place, link) in path.links.iter().enumerate() {
            let Some(link) = self.links.get_mut(*link) else {
                continue;
            };
            match left {
                Some(left) if place == 0 => at = *left,
                _ if !link.has_room(at, bytes, place == 0) => {
                    link.dropped += 1;
                    return Fate::Dropped;
                }
                _ => {
                    at = link.carry(at, bytes, None);
                    if place == 0 {
                        *left = Some(at);
                    }
                }
            }
        }
        if self.is_lost(path) || self.outage(path, now).is_some() {
            return Fate::Lost;
        }
        Fate::Arrives(at + path.quality.latency_ns + self.jitter(path))
    }
}
