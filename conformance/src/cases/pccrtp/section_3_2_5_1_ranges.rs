//! MS-PCCRTP 3.2.5.1: requests for ranges that ask for the coding.
//! Invariant: what is coded is of the range that the response names; a server may send ranges plain, or the whole.
//! Byte order: that of MS-PCCRC.

use std::ops::Range;

use crate::judge::session::Session;
use crate::judge::{Case, Outcome, Stop, Tag};
use crate::targets::content_server::{ASKS_FOR_V1, ASKS_FOR_V2, ContentServer, Given, Resource};
use crate::wire::content_info::Version;

const BODY: &str = "PCCRTP-3.2.5.1-01";
const LENGTH: &str = "PCCRTP-2.2-07";
const SEGMENT: u64 = 32 << 20;
const V1_QUIRKS: &[&str] = &[
    "v1-blocks-of-range-only",
    "v1-blocks-of-whole-segment",
    "v1-read-bytes-from-segment-start",
];
const V2_QUIRKS: &[&str] = &["v2-segments-past-range"];

/// A case of a range, by its bounds in a content of that length, and by which requirement they are read.
macro_rules! of_range {
    ($id:literal, $title:literal, $version:ident, $bounds:literal, $quirks:ident, |$total:ident| $range:expr) => {
        Case::content_server($id, $title, &[BODY, LENGTH, $bounds], |session| {
            let resource = session.resource()?;
            let $total = resource.total();
            is_of_range(session, &resource, Version::$version, $bounds, $range)
        })
        .quirks($quirks)
        .tags(&[Tag::$version])
    };
}

/// A case of a range of a content with several segments of version 1.0.
macro_rules! of_long {
    ($id:literal, $title:literal, $bounds:literal, |$total:ident| $range:expr) => {
        Case::content_server($id, $title, &[BODY, LENGTH, $bounds], |session| {
            let resource = session.long_resource()?;
            let $total = resource.total();
            is_of_range(session, &resource, Version::V1, $bounds, $range)
        })
        .quirks(V1_QUIRKS)
        .tags(&[Tag::V1, Tag::Load])
    };
}

