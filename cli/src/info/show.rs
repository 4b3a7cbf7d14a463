//! `peerdist info show`.

use std::io::{BufWriter, Write, stdout};
use std::process::ExitCode;

use peerdist::content::verify::segments_at_odds;
use peerdist::content::{ContentInfo, Segment, Version};
use serde::{Serialize, Serializer};

use crate::args::ShowArgs;
use crate::failure::Failure;
use crate::print::{count, hex};

pub(crate) fn run(args: &ShowArgs) -> Result<ExitCode, Failure> {
    let bytes = super::info_bytes(&args.info)?;
    let info = super::decode(&args.info, &bytes)?;
    let mut out = BufWriter::new(stdout().lock());
    if args.json {
        serde_json::to_writer_pretty(&mut out, &InfoJson::of(info, args.secrets))?;
        writeln!(out)?;
    } else {
        print(&mut out, &info, args.secrets)?;
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

fn print(out: &mut impl Write, info: &ContentInfo<'_>, secrets: bool) -> Result<(), Failure> {
    let range = info.range();
    writeln!(out, "version   {}", version(info))?;
    writeln!(out, "hash      {}", info.hash())?;
    writeln!(
        out,
        "range     {}..{} ({})",
        range.start,
        range.end(),
        count(range.length, "byte")
    )?;
    match info.content_length() {
        Some(length) => writeln!(out, "content   {}", count(length, "byte"))?,
        None => writeln!(
            out,
            "content   at least {}",
            count(info.segments_end(), "byte")
        )?,
    }
    writeln!(out, "segments  {}", info.segment_count())?;
    for quirk in info.quirks().iter() {
        writeln!(out, "quirk     {quirk}: {}", quirk.meaning())?;
    }
    for index in segments_at_odds(info) {
        writeln!(
            out,
            "at odds   segment {index}: its block hashes do not hash to its HoD"
        )?;
    }
    let [index, offset, length, blocks] = ["index", "offset", "length", "blocks"];
    write!(out, "\n{index:>8} {offset:>14} {length:>9} {blocks:>7}  ")?;
    if secrets {
        let digits = 2 * info.hash().digest_len();
        writeln!(out, "{:digits$}  secret (Kp)", "id (HoHoDk)")?;
    } else {
        writeln!(out, "id (HoHoDk)")?;
    }
    for segment in info.segments() {
        let Segment {
            index,
            offset,
            length,
            ..
        } = segment;
        let blocks = match info.version() {
            Version::V1 => format!("{}/{}", segment.block_hashes().len(), segment.block_count()),
            Version::V2 => "-".to_owned(),
        };
        write!(
            out,
            "{index:>8} {offset:>14} {length:>9} {blocks:>7}  {}",
            segment.id()
        )?;
        if secrets {
            write!(out, "  {}", hex(segment.secret().expose()))?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn version(info: &ContentInfo<'_>) -> &'static str {
    match info.version() {
        Version::V1 => "1.0",
        Version::V2 => "2.0",
    }
}

/// The JSON form. Segments are made as they are written, however many there are.
#[derive(Serialize)]
struct InfoJson<'a> {
    version: &'static str,
    hash: String,
    range: RangeJson,
    content_length: Option<u64>,
    segments: SegmentsJson<'a>,
    quirks: Vec<&'static str>,
    segments_at_odds: Vec<u64>,
}

#[derive(Serialize)]
struct RangeJson {
    start: u64,
    length: u64,
}

struct SegmentsJson<'a> {
    info: ContentInfo<'a>,
    secrets: bool,
}

#[derive(Serialize)]
struct SegmentJson {
    index: u64,
    offset: u64,
    length: u32,
    block_size: u32,
    hod: String,
    id: String,
    first_block: u32,
    blocks: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

impl<'a> InfoJson<'a> {
    fn of(info: ContentInfo<'a>, secrets: bool) -> Self {
        Self {
            version: version(&info),
            hash: info.hash().to_string(),
            range: RangeJson {
                start: info.range().start,
                length: info.range().length,
            },
            content_length: info.content_length(),
            segments: SegmentsJson { info, secrets },
            quirks: info.quirks().iter().map(|quirk| quirk.name()).collect(),
            segments_at_odds: segments_at_odds(&info).collect(),
        }
    }
}

impl Serialize for SegmentsJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.info.segments().map(|segment| SegmentJson {
            index: segment.index,
            offset: segment.offset,
            length: segment.length,
            block_size: segment.block_size,
            hod: segment.hash_of_data().0.to_string(),
            id: segment.id().to_string(),
            first_block: segment.first_block,
            blocks: segment.block_hashes().map(hex).collect(),
            secret: self.secrets.then(|| hex(segment.secret().expose())),
        }))
    }
}
