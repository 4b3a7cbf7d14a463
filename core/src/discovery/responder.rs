//! MS-PCCRD 3.2: the peer's side, which answers those who look for segments that it has.
//! Invariant: one answer to a probe at most, after a random wait, and only while something of it is held.
//! Byte order: none, messages are typed.

mod held;
#[cfg(test)]
mod tests;

pub use held::{Held, Holdings};

use core::net::SocketAddr;
use core::time::Duration;
use std::collections::VecDeque;

use super::identifier::{Identifier, Uuid};
use super::probe::Probe;
use super::probe_match::ProbeMatch;
use super::quirk::{Quirk, Quirks};
use super::sequence::{Persisted, Sequence, Start};
use super::suppression::Suppression;
use super::{Decoded, MAX_ADDRESSES, MAX_IDS, Message};
use crate::content::{SegmentId, Version};
use crate::entropy::{Entropy, Purpose};
use crate::error::{ApiMisuse, Rejected};
use crate::time::Instant;
use held::{Answer, found, held_of};

/// What can be set. The defaults are those of Windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResponderSettings {
    /// `APP_MAX_DELAY`: an answer waits at random from 1 ms to this.
    pub app_max_delay_ms: u64,
    /// When to leave the answer to others; `None`: never.
    pub suppression: Option<Suppression>,
    /// For how long the same probe is not answered again. SOAP over UDP repeats within less; iPXE, which repeats after
    /// one second because it had no answer, then gets one.
    pub remember_probe_ms: u64,
    /// Probes remembered at a time, those waiting for their answer included.
    pub max_remembered_probes: usize,
    /// Answers that may wait at a time; probes beyond that are not answered.
    pub max_pending_answers: usize,
    /// How many message numbers are reserved with each [`ResponderOutput::Persist`].
    pub message_number_batch: u32,
}

impl Default for ResponderSettings {
    fn default() -> Self {
        Self {
            //= PCCRD-3.2.2-04
            app_max_delay_ms: 65,
            suppression: Some(Suppression::default()),
            remember_probe_ms: 900,
            max_remembered_probes: 256,
            max_pending_answers: 64,
            message_number_batch: 256,
        }
    }
}

/// What makes a responder move.
#[derive(Debug, Clone, Copy)]
pub enum ResponderInput<'a> {
    /// Segments can be fetched from these addresses now, at most [`MAX_ADDRESSES`], with ports.
    Addresses(&'a [SocketAddr]),
    /// A datagram came in on the multicast port. Those of this host's own prober are best kept away from here.
    Datagram {
        /// Its sender.
        from: SocketAddr,
        /// Its bytes.
        bytes: &'a [u8],
        /// What this peer has.
        holdings: &'a dyn Holdings,
    },
    /// A probe came in, where there are no bytes.
    Probe {
        /// Its sender.
        from: SocketAddr,
        /// What it says.
        message: &'a Probe,
        /// What this peer has.
        holdings: &'a dyn Holdings,
    },
    /// It is the moment of [`Responder::poll_timeout`], or later.
    Timeout {
        /// What this peer has.
        holdings: &'a dyn Holdings,
    },
}

/// What a responder wants done or known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResponderOutput {
    /// Keep this for the next start, before anything that comes after it is done.
    Persist(Persisted),
    /// Send a match.
    Send {
        /// To whom.
        to: SocketAddr,
        /// What.
        message: ProbeMatch,
    },
    /// Something happened.
    Event(ResponderEvent),
}

/// What happened. All but the first two mean silence on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResponderEvent {
    /// A probe will be answered.
    Waiting {
        /// Its sender.
        from: SocketAddr,
        /// When.
        until: Instant,
        /// What is peculiar about it.
        quirks: Quirks,
    },
    /// A probe was answered.
    Answered {
        /// Its sender.
        to: SocketAddr,
        /// How many of its segments are here.
        segments: usize,
    },
    /// A message was discarded.
    Rejected(Rejected),
    /// A probe came that had come before.
    Repeated {
        /// Its sender.
        from: SocketAddr,
    },
    /// Nothing of a probe is here, or nothing any more.
    NothingHeld {
        /// Its sender.
        from: SocketAddr,
    },
    /// Enough others will answer.
    Suppressed {
        /// Its sender.
        from: SocketAddr,
    },
    /// There is no address of the sender's family to tell.
    NoAddress {
        /// Its sender.
        from: SocketAddr,
    },
    /// As many answers wait as may.
    Full {
        /// Its sender.
        from: SocketAddr,
    },
}

#[derive(Debug)]
struct Remembered {
    from: SocketAddr,
    message_id: Identifier,
    since: Instant,
    answer: Option<Answer>,
}

