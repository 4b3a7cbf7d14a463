//! MS-PCCRD: what a responder answers, and what a client asks.
//! Invariant: "silently discarded" is shown by silence and then a good probe that is answered.
//! Byte order: none, messages are text.

mod client_2_2;
mod client_3_1;
mod client_ipv6;
mod section_1_3;
mod section_2_1;
mod section_2_2_1;
mod section_2_2_2;
mod section_2_2_3;
mod section_2_2_3_3;
mod section_2_2_3_8;
mod section_3_2_2;
mod section_3_2_4_1;
mod section_3_2_4_1_crowd;
mod section_3_2_4_1_scopes;
mod section_3_2_4_1_xml;
mod section_3_2_6;

use crate::judge::Case;

/// The sections.
pub(super) const SECTIONS: &[&[Case]] = &[
    section_1_3::CASES,
    section_2_1::CASES,
    section_2_2_1::CASES,
    section_2_2_2::CASES,
    section_2_2_3::CASES,
    section_2_2_3_3::CASES,
    section_2_2_3_8::CASES,
    section_3_2_2::CASES,
    section_3_2_4_1::CASES,
    section_3_2_4_1_crowd::CASES,
    section_3_2_4_1_scopes::CASES,
    section_3_2_4_1_xml::CASES,
    section_3_2_6::CASES,
    client_2_2::CASES,
    client_3_1::CASES,
    client_ipv6::CASES,
];
