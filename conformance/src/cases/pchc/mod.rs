//! MS-PCHC: what a hosted cache makes of offers and of the blocks that it gets, and what a client offers.
//! Invariant: what it has fetched is asked of it as any client would, and held against the hashes of the content.
//! Byte order: that of the messages.

mod client_2_2;
mod client_3_2;
mod client_secured;
mod fetches;
mod hostile_clients;
mod malformed_v1;
mod malformed_v2;
mod section_2_1;
mod section_2_2;
mod section_3_1_1;
mod section_3_1_5_1;
mod section_3_1_5_2;
mod section_3_1_5_3;
mod section_3_1_5_4;

use crate::judge::Case;
use crate::targets::hosted_cache::DROPPED;

/// The sections.
pub(super) const SECTIONS: &[&[Case]] = &[
    section_2_1::CASES,
    section_2_2::CASES,
    section_3_1_1::CASES,
    fetches::CASES,
    hostile_clients::CASES,
    section_3_1_5_1::CASES,
    section_3_1_5_2::CASES,
    section_3_1_5_3::CASES,
    section_3_1_5_4::CASES,
    malformed_v1::CASES,
    malformed_v2::CASES,
    client_2_2::CASES,
    client_3_2::CASES,
    client_secured::CASES,
];
/// Three blocks of version 1.0 and a short one of odd length.
const SEGMENT_BYTES: usize = 3 * 65_536 + 4_321;
