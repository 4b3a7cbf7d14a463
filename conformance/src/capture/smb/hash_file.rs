//! A content information file, put together from hash based answers (MS-SMB2 2.2.32.4.1, 2.2.32.4.2, MS-PCCRC 2.3).
//! Invariant: its content information is judged once, when all of it is there; until then pieces have a limit.
//! Byte order: header little-endian; content information its own.

use std::collections::BTreeMap;

use super::response::Answer;
use crate::capture::found::{Found, Place};
use crate::check;
use crate::wire::content_info::{ContentInfo, Version};
use crate::wire::smb::hashes::{self, HashHeader, VERSION_2};

/// Bytes of a content information file that are kept. That of a file of 64 GiB has 33 MiB.
const FILE_MAX_BYTES: usize = 256 << 20;

/// What is known of a content information file.
#[derive(Debug, Default)]
pub(super) struct HashFile {
    /// From its start on, without a gap.
    prefix: Vec<u8>,
    /// Behind a gap.
    later: BTreeMap<u64, Vec<u8>>,
    later_bytes: usize,
    header: Option<HashHeader>,
    /// The end by the header, and how much had been written to the server when it was read.
    stated_end: Option<(u64, u64)>,
    /// The same, once content information has been read up to there.
    end: Option<(u64, u64)>,
    /// Who answered with less than there was room for, and where that ended.
    short: Option<(Place, u64, u64)>,
    last: Option<Place>,
    /// What is as long as the header says cannot be read: no piece that follows changes that.
    is_deferred: bool,
    is_done: bool,
}

impl HashFile {
    /// Where the file ends, if nothing was written to the server since that was read.
    pub(super) fn end_at(&self, changes: u64) -> Option<u64> {
        let (end, known) = self.end?;
        (known == changes).then_some(end)
    }

    /// A piece of the file: `wanted` bytes, if there are so many.
    pub(super) fn take(
        &mut self,
        found: &mut Found,
        answer: &Answer<'_>,
        buffer: &[u8],
        wanted: u64,
    ) {
        let (place, offset) = (answer.place, answer.request.offset);
        if offset == 0 {
            self.end(found);
            *self = Self::default();
            let is_header = !hashes::is_content_information(buffer);
            if !answer.holds(found, is_header, "SMB2-2.2.32.4.2-06", || {
                let first = buffer.get(..2).unwrap_or_default();
                format!("the file begins with {first:02x?}, as content information does; HASH_HEADER is expected")
            }) {
                self.is_done = true;
            }
        }
        self.goes_on(found, place, offset, buffer.len() as u64, wanted);
        self.last = Some(place);
        if self.is_done {
            return;
        }
        self.keep(found, offset, buffer);
        if self.header.is_none() {
            // What is not asked for yet, or not in the capture, may stand in front of a piece.
            let is_end = (buffer.len() as u64) < wanted && self.later.is_empty();
            self.header(found, answer, is_end);
        }
        if let Some(header) = self.header {
            // One that cannot be read may be cut by a wrong HashBlobLength: the end of the file will tell.
            let stated = self.stated(&header).filter(|_| !self.is_deferred);
            match stated.map(|part| ContentInfo::read(part).is_ok()) {
                Some(true) => self.information(found, place, header),
                Some(false) => self.is_deferred = true,
                None => {}
            }
        }
    }

    /// The file is not read further: what is there has to do.
    pub(super) fn end(&mut self, found: &mut Found) {
        let (Some(place), false) = (self.last.take(), self.is_done) else {
            return;
        };
        let whole = self.header.filter(|header| {
            let is_read = ContentInfo::read(self.behind(header)).is_ok();
            is_read || (header.hash_blob_length > 0 && self.stated(header).is_some())
        });
        match whole {
            Some(header) => self.information(found, place, header),
            None => {
                found.leave("incomplete content information file");
                self.forget();
            }
        }
    }

    /// An answer is as long as it can be, or the file ends with it.
    fn goes_on(&mut self, found: &mut Found, place: Place, offset: u64, is: u64, wanted: u64) {
        let requirement = "SMB2-3.3.5.15.7-14";
        if is >= wanted {
            found.holds(place, true, requirement, String::new);
        }
        if let Some((before, end, room)) = self
            .short
            .take_if(|short| offset.saturating_add(is) > short.1)
        {
            found.holds(before, false, requirement, || {
                let packet = place.packet;
                format!(
                    "the answer ends at byte {end} of the content information file, {room} bytes before what was \
                     asked for, and the file goes on (packet {packet})"
                )
            });
        }
        if is < wanted && self.short.is_none() {
            let end = offset.saturating_add(is);
            self.short = Some((place, end, wanted - is));
        }
    }

    fn keep(&mut self, found: &mut Found, offset: u64, buffer: &[u8]) {
        self.later_bytes += buffer.len();
        if let Some(before) = self.later.insert(offset, buffer.to_vec()) {
            self.later_bytes -= before.len();
        }
        while let Some(piece) = self.later.first_entry() {
            let known = self.prefix.len() as u64;
            let Some(behind) = known.checked_sub(*piece.key()) else {
                break;
            };
            let piece = piece.remove();
            self.later_bytes -= piece.len();
            let behind = usize::try_from(behind).unwrap_or(usize::MAX);
            let new = piece.get(behind..).unwrap_or_default();
            self.prefix.extend_from_slice(new);
        }
        if self.prefix.len() + self.later_bytes > FILE_MAX_BYTES {
            found.leave("oversized content information file");
            self.forget();
        }
    }

