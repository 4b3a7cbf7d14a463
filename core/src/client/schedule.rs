//! MS-CCROD 2.8.2.2 to 2.8.2.5: sessions start, ask their servers, and end.
//! Invariant: no more sessions, discoveries and requests than the settings allow.
//! Byte order: none.

use super::arrivals::{Ask, Asked};
use super::ports::{DiscoveryToken, DownloadToken, Event, Mode, Order, Output, SessionEnd, Sought};
use super::session::{Ranges, Server, Session, SessionKey, Work};
use super::settings::millis;
use super::timers::Timer;
use super::{Delivery, Downloader};
use crate::content::{SegmentId, Version};
use crate::retrieval::client::{self as retrieval, Peer, Question, Reading, Tag};
use crate::retrieval::{BLOCKS_PER_SEGMENT, BlockIndex, BlockRange, BlockSet};

impl Downloader {
    /// Starts sessions for segments that wait, download by download, one segment of each at a time.
    pub(super) fn start_sessions(&mut self) {
        let mut undiscovered: Vec<SessionKey> = Vec::new();
        self.ask_segment_lists();
        while self.sessions.len() < self.settings.segments_in_flight as usize {
            let Some((token, segment)) = self.next_waiting() else {
                break;
            };
            self.last_served = token;
            self.start_session(token, segment, &mut undiscovered);
        }
        // The next list is asked for while sessions run for the segments of the one before.
        self.ask_segment_lists();
        self.discover(&undiscovered);
    }

    fn next_waiting(&mut self) -> Option<(DownloadToken, usize)> {
        let is_behind = |token: DownloadToken| token > self.last_served;
        let with_work = self.downloads.iter();
        let mut with_work = with_work.filter(|(_, download)| download.next_to_start().is_some());
        let first = with_work.next().map(|(token, _)| *token)?;
        let next = if is_behind(first) {
            Some(first)
        } else {
            with_work.map(|(token, _)| *token).find(|it| is_behind(*it))
        };
        let token = next.unwrap_or(first);
        let segment = self.downloads.get_mut(&token)?.take_to_start()?;
        Some((token, segment as usize))
    }

    fn start_session(
        &mut self,
        token: DownloadToken,
        segment: usize,
        undiscovered: &mut Vec<SessionKey>,
    ) {
        let Some(download) = self.downloads.get(&token) else {
            return;
        };
        let Some(progress) = download.segments.get(segment) else {
            return;
        };
        let wanted = progress.left.intersection(&progress.sought);
        let (id, mode) = (progress.wanted.id, download.mode);
        let key = SessionKey(self.new_name());
        let mut session = Session {
            download: token,
            segment,
            id,
            is_hosted: matches!(mode, Mode::Hosted(_)),
            is_simple: !self.settings.retrieval.wants_block_list(&wanted),
            wanted,
            idle: wanted,
            asked: 0,
            discovery: None,
            servers: Vec::new(),
        };
        //= CCROD-2.8.1.2.2-01
        //= CCROD-2.8.2.2.2-01
        //= CCROD-2.8.2.3.2-01
        let end = self.now + millis(self.settings.download_timer_ms);
        self.timers.start(Timer::Download(key), end);
        self.is_stirred = true;
        match mode {
            //= CCROD-2.8.2.2.2-02
            Mode::Hosted(cache) => {
                if !self.liars.contains(cache, self.now) {
                    session.add(cache, 1);
                }
                self.sessions.insert(key, session);
            }
            Mode::Distributed => {
                let list = self.lists.servers(&id);
                let Some((servers, discovery)) = list else {
                    self.lists
                        .create(id, &self.settings, &mut self.timers, self.now);
                    self.sessions.insert(key, session);
                    undiscovered.push(key);
                    return;
                };
                // A discovery that was not started yet is one under way: the session joins it.
                let starts_now = undiscovered.iter().any(|other| {
                    let other = self.sessions.get(other);
                    other.is_some_and(|other| other.id == id)
                });
                if starts_now {
                    self.sessions.insert(key, session);
                    undiscovered.push(key);
                    return;
                }
                session.discovery = discovery.filter(|token| self.discoveries.contains(token));
                let is_known_to_be_nowhere = servers.is_empty() && session.discovery.is_none();
                //= CCROD-2.8.2.3.2-03
                for peer in servers {
                    session.add(peer, self.settings.servers_per_list);
                }
                self.sessions.insert(key, session);
                //= CCROD-2.8.2.3.2-02
                if is_known_to_be_nowhere {
                    self.end_session(key, SessionEnd::KnownToBeNowhere);
                }
            }
        }
    }

