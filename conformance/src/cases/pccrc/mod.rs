//! MS-PCCRC: what a maker of content information makes, and what a client makes of it.
//! Invariant: hashes, secrets and lengths are made anew from content of the judge's own; cuts alone are the maker's.
//! Byte order: version 1.0 little-endian, version 2.0 big-endian.

mod client_2_2;
mod section_2_1;
mod section_2_2;
mod section_2_3;
mod section_2_3_1;
mod section_2_4;

use crate::judge::session::Session;
use crate::judge::{Case, Outcome, Stop};
use crate::targets::content_info::ContentInfoMaker;
use crate::wire::content_info::{ContentInfo, Version};
use crate::wire::described::Described;

/// The sections.
pub(super) const SECTIONS: &[&[Case]] = &[
    section_2_1::CASES,
    section_2_2::CASES,
    section_2_3::CASES,
    section_2_3_1::CASES,
    section_2_4::CASES,
    client_2_2::CASES,
];

/// The secret key of cases that are about something else.
const SECRET_KEY: &[u8] = b"no more secrets";
/// Bytes of a block of version 1.0.
const BLOCK: usize = 65_536;

/// Has the content information of a content made, holds it against the content, and gives it.
fn described(
    session: &Session<'_, ContentInfoMaker>,
    content: &[u8],
    version: Version,
    requirement: &'static str,
) -> Result<ContentInfo, Stop> {
    let info = session.info(content, SECRET_KEY, version, requirement)?;
    let described = Described::whole(content, Some(SECRET_KEY));
    session.describes(&info, &described, requirement)?;
    Ok(info)
}

/// The number of the field at an offset of content information, least significant byte first.
fn u32_le(bytes: &[u8], at: usize) -> Option<u32> {
    let field = bytes.get(at..at.checked_add(4)?)?;
    field.try_into().ok().map(u32::from_le_bytes)
}

/// Asserts that a structure is as long as it says of itself.
fn is_as_long(
    session: &Session<'_, ContentInfoMaker>,
    bytes: &[u8],
    expected: usize,
    requirement: &'static str,
) -> Outcome {
    session.equal(
        requirement,
        "bytes of the structure",
        &bytes.len(),
        &expected,
    )
}
