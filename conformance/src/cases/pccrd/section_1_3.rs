//! MS-PCCRD 1.3 and 1.6: where matches go, and what can be looked for.
//! Invariant: each probe has a socket of its own, so that what comes there is for it.
//! Byte order: none.

use std::time::Duration;

use crate::judge::{Case, Stop, Tag};
use crate::targets::responder::APP_MAX_DELAY;

/// Probes at a time, fewer than any limit that makes sense.
const AT_A_TIME: usize = 12;

pub(super) const CASES: &[Case] = &[
    Case::responder(
        "pccrd-responder-unicast-back",
        "a match goes by unicast to the address and port that the probe came from",
        &["PCCRD-1.3-02", "PCCRD-3.2.4.1-05"],
        |session| {
            let (version, id) = session.held_of_any()?;
            let answered = session.ask_for(version, &[id], "PCCRD-1.3-02")?;
            let from = answered.datagram.from;
            session.holds(
                !from.ip().is_multicast(),
                "PCCRD-1.3-02",
                format_args!("the match comes from {from}"),
            )?;
            session.relates(&answered, "PCCRD-3.2.4.1-05")
        },
    ),
    Case::responder(
        "pccrd-responder-many-askers",
        "clients that ask for the same segment at the same time get a match each, for their own probe",
        &["PCCRD-1.3-02", "PCCRD-4.3-01"],
        |session| {
            let (version, id) = session.held_of_any()?;
            let mut asked = Vec::new();
            for _ in 0..AT_A_TIME {
                let asker = session.asker()?;
                let question = session.question(version, std::slice::from_ref(&id));
                let to = session.target.destination();
                session.send_datagram(&asker, &question.draft.to_bytes(), to)?;
                asked.push((asker, question));
            }
            let mut lost = 0;
            for (asker, question) in &asked {
                let Some(datagram) = session.next(asker, Duration::from_secs(1)) else {
                    lost += 1;
                    continue;
                };
                let answered = session.match_in(datagram, question, "PCCRD-4.3-01")?;
                session.relates(&answered, "PCCRD-4.3-01")?;
            }
            // A datagram may be lost, and a responder may leave some of many to others.
            session.holds(
                lost <= AT_A_TIME / 4,
                "PCCRD-1.3-02",
                format_args!("{lost} of {AT_A_TIME} probes were not answered"),
            )
        },
    )
    .tags(&[Tag::Load]),
    Case::responder(
        "pccrd-responder-names-are-not-found",
        "a probe for a name or a URL finds nothing: segments are found by their ids",
        &["PCCRD-1.6-01"],
        |session| {
            let (version, _) = session.held_of_any()?;
            let names = ["http://server.example/file", "file", "*"];
            let probes: Vec<(&str, Vec<u8>)> = names
                .iter()
                .map(|name| {
                    let question = session.question_of(version, name);
                    (*name, question.draft.to_bytes())
                })
                .collect();
            session.are_ignored(&probes, "PCCRD-1.6-01")
        },
    ),
    Case::responder(
        "pccrd-responder-random-wait",
        "matches for probes that come one after the other wait for different times",
        &["PCCRD-1.3-03", "PCCRD-3.2.2-01"],
        |session| {
            let mut delays = super::section_3_2_2::delays(session)?;
            delays.sort_unstable();
            // What a machine under load adds is at the ends; the middle half tells chance from habit.
            let quarter = delays.len() / 4;
            let (Some(early), Some(late)) = (
                delays.get(quarter).copied(),
                delays.get(delays.len() - 1 - quarter).copied(),
            ) else {
                return Err(Stop::Inconclusive("there are no delays".to_owned()));
            };
            let spread = late.saturating_sub(early);
            let found = format!(
                "the middle half of {} delays is {early:?} to {late:?}",
                delays.len()
            );
            session.holds(spread >= APP_MAX_DELAY / 5, "PCCRD-1.3-03", &found)?;
            session.holds(spread >= APP_MAX_DELAY / 5, "PCCRD-3.2.2-01", &found)
        },
    )
    .tags(&[Tag::Alone]),
];
