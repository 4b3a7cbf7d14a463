//! Handling retrieval messages allocates nothing once the machines have run for a moment (MS-PCCRR 3.1, 3.2).
//! Invariant: the counter sees every allocation of the thread that runs this one test.
//! Byte order: none.
#![expect(
    unsafe_code,
    reason = "an allocator that counts has to be an allocator"
)]
#![expect(
    clippy::unwrap_used,
    reason = "all of this file is a test, its functions included"
)]

#[path = "allocations/counting.rs"]
mod counting;

use peerdist::content::SegmentId;
use peerdist::hash::Digest;
use peerdist::retrieval::client::{self, Client, ClientSettings, Peer, Question, Reading, Tag};
use peerdist::retrieval::server::{
    self, BlockForm, Connection, HeldBlock, HeldSegment, Holdings, SegmentHandle, Server,
    ServerSettings,
};
use peerdist::retrieval::{BlockIndex, BlockRange, BlockSet};
use peerdist::time::{Duration, Instant};

/// One segment whose odd blocks are missing.
struct OneSegment(SegmentId);

impl Holdings for OneSegment {
    fn segment(&self, id: &SegmentId) -> Option<HeldSegment> {
        (*id == self.0).then(|| HeldSegment {
            handle: SegmentHandle(0),
            blocks: (0..256)
                .filter_map(|half| BlockIndex::new(2 * half))
                .collect(),
            since: Instant::ZERO,
        })
    }

    fn block(&self, _: SegmentHandle, _: BlockIndex) -> Option<HeldBlock> {
        Some(HeldBlock {
            length: 1000,
            form: BlockForm::Plain,
        })
    }
}

/// A client and a server with the world between them, whose buffers are kept.
struct Pair {
    client: Client,
    server: Server,
    holdings: OneSegment,
    now: Instant,
    request: Vec<u8>,
    response: Vec<u8>,
    finished: u32,
}

impl Pair {
    fn ask(&mut self, question: Question) {
        self.now = self.now + Duration::from_millis(1);
        let input = client::Input::Ask {
            tag: Tag(0),
            peer: Peer(0),
            question,
        };
        self.client.handle(self.now, input).unwrap();
        while let Some(output) = self.client.poll_output() {
            match output {
                client::Output::Send {
                    exchange, query, ..
                } => {
                    self.request.clear();
                    query.encode_into(&mut self.request);
                    self.serve();
                    let bytes = &self.response;
                    let input = client::Input::Message { exchange, bytes };
                    self.client.handle(self.now, input).unwrap();
                }
                client::Output::Decrypt(op) => {
                    let input = client::Input::Decrypted {
                        exchange: op.exchange,
                        quirk: None,
                    };
                    self.client.handle(self.now, input).unwrap();
                }
                client::Output::Event(client::Event::Finished { .. }) => self.finished += 1,
                other => panic!("{other:?}"),
            }
        }
    }

    fn serve(&mut self) {
        let input = server::Input::Message {
            connection: Connection(0),
            bytes: &self.request,
            holdings: &self.holdings,
        };
        self.server.handle(self.now, input).unwrap();
        while let Some(output) = self.server.poll_output() {
            let done = match output {
                server::Output::Encrypt(op) => server::Input::Ready {
                    exchange: op.exchange,
                },
                server::Output::Respond {
                    exchange: Some(exchange),
                    answer,
                    ..
                } => {
                    self.response.clear();
                    answer.encode_head_into(&mut self.response);
                    let length = self.response.len() + answer.payload_len();
                    self.response.resize(length, 0);
                    answer.encode_tail_into(&mut self.response);
                    server::Input::Sent { exchange }
                }
                other => panic!("{other:?}"),
            };
            self.server.handle(self.now, done).unwrap();
        }
    }

    fn ask_everything(&mut self) {
        let segment = self.holdings.0;
        for index in 0..8 {
            self.ask(Question::Block {
                segment,
                index: BlockIndex::new(index).unwrap(),
                reading: Reading::Plain { length: 1000 },
            });
        }
        let needed: BlockSet = [(0, 100), (300, 7)]
            .into_iter()
            .filter_map(|(index, count)| BlockRange::new(index, count))
            .collect();
        self.ask(Question::BlockList { segment, needed });
        self.ask(Question::Versions);
    }
}

#[test]
fn a_steady_exchange_of_blocks_lists_and_versions_allocates_nothing() {
    let mut pair = Pair {
        client: Client::new(ClientSettings::default(), &[1; 32]).unwrap(),
        server: Server::new(ServerSettings::peer(), &[2; 32]).unwrap(),
        holdings: OneSegment(SegmentId(Digest::try_from(&[1; 32][..]).unwrap())),
        now: Instant::ZERO,
        request: Vec::new(),
        response: Vec::new(),
        finished: 0,
    };
    pair.ask_everything();
    let count = counting::allocations_of(|| (0..1000).for_each(|_| pair.ask_everything()));
    assert_eq!(pair.finished, 10_010);
    assert_eq!(count, 0, "allocations in 10,000 exchanges");
}
