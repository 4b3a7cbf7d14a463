use super::*;
use crate::hosted_cache::{ContentTag, SegmentInfo};

fn auto(bytes: &[u8]) -> Decoded<'_> {
    decode(bytes, None).unwrap()
}

fn find<'a>(fields: &'a [Field<'a>], name: &str) -> Option<&'a Field<'a>> {
    fields.iter().find_map(|field| {
        if field.name == name {
            return Some(field);
        }
        find(&field.children, name)
    })
}

#[test]
fn bytes_of_no_protocol_are_refused_with_a_reason() {
    for bytes in [&b""[..], b"\xff\xff\xff", b"nothing", &[0; 40]] {
        let decoded = auto(bytes);
        assert_eq!(decoded.protocol, None, "{bytes:?}");
        assert_eq!(decoded.error.unwrap().problem, "unknown-protocol");
    }
}

#[test]
fn more_bytes_than_the_limit_are_refused() {
    let bytes = vec![0; INPUT_MAX_BYTES + 1];
    assert_eq!(decode(&bytes, None).unwrap_err().found, bytes.len());
}

#[test]
fn an_error_in_a_header_field_is_placed_in_the_whole_input() {
    let decoded = auto(b"Host: a\r\nX-P2P-PeerDist: Version=1.x\r\n");
    assert_eq!(decoded.protocol, Some(Protocol::Pccrtp));
    let error = decoded.error.unwrap();
    assert_eq!((error.problem, error.at), ("version-syntax", 33));
}

#[test]
fn a_header_field_that_stands_twice_is_refused() {
    let decoded = auto(b"X-P2P-PeerDist: Version=1.0\nX-P2P-PeerDist: Version=1.1\n");
    assert_eq!(decoded.error.unwrap().problem, "duplicate-parameter");
}

#[test]
fn heads_beyond_their_limits_are_refused() {
    let many = b"a:\n".repeat(HEADER_FIELDS_MAX + 2);
    assert_eq!(auto(&many).error.unwrap().problem, "too-many-fields");
    let long = [&b"a:"[..], &b"x".repeat(HEAD_MAX_BYTES)].concat();
    assert_eq!(auto(&long).error.unwrap().problem, "head-too-large");
}

#[test]
fn a_secret_is_marked_wherever_it_stands() {
    let mut info = vec![0, 1, 0x0c, 0x80, 0, 0];
    for number in [0, 0, 1, 0, 0, 1, 65536_u32] {
        info.extend_from_slice(&number.to_le_bytes());
    }
    info.extend_from_slice(&[7; 32]);
    info.extend_from_slice(&[8; 32]);
    info.extend_from_slice(&[1, 0, 0, 0]);
    info.extend_from_slice(&[9; 32]);
    let head = b"HTTP/1.1 200 OK\r\nContent-Encoding: peerdist\r\n\r\n";
    let response = [&head[..], &info].concat();
    let offer = SegmentInfo {
        port: 8080,
        content_tag: ContentTag::of_name("WinINet"),
        segment_information: &info,
    }
    .encode();
    let shown = auto(&offer);
    let inside = find(&shown.fields, "SegmentInformation").unwrap();
    for field in ["dwHashAlgo", "cbSegment", "cBlocks"] {
        assert!(find(&inside.children, field).is_some(), "{field} is inside");
    }
    for bytes in [&info[..], &response, &offer] {
        let decoded = auto(bytes);
        assert!(decoded.is_valid(), "{decoded:?}");
        let secret = find(&decoded.fields, "SegmentSecret").unwrap();
        assert_eq!(secret.value, Value::Secret(&[8; 32]));
        assert_eq!(&bytes[secret.at..secret.at + secret.length], [8; 32]);
    }
}
