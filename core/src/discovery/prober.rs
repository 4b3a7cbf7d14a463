//! MS-PCCRD 3.1: the client's side, which asks everybody on the local subnet for segments and collects who has them.
//! Invariant: a match counts once, only from the local subnet, and only while its probe is outstanding.
//! Byte order: none, messages are typed.

mod matching;
#[cfg(test)]
mod tests;

use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use std::collections::VecDeque;

use super::identifier::{Identifier, Uuid};
use super::probe::Probe;
use super::probe_match::ProbeMatch;
use super::quirk::Quirks;
use super::subnet::{Subnet, is_local};
use super::suppression::Replies;
use super::{Decoded, MAX_IDS, Message};
use crate::content::{SegmentId, Version};
use crate::entropy::{Entropy, Purpose};
use crate::error::{ApiMisuse, Rejected};
use crate::time::Instant;

/// Subnets that a host can be on, at most.
pub const MAX_SUBNETS: usize = 64;

/// What can be set. The defaults are those of Windows, and of SOAP over UDP for repeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProberSettings {
    /// How long matches are awaited.
    pub request_timer_ms: u64,
    /// How long responders wait at most. The request timer is never shorter.
    pub app_max_delay_ms: u64,
    /// How many more times a probe is sent, so that it survives a loss.
    pub repeats: u32,
    /// The first repeat comes at least so much later.
    pub repeat_min_delay_ms: u64,
    /// And at most so much. Each further repeat waits twice as long as the one before.
    pub repeat_max_delay_ms: u64,
    /// But no repeat waits longer than this.
    pub repeat_upper_delay_ms: u64,
    /// Probes that may be outstanding at a time.
    pub max_outstanding_probes: usize,
    /// Matches of one probe that count; more are dropped.
    pub max_matches_per_probe: usize,
}

impl Default for ProberSettings {
    fn default() -> Self {
        Self {
            //= PCCRD-3.1.2-02
            request_timer_ms: 300,
            app_max_delay_ms: 65,
            repeats: 1,
            repeat_min_delay_ms: 50,
            repeat_max_delay_ms: 250,
            repeat_upper_delay_ms: 500,
            max_outstanding_probes: 64,
            max_matches_per_probe: 128,
        }
    }
}

/// The caller's own name for a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProbeToken(pub u64);

/// A segment to look for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// Its id.
    pub id: SegmentId,
    /// How many blocks it has: who has as many has all of it.
    pub blocks: u32,
}

/// What makes a prober move.
#[derive(Debug, Clone, Copy)]
pub enum ProberInput<'a> {
    /// The subnets of this host are now these. Nobody else's answers count, but those of link-local addresses.
    Subnets(&'a [Subnet]),
    /// Look for segments.
    Start {
        /// The caller's name for this, not in use.
        probe: ProbeToken,
        /// The version of the content information that the segments come from.
        version: Version,
        /// 1 to [`MAX_IDS`] segments; in version 2.0 their ids have one length.
        segments: &'a [Wanted],
    },
    /// Look no longer. Of no effect if that is over already.
    Cancel(ProbeToken),
    /// A datagram came in on the socket that probes go out from.
    Datagram {
        /// Its sender.
        from: SocketAddr,
        /// Its bytes.
        bytes: &'a [u8],
    },
    /// A match came in, where there are no bytes.
    Match {
        /// Its sender.
        from: SocketAddr,
        /// What it says.
        message: &'a ProbeMatch,
    },
    /// It is the moment of [`Prober::poll_timeout`], or later.
    Timeout,
}

/// What a prober wants done or known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProberOutput {
    /// Send a probe to [`MULTICAST_V4`](super::MULTICAST_V4) and [`MULTICAST_V6`](super::MULTICAST_V6).
    Multicast(Probe),
    /// Something happened.
    Event(ProberEvent),
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProberEvent {
    /// A peer has segments.
    Match(Match),
    /// The request timer of a probe has ended: no more matches of it will come.
    Finished {
        /// Which probe.
        probe: ProbeToken,
        /// How often each segment was offered, in the order of the probe. To be kept with the segment, see
        /// [`Held::replies`](super::Held::replies).
        replies: Vec<Replies>,
    },
    /// A message was discarded.
    Rejected(Rejected),
    /// A match came that had come before.
    Repeated {
        /// Its sender.
        from: SocketAddr,
    },
    /// A match was dropped, for its probe has as many as it may have.
    Full {
        /// Which probe.
        probe: ProbeToken,
    },
}

