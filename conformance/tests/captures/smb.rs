//! Exchanges over SMB2 that are right.

use peerdist_conformance::wire::content_info::ContentInfo;
use peerdist_conformance::wire::digest::Algorithm;
use peerdist_conformance::wire::draft::Draft;

use crate::Right;
use crate::smb_writer::{Ask, Exchange, set, set_u32};

pub(crate) const V1: u32 = 0x2000;
pub(crate) const V2: u32 = 0x4000;
pub(crate) const TOO_SMALL: u32 = 0xC000_0023;
pub(crate) const INVALID: u32 = 0xC000_000D;
pub(crate) const END: u32 = 0xC000_0011;
pub(crate) const NOT_SUPPORTED: u32 = 0xC000_00BB;
const NOT_PRESENT: u32 = 0xC000_A101;
const FILE_CLOSED: u32 = 0xC000_0128;
pub(crate) const FILE_BYTES: u64 = 400_000;
/// Segments of version 2.0.
const SEGMENT_BYTES: u64 = 100_000;
pub(crate) const MAX: u32 = 0x0001_0000;

fn content() -> Vec<u8> {
    (0..FILE_BYTES).map(|at| (at % 251) as u8).collect()
}

pub(crate) fn information(version: u32) -> ContentInfo {
    match version {
        1 => ContentInfo::v1(&content(), b"key", Algorithm::Sha256),
        _ => ContentInfo::v2(&content(), b"key", usize::try_from(SEGMENT_BYTES).unwrap()),
    }
}

pub(crate) fn header(version: u32, blob_bytes: usize) -> Draft {
    let name: Vec<u8> = r"\share\file.bin"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let offset = u32::try_from(36 + name.len()).unwrap();
    Draft::new()
        .u32_le("HashType", 1)
        .u32_le("HashVersion", version)
        .u64_le("SourceFileChangeTime", 0x01DC_5A00_0000_0000)
        .u64_le("SourceFileSize", FILE_BYTES)
        .u32_le("HashBlobLength", u32::try_from(blob_bytes).unwrap())
        .u32_le("HashBlobOffset", offset)
        .u16_le("Dirty", 0)
        .u16_le("SourceFileNameLength", u16::try_from(name.len()).unwrap())
        .bytes("SourceFileName", name)
}

/// A content information file of version 1.0, with another header and other content information.
pub(crate) fn file_with(change: impl Fn(&mut Draft), blob: Vec<u8>) -> Vec<u8> {
    let mut head = header(1, blob.len());
    change(&mut head);
    [head.to_bytes(), blob].concat()
}

pub(crate) fn blob() -> Vec<u8> {
    information(1).draft().to_bytes()
}

pub(crate) fn file() -> Vec<u8> {
    file_with(|_| {}, blob())
}

/// The file read in pieces, and once behind its end.
pub(crate) fn pieces(file: &[u8], room: usize) -> Vec<Ask> {
    let max = u32::try_from(room + 16).unwrap();
    let mut asks: Vec<Ask> = file
        .chunks(room)
        .enumerate()
        .map(|(number, piece)| {
            let offset = (number * room) as u64;
            Ask::new(1, 1, offset, max).hash_based(offset, piece)
        })
        .collect();
    asks.push(Ask::new(1, 1, file.len() as u64, max).refused(END));
    asks
}

pub(crate) fn exchange(dialect: u16, share_flags: u32, asks: Vec<Ask>) -> Exchange {
    let all = [0x0202, 0x0210, 0x0300, 0x0302, 0x0311];
    Exchange {
        offered: all
            .into_iter()
            .filter(|offered| *offered <= dialect)
            .collect(),
        dialect,
        share_flags,
        file_bytes: FILE_BYTES,
        asks,
    }
}

/// Version 1.0 in dialect 2.1, in several requests.
pub(crate) fn hash_based() -> Exchange {
    exchange(0x0210, V1, pieces(&file(), 100))
}

/// The same in one request, with another file.
pub(crate) fn hash_based_of(file: &[u8]) -> Exchange {
    let whole = Ask::new(1, 1, 0, MAX).hash_based(0, file);
    exchange(0x0210, V1, vec![whole])
}

/// Content information of a part of the content, in version 2.0.
pub(crate) fn part(range: std::ops::Range<u64>) -> Vec<u8> {
    information(2).of_range(range).draft().to_bytes()
}

/// An answer to `offset` with the segments of a range, behind a header at offset 0.
pub(crate) fn covering(offset: u64, range: std::ops::Range<u64>) -> Ask {
    let part = part(range.clone());
    let buffer = match offset {
        0 => [header(2, 0).to_bytes(), part].concat(),
        _ => part,
    };
    Ask::new(2, 2, offset, MAX).file_based(range.start, range.end - range.start, &buffer)
}

