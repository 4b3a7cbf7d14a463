//! SMB2 as far as content information goes through it (MS-SMB2 2.1, 2.2.1, 2.2.3, 2.2.4, 2.2.10, 2.2.14 to 2.2.16, 2.2.31, 2.2.32).
//! Invariant: a buffer is what offset and count describe inside of its message, or nothing; nothing is read behind it.
//! Byte order: little-endian; the length in front of a message big-endian.
//!
//! - here: direct TCP, the header, compounds, and the fields of commands that a judge has to know;
//! - [`hashes`]: `SRV_READ_HASH`, its answers, and the header of a content information file.

pub mod hashes;

/// The port of direct TCP.
pub const PORT: u16 = 445;
/// Bytes of the header of a message.
pub const HEADER_BYTES: usize = 64;
/// Bytes of an IOCTL request in front of its buffer.
pub const IOCTL_REQUEST_BYTES: usize = 56;
/// Bytes of an IOCTL response in front of its buffer.
pub const IOCTL_RESPONSE_BYTES: usize = 48;
/// `FSCTL_SRV_READ_HASH`.
pub const FSCTL_SRV_READ_HASH: u32 = 0x0014_41BB;
/// `FSCTL_SRV_COPYCHUNK`, which needs no access to write by its number, and writes.
const FSCTL_SRV_COPYCHUNK: u32 = 0x0014_40F2;
/// The bit of a control code that asks for access to write.
const WRITE_ACCESS: u32 = 0x0000_8000;
/// FILE_OPEN, which takes a file as it is.
const FILE_OPEN: u32 = 1;
/// `SMB2_0_IOCTL_IS_FSCTL`.
pub const IS_FSCTL: u32 = 1;
/// `SMB2_SHAREFLAG_ENABLE_HASH_V1`.
pub const ENABLE_HASH_V1: u32 = 0x0000_2000;
/// `SMB2_SHAREFLAG_ENABLE_HASH_V2`.
pub const ENABLE_HASH_V2: u32 = 0x0000_4000;

const FLAG_RESPONSE: u32 = 0x0000_0001;
const FLAG_ASYNC: u32 = 0x0000_0002;
const FLAG_RELATED: u32 = 0x0000_0004;

/// Dialects by their numbers.
pub mod dialect {
    /// 2.0.2
    pub const SMB_2_0_2: u16 = 0x0202;
    /// 2.1
    pub const SMB_2_1: u16 = 0x0210;
    /// 3.0, the first of its family.
    pub const SMB_3_0: u16 = 0x0300;
    /// None yet: the server waits for another negotiation.
    pub const WILDCARD: u16 = 0x02FF;
}

/// Commands that matter here.
pub mod command {
    /// NEGOTIATE
    pub const NEGOTIATE: u16 = 0x00;
    /// `TREE_CONNECT`
    pub const TREE_CONNECT: u16 = 0x03;
    /// CREATE
    pub const CREATE: u16 = 0x05;
    /// CLOSE
    pub const CLOSE: u16 = 0x06;
    /// WRITE
    pub const WRITE: u16 = 0x09;
    /// IOCTL
    pub const IOCTL: u16 = 0x0B;
    /// `SET_INFO`
    pub const SET_INFO: u16 = 0x11;
}

/// Statuses that the rules of `SRV_READ_HASH` name, and those that are looked for.
pub mod status {
    /// `STATUS_SUCCESS`
    pub const SUCCESS: u32 = 0;
    /// `STATUS_PENDING`: the answer comes later.
    pub const PENDING: u32 = 0x0000_0103;
    /// `STATUS_NOT_IMPLEMENTED`
    pub const NOT_IMPLEMENTED: u32 = 0xC000_0002;
    /// `STATUS_INVALID_PARAMETER`
    pub const INVALID_PARAMETER: u32 = 0xC000_000D;
    /// `STATUS_END_OF_FILE`
    pub const END_OF_FILE: u32 = 0xC000_0011;
    /// `STATUS_BUFFER_TOO_SMALL`
    pub const BUFFER_TOO_SMALL: u32 = 0xC000_0023;
    /// `STATUS_NOT_SUPPORTED`
    pub const NOT_SUPPORTED: u32 = 0xC000_00BB;
    /// `STATUS_HASH_NOT_SUPPORTED`
    pub const HASH_NOT_SUPPORTED: u32 = 0xC000_A100;
    /// `STATUS_HASH_NOT_PRESENT`
    pub const HASH_NOT_PRESENT: u32 = 0xC000_A101;