pub(super) const CASES: &[Case] = &[
    of_range!(
        "pccrtp-server-range-first-bytes-1.0",
        "content information 1.0 of the first bytes lists the blocks that they meet",
        V1,
        "PCCRC-2.3.1.1-05",
        V1_QUIRKS,
        |total| 0..total.min(1_000)
    ),
    of_range!(
        "pccrtp-server-range-first-bytes-2.0",
        "content information 2.0 of the first bytes lists the segments that they meet",
        V2,
        "PCCRC-2.4-08",
        V2_QUIRKS,
        |total| 0..total.min(1_000)
    ),
    of_range!(
        "pccrtp-server-range-middle-1.0",
        "content information 1.0 of bytes in the middle says where they start and end",
        V1,
        "PCCRC-2.3.1.1-05",
        V1_QUIRKS,
        |total| total / 3..total * 2 / 3 + 1
    ),
    of_range!(
        "pccrtp-server-range-middle-2.0",
        "content information 2.0 of bytes in the middle says where they start and end",
        V2,
        "PCCRC-2.4-08",
        V2_QUIRKS,
        |total| total / 3..total * 2 / 3 + 1
    ),
    of_range!(
        "pccrtp-server-range-last-bytes-1.0",
        "content information 1.0 of the last bytes goes to the end",
        V1,
        "PCCRC-2.3.1.1-05",
        V1_QUIRKS,
        |total| total - total.min(777)..total
    ),
    of_range!(
        "pccrtp-server-range-last-bytes-2.0",
        "content information 2.0 of the last bytes goes to the end",
        V2,
        "PCCRC-2.4-08",
        V2_QUIRKS,
        |total| total - total.min(777)..total
    ),
    of_range!(
        "pccrtp-server-range-one-byte-1.0",
        "one byte has content information 1.0",
        V1,
        "PCCRC-2.3.1.1-05",
        V1_QUIRKS,
        |total| total / 2..total / 2 + 1
    ),
    of_range!(
        "pccrtp-server-range-one-byte-2.0",
        "one byte has content information 2.0",
        V2,
        "PCCRC-2.4-08",
        V2_QUIRKS,
        |total| total / 2..total / 2 + 1
    ),
    of_range!(
        "pccrtp-server-range-last-byte-1.0",
        "the last byte has content information 1.0",
        V1,
        "PCCRC-2.3.1.1-05",
        V1_QUIRKS,
        |total| total - 1..total
    ),
    of_range!(
        "pccrtp-server-range-whole-2.0",
        "a range of all bytes has content information 2.0 of all bytes",
        V2,
        "PCCRC-2.4-08",
        V2_QUIRKS,
        |total| 0..total
    ),
    of_range!(
        "pccrtp-server-range-block-borders-1.0",
        "a range from one block border to another lists no block more",
        V1,
        "PCCRC-2.3.1.1-05",
        V1_QUIRKS,
        |total| if total > 196_608 {
            65_536..131_072
        } else {
            0..total
        }
    ),
    Case::content_server(
        "pccrtp-server-range-segment-borders-2.0",
        "a range across the border of two segments lists both, and one up to the border lists one",
        &[BODY, LENGTH, "PCCRC-2.4-07"],
        |session| {
            let resource = session.resource()?;
            let whole = session.standard(&resource, Version::V2)?;
            let Some(border) = whole.info.segments.get(1).map(|second| second.offset) else {
                return Err(Stop::Skip(
                    "the content has one segment of version 2.0".to_owned(),
                ));
            };
            for range in [border - 1..border + 1, 0..border, border..border + 1] {
                is_of_range(session, &resource, Version::V2, "PCCRC-2.4-07", range)?;
            }
            Ok(())
        },
    )
    .quirks(V2_QUIRKS)
    .tags(&[Tag::V2]),
    of_long!(
        "pccrtp-server-range-across-segments-1.0",
        "a range across the border of two segments of version 1.0 lists both",
        "PCCRC-2.3.1.1-04",
        |total| SEGMENT - 70_000..(SEGMENT + 70_000).min(total)
    ),
    of_long!(
        "pccrtp-server-range-second-segment-1.0",
        "a range in the second segment of version 1.0 lists that one",
        "PCCRC-2.3-08",
        |total| SEGMENT..total.min(SEGMENT + 10)
    ),
    Case::content_server(
        "pccrtp-server-range-suffix",
        "a range of the last bytes by their number is that of the same bytes by their offsets",
        &[BODY],
        |session| {
            let resource = session.resource()?;
            let total = resource.total();
            let count = total.min(5_000);
            asked_as(
                session,
                &resource,
                &format!("bytes=-{count}"),
                total - count..total,
            )?;
            asked_as(
                session,
                &resource,
                &format!("bytes=-{}", total + 5),
                0..total,
            )
        },
    )
    .quirks(V2_QUIRKS),
    Case::content_server(
        "pccrtp-server-range-open",
        "a range without an end goes to the end of the content",
        &[BODY],
        |session| {
            let resource = session.resource()?;
            let total = resource.total();
            asked_as(
                session,
                &resource,
                &format!("bytes={}-", total / 2),
                total / 2..total,
            )?;
            asked_as(
                session,
                &resource,
                &format!("bytes=1-{}", total + 99),
                1..total,
            )
        },
    )
    .quirks(V2_QUIRKS),
    Case::content_server(
        "pccrtp-server-range-several",
        "several ranges in one request never bring content information of something else",
        &[BODY],
        |session| {
            let resource = session.resource()?;
            session.standard(&resource, Version::V1)?;
            for fields in [ASKS_FOR_V1, ASKS_FOR_V2] {
                let mut fields = fields.to_vec();
                fields.push(("Range", "bytes=0-9,20-29,-5"));
                let given = session.get(&resource, &fields, BODY)?;
                let is_good = matches!(given.head().status(), Some(200 | 206));
                session.holds(is_good, BODY, given.told())?;
                if let Given::Coded(coded) = given {
                    session.is_of_content(&coded, &resource, BODY)?;
                }
            }
            Ok(())
        },
    ),
    Case::content_server(
        "pccrtp-server-range-unsatisfiable",
        "a range behind the end brings 416, or the whole, and is not coded",
        &["PCCRTP-2.1-01", BODY],
        |session| {
            let resource = session.resource()?;
            let total = resource.total();
            for range in [
                format!("bytes={total}-"),
                format!("bytes={}-{}", total + 5, total + 9),
            ] {
                let mut fields = ASKS_FOR_V1.to_vec();
                fields.push(("Range", &range));
                let given = session.get(&resource, &fields, BODY)?;
                let is_good = matches!(given.head().status(), Some(200 | 416));
                session.holds(is_good, "PCCRTP-2.1-01", given.told())?;
                if let Given::Coded(coded) = &given {
                    session.is_of_content(coded, &resource, BODY)?;
                }
                session.holds(is_good, BODY, given.told())?;
            }
            Ok(())
        },
    ),
    Case::content_server(
        "pccrtp-server-range-malformed",
        "a range that is none is as if it were not there, or brings an error of HTTP",
        &["PCCRTP-2.1-01"],
        |session| {
            let resource = session.resource()?;
            for range in [
                "bytes=5-1",
                "lines=0-1",
                "bytes=",
                "bytes=a-b",
                "bytes=99999999999999999999-",
            ] {
                let mut fields = ASKS_FOR_V1.to_vec();
                fields.push(("Range", range));
                let given = session.get(&resource, &fields, "PCCRTP-2.1-01")?;
                let is_good = matches!(given.head().status(), Some(200 | 400 | 416));
                session.holds(is_good, "PCCRTP-2.1-01", given.told())?;
                if let Given::Coded(coded) = &given {
                    let is_whole = coded.range == (0..resource.total());
                    session.holds(is_whole, "PCCRTP-2.1-01", given.told())?;
                }
            }
            Ok(())
        },
    )
    .tags(&[Tag::Hostile]),
];