/// Version 2.0 in dialect 3.1.1, in several requests.
pub(crate) fn file_based() -> Exchange {
    let asks = vec![
        covering(0, 0..200_000),
        covering(200_000, 200_000..300_000),
        covering(350_000, 300_000..400_000),
        Ask::new(2, 2, FILE_BYTES, MAX).refused(END),
    ];
    exchange(0x0311, V1 | V2, asks)
}

/// A client that asks wrongly and is refused rightly, in dialect 3.0.
pub(crate) fn refused() -> Exchange {
    let number = |field, value, how| {
        let mut ask = Ask::new(1, how, 0, MAX).refused(INVALID);
        set_u32(&mut ask.input, field, value);
        ask
    };
    let mut short = Ask::new(1, 1, 0, MAX).refused(TOO_SMALL);
    short.input = short.input.without("Offset");
    set_u32(&mut short.ioctl, "InputCount", 16);
    let asks = vec![
        short,
        Ask::new(1, 1, 0, 15).refused(TOO_SMALL),
        Ask::new(2, 2, 0, 23).refused(TOO_SMALL),
        number("HashType", 2, 1),
        number("HashVersion", 3, 1),
        number("HashRetrievalType", 9, 1),
        Ask::new(1, 2, 0, MAX).refused(INVALID),
        Ask::new(2, 1, 0, MAX).refused(INVALID),
        // What other rules of SMB2 answer says nothing of these.
        Ask::new(2, 1, 0, MAX).refused(FILE_CLOSED),
        Ask::new(2, 1, 0, MAX).refused(NOT_PRESENT),
    ];
    exchange(0x0300, V1 | V2, asks)
}

/// A server that was offered 3.x and took 2.1 has no hashes of version 2.
pub(crate) fn only_2_1() -> Exchange {
    let mut exchange = exchange(0x0210, V1, vec![Ask::new(2, 2, 0, MAX).refused(INVALID)]);
    exchange.offered = vec![0x0202, 0x0210, 0x0300];
    exchange
}

/// Dialect 2.0.2 has no hashes, and a server says so.
pub(crate) fn before_2_1() -> Exchange {
    exchange(
        0x0202,
        0,
        vec![Ask::new(1, 1, 0, MAX).refused(NOT_SUPPORTED)],
    )
}

/// One compound, whose IOCTL does not name its file.
pub(crate) fn compound() -> Exchange {
    let mut ask = Ask::new(1, 1, 0, MAX).hash_based(0, &file());
    set(&mut ask.ioctl, "FileId", [0xff; 16]);
    ask.is_compound = true;
    exchange(0x0302, V1 | V2, vec![ask])
}

/// Said to take a while, and then answered.
fn later() -> Exchange {
    let mut exchange = hash_based_of(&file());
    exchange.asks[0].is_pending = true;
    exchange
}

/// What Windows writes into a request, and a server that knows nothing of hashes.
pub(crate) fn unknown() -> Exchange {
    exchange(
        0x0311,
        0,
        vec![Ask::new(2, 2, 0, MAX).refused(NOT_SUPPORTED)],
    )
}

/// Exchanges in which nobody does anything wrong but where [`right`] says so.
pub(crate) fn exchanges() -> Vec<(&'static str, Exchange)> {
    vec![
        ("hash based in pieces", hash_based()),
        ("hash based at once", hash_based_of(&file())),
        ("file based", file_based()),
        ("refused", refused()),
        ("only 2.1", only_2_1()),
        ("before 2.1", before_2_1()),
        ("compound", compound()),
        ("later", later()),
        ("unknown", unknown()),
    ]
}

/// Their captures, and what clients do wrong in those where servers refuse them.
pub(crate) fn right() -> Vec<Right> {
    let of_client = |name| match name {
        "refused" => vec![
            "SMB2-3.2.4.20.7-02",
            "SMB2-2.2.31.2-03",
            "SMB2-2.2.31.2-04",
            "SMB2-2.2.31.2-05",
        ],
        "only 2.1" => vec!["SMB2-2.2.31.2-04", "SMB2-2.2.31.2-05"],
        "before 2.1" => vec!["SMB2-3.2.4.20.7-01"],
        _ => Vec::new(),
    };
    let right = |(name, exchange): (&'static str, Exchange)| Right {
        name,
        capture: exchange.capture(),
        findings: of_client(name),
    };
    exchanges().into_iter().map(right).collect()
}
