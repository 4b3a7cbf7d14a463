//! MS-CCROD 2.8.2.4, 2.8.2.5: what a download does while nothing but blocks of peers arrives, told in one call.
//! Invariant: after it the machine is where it would be had each block been handed in by itself.
//! Byte order: none.
//!
//! A simulator that knows when every message arrives need not ask the machine about each block: while every server of a
//! session gives block after block, each answer has the next block of the session asked for, and nothing else happens.

use super::Downloader;
use super::arrivals::Asked;
use super::content::Download;
use super::ports::{Delivery, DownloadToken, Order};
use super::session::{Ranges, Session, SessionKey, Work};
use crate::content::SegmentId;
use crate::error::ApiMisuse;
use crate::retrieval::client::{Exchange, Peer, Query};
use crate::retrieval::{BlockIndex, BlockRange, BlockSet};
use crate::time::Instant;

/// A download that gets block after block.
#[derive(Debug, Clone, Default)]
pub struct Steady {
    /// Its segments that come from peers.
    pub sessions: Vec<SteadySession>,
    /// Its requests outstanding: all there are.
    pub lanes: Vec<SteadyLane>,
    /// Which session each lane is of.
    keys: Vec<SessionKey>,
}

/// A segment that comes from peers, block after block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SteadySession {
    /// The download.
    pub download: DownloadToken,
    /// The place of the segment among those that were handed in.
    pub segment: usize,
    /// The segment.
    pub id: SegmentId,
    /// The block that is asked for next.
    pub next: u32,
    /// The end of the blocks that are asked for one after the other: as long as all others, and had by every server.
    pub end: u32,
    /// Whether nothing is left to be asked for once those are.
    pub is_all: bool,
    /// Bytes of each of these blocks.
    pub block_bytes: u32,
}

/// A request outstanding at a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SteadyLane {
    /// Its place in [`Steady::sessions`].
    pub session: usize,
    /// The exchange.
    pub exchange: Exchange,
    /// Who is asked.
    pub peer: Peer,
    /// For which block.
    pub index: BlockIndex,
}

/// What passed on a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Passed {
    /// The exchange that was outstanding, and stands for the last one now.
    pub exchange: Exchange,
    /// How many blocks came, all of them good.
    pub blocks: u32,
    /// The block that is asked for now; nothing where the session had no other.
    pub index: Option<BlockIndex>,
    /// When it was asked for, or when the last block came.
    pub at: Instant,
}

/// What came of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PassedSegment {
    /// The download.
    pub download: DownloadToken,
    /// The segment.
    pub id: SegmentId,
    /// The blocks that came.
    pub blocks: BlockSet,
}

impl Downloader {
    /// Tells whether all that can happen next is that blocks arrive which are asked for at peers, and if so which.
    pub fn steady(&self, into: &mut Steady) -> bool {
        into.sessions.clear();
        into.lanes.clear();
        into.keys.clear();
        let mut downloads = self.downloads.values();
        let (Some(download), None) = (downloads.next(), downloads.next()) else {
            return false;
        };
        let is_quiet = self.outputs.is_empty()
            && !self.is_stirred
            && self.verifying.is_empty()
            && self.fetches.is_empty()
            && self.segment_lists.is_empty()
            && download.with_missing.is_empty();
        if !is_quiet
            || download.order != Order::Sequential
            || download.delivery != Delivery::AsVerified
            || self.asks.len() != self.retrieval.outstanding()
        {
            return false;
        }
        // Whether a server could be asked for more, were it not for the limit of all requests.
        let mut has_room = false;
        for (key, session) in &self.sessions {
            if !self.keeps_turns(session, &mut has_room) {
                return false;
            }
            if session.asked == 0 {
                continue;
            }
            let Some(steady) = steady_session(download, session) else {
                return false;
            };
            into.keys.push(*key);
            into.sessions.push(steady);
        }
        // What a session leaves goes to whoever has room.
        for session in &mut into.sessions {
            session.is_all &= !has_room;
        }
        for ask in self.asks.values() {
            let session = into.keys.iter().position(|key| *key == ask.session);
            let (Some(session), Some(exchange), Asked::Block(index), false) =
                (session, ask.exchange, ask.asked, ask.is_answered)
            else {
                return false;
            };
            let of = into.sessions.get(session).map(|it| it.segment);
            let wanted = of.and_then(|of| Some(&download.segments.get(of)?.wanted));
            if wanted.is_none_or(|it| it.range_of(index).length != u64::from(it.block_size)) {
                return false;
            }
            into.lanes.push(SteadyLane {
                session,
                exchange,
                peer: ask.peer,
                index,
            });
        }
        !into.lanes.is_empty() && self.retrieval.is_waiting()
    }

    /// Whether each server that gives a block of a session is the next to be asked for one, as long as any is left.
    /// Sessions and their servers are asked in their order, so those that have room come behind all that ask, but one
    /// whose share the limit of all requests cut off.
    fn keeps_turns(&self, session: &Session, has_room: &mut bool) -> bool {
        let limits = &self.settings;
        let is_full = self.retrieval.outstanding() >= limits.retrieval.outstanding_limit as usize;
        session.servers.iter().all(|server| {
            if server.is_gone {
                return true;
            }
            let had = match server.ranges {
                Ranges::Unknown if session.is_simple || server.asked == 0 => session.idle,
                Ranges::Known(ranges) => session.idle.intersection(&ranges),
                Ranges::Unknown | Ranges::Asked => return false,
            };
            let has_all = had.difference(&server.refused) == session.idle;
            let has_work = server.work(&session.idle, session.is_simple, 0) != Work::Nothing;
            if has_work && server.asked < limits.requests_per_server_and_segment {
                let is_first = !*has_room;
                *has_room = true;
                let load = self.load.get(&server.peer).copied().unwrap_or_default();
                return is_full
                    && load < limits.requests_per_server
                    && (server.asked == 0 || is_first && has_all);
            }
            server.asked == 0 || session.idle.is_empty() || has_all && !*has_room
        })
    }

