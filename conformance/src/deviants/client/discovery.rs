//! Probes, and what is believed of their matches.
//! Invariant: without a mistake a peer is believed what it says of segments that were asked for, and nothing else.
//! Byte order: big-endian inside version 2.0 scopes.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::time::Duration;

use socket2::SockRef;

use super::{Mistake, Running};
use crate::clock;
use crate::wire::content_info::Version;
use crate::wire::digest::Algorithm;
use crate::wire::discovery::{
    self, DISCOVERY, GROUP_V4, Match, PORT, Prefixes, match_by, type_of, types_of,
};
use crate::wire::draft::Draft;
use crate::wire::text::{from_base64, from_hex, uuid};

/// How long matches are waited for.
const REQUEST_TIMER: Duration = Duration::from_millis(500);
/// Ids in a probe.
const IDS_MAX: usize = 255;

/// A probe on its way.
struct Outstanding {
    message_id: String,
    /// The numbers of its segments.
    segments: Vec<usize>,
}

impl Running<'_> {
    /// Peers, and the segments that each has.
    pub(super) fn discover(&self) -> io::Result<Vec<(SocketAddr, Vec<usize>)>> {
        let socket = UdpSocket::bind((self.job.interface, 0))?;
        SockRef::from(&socket).set_multicast_if_v4(&self.job.interface)?;
        socket.set_multicast_ttl_v4(1)?;
        let to = if self.is(Mistake::UnicastProbe) {
            Ipv4Addr::LOCALHOST
        } else {
            GROUP_V4
        };
        let most = if self.is(Mistake::LongProbe) {
            // Its count does not fit into a byte any more.
            self.ids.len()
        } else {
            IDS_MAX
        };
        let mut outstanding = Vec::new();
        let numbers: Vec<usize> = (0..self.ids.len()).collect();
        for segments in numbers.chunks(most.max(1)) {
            let ids: Vec<Vec<u8>> = segments
                .iter()
                .filter_map(|number| self.ids.get(*number).cloned())
                .collect();
            let message_id = self.message_id(&ids);
            let probe = self.probe(&message_id, &ids).to_bytes();
            socket.send_to(&probe, SocketAddrV4::new(to, PORT))?;
            outstanding.push(Outstanding {
                message_id,
                segments: segments.to_vec(),
            });
        }
        let timer = if self.is(Mistake::ShortTimer) {
            Duration::from_millis(20)
        } else {
            REQUEST_TIMER
        };
        let timer = if self.is(Mistake::NoTimer) {
            Duration::from_secs(3)
        } else {
            timer
        };
        let deadline = clock::now() + timer;
        let mut peers: BTreeMap<SocketAddr, Vec<usize>> = BTreeMap::new();
        let mut buffer = vec![0; 65_536];
        loop {
            let left = deadline.saturating_duration_since(clock::now());
            if left.is_zero() {
                break;
            }
            socket.set_read_timeout(Some(left))?;
            let Ok((count, _)) = socket.recv_from(&mut buffer) else {
                break;
            };
            let datagram = buffer.get(..count).unwrap_or_default();
            if let Some((address, segments)) = self.believed(datagram, &outstanding) {
                peers.entry(address).or_default().extend(segments);
            } else if self.is(Mistake::ChokesOnMatches) {
                return Err(io::Error::other("a match cannot be read"));
            }
        }
        Ok(peers.into_iter().collect())
    }

    fn message_id(&self, ids: &[Vec<u8>]) -> String {
        let mut seed = format!("{:?}", clock::now()).into_bytes();
        seed.extend(ids.iter().flatten());
        if self.is(Mistake::SameMessageId) {
            seed.clear();
        }
        let digest = Algorithm::Sha256.hash(&seed);
        uuid(*digest.first_chunk().unwrap_or(&[0; 16]))
    }

    fn probe(&self, message_id: &str, ids: &[Vec<u8>]) -> Draft {
        let version = match self.mistake {
            Some(Mistake::ProbesV1) => Version::V1,
            _ => self.version(),
        };
        let scopes = discovery::scopes(version, ids);
        let prefixes = &Prefixes::USUAL;
        let probe = discovery::probe(prefixes, version, message_id, &scopes);
        match self.mistake {
            Some(Mistake::LowerCase) if version == Version::V1 => {
                probe.with("Scopes", scopes.to_ascii_lowercase())
            }
            Some(Mistake::OtherMatchBy) => {
                let other = match version {
                    Version::V1 => format!("{DISCOVERY}/uuid"),
                    Version::V2 => match_by(Version::V1).to_owned(),
                };
                probe.with("MatchBy", format!(r#" MatchBy="{other}""#))
            }
            Some(Mistake::OtherTo) => probe.with("To", "<wsa:To>urn:somebody</wsa:To>"),
            Some(Mistake::OtherNamespace) => probe.with(
                "xmlns:PeerDist",
                r#" xmlns:PeerDist="urn:peer-distribution""#,
            ),
            Some(Mistake::NoTypes) => {
                let other = type_of(version).replace("PeerDist", "");
                probe.with("Types", types_of(prefixes, &format!("PeerDist:{other}")))
            }
            Some(Mistake::TwoScopes) => probe.with("Scopes", format!("{scopes} AAAA")),
            _ => probe,
        }
    }

    fn believed(
        &self,
        datagram: &[u8],
        outstanding: &[Outstanding],
    ) -> Option<(SocketAddr, Vec<usize>)> {
        let matched = Match::read(datagram).ok()?;
        if matched.version() != Some(self.version()) && !self.is(Mistake::AnyTypes) {
            return None;
        }
        let address = self.address(&matched.x_addrs)?;
        let all = || outstanding.iter().flat_map(|probe| probe.segments.clone());
        let segments: Vec<usize> = match self.version() {
            Version::V1 => {
                let number = |scope: &str| {
                    let id = from_hex(scope)?;
                    self.ids.iter().position(|known| *known == id)
                };
                matched.scopes().filter_map(number).collect()
            }
            Version::V2 => {
                let mut probes = outstanding.iter();
                let probe = probes.find(|probe| probe.message_id == matched.relates_to)?;
                let bits = from_base64(&matched.scopes)?;
                if bits.len() != probe.segments.len().div_ceil(4) {
                    return None;
                }
                let held = probe.segments.iter().enumerate().filter(|(place, _)| {
                    let byte = bits.get(place / 4).copied().unwrap_or(0);
                    byte >> (6 - 2 * (place % 4)) & 2 != 0
                });
                held.map(|(_, number)| *number).collect()
            }
        };
        if self.is(Mistake::AnySegments) {
            return Some((address, all().collect()));
        }
        (!segments.is_empty()).then_some((address, segments))
    }

    /// The first address of XAddrs that is near. What cannot be read is passed over.
    fn address(&self, addresses: &str) -> Option<SocketAddr> {
        let read = |text: &str| match self.mistake {
            Some(Mistake::NoBrackets) => text.parse().ok().map(SocketAddr::V4),
            _ => text.parse().ok(),
        };
        let is_near =
            |address: &SocketAddr| address.ip().is_loopback() || self.is(Mistake::AnyAddress);
        let mut words = addresses.split_whitespace();
        match self.mistake {
            Some(Mistake::FirstAddress) => read(words.next()?).filter(is_near),
            Some(Mistake::AllAddresses) => {
                let all: Option<Vec<SocketAddr>> = words.map(read).collect();
                all?.into_iter().find(is_near)
            }
            _ => words.filter_map(read).find(is_near),
        }
    }
}