    /// Starts discoveries for sessions, as few as possible.
    //= CCROD-2.8.2.3.2-08
    fn discover(&mut self, undiscovered: &[SessionKey]) {
        for version in [Version::V1, Version::V2] {
            let keys = undiscovered.iter().copied();
            let mut keys: Vec<_> = keys
                .filter(|key| self.version_of(*key) == version)
                .collect();
            while !keys.is_empty() {
                let (mut sought, mut joining): (Vec<Sought>, Vec<SessionKey>) = Default::default();
                keys.retain(|key| {
                    let Some(one) = self.sought(*key) else {
                        return false;
                    };
                    if !sought.contains(&one) {
                        if sought.len() >= self.settings.segments_per_discovery as usize {
                            return true;
                        }
                        sought.push(one);
                    }
                    joining.push(*key);
                    false
                });
                if !self.may_discover() {
                    for key in joining {
                        self.end_session(key, SessionEnd::TooManyDiscoveries);
                    }
                    continue;
                }
                let ahead = self.sought_ahead(&sought, &joining);
                for one in &ahead {
                    self.lists
                        .create(one.id, &self.settings, &mut self.timers, self.now);
                }
                let discovery = DiscoveryToken(self.new_name());
                for one in &ahead {
                    self.lists.filled_by(&one.id, discovery);
                }
                sought.extend(ahead);
                for key in joining {
                    if let Some(session) = self.sessions.get_mut(&key) {
                        session.discovery = Some(discovery);
                        self.lists.filled_by(&session.id, discovery);
                    }
                }
                self.discoveries.push(discovery);
                let end = self.now + millis(self.settings.discovery_limit_ms);
                self.timers.start(Timer::Discovery(discovery), end);
                self.outputs.push_back(Output::Discover {
                    discovery,
                    version,
                    segments: sought,
                });
            }
        }
    }

    /// What a discovery has room for besides: segments of version 2.0 whose sessions start next. They end so fast that a
    /// discovery for each would soon be one too many.
    fn sought_ahead(&self, sought: &[Sought], joining: &[SessionKey]) -> Vec<Sought> {
        let room = self.settings.segments_per_discovery as usize;
        let room = room.saturating_sub(sought.len());
        let session = joining.last().and_then(|key| self.sessions.get(key));
        let download = session.and_then(|session| self.downloads.get(&session.download));
        let Some(download) = download.filter(|download| download.version == Version::V2) else {
            return Vec::new();
        };
        let mut ahead: Vec<Sought> = Vec::new();
        for segment in download.waiting.iter().rev().take(room) {
            let Some(progress) = download.segments.get(*segment as usize) else {
                continue;
            };
            let one = Sought {
                id: progress.wanted.id,
                blocks: progress.wanted.block_count(),
            };
            let is_sought = sought.iter().chain(&ahead).any(|other| other.id == one.id);
            if !is_sought && !self.lists.has(&one.id) {
                ahead.push(one);
            }
        }
        ahead
    }

    fn version_of(&self, key: SessionKey) -> Version {
        let session = self.sessions.get(&key);
        let download = session.and_then(|session| self.downloads.get(&session.download));
        download.map_or(Version::V1, |download| download.version)
    }

    fn sought(&self, key: SessionKey) -> Option<Sought> {
        let session = self.sessions.get(&key)?;
        let download = self.downloads.get(&session.download)?;
        let wanted = &download.segments.get(session.segment)?.wanted;
        Some(Sought {
            id: wanted.id,
            blocks: wanted.block_count(),
        })
    }

    fn may_discover(&mut self) -> bool {
        let period = millis(self.settings.discovery_period_ms);
        if self.now >= self.period_start + period {
            self.period_start = self.now;
            self.discovery_count = 0;
        }
        let may = self.discovery_count < self.settings.discoveries_per_period;
        self.discovery_count += u32::from(may);
        may
    }

    pub(super) fn discovered(&mut self, peer: Peer, segments: &[SegmentId]) {
        if self.liars.contains(peer, self.now) {
            return;
        }
        for id in segments {
            let gone = self
                .lists
                .add(*id, peer, &self.settings, &mut self.timers, self.now);
            let sessions = self.sessions.values_mut();
            for session in sessions.filter(|session| session.id == *id && !session.is_hosted) {
                if let Some(gone) = gone {
                    session.evict(gone);
                }
                //= CCROD-2.8.2.5.1-03
                session.add(peer, self.settings.servers_per_list);
                self.is_stirred = true;
            }
        }
    }