/// A peer that has segments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// The probe that it answers.
    pub probe: ProbeToken,
    /// Where the answer came from.
    pub from: SocketAddr,
    /// The peer's name for itself, the same whatever address it answers from.
    pub endpoint: Identifier,
    /// Where to fetch the segments: at least one address, all on the local subnet.
    pub addresses: Vec<SocketAddr>,
    /// What it has of the probe.
    pub segments: Vec<Offered>,
    /// What is peculiar about the message.
    pub quirks: Quirks,
}

/// What a peer has of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offered {
    /// The segment's place in the probe.
    pub index: usize,
    /// The segment.
    pub id: SegmentId,
    /// How many of its blocks, which only version 1.0 tells.
    pub blocks: Option<u32>,
    /// Whether it is all of them.
    pub is_complete: bool,
    /// How long the peer has had it, which version 2.0 may tell.
    pub age: Option<Duration>,
}

#[derive(Debug)]
struct Outstanding {
    token: ProbeToken,
    uuid: Uuid,
    probe: Probe,
    /// Blocks of each segment, in the order of the probe.
    blocks: Vec<u32>,
    replies: Vec<Replies>,
    /// Who answered, from where.
    seen: Vec<(Identifier, SocketAddr)>,
    deadline: Instant,
    repeat: Option<Repeat>,
}

#[derive(Debug, Clone, Copy)]
struct Repeat {
    at: Instant,
    delay: Duration,
    left: u32,
}

/// The client's side of discovery.
#[derive(Debug)]
pub struct Prober {
    settings: ProberSettings,
    subnets: Vec<Subnet>,
    //= PCCRD-3.1.1-01
    outstanding: Vec<Outstanding>,
    outputs: VecDeque<ProberOutput>,
    uuids: Entropy,
    delays: Entropy,
}

impl Prober {
    /// A prober that looks for nothing yet and is on no subnet.
    #[must_use]
    pub fn new(settings: ProberSettings, seed: &[u8; 32]) -> Self {
        Self {
            settings,
            subnets: Vec::new(),
            outstanding: Vec::new(),
            outputs: VecDeque::new(),
            uuids: Entropy::new(seed, Purpose::Uuid),
            delays: Entropy::new(seed, Purpose::Backoff),
        }
    }

    /// How many more probes may be started now.
    #[must_use]
    pub fn room(&self) -> usize {
        let most = self.settings.max_outstanding_probes;
        most.saturating_sub(self.outstanding.len())
    }

    /// Takes note of something that happened outside.
    ///
    /// # Errors
    /// [`ApiMisuse`] for a probe that cannot be started as it is, or more subnets than a host can have.
    pub fn handle(&mut self, now: Instant, input: ProberInput<'_>) -> Result<(), ApiMisuse> {
        match input {
            ProberInput::Subnets(subnets) => {
                if subnets.len() > MAX_SUBNETS {
                    return Err(ApiMisuse("more subnets than MAX_SUBNETS"));
                }
                self.subnets.clear();
                self.subnets.extend_from_slice(subnets);
            }
            ProberInput::Start {
                probe,
                version,
                segments,
            } => self.start(now, probe, version, segments)?,
            ProberInput::Cancel(probe) => self.outstanding.retain(|o| o.token != probe),
            ProberInput::Datagram { from, bytes } => {
                if let Err(rejected) = self.take_datagram(now, from, bytes) {
                    self.event(ProberEvent::Rejected(rejected));
                }
            }
            ProberInput::Match { from, message } => {
                let taken = self
                    .check_sender(from.ip())
                    .and_then(|()| self.take_match(now, from, message, Quirks::default()));
                if let Err(rejected) = taken {
                    self.event(ProberEvent::Rejected(rejected));
                }
            }
            ProberInput::Timeout => self.expire(now),
        }
        Ok(())
    }

    /// The next thing to do or to know. Ask until there is none.
    pub fn poll_output(&mut self) -> Option<ProberOutput> {
        self.outputs.pop_front()
    }

