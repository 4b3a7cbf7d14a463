//! How a responder answers: what it says of the segments of a probe, and when.
//! Invariant: it holds the segments it was started with, in full, and never anything else.
//! Byte order: counts big-endian; ages as MS-PCCRR 2.2.1.5 has them.

use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::life::Crowd;
use super::reading::{Asked, Reader};
use super::{LOOK, Mistake};
use crate::clock;
use crate::targets::responder::APP_MAX_DELAY;
use crate::wire::content_info::Version;
use crate::wire::digest::Algorithm;
use crate::wire::discovery::{DISCOVERY, MatchDraft, PEER_DIST, PORT, Prefixes, SOAP};
use crate::wire::text::{base64, hex, uuid};

/// Matches that wait at a time.
const PENDING_MAX: usize = 1_024;

/// Bytes that nobody else on this machine has.
pub(super) fn random(of: &str) -> Vec<u8> {
    static DRAWN: AtomicU64 = AtomicU64::new(0);
    let number = DRAWN.fetch_add(1, Ordering::Relaxed);
    let now = clock::today().duration_since(std::time::UNIX_EPOCH);
    let drawn = format!("{of} {number} {now:?} {}", std::process::id());
    Algorithm::Sha512.hash(drawn.as_bytes())
}

/// A UUID as a URI.
pub(super) fn fresh() -> String {
    let random = random("uuid");
    uuid(random.first_chunk().copied().unwrap_or_default())
}

/// What all its sockets share.
pub(super) struct State {
    pub(super) segments: Vec<(Vec<u8>, Version, u32)>,
    pub(super) mistake: Option<Mistake>,
    /// What others said when it fetched what it has.
    pub(super) crowd: Option<Crowd>,
    pub(super) instance: u64,
    pub(super) listener: SocketAddr,
    pub(super) address: String,
    pub(super) begun: Instant,
    pub(super) number: AtomicU64,
    /// Probes for what it fetched.
    pub(super) probes: AtomicU64,
    /// Probes that it had nothing of.
    pub(super) strangers: AtomicU64,
    pub(super) has_ended: AtomicBool,
    pub(super) seen: Mutex<Vec<String>>,
}

struct Pending {
    at: Instant,
    to: SocketAddr,
    bytes: Vec<u8>,
}

impl State {
    fn is(&self, mistake: Mistake) -> bool {
        self.mistake == Some(mistake)
    }

    /// Answers what comes to a socket, until the end.
    pub(super) fn run(&self, socket: &UdpSocket, is_group: bool, ends: &AtomicBool) {
        let mut buffer = vec![0; 65_536];
        let mut pending: Vec<Pending> = Vec::new();
        while !ends.load(Ordering::Acquire) && !self.has_ended.load(Ordering::Acquire) {
            let now = clock::now();
            pending.retain(|one| {
                if one.at <= now {
                    // Whoever asked may be gone.
                    let _ = socket.send_to(&one.bytes, one.to);
                }
                one.at > now
            });
            let next = pending.iter().map(|one| one.at).min();
            let wait = next.map_or(LOOK, |at| at.saturating_duration_since(now).min(LOOK));
            // A timeout of zero is none.
            let wait = wait.max(Duration::from_micros(100));
            if socket.set_read_timeout(Some(wait)).is_err() {
                return;
            }
            let Ok((length, from)) = socket.recv_from(&mut buffer) else {
                continue;
            };
            let bytes = buffer.get(..length).unwrap_or_default();
            let most = if self.is(Mistake::OneAtATime) {
                1
            } else {
                PENDING_MAX
            };
            let answer = self.answer(bytes, is_group, from);
            if let Some(answer) = answer.filter(|_| pending.len() < most) {
                pending.push(answer);
            }
        }
    }

