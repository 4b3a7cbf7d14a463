//! The law of the core held over arbitrary events: two machines, a network that loses, delays and mangles, and a clock.

use core::time::Duration;
use std::collections::BTreeSet;

use proptest::prelude::*;

use super::cache::Cache;
use super::*;
use crate::retrieval::client::{self, Client, ClientSettings, Peer, Question, Reading, Tag};
use crate::retrieval::server::{self, Connection, Server, ServerSettings};
use crate::time::Instant;

#[derive(Debug, Clone)]
enum Step {
    Ask(u8, u32),
    Deliver { which: usize, mangle: Option<usize> },
    Lose(usize),
    Prepare { which: usize, is_there: bool },
    Send(usize),
    Close(usize),
    Decrypt(usize),
    Cancel(usize),
    Wait(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let pick = 0usize..8;
    let step = prop_oneof![
        4 => (0u8..4, 0u32..6).prop_map(|(kind, index)| Step::Ask(kind, index)),
        4 => (pick.clone(), prop::option::weighted(0.2, 0usize..120))
            .prop_map(|(which, mangle)| Step::Deliver { which, mangle }),
        1 => pick.clone().prop_map(Step::Lose),
        3 => (pick.clone(), prop::bool::weighted(0.8))
            .prop_map(|(which, is_there)| Step::Prepare { which, is_there }),
        3 => pick.clone().prop_map(Step::Send),
        1 => pick.clone().prop_map(Step::Close),
        2 => pick.clone().prop_map(Step::Decrypt),
        1 => pick.prop_map(Step::Cancel),
        1 => prop_oneof![1u64..300, 1000u64..20_000].prop_map(Step::Wait),
    ];
    prop::collection::vec(step, 0..120)
}

/// Something on the wire or on a disk, to be picked by its place.
#[derive(Default)]
struct World {
    requests: Vec<(client::Exchange, Vec<u8>)>,
    responses: Vec<(client::Exchange, Vec<u8>)>,
    preparing: Vec<server::Exchange>,
    sending: Vec<(server::Exchange, Connection, Vec<u8>)>,
    decrypting: Vec<client::Exchange>,
    asked: Vec<client::Exchange>,
    /// The client's exchange behind each connection.
    connections: Vec<client::Exchange>,
    open: BTreeSet<u64>,
    log: Vec<String>,
}

struct Pair {
    client: Client,
    server: Server,
    cache: Cache,
    now: Instant,
    world: World,
    next_tag: u64,
}

fn take<T>(list: &mut Vec<T>, which: usize) -> Option<T> {
    let at = which.checked_rem(list.len())?;
    Some(list.remove(at))
}

impl Pair {
    fn new(seed: [u8; 32]) -> Self {
        let settings = ServerSettings {
            active_client_limit: 2,
            negotiation_limit: 2,
            ..ServerSettings::peer()
        };
        Self {
            client: Client::new(ClientSettings::default(), &seed).unwrap(),
            server: Server::new(settings, &seed).unwrap(),
            cache: Cache {
                length: 50,
                ..Cache::with(&[(id(1), &[(0, 2), (4, 1)])])
            },
            now: Instant::ZERO,
            world: World::default(),
            next_tag: 0,
        }
    }

    fn client(&mut self, input: client::Input<'_>) {
        self.client.handle(self.now, input).unwrap();
        self.drain_client();
    }

    fn server(&mut self, input: server::Input<'_>) {
        self.server.handle(self.now, input).unwrap();
        self.drain_server();
    }

    fn drain_client(&mut self) {
        let mut drained = 0;
        while let Some(output) = self.client.poll_output() {
            drained += 1;
            assert!(drained < 1000, "draining ends");
            self.world
                .log
                .push(format!("{:?} client {output:?}", self.now));
            match output {
                client::Output::Send {
                    exchange,
                    tag,
                    query,
                    ..
                } => {
                    self.world.open.insert(tag.0);
                    self.world.asked.push(exchange);
                    self.world
                        .requests
                        .push((exchange, query.request().encode()));
                }
                client::Output::Decrypt(op) => self.world.decrypting.push(op.exchange),
                client::Output::Event(client::Event::Finished { tag, .. }) => {
                    assert!(self.world.open.remove(&tag.0), "one outcome a question");
                }
                client::Output::Abort { .. } | client::Output::Event(_) => {}
            }
        }
    }

    fn drain_server(&mut self) {
        let mut drained = 0;
        while let Some(output) = self.server.poll_output() {
            drained += 1;
            assert!(drained < 1000, "draining ends");
            self.world
                .log
                .push(format!("{:?} server {output:?}", self.now));
            match output {
                server::Output::Encrypt(op) => self.world.preparing.push(op.exchange),
                server::Output::Load(op) => self.world.preparing.push(op.exchange),
                server::Output::Respond {
                    connection,
                    exchange,
                    answer,
                } => {
                    let mut body = Vec::new();
                    answer.encode_head_into(&mut body);
                    body.resize(body.len() + answer.payload_len(), 1);
                    answer.encode_tail_into(&mut body);
                    assert_eq!(body.len(), answer.body_len());
                    assert!(Response::decode(&body).is_ok());
                    match exchange {
                        Some(exchange) => self.world.sending.push((exchange, connection, body)),
                        None => self.arrive(connection, body),
                    }
                }
                server::Output::Discard { .. }
                | server::Output::Abort { .. }
                | server::Output::Event(_) => {}
            }
        }
        assert!(self.server.active_clients() <= 2);
    }

    fn arrive(&mut self, connection: Connection, body: Vec<u8>) {
        let exchange = self.world.connections[usize::try_from(connection.0).unwrap()];
        self.world.responses.push((exchange, body));
    }

