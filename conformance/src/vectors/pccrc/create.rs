//! Vectors of content information written, and of content cut into segments.
//! Invariant: what is written is compared byte for byte, in full or by its length and SHA-256.
//! Byte order: none, that is the writer's part.

use peerdist::content::create::Creator;
use peerdist::content::{ContentInfo, ContentRange, SecretKey, cut};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{Group, Hash, Range, Test, Verdict, VersionParameters, same, typed};
use crate::vectors::Hex;
use crate::vectors::content::{Part, render};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    content: Vec<Part>,
    secret_key: Hex,
    version: u8,
    hash: Hash,
    range: Option<Range>,
    segment_lengths: Option<Vec<u32>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expect {
    result: Verdict,
    info_length: usize,
    info_sha256: Hex,
    info: Option<Hex>,
}

pub(super) fn replay(group: &Group, test: &Test) -> Result<(), String> {
    let parameters: VersionParameters = typed("parameters", &group.parameters)?;
    let input: Input = typed("input", &test.input)?;
    let expect: Expect = typed("expect", &test.expect)?;
    same("version of the group", &parameters.version, &input.version)?;
    same("result", &expect.result, &Verdict::Valid)?;
    let info = create(&input).map_err(|error| error.to_string())?;
    if let Some(expected) = &expect.info {
        same("info", expected, &Hex(info.clone()))?;
    }
    same("info_length", &expect.info_length, &info.len())?;
    same(
        "info_sha256",
        &expect.info_sha256,
        &Hex::from(&Sha256::digest(&info)[..]),
    )
}

fn create(input: &Input) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let secret = SecretKey::new(input.secret_key.0.as_slice())?;
    let mut creator = match (input.version, &input.segment_lengths) {
        (1, _) => Creator::v1(input.hash.algorithm(), &secret)?,
        (_, Some(lengths)) => Creator::v2_with_lengths(&secret, lengths)?,
        (_, None) => Creator::v2(&secret),
    };
    creator.update(&render(&input.content))?;
    let whole = creator.finish()?.to_vec();
    match input.range {
        None => Ok(whole),
        Some(Range { start, length }) => {
            let range = ContentRange { start, length };
            Ok(ContentInfo::decode(&whole)?.restrict(range)?)
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CutInput {
    content: Vec<Part>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CutExpect {
    result: Verdict,
    segment_lengths: Vec<u32>,
}

pub(super) fn replay_cut(group: &Group, test: &Test) -> Result<(), String> {
    let parameters: VersionParameters = typed("parameters", &group.parameters)?;
    let input: CutInput = typed("input", &test.input)?;
    let expect: CutExpect = typed("expect", &test.expect)?;
    same("version of the group", &parameters.version, &2)?;
    same("result", &expect.result, &Verdict::Valid)?;
    same(
        "segment_lengths",
        &expect.segment_lengths,
        &cut::segments(&render(&input.content)),
    )
}
