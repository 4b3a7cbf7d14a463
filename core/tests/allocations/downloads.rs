//! MS-CCROD 2.8: the client framework.
//! Invariant: what a block costs is a handful of nodes in maps, whatever its size and however many came before.
//! Byte order: none.

use peerdist::client::{
    Delivery, DownloadToken, Downloader, Event, Input, Mode, Order, Output, Settings, Start,
    WantedSegment,
};
use peerdist::content::Version;
use peerdist::retrieval::client::Peer;
use peerdist::retrieval::server::{
    self, BlockForm, Connection, HeldBlock, HeldSegment, Holdings, SegmentHandle, Server,
    ServerSettings,
};
use peerdist::retrieval::{BlockIndex, BlockSet};
use peerdist::time::{Duration, Instant};

use crate::counting::allocations_of;
use crate::id;

const BLOCKS: u32 = 512;
const BLOCK_BYTES: u32 = 1_000;

struct All;

impl Holdings for All {
    fn segment(&self, _: &peerdist::content::SegmentId) -> Option<HeldSegment> {
        Some(HeldSegment {
            handle: SegmentHandle(0),
            blocks: BlockSet::first_blocks(BLOCKS),
            since: Instant::ZERO,
        })
    }

    fn block(&self, _: SegmentHandle, _: BlockIndex) -> Option<HeldBlock> {
        Some(HeldBlock {
            length: BLOCK_BYTES,
            form: BlockForm::Plain,
        })
    }
}

struct Fetching {
    client: Downloader,
    server: Server,
    now: u64,
    request: Vec<u8>,
    response: Vec<u8>,
    delivered: u32,
    finished: u32,
    /// Allocations of the client alone.
    count: usize,
}

impl Fetching {
    fn handle(&mut self, input: Input<'_>) {
        self.now += 1;
        let now = Instant::ZERO + Duration::from_micros(self.now);
        let client = &mut self.client;
        self.count += allocations_of(|| client.handle(now, input).unwrap());
        while let Some(output) = self.client.poll_output() {
            match output {
                Output::Send {
                    exchange, query, ..
                } => {
                    self.request.clear();
                    query.encode_into(&mut self.request);
                    self.serve(now);
                    let bytes = std::mem::take(&mut self.response);
                    let bytes_ref = &bytes;
                    self.handle(Input::Message {
                        exchange,
                        bytes: bytes_ref,
                    });
                    self.response = bytes;
                }
                Output::Decrypt { op, .. } => self.handle(Input::Decrypted {
                    exchange: op.exchange,
                    quirk: None,
                }),
                Output::Verify(op) => self.handle(Input::Verified {
                    verify: op.verify,
                    good: true,
                }),
                Output::Deliver(_) => self.delivered += 1,
                Output::Event(Event::Finished { .. }) => self.finished += 1,
                _ => {}
            }
        }
    }

    fn serve(&mut self, now: Instant) {
        let input = server::Input::Message {
            connection: Connection(0),
            bytes: &self.request,
            holdings: &All,
        };
        self.server.handle(now, input).unwrap();
        while let Some(output) = self.server.poll_output() {
            let done = match output {
                server::Output::Encrypt(op) => server::Input::Ready {
                    exchange: op.exchange,
                },
                server::Output::Respond {
                    exchange, answer, ..
                } => {
                    self.response.clear();
                    answer.encode_head_into(&mut self.response);
                    let length = self.response.len() + answer.payload_len();
                    self.response.resize(length, 0);
                    answer.encode_tail_into(&mut self.response);
                    let Some(exchange) = exchange else { continue };
                    server::Input::Sent { exchange }
                }
                other => panic!("{other:?}"),
            };
            self.server.handle(now, done).unwrap();
        }
    }

    fn download(&mut self, number: u64) {
        let segments = [WantedSegment {
            id: id(1),
            offset: 0,
            length: BLOCKS * BLOCK_BYTES,
            block_size: BLOCK_BYTES,
            blocks: BlockSet::first_blocks(BLOCKS),
        }];
        self.handle(Input::Start(Start {
            download: DownloadToken(number),
            version: Version::V1,
            segments: &segments,
            mode: Mode::Hosted(Peer(0)),
            order: Order::Sequential,
            delivery: Delivery::AsVerified,
        }));
    }
}

#[test]
fn a_block_of_a_download_allocates_a_bounded_handful() {
    let mut fetching = Fetching {
        client: Downloader::new(Settings::default(), &[1; 32]).unwrap(),
        server: Server::new(ServerSettings::hosted_cache(), &[2; 32]).unwrap(),
        now: 0,
        request: Vec::new(),
        response: Vec::new(),
        delivered: 0,
        finished: 0,
        count: 0,
    };
    fetching.download(0);
    assert_eq!((fetching.delivered, fetching.finished), (BLOCKS, 1));
    fetching.count = 0;
    (1..21).for_each(|number| fetching.download(number));
    assert_eq!((fetching.delivered, fetching.finished), (BLOCKS * 21, 21));
    let blocks = 20 * BLOCKS as usize;
    println!("{} for {blocks} blocks", fetching.count);
    // Questions and verifications under way are in maps, which give up their last node when nothing is under way: here,
    // where one block is at hand at a time, that is two nodes for each; a start adds its tables.
    let starts = 20 * 20;
    assert!(fetching.count <= 2 * blocks + starts, "{}", fetching.count);
}
