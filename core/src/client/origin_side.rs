//! MS-CCROD 2.8.2.5.3: ranges are asked of the content server, arrive, fail, and are asked again.
//! Invariant: no more ranges are outstanding than the settings allow, each with its timer.
//! Byte order: none.

use super::Downloader;
use super::arrivals::From;
use super::origin::take_run;
use super::ports::{BlockOp, Failure, FetchToken, Output, Source};
use super::settings::millis;
use super::timers::Timer;

impl Downloader {
    //= CCROD-2.8.2.5.3-06
    pub(super) fn fetch_from_origin(&mut self) {
        let tokens: Vec<_> = self.downloads.keys().copied().collect();
        let mut has_taken = true;
        // One range of each download in turn, so that none waits for all of another.
        while core::mem::take(&mut has_taken) {
            for token in &tokens {
                if self.fetches.len() >= self.settings.origin_ranges_limit as usize {
                    return;
                }
                let Some(room) = self.origin_room(*token) else {
                    continue;
                };
                let Some(download) = self.downloads.get_mut(token) else {
                    continue;
                };
                if download.origin_rests {
                    continue;
                }
                let max_bytes = self.settings.origin_range_max_bytes.min(room);
                let end = download.window_end(self.settings.ahead_bytes_limit);
                let Some(run) = take_run(download, max_bytes, end, &mut self.order) else {
                    continue;
                };
                has_taken = true;
                let fetch = FetchToken(self.new_name());
                let (download, range) = (run.download, run.range);
                self.fetches.insert(fetch, run);
                let end = self.now + millis(self.settings.origin_timer_ms);
                self.timers.start(Timer::Origin(fetch), end);
                self.outputs.push_back(Output::FetchOrigin {
                    fetch,
                    download,
                    range,
                });
            }
        }
    }

    pub(super) fn origin_arrived(&mut self, token: FetchToken, received: u64) {
        let mut arrived = Vec::new();
        let Some(fetch) = self.fetches.get_mut(&token) else {
            return;
        };
        let Some(download) = self.downloads.get(&fetch.download) else {
            return;
        };
        while let Some((segment, index)) = fetch.take_arrived(download, received) {
            arrived.extend(download.op(segment, index));
        }
        if fetch.next.is_none() {
            self.timers.stop(Timer::Origin(token));
        } else if !arrived.is_empty() {
            let end = self.now + millis(self.settings.origin_timer_ms);
            self.timers.start(Timer::Origin(token), end);
        }
        for block in arrived {
            let source = Source::Origin { fetch: token };
            self.put_verify(block, From::Origin(token), source);
        }
    }

    /// What did not arrive is asked for again, after a while.
    pub(super) fn origin_failed(&mut self, token: FetchToken) {
        self.timers.stop(Timer::Origin(token));
        let Some(mut fetch) = self.fetches.remove(&token) else {
            return;
        };
        let Some(download) = self.downloads.get_mut(&fetch.download) else {
            return;
        };
        let rest = fetch.take_rest(download);
        self.is_stirred = true;
        if rest.is_empty() {
            return;
        }
        for (segment, blocks) in rest {
            download.add_missing(segment, blocks);
        }
        download.origin_failures += 1;
        let (name, failures) = (download.token, download.origin_failures);
        if failures > self.settings.origin_failures_limit {
            self.fail(name, Failure::OriginUnreachable);
            return;
        }
        download.origin_rests = true;
        let end = self.now + millis(self.settings.origin_retry_ms);
        self.timers.start(Timer::OriginRetry(name), end);
    }

    pub(super) fn origin_verified(&mut self, token: FetchToken, block: BlockOp, good: bool) {
        if let Some(fetch) = self.fetches.get_mut(&token) {
            fetch.verifying = fetch.verifying.saturating_sub(1);
            if fetch.verifying == 0 && fetch.next.is_none() {
                self.fetches.remove(&token);
                self.is_stirred = true;
            }
        }
        if good {
            return;
        }
        let Some(download) = self.downloads.get_mut(&block.download) else {
            return;
        };
        download.add_missing(block.segment, [block.index].into_iter().collect());
        download.origin_bad_blocks += 1;
        self.is_stirred = true;
        let (name, bad) = (download.token, download.origin_bad_blocks);
        if bad > self.settings.origin_bad_blocks_limit {
            self.fail(name, Failure::OriginDiffers);
        }
    }
}