    fn answer(&self, bytes: &[u8], is_group: bool, from: SocketAddr) -> Option<Pending> {
        let reader = Reader {
            mistake: self.mistake,
        };
        let Some(asked) = reader.read(bytes) else {
            let ends = self.is(Mistake::EndsInGarbage)
                || (self.is(Mistake::EndsInLength) && bytes.len() > 60_000)
                || (self.is(Mistake::EndsInDepth) && bytes.windows(4).any(|tags| tags == b"><a>"));
            self.has_ended.fetch_or(ends, Ordering::AcqRel);
            let echo = self.is(Mistake::EchoesGarbage).then(|| bytes.to_vec());
            return echo.map(|bytes| Pending {
                at: clock::now(),
                to: from,
                bytes,
            });
        };
        let is_deaf = (is_group && self.is(Mistake::GroupForV1) && asked.version == Version::V2)
            || self.is(Mistake::AnswersSilently);
        if is_deaf || self.has_seen(&asked.message_id) {
            return None;
        }
        let held = self.held(&asked);
        if held.iter().all(Option::is_none) && !self.says_nothing(&asked) {
            let strangers = self.strangers.fetch_add(1, Ordering::AcqRel);
            let ends = self.is(Mistake::EndsInFlood) && strangers > 40;
            self.has_ended.fetch_or(ends, Ordering::AcqRel);
            return None;
        }
        if let Some(crowd) = self.crowd {
            let number = self.probes.fetch_add(1, Ordering::AcqRel);
            if !crowd.lets_answer(number, self.mistake) {
                return None;
            }
        }
        let mut to = from;
        if self.is(Mistake::AnswersToPort3702) {
            to.set_port(PORT);
        }
        Some(Pending {
            at: self.wait(),
            to,
            bytes: self.match_for(&asked, &held),
        })
    }

    fn has_seen(&self, message_id: &str) -> bool {
        if !self.is(Mistake::RemembersForEver) {
            return false;
        }
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let is_known = seen.iter().any(|one| one == message_id);
        seen.push(message_id.to_owned());
        is_known
    }

    fn says_nothing(&self, asked: &Asked) -> bool {
        match asked.version {
            Version::V1 => self.is(Mistake::AnswersAllV1),
            Version::V2 => self.is(Mistake::SaysNothingHeld),
        }
    }

    /// The blocks of each segment that was asked for, where it is held.
    fn held(&self, asked: &Asked) -> Vec<Option<u32>> {
        if asked.wants_all {
            return vec![Some(1)];
        }
        let is_same = |one: &[u8], other: &[u8]| match self.is(Mistake::StartOfId) {
            true => one.get(..16) == other.get(..16),
            false => one == other,
        };
        let crosses = self.is(Mistake::VersionOfContent);
        let blocks = |id: &Vec<u8>| {
            let mut segments = self.segments.iter();
            let found = segments.find(|(one, version, _)| {
                (crosses || *version == asked.version) && is_same(one, id)
            });
            found.map(|(_, _, blocks)| *blocks)
        };
        let mut held: Vec<Option<u32>> = asked.ids.iter().map(blocks).collect();
        if self.is(Mistake::FirstScopeOnly) {
            held.truncate(1);
        }
        held
    }

    fn wait(&self) -> Instant {
        let now = clock::now();
        let drawn = random("wait");
        let drawn = u64::from_be_bytes(drawn.first_chunk().copied().unwrap_or_default());
        let most = match self.mistake {
            Some(Mistake::LongWait) => 500_000,
            _ => u64::try_from(APP_MAX_DELAY.as_micros()).unwrap_or(u64::MAX),
        };
        match self.mistake {
            Some(Mistake::NoWait) => now,
            Some(Mistake::SameWait) => now + Duration::from_millis(30),
            Some(Mistake::SharedWait) => {
                let tick = Duration::from_millis(200);
                let ticks = (now - self.begun).as_millis() / tick.as_millis() + 1;
                self.begun + tick * u32::try_from(ticks).unwrap_or(u32::MAX)
            }
            _ => now + Duration::from_micros(1_000 + drawn % (most - 1_000)),
        }
    }

