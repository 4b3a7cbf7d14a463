//! MS-PCCRR 2.2.2 and 2.2.3: the size in front of a response and the header of every message.
//! Invariant: what is said of all responses is asserted of all four.
//! Byte order: big-endian.

use super::DISCARDED;
use crate::judge::session::Session;
use crate::judge::{Case, Outcome, Stop, Tag};
use crate::targets::peer::{Answered, Peer};
use crate::wire::cipher::algorithm;
use crate::wire::content_info::Version;
use crate::wire::draft::Draft;
use crate::wire::retrieval::{
    self, RESPONSE_MAX_BYTES, Range, VERSION_1, VERSION_2, get_block_list, get_blocks,
    get_segment_list, kind, negotiation_request,
};

pub(super) const CASES: &[Case] = &[
    Case::peer(
        "pccrr-peer-size-in-front",
        "every response starts with the length of the message behind it",
        &["PCCRR-2.2.2-01"],
        |session| {
            // The judge's reader refuses every other.
            of_all(session, "PCCRR-2.2.2-01", |_, _, _| Ok(()))
        },
    ),
    Case::peer(
        "pccrr-peer-response-length",
        "responses have 16 to 98,304 bytes, or 393,216 where a block needs it",
        &["PCCRR-2.2.2-02", "PCCRR-2.2.3-12", "PCCRR-2.2-02"],
        |session| {
            of_all(session, "PCCRR-2.2.3-12", |session, answered, _| {
                let length = answered.bytes.len();
                let found = format!(
                    "{length} bytes of {}",
                    retrieval::name_of(answered.message.kind)
                );
                session.holds(
                    (16..=RESPONSE_MAX_BYTES).contains(&length),
                    "PCCRR-2.2.3-12",
                    &found,
                )?;
                for requirement in ["PCCRR-2.2.2-02", "PCCRR-2.2-02"] {
                    if length > retrieval::REQUEST_MAX_BYTES {
                        session.quirk("rr-response-over-96k", requirement, &found)?;
                    } else {
                        session.holds(length >= 16, requirement, &found)?;
                    }
                }
                Ok(())
            })
        },
    )
    .quirks(&["rr-response-over-96k"]),
    Case::peer(
        "pccrr-peer-version-of-responses",
        "responses that version 1.0 defines carry ProtVer 1.0",
        &["PCCRR-2.2.3-07", "PCCRR-2.2.3-04", "PCCRR-2.2.3-05"],
        |session| {
            of_all(session, "PCCRR-2.2.3-07", |session, answered, _| {
                let message = &answered.message;
                if message.kind == kind::SEGMENT_LIST {
                    return Ok(());
                }
                let field = format!("ProtVer of {}", retrieval::name_of(message.kind));
                session.equal("PCCRR-2.2.3-04", &field, &message.version, &VERSION_1)?;
                session.equal("PCCRR-2.2.3-05", &field, &message.version, &VERSION_1)?;
                session.equal("PCCRR-2.2.3-07", &field, &message.version, &VERSION_1)
            })
        },
    ),
    Case::peer(
        "pccrr-peer-version-of-segment-lists",
        "MSG_SEGLIST carries ProtVer 2.0",
        &["PCCRR-2.2.3-08", "PCCRR-1.7-01"],
        |session| {
            let id = session.random(32);
            let request = get_segment_list(session.random_array(), &[&id], &[]);
            let answered = session.ask(&request, "PCCRR-2.2.3-08")?;
            session.is_kind(answered.message.kind, kind::SEGMENT_LIST, "PCCRR-2.2.3-08")?;
            let version = answered.message.version;
            session.equal("PCCRR-1.7-01", "ProtVer", &version, &VERSION_2)?;
            session.equal("PCCRR-2.2.3-08", "ProtVer", &version, &VERSION_2)
        },
    )
    .tags(&[Tag::V2]),
    Case::peer(
        "pccrr-peer-types-of-responses",
        "every request is answered with its own type of response, and with none that is a request",
        &["PCCRR-2.2.3-06", "PCCRR-2.2.3-03", "PCCRR-2.2.5-01"],
        |session| {
            of_all(session, "PCCRR-2.2.5-01", |session, answered, expected| {
                let found = answered.message.kind;
                session.is_kind(found, expected, "PCCRR-2.2.3-06")?;
                session.is_kind(found, expected, "PCCRR-2.2.3-03")
            })
        },
    ),
    Case::peer(
        "pccrr-peer-algorithm-is-known",
        "CryptoAlgoId of every response is 0 to 3",
        &["PCCRR-2.2.3-15"],
        |session| {
            of_all(session, "PCCRR-2.2.3-15", |session, answered, _| {
                let found = answered.message.algorithm;
                session.holds(
                    found <= algorithm::AES_256,
                    "PCCRR-2.2.3-15",
                    format_args!("CryptoAlgoId is {found}, expected 0 to 3"),
                )
            })
        },
    ),
    Case::peer(
        "pccrr-peer-type-unknown",
        "a message of a type that nobody knows is discarded",
        &["PCCRR-3.2.5.5-02"],
        |session| {
            let request = negotiation_request(VERSION_1, VERSION_2);
            session.is_discarded_stating(
                &request,
                "MsgType",
                &[8, 0x0100_0000, u32::MAX],
                "PCCRR-3.2.5.5-02",
            )
        },
    )
    .quirks(DISCARDED)
    .tags(&[Tag::Hostile]),
    Case::peer(
        "pccrr-peer-response-as-request",
        "a response that is posted is discarded",
        &["PCCRR-3.2.5.5-01", "PCCRR-2.2.3-02"],
        |session| {
            let id = session.random(32);
            for response in [
                retrieval::negotiation_response(VERSION_1, VERSION_2),
                retrieval::block_list(&id, &[Range::new(0, 1)], 0),
                retrieval::block(&id, 0, 0, algorithm::NONE, b"block", &[]),
                retrieval::segment_list(session.random_array(), &[], &[]),
            ] {
                session.is_discarded(&response.to_bytes(), "PCCRR-3.2.5.5-01")?;
            }
            session.holds(true, "PCCRR-2.2.3-02", "")
        },
    )
    .quirks(DISCARDED)
    .tags(&[Tag::Hostile]),
    Case::peer(
        "pccrr-peer-size-too-small",
        "a message whose MsgSize is less than its length is discarded",
        &["PCCRR-3.2.5.5-01"],
        |session| {
            let request = negotiation_request(VERSION_1, VERSION_2);
            session.is_discarded_stating(&request, "MsgSize", &[0, 15, 16, 23], "PCCRR-3.2.5.5-01")
        },
    )
    .quirks(DISCARDED)
    .tags(&[Tag::Hostile]),
    Case::peer(
        "pccrr-peer-size-too-large",
        "a message whose MsgSize is more than its length is discarded",
        &["PCCRR-3.2.5.5-01"],
        |session| {
            let request = negotiation_request(VERSION_1, VERSION_2);
            session.is_discarded_stating(
                &request,
                "MsgSize",
                &[25, 98_305, u32::MAX],
                "PCCRR-3.2.5.5-01",
            )
        },
    )
    .quirks(DISCARDED)
    .tags(&[Tag::Hostile]),
    Case::peer(
        "pccrr-peer-header-cut",
        "a message that ends inside its header is discarded",
        &["PCCRR-3.2.5.5-01"],
        |session| {
            let request = negotiation_request(VERSION_1, VERSION_2);
            for kept in [0, 1, 4, 11, 15] {
                session.is_discarded(&request.cut_to(kept), "PCCRR-3.2.5.5-01")?;
            }
            Ok(())
        },
    )
    .quirks(DISCARDED)
    .tags(&[Tag::Hostile]),
    Case::peer(
        "pccrr-peer-request-over-96k",
        "a request of more than 98,304 bytes is discarded",
        &["PCCRR-3.2.5.5-01"],
        |session| {
            let id = session.random(32);
            let count = retrieval::REQUEST_MAX_BYTES / 36 + 1;
            let ids: Vec<&[u8]> = (0..count).map(|_| id.as_slice()).collect();
            let request = get_segment_list(session.random_array(), &ids, &[]);
            session.is_discarded(&request.to_bytes(), "PCCRR-3.2.5.5-01")
        },
    )
    .quirks(DISCARDED)
    .tags(&[Tag::Hostile, Tag::V2]),
];

