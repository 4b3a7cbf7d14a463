//! MS-PCHC 2.2: padding that means nothing, and responses of five bytes.
//! Invariant: a response is read by a reader that takes no byte more or less.
//! Byte order: big-endian.

use super::SEGMENT_BYTES;
use crate::judge::session::Session;
use crate::judge::{Case, Outcome, Tag};
use crate::targets::hosted_cache::{HostedCache, PORT_OF_NOBODY};
use crate::wire::content_info::Version;
use crate::wire::digest::Algorithm;
use crate::wire::draft::Draft;
use crate::wire::hosted_cache::{Descriptor, batched_offer, code, initial_offer};

/// What padding may hold.
const FILLINGS: [u8; 2] = [0xff, 0x5a];

pub(super) const CASES: &[Case] = &[
    Case::hosted_cache(
        "pchc-cache-header-padding",
        "whatever the padding of the header holds, an offer of version 2.0 is good",
        &["PCHC-2.2.1.1-05"],
        |session| v2_padded(session, "Padding", 4, "PCHC-2.2.1.1-05"),
    )
    .tags(&[Tag::V2]),
    Case::hosted_cache(
        "pchc-cache-connection-padding",
        "whatever stands behind the port, an offer of version 2.0 is good",
        &["PCHC-2.2.1.2-02"],
        |session| v2_padded(session, "ConnectionPadding", 6, "PCHC-2.2.1.2-02"),
    )
    .tags(&[Tag::V2]),
    Case::hosted_cache(
        "pchc-cache-padding-of-initial-offer",
        "whatever either padding holds, INITIAL_OFFER_MESSAGE is good",
        &["PCHC-2.2.1.1-05", "PCHC-2.2.1.2-02"],
        |session| {
            for filling in FILLINGS {
                let offer = || initial_offer(PORT_OF_NOBODY, &session.random(32));
                let first = offer().with("Padding", [filling; 4]);
                let second = offer().with("ConnectionPadding", [filling; 6]);
                for (offer, requirement) in
                    [(first, "PCHC-2.2.1.1-05"), (second, "PCHC-2.2.1.2-02")]
                {
                    session.offer_brings(Version::V1, &offer, code::INTERESTED, requirement)?;
                }
            }
            Ok(())
        },
    )
    .tags(&[Tag::V1]),
    Case::hosted_cache(
        "pchc-cache-padding-of-segment-info",
        "whatever either padding of SEGMENT_INFO_MESSAGE holds, the segment is fetched",
        &["PCHC-2.2.1.1-05", "PCHC-2.2.1.2-02"],
        |session| {
            let offered = session.segment_v1(SEGMENT_BYTES, Algorithm::Sha256);
            let client = session.client(Version::V1, &[&offered])?;
            let message = session
                .info_of(&client, &offered)
                .with("Padding", [0xab; 4])
                .with("ConnectionPadding", [0xcd; 6]);
            session.offer_brings(Version::V1, &message, code::OK, "PCHC-2.2.1.1-05")?;
            session.is_fetched(&client, &offered, &[0], "PCHC-2.2.1.2-02")
        },
    )
    .tags(&[Tag::V1]),
    Case::hosted_cache(
        "pchc-cache-response-to-initial-offer",
        "the response to INITIAL_OFFER_MESSAGE is its size and one of two codes",
        &["PCHC-2.2.2.1-01", "PCHC-2.2.2.2-01", "PCHC-2.2.2.2-02"],
        |session| {
            let offer = initial_offer(PORT_OF_NOBODY, &session.random(32));
            response(session, Version::V1, &offer, "PCHC-2.2.2.2-02")
        },
    )
    .tags(&[Tag::V1]),
    Case::hosted_cache(
        "pchc-cache-response-to-segment-info",
        "the response to SEGMENT_INFO_MESSAGE is OK",
        &["PCHC-2.2.2.2-04", "PCHC-2.2.2.1-01", "PCHC-2.2.2.2-01"],
        |session| {
            let offered = session.segment_v1(SEGMENT_BYTES, Algorithm::Sha256);
            let client = session.client(Version::V1, &[&offered])?;
            let message = session.info_of(&client, &offered);
            response(session, Version::V1, &message, "PCHC-2.2.2.2-04")?;
            session.offer_brings(Version::V1, &message, code::OK, "PCHC-2.2.2.2-04")
        },
    )
    .tags(&[Tag::V1]),
    Case::hosted_cache(
        "pchc-cache-response-to-batch",
        "the response to BATCHED_OFFER_MESSAGE is OK, though no segment of it is known",
        &["PCHC-2.2.2.2-03", "PCHC-2.2.2.1-01", "PCHC-2.2.2.2-01"],
        |session| {
            let message = batched_offer(PORT_OF_NOBODY, &[session.unknown_descriptor()]);
            response(session, Version::V2, &message, "PCHC-2.2.2.2-03")?;
            session.offer_brings(Version::V2, &message, code::OK, "PCHC-2.2.2.2-03")
        },
    )
    .tags(&[Tag::V2]),
];

fn response(
    session: &Session<'_, HostedCache>,
    version: Version,
    offer: &Draft,
    requirement: &'static str,
) -> Outcome {
    for requirement in ["PCHC-2.2.2.1-01", "PCHC-2.2.2.2-01", requirement] {
        session.offer(version, offer, requirement)?;
    }
    Ok(())
}

fn v2_padded(
    session: &Session<'_, HostedCache>,
    field: &'static str,
    count: usize,
    requirement: &'static str,
) -> Outcome {
    for filling in FILLINGS {
        let offered = session.segment_v2(20_000);
        let client = session.client(Version::V2, &[&offered])?;
        let offer = batched_offer(client.port(), &[Descriptor::of(&offered.segment)])
            .with(field, vec![filling; count]);
        session.offer_brings(Version::V2, &offer, code::OK, requirement)?;
        session.is_fetched(&client, &offered, &[0], requirement)?;
    }
    Ok(())
}
