//! What is expected: the cases, a folder a document and a file a section.
//! Invariant: ids are never reused; every case names the requirements that it asserts, and asserts them.
//! Byte order: that of each document.

mod ccrod;
mod pccrc;
mod pccrd;
mod pccrr;
mod pccrtp;
mod pchc;

use crate::judge::Case;

/// All cases, in the order of the documents.
#[must_use]
pub fn all() -> Vec<&'static Case> {
    let documents = [
        ccrod::SECTIONS,
        pccrc::SECTIONS,
        pccrd::SECTIONS,
        pccrr::SECTIONS,
        pccrtp::SECTIONS,
        pchc::SECTIONS,
    ];
    documents
        .into_iter()
        .flatten()
        .flat_map(|section| section.iter())
        .collect()
}