    /// No more peers will be found. Sessions that wait for some end as soon as they are looked at.
    //= CCROD-2.8.2.5.2-01
    pub(super) fn discovery_finished(&mut self, discovery: DiscoveryToken) {
        let before = self.discoveries.len();
        self.discoveries.retain(|it| *it != discovery);
        if self.discoveries.len() == before {
            return;
        }
        self.timers.stop(Timer::Discovery(discovery));
        for session in self.sessions.values_mut() {
            session.discovery = session.discovery.filter(|it| *it != discovery);
        }
        self.is_stirred = true;
    }

    /// The download schedule session of every session.
    pub(super) fn schedule(&mut self) {
        let mut next = self.next_to_schedule(SessionKey(0));
        while let Some(key) = next {
            self.schedule_session(key);
            next = self.next_to_schedule(SessionKey(key.0.saturating_add(1)));
        }
    }

    /// The first session from this one on that is worth a look.
    fn next_to_schedule(&self, from: SessionKey) -> Option<SessionKey> {
        // Every message stirs all sessions, and most of them wait for servers that are busy.
        let mut known = None;
        let mut may_ask = |peer| match known {
            Some((of, may)) if of == peer => may,
            _ => known.insert((peer, self.may_ask(peer))).1,
        };
        let mut sessions = self.sessions.range(from..);
        let next = sessions.find(|(_, session)| self.is_worth_a_look(session, &mut may_ask));
        next.map(|(key, _)| *key)
    }

    fn schedule_session(&mut self, key: SessionKey) {
        //= CCROD-2.8.2.4.1-01
        //= CCROD-2.8.2.5.3-01
        if self.is_downloaded(key) {
            self.end_session(key, SessionEnd::Complete);
            return;
        }
        while self.ask_each_server(key) {}
        let session = self.sessions.get(&key);
        if let Some(session) = session.filter(|session| session.is_stuck()) {
            //= CCROD-2.8.2.4.1-06
            //= CCROD-2.8.2.5.3-05
            let why = if session.has_servers() {
                SessionEnd::ServersExhausted
            } else {
                SessionEnd::NobodyFound
            };
            self.end_session(key, why);
        }
    }

    /// Whether a session may be over, or has a server that can be asked now.
    fn is_worth_a_look(&self, session: &Session, may_ask: &mut impl FnMut(Peer) -> bool) -> bool {
        if session.idle.is_empty() && session.is_simple {
            // There is nothing to ask for, and it is not over while blocks of it are on their way.
            return session.asked == 0;
        }
        let may_be_asked = |server: &Server| {
            !server.is_gone
                && server.asked < self.settings.requests_per_server_and_segment
                && may_ask(server.peer)
        };
        session.idle.is_empty() || session.servers.iter().any(may_be_asked) || session.is_stuck()
    }

    fn is_downloaded(&self, key: SessionKey) -> bool {
        let Some(session) = self.sessions.get(&key) else {
            return false;
        };
        let download = self.downloads.get(&session.download);
        let progress = download.and_then(|download| download.segments.get(session.segment));
        progress.is_none_or(|it| it.left.intersection(&session.wanted).is_empty())
    }

    /// Asks each free server for one thing. Tells whether any was asked.
    //= CCROD-2.8.2.4.1-02
    //= CCROD-2.8.2.4.1-05
    //= CCROD-2.8.2.5.3-02
    fn ask_each_server(&mut self, key: SessionKey) -> bool {
        let mut has_asked = false;
        let mut at = 0;
        while let Some(server) = self.sessions.get(&key).and_then(|it| it.servers.get(at)) {
            at += 1;
            let (peer, asked) = (server.peer, server.asked);
            if asked < self.settings.requests_per_server_and_segment {
                has_asked |= self.ask(key, peer);
            }
        }
        has_asked
    }

    /// Whether the limits allow one more request.
    pub(super) fn may_ask(&self, peer: Peer) -> bool {
        // Blocks that wait to be verified count, else a world that is slow to verify would be given ever more.
        let outstanding = self.retrieval.outstanding() + self.verifying.len();
        let load = self.load.get(&peer).copied().unwrap_or_default();
        load < self.settings.requests_per_server
            && outstanding < self.settings.retrieval.outstanding_limit as usize
    }