fn is_of_range(
    session: &Session<'_, ContentServer>,
    resource: &Resource<'_>,
    version: Version,
    bounds: &'static str,
    range: Range<u64>,
) -> Outcome {
    session.standard(resource, version)?;
    let usual = match version {
        Version::V1 => ASKS_FOR_V1,
        Version::V2 => ASKS_FOR_V2,
    };
    let value = format!("bytes={}-{}", range.start, range.end - 1);
    let mut fields = usual.to_vec();
    fields.push(("Range", &value));
    let given = session.get(resource, &fields, BODY)?;
    let status = given.head().status();
    session.holds(matches!(status, Some(200 | 206)), BODY, given.told())?;
    let Given::Coded(coded) = given else {
        return Err(Stop::Skip("the server sends ranges plain".to_owned()));
    };
    if status == Some(206) {
        session.equal(BODY, "the range", &coded.range, &range)?;
    }
    session.is_of_content(&coded, resource, BODY)?;
    session.is_of_content(&coded, resource, bounds)?;
    let length = (coded.range.end - coded.range.start).to_string();
    let found = coded.parameter("ContentLength").map(str::to_owned);
    session.equal(LENGTH, "ContentLength", &found, &Some(length))
}

/// Asserts that a range however written is the range meant, coded or plain.
fn asked_as(
    session: &Session<'_, ContentServer>,
    resource: &Resource<'_>,
    value: &str,
    range: Range<u64>,
) -> Outcome {
    for usual in [ASKS_FOR_V1, ASKS_FOR_V2] {
        let mut fields = usual.to_vec();
        fields.push(("Range", value));
        let given = session.get(resource, &fields, BODY)?;
        let is_good = matches!(given.head().status(), Some(200 | 206));
        session.holds(is_good, BODY, given.told())?;
        if let Given::Coded(coded) = given {
            if coded.head.status() == Some(206) {
                session.equal(BODY, "the range", &coded.range, &range)?;
            }
            session.is_of_content(&coded, resource, BODY)?;
        }
    }
    Ok(())
}
