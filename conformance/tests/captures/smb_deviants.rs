//! Exchanges over SMB2 with one mistake each.

use peerdist_conformance::wire::draft::Draft;

use crate::smb::{
    END, FILE_BYTES, INVALID, MAX, TOO_SMALL, V1, V2, before_2_1, blob, compound, covering,
    exchange, file, file_based, file_with, hash_based, hash_based_of, header, information,
    only_2_1, part, pieces, refused, unknown,
};
use crate::smb_writer::{Ask, Exchange, SUCCESS, set, set_u32, set_u64};
use crate::{Deviant, Side};

const NOT_IMPLEMENTED: u32 = 0xC000_0002;

/// Exchanges with one mistake each, and the requirements by which it has to be found.
pub(crate) fn deviants() -> Vec<Deviant> {
    let mut all = of_clients();
    all.extend(of_shares());
    all.extend(of_statuses());
    all.extend(of_responses());
    all.extend(of_hash_files());
    all.extend(of_covered());
    all
}

fn deviant(
    name: &'static str,
    side: Side,
    mut exchange: Exchange,
    change: impl FnOnce(&mut Exchange),
    findings: &[&'static str],
) -> Deviant {
    change(&mut exchange);
    Deviant {
        name,
        side,
        capture: exchange.capture(),
        findings: findings.to_vec(),
    }
}

/// A mistake in the first request of a client.
fn client(
    name: &'static str,
    exchange: Exchange,
    change: impl FnOnce(&mut Ask),
    finding: &'static str,
) -> Deviant {
    let first = |exchange: &mut Exchange| change(&mut exchange.asks[0]);
    deviant(name, Side::Client, exchange, first, &[finding])
}

/// A mistake in an answer of a server.
fn server(
    name: &'static str,
    exchange: Exchange,
    number: usize,
    change: impl FnOnce(&mut Ask),
    finding: &'static str,
) -> Deviant {
    let of_ask = |exchange: &mut Exchange| change(&mut exchange.asks[number]);
    deviant(name, Side::Server, exchange, of_ask, &[finding])
}

fn of_clients() -> Vec<Deviant> {
    let ioctl = |name, field, value| {
        let change = move |ask: &mut Ask| set_u32(&mut ask.ioctl, field, value);
        client(name, hash_based_of(&file()), change, "SMB2-3.2.4.20.7-02")
    };
    let number = |name, exchange, field, value, finding| {
        let change = move |ask: &mut Ask| {
            set_u32(&mut ask.input, field, value);
            ask.status = INVALID;
        };
        client(name, exchange, change, finding)
    };
    let newer = |asks: Vec<Ask>| exchange(0x0300, V1 | V2, asks);
    let one = || vec![Ask::new(1, 1, 0, MAX).refused(INVALID)];
    let old = || exchange(0x0210, V1, one());
    let of_dialect = "SMB2-3.2.4.20.7-01";
    vec![
        client("asks in 2.0.2", before_2_1(), |_| {}, of_dialect),
        ioctl("no FSCTL", "Flags", 0),
        ioctl("OutputCount 8", "OutputCount", 8),
        ioctl("MaxInputResponse 8", "MaxInputResponse", 8),
        ioctl("InputCount 20", "InputCount", 20),
        ioctl("input outside of the message", "InputOffset", 4096),
        ioctl("input among the fields", "InputOffset", 96),
        client(
            "OutputOffset as Windows has it",
            hash_based_of(&file()),
            |ask| set_u32(&mut ask.ioctl, "OutputOffset", 144),
            "SMB2-3.2.4.20.7-03",
        ),
        client(
            "OutputOffset anywhere",
            hash_based_of(&file()),
            |ask| set_u32(&mut ask.ioctl, "OutputOffset", 77),
            "SMB2-3.2.4.20.7-03",
        ),
        number(
            "HashType 2",
            newer(one()),
            "HashType",
            2,
            "SMB2-2.2.31.2-03",
        ),
        number(
            "HashVersion 3",
            newer(one()),
            "HashVersion",
            3,
            "SMB2-2.2.31.2-04",
        ),
        number(
            "HashVersion 2 in 2.1",
            old(),
            "HashVersion",
            2,
            "SMB2-2.2.31.2-04",
        ),
        number(
            "retrieval 3",
            newer(one()),
            "HashRetrievalType",
            3,
            "SMB2-2.2.31.2-05",
        ),
        number(
            "file based in 2.1",
            old(),
            "HashRetrievalType",
            2,
            "SMB2-2.2.31.2-05",
        ),
    ]
}

fn of_shares() -> Vec<Deviant> {
    let share = |name, exchange, flags, finding| {
        let change = move |exchange: &mut Exchange| exchange.share_flags = flags;
        deviant(name, Side::Server, exchange, change, &[finding])
    };
    vec![
        share("V1 in 2.0.2", before_2_1(), V1, "SMB2-2.2.10-01"),
        share("V2 in 2.0.2", before_2_1(), V2, "SMB2-2.2.10-02"),
        share("V2 in 2.1", hash_based(), V1 | V2, "SMB2-2.2.10-02"),
        share("no flag in 3.1.1", file_based(), 0, "SMB2-3.3.5.7-01"),
        share("no flag in 2.1", hash_based(), 0x30, "SMB2-3.3.5.7-02"),
    ]
}

fn of_statuses() -> Vec<Deviant> {
    let status = |name, exchange, number, status, finding| {
        server(
            name,
            exchange,
            number,
            move |ask| ask.status = status,
            finding,
        )
    };
    let served = |name, exchange, number, finding| {
        let change = |ask: &mut Ask| *ask = ask.clone().refused(SUCCESS).hash_based(0, &file());
        server(name, exchange, number, change, finding)
    };
    let last = hash_based().asks.len() - 1;
    vec![
        served("short input is served", refused(), 0, "SMB2-3.3.5.15.7-03"),
        status(
            "short input is invalid",
            refused(),
            0,
            INVALID,
            "SMB2-3.3.5.15.7-03",
        ),
        status(
            "no room is invalid",
            refused(),
            1,
            INVALID,
            "SMB2-3.3.5.15.7-04",
        ),
        served("no room is served", refused(), 2, "SMB2-3.3.5.15.7-04"),
        served("HashType 2 is served", refused(), 3, "SMB2-3.3.5.15.7-05"),
        status(
            "HashType 2 is too small",
            refused(),
            3,
            TOO_SMALL,
            "SMB2-3.3.5.15.7-05",
        ),
        served(
            "version 2 is served by 2.1",
            only_2_1(),
            0,
            "SMB2-3.3.5.15.7-06",
        ),
        served(
            "HashVersion 3 is served",
            refused(),
            4,
            "SMB2-3.3.5.15.7-07",
        ),
        served("retrieval 9 is served", refused(), 5, "SMB2-3.3.5.15.7-08"),
        served(
            "1 with file based is served",
            refused(),
            6,
            "SMB2-3.3.5.15.7-09",
        ),
        status(
            "2 with hash based ends",
            refused(),
            7,
            END,
            "SMB2-3.3.5.15.7-09",
        ),
        served("served in 2.0.2", before_2_1(), 0, "SMB2-2.2.32.4-01"),
        status(
            "not implemented",
            unknown(),
            0,
            NOT_IMPLEMENTED,
            "SMB2-3.3.5.15.7-01",
        ),
        served(
            "nothing behind the end",
            hash_based(),
            last,
            "SMB2-3.3.5.15.7-16",
        ),
        status(
            "behind the end is invalid",
            hash_based(),
            last,
            INVALID,
            "SMB2-3.3.5.15.7-16",
        ),
        served(
            "served behind the end",
            file_based(),
            3,
            "SMB2-3.3.5.15.7-17",
        ),
    ]
}

fn of_responses() -> Vec<Deviant> {
    let response = |name, field, value, finding| {
        let change = move |ask: &mut Ask| set_u32(&mut ask.response, field, value);
        server(name, hash_based(), 1, change, finding)
    };
    let fixed = |name, exchange, field, value, finding| {
        server(
            name,
            exchange,
            1,
            move |ask| set_u32(&mut ask.fixed, field, value),
            finding,
        )
    };
    let (fields, describes) = ("SMB2-3.3.5.15.7-25", "SMB2-2.2.32.4-02");
    let copied = "SMB2-3.3.5.15.7-26";
    vec![
        response("another CtlCode", "CtlCode", 0x0014_41BA, fields),
        response("Flags 1", "Flags", 1, fields),
        server(
            "another FileId",
            hash_based(),
            1,
            |ask| set(&mut ask.response, "FileId", [3; 16]),
            fields,
        ),
        server(
            "FileId of a compound",
            compound(),
            0,
            |ask| set(&mut ask.response, "FileId", [0xff; 16]),
            fields,
        ),
        server(
            "OutputCount with bytes of nothing",
            hash_based(),
            1,
            |ask| {
                ask.buffer.extend_from_slice(&[0; 8]);
                set_u32(&mut ask.response, "OutputCount", 124);
            },
            fields,
        ),
        response("output behind the message", "OutputCount", 5_000, describes),
        response(
            "output shorter than its fields",
            "OutputCount",
            15,
            describes,
        ),
        server(
            "OutputOffset 8 too far",
            hash_based(),
            1,
            |ask| {
                ask.gap = vec![0; 8];
                set_u32(&mut ask.response, "OutputOffset", 120);
            },
            "SMB2-3.3.5.15.7-22",
        ),
        server(
            "the input comes back",
            hash_based(),
            1,
            |ask| {
                ask.gap = vec![0; 24];
                set_u32(&mut ask.response, "InputCount", 24);
                set_u32(&mut ask.response, "OutputOffset", 136);
            },
            "SMB2-3.3.5.15.7-23",
        ),
        server(
            "another Offset",
            hash_based(),
            1,
            |ask| set_u64(&mut ask.fixed, "Offset", 0),
            copied,
        ),
        fixed(
            "BufferLength over the end",
            hash_based(),
            "BufferLength",
            101,
            copied,
        ),
        fixed(
            "Reserved 1",
            hash_based(),
            "Reserved",
            1,
            "SMB2-2.2.32.4.2-04",
        ),
        fixed(
            "BufferLength over the end, file based",
            file_based(),
            "BufferLength",
            4_096,
            "SMB2-2.2.32.4.3-04",
        ),
        fixed(
            "Reserved 1, file based",
            file_based(),
            "Reserved",
            1,
            "SMB2-2.2.32.4.3-05",
        ),
        server(
            "more than there is room for",
            hash_based(),
            0,
            |ask| ask.answer(file()[..140].to_vec()),
            "SMB2-3.3.5.15.7-13",
        ),
        server(
            "more than Length",
            hash_based_of(&file()),
            0,
            |ask| set_u32(&mut ask.input, "Length", 64),
            "SMB2-3.3.5.15.7-13",
        ),
        server(
            "more than there is room for, file based",
            file_based(),
            1,
            |ask| set_u32(&mut ask.ioctl, "MaxOutputResponse", 100),
            "SMB2-3.3.5.15.7-13",
        ),
        server(
            "less than the file has",
            hash_based(),
            1,
            |ask| {
                let less = ask.buffer[..90].to_vec();
                ask.answer(less);
            },
            "SMB2-3.3.5.15.7-14",
        ),
    ]
}

fn of_hash_files() -> Vec<Deviant> {
    let of_file = |name, file: Vec<u8>, findings: &[&'static str]| {
        deviant(name, Side::Server, hash_based_of(&file), |_| {}, findings)
    };
    let of_header = |name, field, bytes: Vec<u8>, findings: &[&'static str]| {
        let change = |head: &mut Draft| set(head, field, bytes.clone());
        of_file(name, file_with(change, blob()), findings)
    };
    let number = |value: u32| value.to_le_bytes().to_vec();
    let (type_is_1, type_is_asked) = ("SMB2-2.2.32.4.1-04", "SMB2-3.3.5.15.7-19");
    let (version_is_known, version_is_asked) = ("SMB2-2.2.32.4.1-05", "SMB2-3.3.5.15.7-20");
    let stated = u32::try_from(blob().len()).unwrap();
    let mut wrong = blob();
    // dwHashAlgo.
    wrong[2] = 0x77;
    let mut far = blob();
    // dwOffsetInFirstSegment, behind the segment.
    far[6..10].copy_from_slice(&500_000_u32.to_le_bytes());
    let of_2 = part(0..FILE_BYTES);
    let short = |head: &mut Draft| set_u32(head, "HashBlobLength", stated - 40);
    let short = pieces(&file_with(short, blob()), 100);
    let mut cut = hash_based_of(&file()[..30]);
    set_u32(&mut cut.asks[0].input, "Length", 36);
    vec![
        of_file("no header", blob(), &["SMB2-2.2.32.4.2-06"]),
        deviant(
            "a file of 30 bytes",
            Side::Server,
            cut,
            |_| {},
            &["SMB2-3.3.5.15.7-18"],
        ),
        of_header(
            "HashType 2 in the header",
            "HashType",
            number(2),
            &[type_is_1, type_is_asked],
        ),
        of_header(
            "HashVersion 7",
            "HashVersion",
            number(7),
            &[version_is_known, version_is_asked],
        ),
        of_header(
            "hashes of another version",
            "HashVersion",
            number(2),
            &[version_is_asked, "SMB2-3.3.5.15.7-24"],
        ),
        of_header("Dirty", "Dirty", vec![1, 0], &["SMB2-3.3.5.15.7-21"]),
        of_header(
            "blob inside of the header",
            "HashBlobOffset",
            number(40),
            &["SMB2-2.2.32.4.1-03"],
        ),
        of_header(
            "HashBlobLength 1 short",
            "HashBlobLength",
            number(stated - 1),
            &["SMB2-2.2.32.4.1-08"],
        ),
        deviant(
            "HashBlobLength 40 short, in pieces",
            Side::Server,
            exchange(0x0210, V1, short),
            |_| {},
            &["SMB2-2.2.32.4.1-08"],
        ),
        of_header(
            "HashBlobLength 1 long",
            "HashBlobLength",
            number(stated + 1),
            &["SMB2-2.2.32.4.1-08"],
        ),
        of_header(
            "SourceFileSize of another file",
            "SourceFileSize",
            399_999_u64.to_le_bytes().to_vec(),
            &["SMB2-2.2.32.4.1-07"],
        ),
        of_file(
            "content information 2.0",
            file_with(|_| {}, of_2),
            &["SMB2-2.2.32.4.1-03"],
        ),
        of_file(
            "a hash that nobody knows",
            file_with(|_| {}, wrong),
            &["PCCRC-2.3-03"],
        ),
        of_file(
            "an offset behind its segment",
            file_with(|_| {}, far),
            &["PCCRC-2.3-04"],
        ),
    ]
}

fn of_covered() -> Vec<Deviant> {
    let covered = |name, number: usize, ask: Ask, finding| {
        server(name, file_based(), number, move |old| *old = ask, finding)
    };
    let field = |name, field, value, finding| {
        server(
            name,
            file_based(),
            1,
            move |ask| set_u64(&mut ask.fixed, field, value),
            finding,
        )
    };
    let headed = |name, change: &dyn Fn(&mut Draft), finding| {
        let mut head = header(2, 0);
        change(&mut head);
        let buffer = [head.to_bytes(), part(0..200_000)].concat();
        covered(name, 0, covering(0, 0..200_000).answered(buffer), finding)
    };
    let bare = covering(0, 0..200_000).answered(part(0..200_000));
    let of_1 = covering(200_000, 200_000..300_000).answered(blob());
    let mut index = information(2).of_range(200_000..300_000);
    index.index_of_first_segment = 3;
    let index = index.draft().to_bytes();
    let index = covering(200_000, 200_000..300_000).answered(index);
    let cut = part(200_000..300_000);
    let cut = covering(200_000, 200_000..300_000).answered(cut[..60].to_vec());
    vec![
        covered("no header at offset 0", 0, bare, "SMB2-3.3.5.15.7-28"),
        headed(
            "HashBlobLength with version 2",
            &|head| set_u32(head, "HashBlobLength", 172),
            "SMB2-3.3.5.15.7-24",
        ),
        headed(
            "dirty, file based",
            &|head| set(head, "Dirty", [0, 1]),
            "SMB2-3.3.5.15.7-21",
        ),
        headed(
            "blob behind the buffer",
            &|head| set_u32(head, "HashBlobOffset", 9_000),
            "SMB2-2.2.32.4.1-03",
        ),
        headed(
            "SourceFileSize too small",
            &|head| set_u64(head, "SourceFileSize", 390_000),
            "SMB2-2.2.32.4.1-07",
        ),
        covered("content information 1.0", 1, of_1, "SMB2-2.2.32.4.3-07"),
        covered("cut content information", 1, cut, "PCCRC-2.4-02"),
        covered("an index too far", 1, index, "PCCRC-2.4-06"),
        field(
            "FileDataOffset 0",
            "FileDataOffset",
            0,
            "SMB2-2.2.32.4.3-02",
        ),
        field(
            "FileDataLength 1 long",
            "FileDataLength",
            100_001,
            "SMB2-2.2.32.4.3-03",
        ),
        covered(
            "hashes of another part",
            2,
            covering(350_000, 200_000..300_000),
            "SMB2-3.3.5.15.7-14",
        ),
        covered(
            "hashes from further in front",
            2,
            covering(350_000, 200_000..400_000),
            "SMB2-3.3.5.15.7-27",
        ),
    ]
}