    /// What is asked in an exchange.
    #[must_use]
    pub fn asked(&self, exchange: Exchange) -> Option<&Query> {
        self.retrieval.query(exchange)
    }

    /// Blocks came on some of the lanes that [`steady`](Self::steady) told of, in the order in which the next were asked
    /// for. What has to be stored for it is returned; nothing else is put out.
    ///
    /// # Errors
    /// [`ApiMisuse`] where it cannot have been so; nothing has changed then.
    pub fn passed(
        &mut self,
        steady: &Steady,
        passed: &[Passed],
    ) -> Result<Vec<PassedSegment>, ApiMisuse> {
        let mut parts = parts_of(steady);
        for lane in passed {
            let known = steady.lanes.iter().find(|it| it.exchange == lane.exchange);
            let part = known.and_then(|it| parts.get_mut(it.session));
            let (Some(known), Some(part)) = (known, part) else {
                return Err(ApiMisuse("blocks passed on a lane that there is not"));
            };
            part.came.insert(BlockRange::one(known.index));
            part.count += lane.blocks;
            match lane.index {
                Some(index) => part.under_way.insert(BlockRange::one(index)),
                None => part.ended += 1,
            }
        }
        for part in &mut parts {
            // Each block asked for takes one from those that wait, but for the lanes that found none.
            let asked = part.count.saturating_sub(part.ended);
            if part.ended > part.count || asked > part.end - part.next {
                return Err(ApiMisuse("more blocks passed than were left"));
            }
            let now_next = part.next + asked;
            if part.ended > 0 && !(part.is_all && now_next == part.end) {
                return Err(ApiMisuse("a lane ended while blocks were left"));
            }
            part.came = part.came.union(&BlockSet::range(part.next, asked));
            part.came = part.came.difference(&part.under_way);
            part.next = now_next;
            if part.came.len() != part.count || part.under_way.end() > now_next {
                return Err(ApiMisuse("blocks passed out of their order"));
            }
        }
        let mut segments = Vec::new();
        for (part, (steady, key)) in parts.iter().zip(steady.sessions.iter().zip(&steady.keys)) {
            if part.count == 0 {
                continue;
            }
            let Some(session) = self.sessions.get_mut(key) else {
                continue;
            };
            session.idle = session
                .idle
                .difference(&BlockSet::range(steady.next, part.next - steady.next));
            session.asked = session.asked.saturating_sub(part.ended);
            let Some(download) = self.downloads.get_mut(&steady.download) else {
                continue;
            };
            let bytes = u64::from(part.count) * u64::from(steady.block_bytes);
            download.tally.from_peers += bytes;
            if let Some(progress) = download.segments.get_mut(steady.segment) {
                progress.left = progress.left.difference(&part.came);
            }
            segments.push(PassedSegment {
                download: steady.download,
                id: steady.id,
                blocks: part.came,
            });
        }
        for lane in passed {
            self.lane_passed(steady, lane);
        }
        Ok(segments)
    }

    fn lane_passed(&mut self, steady: &Steady, lane: &Passed) {
        let Some(known) = steady.lanes.iter().find(|it| it.exchange == lane.exchange) else {
            return;
        };
        self.now = self.now.max(lane.at);
        let Some(index) = lane.index else {
            if let Some(tag) = self.retrieval.over(lane.exchange) {
                self.asks.remove(&tag);
            }
            if let Some(session) = steady.keys.get(known.session)
                && let Some(session) = self.sessions.get_mut(session)
                && let Some(server) = session.server(known.peer)
            {
                server.asked = server.asked.saturating_sub(1);
            }
            self.unload(known.peer);
            // Nothing is to be started: whoever waited for this server would have asked it.
            self.is_stirred = false;
            return;
        };
        if let Some(tag) = self.retrieval.again(lane.exchange, index, lane.at)
            && let Some(ask) = self.asks.get_mut(&tag)
        {
            ask.asked = Asked::Block(index);
        }
        if let Some(session) = steady.sessions.get(known.session) {
            self.lists.touch(&session.id, known.peer);
        }
    }
}

/// What passed of a segment.
struct Part {
    next: u32,
    end: u32,
    is_all: bool,
    count: u32,
    ended: u32,
    came: BlockSet,
    under_way: BlockSet,
}

fn parts_of(steady: &Steady) -> Vec<Part> {
    let part = |session: &SteadySession| Part {
        next: session.next,
        end: session.end,
        is_all: session.is_all,
        count: 0,
        ended: 0,
        came: BlockSet::EMPTY,
        under_way: BlockSet::EMPTY,
    };
    steady.sessions.iter().map(part).collect()
}

/// A session that asks for one block after the other; nothing where it is not so.
fn steady_session(download: &Download, session: &Session) -> Option<SteadySession> {
    let wanted = &download.segments.get(session.segment)?.wanted;
    let full = wanted.length / wanted.block_size;
    let mut ranges = session.idle.ranges();
    let (first, second) = (ranges.next(), ranges.next());
    if second.is_some() {
        return None;
    }
    let (next, end) = first.map_or((0, 0), |range| (range.first().get(), range.end()));
    Some(SteadySession {
        download: session.download,
        segment: session.segment,
        id: session.id,
        next,
        end: end.min(full).max(next),
        is_all: end <= full,
        block_bytes: wanted.block_size,
    })
}