/// The peer's side of discovery.
#[derive(Debug)]
pub struct Responder {
    settings: ResponderSettings,
    address: Identifier,
    sequence: Sequence,
    addresses: Vec<SocketAddr>,
    /// In the order in which they came.
    remembered: VecDeque<Remembered>,
    outputs: VecDeque<ResponderOutput>,
    /// Lists of ids that answers have no more use for.
    spare: Vec<Vec<SegmentId>>,
    uuids: Entropy,
    backoff: Entropy,
    chance: Entropy,
}

impl Responder {
    /// A responder that has no address yet and so does not answer.
    #[must_use]
    pub fn new(settings: ResponderSettings, start: Start, seed: &[u8; 32]) -> Self {
        let mut uuids = Entropy::new(seed, Purpose::Uuid);
        //= PCCRD-3.2.3-02
        Self {
            settings,
            //= PCCRD-2.2.3.4-02
            address: Uuid::random(&mut uuids).into(),
            sequence: Sequence::new(start, settings.message_number_batch),
            addresses: Vec::new(),
            remembered: VecDeque::new(),
            outputs: VecDeque::new(),
            spare: Vec::new(),
            uuids,
            backoff: Entropy::new(seed, Purpose::Backoff),
            chance: Entropy::new(seed, Purpose::Suppression),
        }
    }

    /// How many probes it remembers, those that wait for their answer included.
    #[must_use]
    pub fn probes_remembered(&self) -> usize {
        self.remembered.len()
    }

    /// How many answers wait for their time.
    #[must_use]
    pub fn answers_pending(&self) -> usize {
        self.pending().count()
    }

    /// Takes note of something that happened outside.
    ///
    /// # Errors
    /// [`ApiMisuse`] for addresses that nobody could connect to, or too many.
    pub fn handle(&mut self, now: Instant, input: ResponderInput<'_>) -> Result<(), ApiMisuse> {
        match input {
            ResponderInput::Addresses(addresses) => {
                if addresses.len() > MAX_ADDRESSES {
                    return Err(ApiMisuse("more addresses than MAX_ADDRESSES"));
                }
                //= PCCRD-2.2.3.8-01
                let is_useless = |a: &SocketAddr| a.port() == 0 || a.ip().is_unspecified();
                if addresses.iter().any(is_useless) {
                    return Err(ApiMisuse("nobody can connect to port 0 or no address"));
                }
                self.addresses.clear();
                self.addresses.extend_from_slice(addresses);
            }
            ResponderInput::Datagram {
                from,
                bytes,
                holdings,
            } => self.take_datagram(now, from, bytes, holdings),
            ResponderInput::Probe {
                from,
                message,
                holdings,
            } => {
                let event = self.take_probe(now, from, message, Quirks::default(), holdings);
                self.event(event);
            }
            ResponderInput::Timeout { holdings } => {
                while let Some((from, message_id, answer)) = self.next_answer(now) {
                    self.answer(from, message_id, &answer, holdings);
                    self.spare.push(answer.ids);
                }
            }
        }
        Ok(())
    }

    /// The next thing to do or to know. Ask until there is none.
    pub fn poll_output(&mut self) -> Option<ResponderOutput> {
        self.outputs.pop_front()
    }

