//! The content server, and the part of a download that only it is needed for.
//! Invariant: it has every content, and content information of it.
//! Byte order: none.

use peerdist::client::{DownloadToken, FetchToken, Input};
use peerdist::content::ContentRange;
use peerdist::retrieval::BlockSet;

use super::branch::{Branch, Route, Sending};
use super::host::Download;
use super::overhead::{
    INFO_REQUEST, INFO_RESPONSE, ORIGIN_STEP, PLAIN_REQUEST, PLAIN_RESPONSE, RANGE_RESPONSE,
};
use crate::outcome::{Shares, Traced, Transfer};
use crate::plan::FetchPlan;
use crate::scenario::Mode;
use crate::series::Measure;

impl Branch<'_> {
    /// A host begins to fetch.
    pub(super) fn begin(&mut self, fetch: FetchPlan) {
        if !self.may_begin(fetch) {
            return;
        }
        let now = self.now;
        let details = [fetch.content.into(), 0, 0];
        self.trace.note(now, Traced::Begun, fetch.host, details);
        let Some(host) = self.host(fetch.host) else {
            return;
        };
        let last = host.downloads.last_key_value();
        let download = DownloadToken(last.map_or(1, |(token, _)| token.0 + 1));
        host.downloads.insert(
            download,
            Download {
                fetch,
                content: fetch.content,
                shares: Shares::default(),
            },
        );
        let is_open = host.take_connection(None);
        let bytes = match host.group.mode {
            Mode::Off => PLAIN_REQUEST,
            _ => INFO_REQUEST,
        };
        let sending = Sending::ContentRequest {
            host: fetch.host,
            download,
        };
        self.send(
            Route::ToOrigin(fetch.host),
            is_open,
            bytes,
            u64::MAX,
            sending,
        );
    }

    /// The request is at the origin.
    pub(super) fn content_asked(&mut self, number: u32, download: DownloadToken) {
        let plan = self.plan;
        let Some(host) = self.host(number) else {
            return;
        };
        let Some(fetch) = host.downloads.get(&download).map(|it| it.fetch) else {
            return;
        };
        let content = self.current_content(&fetch);
        let Some(host) = self.host(number) else {
            return;
        };
        if let Some(it) = host.downloads.get_mut(&download) {
            it.content = content;
        }
        let (mode, version) = (host.group.mode, host.group.version);
        let Some(content) = plan.contents.get(content as usize) else {
            return;
        };
        let (bytes, sending) = match content.layout(version) {
            Some(layout) if mode != Mode::Off => {
                let sending = Sending::ContentInfo {
                    host: number,
                    download,
                };
                (layout.info_bytes + INFO_RESPONSE, sending)
            }
            _ => (
                content.size + PLAIN_RESPONSE,
                Sending::Whole {
                    host: number,
                    download,
                },
            ),
        };
        self.send(Route::FromOrigin(number), true, bytes, u64::MAX, sending);
    }

    /// Content information came.
    pub(super) fn described(&mut self, number: u32, download: DownloadToken) {
        let (now, plan) = (self.now, self.plan);
        let Some(host) = self.host(number) else {
            return;
        };
        host.give_connection(None);
        let version = host.group.version;
        let content = host.downloads.get(&download).map(|it| it.content);
        let content = content.and_then(|content| plan.contents.get(content as usize));
        let Some(layout) = content.and_then(|content| content.layout(version)) else {
            return;
        };
        let mut local = 0;
        let clock = host.clock(now);
        let missing: Vec<_> = layout
            .segments
            .iter()
            .filter_map(|segment| {
                let there = host.store.use_blocks(clock, &segment.id);
                let length = |blocks: &BlockSet| -> u64 {
                    blocks
                        .iter()
                        .map(|index| segment.range_of(index).length)
                        .sum()
                };
                local += length(&there.intersection(&segment.blocks));
                let mut wanted = *segment;
                wanted.blocks = segment.blocks.difference(&there);
                (!wanted.blocks.is_empty()).then_some(wanted)
            })
            .collect();
        if let Some(download) = host.downloads.get_mut(&download) {
            download.shares.local_cache = local;
        }
        self.recorder.add(now, Measure::LocalCache, local);
        self.outcome.metadata_bytes += layout.info_bytes;
        let details = [download.0, layout.info_bytes, local];
        self.trace.note(now, Traced::Described, number, details);
        if missing.is_empty() {
            self.ended(number, download, true);
        } else {
            self.start_download(number, download, layout.version, &missing);
        }
    }

    /// The whole came plainly.
    pub(super) fn came_whole(&mut self, number: u32, download: DownloadToken) {
        let (now, plan) = (self.now, self.plan);
        let Some(host) = self.host(number) else {
            return;
        };
        host.give_connection(None);
        let Some(it) = host.downloads.get_mut(&download) else {
            return;
        };
        let size = plan
            .contents
            .get(it.content as usize)
            .map_or(0, |content| content.size);
        it.shares.origin = size;
        self.recorder.add(now, Measure::Origin, size);
        self.trace
            .note(now, Traced::BytesFromOrigin, number, [download.0, 0, size]);
        self.ended(number, download, true);
    }

    /// A request for a range is at the origin.
    pub(super) fn range_asked(&mut self, number: u32, fetch: FetchToken) {
        let asking = self.host(number).and_then(|host| host.asking.as_deref());
        let range = asking.and_then(|asking| asking.ranges.get(&fetch).cloned());
        let Some(range) = range else {
            return;
        };
        let bytes = range.bytes + RANGE_RESPONSE;
        if self.has_changed(number, range.download) {
            return self.range_changed(number, fetch);
        }
        let sending = Sending::Range {
            host: number,
            fetch,
        };
        self.send(Route::FromOrigin(number), true, bytes, ORIGIN_STEP, sending);
    }

    /// Bytes of a range came.
    pub(super) fn range_arrived(&mut self, number: u32, fetch: FetchToken, received: u64) {
        let (now, bursts) = (self.now, self.may_skip());
        let Some(host) = self.host(number) else {
            return;
        };
        // Where only so much is asked for at once, what came decides what is next.
        let is_all_asked = host.group.origin.backlog.is_none();
        let Some(asking) = host.asking.as_deref_mut() else {
            return;
        };
        let Some(range) = asking.ranges.get_mut(&fetch) else {
            return;
        };
        host.came.add_range(range.start, now, received);
        let ends_segment = range.ends.first().is_some_and(|end| *end <= received);
        let is_fresh = std::mem::replace(&mut range.is_fresh, ends_segment);
        if bursts && is_all_asked && received < range.bytes && !ends_segment && !is_fresh {
            // Nobody but the client would notice, and it does nothing but wait for more.
            range.untold = Some((now, received));
            if !self.untold.contains(&number) {
                self.untold.push(number);
            }
            return;
        }
        range.untold = None;
        range.ends.retain(|end| *end > received);
        if received >= range.bytes {
            asking.ranges.remove(&fetch);
            host.give_connection(None);
        }
        self.tell_of_ranges();
        self.client(number, Input::OriginArrived { fetch, received });
    }

    /// Tells clients what came from the origin until now.
    pub(super) fn tell_of_ranges(&mut self) {
        if self.untold.is_empty() {
            return;
        }
        let now = self.now;
        let mut told = Vec::new();
        for number in std::mem::take(&mut self.untold) {
            let asking = self
                .host(number)
                .and_then(|host| host.asking.as_deref_mut());
            let ranges = asking.into_iter().flat_map(|asking| &mut asking.ranges);
            told.extend(ranges.filter_map(|(fetch, range)| {
                let (at, received) = range.untold.take()?;
                Some((at, number, *fetch, received))
            }));
        }
        told.sort_unstable();
        for (at, number, fetch, received) in told {
            self.now = at;
            self.client(number, Input::OriginArrived { fetch, received });
        }
        self.now = now;
    }

    /// Where in a range of a download segments end.
    pub(super) fn segment_ends(
        &mut self,
        number: u32,
        download: DownloadToken,
        range: ContentRange,
    ) -> Vec<u64> {
        let plan = self.plan;
        let Some(host) = self.host(number) else {
            return Vec::new();
        };
        let version = host.group.version;
        let content = host.downloads.get(&download).map(|it| it.content);
        let content = content.and_then(|content| plan.contents.get(content as usize));
        let segments = content.and_then(|content| content.layout(version));
        let segments = segments.map_or(&[][..], |layout| &layout.segments);
        let first = segments.partition_point(|it| it.end() <= range.start);
        let ends = segments.get(first..).unwrap_or_default().iter();
        ends.map(|segment| segment.end())
            .take_while(|end| *end < range.end())
            .map(|end| end - range.start)
            .collect()
    }

    /// A download is over.
    pub(super) fn ended(&mut self, number: u32, download: DownloadToken, is_complete: bool) {
        let (now, plan) = (self.now, self.plan);
        if !is_complete && self.begin_again(number, download) {
            return;
        }
        let Some(host) = self.host(number) else {
            return;
        };
        let Some(it) = host.downloads.remove(&download) else {
            return;
        };
        let size = plan
            .contents
            .get(it.content as usize)
            .map_or(0, |content| content.size);
        let total = it.shares.total();
        self.note_what_came(number);
        self.trace.note(
            now,
            Traced::Ended,
            number,
            [download.0, total, is_complete.into()],
        );
        if is_complete && total != size {
            self.violated(format!("host {number} got {total} bytes of {size}"));
        }
        self.outcome.transfers.push(Transfer {
            host: number,
            content: it.content,
            began: it.fetch.at,
            ended: now,
            is_complete,
            shares: it.shares,
        });
    }

    /// What did not end has failed.
    pub(super) fn end_what_is_left(&mut self) {
        self.faulting.is_over = true;
        self.end_what_did_not_begin_again();
        for number in 0.. {
            let Some(host) = self.host(number) else {
                return;
            };
            let left: Vec<DownloadToken> = host.downloads.keys().copied().collect();
            for download in left {
                self.ended(number, download, false);
            }
        }
    }
}
