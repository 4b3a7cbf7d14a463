//! Vectors of MS-PCCRC 2.3 and 2.4: content information read.
//! Invariant: an accepted structure is compared field by field, a refused one by error and offset.
//! Byte order: none, that is the decoder's part.

use peerdist::content::{ContentInfo, Segment, Version};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{Group, Hash, Range, Test, Verdict, VersionParameters, same, typed};
use crate::vectors::Hex;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    info: Hex,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Expect {
    Refused(Refused),
    Accepted(Box<Accepted>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Refused {
    result: Verdict,
    error: String,
    offset: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Accepted {
    result: Verdict,
    quirks: Vec<String>,
    version: u8,
    hash: Hash,
    range: Range,
    segments: Vec<ExpectedSegment>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedSegment {
    index: u64,
    offset: u64,
    length: u32,
    block_size: Option<u32>,
    hod: Hex,
    secret: Hex,
    id: Hex,
    first_block: Option<u32>,
    block_count: Option<usize>,
    blocks: Option<Vec<Hex>>,
    blocks_sha256: Option<Hex>,
}

pub(super) fn replay(group: &Group, test: &Test) -> Result<(), String> {
    let parameters: VersionParameters = typed("parameters", &group.parameters)?;
    let Input { info: Hex(bytes) } = typed("input", &test.input)?;
    match (typed("expect", &test.expect)?, ContentInfo::decode(&bytes)) {
        (Expect::Refused(expect), Err(error)) => {
            same("result", &expect.result, &Verdict::Invalid)?;
            same("error", &expect.error.as_str(), &error.problem.name())?;
            same("offset of the error", &expect.offset, &error.at)
        }
        (Expect::Refused(expect), Ok(_)) => Err(format!("accepted; expected {}", expect.error)),
        (Expect::Accepted(_), Err(error)) => Err(format!("refused: {error}")),
        (Expect::Accepted(expect), Ok(info)) => {
            same("version of the group", &parameters.version, &expect.version)?;
            if let Some(algorithm) = parameters.algorithm {
                same("hash of the group", &algorithm, &expect.hash)?;
            }
            expect.compare(&info)
        }
    }
}

impl Accepted {
    fn compare(&self, info: &ContentInfo<'_>) -> Result<(), String> {
        let quirks: Vec<_> = info
            .quirks()
            .iter()
            .map(|quirk| quirk.name().to_owned())
            .collect();
        let result = if quirks.is_empty() {
            Verdict::Valid
        } else {
            Verdict::Quirky
        };
        same("quirks", &self.quirks, &quirks)?;
        same("result", &self.result, &result)?;
        let version = if info.version() == Version::V1 { 1 } else { 2 };
        same("version", &self.version, &version)?;
        same("hash", &self.hash.algorithm(), &info.hash())?;
        let range = Range {
            start: info.range().start,
            length: info.range().length,
        };
        same("range", &self.range, &range)?;
        same(
            "number of segments",
            &self.segments.len(),
            &info.segments().count(),
        )?;
        for (place, (expected, found)) in self.segments.iter().zip(info.segments()).enumerate() {
            expected
                .compare(&found)
                .map_err(|why| format!("segments[{place}].{why}"))?;
        }
        Ok(())
    }
}

impl ExpectedSegment {
    fn compare(&self, found: &Segment<'_>) -> Result<(), String> {
        same("index", &self.index, &found.index)?;
        same("offset", &self.offset, &found.offset)?;
        same("length", &self.length, &found.length)?;
        same(
            "block_size",
            &self.block_size.unwrap_or(self.length),
            &found.block_size,
        )?;
        same(
            "hod",
            &self.hod,
            &Hex::from(found.hash_of_data().0.as_ref()),
        )?;
        same("secret", &self.secret, &Hex::from(found.secret().expose()))?;
        same("id", &self.id, &Hex::from(found.id().0.as_ref()))?;
        same(
            "first_block",
            &self.first_block.unwrap_or(0),
            &found.first_block,
        )?;
        let blocks: Vec<_> = found.block_hashes().map(Hex::from).collect();
        same("block_count", &self.block_count.unwrap_or(0), &blocks.len())?;
        if let Some(sum) = &self.blocks_sha256 {
            let mut hasher = Sha256::new();
            blocks.iter().for_each(|Hex(hash)| hasher.update(hash));
            same("blocks_sha256", sum, &Hex::from(&hasher.finalize()[..]))?;
        }
        match &self.blocks {
            Some(expected) => same("blocks", expected, &blocks),
            None => Ok(()),
        }
    }
}
