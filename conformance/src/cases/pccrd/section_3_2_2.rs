//! MS-PCCRD 3.2.2 and 3.2.5: the wait before a match, and what is not answered at all.
//! Invariant: waits are measured alone, one probe after the other; what a busy machine adds is allowed for.
//! Byte order: none.

use std::time::Duration;

use crate::clock;
use crate::judge::session::Session;
use crate::judge::{Case, Outcome, Stop, Tag};
use crate::targets::responder::{APP_MAX_DELAY, Responder};
use crate::wire::content_info::Version;

/// Probes whose waits are measured.
const MEASURED: usize = 40;
/// Probes at one moment.
const AT_ONCE: usize = 20;
/// How much later than its wait a match may be seen.
const TOLERANCE: Duration = Duration::from_millis(135);
/// Waits that may be longer, for machines have other things to do.
const OUTLIERS: usize = 4;

pub(super) const CASES: &[Case] = &[
    Case::responder(
        "pccrd-responder-answers",
        "a probe for a segment that is held is answered, in either version",
        &["PCCRD-3.2.2-02", "PCCRD-3.2.4.1-02", "PCCRD-2.2.2.2-01"],
        |session| {
            for (version, requirement) in [
                (Version::V1, "PCCRD-3.2.4.1-02"),
                (Version::V2, "PCCRD-2.2.2.2-01"),
            ] {
                if let Ok(id) = session.held_id(version) {
                    let answered = session.ask_for(version, &[id], requirement)?;
                    session.relates(&answered, "PCCRD-3.2.2-02")?;
                }
            }
            let (version, id) = session.held_of_any()?;
            for requirement in ["PCCRD-3.2.4.1-02", "PCCRD-2.2.2.2-01"] {
                let answered = session.ask_for(version, std::slice::from_ref(&id), requirement)?;
                session.relates(&answered, "PCCRD-3.2.2-02")?;
            }
            Ok(())
        },
    ),
    Case::responder(
        "pccrd-responder-wait-at-most",
        "a match waits for 65 milliseconds at most, by default",
        &["PCCRD-3.2.2-04"],
        |session| {
            let mut delays = delays(session)?;
            delays.sort_unstable();
            let longest = delays.iter().rev().nth(OUTLIERS).copied();
            let longest = longest.unwrap_or_default();
            session.holds(
                longest <= APP_MAX_DELAY + TOLERANCE,
                "PCCRD-3.2.2-04",
                format_args!(
                    "{} of {} matches came after {longest:?} or more",
                    OUTLIERS + 1,
                    delays.len()
                ),
            )
        },
    )
    .tags(&[Tag::Alone]),
    Case::responder(
        "pccrd-responder-wait-at-least",
        "a match waits for 1 millisecond at least",
        &["PCCRD-3.2.2-01"],
        |session| {
            let delays = delays(session)?;
            let shortest = delays.iter().min().copied().unwrap_or_default();
            session.holds(
                shortest >= Duration::from_millis(1),
                "PCCRD-3.2.2-01",
                format_args!("a match came after {shortest:?}"),
            )
        },
    )
    .tags(&[Tag::Alone]),
    Case::responder(
        "pccrd-responder-waits-of-their-own",
        "matches for probes that come at the same moment wait for different times",
        &["PCCRD-3.2.5-01"],
        |session| {
            let (version, id) = session.held_of_any()?;
            let to = session.target.destination();
            // One socket, for threads would each be woken up in their own time.
            let asker = session.asker()?;
            let question = || session.question(version, std::slice::from_ref(&id));
            let questions: Vec<_> = (0..AT_ONCE).map(|_| question().draft.to_bytes()).collect();
            let begun = clock::now();
            for bytes in &questions {
                session.send_datagram(&asker, bytes, to)?;
            }
            let mut delays: Vec<Duration> = Vec::new();
            while delays.len() < AT_ONCE
                && let Some(datagram) = session.next(&asker, Duration::from_millis(500))
            {
                delays.push(datagram.at.saturating_duration_since(begun));
            }
            if delays.len() < AT_ONCE / 2 {
                let found = format!("{} of {AT_ONCE} probes were answered", delays.len());
                return Err(Stop::Inconclusive(found));
            }
            delays.sort_unstable();
            let quarter = delays.len() / 4;
            let early = delays.get(quarter).copied().unwrap_or_default();
            let late = delays
                .iter()
                .rev()
                .nth(quarter)
                .copied()
                .unwrap_or_default();
            session.holds(
                late.saturating_sub(early) >= APP_MAX_DELAY / 10,
                "PCCRD-3.2.5-01",
                format_args!(
                    "the middle half of {} matches came after {early:?} to {late:?}",
                    delays.len()
                ),
            )
        },
    )
    .tags(&[Tag::Alone]),
    Case::responder(
        "pccrd-responder-nothing-held-v1",
        "a version 1.0 probe for segments that are not there is ignored",
        &["PCCRD-3.2.2-03", "PCCRD-3.2.4.1-03"],
        |session| nothing_held(session, Version::V1),
    )
    .tags(&[Tag::V1]),
    Case::responder(
        "pccrd-responder-nothing-held-v2",
        "a version 2.0 probe for segments that are not there is ignored",
        &["PCCRD-3.2.2-03", "PCCRD-3.2.4.1-03"],
        |session| nothing_held(session, Version::V2),
    )
    .tags(&[Tag::V2]),
    Case::responder(
        "pccrd-responder-almost-held",
        "an id that differs from a held one in one bit, or is the start of it, finds nothing",
        &["PCCRD-3.2.4.1-03", "PCCRD-2.2.3.2-02"],
        |session| {
            let (version, id) = session.held_of_any()?;
            let mut other = id.clone();
            if let Some(last) = other.last_mut() {
                *last ^= 1;
            }
            let half = id.get(..id.len() / 2).unwrap_or_default().to_vec();
            let twice = id.repeat(2);
            let probe = |ids: &[Vec<u8>]| session.question(version, ids).draft.to_bytes();
            let probes = [
                ("one bit differs", probe(&[other])),
                ("the first half", probe(&[half])),
                ("the id twice in one", probe(&[twice])),
            ];
            session.are_ignored(&probes, "PCCRD-3.2.4.1-03")?;
            session.still_answers("PCCRD-2.2.3.2-02")
        },
    ),
];