    /// Asks a server for whatever is next, if there is anything.
    fn ask(&mut self, key: SessionKey, peer: Peer) -> bool {
        if !self.may_ask(peer) {
            return false;
        }
        let Some(session) = self.sessions.get_mut(&key) else {
            return false;
        };
        let Some(download) = self.downloads.get(&session.download) else {
            return false;
        };
        let mut idle = session.idle;
        if download.delivery == Delivery::InOrder {
            let end = download.window_end(self.settings.ahead_bytes_limit);
            idle = idle.intersection(&download.in_window(session.segment, end));
        }
        let from = match download.order {
            Order::Sequential => 0,
            Order::Random => self.order.below(BLOCKS_PER_SEGMENT.into()),
        };
        let (segment, is_simple, wanted) = (session.id, session.is_simple, session.wanted);
        let Some(server) = session.server(peer) else {
            return false;
        };
        let work = server.work(&idle, is_simple, u32::try_from(from).unwrap_or_default());
        let (question, asked) = match work {
            Work::Nothing => return false,
            Work::List => {
                server.ranges = Ranges::Asked;
                let needed = wanted;
                (Question::BlockList { segment, needed }, Asked::List)
            }
            Work::Block(index) => {
                let wanted = download.segments.get(session.segment);
                let length = wanted.map_or(0, |it| it.wanted.range_of(index).length);
                let length = u32::try_from(length).unwrap_or(u32::MAX);
                session.idle.remove(index);
                let question = Question::Block {
                    segment,
                    index,
                    reading: Reading::Plain { length },
                };
                (question, Asked::Block(index))
            }
        };
        session.asked += 1;
        if let Some(server) = session.server(peer) {
            server.asked += 1;
        }
        *self.load.entry(peer).or_default() += 1;
        let tag = Tag(self.new_name());
        self.asks.insert(
            tag,
            Ask {
                session: key,
                peer,
                asked,
                exchange: None,
                is_answered: false,
            },
        );
        self.lists.touch(&segment, peer);
        let question = retrieval::Input::Ask {
            tag,
            peer,
            question,
        };
        if self.retrieve(question).is_err() {
            // Limits were looked at above, so this does not happen; if it did, the server would count as failed.
            self.asks.remove(&tag);
            self.unload(peer);
            self.server_failed(key, peer, asked);
            return false;
        }
        self.drain_retrieval();
        true
    }

    /// Ends a session; what it did not fetch comes from the origin.
    pub(super) fn end_session(&mut self, key: SessionKey, why: SessionEnd) {
        let Some((session, missing)) = self.take_session(key) else {
            return;
        };
        if let Some(download) = self.downloads.get_mut(&session.download) {
            download.add_missing(session.segment, missing);
        }
        self.tell(Event::SessionEnded {
            download: session.download,
            segment: session.segment,
            missing,
            why,
        });
    }

    /// Ends a session of a download that ends.
    pub(super) fn drop_session(&mut self, key: SessionKey) {
        self.take_session(key);
    }

    /// Takes a session out, with the blocks that were idle or asked of a server.
    fn take_session(&mut self, key: SessionKey) -> Option<(Session, BlockSet)> {
        let session = self.sessions.remove(&key)?;
        self.timers.stop(Timer::Download(key));
        self.is_stirred = true;
        let mut missing = session.idle;
        if session.asked > 0 {
            let asks = self.asks.iter();
            let of_it = asks.filter(|(_, ask)| ask.session == key);
            let tags: Vec<_> = of_it.map(|(tag, _)| *tag).collect();
            for tag in tags {
                let Some(ask) = self.asks.remove(&tag) else {
                    continue;
                };
                if let Asked::Block(index) = ask.asked {
                    insert(&mut missing, index);
                }
                if !ask.is_answered {
                    self.unload(ask.peer);
                }
                if let Some(exchange) = ask.exchange {
                    // Never refused: what is over is left alone.
                    let _ = self.retrieve(retrieval::Input::Cancel { exchange });
                }
            }
        }
        Some((session, missing))
    }

    /// A request at a peer came to its end.
    pub(super) fn unload(&mut self, peer: Peer) {
        self.is_stirred = true;
        if let Some(load) = self.load.get_mut(&peer) {
            *load = load.saturating_sub(1);
            if *load == 0 {
                self.load.remove(&peer);
            }
        }
    }
}

pub(super) fn insert(set: &mut BlockSet, index: BlockIndex) {
    set.insert(BlockRange::one(index));
}
