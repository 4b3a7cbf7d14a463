//! MS-PCHC 3.2: what came from the content server is offered to the hosted cache, by the client machine of core.
//! Invariant: an offer that fails is no failure of the download.
//! Byte order: none, messages are encoded in core.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Uri, header};
use http_body_util::{BodyExt, Full};
use peerdist::client::Shared;
use peerdist::hosted_cache::client::{
    Client as Machine, ClientSettings, ContentToken, Event, Input, Offerable, Output, RequestId,
    Send,
};
use peerdist::hosted_cache::{ContentTag, ReadBytes, SegmentKey};
use peerdist::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::described::Described;
use super::pace::Pace;
use crate::clock::Clock;
use crate::http::client::Client;
use crate::net::Network;

const CONTENT: ContentToken = ContentToken(1);
/// Whose content it is, as caches count it.
const TAG: &str = "peerdist";
/// An answer has five bytes.
const ANSWER_BYTES_MOST: usize = 4_096;
/// How often it is looked whether the cache fetched.
const LOOK: Duration = Duration::from_millis(50);

/// What is offered to one hosted cache.
#[derive(Debug)]
pub(super) struct Offers<N> {
    machine: Machine,
    client: Client<N>,
    /// Scheme and host.
    base: String,
    described: Arc<Described>,
    clock: Clock,
    tasks: JoinSet<()>,
    answers: mpsc::UnboundedSender<(RequestId, Option<(u16, Bytes)>)>,
    answered: mpsc::UnboundedReceiver<(RequestId, Option<(u16, Bytes)>)>,
    outstanding: usize,
    /// What waits until the cache has fetched of what it was offered before: its row, and how many of its blocks are new.
    held_back: VecDeque<(usize, Offerable, u32)>,
    pace: Pace,
    /// When to look whether it has.
    look: Option<Instant>,
    /// Blocks of the segments that are being offered.
    blocks: BTreeMap<u64, u32>,
    /// Whether nothing more is to come.
    is_last: bool,
    /// Blocks that the cache was told of.
    pub(super) offered_blocks: u64,
}

impl<N: Network> Offers<N> {
    pub(super) fn new(
        client: Client<N>,
        base: &str,
        settings: ClientSettings,
        described: &Arc<Described>,
        clock: Clock,
        pace: Pace,
    ) -> Self {
        let (answers, answered) = mpsc::unbounded_channel();
        Self {
            machine: Machine::new(settings),
            client,
            base: base.to_owned(),
            described: Arc::clone(described),
            clock,
            tasks: JoinSet::new(),
            answers,
            answered,
            outstanding: 0,
            held_back: VecDeque::new(),
            pace,
            look: None,
            blocks: BTreeMap::new(),
            is_last: false,
            offered_blocks: 0,
        }
    }

    /// Blocks of a segment came, some of them from the content server.
    pub(super) fn offer(&mut self, shared: &Shared) {
        let described = Arc::clone(&self.described);
        let Some(segment) = described.segment(shared.segment) else {
            return;
        };
        let segment = Offerable {
            content: CONTENT,
            index: segment.index,
            key: SegmentKey::of(&segment),
            length: segment.length,
            tag: ContentTag::of_name(TAG),
        };
        let row = shared.segment;
        self.held_back.push_back((row, segment, shared.from_origin));
        self.let_go();
    }

    /// Hands the machine what may be offered now.
    fn let_go(&mut self) {
        let mut is_new = false;
        while !self.held_back.is_empty() && self.pace.has_room(self.clock.now()) {
            let Some((row, segment, count)) = self.held_back.pop_front() else {
                break;
            };
            let wanted = self.described.wanted(row);
            let blocks = wanted.map_or(0, |wanted| wanted.blocks.len());
            self.blocks.insert(segment.index, blocks);
            self.pace.add(blocks, self.clock.now());
            self.feed(Input::NewBlocks {
                segment,
                count,
                is_complete: true,
            });
            is_new = true;
        }
        let later = self.clock.now() + LOOK;
        self.look = (!self.held_back.is_empty()).then_some(later);
        if is_new && self.is_last {
            self.feed(Input::Flush);
        }
    }

