//! MS-CCROD 2.8.2.5.3: what peers may have soon is not asked of the content server at once.
//! Invariant: by the default settings nothing waits; what waits is asked of peers again, or of the origin, in the end.
//! Byte order: none.
//!
//! Clients that begin together find nobody, and each would fetch all of a segment from the origin although its neighbours
//! do the same. With a limit to what is asked for at a time the rest waits, and is looked for again meanwhile.

use std::collections::BTreeSet;

use super::Downloader;
use super::content::Download;
use super::ports::{DownloadToken, Order};
use super::settings::{Settings, millis};
use super::timers::Timer;
use crate::retrieval::BlockSet;

impl Settings {
    /// Whether anything ever waits.
    const fn is_patient(&self) -> bool {
        self.origin_backlog_bytes != u64::MAX || self.origin_delay_ms > 0
    }
}

impl Downloader {
    /// How much more may be asked of the origin for a download; nothing where it has half of what it may have.
    pub(super) fn origin_room(&self, token: DownloadToken) -> Option<u64> {
        let most = self.settings.origin_backlog_bytes;
        if most == u64::MAX {
            return Some(most);
        }
        let fetches = self.fetches.values();
        let of_it = fetches.filter(|fetch| fetch.download == token);
        let download = self.downloads.get(&token)?;
        let asked: u64 = of_it.map(|fetch| fetch.outstanding(download)).sum();
        // Ranges of a block each would cost more heads than they save.
        (asked <= most / 2).then(|| most - asked)
    }

    /// Holds the origin back from a download that begins.
    pub(super) fn hold_origin_back(&mut self, token: DownloadToken) {
        if self.settings.origin_delay_ms == 0 {
            return;
        }
        if let Some(download) = self.downloads.get_mut(&token) {
            download.origin_rests = true;
            let end = self.now + millis(self.settings.origin_delay_ms);
            self.timers.start(Timer::OriginRetry(token), end);
        }
    }

    /// Plans to look again for what waits.
    pub(super) fn plan_to_look_again(&mut self) {
        if !self.settings.is_patient() {
            return;
        }
        let end = self.now + millis(self.settings.look_again_ms);
        for (token, download) in &self.downloads {
            let timer = Timer::LookAgain(*token);
            if !download.with_missing.is_empty() && !self.timers.runs(timer) {
                self.timers.start(timer, end);
            }
        }
    }

    /// Gives what waits to sessions again, but for what is known to be nowhere.
    pub(super) fn look_again(&mut self, token: DownloadToken) {
        self.is_stirred = true;
        // The origin is not to stand idle for it.
        self.fetch_from_origin();
        let sessions = self.sessions.values();
        let of_it = sessions.filter(|session| session.download == token);
        let busy: BTreeSet<usize> = of_it.map(|session| session.segment).collect();
        let most = self.settings.server_lists_limit as usize;
        let Some(download) = self.downloads.get_mut(&token) else {
            return;
        };
        if !download.is_all_begun() {
            return;
        }
        let from = match download.order {
            Order::Sequential => 0,
            Order::Random => self.order.below(download.segments.len() as u64),
        };
        let from = usize::try_from(from).unwrap_or_default();
        let (before, behind): (Vec<usize>, Vec<usize>) =
            download.with_missing.iter().partition(|it| **it < from);
        let mut again = Vec::new();
        for segment in behind.into_iter().chain(before) {
            let Some(progress) = download.segments.get_mut(segment) else {
                continue;
            };
            if busy.contains(&segment) || self.lists.is_nowhere(&progress.wanted.id) {
                continue;
            }
            progress.sought = core::mem::replace(&mut progress.missing, BlockSet::EMPTY);
            download.with_missing.remove(&segment);
            again.extend(u32::try_from(segment));
            if again.len() >= most {
                break;
            }
        }
        again.reverse();
        download.waiting = again;
    }
}

impl Download {
    /// Whether a session was started for every segment.
    fn is_all_begun(&self) -> bool {
        self.waiting.is_empty() && self.is_unlisted()
    }
}
