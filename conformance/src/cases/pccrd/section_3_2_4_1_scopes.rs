//! MS-PCCRD 3.2.4.1: a probe with an empty or badly formed Scopes is malformed.
//! Invariant: each of them has a held segment in it wherever it can, so that nothing but its form keeps it unanswered.
//! Byte order: big-endian.

use crate::judge::session::Session;
use crate::judge::{Case, Outcome, Stop, Tag};
use crate::targets::responder::Responder;
use crate::wire::content_info::Version;
use crate::wire::discovery::structure;
use crate::wire::text::{base64, hex};

pub(super) const CASES: &[Case] = &[
    Case::responder(
        "pccrd-responder-scopes-empty-v1",
        "a version 1.0 probe with an empty Scopes, one of white space or none is ignored",
        &["PCCRD-3.2.4.1-07", "PCCRD-3.2.4.1-06"],
        |session| empty(session, Version::V1),
    )
    .tags(&[Tag::V1, Tag::Hostile]),
    Case::responder(
        "pccrd-responder-scopes-empty-v2",
        "a version 2.0 probe with an empty Scopes, one of white space or none is ignored",
        &["PCCRD-3.2.4.1-07", "PCCRD-3.2.4.1-06"],
        |session| empty(session, Version::V2),
    )
    .tags(&[Tag::V2, Tag::Hostile]),
    Case::responder(
        "pccrd-responder-scopes-odd-hex",
        "a held id with one hex digit more or less, or with others between, is malformed",
        &["PCCRD-3.2.4.1-07"],
        |session| {
            let id = hex(&session.held_id(Version::V1)?);
            let (start, end) = id.split_at(id.len() / 2);
            let shorter = id.get(1..).unwrap_or_default().to_owned();
            are_malformed(
                session,
                Version::V1,
                &[
                    ("one digit more", format!("{id}0")),
                    ("one digit less", shorter),
                    ("0x in front", format!("0x{id}")),
                    ("no hex digit", format!("{start}G{end}")),
                    ("base64 of it", base64(&session.held_id(Version::V1)?)),
                    ("broken in two", format!("{start}\n{end}")),
                ],
            )
        },
    )
    .tags(&[Tag::V1, Tag::Hostile]),
    Case::responder(
        "pccrd-responder-scopes-bad-beside-good",
        "one badly formed scope makes the probe malformed, whatever stands beside it",
        &["PCCRD-3.2.4.1-07"],
        |session| {
            let id = hex(&session.held_id(Version::V1)?);
            are_malformed(
                session,
                Version::V1,
                &[
                    ("an odd number of digits behind", format!("{id} ABC")),
                    ("no hex in front", format!("scope {id}")),
                ],
            )
        },
    )
    .tags(&[Tag::V1, Tag::Hostile]),
    Case::responder(
        "pccrd-responder-scopes-bad-base64",
        "a version 2.0 scope that is no base64 is malformed",
        &["PCCRD-3.2.4.1-07"],
        |session| {
            let good = good(session)?;
            let (start, end) = good.split_at(8);
            let id = session.held_id(Version::V2)?;
            are_malformed(
                session,
                Version::V2,
                &[
                    ("another symbol", format!("{start}*{end}")),
                    (
                        "one symbol less",
                        good.get(1..).unwrap_or_default().to_owned(),
                    ),
                    ("padding in the middle", format!("{start}=={end}")),
                    ("hex of the id", hex(&id)),
                    ("base64 of the id alone", base64(&id)),
                ],
            )
        },
    )
    .tags(&[Tag::V2, Tag::Hostile]),
    Case::responder(
        "pccrd-responder-scopes-size",
        "a version 2.0 scope whose SegmentHashSize is not that of its ids is malformed",
        &["PCCRD-3.2.4.1-07"],
        |session| {
            let id = session.held_id(Version::V2)?;
            let sized = |size: u16| {
                let draft = structure(std::slice::from_ref(&id));
                base64(&draft.with_u16_be("SegmentHashSize", size).to_bytes())
            };
            are_malformed(
                session,
                Version::V2,
                &[
                    ("0", sized(0)),
                    ("31", sized(31)),
                    ("33", sized(33)),
                    ("least significant byte first", sized(0x2000)),
                    ("65535", sized(u16::MAX)),
                ],
            )
        },
    )
    .tags(&[Tag::V2, Tag::Hostile]),
    Case::responder(
        "pccrd-responder-scopes-count",
        "a version 2.0 scope whose count is not that of its ids, or 0, is malformed",
        &["PCCRD-3.2.4.1-07"],
        |session| {
            let id = session.held_id(Version::V2)?;
            let counted = |count: u8| {
                let draft = structure(&[id.clone(), id.clone()]);
                base64(&draft.with("SegmentHashCount", [count]).to_bytes())
            };
            are_malformed(
                session,
                Version::V2,
                &[
                    ("0 of 2", counted(0)),
                    ("1 of 2", counted(1)),
                    ("3 of 2", counted(3)),
                    ("255 of 2", counted(255)),
                    ("0 and no ids", base64(&[0, 32, 0])),
                ],
            )
        },
    )
    .tags(&[Tag::V2, Tag::Hostile]),
    Case::responder(
        "pccrd-responder-scopes-length",
        "a version 2.0 scope with bytes too few or too many is malformed",
        &["PCCRD-3.2.4.1-07"],
        |session| {
            let id = session.held_id(Version::V2)?;
            let draft = structure(std::slice::from_ref(&id));
            let whole = draft.to_bytes().len();
            are_malformed(
                session,
                Version::V2,
                &[
                    ("one byte", base64(&draft.cut_to(1))),
                    ("two bytes", base64(&draft.cut_to(2))),
                    ("no id", base64(&draft.cut_to(3))),
                    ("one byte less", base64(&draft.cut_to(whole - 1))),
                    ("one byte more", base64(&draft.followed_by(&[0]))),
                    ("an id more", base64(&draft.followed_by(&id))),
                ],
            )
        },
    )
    .tags(&[Tag::V2, Tag::Hostile]),
    Case::responder(
        "pccrd-responder-scopes-two-structures",
        "a version 2.0 probe with two scopes is malformed",
        &["PCCRD-3.2.4.1-07"],
        |session| {
            // Two of 35 bytes: padding stands between them, so that they are not one either.
            let good = good(session)?;
            are_malformed(session, Version::V2, &[("twice", format!("{good} {good}"))])
        },
    )
    .tags(&[Tag::V2, Tag::Hostile]),
];

