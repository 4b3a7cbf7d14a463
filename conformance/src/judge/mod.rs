//! What is judged, by what, and how it came out.
//! Invariant: a case passes only if it asserted something and nothing that it asserted was otherwise.
//! Byte order: none.
//!
//! - [`case`](Case): an expectation of one role, tied to the requirements that it asserts;
//! - [`session`]: what a case has at hand, and where it says what it found;
//! - [`profile`]: products whose documented deviations are known;
//! - [`run`]: many cases against the targets that there are, several at a time.

pub mod profile;
pub mod run;
pub mod select;
pub mod session;

use core::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::catalogue::{self, Level};
use crate::evidence::record::Record;
use crate::targets::client::Client;
use crate::targets::content_info::ContentInfoMaker;
use crate::targets::content_server::ContentServer;
use crate::targets::hosted_cache::HostedCache;
use crate::targets::peer::Peer;
use crate::targets::responder::Responder;
use session::Session;

/// What an implementation does, as far as it is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Makes content information (MS-PCCRC).
    ContentInfo,
    /// Serves content over HTTP with content information (MS-PCCRTP).
    ContentServer,
    /// Serves blocks (MS-PCCRR).
    Peer,
    /// Answers probes (MS-PCCRD).
    Responder,
    /// Takes offers (MS-PCHC).
    HostedCache,
    /// Downloads.
    Client,
}

impl Role {
    /// All of them, in the order of reports.
    pub const ALL: [Self; 6] = [
        Self::ContentInfo,
        Self::ContentServer,
        Self::Peer,
        Self::Responder,
        Self::HostedCache,
        Self::Client,
    ];

    /// Its name in options and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ContentInfo => "content-info",
            Self::ContentServer => "content-server",
            Self::Peer => "peer",
            Self::Responder => "responder",
            Self::HostedCache => "hosted-cache",
            Self::Client => "client",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// How a case came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// All of it was as required.
    Pass,
    /// Something that has to be was not.
    Fail,
    /// Something that should be was not, or a deviation with a name was met.
    Warn,
    /// It was not judged, for the target is not what the case needs.
    Skip,
    /// The implementation says that it has no such thing, or its profile does.
    Unsupported,
    /// The judge could not do its part.
    Inconclusive,
}

impl Verdict {
    /// All of them, in the order of reports.
    pub const ALL: [Self; 6] = [
        Self::Pass,
        Self::Fail,
        Self::Warn,
        Self::Skip,
        Self::Unsupported,
        Self::Inconclusive,
    ];

    /// Its name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Warn => "warn",
            Self::Skip => "skip",
            Self::Unsupported => "unsupported",
            Self::Inconclusive => "inconclusive",
        }
    }
}

/// Why a case ends before its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// What was found says it.
    Failed,
    /// The target is not what the case needs: why.
    Skip(String),
    /// The implementation has no such thing: what.
    Unsupported(String),
    /// The judge could not do its part: what it could not.
    Inconclusive(String),
}

/// What a case comes to, beside what it found.
pub type Outcome = Result<(), Stop>;

