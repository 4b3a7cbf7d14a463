//! The annotated tree of a message of MS-PCCRD.
//! Invariant: what an entry points at in the datagram is what was read, in either encoding.
//! Byte order: as in the messages.

use super::*;
use crate::wire::TraceEntry;

fn trace_of(datagram: &[u8]) -> Vec<TraceEntry> {
    let trace = Trace::new();
    assert_eq!(
        Message::decode_traced(datagram, &trace),
        Message::decode(datagram)
    );
    trace.into_entries()
}

fn bytes_of(datagram: &[u8], entries: &[TraceEntry], field: &str) -> Vec<String> {
    entries
        .iter()
        .filter(|entry| entry.field == field && entry.length > 0)
        .map(|entry| String::from_utf8_lossy(&datagram[entry.at..][..entry.length]).into_owned())
        .collect()
}

#[test]
fn fields_of_a_version_1_match_stand_where_the_trace_says() {
    let datagram = messages()[2].encode();
    let entries = trace_of(&datagram);
    for (field, expected) in [
        ("HoHoDk", &["AB".repeat(32), "CD".repeat(32)][..]),
        ("BlockCount", &["0000002A".into(), "00000000".into()]),
        (
            "XAddrs",
            &["192.0.2.7:54321".into(), "[2001:db8::7]:54321".into()],
        ),
        ("InstanceId", &["1218765447".into()]),
        ("MessageNumber", &["4".into()]),
        ("MetadataVersion", &["1".into()]),
        ("Types", &["PeerDist:PeerDistData".into()]),
        ("RelatesTo", &[uuid(0x11).to_string()]),
        ("Address", &[uuid(0x33).to_string()]),
    ] {
        assert_eq!(bytes_of(&datagram, &entries, field), expected, "{field}");
    }
    let numbers: Vec<_> = entries
        .iter()
        .filter(|entry| entry.field == "BlockCount")
        .map(|entry| entry.number)
        .collect();
    assert_eq!(numbers, [Some(42), Some(0)]);
}

#[test]
fn fields_of_a_version_2_probe_stand_where_their_base64_does() {
    let datagram = messages()[1].encode();
    let entries = trace_of(&datagram);
    let field = |name| bytes_of(&datagram, &entries, name);
    // Three bytes are four symbols: 00 20 is all of two and a part of the third, the count the rest.
    assert_eq!(field("SegmentHashSize"), ["AC"]);
    assert_eq!(field("SegmentHashCount"), ["AC"]);
    assert_eq!(field("HoHoDk").len(), 2);
    assert!(field("HoHoDk")[0].starts_with("q6ur"));
    let meanings: Vec<_> = entries
        .iter()
        .filter(|entry| entry.field == "HoHoDk")
        .map(|entry| entry.meaning.as_str())
        .collect();
    assert_eq!(meanings, ["ab".repeat(32), "cd".repeat(32)]);
}

#[test]
fn the_tree_is_that_of_the_elements() {
    let entries = trace_of(&messages()[3].encode());
    let tree: Vec<_> = entries.iter().map(|e| (e.depth, e.field)).collect();
    let expected = [
        (0, "Envelope"),
        (1, "Header"),
        (2, "To"),
        (2, "Action"),
        (2, "MessageID"),
        (2, "RelatesTo"),
        (2, "AppSequence"),
        (3, "InstanceId"),
        (3, "MessageNumber"),
        (1, "Body"),
        (2, "ProbeMatches"),
        (3, "ProbeMatch"),
        (4, "EndpointReference"),
        (5, "Address"),
        (4, "Types"),
        (4, "MetadataVersion"),
        (4, "Scopes"),
        (4, "SegmentAges"),
        (4, "XAddrs"),
        (4, "XAddrs"),
    ];
    assert_eq!(tree, expected);
    let meaning = |field| {
        let entry = entries.iter().find(|entry| entry.field == field);
        entry.map(|entry| entry.meaning.clone()).unwrap_or_default()
    };
    assert_eq!(meaning("Scopes"), "2 segments, 1 of them complete");
    assert_eq!(meaning("SegmentAges"), "segment 3: 600s");
}

#[test]
fn the_tree_of_utf_16_is_the_same_at_other_places() {
    for message in messages() {
        let text = text(&message).replace("utf-8", "utf-16");
        let narrow = text.replace("utf-16", "utf-8");
        let wide = trace_of(&utf16(&text, u16::to_le_bytes));
        let shift = "utf-16".len() - "utf-8".len();
        let expected: Vec<_> = trace_of(narrow.as_bytes())
            .into_iter()
            .map(|entry| TraceEntry {
                at: 2 + 2 * (entry.at + shift),
                length: 2 * entry.length,
                ..entry
            })
            .collect();
        assert_eq!(wide, expected);
    }
}

#[test]
fn the_tree_of_a_broken_message_ends_where_it_breaks() {
    let datagram = text(&messages()[2]).replace("0000002A", "0000002G");
    let trace = Trace::new();
    let error = Message::decode_traced(datagram.as_bytes(), &trace).unwrap_err();
    assert_eq!(&datagram[error.at..=error.at], "G");
    let entries = trace.into_entries();
    assert_eq!(entries.last().unwrap().field, "HoHoDk");
}
