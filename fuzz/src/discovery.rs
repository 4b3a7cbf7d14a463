//! Messages of discovery (MS-PCCRD 2.2) of both versions, decoded from anything.
//! Invariant: what decodes keeps its limits and is written again as the same message.
//! Byte order: none, core reads the text.

use peerdist::discovery::{Found, MAX_ADDRESSES, MAX_IDS, MAX_MESSAGE_BYTES, Message};

use crate::agreement::decoded;

/// Decodes a datagram and writes it again.
///
/// # Panics
/// Where an assertion fails: that is what a fuzzer looks for.
pub fn discovery_message(data: &[u8]) {
    let decoded = decoded!(
        data,
        Message::decode(data),
        |trace| Message::decode_traced(data, trace),
        |a, b| a == b
    );
    let message = match decoded {
        Ok(decoded) => decoded.message,
        Err(error) => {
            assert!(!error.requirement().is_empty());
            let _ = error.is_foreign();
            return;
        }
    };
    match &message {
        Message::Probe(probe) => assert!((1..=MAX_IDS).contains(&probe.ids.len())),
        Message::ProbeMatch(found) => {
            assert!((1..=MAX_ADDRESSES).contains(&found.addresses.len()));
            match &found.found {
                Found::V1(counts) => assert!((1..=MAX_IDS).contains(&counts.len())),
                Found::V2 { availability, ages } => {
                    assert!(availability.capacity() > 0);
                    assert!(ages.iter().count() <= MAX_IDS);
                }
            }
        }
    }
    let encoded = message.encode();
    if encoded.len() > MAX_MESSAGE_BYTES {
        // Names that were written as they are may need more bytes with their characters escaped.
        return;
    }
    let again = Message::decode(&encoded).expect("what was written decodes");
    assert_eq!(again.message, message);
    assert_eq!(again.message.encode(), encoded);
}
