//! MS-PCCRR 2.2.6: the extensible blob with the ages of segments.
//! Invariant: a blob that is not as it should be is dropped, and the message around it is good all the same.
//! Byte order: big-endian, but for the parts of an age.

use crate::judge::session::Session;
use crate::judge::{Case, Outcome, Stop, Tag};
use crate::targets::peer::Peer;
use crate::wire::content_info::Version;
use crate::wire::retrieval::{Body, Range, get_segment_list, kind};

pub(super) const CASES: &[Case] = &[
    Case::peer(
        "pccrr-peer-blob-of-response",
        "a list of segments carries a blob with their ages",
        &[
            "PCCRR-2.2.6-01",
            "PCCRR-2.2.6-03",
            "PCCRR-2.2.6.1-01",
            "PCCRR-2.2.6.1-02",
        ],
        |session| {
            let blob = blob_of_held(session)?;
            session.holds(
                !blob.is_empty(),
                "PCCRR-2.2.6-01",
                "SizeOfExtensibleBlob is 0",
            )?;
            let [high, low, _, count, ages @ ..] = blob.as_slice() else {
                if blob.is_empty() {
                    return Ok(());
                }
                return session.holds(
                    false,
                    "PCCRR-2.2.6.1-01",
                    format_args!("a blob of {} bytes, expected at least 4", blob.len()),
                );
            };
            let version = u16::from_be_bytes([*high, *low]);
            session.equal("PCCRR-2.2.6-03", "ExtensibleBlobVersion", &version, &1)?;
            session.equal("PCCRR-2.2.6.1-02", "ExtensibleBlobVersion", &version, &1)?;
            let field = "bytes of SegmentAges";
            session.equal(
                "PCCRR-2.2.6.1-01",
                field,
                &ages.len(),
                &(usize::from(*count) * 4),
            )
        },
    )
    .tags(&[Tag::V2]),
    Case::peer(
        "pccrr-peer-blob-units",
        "SegmentAgeUnits is 1 to 4, and 3 where the sender has a choice",
        &["PCCRR-2.2.6.1-03", "PCCRR-2.2.6.1.1-02", "PCCRR-2.2.6.1-04"],
        |session| {
            let units = unit_of_held(session)?;
            let found = format!("SegmentAgeUnits is {units}");
            session.holds((1..=4).contains(&units), "PCCRR-2.2.6.1-03", &found)?;
            session.holds((1..=4).contains(&units), "PCCRR-2.2.6.1.1-02", &found)?;
            session.holds(units == 3, "PCCRR-2.2.6.1-04", &found)
        },
    )
    .tags(&[Tag::V2]),
    Case::peer(
        "pccrr-peer-blob-age-of-segment",
        "ages name segments of the answer, each at most once",
        &["PCCRR-2.2.1.5-01", "PCCRR-2.2.5.4-05"],
        |session| {
            let blob = blob_of_held(session)?;
            let ages: Vec<u8> = blob.get(4..).unwrap_or_default().to_vec();
            let mut seen = std::collections::BTreeSet::new();
            for age in ages.chunks(4) {
                let [index, ..] = age else { continue };
                let found = format!("SegmentIndex {index}, and one segment was listed");
                session.holds(*index == 0, "PCCRR-2.2.5.4-05", &found)?;
                session.holds(seen.insert(*index), "PCCRR-2.2.1.5-01", &found)?;
            }
            session.holds(true, "PCCRR-2.2.5.4-05", "")?;
            session.holds(
                ages.len().is_multiple_of(4),
                "PCCRR-2.2.1.5-01",
                "a part of an age is left over",
            )
        },
    )
    .tags(&[Tag::V2]),
    Case::peer(
        "pccrr-peer-blob-in-request",
        "a request with a good blob, in any unit, is answered",
        &["PCCRR-2.2.6.1-05", "PCCRR-2.2.4.4-06"],
        |session| {
            for units in 1..=4 {
                is_answered(session, &[0, 1, units, 1, 0, 5, 0, 0], "PCCRR-2.2.6.1-05")?;
            }
            session.holds(true, "PCCRR-2.2.4.4-06", "")
        },
    )
    .tags(&[Tag::V2]),
    Case::peer(
        "pccrr-peer-blob-too-short",
        "a blob of 1 byte is dropped and its request answered",
        &["PCCRR-2.2.6-04"],
        |session| is_answered(session, &[0], "PCCRR-2.2.6-04"),
    )
    .tags(&[Tag::Hostile, Tag::V2]),
    Case::peer(
        "pccrr-peer-blob-of-other-version",
        "a blob of a version that nobody knows is dropped and its request answered",
        &["PCCRR-2.2.6-05"],
        |session| {
            is_answered(session, &[0, 2, 3, 1, 0, 5, 0, 0], "PCCRR-2.2.6-05")?;
            is_answered(session, &[0xff, 0xff], "PCCRR-2.2.6-05")
        },
    )
    .tags(&[Tag::Hostile, Tag::V2]),
    Case::peer(
        "pccrr-peer-blob-ages-missing",
        "a blob that has fewer ages than it says is dropped and its request answered",
        &["PCCRR-2.2.6-06", "PCCRR-2.2.6.1.1-01", "PCCRR-2.2.6.1.1-05"],
        |session| {
            is_answered(session, &[0, 1, 3], "PCCRR-2.2.6.1.1-01")?;
            is_answered(session, &[0, 1, 3, 2, 0, 5, 0, 0], "PCCRR-2.2.6.1.1-05")?;
            is_answered(session, &[0, 1, 3, 255], "PCCRR-2.2.6-06")
        },
    )
    .tags(&[Tag::Hostile, Tag::V2]),
    Case::peer(
        "pccrr-peer-blob-surplus",
        "a blob with bytes behind its ages is taken",
        &["PCCRR-2.2.6.1.1-03"],
        |session| {
            is_answered(
                session,
                &[0, 1, 3, 1, 0, 5, 0, 0, 9, 9, 9],
                "PCCRR-2.2.6.1.1-03",
            )
        },
    )
    .tags(&[Tag::Hostile, Tag::V2]),
    Case::peer(
        "pccrr-peer-blob-unknown-units",
        "a blob with ages in units that do not exist is dropped and its request answered",
        &["PCCRR-2.2.6.1.1-05"],
        |session| {
            for units in [0, 5, 255] {
                is_answered(session, &[0, 1, units, 1, 0, 5, 0, 0], "PCCRR-2.2.6.1.1-05")?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::Hostile, Tag::V2]),
];

/// The blob that comes with the list of a segment that is held.
fn blob_of_held(session: &Session<'_, Peer>) -> Result<Vec<u8>, Stop> {
    let held = session
        .segment(Version::V2, 1)
        .or_else(|_| session.segment(Version::V1, 1));
    let id = held?.0.id();
    let requirement = session.about();
    let request = get_segment_list(session.random_array(), &[&id], &[]);
    let answered = session.ask(&request, requirement)?;
    session.is_kind(answered.message.kind, kind::SEGMENT_LIST, requirement)?;
    let Body::SegmentList { ranges, blob, .. } = answered.message.body else {
        return Err(Stop::Failed);
    };
    if ranges.is_empty() {
        return Err(Stop::Skip(
            "the peer lists no segment of those it is said to hold".to_owned(),
        ));
    }
    Ok(blob)
}

fn unit_of_held(session: &Session<'_, Peer>) -> Result<u8, Stop> {
    let blob = blob_of_held(session)?;
    let units = blob.get(2).copied();
    units.ok_or_else(|| Stop::Skip("the peer sends no blob".to_owned()))
}

/// Asserts that a request with that blob is answered as one without.
fn is_answered(session: &Session<'_, Peer>, blob: &[u8], requirement: &'static str) -> Outcome {
    let held = session
        .segment(Version::V2, 1)
        .or_else(|_| session.segment(Version::V1, 1));
    let id = held?.0.id();
    let request = get_segment_list(session.random_array(), &[&id], blob);
    let answered = session.ask(&request, requirement)?;
    session.is_kind(answered.message.kind, kind::SEGMENT_LIST, requirement)?;
    if let Body::SegmentList { ranges, .. } = answered.message.body {
        let found = format_args!("the ranges with the blob {blob:02x?} are {ranges:?}");
        session.holds(ranges == [Range::new(0, 1)], requirement, found)?;
    }
    Ok(())
}
