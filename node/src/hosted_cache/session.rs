//! MS-PCCRR 3.1 driven for one fetch: questions over HTTP to one client, and the blocks that come back.
//! Invariant: nobody else is asked; what fails too often is asked no more; every message is bounded.
//! Byte order: none.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use peerdist::cipher::decrypt_many;
use peerdist::error::ApiMisuse;
use peerdist::retrieval::client::{
    Client as Machine, DecryptOp, Event, Exchange, Input, Outcome, Output, Peer, Question,
    ReceivedBlock, Tag,
};
use peerdist::retrieval::{BlockSet, PATH, RESPONSE_MAX_BYTES, block_key};
use tokio::task::{AbortHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use super::fetching::{Fetcher, Kept, Plan, one};
use crate::http::client::{Client, Target};
use crate::net::Network;

/// Who is asked; there is only one.
const THE_CLIENT: Peer = Peer(0);

pub(super) struct Session<N> {
    fetcher: Arc<Fetcher<N>>,
    plan: Plan,
    client: Target,
    machine: Machine,
    exchanges: JoinSet<(Exchange, Option<Vec<u8>>)>,
    open: BTreeMap<Exchange, AbortHandle>,
    failures: u32,
    is_over: bool,
    kept: BlockSet,
}

impl<N: Network> Session<N> {
    pub(super) fn new(fetcher: Arc<Fetcher<N>>, plan: Plan, from: SocketAddr) -> Option<Self> {
        // The seed is for ids of requests for lists of segments, of which none is sent.
        let machine = Machine::new(fetcher.limits.retrieval, &[0; 32])
            .inspect_err(|ApiMisuse(why)| tracing::error!(why, "nothing can be fetched"));
        Some(Self {
            client: Target::at(from, PATH)?,
            machine: machine.ok()?,
            fetcher,
            plan,
            exchanges: JoinSet::new(),
            open: BTreeMap::new(),
            failures: 0,
            is_over: false,
            kept: BlockSet::EMPTY,
        })
    }

    /// Asks until there is nothing more to ask: the blocks that are kept.
    pub(super) async fn run(mut self, cancel: &CancellationToken) -> BlockSet {
        if self
            .fetcher
            .limits
            .retrieval
            .wants_block_list(&self.plan.needed)
        {
            self.ask(Question::BlockList {
                segment: self.plan.id,
                needed: self.plan.needed,
            });
            self.settle(cancel).await;
        }
        while !self.is_over {
            while self.open.len() < self.fetcher.limits.blocks_in_flight_per_segment.max(1)
                && let Some(index) = self.plan.needed.first_from(0)
            {
                self.plan.needed.remove(index);
                self.ask(Question::Block {
                    segment: self.plan.id,
                    index,
                    reading: self.plan.reading(index),
                });
            }
            if self.open.is_empty() {
                break;
            }
            self.step(cancel).await;
        }
        self.kept
    }

    async fn settle(&mut self, cancel: &CancellationToken) {
        while !self.is_over && !self.open.is_empty() {
            self.step(cancel).await;
        }
    }

    fn ask(&mut self, question: Question) {
        let asked = self.machine.handle(
            self.fetcher.clock.now(),
            Input::Ask {
                tag: Tag(0),
                peer: THE_CLIENT,
                question,
            },
        );
        if let Err(ApiMisuse(why)) = asked {
            tracing::error!(why, "a block cannot be asked for");
            self.is_over = true;
        }
        self.obey(None);
    }

    /// One answer, or the end of somebody's patience.
    async fn step(&mut self, cancel: &CancellationToken) {
        let clock = self.fetcher.clock;
        let due = self.machine.poll_timeout();
        tokio::select! {
            biased;
            () = cancel.cancelled() => self.is_over = true,
            // An answer that is there counts, also where its time is over.
            Some(joined) = self.exchanges.join_next() => {
                // One that was aborted is over for the machine too.
                if let Ok((exchange, message)) = joined {
                    self.open.remove(&exchange);
                    self.answered(exchange, message).await;
                }
            }
            () = clock.sleep_until(due) => {
                self.handle(Input::Timeout);
                self.obey(None);
            }
        }
    }

    fn handle(&mut self, input: Input<'_>) {
        if let Err(ApiMisuse(why)) = self.machine.handle(self.fetcher.clock.now(), input) {
            tracing::error!(why, "the retrieval client was misused");
            self.is_over = true;
        }
    }

    async fn answered(&mut self, exchange: Exchange, message: Option<Vec<u8>>) {
        let Some(mut message) = message else {
            self.handle(Input::Failed { exchange });
            self.obey(None);
            return;
        };
        self.handle(Input::Message {
            exchange,
            bytes: &message,
        });
        if let Some(block) = self.obey(Some(&mut message)) {
            let index = block.index;
            match self.fetcher.keep(&self.plan, block, message).await {
                Kept::Yes => one(index)
                    .ranges()
                    .for_each(|range| self.kept.insert(range)),
                Kept::Wrong => self.failed(),
                Kept::Cannot => self.is_over = true,
            }
        }
    }

    fn failed(&mut self) {
        self.failures += 1;
        self.is_over |= self.failures >= self.fetcher.limits.failures_most;
    }

    /// Does what the machine says, until it says no more: the block that came, if one did.
    fn obey(&mut self, mut message: Option<&mut Vec<u8>>) -> Option<ReceivedBlock> {
        let mut block = None;
        while let Some(output) = self.machine.poll_output() {
            match output {
                Output::Send {
                    exchange, query, ..
                } => {
                    let mut bytes = Vec::new();
                    query.encode_into(&mut bytes);
                    let asking = post(self.fetcher.client.clone(), self.client.clone(), bytes);
                    let asking = async move { (exchange, asking.await) };
                    self.open.insert(exchange, self.exchanges.spawn(asking));
                }
                Output::Decrypt(op) => {
                    let opened = message
                        .as_deref_mut()
                        .and_then(|bytes| self.open(&op, bytes));
                    let exchange = op.exchange;
                    match opened {
                        Some(quirk) => self.handle(Input::Decrypted { exchange, quirk }),
                        None => self.handle(Input::Failed { exchange }),
                    }
                }
                Output::Abort { exchange, .. } => {
                    if let Some(open) = self.open.remove(&exchange) {
                        open.abort();
                    }
                }
                Output::Event(Event::Finished { outcome, .. }) => match outcome {
                    Outcome::Block(came) => block = Some(came),
                    Outcome::BlockList { available, .. } => {
                        self.plan.needed = self.plan.needed.intersection(&available);
                    }
                    // It need not have what it has offered a part of.
                    Outcome::NoBlock { .. } => {}
                    Outcome::Incompatible { .. } => self.is_over = true,
                    _ => self.failed(),
                },
                Output::Event(event) => tracing::debug!(?event, "retrieval from a client"),
            }
        }
        block
    }

    /// Decrypts a block where it stands: what is odd about its padding.
    fn open(
        &self,
        op: &DecryptOp,
        message: &mut [u8],
    ) -> Option<Option<peerdist::retrieval::Quirk>> {
        let secret = self.plan.facts()?.secret.as_ref()?;
        let key = block_key(op.cipher, secret).ok()?;
        decrypt_many(&mut [op.job(&key, message).ok()?]);
        op.plain(message).ok().map(|(_, quirk)| quirk)
    }
}

/// Posts a message: the one that comes back.
async fn post<N: Network>(client: Client<N>, to: Target, message: Vec<u8>) -> Option<Vec<u8>> {
    let body = Full::new(Bytes::from(message)).map_err(|never| match never {});
    let mut request = Request::new(body.boxed_unsync());
    *request.method_mut() = Method::POST;
    *request.uri_mut() = to.uri;
    request.extensions_mut().insert(to.zone);
    let kind = HeaderValue::from_static("application/octet-stream");
    request.headers_mut().insert(header::CONTENT_TYPE, kind);
    let response = match client.request(request).await {
        Ok(response) if response.status() == StatusCode::OK => response,
        Ok(response) => {
            tracing::debug!(status = %response.status(), "a client serves no block");
            return None;
        }
        Err(error) => {
            tracing::debug!(%error, "a client cannot be reached");
            return None;
        }
    };
    let body = Limited::new(response.into_body(), RESPONSE_MAX_BYTES).collect();
    Some(body.await.ok()?.to_bytes().into())
}