/// The body of a case, by the role that it judges.
#[derive(Clone, Copy)]
#[expect(missing_docs, reason = "the variants are the roles")]
pub enum Run {
    ContentInfo(fn(&Session<'_, ContentInfoMaker>) -> Outcome),
    ContentServer(fn(&Session<'_, ContentServer>) -> Outcome),
    Peer(fn(&Session<'_, Peer>) -> Outcome),
    Responder(fn(&Session<'_, Responder>) -> Outcome),
    HostedCache(fn(&Session<'_, HostedCache>) -> Outcome),
    Client(fn(&Session<'_, Client>) -> Outcome),
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.role().name())
    }
}

impl Run {
    const fn role(self) -> Role {
        match self {
            Self::ContentInfo(_) => Role::ContentInfo,
            Self::ContentServer(_) => Role::ContentServer,
            Self::Peer(_) => Role::Peer,
            Self::Responder(_) => Role::Responder,
            Self::HostedCache(_) => Role::HostedCache,
            Self::Client(_) => Role::Client,
        }
    }
}

/// Something that is expected of an implementation, and how to find out.
#[derive(Debug)]
pub struct Case {
    /// The document's short name, the role, and what it is about: never reused for something else.
    pub id: &'static str,
    /// What is expected, in a sentence.
    pub title: &'static str,
    /// The requirements that it asserts; the first is what it is about.
    pub requirements: &'static [&'static str],
    /// Deviations with a name that it tells from others.
    pub quirks: &'static [&'static str],
    /// Words to select it by.
    pub tags: &'static [Tag],
    /// How it is found out.
    pub run: Run,
}

/// What a case is about, or what it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tag {
    /// Version 1.0 of content information, discovery or offers.
    V1,
    /// Version 2.0 of them.
    V2,
    /// Something that is not as a document has it, or somebody who lies.
    Hostile,
    /// A timer, which takes as long as it takes.
    Timer,
    /// Many connections or bytes.
    Load,
    /// Other cases would disturb it, or it them: it runs alone.
    Alone,
    /// IPv6.
    Ipv6,
}

impl Tag {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::V1,
        Self::V2,
        Self::Hostile,
        Self::Timer,
        Self::Load,
        Self::Alone,
        Self::Ipv6,
    ];

    /// Its name in options and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V2 => "v2",
            Self::Hostile => "hostile",
            Self::Timer => "timer",
            Self::Load => "load",
            Self::Alone => "alone",
            Self::Ipv6 => "ipv6",
        }
    }
}

/// A case of each role, without quirks and tags.
macro_rules! cases_of {
    ($($(#[$doc:meta])* $name:ident, $variant:ident, $target:ty;)*) => {
        impl Case {
            $($(#[$doc])*
            #[must_use]
            pub const fn $name(
                id: &'static str,
                title: &'static str,
                requirements: &'static [&'static str],
                run: fn(&Session<'_, $target>) -> Outcome,
            ) -> Self {
                Self {
                    id,
                    title,
                    requirements,
                    quirks: &[],
                    tags: &[],
                    run: Run::$variant(run),
                }
            })*
        }
    };
}

cases_of! {
    /// One that judges a maker of content information.
    content_info, ContentInfo, ContentInfoMaker;
    /// One that judges a content server.
    content_server, ContentServer, ContentServer;
    /// One that judges a peer.
    peer, Peer, Peer;
    /// One that judges a responder.
    responder, Responder, Responder;
    /// One that judges a hosted cache.
    hosted_cache, HostedCache, HostedCache;
    /// One that judges a client.
    client, Client, Client;
}

impl Case {
    /// The same, which tells deviations with a name from others.
    #[must_use]
    pub const fn quirks(mut self, quirks: &'static [&'static str]) -> Self {
        self.quirks = quirks;
        self
    }

    /// The same with tags.
    #[must_use]
    pub const fn tags(mut self, tags: &'static [Tag]) -> Self {
        self.tags = tags;
        self
    }

    /// The role that it judges.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.run.role()
    }

    /// What its first requirement is.
    #[must_use]
    pub fn about(&self) -> Option<&'static catalogue::Requirement> {
        catalogue::find(self.requirements.first()?)
    }

    /// The level of its first requirement.
    #[must_use]
    pub fn level(&self) -> Level {
        self.about().map_or(Level::Rule, |about| about.level)
    }

    /// The document of its first requirement.
    #[must_use]
    pub fn document(&self) -> &'static str {
        self.about().map_or("", |about| about.document.as_str())
    }

    /// The section of its first requirement.
    #[must_use]
    pub fn section(&self) -> &'static str {
        self.about().map_or("", |about| about.section.as_str())
    }

    /// Whether it has a tag.
    #[must_use]
    pub fn has(&self, tag: Tag) -> bool {
        self.tags.contains(&tag)
    }
}

/// Something that was not as required.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Whether it fails the case or warns.
    pub is_failure: bool,
    /// The requirement that it goes against.
    pub requirement: &'static str,
    /// The name of the deviation, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quirk: Option<&'static str>,
    /// What was found.
    pub text: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.requirement)?;
        if let Some(quirk) = self.quirk {
            write!(f, " ({quirk})")?;
        }
        write!(f, ": {}", self.text)
    }
}

/// How one case came out, with all there is to show for it.
#[derive(Debug, Clone)]
pub struct CaseResult {
    /// Which.
    pub case: &'static Case,
    /// How it came out.
    pub verdict: Verdict,
    /// Why it was skipped, unsupported or inconclusive.
    pub reason: Option<String>,
    /// What was not as required.
    pub findings: Vec<Finding>,
    /// The requirements that were asserted, whatever came of it.
    pub asserted: Vec<&'static str>,
    /// How long it took.
    pub took: Duration,
    /// What was sent and received.
    pub record: Record,
}
