//! MS-PCCRR 3, 3.1.4.4: a hosted cache is asked which of many segments it has, before sessions are started for them.
//! Invariant: at most one list is outstanding for a download, and whatever comes of it, its segments go on.
//! Byte order: none.
//!
//! The framework does not mention these lists. They pay where a segment is one block, in version 2.0 content: one
//! question saves many for what is not there. A segment of version 1.0 needs its block list anyway, which says as much.

use super::Downloader;
use super::content::Download;
use super::ports::{DownloadToken, Event, Mode, SessionEnd};
use crate::content::{SegmentId, Version};
use crate::retrieval::client::{self as retrieval, Exchange, Outcome, Peer, Question, Tag};

/// What is known of the hosted cache's segments, for one download.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// How many segments at the end of those that wait need no list: they are there, or are to be asked for anyway.
    cleared: usize,
    /// The list that the download waits for.
    asked: Option<Tag>,
    /// Whether the cache gave no list, so that it is not asked for another.
    is_given_up: bool,
}

/// A segment list outstanding at a hosted cache.
#[derive(Debug)]
pub(super) struct ListAsk {
    download: DownloadToken,
    cache: Peer,
    pub(super) exchange: Option<Exchange>,
    count: usize,
}

impl Download {
    /// The cache to ask for lists.
    //= PCCRR-3-04
    const fn lister(&self) -> Option<Peer> {
        match (self.mode, self.version) {
            (Mode::Hosted(cache), Version::V2) if !self.listing.is_given_up => Some(cache),
            _ => None,
        }
    }

    /// Whether no list is outstanding.
    pub(super) const fn is_unlisted(&self) -> bool {
        self.listing.asked.is_none() && self.listing.cleared == 0
    }

    /// The segment that a session may start for.
    pub(super) fn next_to_start(&self) -> Option<u32> {
        let is_ready = self.lister().is_none() || self.listing.cleared > 0;
        self.waiting.last().copied().filter(|_| is_ready)
    }

    /// Takes that segment.
    pub(super) fn take_to_start(&mut self) -> Option<u32> {
        let segment = self.next_to_start()?;
        self.waiting.pop();
        self.listing.cleared = self.listing.cleared.saturating_sub(1);
        Some(segment)
    }

    /// The segments to ask about next, in the order in which sessions would start.
    fn to_list(&self, most: usize) -> Vec<SegmentId> {
        let next = self.waiting.iter().rev().take(most);
        next.filter_map(|index| self.segments.get(*index as usize))
            .map(|progress| progress.wanted.id)
            .collect()
    }
}

impl Downloader {
    /// Asks for the lists that downloads need before they go on.
    pub(super) fn ask_segment_lists(&mut self) {
        let downloads = self.downloads.values();
        let needing = downloads.filter_map(|download| {
            let listing = &download.listing;
            let is_idle = listing.asked.is_none() && listing.cleared == 0;
            let cache = download.lister()?;
            (is_idle && !download.waiting.is_empty()).then_some((download.token, cache))
        });
        let needing: Vec<_> = needing.collect();
        for (token, cache) in needing {
            self.ask_segment_list(token, cache);
        }
    }

    //= PCCRR-3.1.4.4-01
    fn ask_segment_list(&mut self, token: DownloadToken, cache: Peer) {
        let most = self.settings.segments_per_list as usize;
        let is_busy = !self.may_ask(cache);
        let is_liar = self.liars.contains(cache, self.now);
        let Some(download) = self.downloads.get_mut(&token) else {
            return;
        };
        let count = download.waiting.len().min(most);
        // For one segment a list costs as much as it could save, and of a liar nothing is asked.
        if count < 2 || is_liar {
            download.listing.cleared = download.waiting.len();
            return;
        }
        if is_busy {
            return;
        }
        let question = Question::SegmentList {
            segments: download.to_list(most).into(),
        };
        let tag = Tag(self.new_name());
        if let Some(download) = self.downloads.get_mut(&token) {
            download.listing.asked = Some(tag);
        }
        self.segment_lists.insert(
            tag,
            ListAsk {
                download: token,
                cache,
                exchange: None,
                count,
            },
        );
        *self.load.entry(cache).or_default() += 1;
        let question = retrieval::Input::Ask {
            tag,
            peer: cache,
            question,
        };
        if self.retrieve(question).is_err() {
            // A client that speaks no version 2.0 at all, for instance: what waits is asked for without.
            self.segment_list_ended(tag, &Outcome::Failed);
            return;
        }
        self.drain_retrieval();
    }

    /// The list came, or does not. Tells whether it was a list of segments that was waited for.
    pub(super) fn segment_list_ended(&mut self, tag: Tag, outcome: &Outcome) -> bool {
        let Some(ask) = self.segment_lists.remove(&tag) else {
            return false;
        };
        self.unload(ask.cache);
        let Some(download) = self.downloads.get_mut(&ask.download) else {
            return true;
        };
        download.listing.asked = None;
        let Outcome::SegmentList { available, .. } = outcome else {
            download.listing.is_given_up = true;
            return true;
        };
        let mut is_there = vec![false; ask.count];
        for segment in available {
            let there = usize::try_from(segment.index);
            if let Some(there) = there.ok().and_then(|index| is_there.get_mut(index)) {
                *there = true;
            }
        }
        let from = download.waiting.len().saturating_sub(ask.count);
        let listed = download.waiting.split_off(from);
        // The segment asked about first is the last of those that wait.
        let listed = listed.into_iter().zip(is_there.into_iter().rev());
        let (there, absent): (Vec<_>, Vec<_>) = listed.partition(|(_, is_there)| *is_there);
        download.listing.cleared = there.len();
        download
            .waiting
            .extend(there.into_iter().map(|(segment, _)| segment));
        for (segment, _) in absent.into_iter().rev() {
            self.is_nowhere(ask.download, segment as usize);
        }
        true
    }

    /// A segment that the cache does not have comes from the origin.
    fn is_nowhere(&mut self, token: DownloadToken, segment: usize) {
        let Some(download) = self.downloads.get_mut(&token) else {
            return;
        };
        let Some(progress) = download.segments.get(segment) else {
            return;
        };
        let missing = progress.left;
        download.add_missing(segment, missing);
        self.tell(Event::SessionEnded {
            download: token,
            segment,
            missing,
            why: SessionEnd::NobodyFound,
        });
    }

    /// Lets the list of a download go that ends.
    pub(super) fn drop_segment_list(&mut self, token: DownloadToken) {
        let download = self.downloads.get_mut(&token);
        let Some(tag) = download.and_then(|download| download.listing.asked.take()) else {
            return;
        };
        let Some(ask) = self.segment_lists.remove(&tag) else {
            return;
        };
        self.unload(ask.cache);
        if let Some(exchange) = ask.exchange {
            // Never refused: what is over is left alone.
            let _ = self.retrieve(retrieval::Input::Cancel { exchange });
        }
    }
}
