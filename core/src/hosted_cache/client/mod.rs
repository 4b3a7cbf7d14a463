//! MS-PCHC 3.2: the client of a hosted cache. It offers what came from the content server, and hashes where they are wanted.
//! Invariant: a request has one end: answered, refused or timed out; whatever comes after is dropped.
//! Byte order: none; it draws no random numbers.
//!
//! ```text
//! V1: new blocks ── 20 % ──▶ INITIAL_OFFER ──OK──▶ done
//!                                └──INTERESTED──▶ SEGMENT_INFO ──OK──▶ done
//! V2: new blocks ── 20 % ──▶ wait for a batch ──▶ BATCHED_OFFER ──OK──▶ done
//! ```

mod io;
mod settings;

pub use io::{
    ContentToken, Event, Input, Message, NotOffered, Offerable, Offered, Output, Refusal,
    RequestId, Send,
};
pub use settings::ClientSettings;

use std::collections::{BTreeMap, VecDeque};

use super::{BATCH_MAX_SEGMENTS, InitialOffer, Response, ResponseCode, SegmentDescriptor, Version};
use crate::content::BLOCK_BYTES;
use crate::error::{ApiMisuse, Rejected};
use crate::hash::HashAlgorithm;
use crate::time::{Duration, Instant};

/// A segment's place: its content and its number there.
type Place = (ContentToken, u64);

/// How much of a segment was offered.
#[derive(Debug)]
struct Progress {
    segment: Offerable,
    /// Blocks that came since the last offer.
    new: u32,
    is_complete: bool,
    phase: Phase,
    touched: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Arriving,
    Waiting,
    Offered,
}

#[derive(Debug)]
struct Outstanding {
    step: Step,
    segments: Offered,
    /// The request expires when the tick counter exceeds this.
    expiry: u64,
    is_authenticated: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    InitialOffer,
    SegmentInfo,
    BatchedOffer,
}

/// A client of a hosted cache.
#[derive(Debug)]
pub struct Client {
    settings: ClientSettings,
    tracked: BTreeMap<Place, Progress>,
    waiting: VecDeque<Place>,
    /// When a batch is sent that did not fill by itself.
    batch_deadline: Option<Instant>,
    outstanding: BTreeMap<RequestId, Outstanding>,
    requests_sent: u64,
    inputs: u64,
    ticks: u64,
    /// None while the request timer is stopped.
    next_tick: Option<Instant>,
    outputs: VecDeque<Output>,
}

const fn blocks_of(segment: &Offerable) -> u32 {
    match segment.key.algorithm {
        HashAlgorithm::Sha512Truncated => 1,
        _ => segment.length.div_ceil(BLOCK_BYTES),
    }
}

impl Client {
    /// A client that has nothing to offer yet.
    #[must_use]
    pub const fn new(settings: ClientSettings) -> Self {
        Self {
            settings,
            tracked: BTreeMap::new(),
            waiting: VecDeque::new(),
            batch_deadline: None,
            outstanding: BTreeMap::new(),
            requests_sent: 0,
            inputs: 0,
            ticks: 0,
            next_tick: None,
            outputs: VecDeque::new(),
        }
    }

    /// How many requests are on their way.
    #[must_use]
    pub fn requests_outstanding(&self) -> usize {
        self.outstanding.len()
    }

    /// How many segments are looked after: arriving, waiting to be offered, or offered.
    #[must_use]
    pub fn segments_tracked(&self) -> usize {
        self.tracked.len()
    }

    /// Takes what happened.
    ///
    /// # Errors
    /// [`ApiMisuse`] for answers to what was never sent, or more new blocks than a segment has. The machine is unchanged
    /// then.
    pub fn handle(&mut self, now: Instant, input: Input<'_>) -> Result<(), ApiMisuse> {
        self.inputs += 1;
        let mut flush = false;
        match input {
            Input::NewBlocks {
                segment,
                count,
                is_complete,
            } => self.new_blocks(now, segment, count, is_complete)?,
            Input::Flush => flush = true,
            Input::Withdrawn { content } => self.withdrawn(content),
            Input::Response {
                request,
                status,
                body,
            } => self.response(now, request, status, body)?,
            Input::Unreachable { request } => {
                if let Some(outstanding) = self.take(request)? {
                    self.refused(now, request, outstanding.segments, Refusal::Unreachable);
                }
            }
            Input::Timeout => self.tick(now),
        }
        self.send_waiting(now, flush);
        self.stop_timer_if_idle();
        Ok(())
    }

