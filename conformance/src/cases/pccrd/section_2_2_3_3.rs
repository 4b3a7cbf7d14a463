//! MS-PCCRD 2.2.3.2 and 2.2.3.3: scopes of matches, ids as hex and availability as bits.
//! Invariant: ids that nobody has are random; held ones stand between them, so that places count.
//! Byte order: bits most significant first.

use std::time::Duration;

use crate::judge::session::Session;
use crate::judge::{Case, Outcome, Stop, Tag};
use crate::targets::responder::Responder;
use crate::wire::content_info::Version;
use crate::wire::text::{from_base64, from_hex, hex};

pub(super) const CASES: &[Case] = &[
    Case::responder(
        "pccrd-responder-scopes-one",
        "Scopes of a match for one segment is its id as upper-case hex",
        &["PCCRD-2.2.3.3-03", "PCCRD-2.2.3.3-02", "PCCRD-2.2.3.2-02"],
        |session| {
            let id = session.held_id(Version::V1)?;
            let answered = session.ask_for(Version::V1, std::slice::from_ref(&id), "PCCRD-2.2.3.3-02")?;
            let scopes: Vec<&str> = answered.found.scopes().collect();
            session.equal("PCCRD-2.2.3.3-02", "the number of scopes", &scopes.len(), &1)?;
            let scope = scopes.first().copied().unwrap_or_default();
            session.equal("PCCRD-2.2.3.3-03", "the scope", &from_hex(scope), &Some(id.clone()))?;
            if scope == hex(&id) {
                return session.equal("PCCRD-2.2.3.2-02", "the scope", &scope, &hex(&id).as_str());
            }
            let found = "the scope is not the string of the probe: lower case";
            session.quirk("rd-scope-lower-case", "PCCRD-2.2.3.2-02", found)
        },
    )
    .quirks(&["rd-scope-lower-case"])
    .tags(&[Tag::V1]),
    Case::responder(
        "pccrd-responder-scopes-some-held",
        "of several segments the match lists those that are held, and no others",
        &["PCCRD-2.2.3.3-02", "PCCRD-3.2.4.1-02"],
        |session| {
            let (ids, held) = mixed(session, Version::V1)?;
            let answered = session.ask_for(Version::V1, &ids, "PCCRD-3.2.4.1-02")?;
            let mut found: Vec<Option<Vec<u8>>> = answered.found.scopes().map(from_hex).collect();
            let mut expected: Vec<Option<Vec<u8>>> = held.into_iter().map(Some).collect();
            // In which order is not said.
            found.sort();
            expected.sort();
            let texts: Vec<&str> = answered.found.scopes().collect();
            session.holds(
                found == expected,
                "PCCRD-2.2.3.3-02",
                format_args!("the scopes are {texts:?}, expected {} held ids", expected.len()),
            )
        },
    )
    .tags(&[Tag::V1]),
    Case::responder(
        "pccrd-responder-scopes-twice",
        "an id that stands twice in a probe is answered by the id, once or twice, and by nothing else",
        &["PCCRD-2.2.3.3-02"],
        |session| {
            let id = session.held_id(Version::V1)?;
            let ids = [id.clone(), id.clone()];
            let answered = session.ask_for(Version::V1, &ids, "PCCRD-2.2.3.3-02")?;
            let found: Vec<_> = answered.found.scopes().map(from_hex).collect();
            session.holds(
                matches!(found.len(), 1 | 2) && found.iter().all(|one| one.as_ref() == Some(&id)),
                "PCCRD-2.2.3.3-02",
                format_args!("the scopes are {:?}", answered.found.scopes),
            )
        },
    )
    .tags(&[Tag::V1, Tag::Hostile]),
    Case::responder(
        "pccrd-responder-scopes-lower-case",
        "an id in lower-case hex finds the same segment or nothing",
        &["PCCRD-2.2.3.3-03"],
        |session| {
            let id = session.held_id(Version::V1)?;
            let question = session.question_of(Version::V1, &hex(&id).to_lowercase());
            let asker = session.asker()?;
            let to = session.target.destination();
            session.send_datagram(&asker, &question.draft.to_bytes(), to)?;
            let patience = session.settings.silence.max(Duration::from_millis(400));
            if let Some(datagram) = session.next(&asker, patience) {
                let answered = session.match_in(datagram, &question, "PCCRD-2.2.3.3-03")?;
                let found: Vec<_> = answered.found.scopes().map(from_hex).collect();
                session.equal("PCCRD-2.2.3.3-03", "the scopes", &found, &vec![Some(id)])?;
            }
            session.still_answers("PCCRD-2.2.3.3-03")
        },
    )
    .tags(&[Tag::V1]),
    Case::responder(
        "pccrd-responder-scopes-many",
        "one held segment among 60 that are not is found",
        &["PCCRD-3.2.4.1-02", "PCCRD-2.2.3.3-02"],
        |session| {
            let id = session.held_id(Version::V1)?;
            let mut ids: Vec<Vec<u8>> = (0..59).map(|_| session.random(id.len())).collect();
            ids.insert(41, id.clone());
            let answered = session.ask_for(Version::V1, &ids, "PCCRD-3.2.4.1-02")?;
            let found: Vec<_> = answered.found.scopes().map(from_hex).collect();
            session.equal("PCCRD-2.2.3.3-02", "the scopes", &found, &vec![Some(id)])
        },
    )
    .tags(&[Tag::V1, Tag::Load]),
    Case::responder(
        "pccrd-responder-bits-one",
        "the two bits of a segment that is held in full are 1, and they are the first of the array",
        &["PCCRD-2.2.3.3-07", "PCCRD-2.2.3.3-08", "PCCRD-2.2.3.3-06"],
        |session| {
            let id = session.held_id(Version::V2)?;
            let bits = bits(session, &[id])?;
            session.equal("PCCRD-2.2.3.3-07", "the first bit", &bits.has(0), &true)?;
            session.equal("PCCRD-2.2.3.3-08", "the second bit", &bits.is_complete(0), &true)?;
            session.equal("PCCRD-2.2.3.3-06", "bytes of the array", &bits.0.len(), &1)
        },
    )
    .tags(&[Tag::V2]),
    Case::responder(
        "pccrd-responder-bits-some-held",
        "of several segments each has its two bits in the order of the probe, and 0 where it is not held",
        &["PCCRD-2.2.3.3-06", "PCCRD-2.2.3.3-07", "PCCRD-2.2.3.3-08"],
        |session| {
            let (ids, held) = mixed(session, Version::V2)?;
            are_bits(session, &ids, &held)
        },
    )
    .tags(&[Tag::V2]),
    Case::responder(
        "pccrd-responder-bits-of-255",
        "a probe for 255 segments, as many as there can be, is answered by 510 bits",
        &["PCCRD-2.2.3.3-06", "PCCRD-2.2.3.3-07", "PCCRD-2.2.3.3-08"],
        |session| {
            let id = session.held_id(Version::V2)?;
            let mut ids: Vec<Vec<u8>> = (0..255).map(|_| session.random(id.len())).collect();
            for place in [0, 130, 254] {
                if let Some(one) = ids.get_mut(place) {
                    one.clone_from(&id);
                }
            }
            are_bits(session, &ids, &[id])
        },
    )
    .tags(&[Tag::V2, Tag::Load]),
];

