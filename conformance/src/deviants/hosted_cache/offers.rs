//! Offers to a hosted cache that is right or wrong in one way.
//! Invariant: an offer is answered before anything of it is fetched.
//! Byte order: that of MS-PCHC.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, PoisonError};
use std::thread;

use super::fetch::Order;
use super::{Mistake, State};
use crate::wire::content_info::{ContentInfo, Segment, Version};
use crate::wire::digest::Algorithm;
use crate::wire::hosted_cache::{
    self as wire, DESCRIPTOR_BYTES, DESCRIPTORS_MAX, HEADER_BYTES, Request, code,
};

impl State {
    /// The code that an offer is answered by. `None`: it is dropped.
    pub(super) fn offer(
        self: &Arc<Self>,
        body: &[u8],
        from: SocketAddr,
        version: Version,
    ) -> Option<u8> {
        if body.is_empty() && self.is(Mistake::AnswersEmpty) {
            return Some(code::OK);
        }
        let is_zero = |at: std::ops::Range<usize>| {
            let padding = body.get(at).unwrap_or_default();
            padding.iter().all(|byte| *byte == 0)
        };
        let is_padded = match self.mistake {
            Some(Mistake::LooksAtPadding) => is_zero(4..8),
            Some(Mistake::LooksBehindPort) => is_zero(10..16),
            _ => true,
        };
        if !is_padded {
            return None;
        }
        let (port, request) = wire::read_request(&self.corrected(body, version)).ok()?;
        let mut client = SocketAddr::new(from.ip(), port);
        match self.mistake {
            Some(Mistake::FromItself) => client.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            Some(Mistake::PortOfSource) => client.set_port(from.port()),
            _ => {}
        }
        let of = match request {
            Request::BatchedOffer { .. } => Version::V2,
            _ => Version::V1,
        };
        let is_there = of == version
            || match of {
                Version::V1 => self.is(Mistake::Version1OverHttp),
                Version::V2 => self.is(Mistake::BatchOverHttps),
            };
        if !is_there {
            if self.is(Mistake::InfoOverHttp) {
                self.take(request, client);
            }
            return None;
        }
        self.take(request, client)
    }

    fn take(self: &Arc<Self>, request: Request, client: SocketAddr) -> Option<u8> {
        match request {
            Request::InitialOffer { segment_id } => Some(self.initial(segment_id, client)),
            Request::SegmentInfo {
                segment_information,
                ..
            } => {
                let segment = self.described(segment_information)?;
                let is_offered = {
                    let offered = self.offered.lock();
                    let offered = offered.unwrap_or_else(PoisonError::into_inner);
                    offered.contains(&segment.id())
                };
                if is_offered || !self.is(Mistake::NeedsOffer) {
                    self.learn(segment, client);
                }
                Some(match self.is(Mistake::InterestedInInfo) {
                    true => code::INTERESTED,
                    false => code::OK,
                })
            }
            Request::BatchedOffer { descriptors } => {
                let most = match self.is(Mistake::FirstOfBatch) {
                    true => 1,
                    false => descriptors.len(),
                };
                let mut orders = Vec::new();
                for descriptor in descriptors.into_iter().take(most) {
                    let blocks = match descriptor.hash_algorithm {
                        1 if !self.is(Mistake::BatchesHaveOneBlock) => {
                            descriptor.segment_size.div_ceil(65_536).min(512)
                        }
                        _ => 1,
                    };
                    if self.is(Mistake::ListsOffered) {
                        let mut entries = self.entries();
                        let entry = entries.entry(descriptor.segment_id.clone());
                        entry.or_default().offered = blocks;
                    }
                    orders.push(Order {
                        id: descriptor.segment_id,
                        segment: None,
                        blocks,
                    });
                }
                self.fetch_soon(client, orders);
                Some(match self.is(Mistake::InterestedInBatch) {
                    true => code::INTERESTED,
                    false => code::OK,
                })
            }
        }
    }

    fn fetch_soon(self: &Arc<Self>, client: SocketAddr, orders: Vec<Order>) {
        let state = Arc::clone(self);
        thread::spawn(move || state.fetch(client, &orders));
    }

    fn initial(self: &Arc<Self>, id: Vec<u8>, client: SocketAddr) -> u8 {
        let known = {
            let entries = self.entries();
            entries.get(&id).and_then(|entry| entry.segment.clone())
        };
        let mut offered = self.offered.lock().unwrap_or_else(PoisonError::into_inner);
        offered.push(id.clone());
        drop(offered);
        match known {
            Some(segment) => {
                let has_all = segment.block_hashes.len() == segment.blocks() as usize;
                if !has_all && !self.is(Mistake::PartIsEnough) {
                    return code::INTERESTED;
                }
                if !self.is(Mistake::ForgetsTheRest) {
                    self.fetch_soon(client, vec![Order::of(segment)]);
                }
                match self.is(Mistake::AlwaysInterested) {
                    true => code::INTERESTED,
                    false => code::OK,
                }
            }
            None if self.is(Mistake::AlwaysOk) => code::OK,
            None => code::INTERESTED,
        }
    }