    fn match_for(&self, asked: &Asked, held: &[Option<u32>]) -> Vec<u8> {
        let mut version = asked.version;
        if self.is(Mistake::VersionOfContent) {
            let mut segments = self.segments.iter();
            let found = segments.find(|(id, _, _)| asked.ids.contains(id));
            version = found.map_or(version, |(_, version, _)| *version);
        }
        let (scopes, data) = match version {
            Version::V1 => self.counted(asked, held),
            Version::V2 => self.marked(held),
        };
        let number = self.number.fetch_add(1, Ordering::AcqRel) + 1;
        let address = match self.mistake {
            Some(Mistake::AddressBare) => self.address.replace("urn:uuid:", ""),
            Some(Mistake::AddressFresh) => fresh(),
            _ => self.address.clone(),
        };
        let x_addrs = match self.mistake {
            Some(Mistake::Scheme) => format!("http://{}", self.listener),
            // The discard service, which nobody has run for decades.
            Some(Mistake::NobodyListens) => "127.0.0.1:9".to_owned(),
            _ => self.listener.to_string(),
        };
        let message_id = match self.mistake {
            Some(Mistake::MessageIdOnce) => self.address.clone(),
            _ => fresh(),
        };
        let relates_to = match self.mistake {
            Some(Mistake::RelatesInLowerCase) => asked.message_id.to_lowercase(),
            _ => asked.message_id.clone(),
        };
        let whole = MatchDraft {
            version,
            message_id,
            relates_to,
            instance_id: match self.mistake {
                Some(Mistake::InstanceOfMatch) => self.instance + number,
                _ => self.instance,
            },
            message_number: match self.mistake {
                Some(Mistake::NumberStays) => 1,
                _ => number,
            },
            address,
            scopes,
            x_addrs,
            data,
        };
        self.written(&whole)
    }

    /// Scopes and counts of version 1.0.
    fn counted(&self, asked: &Asked, held: &[Option<u32>]) -> (String, String) {
        let keeps_all = self.is(Mistake::ScopesOfProbe) || self.is(Mistake::AnswersAllV1);
        let found = asked.ids.iter().zip(held);
        let found: Vec<(&Vec<u8>, u32)> = found
            .filter(|(_, blocks)| keeps_all || blocks.is_some())
            .map(|(id, blocks)| (id, blocks.unwrap_or_default()))
            .collect();
        let mut scopes: Vec<String> = found.iter().map(|(id, _)| hex(id)).collect();
        let mut counts: Vec<u32> = found.iter().map(|(_, blocks)| *blocks).collect();
        match self.mistake {
            Some(Mistake::LowerCase) => {
                scopes = scopes.iter().map(|scope| scope.to_lowercase()).collect();
            }
            Some(Mistake::LowerCaseIsOther) if asked.is_lower => {
                scopes = self
                    .segments
                    .last()
                    .map(|(id, _, _)| hex(id))
                    .into_iter()
                    .collect();
            }
            Some(Mistake::CountsBackwards) => counts.reverse(),
            Some(Mistake::LittleEndianCounts) => {
                counts = counts.into_iter().map(u32::swap_bytes).collect();
            }
            _ => {}
        }
        let counts = counts
            .iter()
            .map(|count| match self.is(Mistake::CountsOf16Bits) {
                true => format!("{count:04X}"),
                false => format!("{count:08X}"),
            });
        (scopes.join(" "), counts.collect())
    }