    /// When to hand in [`ResponderInput::Timeout`] at the latest.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.pending().map(|answer| answer.at).min()
    }

    fn pending(&self) -> impl Iterator<Item = &Answer> {
        self.remembered
            .iter()
            .filter_map(|probe| probe.answer.as_ref())
    }

    fn event(&mut self, event: ResponderEvent) {
        self.outputs.push_back(ResponderOutput::Event(event));
    }

    fn take_datagram(
        &mut self,
        now: Instant,
        from: SocketAddr,
        bytes: &[u8],
        holdings: &dyn Holdings,
    ) {
        let for_others = |why: String| Rejected {
            requirement: "PCCRD-3.2.6-01",
            at: 0,
            why,
        };
        let event = match Message::decode(bytes) {
            Ok(Decoded {
                message: Message::Probe(probe),
                quirks,
            }) => self.take_probe(now, from, &probe, quirks, holdings),
            Ok(_) => ResponderEvent::Rejected(for_others("a match, not a probe".into())),
            //= PCCRD-3.2.6-01
            Err(error) if error.is_foreign() => {
                ResponderEvent::Rejected(for_others(error.to_string()))
            }
            //= PCCRD-3.2.4.1-06
            Err(error) => ResponderEvent::Rejected(error.into()),
        };
        self.event(event);
    }

    fn take_probe(
        &mut self,
        now: Instant,
        from: SocketAddr,
        probe: &Probe,
        mut quirks: Quirks,
        holdings: &dyn Holdings,
    ) -> ResponderEvent {
        self.forget(now);
        let is_known = |known: &Remembered| {
            known.from == from && known.message_id.as_str() == probe.message_id.as_str()
        };
        if self.remembered.iter().any(is_known) {
            return ResponderEvent::Repeated { from };
        }
        let held = || held_of(probe.version, &probe.ids, holdings).map(|(_, _, held)| held);
        //= PCCRD-3.2.2-03
        //= PCCRD-3.2.4.1-03
        if held().next().is_none() {
            return ResponderEvent::NothingHeld { from };
        }
        if self.addresses_for(from).next().is_none() {
            return ResponderEvent::NoAddress { from };
        }
        if self.pending().count() >= self.settings.max_pending_answers {
            return ResponderEvent::Full { from };
        }
        //= PCCRD-2.2.2-01
        if probe.version == Version::V1 && held().any(|held| held.version == Version::V2) {
            quirks.add(Quirk::V1ProbeForV2Content);
        }
        let replies = held().map(|held| held.replies);
        //= PCCRD-2.2.2.2-01
        let answers = self
            .settings
            .suppression
            .is_none_or(|rule| rule.lets_answer(replies, &mut self.chance));
        let until = now + self.draw_wait();
        let answer = answers.then(|| {
            let mut ids = self.spare.pop().unwrap_or_default();
            ids.clear();
            ids.extend(probe.ids.iter().take(MAX_IDS));
            Answer {
                at: until,
                version: probe.version,
                ids,
            }
        });
        self.make_room();
        self.remembered.push_back(Remembered {
            from,
            message_id: probe.message_id.clone(),
            since: now,
            answer,
        });
        match answers {
            true => ResponderEvent::Waiting {
                from,
                until,
                quirks,
            },
            false => ResponderEvent::Suppressed { from },
        }
    }

    //= PCCRD-1.3-03
    //= PCCRD-3.2.2-01
    fn draw_wait(&mut self) -> Duration {
        let least = Duration::from_millis(1);
        let most = Duration::from_millis(self.settings.app_max_delay_ms);
        let spread = most.saturating_sub(least).as_nanos();
        let spread = u64::try_from(spread).unwrap_or(u64::MAX).saturating_add(1);
        least + Duration::from_nanos(self.backoff.below(spread))
    }

    fn forget(&mut self, now: Instant) {
        let age = Duration::from_millis(self.settings.remember_probe_ms);
        self.remembered
            .retain(|probe| probe.answer.is_some() || now < probe.since + age);
    }

    /// Forgets the oldest probe that needs no answer any more, if there are too many.
    fn make_room(&mut self) {
        // One more than may wait, so that there is always one to forget.
        let pending = self.settings.max_pending_answers;
        let most = self.settings.max_remembered_probes.max(pending + 1);
        if self.remembered.len() >= most
            && let Some(oldest) = self.remembered.iter().position(|p| p.answer.is_none())
        {
            self.remembered.remove(oldest);
        }
    }

    /// Those that the sender of a probe can use.
    fn addresses_for(&self, from: SocketAddr) -> impl Iterator<Item = SocketAddr> {
        let is_ipv4 = from.ip().to_canonical().is_ipv4();
        self.addresses
            .iter()
            .copied()
            .filter(move |address| address.is_ipv4() == is_ipv4)
    }

    /// Takes out what is due first.
    fn next_answer(&mut self, now: Instant) -> Option<(SocketAddr, Identifier, Answer)> {
        let probe = self
            .remembered
            .iter_mut()
            .filter_map(|probe| Some((probe.answer.as_ref()?.at, probe)))
            .filter(|(at, _)| *at <= now)
            .min_by_key(|(at, _)| *at)
            .map(|(_, probe)| probe)?;
        let answer = probe.answer.take()?;
        Some((probe.from, probe.message_id.clone(), answer))
    }

    //= PCCRD-3.2.2-02
    //= PCCRD-3.2.5-01
    fn answer(
        &mut self,
        to: SocketAddr,
        relates_to: Identifier,
        answer: &Answer,
        holdings: &dyn Holdings,
    ) {
        // The store and the network may have changed meanwhile.
        let addresses: Vec<_> = self.addresses_for(to).collect();
        if addresses.is_empty() {
            return self.event(ResponderEvent::NoAddress { from: to });
        }
        let (found, segments) = found(answer, holdings);
        if segments == 0 {
            return self.event(ResponderEvent::NothingHeld { from: to });
        }
        let (sequence, to_persist) = self.sequence.next();
        if let Some(persisted) = to_persist {
            self.outputs.push_back(ResponderOutput::Persist(persisted));
        }
        //= PCCRD-1.3-02
        //= PCCRD-3.2.4.1-05
        let message = ProbeMatch {
            message_id: Uuid::random(&mut self.uuids).into(),
            relates_to,
            sequence: Some(sequence),
            address: self.address.clone(),
            addresses,
            metadata_version: Some(ProbeMatch::metadata_version_of(answer.version)),
            found,
        };
        self.outputs
            .push_back(ResponderOutput::Send { to, message });
        self.event(ResponderEvent::Answered { to, segments });
    }
}
