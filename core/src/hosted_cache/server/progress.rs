//! MS-PCHC 3.1.1, 3.1.5: hashes that are learnt, fetches that start and end, blocks that come and go.
//! Invariant: hashes that were proven never change; blocks that came under others are looked at again.
//! Byte order: none.

use super::{
    ApiMisuse, BlockSet, Duration, Entry, Event, Fetch, FetchToken, Hashes, Instant, Job,
    KeepHashes, Output, Phase, RequestToken, Running, SegmentInformation, SegmentKey, Server, Skip,
    SocketAddr, Standing,
};
use crate::hosted_cache::SegmentInfo;

/// What an offer's hashes changed.
pub(super) struct Learnt {
    /// The blocks whose hashes are new.
    taken: BlockSet,
    /// Whether hashes kept before are void.
    replaces: bool,
    /// Blocks stored that nobody held against these hashes yet.
    recheck: BlockSet,
    /// Whether hashes of the segment are stored already.
    had_hashes: bool,
}

impl Server {
    /// Takes in the hashes of an offer, as far as they are better than those at hand.
    pub(super) fn learn(&mut self, information: &SegmentInformation<'_>) -> Result<Learnt, Skip> {
        let key = information.key;
        let is_full = self.segments.len() >= self.settings.segments_known_max;
        if is_full && !self.segments.contains_key(&key) {
            return Err(Skip::TooManySegments);
        }
        let entry = self
            .segments
            .entry(key)
            .or_insert_with(|| Entry::new(key, information.length));
        let mut standing = entry.standing();
        let had_hashes = !standing.hashed.is_empty();
        let learnt = if entry.is_proven {
            Learnt {
                taken: BlockSet::EMPTY,
                replaces: false,
                recheck: BlockSet::EMPTY,
                had_hashes,
            }
        } else if information.is_proven {
            Learnt {
                taken: information.listed(),
                replaces: had_hashes,
                recheck: standing.held(),
                had_hashes,
            }
        } else if had_hashes && entry.length != information.length {
            return Err(Skip::LengthsDiffer);
        } else {
            // The first hash of a block counts until all of them are proven: no later offer can swap it.
            let taken = information.listed().difference(&standing.hashed);
            Learnt {
                taken,
                replaces: false,
                recheck: standing.unverified.intersection(&taken),
                had_hashes,
            }
        };
        if !learnt.taken.is_empty() {
            entry.length = information.length;
            entry.is_proven |= information.is_proven;
            standing.hashed = standing.hashed.union(&learnt.taken);
            entry.set_standing(standing);
        }
        Ok(learnt)
    }

    /// Has what was learnt stored, in front of any fetch that needs it.
    pub(super) fn keep(
        &mut self,
        request: RequestToken,
        information: &SegmentInformation<'_>,
        learnt: &Learnt,
        from: SocketAddr,
    ) {
        let key = information.key;
        if self.is_idle_and_empty(&key) {
            // Refused for want of room. What was never stored need not be forgotten.
            self.segments.remove(&key);
            if learnt.had_hashes {
                self.outputs.push_back(Output::Forget { key });
            }
            return;
        }
        if !learnt.taken.is_empty() {
            let list_bytes = information.block_hashes.len();
            let before = information.bytes_before_list;
            let at = SegmentInfo::SEGMENT_INFORMATION_AT + before;
            //= PCHC-3.1.1-01
            self.outputs.push_back(Output::KeepHashes(KeepHashes {
                request,
                key,
                length: information.length,
                hash_of_data: information.hash_of_data,
                secret: information.secret.clone(),
                list: at..at + list_bytes,
                first_block: information.first_block,
                blocks: learnt.taken,
                replaces: learnt.replaces,
            }));
        }
        if !learnt.recheck.is_empty() {
            self.ask_for_what_is_wrong(key, from);
        }
        self.recheck(key, learnt.recheck);
    }

    fn recheck(&mut self, key: SegmentKey, blocks: BlockSet) {
        if !blocks.is_empty() {
            if let Some(entry) = self.segments.get_mut(&key) {
                entry.rechecks = entry.rechecks.saturating_add(1);
            }
            self.outputs.push_back(Output::Recheck { key, blocks });
        }
    }

    /// Remembers who brought the hashes by which blocks are looked at again: those that do not agree are missing.
    fn ask_for_what_is_wrong(&mut self, key: SegmentKey, from: SocketAddr) {
        let most = self.settings.sources_per_segment_max;
        if let Some(entry) = self.segments.get_mut(&key)
            && from.port() != 0
            && !entry.sources.contains(&from)
            && entry.sources.len() < most
        {
            entry.sources.push_back(from);
        }
    }

