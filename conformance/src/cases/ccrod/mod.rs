//! MS-CCROD: the framework that downloads.
//! Invariant: every case says what it is about by its first requirement.
//! Byte order: that of the messages.

mod client_2_8_2;
mod client_2_8_2_4;
mod client_load;

use crate::judge::Case;

/// The sections.
pub(super) const SECTIONS: &[&[Case]] = &[
    client_2_8_2::CASES,
    client_2_8_2_4::CASES,
    client_load::CASES,
];