/// Asserts something of the response to each of the four requests.
fn of_all(
    session: &Session<'_, Peer>,
    requirement: &'static str,
    assert: fn(&Session<'_, Peer>, &Answered, u32) -> Outcome,
) -> Outcome {
    for (request, expected) in requests(session)? {
        let answered = session.ask(&request, requirement)?;
        session.is_kind(answered.message.kind, expected, requirement)?;
        assert(session, &answered, expected)?;
    }
    Ok(())
}

/// One request of each type, for something that is held where the judge knows of such a thing.
fn requests(session: &Session<'_, Peer>) -> Result<Vec<(Draft, u32)>, Stop> {
    let id = session.segment_preferring(Version::V1)?.id();
    let first = [Range::new(0, 1)];
    let mut requests = vec![
        (
            negotiation_request(VERSION_1, VERSION_2),
            kind::NEGOTIATION_RESPONSE,
        ),
        (
            get_block_list(&id, &first, algorithm::AES_128),
            kind::BLOCK_LIST,
        ),
        (get_blocks(&id, &first, algorithm::AES_128), kind::BLOCK),
    ];
    // Who is of version 1.0 answers this one otherwise.
    let profile = session.settings.profile;
    if profile.lacks_version(Version::V2).is_none() {
        let list = get_segment_list(session.random_array(), &[&id], &[]);
        requests.push((list, kind::SEGMENT_LIST));
    }
    Ok(requests)
}