    /// What to do next; call until there is nothing.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to hand in [`Input::Timeout`] at the latest.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let may_send = self.outstanding.len() < self.settings.requests_outstanding_max;
        let batch = self.batch_deadline.filter(|_| may_send);
        [self.next_tick, batch].into_iter().flatten().min()
    }

    fn tell(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }

    //= PCHC-3.2.4-01
    fn new_blocks(
        &mut self,
        now: Instant,
        segment: Offerable,
        count: u32,
        is_complete: bool,
    ) -> Result<(), ApiMisuse> {
        if count > blocks_of(&segment) {
            return Err(ApiMisuse("more new blocks than the segment has"));
        }
        let can_offer = match self.settings.version {
            Version::V1 => segment.key.algorithm != HashAlgorithm::Sha512Truncated,
            Version::V2 => {
                SegmentDescriptor::new(segment.key, segment.length, segment.tag).is_some()
            }
        };
        if !can_offer {
            let why = NotOffered::Algorithm;
            self.tell(Event::NotOffered { segment, why });
            return Ok(());
        }
        let place = (segment.content, segment.index);
        if !self.tracked.contains_key(&place) && !self.make_room() {
            let why = NotOffered::TooManySegments;
            self.tell(Event::NotOffered { segment, why });
            return Ok(());
        }
        let progress = self.tracked.entry(place).or_insert(Progress {
            segment,
            new: 0,
            is_complete: false,
            phase: Phase::Arriving,
            touched: 0,
        });
        progress.segment = segment;
        progress.new = progress.new.saturating_add(count);
        progress.is_complete |= is_complete;
        progress.touched = self.inputs;
        self.advance(now, place);
        Ok(())
    }

    /// Gives up the segment that nothing happened to for the longest time, if that is how room can be had.
    fn make_room(&mut self) -> bool {
        if self.tracked.len() < self.settings.segments_tracked_max {
            return true;
        }
        let arriving = self
            .tracked
            .iter()
            .filter(|(_, progress)| progress.phase == Phase::Arriving);
        let oldest = arriving.min_by_key(|(_, progress)| progress.touched);
        let Some(place) = oldest.map(|(place, _)| *place) else {
            return false;
        };
        self.tracked.remove(&place);
        true
    }

    /// Lets a segment wait for its offer, or go, if it is time.
    //= PCHC-3.2.4-03
    fn advance(&mut self, now: Instant, place: Place) {
        let Some(progress) = self.tracked.get_mut(&place) else {
            return;
        };
        if progress.phase != Phase::Arriving {
            return;
        }
        let blocks = u64::from(blocks_of(&progress.segment));
        let enough = u64::from(progress.new) * 100
            >= blocks * u64::from(self.settings.offer_threshold_percent);
        // The rest of a segment may be less than the threshold, and would else never be told of.
        if progress.new > 0 && (enough || progress.is_complete) {
            progress.phase = Phase::Waiting;
            self.waiting.push_back(place);
            if self.settings.version == Version::V2 && self.batch_deadline.is_none() {
                let delay = Duration::from_millis(self.settings.batch_delay_ms);
                self.batch_deadline = Some(now + delay);
            }
        } else if progress.is_complete {
            self.tracked.remove(&place);
        }
    }

    fn withdrawn(&mut self, content: ContentToken) {
        self.waiting.retain(|place| place.0 != content);
        self.tracked.retain(|place, _| place.0 != content);
        if self.waiting.is_empty() {
            self.batch_deadline = None;
        }
    }

    fn send_waiting(&mut self, now: Instant, flush: bool) {
        while !self.waiting.is_empty()
            && self.outstanding.len() < self.settings.requests_outstanding_max
        {
            match self.settings.version {
                Version::V1 => {
                    if let Some(segment) = self.take_waiting() {
                        self.send_new(now, Step::InitialOffer, Offered::One(segment));
                    }
                }
                Version::V2 => {
                    let is_due = self.batch_deadline.is_none_or(|deadline| deadline <= now);
                    if !(flush || is_due || self.waiting.len() >= BATCH_MAX_SEGMENTS) {
                        return;
                    }
                    let count = self.waiting.len().min(BATCH_MAX_SEGMENTS);
                    let segments = (0..count).filter_map(|_| self.take_waiting()).collect();
                    let delay = Duration::from_millis(self.settings.batch_delay_ms);
                    self.batch_deadline = (!self.waiting.is_empty()).then(|| now + delay);
                    self.send_new(now, Step::BatchedOffer, Offered::Batch(segments));
                }
            }
        }
    }

    fn take_waiting(&mut self) -> Option<Offerable> {
        let place = self.waiting.pop_front()?;
        let progress = self.tracked.get_mut(&place)?;
        progress.phase = Phase::Offered;
        progress.new = 0;
        Some(progress.segment)
    }

    //= PCHC-3.2.1-01
    //= PCHC-3.2.4-02
    fn send_new(&mut self, now: Instant, step: Step, segments: Offered) {
        let request = RequestId(self.requests_sent);
        self.requests_sent += 1;
        self.send(
            now,
            request,
            Outstanding {
                step,
                segments,
                expiry: 0,
                is_authenticated: false,
            },
        );
    }

    /// Sends a request, for the first time or again, and gives it its full time.
    fn send(&mut self, now: Instant, request: RequestId, outstanding: Outstanding) {
        let message = self.message(&outstanding);
        self.outputs.push_back(Output::Send(Send {
            request,
            version: self.settings.version,
            with_authentication: outstanding.is_authenticated,
            message,
        }));
        //= PCHC-3.2.2-01
        let tick = Duration::from_millis(self.settings.request_tick_ms);
        self.next_tick.get_or_insert(now + tick);
        //= PCHC-3.2.2-03
        let expiry = self.ticks_at(now) + self.settings.request_lifetime_ticks;
        let outstanding = Outstanding {
            expiry,
            ..outstanding
        };
        self.outstanding.insert(request, outstanding);
    }

    /// The tick counter as it stands at `now`, the ticks counted that nobody handed in yet.
    fn ticks_at(&self, now: Instant) -> u64 {
        let overdue = self.next_tick.filter(|due| *due <= now).map_or(0, |due| {
            let period = u128::from(self.settings.request_tick_ms.max(1)) * 1_000_000;
            u64::try_from(now.since(due).as_nanos() / period).unwrap_or(u64::MAX) + 1
        });
        self.ticks + overdue
    }

    //= PCHC-1.5-01
    fn message(&self, outstanding: &Outstanding) -> Message {
        let port = self.settings.retrieval_port;
        match (&outstanding.segments, outstanding.step) {
            //= PCHC-3.2.1-03
            (Offered::One(segment), Step::InitialOffer) => Message::InitialOffer(InitialOffer {
                port,
                segment: segment.key.id,
            }),
            (Offered::One(segment), _) => Message::SegmentInfo {
                port,
                segment: *segment,
            },
            (Offered::Batch(segments), _) => {
                let descriptors = segments.iter().filter_map(|segment| {
                    SegmentDescriptor::new(segment.key, segment.length, segment.tag)
                });
                Message::BatchedOffer {
                    port,
                    descriptors: descriptors.collect(),
                }
            }
        }
    }

    /// Takes a request off the list. None, and an event, where it came to its end before.
    fn take(&mut self, request: RequestId) -> Result<Option<Outstanding>, ApiMisuse> {
        if request.0 >= self.requests_sent {
            return Err(ApiMisuse("the request was never sent"));
        }
        let outstanding = self.outstanding.remove(&request);
        if outstanding.is_none() {
            //= PCHC-3.2.5.1-03
            //= PCHC-3.2.2-04
            self.tell(Event::Rejected(Rejected {
                requirement: "PCHC-3.2.5.1-03",
                at: 0,
                why: format!("request {} was answered or had expired before", request.0),
            }));
        }
        Ok(outstanding)
    }

    //= PCHC-3.2.5.1-01
    //= PCHC-3.2.5.2-01
    //= PCHC-3.2.5.4-01
    fn response(
        &mut self,
        now: Instant,
        request: RequestId,
        status: u16,
        body: &[u8],
    ) -> Result<(), ApiMisuse> {
        let Some(outstanding) = self.take(request)? else {
            return Ok(());
        };
        let may_authenticate =
            self.settings.version == Version::V1 && !outstanding.is_authenticated;
        match status {
            200 => self.answered(now, request, outstanding, body),
            //= PCHC-2.1-10
            //= PCHC-3.2.5.3-01
            //= PCHC-3.2.5.3-02
            401 if may_authenticate => {
                let again = Outstanding {
                    is_authenticated: true,
                    ..outstanding
                };
                self.send(now, request, again);
            }
            _ => self.refused(now, request, outstanding.segments, Refusal::Status(status)),
        }
        Ok(())
    }

    fn answered(
        &mut self,
        now: Instant,
        request: RequestId,
        outstanding: Outstanding,
        body: &[u8],
    ) {
        let Outstanding { step, segments, .. } = outstanding;
        let code = match Response::decode(body) {
            Ok(response) => response.code,
            Err(error) => return self.bad_response(now, request, segments, error.into()),
        };
        match (code, step) {
            (ResponseCode::OK, _) => {
                self.ended(now, &segments);
                self.tell(Event::Offered {
                    request,
                    segments,
                    with_hashes: step == Step::SegmentInfo,
                });
            }
            //= PCHC-3.2.5.1-02
            (ResponseCode::INTERESTED, Step::InitialOffer) => {
                let segment = segments.segments().first().copied();
                match segment.filter(|one| !self.tracked.contains_key(&(one.content, one.index))) {
                    Some(segment) => {
                        let why = NotOffered::Withdrawn;
                        self.tell(Event::NotOffered { segment, why });
                    }
                    None => self.send_new(now, Step::SegmentInfo, segments),
                }
            }
            (code, step) => {
                let (requirement, expected) = match step {
                    Step::InitialOffer => ("PCHC-2.2.2.2-02", "OK or INTERESTED"),
                    Step::BatchedOffer => ("PCHC-2.2.2.2-03", "OK"),
                    Step::SegmentInfo => ("PCHC-2.2.2.2-04", "OK"),
                };
                let why = Rejected {
                    requirement,
                    at: 4,
                    why: format!("ResponseCode: {code}; expected {expected}"),
                };
                self.bad_response(now, request, segments, why);
            }
        }
    }

    //= PCHC-3.2.5.5-01
    fn bad_response(&mut self, now: Instant, request: RequestId, segments: Offered, why: Rejected) {
        self.tell(Event::Rejected(why));
        self.refused(now, request, segments, Refusal::BadResponse);
    }

    fn refused(&mut self, now: Instant, request: RequestId, segments: Offered, why: Refusal) {
        self.ended(now, &segments);
        self.tell(Event::Refused {
            request,
            segments,
            why,
        });
    }

    /// The sequence of these segments is over: what came meanwhile may be offered.
    fn ended(&mut self, now: Instant, segments: &Offered) {
        for segment in segments.segments() {
            let place = (segment.content, segment.index);
            if let Some(progress) = self.tracked.get_mut(&place)
                && progress.phase == Phase::Offered
            {
                progress.phase = Phase::Arriving;
                self.advance(now, place);
            }
        }
    }

    //= PCHC-3.2.2-02
    fn tick(&mut self, now: Instant) {
        let period = Duration::from_millis(self.settings.request_tick_ms.max(1));
        while let Some(due) = self.next_tick.filter(|due| *due <= now) {
            self.ticks += 1;
            self.next_tick = Some(due + period);
            self.expire(now);
            self.stop_timer_if_idle();
        }
    }

    //= PCHC-3.2.6-01
    fn expire(&mut self, now: Instant) {
        let ticks = self.ticks;
        let is_over = |one: &Outstanding| ticks > one.expiry;
        while let Some(request) = self
            .outstanding
            .iter()
            .find(|(_, one)| is_over(one))
            .map(|(request, _)| *request)
        {
            let Some(outstanding) = self.outstanding.remove(&request) else {
                return;
            };
            self.outputs.push_back(Output::Cancel { request });
            let segments = outstanding.segments;
            self.ended(now, &segments);
            self.tell(Event::TimedOut { request, segments });
        }
    }

    //= PCHC-3.2.2-01
    fn stop_timer_if_idle(&mut self) {
        if self.outstanding.is_empty() {
            self.next_tick = None;
        }
    }
}