    fn forget(&mut self) {
        self.is_done = true;
        self.prefix = Vec::new();
        self.later = BTreeMap::new();
        self.later_bytes = 0;
    }

    fn header(&mut self, found: &mut Found, answer: &Answer<'_>, is_end: bool) {
        let header = HashHeader::read(&self.prefix);
        let there = self.prefix.len();
        let whole = header.filter(|header| there >= header.bytes());
        if whole.is_none() && !is_end {
            return;
        }
        answer.holds(found, whole.is_some(), "SMB2-3.3.5.15.7-18", || {
            let needed = header.map_or(hashes::HEADER_BYTES, |header| header.bytes());
            format!(
                "the content information file ends after {there} bytes, HASH_HEADER has {needed}"
            )
        });
        let is_good = whole.is_some_and(|header| judge_header(found, answer, &header));
        self.header = whole;
        match whole.filter(|_| is_good) {
            Some(header) if header.hash_blob_length > 0 => {
                self.stated_end = Some((header.end(), answer.changes));
            }
            Some(_) => {}
            None => self.forget(),
        }
    }

    /// What is there from the start of content information on.
    fn behind(&self, header: &HashHeader) -> &[u8] {
        let start = usize::try_from(header.hash_blob_offset).unwrap_or(usize::MAX);
        self.prefix.get(start..).unwrap_or_default()
    }

    /// Content information as long as the header says. `None`: not all of it is there.
    fn stated(&self, header: &HashHeader) -> Option<&[u8]> {
        self.behind(header).get(..header.hash_blob_length as usize)
    }

    /// All of the content information is there.
    fn information(&mut self, found: &mut Found, place: Place, header: HashHeader) {
        let stated = header.hash_blob_length as usize;
        let (rest, stated_part) = (self.behind(&header), self.stated(&header));
        let part = match stated_part.map(ContentInfo::read) {
            Some(Ok(_)) => stated_part,
            // HashBlobLength may be what is wrong: what there is decides.
            _ if ContentInfo::read(rest).is_ok() => Some(rest),
            _ => stated_part,
        };
        let Some(part) = part else { return };
        found.count("content information");
        let is = part.len();
        found.holds(place, is == stated, "SMB2-2.2.32.4.1-08", || {
            format!("HashBlobLength is {stated}, content information has {is} bytes")
        });
        let read = ContentInfo::read(part);
        let is_end_known = is == stated && read.is_ok();
        if let Ok(info) = &read {
            let is_1 = info.version == Version::V1;
            found.holds(place, is_1, "SMB2-2.2.32.4.1-03", || {
                "content information is of version 2.0, HashVersion is 1".to_owned()
            });
            let described = info.segments.last();
            let described =
                described.map_or(0, |last| last.offset.saturating_add(u64::from(last.length)));
            let size = header.source_file_size;
            found.holds(place, described == size, "SMB2-2.2.32.4.1-07", || {
                format!("SourceFileSize is {size}, content information is of {described} bytes")
            });
        }
        for finding in check::content_info(part, None, None).findings {
            found.of_information(place, finding);
        }
        self.end = self.stated_end.filter(|_| is_end_known);
        self.forget();
    }
}

/// What a header has to be in an answer that succeeds. `false`: what follows it is not worth looking at.
pub(super) fn judge_header(found: &mut Found, answer: &Answer<'_>, header: &HashHeader) -> bool {
    let (request, kind) = (answer.request, header.hash_type);
    let is_type = answer.holds(
        found,
        kind == hashes::PEER_DIST,
        "SMB2-2.2.32.4.1-04",
        || format!("HashType of HASH_HEADER is {kind}, expected 1"),
    );
    let is_same = answer.holds(
        found,
        kind == request.hash_type,
        "SMB2-3.3.5.15.7-19",
        || {
            let asked = request.hash_type;
            format!("HashType of HASH_HEADER is {kind}, {asked} was asked for; expected STATUS_HASH_NOT_PRESENT")
        },
    );
    let version = header.hash_version;
    let is_known = answer.holds(
        found,
        matches!(version, 1 | 2),
        "SMB2-2.2.32.4.1-05",
        || format!("HashVersion of HASH_HEADER is {version}, expected 1 or 2"),
    );
    let asked = request.hash_version;
    let is_version = answer.holds(found, version == asked, "SMB2-3.3.5.15.7-20", || {
        format!("HashVersion of HASH_HEADER is {version}, {asked} was asked for; expected STATUS_HASH_NOT_PRESENT")
    });
    let dirty = header.dirty;
    answer.holds(found, dirty == 0, "SMB2-3.3.5.15.7-21", || {
        format!("Dirty of HASH_HEADER is {dirty}; expected STATUS_HASH_NOT_PRESENT")
    });
    if version == VERSION_2 {
        let length = header.hash_blob_length;
        answer.holds(found, length == 0, "SMB2-3.3.5.15.7-24", || {
            format!("HashBlobLength is {length} with HashVersion 2, expected 0")
        });
    }
    let (offset, bytes) = (header.hash_blob_offset, header.bytes());
    let is_behind = answer.holds(
        found,
        offset as usize >= bytes,
        "SMB2-2.2.32.4.1-03",
        || format!("HashBlobOffset is {offset}, inside of HASH_HEADER, which has {bytes} bytes"),
    );
    is_type && is_same && is_known && is_version && is_behind
}
