//! MS-PCCRR 3.2.5.5: everything else.
//! Invariant: whatever comes, no message goes back, and the next good request is served.
//! Byte order: big-endian.

use super::DISCARDED;
use crate::judge::{Case, Tag};
use crate::wire::cipher::algorithm;
use crate::wire::retrieval::{Range, get_blocks};

pub(super) const CASES: &[Case] = &[
    Case::peer(
        "pccrr-peer-random-bytes",
        "bytes that are no message are discarded",
        &["PCCRR-3.2.5.5-01"],
        |session| {
            for length in [1, 16, 24, 68, 4_096] {
                let answer = session.post_for_nothing(&session.random(length))?;
                // A random version can be one that is not supported, which negotiation answers.
                let negotiates = matches!(
                    &answer,
                    crate::targets::connection::Answer::Response(response)
                        if response.status() == 200 && response.body.len() == 28
                );
                if !negotiates {
                    session.is_no_message(&answer, "PCCRR-3.2.5.5-01")?;
                }
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
            let framed = crate::wire::retrieval::framed(&request.to_bytes());
            let answer = session.post_for_nothing(&framed)?;
            // The size reads as a version that nobody supports.
            let negotiates = matches!(
                &answer,
                crate::targets::connection::Answer::Response(response)
                    if response.status() == 200 && response.body.len() == 28
            );
            if !negotiates {
                session.is_no_message(&answer, "PCCRR-3.2.5.5-01")?;
            }
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
