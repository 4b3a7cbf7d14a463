//! MS-CCROD 2.8.1.2.2, 2.8.2.3.2, 2.8.2.5.1: server information lists, who has which segment.
//! Invariant: a list has servers, each with its timer, or it has none and a timer of its own.
//! Byte order: none.

use std::collections::BTreeMap;

use super::ports::DiscoveryToken;
use super::settings::{Settings, millis};
use super::timers::{Timer, Timers};
use crate::content::SegmentId;
use crate::retrieval::client::Peer;
use crate::time::Instant;

#[derive(Debug, Default)]
pub(super) struct ServerLists {
    lists: BTreeMap<SegmentId, List>,
    /// The lists by when they were used last; no two at one count.
    by_use: BTreeMap<u64, SegmentId>,
    /// Counts uses: what was used at a lower count was used less recently.
    uses: u64,
}

#[derive(Debug, Default)]
struct List {
    servers: Vec<Entry>,
    used: u64,
    /// The discovery that fills it, over or not.
    discovery: Option<DiscoveryToken>,
}

#[derive(Debug)]
struct Entry {
    peer: Peer,
    used: u64,
}

impl ServerLists {
    pub(super) fn len(&self) -> usize {
        self.lists.len()
    }

    /// Whether there is a list for the segment.
    pub(super) fn has(&self, id: &SegmentId) -> bool {
        self.lists.contains_key(id)
    }

    /// Whether it is known that nobody has the segment, or being found out.
    pub(super) fn is_nowhere(&self, id: &SegmentId) -> bool {
        let list = self.lists.get(id);
        list.is_some_and(|list| list.servers.is_empty())
    }

    /// Counts a use, of the list of the segment where there is one.
    fn note_use(&mut self, id: &SegmentId) {
        self.uses += 1;
        if let Some(list) = self.lists.get_mut(id) {
            // 0 is no use, and nothing stands there.
            self.by_use.remove(&list.used);
            list.used = self.uses;
            self.by_use.insert(self.uses, *id);
        }
    }

    /// Who has the segment, and which discovery fills the list; `None` where there is no list.
    pub(super) fn servers(
        &mut self,
        id: &SegmentId,
    ) -> Option<(Vec<Peer>, Option<DiscoveryToken>)> {
        self.note_use(id);
        let list = self.lists.get_mut(id)?;
        let peers = list.servers.iter().map(|entry| entry.peer).collect();
        Some((peers, list.discovery))
    }

    /// Makes an empty list.
    pub(super) fn create(
        &mut self,
        id: SegmentId,
        settings: &Settings,
        timers: &mut Timers,
        now: Instant,
    ) {
        //= CCROD-2.8.2.3.2-07
        if self.lists.len() >= settings.server_lists_limit as usize
            && let Some((_, oldest)) = self.by_use.first_key_value()
        {
            let oldest = *oldest;
            self.delete(&oldest, timers);
        }
        if let Some(before) = self.lists.insert(id, List::default()) {
            self.by_use.remove(&before.used);
        }
        self.note_use(&id);
        //= CCROD-2.8.1.2.2-03
        //= CCROD-2.8.2.3.2-06
        let end = now + millis(settings.server_list_timer_ms);
        timers.start(Timer::ServerList(id), end);
    }

    pub(super) fn filled_by(&mut self, id: &SegmentId, discovery: DiscoveryToken) {
        if let Some(list) = self.lists.get_mut(id) {
            list.discovery = Some(discovery);
        }
    }

    //= CCROD-2.8.1.2.2-05
    pub(super) fn delete(&mut self, id: &SegmentId, timers: &mut Timers) {
        timers.stop(Timer::ServerList(*id));
        if let Some(list) = self.lists.remove(id) {
            self.by_use.remove(&list.used);
            for entry in list.servers {
                timers.stop(Timer::ServerEntry(*id, entry.peer));
            }
        }
    }

    /// Adds a server to the list of the segment, if there is one. Tells which other one had to go for it.
    //= CCROD-2.8.2.5.1-02
    pub(super) fn add(
        &mut self,
        id: SegmentId,
        peer: Peer,
        settings: &Settings,
        timers: &mut Timers,
        now: Instant,
    ) -> Option<Peer> {
        self.uses += 1;
        let list = self.lists.get_mut(&id)?;
        //= CCROD-2.8.1.2.2-06
        let end = now + millis(settings.server_entry_timer_ms);
        timers.start(Timer::ServerEntry(id, peer), end);
        if let Some(entry) = list.servers.iter_mut().find(|entry| entry.peer == peer) {
            entry.used = self.uses;
            return None;
        }
        //= CCROD-2.8.1.2.2-04
        timers.stop(Timer::ServerList(id));
        let mut gone = None;
        //= CCROD-2.8.2.5.1-01
        if list.servers.len() >= settings.servers_per_list as usize {
            let places = list.servers.iter().enumerate();
            if let Some((at, _)) = places.min_by_key(|(_, entry)| entry.used) {
                let oldest = list.servers.swap_remove(at).peer;
                timers.stop(Timer::ServerEntry(id, oldest));
                gone = Some(oldest);
            }
        }
        let used = self.uses;
        list.servers.push(Entry { peer, used });
        gone
    }

    pub(super) fn touch(&mut self, id: &SegmentId, peer: Peer) {
        self.note_use(id);
        if let Some(list) = self.lists.get_mut(id) {
            let mut servers = list.servers.iter_mut();
            if let Some(entry) = servers.find(|entry| entry.peer == peer) {
                entry.used = self.uses;
            }
        }
    }

    /// Takes a server out of a list.
    //= CCROD-2.8.1.2.2-07
    pub(super) fn remove(
        &mut self,
        id: SegmentId,
        peer: Peer,
        settings: &Settings,
        timers: &mut Timers,
        now: Instant,
    ) {
        let Some(list) = self.lists.get_mut(&id) else {
            return;
        };
        let before = list.servers.len();
        list.servers.retain(|entry| entry.peer != peer);
        timers.stop(Timer::ServerEntry(id, peer));
        //= CCROD-2.8.1.2.2-03
        if list.servers.is_empty() && before > 0 {
            let end = now + millis(settings.server_list_timer_ms);
            timers.start(Timer::ServerList(id), end);
        }
    }

    /// Takes a server out of all lists.
    pub(super) fn remove_everywhere(
        &mut self,
        peer: Peer,
        settings: &Settings,
        timers: &mut Timers,
        now: Instant,
    ) {
        let ids: Vec<_> = self.lists.keys().copied().collect();
        for id in ids {
            self.remove(id, peer, settings, timers, now);
        }
    }
}