    /// A status as people know it.
    #[must_use]
    pub fn name_of(status: u32) -> String {
        let name = match status {
            SUCCESS => "STATUS_SUCCESS",
            NOT_IMPLEMENTED => "STATUS_NOT_IMPLEMENTED",
            INVALID_PARAMETER => "STATUS_INVALID_PARAMETER",
            END_OF_FILE => "STATUS_END_OF_FILE",
            BUFFER_TOO_SMALL => "STATUS_BUFFER_TOO_SMALL",
            NOT_SUPPORTED => "STATUS_NOT_SUPPORTED",
            HASH_NOT_SUPPORTED => "STATUS_HASH_NOT_SUPPORTED",
            HASH_NOT_PRESENT => "STATUS_HASH_NOT_PRESENT",
            _ => return format!("status {status:#010x}"),
        };
        name.to_owned()
    }
}

/// `SMB2_FILEID`, both halves.
pub type FileId = [u8; 16];
/// What stands for the file of the operation before, in a compound.
pub const FILE_OF_BEFORE: FileId = [0xff; 16];

/// What a frame of direct TCP carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carried<'a> {
    /// Messages in clear, one or a compound.
    Messages(&'a [u8]),
    /// Something that is encrypted.
    Encrypted,
    /// Something that is compressed.
    Compressed,
    /// SMB 1, which the first negotiation may speak, or nothing.
    Other,
}

/// What the bytes of a connection begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framed<'a> {
    /// The frame is not there in full.
    Incomplete,
    /// A frame, and its bytes with the length in front.
    Frame(Carried<'a>, usize),
    /// No direct TCP.
    Foreign,
}

/// Takes the first frame.
#[must_use]
pub fn frame(bytes: &[u8]) -> Framed<'_> {
    let Some(&[zero, a, b, c]) = bytes.first_chunk::<4>() else {
        return match bytes.first() {
            None | Some(0) => Framed::Incomplete,
            Some(_) => Framed::Foreign,
        };
    };
    if zero != 0 {
        return Framed::Foreign;
    }
    let length = u32::from_be_bytes([0, a, b, c]) as usize;
    let protocol = bytes.get(4..8.min(4 + length)).unwrap_or_default();
    let is_known = match protocol {
        // Less than its first four bytes.
        short if short.len() < 4 => length < 4 || bytes.len() < 8,
        [0xFC..=0xFF, b'S', b'M', b'B'] => true,
        _ => false,
    };
    if !is_known {
        return Framed::Foreign;
    }
    let Some(inside) = bytes.get(4..4 + length) else {
        return Framed::Incomplete;
    };
    let carried = match inside.first() {
        Some(0xFE) => Carried::Messages(inside),
        Some(0xFD) => Carried::Encrypted,
        Some(0xFC) => Carried::Compressed,
        _ => Carried::Other,
    };
    Framed::Frame(carried, 4 + length)
}

/// Whether a frame begins here, by its first eight bytes.
#[must_use]
pub fn begins_a_frame(bytes: &[u8]) -> bool {
    matches!(bytes, [0, _, _, _, 0xFC..=0xFF, b'S', b'M', b'B', ..])
}

/// A message of a compound, or the only one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message<'a> {
    /// `CreditCharge`.
    pub credit_charge: u16,
    /// Status, in a response.
    pub status: u32,
    /// What is asked or answered.
    pub command: u16,
    /// Whether it is a response.
    pub is_response: bool,
    /// Whether it goes on with session, tree and file of the message before in its compound.
    pub is_related: bool,
    /// `MessageId`, by which a response is that of its request.
    pub message_id: u64,
    /// `TreeId`, which an asynchronous message has none of.
    pub tree_id: Option<u32>,
    /// `SessionId`.
    pub session_id: u64,
    /// All of it from its header on, to which offsets inside count.
    pub bytes: &'a [u8],
}

/// The messages of a compound, in order. `Err`: from that byte on there is none that can be followed.
pub fn messages(bytes: &[u8]) -> impl Iterator<Item = Result<Message<'_>, usize>> {
    let mut at = Some(0_usize);
    core::iter::from_fn(move || {
        let start = at.take()?;
        let rest = bytes.get(start..)?;
        let Some((message, next)) = message(rest) else {
            return Some(Err(start));
        };
        at = next.map(|next| start + next);
        Some(Ok(message))
    })
}

