//! MS-PCCRD 3.2.4.1: probes as XML, well formed and otherwise.
//! Invariant: what is well formed and says the same is answered; what is not is ignored, and so is what SOAP forbids.
//! Byte order: none, it is UTF-8.

use std::net::TcpListener;
use std::time::Duration;

use crate::clock;
use crate::judge::session::Session;
use crate::judge::{Case, Outcome, Stop, Tag};
use crate::targets::responder::{Question, Responder};
use crate::wire::discovery::{self, DATAGRAM_MAX_BYTES};
use crate::wire::draft::Draft;

use super::section_2_2_1::is_answered_at;

const DECLARATION: &str = r#"<?xml version="1.0" encoding="utf-8"?>"#;

pub(super) const CASES: &[Case] = &[
    Case::responder(
        "pccrd-responder-xml-declaration",
        "a probe is answered with and without an XML declaration, in either case and either quotes",
        &["PCCRD-2.1-01"],
        |session| {
            for declaration in [
                "",
                r#"<?xml version="1.0"?>"#,
                r"<?xml version='1.0' encoding='UTF-8' standalone='yes'?>",
            ] {
                is_answered_at(session, "PCCRD-2.1-01", |draft, _| {
                    draft.with("Declaration", declaration)
                })?;
            }
            Ok(())
        },
    ),
    Case::responder(
        "pccrd-responder-xml-byte-order-mark",
        "a probe that starts with the byte order mark of UTF-8 is answered",
        &["PCCRD-2.1-01"],
        |session| {
            is_answered_at(session, "PCCRD-2.1-01", |draft, _| {
                draft.with("Declaration", format!("\u{feff}{DECLARATION}"))
            })
        },
    ),
    Case::responder(
        "pccrd-responder-xml-white-space",
        "a probe is answered whose elements and values stand on lines of their own, as in the document",
        &["PCCRD-2.1-01"],
        |session| {
            is_answered_at(session, "PCCRD-2.1-01", |draft, _| {
                let text = String::from_utf8_lossy(&draft.to_bytes()).into_owned();
                let spread = text.replace('>', ">\r\n\t ").replace('<', "\r\n\r\n <");
                // Nothing stands in front of a declaration.
                Draft::new().bytes("Envelope", spread.trim_start().to_owned())
            })
        },
    ),
    Case::responder(
        "pccrd-responder-xml-comments",
        "a probe with comments is answered, and what they hold means nothing",
        &["PCCRD-2.1-01"],
        |session| {
            is_answered_at(session, "PCCRD-2.1-01", |draft, _| {
                let comment = "<!-- <wsd:Scopes>00</wsd:Scopes> -->";
                draft
                    .with("HeaderMore", comment)
                    .with("ProbeEnd", format!("{comment}</wsd:Probe>"))
                    .with("EnvelopeEnd", format!("</soap:Envelope>{comment}\n"))
            })
        },
    ),
    Case::responder(
        "pccrd-responder-xml-references",
        "a probe is answered in which characters are written by number or as CDATA",
        &["PCCRD-2.1-01"],
        |session| {
            let (version, id) = session.held_of_any()?;
            let scopes = discovery::scopes(version, &[id]);
            let Some((first, rest)) = scopes.split_at_checked(1) else {
                return Err(Stop::Inconclusive("there is no scope".to_owned()));
            };
            let code = first.bytes().next().unwrap_or_default();
            let written = [
                format!("&#{code};{rest}"),
                format!("&#x{code:x};{rest}"),
                format!("<![CDATA[{first}]]>{rest}"),
            ];
            for scopes in &written {
                is_answered_at(session, "PCCRD-2.1-01", |draft, _| {
                    draft.with("Scopes", scopes.as_str())
                })?;
            }
            Ok(())
        },
    ),
    Case::responder(
        "pccrd-responder-xml-document-type",
        "a probe with a document type declaration, which SOAP forbids, is ignored",
        &["PCCRD-3.2.4.1-06"],
        |session| {
            are_ignored(
                session,
                &[
                    ("an empty one", &|draft| draft.with("DocumentType", "<!DOCTYPE soap:Envelope>")),
                    ("one with a subset", &|draft| {
                        draft.with("DocumentType", "<!DOCTYPE e [<!ELEMENT e ANY>]>")
                    }),
                    ("in front of the declaration", &|draft| {
                        draft.with("Declaration", "<!DOCTYPE e []>")
                    }),
                ],
            )
        },
    )
    .tags(&[Tag::Hostile]),
    Case::responder(
        "pccrd-responder-xml-entities",
        "a probe with entities of its own is ignored, however many they become",
        &["PCCRD-3.2.4.1-06"],
        |session| {
            let (version, id) = session.held_of_any()?;
            let scopes = discovery::scopes(version, &[id]);
            let laughs: String = (1..12)
                .map(|number| {
                    let ten = format!("&l{};", number - 1).repeat(10);
                    format!(r#"<!ENTITY l{number} "{ten}">"#)
                })
                .collect();
            let laughs = format!(r#"<!DOCTYPE e [<!ENTITY l0 "lol">{laughs}]>"#);
            let own = format!(r#"<!DOCTYPE e [<!ENTITY id "{scopes}">]>"#);
            are_ignored(
                session,
                &[
                    ("the id as an entity", &|draft| {
                        draft.with("DocumentType", own.as_str()).with("Scopes", "&id;")
                    }),
                    ("a thousand million laughs", &|draft| {
                        draft
                            .with("DocumentType", laughs.as_str())
                            .with("HeaderMore", "<wsa:From>&l11;</wsa:From>")
                    }),
                    ("an entity that nobody declared", &|draft| {
                        draft.with("HeaderMore", "<wsa:From>&nbsp;</wsa:From>")
                    }),
                ],
            )
        },
    )
    .tags(&[Tag::Hostile]),
    Case::responder(
        "pccrd-responder-xml-external-entity",
        "nothing is fetched that an entity of a probe names",
        &["PCCRD-3.2.4.1-06"],
        |session| {
            let listener = TcpListener::bind((session.target.interface, 0))
                .and_then(|listener| listener.set_nonblocking(true).map(|()| listener));
            let place = listener.and_then(|listener| Ok((listener.local_addr()?, listener)));
            let (address, listener) = place.map_err(|error| {
                Stop::Inconclusive(format!("cannot listen for who comes: {error}"))
            })?;
            let external = format!(
                r#"<!DOCTYPE e SYSTEM "http://{address}/d.dtd" [<!ENTITY x SYSTEM "http://{address}/x">]>"#
            );
            are_ignored(
                session,
                &[("an external entity", &|draft| {
                    draft
                        .with("DocumentType", external.as_str())
                        .with("HeaderMore", "<wsa:From>&x;</wsa:From>")
                })],
            )?;
            let came = listener.accept().map(|(_, from)| from);
            session.holds(
                came.is_err(),
                "PCCRD-3.2.4.1-06",
                format_args!("{came:?} came to fetch what the entity names"),
            )
        },
    )
    .tags(&[Tag::Hostile]),
    Case::responder(
        "pccrd-responder-xml-deep",
        "elements in one another, thousands of them, do no harm",
        &["PCCRD-3.2.4.1-06"],
        |session| {
            let deep = |count: usize| "<a>".repeat(count);
            let closed = |count: usize| deep(count) + &"</a>".repeat(count);
            are_survived(session, &[("closed", &|draft| draft.with("HeaderMore", closed(8_000)))])?;
            are_ignored(
                session,
                &[
                    ("not closed", &|draft| draft.with("HeaderMore", deep(20_000))),
                    ("nothing else", &|_| Draft::new().bytes("Envelope", deep(21_000))),
                ],
            )
        },
    )
    .tags(&[Tag::Hostile]),
    Case::responder(
        "pccrd-responder-xml-long",
        "datagrams as long as they can be do no harm",
        &["PCCRD-3.2.4.1-06"],
        |session| {
            let padded = |draft: Draft, part: &'static str, unit: &str, end: &str| {
                let room = DATAGRAM_MAX_BYTES - draft.len() - end.len() - 64;
                let body = unit.repeat(room / unit.len().max(1));
                draft.with(part, format!("{body}{end}"))
            };
            are_survived(
                session,
                &[
                    ("spaces in the header", &|draft| padded(draft, "HeaderMore", " ", "")),
                    ("thousands of attributes", &|draft| {
                        let room = (DATAGRAM_MAX_BYTES - draft.len()) / 10 - 4;
                        let all: String = (0..room).map(|one| format!(" a{one:04}=''")).collect();
                        draft.with("EnvelopeTagEnd", format!("{all}>"))
                    }),
                    ("thousands of elements", &|draft| padded(draft, "HeaderMore", "<a/>", "")),
                    ("a long comment", &|draft| {
                        let draft = draft.with("Header", "<soap:Header><!--");
                        padded(draft, "To", "- ", "-->")
                    }),
                ],
            )?;
            are_ignored(
                session,
                &[
                    ("one long name", &|_| {
                        Draft::new().bytes("Envelope", format!("<{}", "a".repeat(65_000)))
                    }),
                    ("zeros", &|_| Draft::new().bytes("Envelope", vec![0; DATAGRAM_MAX_BYTES])),
                    ("a scope without end", &|draft| padded(draft, "Scopes", "A", "")),
                ],
            )
        },
    )
    .tags(&[Tag::Hostile, Tag::Load]),
    Case::responder(
        "pccrd-responder-xml-truncated",
        "a probe that ends too early is ignored",
        &["PCCRD-3.2.4.1-06"],
        |session| {
            let question = good(session)?;
            let bytes = question.draft.to_bytes();
            let end = |part: &str| question.draft.offset_of(part).unwrap_or_default();
            let kept = [
                0,
                1,
                end("DocumentType"),
                end("Header"),
                end("Body"),
                end("ProbeEnd"),
                end("BodyEnd"),
                end("EnvelopeEnd"),
                bytes.len() - 1,
            ];
            let cut = |kept: &usize| bytes.get(..*kept).unwrap_or_default().to_vec();
            let probes: Vec<(&str, Vec<u8>)> =
                kept.iter().map(|kept| ("a part of it", cut(kept))).collect();
            session.are_ignored(&probes, "PCCRD-3.2.4.1-06")
        },
    )
    .tags(&[Tag::Hostile]),
    Case::responder(
        "pccrd-responder-xml-not-well-formed",
        "a probe that is no well-formed XML is ignored",
        &["PCCRD-3.2.4.1-06"],
        |session| {
            are_ignored(
                session,
                &[
                    ("another end tag", &|draft| draft.with("ProbeEnd", "</wsd:Probes>")),
                    ("an end tag that is missing", &|draft| draft.without("ProbeEnd")),
                    ("tags that cross", &|draft| {
                        draft.with("BodyEnd", "</soap:Envelope>").with("EnvelopeEnd", "</soap:Body>")
                    }),
                    ("an attribute without quotes", &|draft| draft.with("MatchBy", " MatchBy=strcmp0")),
                    ("a '&' alone", &|draft| draft.with("HeaderMore", "<wsa:From>a & b</wsa:From>")),
                    ("an attribute twice", &|draft| draft.with("Probe", "<wsd:Probe a='1' a='2'>")),
                    ("a prefix that is not declared", &|draft| draft.with("HeaderMore", "<q:From/>")),
                ],
            )
        },
    )
    .tags(&[Tag::Hostile]),
    Case::responder(
        "pccrd-responder-xml-surplus",
        "a probe with something behind its end is ignored",
        &["PCCRD-3.2.4.1-06"],
        |session| {
            are_ignored(
                session,
                &[
                    ("text", &|draft| draft.with("EnvelopeEnd", "</soap:Envelope>text")),
                    ("another element", &|draft| draft.with("EnvelopeEnd", "</soap:Envelope><a/>")),
                    ("zeros", &|draft| draft.with("EnvelopeEnd", "</soap:Envelope>\0\0")),
                ],
            )
        },
    )
    .tags(&[Tag::Hostile]),
    Case::responder(
        "pccrd-responder-xml-encoding",
        "a probe that is not in the encoding it names is ignored",
        &["PCCRD-3.2.4.1-06"],
        |session| {
            let header = |bytes: &[u8]| [b"<wsa:From>", bytes, b"</wsa:From>"].concat();
            are_ignored(
                session,
                &[
                    ("a byte that no UTF-8 has", &|draft| draft.with("HeaderMore", header(b"\xff"))),
                    ("a slash in two bytes", &|draft| draft.with("HeaderMore", header(b"\xc0\xaf"))),
                    ("half a surrogate", &|draft| draft.with("HeaderMore", header(b"\xed\xa0\x80"))),
                    ("a zero", &|draft| draft.with("HeaderMore", header(b"\0"))),
                    ("an encoding that nobody knows", &|draft| {
                        draft.with("Declaration", r#"<?xml version="1.0" encoding="x-none"?>"#)
                    }),
                ],
            )
        },
    )
    .tags(&[Tag::Hostile]),
];

type Change<'c> = &'c dyn Fn(Draft) -> Draft;

fn good(session: &Session<'_, Responder>) -> Result<Question, Stop> {
    let (version, id) = session.held_of_any()?;
    Ok(session.question(version, &[id]))
}

fn changed<'n>(
    session: &Session<'_, Responder>,
    changes: &[(&'n str, Change<'_>)],
) -> Result<Vec<(&'n str, Vec<u8>)>, Stop> {
    let change = |(name, change): &(&'n str, Change<'_>)| {
        Ok((*name, change(good(session)?.draft).to_bytes()))
    };
    changes.iter().map(change).collect()
}

fn are_ignored(session: &Session<'_, Responder>, changes: &[(&str, Change<'_>)]) -> Outcome {
    session.are_ignored(&changed(session, changes)?, "PCCRD-3.2.4.1-06")
}

/// Whether such probes are answered is left open; a good one has to be afterwards, and soon.
fn are_survived(session: &Session<'_, Responder>, changes: &[(&str, Change<'_>)]) -> Outcome {
    let sent = session.send_each(&changed(session, changes)?)?;
    let begun = clock::now();
    session.still_answers("PCCRD-3.2.4.1-06")?;
    let took = clock::now().saturating_duration_since(begun);
    drop(sent);
    session.holds(
        took < Duration::from_secs(3),
        "PCCRD-3.2.4.1-06",
        format_args!("a good probe was answered {took:?} after such ones"),
    )
}
