//! Content information in file based answers, each of a part of the file (MS-SMB2 2.2.32.4.3, 3.3.5.15.7, MS-PCCRC 2.4).
//! Invariant: what an answer says that it covers is held against the segments that are in it.
//! Byte order: fields little-endian; content information 2.0 big-endian.

use super::hash_file::judge_header;
use super::response::Answer;
use crate::capture::found::Found;
use crate::check;
use crate::wire::content_info::{ContentInfo, Version};
use crate::wire::smb::hashes::{self, FileBased, HashHeader};

/// What answers have covered of a file so far.
#[derive(Debug, Default)]
pub(super) struct Covered {
    /// `SourceFileSize` of the header.
    size: Option<u64>,
    /// Where the segments end that follow each other from the last answer from offset 0 on, and how many they are.
    end: Option<(u64, u64)>,
}

impl Covered {
    /// An answer.
    pub(super) fn take(
        &mut self,
        found: &mut Found,
        answer: &Answer<'_>,
        fields: &FileBased,
        buffer: &[u8],
    ) {
        let mut rest = buffer;
        if answer.request.offset == 0 {
            *self = Self::default();
            let Some(behind) = self.header(found, answer, buffer) else {
                return;
            };
            rest = behind;
        }
        found.count("content information");
        let info = match ContentInfo::read(rest) {
            Ok(info) => info,
            Err(error) => return found.malformed(answer.place, &error),
        };
        let is_2 = info.version == Version::V2;
        if !answer.holds(found, is_2, "SMB2-2.2.32.4.3-07", || {
            "content information is of version 1.0, expected 2.0".to_owned()
        }) {
            return;
        }
        for finding in check::content_info(rest, None, None).findings {
            found.of_information(answer.place, finding);
        }
        let (Some(first), Some(last)) = (info.segments.first(), info.segments.last()) else {
            return;
        };
        let start = first.offset;
        let end = last.offset.saturating_add(u64::from(last.length));
        let first_end = start.saturating_add(u64::from(first.length));
        region(found, answer, fields, start..end, first_end);
        if let Some(size) = self.size {
            answer.holds(found, end <= size, "SMB2-2.2.32.4.1-07", || {
                format!("SourceFileSize is {size}, content information reaches to byte {end}")
            });
        }
        self.goes_on(found, answer, &info, start, end);
    }

    /// What is behind the header that an answer to offset 0 begins with.
    fn header<'a>(
        &mut self,
        found: &mut Found,
        answer: &Answer<'_>,
        buffer: &'a [u8],
    ) -> Option<&'a [u8]> {
        let header = HashHeader::read(buffer)
            .filter(|_| !hashes::is_content_information(buffer))
            .filter(|header| buffer.len() >= header.bytes());
        answer.holds(found, header.is_some(), "SMB2-3.3.5.15.7-28", || {
            let first = buffer.get(..4).unwrap_or(buffer);
            let length = buffer.len();
            format!("Buffer has {length} bytes and begins with {first:02x?}; HASH_HEADER is expected at offset 0")
        });
        let header = header?;
        if !judge_header(found, answer, &header) {
            return None;
        }
        self.size = Some(header.source_file_size);
        let at = header.hash_blob_offset;
        let rest = usize::try_from(at).ok().and_then(|at| buffer.get(at..));
        answer.holds(found, rest.is_some(), "SMB2-2.2.32.4.1-03", || {
            let length = buffer.len();
            format!("HashBlobOffset is {at}, behind the {length} bytes of Buffer")
        });
        rest
    }

    /// Indexes go on from answer to answer.
    fn goes_on(
        &mut self,
        found: &mut Found,
        answer: &Answer<'_>,
        info: &ContentInfo,
        start: u64,
        end: u64,
    ) {
        let (index, count) = (info.index_of_first_segment, info.segments.len() as u64);
        if let Some((_, known)) = self.end.filter(|(before, _)| *before == start) {
            answer.holds(found, index == known, "PCCRC-2.4-06", || {
                format!(
                    "ullIndexOfFirstSegment is {index} at byte {start}, up to which {known} segments were answered"
                )
            });
        }
        let is_next = self.end.map_or(0, |(before, _)| before) == start;
        if is_next {
            self.end = Some((end, index.saturating_add(count)));
        }
    }
}

/// What the answer says that its hashes cover, what they cover, and what was asked for.
fn region(
    found: &mut Found,
    answer: &Answer<'_>,
    fields: &FileBased,
    covered: std::ops::Range<u64>,
    first_end: u64,
) {
    let asked = answer.request.offset;
    let (offset, length) = (fields.file_data_offset, fields.file_data_length);
    let start = covered.start;
    let is_start = answer.holds(found, offset == start, "SMB2-2.2.32.4.3-02", || {
        format!("FileDataOffset is {offset}, the first hash is of bytes from {start} on")
    });
    if is_start {
        let expected = covered.end.saturating_sub(start);
        answer.holds(found, length == expected, "SMB2-2.2.32.4.3-03", || {
            format!("FileDataLength is {length}, the hashes cover {expected} bytes")
        });
    }
    let is_asked = covered.contains(&asked);
    answer.holds(found, is_asked, "SMB2-3.3.5.15.7-14", || {
        format!("the hashes cover bytes {covered:?}, not byte {asked}, which was asked for")
    });
    if is_asked {
        answer.holds(found, asked < first_end, "SMB2-3.3.5.15.7-27", || {
            format!("the hashes begin at byte {start}, segments before that of byte {asked}, which was asked for")
        });
    }
}