    /// When to hand in [`ProberInput::Timeout`] at the latest.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.outstanding.iter().map(Outstanding::next_at).min()
    }

    fn event(&mut self, event: ProberEvent) {
        self.outputs.push_back(ProberOutput::Event(event));
    }

    //= PCCRD-3.1.6.1-01
    //= PCCRD-3.1.6.1-02
    fn start(
        &mut self,
        now: Instant,
        token: ProbeToken,
        version: Version,
        segments: &[Wanted],
    ) -> Result<(), ApiMisuse> {
        let id_bytes = |wanted: &Wanted| wanted.id.0.as_bytes().len();
        if segments.is_empty() || segments.len() > MAX_IDS {
            return Err(ApiMisuse("a probe has 1 to MAX_IDS segments"));
        }
        if version == Version::V2 && !segments.is_sorted_by(|a, b| id_bytes(a) == id_bytes(b)) {
            return Err(ApiMisuse("the ids of a version 2.0 probe have one length"));
        }
        if self.outstanding.iter().any(|o| o.token == token) {
            return Err(ApiMisuse("the token names a probe that is outstanding"));
        }
        if self.room() == 0 {
            return Err(ApiMisuse("as many probes are outstanding as may be"));
        }
        //= PCCRD-3.1.3-01
        //= PCCRD-3.1.3-02
        let uuid = Uuid::random(&mut self.uuids);
        let probe = Probe {
            message_id: uuid.into(),
            version,
            ids: segments.iter().map(|wanted| wanted.id).collect(),
        };
        //= PCCRD-1.3-01
        self.outputs
            .push_back(ProberOutput::Multicast(probe.clone()));
        //= PCCRD-3.1.2-01
        //= PCCRD-3.1.2-03
        let timer_ms = self.settings.request_timer_ms;
        let awaited = Duration::from_millis(timer_ms.max(self.settings.app_max_delay_ms));
        let deadline = now + awaited;
        let repeat = self.first_repeat(now, deadline);
        self.outstanding.push(Outstanding {
            token,
            uuid,
            probe,
            blocks: segments.iter().map(|wanted| wanted.blocks).collect(),
            replies: vec![Replies::default(); segments.len()],
            seen: Vec::new(),
            deadline,
            repeat,
        });
        Ok(())
    }

    fn first_repeat(&mut self, now: Instant, deadline: Instant) -> Option<Repeat> {
        let low = Duration::from_millis(self.settings.repeat_min_delay_ms);
        let high = Duration::from_millis(self.settings.repeat_max_delay_ms);
        let spread = nanos(high.saturating_sub(low)).saturating_add(1);
        let delay = low + Duration::from_nanos(self.delays.below(spread));
        let repeat = Repeat {
            at: now + delay,
            delay,
            left: self.settings.repeats.checked_sub(1)?,
        };
        self.in_time(repeat, deadline)
    }

    /// The repeat, unless those who hear it may answer when nobody listens any more.
    fn in_time(&self, repeat: Repeat, deadline: Instant) -> Option<Repeat> {
        let answered = repeat.at + Duration::from_millis(self.settings.app_max_delay_ms);
        (answered <= deadline).then_some(repeat)
    }

    fn expire(&mut self, now: Instant) {
        let mut outstanding = core::mem::take(&mut self.outstanding);
        for probe in &mut outstanding {
            if let Some(repeat) = probe.repeat.take_if(|repeat| repeat.at <= now) {
                if now < probe.deadline {
                    let message = ProberOutput::Multicast(probe.probe.clone());
                    self.outputs.push_back(message);
                }
                let upper = Duration::from_millis(self.settings.repeat_upper_delay_ms);
                let delay = (repeat.delay * 2).min(upper).max(Duration::from_millis(1));
                probe.repeat = repeat.left.checked_sub(1).and_then(|left| {
                    let at = now + delay;
                    self.in_time(Repeat { at, delay, left }, probe.deadline)
                });
            }
        }
        //= PCCRD-3.1.5-01
        //= PCCRD-3.1.2-04
        outstanding.retain_mut(|probe| {
            let is_over = probe.deadline <= now;
            if is_over {
                let replies = core::mem::take(&mut probe.replies);
                let probe = probe.token;
                self.event(ProberEvent::Finished { probe, replies });
            }
            !is_over
        });
        self.outstanding = outstanding;
    }

    fn take_datagram(
        &mut self,
        now: Instant,
        from: SocketAddr,
        bytes: &[u8],
    ) -> Result<(), Rejected> {
        // First, as it costs least.
        self.check_sender(from.ip())?;
        let for_others = |why: String| Rejected {
            requirement: "PCCRD-3.1.6-01",
            at: 0,
            why,
        };
        match Message::decode(bytes) {
            Ok(Decoded {
                message: Message::ProbeMatch(message),
                quirks,
            }) => self.take_match(now, from, &message, quirks),
            Ok(_) => Err(for_others("a probe, where only matches are awaited".into())),
            //= PCCRD-3.1.6-01
            Err(error) if error.is_foreign() => Err(for_others(error.to_string())),
            //= PCCRD-3.1.4.1-04
            Err(error) => Err(error.into()),
        }
    }

    //= PCCRD-5-01
    fn check_sender(&self, from: IpAddr) -> Result<(), Rejected> {
        if is_local(&self.subnets, from) {
            return Ok(());
        }
        Err(Rejected {
            requirement: "PCCRD-5-01",
            at: 0,
            why: format!("{from} is not on the local subnet"),
        })
    }
}

impl Outstanding {
    fn next_at(&self) -> Instant {
        let repeat_at = self.repeat.map_or(self.deadline, |repeat| repeat.at);
        self.deadline.min(repeat_at)
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
