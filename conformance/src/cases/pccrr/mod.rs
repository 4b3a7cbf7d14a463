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

use crate::judge::Case;

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

/// What HTTP makes of a discarded message.
const DISCARDED: &[&str] = &["rr-discard-closes", "rr-discard-http-error"];
