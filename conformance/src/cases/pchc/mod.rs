//! MS-PCHC: offers to hosted caches.
//! Invariant: every case says what it is about by its first requirement.
//! Byte order: that of the messages.

mod client_2_2;
mod client_3_2;

use crate::judge::Case;

/// The sections.
pub(super) const SECTIONS: &[&[Case]] = &[client_2_2::CASES, client_3_2::CASES];