    pub(super) fn start_fetches(&mut self, now: Instant) {
        loop {
            let Self {
                segments, settings, ..
            } = self;
            let cost_of = |job: &Job| {
                segments
                    .get(&job.key)
                    .map_or(0, |entry| entry.bytes_of(&entry.wanted()))
            };
            let Some((job, cost)) = self.queue.start(settings, cost_of) else {
                return;
            };
            let Some(entry) = self.segments.get_mut(&job.key) else {
                self.queue.end(job.from, cost);
                continue;
            };
            let blocks = entry.wanted();
            if blocks.is_empty() {
                self.queue.end(job.from, cost);
                self.continue_with(job.key);
                continue;
            }
            entry.phase = Phase::Running;
            let hashes = match (entry.is_proven, entry.standing().hashed.is_empty()) {
                (true, _) => Hashes::Proven,
                (false, false) => Hashes::Unproven,
                (false, true) => Hashes::None,
            };
            let token = FetchToken(self.tokens_used);
            self.tokens_used += 1;
            self.outputs.push_back(Output::Fetch(Fetch {
                token,
                from: job.from,
                key: job.key,
                segment_length: entry.length,
                blocks,
                hashes_are_known: hashes != Hashes::None,
            }));
            let running = Running {
                job,
                blocks,
                cost,
                hashes,
                deadline: now + Duration::from_millis(self.settings.fetch_timeout_ms),
            };
            self.running.insert(token, running);
        }
    }

    /// Takes a fetch off the list. None where it was abandoned before.
    pub(super) fn ended(&mut self, token: FetchToken) -> Result<Option<Running>, ApiMisuse> {
        if token.0 >= self.tokens_used {
            return Err(ApiMisuse("the fetch was never started"));
        }
        let running = self.running.remove(&token);
        if let Some(running) = &running {
            self.queue.end(running.job.from, running.cost);
        }
        Ok(running)
    }

    pub(super) fn fetched(&mut self, token: FetchToken, stored: BlockSet) -> Result<(), ApiMisuse> {
        let foreign = self
            .running
            .get(&token)
            .is_some_and(|running| !stored.is_subset(&running.blocks));
        if foreign {
            return Err(ApiMisuse("blocks were stored that the fetch did not want"));
        }
        let Some(running) = self.ended(token)? else {
            return Ok(());
        };
        let Job { key, from } = running.job;
        self.tell(Event::Fetched {
            from,
            key,
            stored,
            missing: running.blocks.difference(&stored),
        });
        self.add_stored(key, stored, running.hashes);
        self.continue_with(key);
        Ok(())
    }

    //= PCHC-3.1.5.1-06
    //= PCHC-3.1.5.2-04
    //= PCHC-3.1.5.3-05
    fn add_stored(&mut self, key: SegmentKey, stored: BlockSet, came_under: Hashes) {
        let Some(entry) = self.segments.get_mut(&key) else {
            return;
        };
        let mut standing = entry.standing();
        let recheck = match came_under {
            Hashes::None => {
                // Ciphertext never takes the place of a verified block.
                let surplus = stored.intersection(&standing.verified);
                standing.unverified = standing
                    .unverified
                    .union(&stored.difference(&standing.verified));
                if !surplus.is_empty() {
                    self.outputs.push_back(Output::Discard {
                        key,
                        blocks: surplus,
                        only_ciphertext: true,
                    });
                }
                stored.intersection(&standing.hashed)
            }
            Hashes::Unproven | Hashes::Proven => {
                let surplus = stored.intersection(&standing.unverified);
                standing.verified = standing.verified.union(&stored);
                standing.unverified = standing.unverified.difference(&stored);
                if !surplus.is_empty() {
                    self.outputs.push_back(Output::Discard {
                        key,
                        blocks: surplus,
                        only_ciphertext: true,
                    });
                }
                if came_under == Hashes::Unproven && entry.is_proven {
                    stored
                } else {
                    BlockSet::EMPTY
                }
            }
        };
        entry.set_standing(standing);
        self.recheck(key, recheck);
    }

    pub(super) fn failed(&mut self, running: Running, timed_out: bool) {
        let Job { key, from } = running.job;
        self.tell(Event::FetchFailed {
            from,
            key,
            timed_out,
        });
        self.continue_with(key);
    }

