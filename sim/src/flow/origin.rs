//! The content server, and the part of a download that only it is needed for.
//! Invariant: it has every content, and content information of it.
//! Byte order: none.

use peerdist::client::{DownloadToken, FetchToken, Input};
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
                content: fetch.content,
                began: now,
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
        let Some(content) = host.downloads.get(&download).map(|it| it.content) else {
            return;
        };
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
        let missing: Vec<_> = layout
            .segments
            .iter()
            .filter_map(|segment| {
                let there = host.store.use_blocks(now, &segment.id);
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
        let Some(range) = asking.and_then(|asking| asking.ranges.get(&fetch)) else {
            return;
        };
        let bytes = range.bytes + RANGE_RESPONSE;
        let sending = Sending::Range {
            host: number,
            fetch,
        };
        self.send(Route::FromOrigin(number), true, bytes, ORIGIN_STEP, sending);
    }

    /// Bytes of a range came.
    pub(super) fn range_arrived(&mut self, number: u32, fetch: FetchToken, received: u64) {
        let now = self.now;
        let Some(host) = self.host(number) else {
            return;
        };
        let range = host
            .asking
            .as_deref()
            .and_then(|asking| asking.ranges.get(&fetch).copied());
        let Some(range) = range else {
            return;
        };
        if received >= range.bytes {
            if let Some(asking) = host.asking.as_deref_mut() {
                asking.ranges.remove(&fetch);
            }
            host.give_connection(None);
        }
        self.trace.note(
            now,
            Traced::BytesFromOrigin,
            number,
            [range.download.0, fetch.0, received],
        );
        self.client(number, Input::OriginArrived { fetch, received });
    }

    /// A download is over.
    pub(super) fn ended(&mut self, number: u32, download: DownloadToken, is_complete: bool) {
        let (now, plan) = (self.now, self.plan);
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
            began: it.began,
            ended: now,
            is_complete,
            shares: it.shares,
        });
    }

    /// What did not end has failed.
    pub(super) fn end_what_is_left(&mut self) {
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
