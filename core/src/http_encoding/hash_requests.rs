//! MS-PCCRTP 3.1.5.1: the hash requests that a client owes to servers that answered MakeHashRequest=true.
//! Invariant: one hash request at a time for a content, a bounded number of them, and a bounded number of contents.
//! Byte order: none.
//!
//! The document keeps no state and says only that the client should ask. It does not say when: a server that is asked
//! before it has the hashes sends the whole content again. So the client waits first, and longer each time.

use std::collections::{BTreeMap, VecDeque};

use crate::error::ApiMisuse;
use crate::time::{Duration, Instant};

/// The caller's name for a content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ContentToken(pub u64);

/// Limits and times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashRequestSettings {
    /// How long after the plain answer the first hash request goes out.
    pub first_delay_ms: u64,
    /// By how much longer each further one waits than the one before: 2 doubles.
    pub delay_factor: u32,
    /// Hash requests for one content, after which it is given up.
    pub attempts_most: u32,
    /// Contents that are remembered; one more is not taken.
    pub contents_most: usize,
}

impl Default for HashRequestSettings {
    fn default() -> Self {
        Self {
            first_delay_ms: 1_000,
            delay_factor: 4,
            attempts_most: 3,
            contents_most: 1_024,
        }
    }
}

/// How a hash request was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HashAnswer {
    /// With content information that was found good.
    ContentInformation,
    /// With the plain body and MakeHashRequest=true again: the hashes are still being made.
    StillLater,
    /// With anything else, or not at all.
    Nothing,
}

/// What makes the machine move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// A response to a request for the content had MakeHashRequest=true.
    MakeHashRequest(ContentToken),
    /// The hash request that was put out is answered.
    Answered(ContentToken, HashAnswer),
    /// The content is of no interest any more.
    Forget(ContentToken),
    /// Time has passed.
    Timeout,
}

/// What the world has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// Send a hash request and hand in how it was answered.
    Send(ContentToken),
    /// Nothing; something happened.
    Event(Event),
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// The hashes are there.
    Done(ContentToken),
    /// The hashes did not come.
    GivenUp {
        /// Of this content.
        content: ContentToken,
        /// Hash requests that were sent.
        attempts: u32,
    },
    /// There is no room to remember this content.
    NotTaken(ContentToken),
}

#[derive(Debug, Clone, Copy)]
enum State {
    Waiting { until: Instant },
    Sent,
}

#[derive(Debug, Clone, Copy)]
struct Owed {
    state: State,
    attempts: u32,
    delay_ms: u64,
}

/// The machine.
#[derive(Debug)]
pub struct HashRequests {
    settings: HashRequestSettings,
    owed: BTreeMap<ContentToken, Owed>,
    outputs: VecDeque<Output>,
}

impl HashRequests {
    /// Owes nothing.
    #[must_use]
    pub const fn new(settings: HashRequestSettings) -> Self {
        Self {
            settings,
            owed: BTreeMap::new(),
            outputs: VecDeque::new(),
        }
    }

    /// Takes something in.
    ///
    /// # Errors
    /// [`ApiMisuse`] for an answer to a hash request that was not put out.
    pub fn handle(&mut self, now: Instant, input: Input) -> Result<(), ApiMisuse> {
        match input {
            Input::MakeHashRequest(content) => self.owe(now, content),
            Input::Answered(content, answer) => self.answered(now, content, answer)?,
            Input::Forget(content) => {
                self.owed.remove(&content);
            }
            Input::Timeout => {}
        }
        self.send_due(now);
        Ok(())
    }

