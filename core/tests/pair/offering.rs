//! What hosts offer to the hosted cache of their branch, and its answers.
//! Invariant: a request ends by its answer, or when its ticks are over.
//! Byte order: none.

use std::collections::BTreeMap;

use peerdist::content::ContentInfo;
use peerdist::hosted_cache::client::{
    Client, ClientSettings, ContentToken, Event, Input, Offerable, Output, RequestId,
};
use peerdist::hosted_cache::{ReadBytes, Version, WellKnownTag};
use peerdist::time::{Duration, Instant};

use crate::broken::{Broken, ensure};
use crate::caching::Poster;
use crate::faults::Faults;
use crate::world::{Happening, World};

pub(crate) struct Offers {
    pub(crate) client: Client,
    settings: ClientSettings,
    /// When each request went out that was not answered yet.
    posted: BTreeMap<RequestId, Instant>,
}

impl Offers {
    pub(crate) fn new(faults: &mut Faults, version: Option<Version>) -> Self {
        let settings = ClientSettings {
            version: version.unwrap_or(Version::V2),
            offer_threshold_percent: [1, 20, 100][faults.index(3)],
            batch_delay_ms: [0, 1_000][faults.index(2)],
            requests_outstanding_max: [1, 8][faults.index(2)],
            segments_tracked_max: [12, 1_000][faults.index(2)],
            ..ClientSettings::default()
        };
        Self {
            client: Client::new(settings),
            settings,
            posted: BTreeMap::new(),
        }
    }

    pub(crate) fn restart(&mut self) {
        self.client = Client::new(self.settings);
        self.posted.clear();
    }

    pub(crate) fn check_limits(&self, now: Instant) -> Result<(), Broken> {
        let (count, kept) = (self.client.requests_outstanding(), self.posted.len());
        ensure!(
            count == kept,
            "{count} requests, of {kept} that were posted"
        );
        let most = self.settings.requests_outstanding_max;
        ensure!(count <= most, "requests: {count} of {most}");
        let tracked = self.client.segments_tracked();
        let most = self.settings.segments_tracked_max;
        ensure!(tracked <= most, "segments: {tracked} of {most}");
        let ticks = 1 + self.settings.request_lifetime_ticks;
        let longest = Duration::from_millis(ticks * self.settings.request_tick_ms);
        for (request, since) in &self.posted {
            let age = now.since(*since);
            ensure!(age <= longest, "{request:?} outlives its ticks: {age:?}");
        }
        Ok(())
    }
}

impl World {
    /// Blocks of a segment are here that the hosted cache was not told of.
    pub(crate) fn offer(
        &mut self,
        number: usize,
        segment: usize,
        count: u32,
        is_complete: bool,
    ) -> Result<(), Broken> {
        let segment = Offerable {
            content: ContentToken(segment as u64),
            index: 0,
            key: self.scene.key_of(segment),
            length: self.scene.segments[segment].length,
            tag: WellKnownTag::Bits.tag(),
        };
        let input = Input::NewBlocks {
            segment,
            count,
            is_complete,
        };
        self.offers(number, input).map(|_| ())
    }

    /// Tells how much was put out.
    pub(crate) fn offers(&mut self, number: usize, input: Input<'_>) -> Result<u32, Broken> {
        let offers = &mut self.nodes[number].offers;
        if let Input::Response { request, .. } | Input::Unreachable { request } = input {
            offers.posted.remove(&request);
        }
        offers.client.handle(self.now, input)?;
        let mut drained = 0;
        while let Some(output) = self.nodes[number].offers.client.poll_output() {
            drained += 1;
            ensure!(drained < 100_000, "draining does not end");
            let offers = &mut self.nodes[number].offers;
            match output {
                Output::Send(send) => {
                    offers.posted.insert(send.request, self.now);
                    self.post(number, &send)?;
                }
                Output::Cancel { request } => {
                    let posted = offers.posted.remove(&request);
                    posted.ok_or("a request is cancelled that is over")?;
                }
                Output::Event(Event::Offered { .. }) => self.total.offers_taken += 1,
                Output::Event(Event::Rejected(_)) => self.total.rejected += 1,
                Output::Event(_) => {}
            }
        }
        Ok(drained)
    }

    fn post(
        &mut self,
        number: usize,
        send: &peerdist::hosted_cache::client::Send,
    ) -> Result<(), Broken> {
        use peerdist::hosted_cache::client::Message;
        let info = match &send.message {
            Message::SegmentInfo { segment, .. } => {
                let place = usize::try_from(segment.content.0).unwrap();
                self.scene
                    .infos
                    .get(place)
                    .map(|bytes| ContentInfo::decode(bytes).unwrap())
            }
            _ => None,
        };
        let mut bytes = Vec::new();
        let is_there = send
            .message
            .encode_into(&mut bytes, info.as_ref(), ReadBytes::default());
        ensure!(
            is_there,
            "a message that cannot be written: {:?}",
            send.message
        );
        let poster = Poster {
            node: number,
            life: self.nodes[number].life,
            request: send.request,
            version: send.version,
            is_authenticated: send.with_authentication,
        };
        let arriving = self.faults.carry(self.now, &bytes);
        if arriving.is_empty() && self.faults.chance(500) {
            self.plan_soon(number, Happening::Unreachable(send.request));
        }
        for (after, bytes) in arriving {
            self.plan(0, after, Happening::Posted(poster, bytes));
        }
        Ok(())
    }

    /// Everybody who is done tells of everything once more, when nothing goes wrong any longer.
    pub(crate) fn offer_all_again(&mut self) -> Result<(), Broken> {
        for number in 1..self.nodes.len() {
            if !self.nodes[number].is_finished {
                continue;
            }
            for segment in 0..self.scene.segments.len() {
                let count = self.scene.segments[segment].block_count();
                self.offer(number, segment, count, true)?;
            }
        }
        Ok(())
    }
}