    /// Takes in hashes that were held against HoD, and fetches by them.
    fn learn(self: &Arc<Self>, segment: Segment, client: SocketAddr) {
        let has_all = segment.block_hashes.len() == segment.blocks() as usize;
        let hashes = segment.block_hashes.concat();
        let is_proven = has_all && segment.algorithm.hash(&hashes) == segment.hash_of_data;
        let takes_it = is_proven
            || (has_all && self.is(Mistake::IgnoresHashOfData))
            || (!has_all && self.is(Mistake::PartIsEnough));
        if !takes_it {
            return;
        }
        let id = segment.id();
        {
            let mut entries = self.entries();
            let entry = entries.entry(id).or_default();
            if entry.segment.is_none() && !self.is(Mistake::KeepsUnverified) {
                // Nobody held them against anything.
                entry.blocks.clear();
            }
            entry.segment.get_or_insert_with(|| segment.clone());
        }
        self.fetch_soon(client, vec![Order::of(segment)]);
    }

    /// What content information says of its one segment. `None`: it is malformed.
    fn described(&self, mut bytes: Vec<u8>) -> Option<Segment> {
        // The length of the segment, or 0: more than MS-PCCRC has, and no matter which.
        let read_bytes: [u8; 4] = bytes.get(10..14)?.try_into().ok()?;
        if self.is(Mistake::RefusesReadBytesZero) && read_bytes == [0; 4] {
            return None;
        }
        bytes.get_mut(10..14)?.fill(0);
        if self.is(Mistake::TakesManySegments) {
            bytes.get_mut(14..18)?.copy_from_slice(&[1, 0, 0, 0]);
        }
        if self.is(Mistake::IgnoresBlockSize) {
            bytes.get_mut(30..34)?.copy_from_slice(&[0, 0, 1, 0]);
        }
        let surplus = bytes.len().saturating_sub(102) % 32;
        if self.is(Mistake::IgnoresSurplusOfInfo) {
            bytes.truncate(bytes.len() - surplus);
        }
        if bytes.get(14..18)? != [1, 0, 0, 0] {
            return None;
        }
        let info = ContentInfo::read(&bytes).ok()?;
        let segment = info.segments.into_iter().next()?;
        let is_known = match self.mistake {
            Some(Mistake::OnlySha256) => segment.algorithm != Algorithm::Sha384,
            Some(Mistake::RefusesOffset) => segment.offset == 0,
            _ => true,
        };
        (is_known && segment.version() == Version::V1).then_some(segment)
    }

    /// The message as it reads to one who does not look closely.
    fn corrected(&self, body: &[u8], version: Version) -> Vec<u8> {
        let mut body = body.to_vec();
        let mut set = |at: usize, bytes: &[u8]| {
            if let Some(place) = body.get_mut(at..at + bytes.len()) {
                place.copy_from_slice(bytes);
            }
        };
        let descriptors = |body: &[u8]| body.len().saturating_sub(HEADER_BYTES) / DESCRIPTOR_BYTES;
        match (self.mistake, version) {
            (Some(Mistake::TakesMinor), _) => set(0, &[0]),
            (Some(Mistake::TakesUnknownType), Version::V2) => set(2, &[0, 3]),
            (Some(Mistake::TakesAnyTagSize), Version::V2) => set(HEADER_BYTES + 8, &[0, 16]),
            (Some(Mistake::TakesAnyHash), Version::V2) => set(HEADER_BYTES + 26, &[4]),
            (Some(Mistake::TakesAnyId), Version::V1) if body.get(3) == Some(&1) => {
                body.resize(HEADER_BYTES + 32, 0);
            }
            (Some(Mistake::TakesSurplus), Version::V2) if descriptors(&body) > 0 => {
                body.truncate(HEADER_BYTES + descriptors(&body) * DESCRIPTOR_BYTES);
            }
            (Some(Mistake::TakesEmptyBatches), Version::V2) if body.len() == HEADER_BYTES => {
                body.resize(HEADER_BYTES + DESCRIPTOR_BYTES, 0);
                if let Some(place) = body.get_mut(HEADER_BYTES + 8..HEADER_BYTES + 10) {
                    place.copy_from_slice(&[0, 16]);
                }
                if let Some(place) = body.get_mut(HEADER_BYTES + 26) {
                    *place = 4;
                }
            }
            (Some(Mistake::TakesLongBatches), Version::V2) => {
                body.truncate(HEADER_BYTES + DESCRIPTORS_MAX * DESCRIPTOR_BYTES);
            }
            _ => {}
        }
        body
    }
}
