//! Answers to requests for hashes: statuses, the IOCTL response, and the structure in it (MS-SMB2 2.2.32.4, 3.3.5.15.7).
//! Invariant: content information is looked at only where the structure around it is sound, so that a mistake is told once.
//! Byte order: little-endian.

use super::request::{Fault, ReadHash};
use super::{Connection, Open, Smb, is_3, open_of};
use crate::capture::found::{Found, Place};
use crate::wire::smb::hashes::{FILE_BASED_BYTES, FileBased, HASH_BASED_BYTES, HashBased, Request};
use crate::wire::smb::{self, FileId, IoctlResponse, Message, dialect, status};

/// Where the output of an answer without input begins.
const BUFFER_AT: usize = smb::HEADER_BYTES + smb::IOCTL_RESPONSE_BYTES;

impl Smb {
    /// Judges the answer to a request.
    pub(super) fn hashes(
        &mut self,
        found: &mut Found,
        place: Place,
        message: &Message<'_>,
        asked: &ReadHash,
    ) {
        found.count("hash response");
        let server = place.from.ip();
        let Some(connection) = self.connections.get(&(place.to, place.from)) else {
            return;
        };
        let is_success = message.status == status::SUCCESS;
        if connection.dialect == Some(dialect::SMB_2_0_2) {
            return found.holds(place, !is_success, "SMB2-2.2.32.4-01", || {
                "hashes are answered in dialect 2.0.2".to_owned()
            });
        }
        let file = connection.file_of(asked.file, asked.create);
        let key = file.map(|file| (server, asked.session, file));
        let mut open = key.and_then(|key| open_of(&mut self.opens, found, key));
        let changes = self.changes.get(&server).copied().unwrap_or_default();
        let only_2_1 = connection.is_only_2_1();
        let mut faults = asked.faults(connection.dialect, only_2_1);
        if let (Some(request), Some(open), true) = (asked.request, &open, faults.is_empty()) {
            faults.extend(open.behind_end(&request, asked.is_hash_based(), changes));
        }
        refusals(found, place, message.status, asked, &faults);
        let ends = message.status == status::END_OF_FILE;
        if let (Some(open), true) = (&mut open, ends) {
            open.file.end(found);
        }
        let (Some(request), true, true) = (asked.request, is_success, faults.is_empty()) else {
            return;
        };
        let dialect = connection.dialect;
        let answer = Answer {
            place,
            asked,
            request,
            changes,
        };
        if let Some(output) = answer.ioctl(found, message, file) {
            answer.structure(found, output, open);
        }
        let share = asked.tree.map(|tree| (server, asked.session, tree));
        if let (Some(dialect), Some(share)) =
            (dialect, share.and_then(|key| self.shares.get_mut(&key)))
        {
            share.serves(found, place, dialect);
        }
    }
}

impl Connection {
    fn is_only_2_1(&self) -> bool {
        self.offers_3 && self.dialect == Some(dialect::SMB_2_1)
    }
}

impl Open {
    /// The rules of offsets at or behind the end, where the end is known and nothing was written since.
    fn behind_end(&self, request: &Request, is_hash_based: bool, changes: u64) -> Option<Fault> {
        let (end, requirement, of) = if is_hash_based {
            let end = self.file.end_at(changes)?;
            (end, "SMB2-3.3.5.15.7-16", "the content information file")
        } else {
            let (size, known) = self.size.filter(|(_, known)| *known == changes)?;
            debug_assert_eq!(known, changes);
            (size, "SMB2-3.3.5.15.7-17", "the file")
        };
        let offset = request.offset;
        (offset >= end).then(|| Fault {
            requirement,
            status: status::END_OF_FILE,
            what: format!("Offset {offset}, where {of} has {end} bytes"),
        })
    }
}