    /// Scopes and ages of version 2.0.
    fn marked(&self, held: &[Option<u32>]) -> (String, String) {
        let pair = match self.mistake {
            Some(Mistake::CompleteAlone) => 0b01,
            _ => 0b11,
        };
        let mut bits = vec![0_u8; held.len().div_ceil(4)];
        let mut ages = Vec::new();
        let places = held.iter().enumerate();
        let places = places.filter(|(_, blocks)| !self.is(Mistake::BitsOfHeld) || blocks.is_some());
        for (place, (index, blocks)) in places.enumerate() {
            let in_byte = match self.is(Mistake::BitsFromTheEnd) {
                true => place % 4,
                false => 3 - place % 4,
            };
            if let (Some(byte), Some(_)) = (bits.get_mut(place / 4), blocks) {
                *byte |= pair << (2 * in_byte);
            }
            if blocks.is_some() || self.is(Mistake::AgesOfProbe) {
                ages.extend([u8::try_from(index).unwrap_or(u8::MAX), 100, 0, 0]);
            }
        }
        let count = u8::try_from(ages.len() / 4).unwrap_or(u8::MAX);
        let blob = [[0, 1, 3, count].as_slice(), &ages].concat();
        let ages = match self.is(Mistake::AgesInHex) {
            true => hex(&blob),
            false => base64(&blob),
        };
        (base64(&bits), ages)
    }

    fn written(&self, whole: &MatchDraft) -> Vec<u8> {
        let other = Prefixes {
            soap: "s",
            wsa: "a",
            wsd: "d",
            peer_dist: "p",
        };
        let prefixes = match self.mistake {
            Some(Mistake::OtherPrefixes) => other,
            _ => Prefixes::USUAL,
        };
        let draft = whole.draft(&prefixes);
        let text = String::from_utf8_lossy(&draft.to_bytes()).into_owned();
        let is_v1 = whole.version == Version::V1;
        let between = |start: &str, end: &str| {
            let behind = text.split_once(start).map(|(_, behind)| behind);
            let inner = behind
                .and_then(|behind| behind.split_once(end))
                .map(|(inner, _)| inner);
            format!("{start}{}{end}", inner.unwrap_or_default())
        };
        let text = match self.mistake {
            Some(Mistake::OtherNamespace) => {
                text.replace(PEER_DIST, &PEER_DIST.replace("2007/09", "2010/05"))
            }
            Some(Mistake::Soap11) => {
                text.replace(SOAP, "http://schemas.xmlsoap.org/soap/envelope/")
            }
            Some(Mistake::OrderOfElements) => {
                let addresses = between("<wsd:XAddrs>", "</wsd:XAddrs>");
                let without = text.replace(&addresses, "");
                without.replace("<wsd:Scopes>", &format!("{addresses}<wsd:Scopes>"))
            }
            Some(Mistake::TwoBlockCounts) => {
                let more =
                    "<PeerDist:BlockCount>00000001</PeerDist:BlockCount></PeerDist:PeerDistData>";
                text.replace("</PeerDist:PeerDistData>", more)
            }
            Some(Mistake::BlockCountInV2) => {
                text.replace("PeerDist:SegmentAges", "PeerDist:BlockCount")
            }
            Some(Mistake::ActionOfProbe) => {
                let action = format!("{DISCOVERY}/Probe");
                text.replace(&format!("{action}Matches"), &action)
            }
            Some(Mistake::ToAll) if !is_v1 => text.replace(
                &between("<wsa:To>", "</wsa:To>"),
                "<wsa:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</wsa:To>",
            ),
            Some(Mistake::TypesOfBoth) if is_v1 => text.replace(
                "PeerDist:PeerDistData</",
                "PeerDist:PeerDistData PeerDist:PeerDistDataV2</",
            ),
            Some(Mistake::TypesOfV1) => {
                text.replace("PeerDist:PeerDistDataV2", "PeerDist:PeerDistData")
            }
            Some(Mistake::MetadataVersion10) => {
                let version = between("<wsd:MetadataVersion>", "</wsd:MetadataVersion>");
                text.replace(&version, "<wsd:MetadataVersion>10</wsd:MetadataVersion>")
            }
            _ => text,
        };
        text.into_bytes()
    }
}
