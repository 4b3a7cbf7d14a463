//! Vectors of content held against its content information.
//! Invariant: the list of blocks that differ is compared whole, and what is said of the content's length.
//! Byte order: none.

use peerdist::content::ContentInfo;
use peerdist::content::verify::{Findings, Verifier};
use serde::Deserialize;

use super::{Group, Test, Verdict, VersionParameters, same, typed};
use crate::vectors::Hex;
use crate::vectors::content::{Part, render};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    info: Hex,
    content: Vec<Part>,
    #[serde(default)]
    changes: Vec<Change>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    offset: usize,
    hex: Hex,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expect {
    result: Verdict,
    content_length: Length,
    mismatches: Vec<Mismatch>,
    hod_mismatches: Vec<u64>,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Length {
    Fits,
    TooShort,
    TooLong,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mismatch {
    segment: u64,
    block: u32,
    offset: u64,
    length: u32,
}

pub(super) fn replay(group: &Group, test: &Test) -> Result<(), String> {
    let _: VersionParameters = typed("parameters", &group.parameters)?;
    let input: Input = typed("input", &test.input)?;
    let expect: Expect = typed("expect", &test.expect)?;
    let mut content = render(&input.content);
    for Change {
        offset,
        hex: Hex(bytes),
    } in &input.changes
    {
        let place = content.get_mut(*offset..offset + bytes.len());
        place
            .ok_or("a change lies outside the content")?
            .copy_from_slice(bytes);
    }
    let info = ContentInfo::decode(&input.info.0).map_err(|error| error.to_string())?;
    let mut verifier = Verifier::new(&info);
    content
        .chunks(100_000)
        .for_each(|piece| verifier.update(piece));
    expect.compare(&verifier.finish())
}

impl Expect {
    fn compare(&self, findings: &Findings<'_>) -> Result<(), String> {
        let found: Vec<_> = findings
            .differing
            .iter()
            .map(|block| Mismatch {
                segment: block.segment,
                block: block.index,
                offset: block.offset,
                length: block.length,
            })
            .collect();
        let length = if findings.content_length < findings.described_length {
            Length::TooShort
        } else if findings.length_is_wrong() {
            Length::TooLong
        } else {
            Length::Fits
        };
        let result = if findings.is_good() {
            Verdict::Valid
        } else {
            Verdict::Invalid
        };
        same("mismatches", &self.mismatches, &found)?;
        same(
            "hod_mismatches",
            &self.hod_mismatches,
            &findings.segments_at_odds,
        )?;
        same("content_length", &self.content_length, &length)?;
        same("result", &self.result, &result)
    }
}
