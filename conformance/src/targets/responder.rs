//! A responder that is judged: whoever answers MS-PCCRD probes, and what it is said to hold.
//! Invariant: probes go to the one address or the one interface that the judge was told.
//! Byte order: none.

use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::datagrams::{Asker, Datagram};
use super::life::Life;
use super::peer::Holding;
use crate::clock;
use crate::judge::session::Session;
use crate::judge::{Outcome, Stop};
use crate::wire::content_info::{Segment, Version};
use crate::wire::discovery::{self, GROUP_V4, GROUP_V6, Match, PORT, Prefixes};
use crate::wire::draft::Draft;
use crate::wire::text;

/// How often a probe that has to be answered is sent: a datagram may be lost.
const TRIES: usize = 3;
/// How long an answer to each may take.
const TRY: Duration = Duration::from_secs(1);
/// How long an answer waits at most, by default: silence has to be longer.
pub const APP_MAX_DELAY: Duration = Duration::from_millis(65);

/// A responder that is judged.
#[derive(Debug, Clone)]
pub struct Responder {
    /// Where probes are sent by unicast; `None`: multicast alone. Where several processes of a host share port 3702,
    /// only one of them gets what is sent to it by unicast.
    pub address: Option<SocketAddr>,
    /// The judge's own address at the interface that multicasts leave by.
    pub interface: IpAddr,
    /// The number of the interface that multicasts of IPv6 leave by; `None`: there is none to judge.
    pub interface_v6: Option<u32>,
    /// What it holds.
    pub holdings: Vec<Holding>,
    /// How the judge makes it fetch, starts and ends it, where it can.
    pub life: Option<Life>,
}

impl Responder {
    /// One that answers multicasts, and unicasts where it has an address.
    #[must_use]
    pub fn at(address: Option<SocketAddr>, interface: IpAddr, holdings: Vec<Holding>) -> Self {
        Self {
            address,
            interface,
            interface_v6: None,
            holdings,
            life: None,
        }
    }

    /// Where probes of the judge go.
    #[must_use]
    pub fn destination(&self) -> SocketAddr {
        self.address.unwrap_or_else(|| self.group())
    }

    /// The group of the interface.
    #[must_use]
    pub fn group(&self) -> SocketAddr {
        match self.interface {
            IpAddr::V4(_) => SocketAddr::new(GROUP_V4.into(), PORT),
            IpAddr::V6(_) => self.group_v6(self.interface_v6.unwrap_or_default()),
        }
    }

    /// The group of IPv6 at an interface.
    #[must_use]
    pub fn group_v6(&self, interface: u32) -> SocketAddr {
        SocketAddrV6::new(GROUP_V6, PORT, 0, interface).into()
    }

    /// Segments that it holds of a version, the longest first.
    #[must_use]
    pub fn held(&self, version: Version) -> Vec<&Segment> {
        let of_version = |holding: &&Holding| holding.info.version == version;
        let holdings = self.holdings.iter().filter(of_version);
        let mut held: Vec<&Segment> = holdings
            .flat_map(|holding| holding.info.segments.iter())
            .collect();
        held.sort_by_key(|segment| core::cmp::Reverse(segment.length));
        held.dedup_by_key(|segment| segment.id());
        held
    }
}

/// A probe, and the MessageID that its answer relates to.
#[derive(Debug, Clone)]
pub struct Question {
    /// The probe.
    pub draft: Draft,
    /// Its MessageID.
    pub message_id: String,
}

/// A match, and how it came.
#[derive(Debug, Clone)]
pub struct Answered {
    /// What it says.
    pub found: Match,
    /// The datagram.
    pub datagram: Datagram,
    /// The MessageID of the probe.
    pub message_id: String,
}

