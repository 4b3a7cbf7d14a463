//! MS-PCCRC: what verifies is the content.
//! Invariant: every case says what it is about by its first requirement.
//! Byte order: that of the messages.

mod client_2_2;

use crate::judge::Case;

/// The sections.
pub(super) const SECTIONS: &[&[Case]] = &[client_2_2::CASES];