/// The first message, and how far the next one is.
fn message(rest: &[u8]) -> Option<(Message<'_>, Option<usize>)> {
    let header = rest.get(..HEADER_BYTES)?;
    if !header.starts_with(b"\xFESMB") || u16_at(header, 4)? != 64 {
        return None;
    }
    let next = u32_at(header, 20)? as usize;
    let (bytes, next) = match next {
        0 => (rest, None),
        next if next >= HEADER_BYTES && next.is_multiple_of(8) => (rest.get(..next)?, Some(next)),
        _ => return None,
    };
    let flags = u32_at(header, 16)?;
    let tree_id = u32_at(header, 36).filter(|_| flags & FLAG_ASYNC == 0);
    let message = Message {
        credit_charge: u16_at(header, 6)?,
        status: u32_at(header, 8)?,
        command: u16_at(header, 12)?,
        is_response: flags & FLAG_RESPONSE != 0,
        is_related: flags & FLAG_RELATED != 0,
        message_id: u64_at(header, 24)?,
        tree_id,
        session_id: u64_at(header, 40)?,
        bytes,
    };
    Some((message, next))
}

impl<'a> Message<'a> {
    fn body(&self) -> &'a [u8] {
        self.bytes.get(HEADER_BYTES..).unwrap_or_default()
    }

    /// Dialects that a NEGOTIATE request offers.
    #[must_use]
    pub fn dialects_offered(&self) -> Vec<u16> {
        let count = u16_at(self.body(), 2).unwrap_or_default();
        let dialect = |number: u16| u16_at(self.body(), 36 + 2 * usize::from(number));
        (0..count).map_while(dialect).collect()
    }

    /// The dialect of a NEGOTIATE response, and `MaxTransactSize`.
    #[must_use]
    pub fn negotiated(&self) -> Option<(u16, u32)> {
        Some((u16_at(self.body(), 4)?, u32_at(self.body(), 28)?))
    }

    /// `ShareFlags` of a `TREE_CONNECT` response.
    #[must_use]
    pub fn share_flags(&self) -> Option<u32> {
        u32_at(self.body(), 4)
    }

    /// Whether a CREATE request leaves the bytes of its file alone.
    #[must_use]
    pub fn only_opens(&self) -> bool {
        u32_at(self.body(), 36) == Some(FILE_OPEN)
    }

    /// The file of a CREATE response, and how many bytes it has.
    #[must_use]
    pub fn created(&self) -> Option<(FileId, u64)> {
        Some((file_id_at(self.body(), 64)?, u64_at(self.body(), 48)?))
    }

    /// The file of a CLOSE request.
    #[must_use]
    pub fn closed(&self) -> Option<FileId> {
        file_id_at(self.body(), 8)
    }

    /// An IOCTL request.
    #[must_use]
    pub fn ioctl_request(&self) -> Option<IoctlRequest<'a>> {
        let body = self.body().get(..IOCTL_REQUEST_BYTES)?;
        let (input_offset, input_count) = (u32_at(body, 24)?, u32_at(body, 28)?);
        Some(IoctlRequest {
            ctl_code: u32_at(body, 4)?,
            file_id: file_id_at(body, 8)?,
            input_offset,
            input_count,
            max_input_response: u32_at(body, 32)?,
            output_offset: u32_at(body, 36)?,
            output_count: u32_at(body, 40)?,
            max_output_response: u32_at(body, 44)?,
            flags: u32_at(body, 48)?,
            input: self.buffer(input_offset, input_count, IOCTL_REQUEST_BYTES),
        })
    }

    /// An IOCTL response.
    #[must_use]
    pub fn ioctl_response(&self) -> Option<IoctlResponse<'a>> {
        let body = self.body().get(..IOCTL_RESPONSE_BYTES)?;
        let (output_offset, output_count) = (u32_at(body, 32)?, u32_at(body, 36)?);
        Some(IoctlResponse {
            ctl_code: u32_at(body, 4)?,
            file_id: file_id_at(body, 8)?,
            input_offset: u32_at(body, 24)?,
            input_count: u32_at(body, 28)?,
            output_offset,
            output_count,
            flags: u32_at(body, 40)?,
            output: self.buffer(output_offset, output_count, IOCTL_RESPONSE_BYTES),
        })
    }

    /// What an offset from the header on and a count describe, behind the fixed part.
    fn buffer(&self, offset: u32, count: u32, fixed: usize) -> Option<&'a [u8]> {
        let (start, count) = (offset as usize, count as usize);
        let is_behind = start >= HEADER_BYTES + fixed;
        let end = start.checked_add(count)?;
        self.bytes.get(start..end).filter(|_| is_behind)
    }
}

/// Whether a control code may change a file.
#[must_use]
pub const fn may_write(ctl_code: u32) -> bool {
    ctl_code & WRITE_ACCESS != 0 || ctl_code == FSCTL_SRV_COPYCHUNK
}

/// An IOCTL request. Offsets count from the start of the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "fields have the names of the document")]
pub struct IoctlRequest<'a> {
    pub ctl_code: u32,
    pub file_id: FileId,
    pub input_offset: u32,
    pub input_count: u32,
    pub max_input_response: u32,
    pub output_offset: u32,
    pub output_count: u32,
    pub max_output_response: u32,
    pub flags: u32,
    /// `None`: it is not inside of the message.
    pub input: Option<&'a [u8]>,
}