    /// What to do next; drain to `None` after every [`HashRequests::handle`].
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to hand in [`Input::Timeout`] at the latest.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let waiting = |owed: &Owed| match owed.state {
            State::Waiting { until } => Some(until),
            State::Sent => None,
        };
        self.owed.values().filter_map(waiting).min()
    }

    //= PCCRTP-3.1.5.1-03
    fn owe(&mut self, now: Instant, content: ContentToken) {
        // Known already: another plain answer to an ordinary request changes nothing.
        if self.owed.contains_key(&content) {
            return;
        }
        if self.owed.len() >= self.settings.contents_most || self.settings.attempts_most == 0 {
            let event = Event::NotTaken(content);
            self.outputs.push_back(Output::Event(event));
            return;
        }
        let delay_ms = self.settings.first_delay_ms;
        let owed = Owed {
            state: State::Waiting {
                until: now + Duration::from_millis(delay_ms),
            },
            attempts: 0,
            delay_ms,
        };
        self.owed.insert(content, owed);
    }

    fn answered(
        &mut self,
        now: Instant,
        content: ContentToken,
        answer: HashAnswer,
    ) -> Result<(), ApiMisuse> {
        // Forgotten while the request was under way.
        let Some(owed) = self.owed.get_mut(&content) else {
            return Ok(());
        };
        if matches!(owed.state, State::Waiting { .. }) {
            return Err(ApiMisuse("an answer to a hash request that was not sent"));
        }
        let attempts = owed.attempts;
        let event = match answer {
            HashAnswer::ContentInformation => Event::Done(content),
            HashAnswer::StillLater if attempts < self.settings.attempts_most => {
                let factor = u64::from(self.settings.delay_factor);
                owed.delay_ms = owed.delay_ms.saturating_mul(factor);
                owed.state = State::Waiting {
                    until: now + Duration::from_millis(owed.delay_ms),
                };
                return Ok(());
            }
            HashAnswer::StillLater | HashAnswer::Nothing => Event::GivenUp { content, attempts },
        };
        self.owed.remove(&content);
        self.outputs.push_back(Output::Event(event));
        Ok(())
    }

    fn send_due(&mut self, now: Instant) {
        for (content, owed) in &mut self.owed {
            if matches!(owed.state, State::Waiting { until } if until <= now) {
                owed.state = State::Sent;
                owed.attempts += 1;
                self.outputs.push_back(Output::Send(*content));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const A: ContentToken = ContentToken(1);
    const B: ContentToken = ContentToken(2);

    fn at(milliseconds: u64) -> Instant {
        Instant::ZERO + Duration::from_millis(milliseconds)
    }

    fn drain(machine: &mut HashRequests) -> Vec<Output> {
        core::iter::from_fn(|| machine.poll_output()).collect()
    }

    fn step(machine: &mut HashRequests, milliseconds: u64, input: Input) -> Vec<Output> {
        machine.handle(at(milliseconds), input).unwrap();
        drain(machine)
    }

    #[test]
    fn a_hash_request_follows_make_hash_request_after_the_delay() {
        let mut machine = HashRequests::new(HashRequestSettings::default());
        assert_eq!(step(&mut machine, 0, Input::MakeHashRequest(A)), []);
        assert_eq!(machine.poll_timeout(), Some(at(1000)));
        assert_eq!(step(&mut machine, 999, Input::Timeout), []);
        let sent = step(&mut machine, 1000, Input::Timeout);
        assert_eq!(sent, [Output::Send(A)]);
        assert_eq!(machine.poll_timeout(), None);
        let answer = Input::Answered(A, HashAnswer::ContentInformation);
        let done = step(&mut machine, 1100, answer);
        assert_eq!(done, [Output::Event(Event::Done(A))]);
    }

    #[test]
    fn a_server_that_never_has_the_hashes_is_asked_a_bounded_number_of_times_and_ever_later() {
        let mut machine = HashRequests::new(HashRequestSettings::default());
        step(&mut machine, 0, Input::MakeHashRequest(A));
        let still = Input::Answered(A, HashAnswer::StillLater);
        for (time, next) in [(1000, 5000), (5000, 21_000)] {
            assert_eq!(step(&mut machine, time, Input::Timeout), [Output::Send(A)]);
            assert_eq!(step(&mut machine, time, still), []);
            assert_eq!(machine.poll_timeout(), Some(at(next)));
        }
        assert_eq!(
            step(&mut machine, 21_000, Input::Timeout),
            [Output::Send(A)]
        );
        let given_up = Event::GivenUp {
            content: A,
            attempts: 3,
        };
        assert_eq!(step(&mut machine, 21_000, still), [Output::Event(given_up)]);
        assert_eq!(machine.poll_timeout(), None);
    }

    #[test]
    fn a_content_is_owed_one_hash_request_however_often_it_came_plain() {
        let mut machine = HashRequests::new(HashRequestSettings::default());
        step(&mut machine, 0, Input::MakeHashRequest(A));
        step(&mut machine, 500, Input::MakeHashRequest(A));
        assert_eq!(machine.poll_timeout(), Some(at(1000)));
        assert_eq!(
            step(&mut machine, 1000, Input::MakeHashRequest(A)),
            [Output::Send(A)]
        );
        assert_eq!(step(&mut machine, 2000, Input::MakeHashRequest(A)), []);
    }

    #[test]
    fn contents_past_the_cap_are_not_taken() {
        let mut machine = HashRequests::new(HashRequestSettings {
            contents_most: 1,
            ..HashRequestSettings::default()
        });
        step(&mut machine, 0, Input::MakeHashRequest(A));
        assert_eq!(
            step(&mut machine, 0, Input::MakeHashRequest(B)),
            [Output::Event(Event::NotTaken(B))]
        );
        step(&mut machine, 0, Input::Forget(A));
        assert_eq!(step(&mut machine, 0, Input::MakeHashRequest(B)), []);
    }

    #[test]
    fn an_answer_to_what_was_forgotten_is_nothing_and_one_to_what_was_not_sent_is_misuse() {
        let mut machine = HashRequests::new(HashRequestSettings::default());
        step(&mut machine, 0, Input::MakeHashRequest(A));
        let answer = Input::Answered(A, HashAnswer::Nothing);
        assert!(machine.handle(at(0), answer).is_err());
        assert_eq!(machine.poll_timeout(), Some(at(1000)));
        step(&mut machine, 1000, Input::Timeout);
        step(&mut machine, 1000, Input::Forget(A));
        assert_eq!(step(&mut machine, 1001, answer), []);
    }

    fn inputs() -> impl Strategy<Value = Vec<(u64, Input)>> {
        let content = (0..4u64).prop_map(ContentToken);
        let answer = prop_oneof![
            Just(HashAnswer::ContentInformation),
            Just(HashAnswer::StillLater),
            Just(HashAnswer::Nothing)
        ];
        let input = prop_oneof![
            content.clone().prop_map(Input::MakeHashRequest),
            (content.clone(), answer).prop_map(|(c, a)| Input::Answered(c, a)),
            content.prop_map(Input::Forget),
            Just(Input::Timeout)
        ];
        proptest::collection::vec((0..3000u64, input), 0..60)
    }

    proptest! {
        #[test]
        fn the_law_holds(inputs in inputs(), contents_most in 0..4usize) {
            let settings = HashRequestSettings { contents_most, ..HashRequestSettings::default() };
            let mut machine = HashRequests::new(settings);
            let mut twin = HashRequests::new(settings);
            let mut now = 0;
            for (passed, input) in inputs {
                now += passed;
                prop_assert_eq!(machine.handle(at(now), input), twin.handle(at(now), input));
                prop_assert_eq!(drain(&mut machine), drain(&mut twin));
                prop_assert!(machine.owed.len() <= contents_most);
                if let Some(deadline) = machine.poll_timeout() {
                    machine.handle(deadline, Input::Timeout).unwrap();
                    prop_assert!(!drain(&mut machine).is_empty());
                    prop_assert!(machine.poll_timeout().is_none_or(|next| next > deadline));
                    twin.handle(deadline, Input::Timeout).unwrap();
                    drain(&mut twin);
                }
            }
        }
    }
}