impl Session<'_, Responder> {
    /// Segments that the responder holds, of that version.
    ///
    /// # Errors
    /// [`Stop::Skip`] where it is said to hold none, [`Stop::Unsupported`] where its profile knows no such version.
    pub fn held(&self, version: Version) -> Result<Vec<&Segment>, Stop> {
        if let Some(what) = self.settings.profile.lacks_version(version) {
            return Err(Stop::Unsupported(what.to_owned()));
        }
        let held = self.target.held(version);
        if held.is_empty() {
            let name = version.name();
            let why = format!("needs content information {name} of a held segment");
            return Err(Stop::Skip(why));
        }
        Ok(held)
    }

    /// The id of a held segment of that version.
    ///
    /// # Errors
    /// [`Stop::Skip`].
    pub fn held_id(&self, version: Version) -> Result<Vec<u8>, Stop> {
        let held = self.held(version)?;
        Ok(held.first().map(|segment| segment.id()).unwrap_or_default())
    }

    /// A held segment of either version.
    ///
    /// # Errors
    /// [`Stop::Skip`].
    pub fn held_of_any(&self) -> Result<(Version, Vec<u8>), Stop> {
        let of = |version| Ok((version, self.held_id(version)?));
        of(Version::V1).or_else(|_| of(Version::V2))
    }

    /// A MessageID that nobody had before, in this run or another.
    #[must_use]
    pub fn message_id(&self) -> String {
        let since = clock::today().duration_since(std::time::UNIX_EPOCH);
        let digest = Sha256::new()
            .chain_update(self.random(16))
            .chain_update(since.unwrap_or_default().as_nanos().to_le_bytes())
            .finalize();
        text::uuid(core::array::from_fn(|at| {
            digest.get(at).copied().unwrap_or_default()
        }))
    }

    /// A good probe for segments.
    #[must_use]
    pub fn question(&self, version: Version, ids: &[Vec<u8>]) -> Question {
        self.question_of(version, &discovery::scopes(version, ids))
    }

    /// A probe with scopes as they are.
    #[must_use]
    pub fn question_of(&self, version: Version, scopes: &str) -> Question {
        self.question_with(&Prefixes::USUAL, version, scopes)
    }

    /// A probe with other prefixes.
    #[must_use]
    pub fn question_with(&self, prefixes: &Prefixes, version: Version, scopes: &str) -> Question {
        let message_id = self.message_id();
        Question {
            draft: discovery::probe(prefixes, version, &message_id, scopes),
            message_id,
        }
    }

    /// A socket that asks.
    ///
    /// # Errors
    /// [`Stop::Inconclusive`] where there is none.
    pub fn asker(&self) -> Result<Asker, Stop> {
        self.asker_to(self.target.destination())
    }

    /// A socket that asks there.
    ///
    /// # Errors
    /// [`Stop::Inconclusive`] where there is none.
    pub fn asker_to(&self, destination: SocketAddr) -> Result<Asker, Stop> {
        let index = self.target.interface_v6.unwrap_or_default();
        Asker::open(&self.recorder, self.target.interface, destination, index).map_err(|error| {
            let interface = self.target.interface;
            Stop::Inconclusive(format!(
                "no socket to probe {destination} from {interface}: {error}"
            ))
        })
    }

    /// Sends a datagram that has to go out for the case to mean anything.
    ///
    /// # Errors
    /// [`Stop::Inconclusive`].
    pub fn send_datagram(&self, asker: &Asker, bytes: &[u8], to: SocketAddr) -> Outcome {
        asker.send(bytes, to).map_err(|error| {
            Stop::Inconclusive(format!("the stimulus could not be sent to {to}: {error}"))
        })
    }

    /// Asks until there is an answer, a few times at most.
    ///
    /// # Errors
    /// [`Stop::Failed`] where none came or it is no match; `requirement` is the one that says that one comes.
    pub fn ask(
        &self,
        requirement: &'static str,
        make: impl Fn() -> Question,
    ) -> Result<Answered, Stop> {
        self.ask_at(self.target.destination(), requirement, make)
    }

    /// The same, somewhere else.
    ///
    /// # Errors
    /// [`Stop::Failed`].
    pub fn ask_at(
        &self,
        to: SocketAddr,
        requirement: &'static str,
        make: impl Fn() -> Question,
    ) -> Result<Answered, Stop> {
        for _ in 0..TRIES {
            let asker = self.asker_to(to)?;
            let question = make();
            self.send_datagram(&asker, &question.draft.to_bytes(), to)?;
            if let Some(datagram) = self.next(&asker, TRY) {
                return self.match_in(datagram, &question, requirement);
            }
        }
        let found = format!(
            "{TRIES} probes to {to} were not answered within {} s each",
            TRY.as_secs()
        );
        self.holds(false, requirement, found)?;
        Err(Stop::Failed)
    }

    /// The match in a datagram that has to have one.
    ///
    /// # Errors
    /// [`Stop::Failed`].
    pub fn match_in(
        &self,
        datagram: Datagram,
        question: &Question,
        requirement: &'static str,
    ) -> Result<Answered, Stop> {
        let found = self.reads(requirement, Match::read(&datagram.bytes))?;
        Ok(Answered {
            found,
            datagram,
            message_id: question.message_id.clone(),
        })
    }

    /// Asks for segments and gives the match.
    ///
    /// # Errors
    /// [`Stop::Failed`].
    pub fn ask_for(
        &self,
        version: Version,
        ids: &[Vec<u8>],
        requirement: &'static str,
    ) -> Result<Answered, Stop> {
        self.ask(requirement, || self.question(version, ids))
    }

    /// The next datagram of the responder. What others send is noted by the record alone.
    #[must_use]
    pub fn next(&self, asker: &Asker, patience: Duration) -> Option<Datagram> {
        let deadline = clock::now() + patience;
        loop {
            let datagram = asker.next(deadline)?;
            let of_target = |address: SocketAddr| {
                let is_other_family = address.is_ipv4() != datagram.from.is_ipv4();
                is_other_family || address.ip() == datagram.from.ip()
            };
            if self.target.address.is_none_or(of_target) {
                return Some(datagram);
            }
        }
    }

    /// Asserts that none of some datagrams is answered, and that a good probe is answered afterwards.
    ///
    /// # Errors
    /// [`Stop::Failed`] with the name of the first that was.
    pub fn are_ignored(&self, datagrams: &[(&str, Vec<u8>)], requirement: &'static str) -> Outcome {
        let sent = self.send_each(datagrams)?;
        let silence = self.settings.silence.max(2 * APP_MAX_DELAY);
        std::thread::sleep(silence);
        self.are_silent(&sent, requirement)?;
        self.still_answers(requirement)?;
        // An answer may have been slow.
        self.are_silent(&sent, requirement)
    }

    /// Sends each datagram from a socket of its own.
    ///
    /// # Errors
    /// [`Stop::Inconclusive`].
    pub fn send_each<'n>(
        &self,
        datagrams: &[(&'n str, Vec<u8>)],
    ) -> Result<Vec<(&'n str, Asker)>, Stop> {
        let to = self.target.destination();
        let send = |(name, bytes): &(&'n str, Vec<u8>)| {
            let asker = self.asker()?;
            self.recorder.note(format!("a probe: {name}"));
            self.send_datagram(&asker, bytes, to)?;
            Ok((*name, asker))
        };
        datagrams.iter().map(send).collect()
    }

    fn are_silent(&self, sent: &[(&str, Asker)], requirement: &'static str) -> Outcome {
        for (name, asker) in sent {
            let came = self.next(asker, Duration::from_millis(1));
            let bytes = came.as_ref().map_or(0, |datagram| datagram.bytes.len());
            self.holds(
                came.is_none(),
                requirement,
                format_args!("{name}: answered with {bytes} bytes, expected silence"),
            )?;
            asker.silent(self.settings.silence);
        }
        Ok(())
    }

    /// Asserts that a good probe is answered.
    ///
    /// # Errors
    /// [`Stop::Failed`].
    pub fn still_answers(&self, requirement: &'static str) -> Outcome {
        let (version, id) = self.held_of_any()?;
        let answered = self.ask_for(version, &[id], requirement)?;
        self.relates(&answered, requirement)
    }

    /// Asserts that a match relates to its probe.
    ///
    /// # Errors
    /// [`Stop::Failed`].
    pub fn relates(&self, answered: &Answered, requirement: &'static str) -> Outcome {
        let found = &answered.found.relates_to;
        self.equal(requirement, "RelatesTo", found, &answered.message_id)
    }
}
