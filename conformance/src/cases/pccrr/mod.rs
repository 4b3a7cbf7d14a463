//! MS-PCCRR: what a peer answers.
//! Invariant: "silently discarded" is shown by silence and then a good request that is served.
//! Byte order: that of the messages.

mod client_2_2;
mod client_3_1_4;
mod client_3_1_5;
mod client_3_1_6;
mod section_2_1;
mod section_2_2_3;
mod section_2_2_5;
mod section_2_2_6;
mod section_3_2_1;
mod section_3_2_5_1;
mod section_3_2_5_2;
mod section_3_2_5_3;
mod section_3_2_5_4;
mod section_3_2_5_5;

use crate::judge::session::Session;
use crate::judge::{Case, Outcome};
use crate::targets::peer::{DISCARDED, Peer};
use crate::wire::cipher::algorithm;
use crate::wire::draft::Draft;
use crate::wire::retrieval::Range;

/// The sections.
pub(super) const SECTIONS: &[&[Case]] = &[
    section_2_1::CASES,
    section_2_2_3::CASES,
    section_2_2_5::CASES,
    section_2_2_6::CASES,
    section_3_2_1::CASES,
    section_3_2_5_1::CASES,
    section_3_2_5_2::CASES,
    section_3_2_5_3::CASES,
    section_3_2_5_4::CASES,
    section_3_2_5_5::CASES,
    client_2_2::CASES,
    client_3_1_4::CASES,
    client_3_1_5::CASES,
    client_3_1_6::CASES,
];

/// Asserts that requests for one of these ranges are discarded: they have no block, or one past 511.
fn are_malformed(
    session: &Session<'_, Peer>,
    request: fn(&[u8], &[Range], u32) -> Draft,
    ranges: &[Range],
) -> Outcome {
    for range in ranges {
        let request = request(&session.random(32), &[*range], algorithm::AES_128);
        session.is_discarded(&request.to_bytes(), "PCCRR-3.2.5.5-01")?;
    }
    Ok(())
}
