//! Content information for the worlds of the hosted cache.
//! Invariant: what is made here is sound, whatever the script says.
//! Byte order: none.

use peerdist::content::create::V1Builder;
use peerdist::content::{BLOCK_BYTES, ContentInfo, ContentRange, SecretKey};
use peerdist::hash::HashAlgorithm;

use crate::script::Script;

/// Content information of version 1.0 for one segment of a few blocks, or of a range of them.
pub(crate) fn content(script: &mut Script<'_>) -> Vec<u8> {
    let kind = script.byte();
    let algorithms = [
        HashAlgorithm::Sha256,
        HashAlgorithm::Sha384,
        HashAlgorithm::Sha512,
    ];
    let algorithm = *script.pick(&algorithms).expect("three");
    let secret = SecretKey::new([7]).expect("a byte");
    let mut builder = V1Builder::new(algorithm, &secret, 0).expect("of version 1.0");
    let blocks = u32::from(kind % 6) + 1;
    let hash = [kind; 64];
    let hash = hash.get(..algorithm.digest_len()).unwrap_or_default();
    for block in 0..blocks {
        let length = match block + 1 == blocks {
            true => 100,
            false => BLOCK_BYTES,
        };
        builder
            .push_block(length, hash)
            .expect("only the last is short");
    }
    let whole = builder.finish().expect("at least a block").to_vec();
    if kind & 0x40 == 0 {
        return whole;
    }
    let info = ContentInfo::decode(&whole).expect("what was made decodes");
    let start = script.length() % info.range().length;
    let length = script.length() % (info.range().length - start) + 1;
    info.restrict(ContentRange { start, length })
        .expect("a part of the whole")
}