/// An IOCTL response. Offsets count from the start of the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "fields have the names of the document")]
pub struct IoctlResponse<'a> {
    pub ctl_code: u32,
    pub file_id: FileId,
    pub input_offset: u32,
    pub input_count: u32,
    pub output_offset: u32,
    pub output_count: u32,
    pub flags: u32,
    /// `None`: it is not inside of the message.
    pub output: Option<&'a [u8]>,
}

fn array_at<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    array_at(bytes, at).map(u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    array_at(bytes, at).map(u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    array_at(bytes, at).map(u64::from_le_bytes)
}

fn file_id_at(bytes: &[u8], at: usize) -> Option<FileId> {
    array_at(bytes, at)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A header, less what a test does not look at.
    fn header(command: u16, flags: u32, next: u32) -> Vec<u8> {
        let mut bytes = b"\xFESMB\x40\0".to_vec();
        bytes.resize(12, 0);
        bytes.extend_from_slice(&command.to_le_bytes());
        bytes.extend_from_slice(&[0; 2]);
        bytes.extend_from_slice(&flags.to_le_bytes());
        bytes.extend_from_slice(&next.to_le_bytes());
        bytes.extend_from_slice(&7_u64.to_le_bytes());
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(&3_u32.to_le_bytes());
        bytes.extend_from_slice(&9_u64.to_le_bytes());
        bytes.resize(HEADER_BYTES, 0);
        bytes
    }

    #[test]
    fn frames_are_told_from_what_is_none() {
        assert_eq!(frame(&[]), Framed::Incomplete);
        assert_eq!(frame(&[0, 0, 0, 5, 0xFE]), Framed::Incomplete);
        assert_eq!(frame(b"GET / HTTP/1.1"), Framed::Foreign);
        assert_eq!(frame(&[0, 0, 0, 8, 1, 2, 3, 4]), Framed::Foreign);
        assert_eq!(
            frame(b"\0\0\0\x05\xFDSMB!more"),
            Framed::Frame(Carried::Encrypted, 9)
        );
        assert_eq!(frame(&[0; 4]), Framed::Frame(Carried::Other, 4));
        let whole = b"\0\0\0\x04\xFESMB";
        assert_eq!(
            frame(whole),
            Framed::Frame(Carried::Messages(b"\xFESMB"), 8)
        );
        for end in 0..whole.len() {
            assert_eq!(frame(&whole[..end]), Framed::Incomplete, "{end}");
        }
    }

    #[test]
    fn a_compound_is_followed_to_its_end_and_no_further() {
        let mut compound = header(5, 0, 72);
        compound.resize(72, 0);
        compound.extend_from_slice(&header(11, 1, 0));
        let found: Vec<_> = messages(&compound).map(Result::unwrap).collect();
        assert_eq!((found[0].command, found[0].bytes.len()), (5, 72));
        assert_eq!((found[1].command, found[1].bytes.len()), (11, 64));
        assert!(found[1].is_response && !found[0].is_response);
        assert_eq!((found[0].message_id, found[0].session_id), (7, 9));
        assert_eq!(found[0].tree_id, Some(3));
        for next in [1_u32, 8, 63, 70, 144, u32::MAX] {
            compound[20..24].copy_from_slice(&next.to_le_bytes());
            let found: Vec<_> = messages(&compound).collect();
            assert_eq!(found.last(), Some(&Err(0)), "{next}");
        }
    }

    #[test]
    fn a_buffer_is_inside_of_its_message_or_not_there() {
        let mut bytes = header(11, 1, 0);
        bytes.resize(HEADER_BYTES + IOCTL_RESPONSE_BYTES, 0);
        bytes.extend_from_slice(b"output");
        for (offset, count, expected) in [
            (112_u32, 6_u32, Some(&b"output"[..])),
            (113, 5, Some(&b"utput"[..])),
            (112, 7, None),
            (111, 6, None),
            (0, 0, None),
            (u32::MAX, 1, None),
            (112, u32::MAX, None),
        ] {
            bytes[96..100].copy_from_slice(&offset.to_le_bytes());
            bytes[100..104].copy_from_slice(&count.to_le_bytes());
            let message = messages(&bytes).next().unwrap().unwrap();
            let response = message.ioctl_response().unwrap();
            assert_eq!(response.output, expected, "{offset} {count}");
        }
        for end in 0..HEADER_BYTES + IOCTL_RESPONSE_BYTES {
            let cut = messages(&bytes[..end]).next().unwrap();
            assert!(cut.is_err() || cut.unwrap().ioctl_response().is_none());
        }
    }
}
