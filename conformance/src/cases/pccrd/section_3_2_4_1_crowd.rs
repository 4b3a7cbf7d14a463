//! MS-PCCRD 3.2.4.1 with appendix <8>, and 2.2.3.6: who answers after a crowd did, and what a restart changes.
//! Invariant: what is asked for was fetched in front of peers that the judge counted, and nobody else has it.
//! Byte order: none.

use std::time::Duration;

use crate::judge::session::Session;
use crate::judge::{Case, Outcome, Stop, Tag};
use crate::targets::client::world::World;
use crate::targets::client::world::peer::{self, Reply};
use crate::targets::folder::Folder;
use crate::targets::life::{Life, Serving};
use crate::targets::responder::{APP_MAX_DELAY, Responder};
use crate::wire::content_info::{BLOCK_BYTES, Version};
use crate::wire::discovery::Match;
use crate::wire::text::base64;

/// n of appendix <8>.
const ENOUGH: usize = 10;
/// Probes of which answers are counted.
const PROBES: usize = 40;
/// Probes at a time: a responder need not remember any number of them.
const AT_ONCE: usize = 10;
/// What a third of [`PROBES`] may be by chance: four standard deviations to either side.
const A_THIRD: std::ops::RangeInclusive<usize> = 2..=25;
/// How long peers take for a block, so that the client has heard all of them before it has the content.
const SLOW: Duration = Duration::from_millis(700);

/// Peers in front of whom something is fetched.
#[derive(Debug, Clone, Copy)]
struct Crowd {
    peers: usize,
    /// Whether they say that they have all of it.
    have_all: bool,
}

/// What was fetched, and where.
struct Fetched {
    folder: Folder,
    version: Version,
    ids: Vec<Vec<u8>>,
}

fn fetched<'a>(
    session: &'a Session<'a, Responder>,
    version: Version,
    crowd: Crowd,
) -> Result<(&'a Life, Fetched), Stop> {
    if let Some(what) = session.settings.profile.lacks_version(version) {
        return Err(Stop::Unsupported(what.to_owned()));
    }
    let (life, client) = session.life()?;
    let folder = Folder::new()
        .map_err(|error| Stop::Inconclusive(format!("no folder for its store: {error}")))?;
    let beside = session.beside(&client);
    let bytes = match version {
        Version::V1 => 2 * BLOCK_BYTES,
        Version::V2 => 40_000,
    };
    let mut world = World::new(&beside, version, bytes);
    world.store = Some(folder.path().join("store"));
    let mut peers = Vec::new();
    for _ in 0..crowd.peers {
        peers.push(world.hidden_peer(peer::liar(|ask| {
            Reply::Later(SLOW, Box::new(peer::honest(ask)))
        }))?);
    }
    world.announce(move |heard, shared| {
        let matches = peers.iter().filter_map(|peer| {
            let mut matched = heard.matched(shared, &peer.to_string(), |_| true)?;
            if !crowd.have_all {
                match version {
                    Version::V1 => matched.data = "00000001".to_owned(),
                    // There, and not complete.
                    Version::V2 => matched.scopes = base64(&[0b1000_0000]),
                }
            }
            Some((Duration::from_millis(5), matched.to_bytes()))
        });
        matches.collect()
    });
    let outcome = world.run()?;
    if outcome.seen.probes.is_empty() {
        let why = "what fetches for the responder looked for no peers";
        return Err(Stop::Inconclusive(why.to_owned()));
    }
    if outcome.file.as_deref() != Some(world.shared.content()) {
        let said: String = outcome.ended.said.chars().take(300).collect();
        let why = format!("what fetches for the responder did not bring the content: {said}");
        return Err(Stop::Inconclusive(why));
    }
    let ids = world.ids();
    Ok((
        life,
        Fetched {
            folder,
            version,
            ids,
        },
    ))
}

impl Fetched {
    fn serving(&self, session: &Session<'_, Responder>, life: &Life) -> Result<Serving, Stop> {
        session.serving(life, &self.folder.path().join("store"))
    }