fn good(session: &Session<'_, Responder>) -> Result<String, Stop> {
    Ok(base64(
        &structure(&[session.held_id(Version::V2)?]).to_bytes(),
    ))
}

fn are_malformed(
    session: &Session<'_, Responder>,
    version: Version,
    scopes: &[(&str, String)],
) -> Outcome {
    let probes: Vec<(&str, Vec<u8>)> = scopes
        .iter()
        .map(|(name, scopes)| (*name, session.question_of(version, scopes).draft.to_bytes()))
        .collect();
    session.are_ignored(&probes, "PCCRD-3.2.4.1-07")
}

fn empty(session: &Session<'_, Responder>, version: Version) -> Outcome {
    session.held_id(version)?;
    are_malformed(
        session,
        version,
        &[
            ("empty", String::new()),
            ("white space", " \r\n\t".to_owned()),
        ],
    )?;
    let parts = [
        "ScopesTag",
        "MatchBy",
        "ScopesTagEnd",
        "Scopes",
        "ScopesEnd",
    ];
    let draft = session.question_of(version, "").draft;
    let without = parts
        .into_iter()
        .fold(draft, |draft, part| draft.without(part));
    session.are_ignored(
        &[("without Scopes", without.to_bytes())],
        "PCCRD-3.2.4.1-06",
    )
}