    /// Waits for the next that happens.
    pub(super) async fn turn(&mut self) {
        let due = [self.machine.poll_timeout(), self.look];
        let due = due.into_iter().flatten().min();
        tokio::select! {
            biased;
            Some((request, answer)) = self.answered.recv() => {
                self.outstanding = self.outstanding.saturating_sub(1);
                match answer {
                    Some((status, body)) => self.feed(Input::Response { request, status, body: &body }),
                    None => self.feed(Input::Unreachable { request }),
                }
            }
            () = self.clock.sleep_until(due) => {
                let now = self.clock.now();
                if self.machine.poll_timeout().is_some_and(|due| due <= now) {
                    self.feed(Input::Timeout);
                }
                if self.look.is_some_and(|due| due <= now) {
                    self.let_go();
                }
            }
        }
    }

    /// Nothing more is to come.
    pub(super) fn end(&mut self) {
        self.is_last = true;
        self.feed(Input::Flush);
    }

    /// Whether all that was to be offered is.
    pub(super) fn is_idle(&self) -> bool {
        self.held_back.is_empty() && self.outstanding == 0 && self.machine.poll_timeout().is_none()
    }

    fn feed(&mut self, input: Input<'_>) {
        if let Err(misuse) = self.machine.handle(self.clock.now(), input) {
            tracing::error!(%misuse, "the client of the hosted cache refused an input");
        }
        while let Some(output) = self.machine.poll_output() {
            match output {
                Output::Send(send) => self.send(&send),
                // The answer is dropped when it comes.
                Output::Cancel { .. } => {}
                Output::Event(event) => self.note(&event),
            }
        }
        while self.tasks.try_join_next().is_some() {}
    }

    fn send(&mut self, send: &Send) {
        let mut message = Vec::new();
        let info = self.described.info().view();
        let is_there = send
            .message
            .encode_into(&mut message, Some(&info), ReadBytes::default());
        let to: Result<Uri, _> = format!("{}{}", self.base, send.version.path()).parse();
        let (client, answers, request) = (self.client.clone(), self.answers.clone(), send.request);
        self.outstanding += 1;
        self.tasks.spawn(async move {
            let answer = match to {
                // SPNEGO is not spoken here: a cache that wants it refuses, and is offered nothing.
                Ok(to) if is_there => post(&client, to, message).await,
                _ => None,
            };
            let _ = answers.send((request, answer));
        });
    }

    fn note(&mut self, event: &Event) {
        match event {
            Event::Offered { segments, .. } => {
                let told = segments.segments().iter();
                let blocks = told.filter_map(|one| self.blocks.remove(&one.index));
                self.offered_blocks += blocks.map(u64::from).sum::<u64>();
            }
            event => {
                tracing::warn!(?event, "the hosted cache did not take an offer");
                self.pace.give_up(self.clock.now());
            }
        }
    }
}

async fn post<N: Network>(client: &Client<N>, to: Uri, message: Vec<u8>) -> Option<(u16, Bytes)> {
    let body = Full::new(Bytes::from(message));
    let request = Request::post(to)
        .header(header::CONTENT_TYPE, "application/octet-stream")
        .body(body.map_err(|never| match never {}).boxed_unsync());
    let failed =
        |error: &dyn std::fmt::Display| tracing::warn!(%error, "the hosted cache was not reached");
    let response = client.request(request.ok()?).await;
    let response = response.map_err(|error| failed(&error)).ok()?;
    let status = response.status().as_u16();
    let body = http_body_util::Limited::new(response.into_body(), ANSWER_BYTES_MOST);
    let body = body.collect().await.map_err(|error| failed(&error)).ok()?;
    Some((status, body.to_bytes()))
}