type Ids = Vec<Vec<u8>>;

/// Ids of which some are held, and those.
fn mixed(session: &Session<'_, Responder>, version: Version) -> Result<(Ids, Ids), Stop> {
    let all = session.held(version)?;
    // Those of one length, which is all that a version 2.0 probe can carry.
    let length = all.first().map_or(32, |segment| segment.id().len());
    let ids = all.iter().map(|segment| segment.id());
    let held: Ids = ids.filter(|id| id.len() == length).take(4).collect();
    let mut asked = vec![session.random(length)];
    for id in held.iter().rev() {
        asked.push(id.clone());
        asked.push(session.random(length));
        asked.push(session.random(length));
    }
    Ok((asked, held))
}

struct Bits(Vec<u8>);

impl Bits {
    fn bit(&self, number: usize) -> bool {
        let byte = self.0.get(number / 8).copied().unwrap_or_default();
        byte & (0x80 >> (number % 8)) != 0
    }

    fn has(&self, index: usize) -> bool {
        self.bit(2 * index)
    }

    fn is_complete(&self, index: usize) -> bool {
        self.bit(2 * index + 1)
    }
}

fn bits(session: &Session<'_, Responder>, ids: &[Vec<u8>]) -> Result<Bits, Stop> {
    let answered = session.ask_for(Version::V2, ids, "PCCRD-2.2.3.3-06")?;
    let text = &answered.found.scopes;
    let bytes = from_base64(text);
    session.holds(
        bytes.is_some(),
        "PCCRD-2.2.3.3-06",
        format_args!("Scopes is '{text}', which is no base64"),
    )?;
    Ok(Bits(bytes.unwrap_or_default()))
}

fn are_bits(session: &Session<'_, Responder>, ids: &[Vec<u8>], held: &[Vec<u8>]) -> Outcome {
    let bits = bits(session, ids)?;
    let bytes = bits.0.len();
    session.holds(
        bytes >= ids.len().div_ceil(4),
        "PCCRD-2.2.3.3-06",
        format_args!("Scopes has {bytes} bytes for {} segments", ids.len()),
    )?;
    for (place, id) in ids.iter().enumerate() {
        let is_held = held.contains(id);
        let (has, is_complete) = (bits.has(place), bits.is_complete(place));
        let said = |which: &str| format!("the {which} bit of segment {place}, held: {is_held},");
        session.equal("PCCRD-2.2.3.3-07", &said("first"), &has, &is_held)?;
        session.equal("PCCRD-2.2.3.3-08", &said("second"), &is_complete, &is_held)?;
    }
    Ok(())
}
