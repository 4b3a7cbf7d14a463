//! The extensible blob of MS-PCCRR 2.2.6, which also is SegmentAges of MS-PCCRD 2.2.3.9, as vectors show it.
//! Invariant: a blob shows either its unit with all ages, or why it is dropped.
//! Byte order: none.

use peerdist::retrieval::SegmentAges;
use serde_yaml::{Mapping, Value};

use super::message::{list, mapping};

/// What is in a blob, ages counted in its own unit.
pub(super) fn shown_blob(blob: &[u8]) -> Mapping {
    let ages = match SegmentAges::decode(blob) {
        Ok(ages) => ages,
        Err(error) => return mapping([("BlobDropped", error.problem.name().into())]),
    };
    let unit = ages.unit();
    let of_age = |age: peerdist::retrieval::SegmentAge| -> Value {
        // 24 bits of at most a second each: the quotient is far below 64 bits.
        let count = age.age.as_millis() / unit.duration().as_millis();
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        mapping([("SegmentIndex", age.index.into()), ("Age", count.into())]).into()
    };
    mapping([
        ("SegmentAgeUnits", (unit as u8).into()),
        ("SegmentAges", list(ages.iter().map(of_age))),
    ])
}
