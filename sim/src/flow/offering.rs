//! MS-PCHC 3.2: what hosts offer to the hosted cache of their branch.
//! Invariant: an offer that fails is no failure of the download.
//! Byte order: none, messages are encoded in core.

use peerdist::client::Shared;
use peerdist::content::Version;
use peerdist::hash::HashAlgorithm;
use peerdist::hosted_cache::client::{
    Client, ClientSettings, ContentToken, Input, Message, Offerable, Output, RequestId, Send,
};
use peerdist::hosted_cache::{self, ReadBytes, SegmentKey, WellKnownTag};
use peerdist::time::Instant;

use super::branch::{Branch, Happening, Route, Sending};
use super::overhead::RETRIEVAL_REQUEST;

/// What a host offers.
#[derive(Debug)]
pub(super) struct Offers {
    pub(super) machine: Client,
    pub(super) wake: Option<Instant>,
}

/// An offer on its way.
#[derive(Debug)]
pub(super) struct Offer {
    pub(super) request: RequestId,
    pub(super) version: hosted_cache::Version,
    pub(super) message: Vec<u8>,
}

/// The algorithm that hashes of a version are made with here.
pub(super) const fn algorithm(version: Version) -> HashAlgorithm {
    match version {
        Version::V1 => HashAlgorithm::Sha256,
        Version::V2 => HashAlgorithm::Sha512Truncated,
    }
}

impl Branch<'_> {
    /// Blocks of a segment came, some of them from the content server.
    pub(super) fn offer(&mut self, number: u32, shared: &Shared) {
        let plan = self.plan;
        let Some(host) = self.host(number) else {
            return;
        };
        if !host.tuning.offers() {
            return;
        }
        let version = host.version();
        let content = host.downloads.get(&shared.download).map(|it| it.content);
        let Some(content) = content else {
            return;
        };
        let layout = plan.contents.get(content as usize);
        let layout = layout.and_then(|content| content.layout(host.group.version));
        let place =
            layout.and_then(|layout| layout.segments.iter().position(|it| it.id == shared.id));
        let segment = place.and_then(|place| layout?.segments.get(place));
        let (Some(place), Some(segment)) = (place, segment) else {
            return;
        };
        if host.offers.is_none() {
            let mut settings = ClientSettings {
                version: host.tuning.hosted_version(),
                ..ClientSettings::default()
            };
            host.tuning.offering(&mut settings);
            host.offers = Some(Box::new(Offers {
                machine: Client::new(settings),
                wake: None,
            }));
        }
        let input = Input::NewBlocks {
            segment: Offerable {
                content: ContentToken(content.into()),
                index: place as u64,
                key: SegmentKey {
                    algorithm: algorithm(version),
                    id: shared.id,
                },
                length: segment.length,
                tag: WellKnownTag::Bits.tag(),
            },
            count: shared.from_origin,
            is_complete: shared.is_complete,
        };
        self.offers(number, input);
    }

    /// Moves the client of the hosted cache.
    pub(super) fn offers(&mut self, number: u32, input: Input<'_>) {
        let now = self.now;
        let offers = self
            .host(number)
            .and_then(|host| host.offers.as_deref_mut());
        let Some(offers) = offers else {
            return;
        };
        if let Err(misuse) = offers.machine.handle(now, input) {
            self.violated(format!(
                "the offers of host {number} refused an input: {misuse}"
            ));
        }
        let poll = |branch: &mut Self| {
            let offers = branch.host(number)?.offers.as_deref_mut()?;
            offers.machine.poll_output()
        };
        while let Some(output) = poll(self) {
            if let Output::Send(send) = output {
                self.post(number, &send);
            }
        }
        self.plan_wakes(number);
    }

    fn post(&mut self, number: u32, send: &Send) {
        let plan = self.plan;
        let info = match &send.message {
            Message::SegmentInfo { segment, .. } => {
                let content = usize::try_from(segment.content.0).ok();
                let content = content.and_then(|content| plan.contents.get(content));
                content.and_then(|content| content.layout(1))
            }
            _ => None,
        };
        let mut message = Vec::new();
        let view = info.map(|layout| layout.info.view());
        let read_bytes = ReadBytes::default();
        if !send
            .message
            .encode_into(&mut message, view.as_ref(), read_bytes)
        {
            return self.violated(format!("an offer of host {number} cannot be written"));
        }
        let cache = self.site.cache_number();
        let Some(host) = self.host(number) else {
            return;
        };
        let is_open = host.take_connection(Some(cache));
        if self.faulting.is_down(cache) {
            let happening = Happening::OfferFailed {
                host: number,
                request: send.request,
            };
            return self.queue.push(self.now + self.lan_latency(), happening);
        }
        let bytes = RETRIEVAL_REQUEST + message.len() as u64;
        let route = Route::Lan {
            from: number,
            to: cache,
        };
        let offer = Offer {
            request: send.request,
            version: send.version,
            message,
        };
        let sending = Sending::Offer {
            host: number,
            offer,
        };
        self.send(route, is_open, bytes, u64::MAX, sending);
    }

    /// The hosted cache answered.
    pub(super) fn offer_answered(
        &mut self,
        number: u32,
        request: RequestId,
        status: u16,
        body: &[u8],
    ) {
        let cache = self.site.cache_number();
        if let Some(host) = self.host(number) {
            host.give_connection(Some(cache));
        }
        let input = Input::Response {
            request,
            status,
            body,
        };
        self.offers(number, input);
    }
}
