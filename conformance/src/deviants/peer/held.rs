//! What the peer holds.
//! Invariant: it is the same each time, so that a case can be run again.
//! Byte order: none.

use crate::targets::peer::Holding;
use crate::wire::content_info::ContentInfo;
use crate::wire::digest::Algorithm;

/// The content: three blocks and a short one of odd length, and as many segments of version 2.0.
const CONTENT_BYTES: usize = 3 * 65_536 + 10_001;

/// A content of the judge's own, described in both versions.
pub(in crate::deviants) fn holdings() -> Vec<Holding> {
    let mut content = Vec::with_capacity(CONTENT_BYTES + 64);
    let mut number = 0_u64;
    while content.len() < CONTENT_BYTES {
        content.extend(Algorithm::Sha512.hash(&number.to_le_bytes()));
        number += 1;
    }
    content.truncate(CONTENT_BYTES);
    let key = b"what deviants derive secrets from";
    let infos = [
        ContentInfo::v1(&content, key, Algorithm::Sha256),
        ContentInfo::v2(&content, key, 70_001),
    ];
    let held = |info| Holding {
        info,
        content: Some(content.clone()),
    };
    infos.into_iter().map(held).collect()
}
