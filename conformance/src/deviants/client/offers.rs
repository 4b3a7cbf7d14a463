//! Offers to a hosted cache, and the peer that serves what was offered.
//! Invariant: without a mistake only what came from the origin is offered, and it is served when it is.
//! Byte order: big-endian.

use std::collections::BTreeSet;
use std::io;
use std::net::Ipv4Addr;
use std::thread;
use std::time::Duration;

use super::http;
use super::{Mistake, Place, Running};
use crate::deviants::peer;
use crate::targets::peer::Holding;
use crate::wire::hosted_cache::{DESCRIPTORS_MAX, Descriptor, PATH_V2, batched_offer};
use crate::wire::http as heads;

/// How long an answer is waited for.
const REQUEST_TIMER: Duration = Duration::from_secs(10);
/// How long the cache has to fetch.
const SHARING: Duration = Duration::from_millis(700);

impl Running<'_> {
    /// Offers the segments of blocks, and serves them for a while.
    pub(super) fn offer(&self, blocks: &[Place]) -> io::Result<()> {
        let segments: BTreeSet<usize> = blocks
            .iter()
            .filter(|place| self.is_held(place))
            .map(|(number, _)| *number)
            .collect();
        if segments.is_empty() || self.is(Mistake::NoOffer) {
            return Ok(());
        }
        let content = self.blocks.values().flatten().copied().collect();
        let holding = Holding {
            info: self.info.clone(),
            content: Some(content),
        };
        let Some(hosted) = &self.job.hosted else {
            return Ok(());
        };
        // Where the cache looks for it: at the address that offers come from.
        let own = if self.is(Mistake::ServesIpv4) {
            Ipv4Addr::LOCALHOST.into()
        } else {
            hosted.clear.ip()
        };
        let server = peer::start_at(own, vec![holding], None)?;
        if let Some(tls) = &hosted.tls {
            self.offer_secured(&segments, server.address.port(), tls)?;
            thread::sleep(SHARING);
            return Ok(());
        }
        let cache = hosted.clear;
        let descriptors: Vec<Descriptor> = segments
            .iter()
            .filter_map(|number| self.descriptor(*number))
            .collect();
        let most = if self.is(Mistake::LongOffer) {
            usize::MAX
        } else {
            DESCRIPTORS_MAX
        };
        let port = if self.is(Mistake::OtherPort) {
            server.address.port() ^ 1
        } else {
            server.address.port()
        };
        let path = if self.is(Mistake::OtherOfferPath) {
            "/0131501b-d67f-491b-9a40-c4bf27bcb4d5"
        } else {
            PATH_V2
        };
        for part in descriptors.chunks(most) {
            let draft = batched_offer(port, part);
            let draft = match self.mistake {
                Some(Mistake::OfferVersion) => {
                    draft.with("MinorVersion", [2]).with("MajorVersion", [0])
                }
                Some(Mistake::OfferType) => draft.with_u16_be("Type", 1),
                _ => draft,
            };
            let host = cache.to_string();
            let request = heads::request("POST", path, &host, &[], &draft.to_bytes());
            let mut answer = http::exchange(cache, &request, REQUEST_TIMER, None);
            if self.is(Mistake::OffersTwice) {
                answer = http::exchange(cache, &request, REQUEST_TIMER, None);
            }
            // What is no answer ends the sequence, and nothing else.
            if answer.is_err() && self.is(Mistake::ChokesOnAnswer) {
                return Err(io::Error::other("the offer was not answered"));
            }
        }
        thread::sleep(SHARING);
        Ok(())
    }

    fn descriptor(&self, number: usize) -> Option<Descriptor> {
        let segment = self.info.segments.get(number)?;
        let right = Descriptor::of(segment);
        Some(Descriptor {
            segment_size: match self.mistake {
                Some(Mistake::OfferSize) => right.block_size + 1,
                _ => right.segment_size,
            },
            content_tag: match self.mistake {
                Some(Mistake::ShortTag) => vec![1; 4],
                Some(Mistake::TagOfSegment) => {
                    segment.secret.iter().rev().take(16).copied().collect()
                }
                _ => right.content_tag,
            },
            hash_algorithm: match self.mistake {
                Some(Mistake::OfferAlgorithm) => 2,
                _ => right.hash_algorithm,
            },
            segment_id: match self.mistake {
                Some(Mistake::OffersHashOfData) => segment.hash_of_data.clone(),
                _ => right.segment_id,
            },
            block_size: right.block_size,
        })
    }
}
