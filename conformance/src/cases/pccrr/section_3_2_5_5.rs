//! MS-PCCRR 3.2.5.5: everything else.
//! Invariant: whatever comes, no message goes back but a negotiation, and the next good request is served.
//! Byte order: big-endian.

use super::DISCARDED;
use crate::judge::session::Session;
use crate::judge::{Case, Outcome, Tag};
use crate::targets::connection::Answer;
use crate::targets::peer::Peer;
use crate::wire::cipher::algorithm;
use crate::wire::retrieval::{Range, framed, get_blocks, kind};

pub(super) const CASES: &[Case] = &[
    Case::peer(
        "pccrr-peer-random-bytes",
        "bytes that are no message are discarded",
        &["PCCRR-3.2.5.5-01"],
        |session| {
            for length in [1, 16, 24, 68, 4_096] {
                // A random version can be one that is not supported.
                is_discarded_or_negotiated(session, &session.random(length))?;
            }
            session.still_serves("PCCRR-3.2.5.5-01")
        },
    )
    .quirks(DISCARDED)
    .tags(&[Tag::Hostile]),
    Case::peer(
        "pccrr-peer-two-messages",
        "two messages in one body are none",
        &["PCCRR-3.2.5.5-01"],
        |session| {
            let request =
                get_blocks(&session.random(32), &[Range::new(0, 1)], algorithm::AES_128).to_bytes();
            session.is_discarded(&[request.as_slice(), &request].concat(), "PCCRR-3.2.5.5-01")
        },
    )
    .quirks(DISCARDED)
    .tags(&[Tag::Hostile]),
    Case::peer(
        "pccrr-peer-size-in-front-of-request",
        "a request with the size in front that only responses have is malformed",
        &["PCCRR-3.2.5.5-01"],
        |session| {
            let request = get_blocks(&session.random(32), &[Range::new(0, 1)], algorithm::AES_128);
            // The size reads as a version that nobody supports.
            is_discarded_or_negotiated(session, &framed(&request.to_bytes()))?;
            session.still_serves("PCCRR-3.2.5.5-01")
        },
    )
    .quirks(DISCARDED)
    .tags(&[Tag::Hostile]),
    Case::peer(
        "pccrr-peer-good-behind-bad",
        "a good request on a connection of its own is served while a bad one is still open",
        &["PCCRR-3.2.5.5-01"],
        |session| {
            let bad = session.target.request(&[0xff; 16]);
            let mut connection = session.connect()?;
            session.send(&mut connection, &bad)?;
            session.still_serves("PCCRR-3.2.5.5-01")
        },
    )
    .tags(&[Tag::Hostile]),
];

/// Asserts that bytes bring no message, or MSG_NEGO_RESP: they begin with what may be a version that is not supported.
fn is_discarded_or_negotiated(session: &Session<'_, Peer>, message: &[u8]) -> Outcome {
    let answer = session.post_for_nothing(message)?;
    if !matches!(&answer, Answer::Response(response) if response.status() == 200) {
        return session.is_no_message(&answer, "PCCRR-3.2.5.5-01");
    }
    let answered = session.message_of(answer, "PCCRR-3.2.5.5-01")?;
    let found = answered.message.kind;
    session.is_kind(found, kind::NEGOTIATION_RESPONSE, "PCCRR-3.2.5.5-01")
}
