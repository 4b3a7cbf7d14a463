//! MS-PCHC 3.1, 3.2: the hosted cache and its client.
//! Invariant: an offer of what is held costs the cache nothing, whoever makes it.
//! Byte order: none.

use std::net::SocketAddr;

use peerdist::hash::HashAlgorithm;
use peerdist::hosted_cache::client::{self, Client, ClientSettings, ContentToken, Offerable};
use peerdist::hosted_cache::server::{self, RequestToken, Server, ServerSettings};
use peerdist::hosted_cache::{
    BatchedOffer, BlockSet, InitialOffer, Quirks, Response, ResponseCode, SegmentDescriptor,
    SegmentKey, Version, WellKnownTag,
};
use peerdist::time::{Duration, Instant};

use crate::counting::allocations_of;
use crate::id;

const LENGTH: u32 = 1_000_000;

fn key(number: u8) -> SegmentKey {
    SegmentKey {
        algorithm: HashAlgorithm::Sha256,
        id: id(number),
    }
}

fn offer(server: &mut Server, version: Version, message: &[u8]) -> (u32, Vec<server::Fetch>) {
    let from: SocketAddr = "10.0.0.1:4000".parse().unwrap();
    let input = server::Input::Request {
        request: RequestToken(1),
        from,
        version,
        quirks: Quirks::default(),
        is_authenticated: true,
        message,
    };
    server.handle(Instant::ZERO, input).unwrap();
    drain(server)
}

fn drain(server: &mut Server) -> (u32, Vec<server::Fetch>) {
    let (mut answered, mut fetches) = (0, Vec::new());
    while let Some(output) = server.poll_output() {
        match output {
            server::Output::Respond { .. } => answered += 1,
            server::Output::Fetch(fetch) => fetches.push(fetch),
            _ => {}
        }
    }
    (answered, fetches)
}

#[test]
fn an_offer_of_what_the_cache_holds_allocates_nothing() {
    let mut server = Server::new(ServerSettings::default());
    let all = BlockSet::first_blocks(LENGTH.div_ceil(65_536));
    for number in 0..100 {
        let restored = server::Input::Restored {
            key: key(number),
            length: LENGTH,
            is_proven: true,
            hashed: all,
            verified: all,
            unverified: BlockSet::EMPTY,
        };
        server.handle(Instant::ZERO, restored).unwrap();
    }
    let descriptors: Vec<_> = (0..100)
        .filter_map(|it| SegmentDescriptor::new(key(it), LENGTH, WellKnownTag::Bits.tag()))
        .collect();
    let batch = BatchedOffer::new(80, &descriptors).unwrap().encode();
    let segment = key(1).id;
    let initial = InitialOffer { port: 80, segment }.encode();
    let mut answered = 0;
    let mut round = || {
        answered += offer(&mut server, Version::V2, &batch).0;
        answered += offer(&mut server, Version::V1, &initial).0;
    };
    round();
    let count = allocations_of(|| (0..1_000).for_each(|_| round()));
    assert_eq!(answered, 2_002);
    assert_eq!(count, 0, "allocations of 101,000 offers");
}

#[test]
fn a_fetch_allocates_what_is_kept_of_a_segment_and_of_a_client_at_work() {
    let mut server = Server::new(ServerSettings::default());
    let descriptor = SegmentDescriptor::new(key(1), LENGTH, WellKnownTag::Bits.tag());
    let batch = BatchedOffer::new(80, descriptor.as_slice())
        .unwrap()
        .encode();
    let mut fetched = 0;
    let mut round = || {
        for fetch in offer(&mut server, Version::V2, &batch).1 {
            fetched += 1;
            let input = server::Input::FetchFailed { token: fetch.token };
            server.handle(Instant::ZERO, input).unwrap();
            drain(&mut server);
        }
    };
    round();
    let count = allocations_of(|| (0..1_000).for_each(|_| round()));
    assert_eq!(fetched, 1_001);
    println!("{count} for 1,000 fetches");
    // This cache forgets everything in between, so that each fetch is the first of the segment: how its blocks stand is
    // allocated apart, and the queue of the client; one is the list that this test makes. Maps keep their first node.
    assert_eq!(count, 1_000 * 3);
}

struct Offering {
    client: Client,
    now: u64,
    offered: u32,
}

impl Offering {
    fn new(version: Version) -> Self {
        let settings = ClientSettings {
            version,
            ..ClientSettings::default()
        };
        Self {
            client: Client::new(settings),
            now: 0,
            offered: 0,
        }
    }

    fn handle(&mut self, input: client::Input<'_>) -> Option<client::RequestId> {
        let now = Instant::ZERO + Duration::from_millis(self.now);
        self.client.handle(now, input).unwrap();
        let mut sent = None;
        while let Some(output) = self.client.poll_output() {
            match output {
                client::Output::Send(send) => sent = Some(send.request),
                client::Output::Event(client::Event::Offered { .. }) => self.offered += 1,
                _ => {}
            }
        }
        sent
    }

    fn tell(&mut self, number: u8) -> Option<client::RequestId> {
        self.handle(client::Input::NewBlocks {
            segment: Offerable {
                content: ContentToken(1),
                index: number.into(),
                key: key(number),
                length: LENGTH,
                tag: WellKnownTag::Bits.tag(),
            },
            count: 16,
            is_complete: true,
        })
    }

    fn answer(&mut self, request: client::RequestId, body: &[u8]) {
        self.handle(client::Input::Response {
            request,
            status: 200,
            body,
        });
    }
}

#[test]
fn an_offer_of_version_1_allocates_nothing_where_others_are_on_their_way() {
    let mut offering = Offering::new(Version::V1);
    let code = ResponseCode::OK;
    let body = Response { code }.encode();
    // A map that becomes empty gives up its last node.
    offering.tell(0).unwrap();
    let mut round = || {
        let request = offering.tell(1).unwrap();
        offering.answer(request, &body);
    };
    round();
    let count = allocations_of(|| (0..1_000).for_each(|_| round()));
    assert_eq!(offering.offered, 1_001);
    assert_eq!(count, 0, "allocations of 1,000 offers");
}

#[test]
fn a_batch_of_version_2_allocates_its_segments_and_its_message() {
    let mut offering = Offering::new(Version::V2);
    let code = ResponseCode::OK;
    let body = Response { code }.encode();
    offering.tell(0);
    offering.handle(client::Input::Flush).unwrap();
    let mut round = || {
        let sent = (0..127).fold(None, |sent, number| sent.or(offering.tell(number + 1)));
        assert_eq!(sent, None);
        let request = offering.tell(128).unwrap();
        offering.answer(request, &body);
    };
    round();
    let count = allocations_of(|| (0..100).for_each(|_| round()));
    assert_eq!(offering.offered, 101);
    println!("{count} for 100 batches");
    // The list of segments, which comes back with the answer, and the descriptors of the message; all else are nodes of
    // the map of segments that are looked after, which begins anew with each batch.
    assert!(count <= 100 * 32, "{count}");
}