    fn deliver(&mut self, which: usize, mangle: Option<usize>) {
        let is_request = which.is_multiple_of(2);
        let list = if is_request {
            &mut self.world.requests
        } else {
            &mut self.world.responses
        };
        let Some((exchange, mut bytes)) = take(list, which / 2) else {
            return;
        };
        if let Some(byte) = mangle.and_then(|at| bytes.get_mut(at)) {
            *byte ^= 0x41;
        }
        if is_request {
            let connection = Connection(self.world.connections.len() as u64);
            self.world.connections.push(exchange);
            let holdings = &self.cache;
            let input = server::Input::Message {
                connection,
                bytes: &bytes,
                holdings,
            };
            self.server.handle(self.now, input).unwrap();
            self.drain_server();
        } else {
            let bytes = &bytes;
            self.client(client::Input::Message { exchange, bytes });
        }
    }

    fn ask(&mut self, kind: u8, index: u32) {
        let question = match kind {
            0 => Question::Versions,
            1 => Question::BlockList {
                segment: id(1),
                needed: set(&[(index, 3)]),
            },
            2 => Question::Block {
                segment: id(1),
                index: block(index),
                reading: Reading::Plain { length: 50 },
            },
            _ => Question::SegmentList {
                segments: [id(1), id(2)].into(),
            },
        };
        let tag = Tag(self.next_tag);
        self.next_tag += 1;
        let peer = Peer(u64::from(index % 2));
        self.client(client::Input::Ask {
            tag,
            peer,
            question,
        });
    }

    /// Lets time pass and obeys every timeout on the way.
    fn wait(&mut self, milliseconds: u64) {
        let until = self.now + Duration::from_millis(milliseconds);
        loop {
            let due = [self.client.poll_timeout(), self.server.poll_timeout()];
            let Some(next) = due
                .into_iter()
                .flatten()
                .min()
                .filter(|next| *next <= until)
            else {
                break;
            };
            self.now = self.now.max(next);
            let told = self.world.log.len();
            self.client(client::Input::Timeout);
            self.server(server::Input::Timeout);
            let after = [self.client.poll_timeout(), self.server.poll_timeout()];
            let has_advanced = after.into_iter().flatten().all(|later| later > next);
            assert!(
                has_advanced && self.world.log.len() > told,
                "a timeout moves the machine"
            );
        }
        self.now = until;
    }

    fn run(&mut self, step: &Step) {
        match *step {
            Step::Ask(kind, index) => self.ask(kind, index),
            Step::Deliver { which, mangle } => self.deliver(which, mangle),
            Step::Lose(which) => {
                if let Some((exchange, _)) = take(&mut self.world.responses, which) {
                    self.client(client::Input::Failed { exchange });
                }
            }
            Step::Prepare { which, is_there } => {
                if let Some(exchange) = take(&mut self.world.preparing, which) {
                    self.server(if is_there {
                        server::Input::Ready { exchange }
                    } else {
                        server::Input::Lost { exchange }
                    });
                }
            }
            Step::Send(which) => {
                if let Some((exchange, connection, body)) = take(&mut self.world.sending, which) {
                    self.server(server::Input::Sent { exchange });
                    self.arrive(connection, body);
                }
            }
            Step::Close(which) => {
                if let Some((exchange, _, _)) = take(&mut self.world.sending, which) {
                    self.server(server::Input::Closed { exchange });
                }
            }
            Step::Decrypt(which) => {
                if let Some(exchange) = take(&mut self.world.decrypting, which) {
                    let quirk = None;
                    self.client(client::Input::Decrypted { exchange, quirk });
                }
            }
            Step::Cancel(which) => {
                if let Some(exchange) = take(&mut self.world.asked, which) {
                    self.client(client::Input::Cancel { exchange });
                }
            }
            Step::Wait(milliseconds) => self.wait(milliseconds),
        }
    }
}

proptest! {
    #[test]
    fn whatever_happens_draining_ends_timeouts_move_and_every_question_ends_once(steps in steps()) {
        let mut pair = Pair::new([5; 32]);
        for step in &steps {
            pair.run(step);
        }
        // Then the world does what it owes, and time passes.
        while let Some(exchange) = pair.world.decrypting.pop() {
            pair.client(client::Input::Decrypted { exchange, quirk: None });
        }
        pair.wait(60_000);
        prop_assert!(pair.world.open.is_empty(), "{:?}", pair.world.open);
        prop_assert_eq!(pair.client.outstanding(), 0);
        prop_assert_eq!(pair.server.active_clients(), 0);
        prop_assert_eq!(pair.client.poll_timeout(), None);
        prop_assert_eq!(pair.server.poll_timeout(), None);
        // And they still work.
        pair.ask(2, 0);
        pair.world.responses.clear();
        pair.world.preparing.clear();
        pair.world.sending.clear();
        pair.world.requests.drain(..pair.world.requests.len() - 1);
        pair.deliver(0, None);
        pair.run(&Step::Prepare { which: 0, is_there: true });
        pair.run(&Step::Send(0));
        pair.deliver(1, None);
        pair.run(&Step::Decrypt(0));
        prop_assert!(pair.world.log.last().unwrap().contains("Block(ReceivedBlock"));
    }

    #[test]
    fn the_same_events_and_seed_give_the_same_outputs(steps in steps(), seed: [u8; 32]) {
        let run = || {
            let mut pair = Pair::new(seed);
            steps.iter().for_each(|step| pair.run(step));
            pair.world.log
        };
        prop_assert_eq!(run(), run());
    }
}