/// The status, by what is wrong with the request.
fn refusals(found: &mut Found, place: Place, is: u32, asked: &ReadHash, faults: &[Fault]) {
    let name = status::name_of(is);
    // Who does not know the request says so by this status and by no other.
    if matches!(is, status::NOT_SUPPORTED | status::NOT_IMPLEMENTED) {
        let is_so = is == status::NOT_SUPPORTED;
        return found.holds(place, is_so, "SMB2-3.3.5.15.7-01", || {
            format!(
                "{name} to a request that the server does not know, expected STATUS_NOT_SUPPORTED"
            )
        });
    }
    for fault in faults {
        let explains = |status: u32| {
            asked.refused_by_ioctl.contains(&status)
                || faults
                    .iter()
                    .any(|other| other != fault && other.status == status)
        };
        let is_so = is == fault.status;
        // Others, such as a file that is closed or has no hashes, may come before this rule.
        let is_told = matches!(
            is,
            status::SUCCESS
                | status::BUFFER_TOO_SMALL
                | status::INVALID_PARAMETER
                | status::END_OF_FILE
        );
        if is_so || (is_told && !explains(is)) {
            found.holds(place, is_so, fault.requirement, || {
                let expected = status::name_of(fault.status);
                format!("{} is answered by {name}, expected {expected}", fault.what)
            });
        }
    }
}

impl super::Share {
    /// Hashes come from this share: does it say that it has some?
    fn serves(&mut self, found: &mut Found, place: Place, dialect: u16) {
        let (requirement, expected) = if is_3(dialect) {
            let either = smb::ENABLE_HASH_V1 | smb::ENABLE_HASH_V2;
            ("SMB2-3.3.5.7-01", either)
        } else {
            ("SMB2-3.3.5.7-02", smb::ENABLE_HASH_V1)
        };
        let is_so = self.flags & expected != 0;
        if is_so {
            found.holds(place, true, requirement, String::new);
        } else if !self.is_told {
            self.is_told = true;
            let (flags, packet) = (self.flags, self.packet);
            let text = format!(
                "hashes come from a share whose ShareFlags is {flags:#010x} (packet {packet}); a server that has \
                 hashes for all shares may leave the flags of one out, but no client would ask"
            );
            let quirk = "smb-hashes-without-share-flag";
            found.deviates(place, requirement, quirk, text);
        }
    }
}

/// An answer that succeeded, to a request that it had to succeed for or could.
pub(super) struct Answer<'a> {
    pub(super) place: Place,
    pub(super) asked: &'a ReadHash,
    pub(super) request: Request,
    /// How much has been written to the server.
    pub(super) changes: u64,
}