fn nothing_held(session: &Session<'_, Responder>, version: Version) -> Outcome {
    let random =
        |count: usize| -> Vec<Vec<u8>> { (0..count).map(|_| session.random(32)).collect() };
    let probe = |count| session.question(version, &random(count)).draft.to_bytes();
    let probes = [("one random id", probe(1)), ("nine random ids", probe(9))];
    session.are_ignored(&probes, "PCCRD-3.2.2-03")?;
    session.still_answers("PCCRD-3.2.4.1-03")
}

/// How long matches took to come, one probe after the other. Those that never came are left out.
pub(super) fn delays(session: &Session<'_, Responder>) -> Result<Vec<Duration>, Stop> {
    let (version, id) = session.held_of_any()?;
    let to = session.target.destination();
    let mut delays = Vec::new();
    for _ in 0..MEASURED {
        let asker = session.asker()?;
        let bytes = session
            .question(version, std::slice::from_ref(&id))
            .draft
            .to_bytes();
        let sent = clock::now();
        session.send_datagram(&asker, &bytes, to)?;
        if let Some(datagram) = session.next(&asker, Duration::from_secs(1)) {
            delays.push(datagram.at.saturating_duration_since(sent));
        }
    }
    let answered = delays.len();
    let found = format!("{answered} of {MEASURED} probes were answered");
    match answered * 2 > MEASURED {
        true => Ok(delays),
        false => Err(Stop::Inconclusive(found)),
    }
}