    /// A fetch of the segment is over: the next client that has it is asked for what is missing.
    fn continue_with(&mut self, key: SegmentKey) {
        let Some(entry) = self.segments.get_mut(&key) else {
            return;
        };
        entry.phase = Phase::Idle;
        if entry.wanted().is_empty() {
            if entry.rechecks == 0 {
                entry.sources.clear();
            }
            return self.forget_if_idle_and_empty(key);
        }
        while let Some(from) = entry.sources.pop_front() {
            if self.queue.push(&self.settings, Job { key, from }).is_ok() {
                entry.phase = Phase::Queued(from);
                break;
            }
        }
        self.forget_if_idle_and_empty(key);
    }

    /// Hashes without a block are not kept once no fetch is to come: offers could fill the memory with them.
    pub(super) fn forget_if_idle_and_empty(&mut self, key: SegmentKey) {
        if self.is_idle_and_empty(&key) {
            let removed = self.segments.remove(&key);
            if removed.is_some_and(|entry| !entry.standing().hashed.is_empty()) {
                self.outputs.push_back(Output::Forget { key });
            }
        }
    }

    fn is_idle_and_empty(&self, key: &SegmentKey) -> bool {
        self.segments
            .get(key)
            .is_some_and(|entry| entry.phase == Phase::Idle && entry.standing().held().is_empty())
    }

    pub(super) fn timed_out(&mut self, now: Instant) {
        loop {
            let late = self.running.iter().find(|(_, one)| one.deadline <= now);
            let Some(token) = late.map(|(token, _)| *token) else {
                return;
            };
            self.outputs.push_back(Output::Abandon { token });
            if let Ok(Some(running)) = self.ended(token) {
                self.failed(running, true);
            }
        }
    }

    pub(super) fn rechecked(
        &mut self,
        key: SegmentKey,
        checked: BlockSet,
        good: BlockSet,
    ) -> Result<(), ApiMisuse> {
        if !good.is_subset(&checked) {
            return Err(ApiMisuse("blocks were found good that were not checked"));
        }
        if let Some(entry) = self.segments.get_mut(&key) {
            let mut standing = entry.standing();
            let held = standing.held().intersection(&checked);
            let kept = held.intersection(&good).intersection(&standing.hashed);
            standing.verified = standing.verified.difference(&checked).union(&kept);
            standing.unverified = standing.unverified.difference(&checked);
            entry.set_standing(standing);
            entry.rechecks = entry.rechecks.saturating_sub(1);
            let is_idle = entry.phase == Phase::Idle;
            let blocks = held.difference(&kept);
            if !blocks.is_empty() {
                self.outputs.push_back(Output::Discard {
                    key,
                    blocks,
                    only_ciphertext: false,
                });
            }
            if is_idle {
                //= PCHC-3.1.5.2-02
                self.continue_with(key);
            }
        }
        Ok(())
    }

    pub(super) fn evicted(&mut self, key: SegmentKey, blocks: BlockSet) {
        if let Some(entry) = self.segments.get_mut(&key) {
            let mut standing = entry.standing();
            standing.verified = standing.verified.difference(&blocks);
            standing.unverified = standing.unverified.difference(&blocks);
            entry.set_standing(standing);
            self.forget_if_idle_and_empty(key);
        }
    }

    pub(super) fn restored(
        &mut self,
        key: SegmentKey,
        length: u32,
        is_proven: bool,
        standing: Standing,
    ) -> Result<(), ApiMisuse> {
        if self.segments.contains_key(&key) {
            return Err(ApiMisuse("the segment is known already"));
        }
        if self.segments.len() >= self.settings.segments_known_max {
            return Err(ApiMisuse("more segments than segments_known_max"));
        }
        let mut entry = Entry::new(key, length);
        let all = entry.all();
        let is_sound = standing.hashed.union(&standing.held()).is_subset(&all)
            && standing.verified.is_subset(&standing.hashed)
            && standing
                .verified
                .intersection(&standing.unverified)
                .is_empty()
            && (!is_proven || standing.hashed == all);
        if !is_sound {
            return Err(ApiMisuse(
                "blocks that the segment cannot have in that standing",
            ));
        }
        entry.is_proven = is_proven;
        entry.set_standing(standing);
        if entry.standing() != standing {
            return Err(ApiMisuse("a segment of version 2.0 has no block hashes"));
        }
        self.segments.insert(key, entry);
        Ok(())
    }
}