impl Answer<'_> {
    pub(super) fn holds(
        &self,
        found: &mut Found,
        is_so: bool,
        requirement: &'static str,
        text: impl FnOnce() -> String,
    ) -> bool {
        found.holds(self.place, is_so, requirement, text);
        is_so
    }

    /// The IOCTL response around the structure. `None`: there is no output to look at.
    fn ioctl<'a>(
        &self,
        found: &mut Found,
        message: &Message<'a>,
        file: Option<FileId>,
    ) -> Option<&'a [u8]> {
        let Some(ioctl) = message.ioctl_response() else {
            let length = message.bytes.len();
            self.holds(found, false, "SMB2-2.2.32.4-02", || {
                format!("the IOCTL response has {length} bytes, expected {BUFFER_AT} at least")
            });
            return None;
        };
        let mut wrong = Vec::new();
        if ioctl.ctl_code != smb::FSCTL_SRV_READ_HASH {
            wrong.push(format!("CtlCode is {:#010x}", ioctl.ctl_code));
        }
        if file.is_some_and(|file| file != ioctl.file_id) {
            let expected = file.unwrap_or_default();
            let is = ioctl.file_id;
            wrong.push(format!("FileId is {is:02x?}, expected {expected:02x?}"));
        }
        if ioctl.flags != 0 {
            wrong.push(format!("Flags is {:#x}, expected 0", ioctl.flags));
        }
        self.holds(found, wrong.is_empty(), "SMB2-3.3.5.15.7-25", || {
            wrong.join("; ")
        });
        self.offsets(found, &ioctl);
        let least = if self.asked.is_hash_based() {
            HASH_BASED_BYTES
        } else {
            FILE_BASED_BYTES
        };
        let output = ioctl.output.filter(|output| output.len() >= least);
        self.holds(found, output.is_some(), "SMB2-2.2.32.4-02", || {
            let (offset, count) = (ioctl.output_offset, ioctl.output_count);
            let length = message.bytes.len();
            format!(
                "OutputOffset is {offset} and OutputCount {count} in a message of {length} bytes; a structure of \
                 {least} bytes at least is expected inside of it, from byte {BUFFER_AT} on"
            )
        });
        output
    }

    fn offsets(&self, found: &mut Found, ioctl: &IoctlResponse<'_>) {
        let (offset, count) = (ioctl.input_offset, ioctl.input_count);
        let is_usual = offset as usize == BUFFER_AT && count == 0;
        self.holds(found, is_usual, "SMB2-3.3.5.15.7-23", || {
            format!("InputOffset is {offset} and InputCount {count}, expected {BUFFER_AT} and 0")
        });
        let behind = u64::from(offset) + u64::from(count);
        let expected = behind.next_multiple_of(8);
        let is = ioctl.output_offset;
        let is_so = u64::from(is) == expected;
        self.holds(found, is_so, "SMB2-3.3.5.15.7-22", || {
            format!("OutputOffset is {is}, expected {expected}: {offset} + {count} rounded up to 8")
        });
    }

    /// The structure, and what it brings.
    fn structure(&self, found: &mut Found, output: &[u8], open: Option<&mut Open>) {
        let room = u64::from(self.asked.max_output);
        if self.asked.is_hash_based() {
            let Some(answer) = HashBased::read(output) else {
                return;
            };
            let (is, expected) = (answer.offset, self.request.offset);
            let is_there = self.holds(found, is == expected, "SMB2-3.3.5.15.7-26", || {
                format!("Offset is {is}, expected {expected} as in the request")
            });
            self.reserved(found, answer.reserved, "SMB2-2.2.32.4.2-04");
            let fixed = HASH_BASED_BYTES;
            let length = answer.buffer_length;
            let Some(buffer) = self.buffer(found, output, fixed, length, "SMB2-3.3.5.15.7-26")
            else {
                return;
            };
            let wanted = u64::from(self.request.length).min(room.saturating_sub(fixed as u64));
            let fits = self.fits(found, buffer, wanted);
            if let (true, true, Some(open)) = (is_there, fits, open) {
                open.file.take(found, self, buffer, wanted);
            }
        } else {
            let Some(answer) = FileBased::read(output) else {
                return;
            };
            self.reserved(found, answer.reserved, "SMB2-2.2.32.4.3-05");
            let fixed = FILE_BASED_BYTES;
            let length = answer.buffer_length;
            let Some(buffer) = self.buffer(found, output, fixed, length, "SMB2-2.2.32.4.3-04")
            else {
                return;
            };
            let wanted = room.saturating_sub(fixed as u64);
            if let (true, Some(open)) = (self.fits(found, buffer, wanted), open) {
                open.covered.take(found, self, &answer, buffer);
            }
        }
    }

    fn reserved(&self, found: &mut Found, is: u32, requirement: &'static str) {
        self.holds(found, is == 0, requirement, || {
            format!("Reserved is {is:#x}, expected 0")
        });
    }

    /// What is behind the fixed part, if it is as long as it says.
    fn buffer<'a>(
        &self,
        found: &mut Found,
        output: &'a [u8],
        fixed: usize,
        length: u32,
        too_long: &'static str,
    ) -> Option<&'a [u8]> {
        let buffer = output.get(fixed..).unwrap_or_default();
        let (there, length) = (buffer.len(), length as usize);
        let is_there = self.holds(found, length <= there, too_long, || {
            format!("BufferLength is {length}, where {there} bytes follow in the output")
        });
        let is_all = there <= length;
        self.holds(found, is_all, "SMB2-3.3.5.15.7-25", || {
            let (is, expected) = (output.len(), fixed + length);
            format!(
                "OutputCount is {is}, expected {expected}: the structure with BufferLength {length}"
            )
        });
        (is_there && is_all).then_some(buffer)
    }

    fn fits(&self, found: &mut Found, buffer: &[u8], wanted: u64) -> bool {
        let (is, request) = (buffer.len(), self.request);
        let is_so = is as u64 <= wanted;
        self.holds(found, is_so, "SMB2-3.3.5.15.7-13", || {
            let (length, room) = (request.length, self.asked.max_output);
            format!("{is} bytes of hashes, expected {wanted} at most: Length {length}, MaxOutputResponse {room}")
        })
    }
}