    /// How many of some probes are answered with a match for all that was fetched.
    fn answers(
        &self,
        session: &Session<'_, Responder>,
        serving: &Serving,
        probes: usize,
    ) -> Result<Vec<Match>, Stop> {
        let to = serving.address.unwrap_or_else(|| session.target.group());
        let mut matches = Vec::new();
        let mut left = probes;
        while left > 0 {
            let count = left.min(AT_ONCE);
            left -= count;
            let asker = session.asker_to(to)?;
            let mut asked = Vec::new();
            for _ in 0..count {
                let question = session.question(self.version, &self.ids);
                session.send_datagram(&asker, &question.draft.to_bytes(), to)?;
                asked.push(question.message_id);
            }
            let patience = session.settings.silence.max(3 * APP_MAX_DELAY);
            while let Some(datagram) = session.next(&asker, patience) {
                let read = Match::read(&datagram.bytes);
                let is_new = |found: &Match| {
                    let place = asked.iter().position(|id| *id == found.relates_to);
                    place.map(|place| asked.swap_remove(place)).is_some()
                };
                if let Some(found) = read.ok().filter(is_new) {
                    matches.push(found);
                }
                if asked.is_empty() {
                    break;
                }
            }
        }
        Ok(matches)
    }
}

/// Asserts that after a crowd so many of [`PROBES`] were answered as `is_right` says.
fn after<'a>(
    session: &'a Session<'a, Responder>,
    crowd: Crowd,
    expected: &str,
    is_right: fn(usize) -> bool,
) -> Outcome {
    for version in [Version::V1, Version::V2] {
        let (life, fetched) = match fetched(session, version, crowd) {
            // Whoever knows one version is judged by it.
            Err(Stop::Unsupported(_)) if version == Version::V2 => continue,
            other => other?,
        };
        let serving = fetched.serving(session, life)?;
        let count = fetched.answers(session, &serving, PROBES)?.len();
        let what = match crowd.have_all {
            true => "all",
            false => "a part",
        };
        session.holds(
            is_right(count),
            "PCCRD-3.2.4.1-02",
            format_args!(
                "{count} of {PROBES} probes of version {} were answered, expected {expected}: {} peers had said that they have {what} of it when it was fetched",
                version.name(),
                crowd.peers
            ),
        )?;
    }
    Ok(())
}

pub(super) const CASES: &[Case] = &[
    Case::responder(
        "pccrd-responder-after-few",
        "what few peers had when it was fetched is answered for, each time",
        &["PCCRD-3.2.4.1-02"],
        |session| {
            let crowd = Crowd {
                peers: ENOUGH / 2,
                have_all: true,
            };
            after(session, crowd, "all of them", |count| count == PROBES)
        },
    )
    .tags(&[Tag::Timer]),
    Case::responder(
        "pccrd-responder-after-crowd",
        "what enough peers had in full when it was fetched is answered for each time, or never",
        &["PCCRD-3.2.4.1-02"],
        |session| {
            let crowd = Crowd {
                peers: ENOUGH + 2,
                have_all: true,
            };
            let is_right = |count| count == PROBES || count == 0;
            after(session, crowd, "all of them, or none by appendix <8>", is_right)
        },
    )
    .tags(&[Tag::Timer]),
    Case::responder(
        "pccrd-responder-after-crowd-with-parts",
        "what enough peers had in part when it was fetched is answered for each time, or one time in three",
        &["PCCRD-3.2.4.1-02"],
        |session| {
            let crowd = Crowd {
                peers: ENOUGH + 2,
                have_all: false,
            };
            let is_right = |count| count == PROBES || A_THIRD.contains(&count);
            after(session, crowd, "all of them, or a third by appendix <8>", is_right)
        },
    )
    .tags(&[Tag::Timer]),
    Case::responder(
        "pccrd-responder-restart",
        "InstanceId is greater after a restart",
        &["PCCRD-2.2.3.6-02"],
        |session| {
            let crowd = Crowd {
                peers: 1,
                have_all: true,
            };
            let (life, fetched) = fetched(session, Version::V1, crowd)?;
            let mut instances = Vec::new();
            for _ in 0..3 {
                let serving = fetched.serving(session, life)?;
                let matches = fetched.answers(session, &serving, 1)?;
                let found = matches.first().ok_or_else(|| {
                    Stop::Inconclusive("a probe after a start was not answered".to_owned())
                })?;
                instances.push(found.instance_id);
            }
            session.holds(
                instances.is_sorted_by(|before, after| before < after),
                "PCCRD-2.2.3.6-02",
                format_args!("three starts had the InstanceIds {instances:?}"),
            )
        },
    )
    .tags(&[Tag::Timer]),
];
