//! MS-PCCRTP: what a content server answers, and what a client asks.
//! Invariant: "not coded" is only asserted once the usual request was answered coded, so that it is no accident.
//! Byte order: none.

mod client_2_2;
mod client_3_1;
mod section_1_6;
mod section_1_7;
mod section_2_1;
mod section_2_2;
mod section_2_2_malformed;
mod section_3_2;
mod section_3_2_5_1;
mod section_3_2_5_1_ranges;
mod section_3_2_5_1_windows;
mod section_4;

use crate::judge::Case;

/// The sections.
pub(super) const SECTIONS: &[&[Case]] = &[
    section_1_6::CASES,
    section_1_7::CASES,
    section_2_1::CASES,
    section_2_2::CASES,
    section_2_2_malformed::CASES,
    section_3_2::CASES,
    section_3_2_5_1::CASES,
    section_3_2_5_1_windows::CASES,
    section_3_2_5_1_ranges::CASES,
    section_4::CASES,
    client_2_2::CASES,
    client_3_1::CASES,
];
