//! `peerdist info verify`.

use std::io::{BufWriter, Write, stdout};
use std::path::Path;
use std::process::ExitCode;

use peerdist::content::verify::Findings;
use peerdist::content::{ContentInfo, SecretKey, ServerSecret};
use peerdist_node::content_info::{self, Effort};
use serde::Serialize;

use crate::args::VerifyArgs;
use crate::failure::{self, Failure};
use crate::print::count;
use crate::{progress, secret};

pub(crate) fn run(args: &VerifyArgs) -> Result<ExitCode, Failure> {
    if args.content == Path::new("-") && args.info == Path::new("-") {
        return Err(Failure::usage(
            "content and content information cannot both be standard input; name a file for one of them",
        ));
    }
    peerdist_node::kernels::calibrate();
    let secret_key = secret::given(&args.secret)?;
    let bytes = super::info_bytes(&args.info)?;
    let info = super::decode(&args.info, &bytes)?;
    let source = super::content(&args.content)?;
    let bar = progress::bytes(source.length());
    let effort = Effort {
        threads: args.threads,
        progress: &|bytes| bar.inc(bytes),
    };
    let findings = content_info::verify(&source, &info, &effort);
    bar.finish_and_clear();
    let outcome = Outcome {
        findings: findings.map_err(Failure::usage)?,
        foreign: secret_key.map(|key| segments_of_another_secret(&info, &key)),
    };
    failure::verdict(outcome.is_good(), print(&outcome, args.json))
}

fn print(outcome: &Outcome<'_>, json: bool) -> Result<(), Failure> {
    let mut out = BufWriter::new(stdout().lock());
    if json {
        serde_json::to_writer_pretty(&mut out, &outcome.to_json())?;
        writeln!(out)?;
    } else {
        outcome.print(&mut out)?;
    }
    Ok(out.flush()?)
}

fn segments_of_another_secret(info: &ContentInfo<'_>, secret_key: &SecretKey) -> Vec<u64> {
    let server = ServerSecret::new(info.hash(), secret_key);
    let is_foreign = |segment: &peerdist::content::Segment<'_>| {
        server.segment_secret(&segment.hash_of_data()) != segment.secret()
    };
    info.segments()
        .filter(is_foreign)
        .map(|segment| segment.index)
        .collect()
}

struct Outcome<'a> {
    findings: Findings<'a>,
    /// Segments whose secret was not made with the secret key given, if one was.
    foreign: Option<Vec<u64>>,
}

impl Outcome<'_> {
    fn is_good(&self) -> bool {
        self.findings.is_good() && self.foreign.as_ref().is_none_or(Vec::is_empty)
    }

    fn print(&self, out: &mut impl Write) -> Result<(), Failure> {
        let findings = &self.findings;
        for block in &findings.differing {
            let (start, end) = (block.offset, block.end());
            let what = if end <= findings.content_length {
                "differs"
            } else {
                "is not all there"
            };
            writeln!(
                out,
                "segment {} block {}: bytes {start}..{end}: {what}",
                block.segment, block.index
            )?;
        }
        for index in &findings.segments_at_odds {
            writeln!(
                out,
                "segment {index}: its block hashes do not hash to its HoD"
            )?;
        }
        for index in self.foreign.iter().flatten() {
            writeln!(
                out,
                "segment {index}: its secret was not made with the secret key given"
            )?;
        }
        let (has, needs) = (findings.content_length, findings.described_length);
        if findings.length_is_wrong() {
            let bound = if findings.length_is_exact {
                ""
            } else {
                "at least "
            };
            writeln!(
                out,
                "the content has {}; expected {bound}{needs}",
                count(has, "byte")
            )?;
        }
        let blocks = count(findings.blocks, "block");
        if self.is_good() {
            writeln!(out, "good: {blocks} of {} agree", count(has, "byte"))?;
        } else {
            writeln!(out, "bad: {}", self.faults())?;
        }
        Ok(())
    }

    /// What is wrong, each kind in a few words.
    fn faults(&self) -> String {
        let findings = &self.findings;
        let mut faults = Vec::new();
        if findings.content_length < findings.described_length {
            faults.push("the content is too short".to_owned());
        } else if findings.length_is_wrong() {
            faults.push("the content is too long".to_owned());
        }
        let segments = |indexes: usize| count(indexes as u64, "segment");
        if !findings.segments_at_odds.is_empty() {
            let segments = segments(findings.segments_at_odds.len());
            faults.push(format!("{segments} at odds with the block hashes"));
        }
        if let Some(foreign) = self.foreign.as_ref().filter(|foreign| !foreign.is_empty()) {
            faults.push(format!("{} of another secret", segments(foreign.len())));
        }
        let blocks = count(findings.blocks, "block");
        match findings.differing.len() {
            0 => format!("{blocks} agree, but {}", faults.join(" and ")),
            differing => {
                faults.insert(0, format!("{differing} of {blocks} differ"));
                faults.join("; ")
            }
        }
    }

    fn to_json(&self) -> OutcomeJson<'_> {
        let findings = &self.findings;
        OutcomeJson {
            good: self.is_good(),
            blocks: findings.blocks,
            differing: findings
                .differing
                .iter()
                .map(|block| BlockJson {
                    segment: block.segment,
                    block: block.index,
                    offset: block.offset,
                    length: block.length,
                })
                .collect(),
            segments_at_odds: &findings.segments_at_odds,
            segments_of_another_secret: self.foreign.as_deref(),
            content_length: findings.content_length,
            described_length: findings.described_length,
            length_is_exact: findings.length_is_exact,
        }
    }
}

#[derive(Serialize)]
struct OutcomeJson<'a> {
    good: bool,
    blocks: u64,
    differing: Vec<BlockJson>,
    segments_at_odds: &'a [u64],
    segments_of_another_secret: Option<&'a [u64]>,
    content_length: u64,
    described_length: u64,
    length_is_exact: bool,
}

#[derive(Serialize)]
struct BlockJson {
    segment: u64,
    block: u32,
    offset: u64,
    length: u32,
}
